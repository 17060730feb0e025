package pict

import "math"

// maxQP is the coarsest of the 52 steps.
const maxQP = 51

// Offsets of the chroma QP. An error in Cb or Cr shows in two colours at four
// pixels, so chroma deserves the finer step: by the squares of kern's matrix
// one unit of error in a Cb sample weighs 4.5 luma units in RGB, in Cr 3.5.
const (
	cbOffset = -5
	crOffset = -4
)

// steps are the quantiser's steps in eighths: 8 * 2^((qp-4)/6), rounded.
var steps = func() (s [maxQP + 1]int16) {
	for qp := range s {
		s[qp] = int16(math.Round(8 * math.Exp2(float64(qp-4)/6)))
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

// blockQP is the QP of block i (0 to 3 luma, 4 Cb, 5 Cr) of a tile.
func blockQP(qp, i int) int {
	switch i {
	case 4:
		return max(qp+cbOffset, 0)
	case 5:
		return max(qp+crOffset, 0)
	}
	return qp
}
