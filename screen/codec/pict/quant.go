package pict

// maxQP is the coarsest of the 52 steps.
const maxQP = 51

// steps are the quantiser's steps in eighths: 8 * 2^((qp-4)/6), rounded.
var steps = func() (s [maxQP + 1]int16) {
	for qp := range s {
		s[qp] = int16((8*stepOf(qp) + 1<<15) >> 16)
	}
	return s
}()

// stepTable is a step for each coefficient, as kern.Dequant8 wants it.
var stepTable = func() (t [maxQP + 1][64]int16) {
	for qp := range t {
		for i := range t[qp] {
			t[qp][i] = steps[qp]
		}
	}
	return t
}()

// blocks of a tile: four of luma, then of chroma either one Cb and one Cr at
// half the resolution, or four Cb and four Cr.
const (
	halfCb, halfCr = 4, 5
	fullCb, fullCr = 4, 8
)

// sort of a block.
type sort uint8

const (
	sortLuma sort = iota
	sortHalfCb
	sortHalfCr
	sortFullCb
	sortFullCr
	sorts
)

func sortOf(b int, full bool) sort {
	switch {
	case b < 4:
		return sortLuma
	case !full:
		return sortHalfCb + sort(b-halfCb)
	case b < fullCr:
		return sortFullCb
	}
	return sortFullCr
}

func blockCount(full bool) int {
	if full {
		return 12
	}
	return 6
}

// weights of a squared error in RGB by kern's matrix, in quarters of that of
// luma. A block of half resolution stands for four samples each.
var weights = [sorts]int{4, 18, 14, 4, 3}

// qpOffsets give each sort the step that its weight deserves.
var qpOffsets = [sorts]int{0, -5, -4, 0, 0}

// blockQP is the QP of a sort of block in a tile.
func blockQP(qp int, s sort) int { return max(qp+qpOffsets[s], 0) }

// stepOf is the quantiser's step in 1/65536: 1 at a QP of 4, twice as much every
// six. Both ends must have the same, so no floating point is in it.
func stepOf(qp int) int64 {
	// The powers of the sixth root of two.
	root := [6]int64{65536, 73562, 82570, 92682, 104032, 116772}
	return root[(qp+2)%6] << ((qp + 2) / 6) >> 1
}
