package pict

import (
	"math/bits"

	"sightline/screen/codec/kern"
	"sightline/screen/codec/rc"
)

// models is all that the two ends learn in step.
type models struct {
	end   rc.Prob // no more rows
	qp    rc.Signed
	skip  [9]rc.Prob
	still [3]rc.Prob
	intra [9]rc.Prob

	same [3]rc.Prob // the vector is as predicted
	mv   [2]rc.Signed

	modeLeft  [lumaModes]rc.Prob
	modeAbove [lumaModes]rc.Prob
	mode      [8]rc.Prob
	chroma    [8]rc.Prob

	full  [6]rc.Prob
	coded [2][sorts][6]rc.Prob // has the block levels?

	small [2][sorts][3]rc.Prob // are its transforms of 4 x 4?

	block [2][2][sorts]blockModel // moved and intra; 8 x 8 and 4 x 4
}

// maxVector bounds a vector's parts, in quarter samples.
const maxVector = 4 * 255

// side information of a tile: all but its levels.
type info struct {
	kind   kind
	mv     vector
	modes  [4]uint8
	chroma uint8
	coded  uint16
	small  uint16
	full   bool
}

// around is what the contexts of a tile are made of.
type around struct {
	left, up *tile  // coded in this body, or nil
	was      *tile  // this tile when last coded
	recent   bool   // that was in the body before
	guess    vector // for its vector
	thin     bool   // chroma has half the resolution anyway
}

func (p *picture) around(a *around, tx, ty int) {
	a.left, a.up, a.was, a.thin = p.lately(tx-1, ty), p.lately(tx, ty-1), &p.tiles[ty*p.cols+tx], p.thin
	a.recent = a.was.frame+1 == p.frame
	c := p.lately(tx+1, ty-1)
	if c == nil {
		c = p.lately(tx-1, ty-1)
	}
	a.guess = guess(a.left, a.up, c)
}

// guess is the median of the neighbours' vectors, or the only one.
func guess(a, b, c *tile) vector {
	var v [3]vector
	n := 0
	for _, t := range [3]*tile{a, b, c} {
		if t != nil && t.kind != kindIntra {
			v[n] = t.mv
			n++
		}
	}
	if n < 3 {
		return v[0]
	}
	return vector{median(v[0].x, v[1].x, v[2].x), median(v[0].y, v[1].y, v[2].y)}
}

func median(a, b, c int16) int16 { return max(min(a, b), min(max(a, b), c)) }

func (a *around) count(is func(t *tile) bool) int {
	n := 0
	if a.left != nil && is(a.left) {
		n++
	}
	if a.up != nil && is(a.up) {
		n++
	}
	return n
}

func skipped(t *tile) bool { return t.kind <= kindSkip }
func isStill(t *tile) bool { return t.kind == kindStill }
func isIntra(t *tile) bool { return t.kind == kindIntra }

func (a *around) skipContext() int {
	c := a.count(skipped)
	if a.recent {
		c += 3
		if skipped(a.was) {
			c += 3
		}
	}
	return c
}

func (a *around) intraContext() int {
	c := a.count(isIntra)
	if a.recent {
		c += 3
		if isIntra(a.was) {
			c += 3
		}
	}
	return c
}

// sameContext: 0 where the neighbours move alike.
func (a *around) sameContext() int {
	if a.left == nil || a.up == nil {
		return 2
	}
	if a.left.mv == a.up.mv {
		return 0
	}
	return 1
}

func encodeInfo(e *rc.Encoder, m *models, a *around, i *info) {
	skip := i.kind <= kindSkip
	e.Bit(&m.skip[a.skipContext()], skip)
	if skip {
		if a.guess != (vector{}) {
			e.Bit(&m.still[a.count(isStill)], i.kind == kindStill)
		}
		return
	}
	e.Bit(&m.intra[a.intraContext()], i.kind == kindIntra)
	if i.kind == kindIntra {
		encodeModes(e, m, a, i)
	} else {
		same := i.mv == a.guess
		e.Bit(&m.same[a.sameContext()], same)
		if !same {
			m.mv[0].Encode(e, int32(i.mv.x)-int32(a.guess.x))
			m.mv[1].Encode(e, int32(i.mv.y)-int32(a.guess.y))
		}
	}
	if !a.thin {
		e.Bit(&m.full[a.fullContext(i)], i.full)
	}
	if i.kind == kindIntra && !i.full {
		e.Tree(m.chroma[:], uint32(i.chroma), 3)
	}
	for b := range blockCount(i.full) {
		e.Bit(m.has(a, i, b), i.coded>>b&1 == 1)
	}
}

// decodeInfo is false if no encoder codes such a tile.
func decodeInfo(d *rc.Decoder, m *models, a *around, i *info) bool {
	*i = info{}
	if d.Bit(&m.skip[a.skipContext()]) {
		if a.guess != (vector{}) && !d.Bit(&m.still[a.count(isStill)]) {
			i.kind, i.mv = kindSkip, a.guess
		}
		return true
	}
	if d.Bit(&m.intra[a.intraContext()]) {
		i.kind = kindIntra
		decodeModes(d, m, a, i)
	} else {
		i.kind, i.mv = kindInter, a.guess
		if !d.Bit(&m.same[a.sameContext()]) {
			x := int64(a.guess.x) + int64(m.mv[0].Decode(d))
			y := int64(a.guess.y) + int64(m.mv[1].Decode(d))
			if x < -maxVector || x > maxVector || y < -maxVector || y > maxVector {
				return false
			}
			i.mv = vector{int16(x), int16(y)}
		}
	}
	i.full = !a.thin && d.Bit(&m.full[a.fullContext(i)])
	if i.kind == kindIntra && !i.full {
		i.chroma = uint8(d.Tree(m.chroma[:], 3))
	}
	for b := range blockCount(i.full) {
		if d.Bit(m.has(a, i, b)) {
			i.coded |= 1 << b
		}
	}
	return true
}

// likely gives the two modes that block b is likely to have.
func likely(a *around, modes *[4]uint8, b int) (left, above uint8) {
	of := func(t *tile, b int) uint8 {
		if t == nil || t.kind != kindIntra {
			return modeDC
		}
		return t.modes[b]
	}
	if b&1 == 1 {
		left = modes[b-1]
	} else {
		left = of(a.left, b+1)
	}
	if b >= 2 {
		above = modes[b-2]
	} else {
		above = of(a.up, b+2)
	}
	return left, above
}

func encodeModes(e *rc.Encoder, m *models, a *around, i *info) {
	for b, mode := range i.modes {
		left, above := likely(a, &i.modes, b)
		e.Bit(&m.modeLeft[left], mode == left)
		if mode == left {
			continue
		}
		if above != left {
			e.Bit(&m.modeAbove[above], mode == above)
			if mode == above {
				continue
			}
		}
		e.Tree(m.mode[:], uint32(mode), 3)
	}
}

func decodeModes(d *rc.Decoder, m *models, a *around, i *info) {
	for b := range i.modes {
		left, above := likely(a, &i.modes, b)
		switch {
		case d.Bit(&m.modeLeft[left]):
			i.modes[b] = left
		case above != left && d.Bit(&m.modeAbove[above]):
			i.modes[b] = above
		default:
			i.modes[b] = uint8(d.Tree(m.mode[:], 3))
		}
	}
}

func isFull(t *tile) bool { return t.full }

func (a *around) fullContext(i *info) int {
	return a.count(isFull) + 3*b2i(i.kind == kindIntra)
}

// has gives the chance that block b has levels, by its neighbours.
func (m *models) has(a *around, i *info, b int) *rc.Prob {
	s := sortOf(b, i.full)
	c := 0
	switch s {
	case sortHalfCb, sortHalfCr:
		if a.left != nil && !a.left.full {
			c = int(a.left.coded >> b & 1)
		}
		if a.up != nil && !a.up.full {
			c += int(a.up.coded >> b & 1)
		}
		if s == sortHalfCr && i.coded>>halfCb&1 == 1 || s == sortHalfCb && i.coded&15 != 0 {
			c += 3
		}
	default:
		c = a.quarters(i, b)
		if s == sortFullCb && i.coded>>(b&3)&1 == 1 || s == sortFullCr && i.coded>>(b-4)&1 == 1 || b == 3 {
			c += 3
		}
	}
	return &m.coded[b2i(i.kind == kindIntra)][s][c]
}

// quarters counts the neighbours to the left and above of block b, of full
// resolution, that have levels.
func (a *around) quarters(i *info, b int) int {
	of := func(t *tile, b int) int {
		if t == nil || b > 3 && !t.full {
			return 0
		}
		return int(t.coded >> b & 1)
	}
	n := 0
	if b&1 == 1 {
		n += int(i.coded >> (b - 1) & 1)
	} else {
		n += of(a.left, b+1)
	}
	if b&2 != 0 {
		n += int(i.coded >> (b - 2) & 1)
	} else {
		n += of(a.up, b+2)
	}
	return n
}

// blockModel of block b, whose bit in i.small is known.
func (m *models) blockModel(i *info, b int) *blockModel {
	return &m.block[b2i(i.kind == kindIntra)][i.small>>b&1][sortOf(b, i.full)]
}

// smallProb is the chance that block b has transforms of 4 x 4, nil if it
// cannot; the block before it with levels gives the context.
func (m *models) smallProb(i *info, b int) *rc.Prob {
	s := sortOf(b, i.full)
	if s == sortHalfCb || s == sortHalfCr {
		return nil
	}
	c := 2
	if before := i.coded & (1<<b - 1); before != 0 {
		c = int(i.small >> (bitLen(int(before)) - 1) & 1)
	}
	return &m.small[b2i(i.kind == kindIntra)][s][c]
}

// note remembers what was coded.
func (p *picture) note(tx, ty int, i *info, qp int) {
	t := &p.tiles[ty*p.cols+tx] // each field by itself: a tile put together and copied waits for its own parts
	t.frame, t.mv, t.kind, t.coded, t.qp, t.full, t.modes = p.frame, i.mv, i.kind, i.coded, uint8(qp), i.full, i.modes
}

// move predicts component c of the tile from old, displaced by mv.
func (p *picture) move(dst []byte, ds int, c, tx, ty int, mv vector) {
	if src, ss := p.moved(dst, ds, c, tx, ty, mv); ss != ds || &src[0] != &dst[0] {
		p.copyTile(c, dst, ds, src, ss)
	}
}

// moved is move where it need not be in dst: it may stand in old as it is.
func (p *picture) moved(dst []byte, ds int, c, tx, ty int, mv vector) ([]byte, int) {
	if p.thin && c > 0 {
		return p.movedThin(dst, ds, c, tx, ty, mv)
	}
	const n = side + kern.MCBefore + kern.MCAfter
	x, y, old := tx*side+int(mv.x>>2), ty*side+int(mv.y>>2), &p.old[c]
	if (mv.x|mv.y)&3 == 0 {
		if old.holds(x, y, side, side) {
			return old.at(x, y), old.stride
		}
		src, ss := old.patch(x, y, side, side, &p.patch)
		kern.Copy16(dst, ds, src, ss)
		return dst, ds
	}
	src, ss := old.patch(x-kern.MCBefore, y-kern.MCBefore, n, n, &p.patch)
	kern.MC16(dst, ds, src, ss, int(mv.x&3), int(mv.y&3), side, side)
	return dst, ds
}

// movedThin is moved for thin chroma: a quarter luma sample is an eighth there.
func (p *picture) movedThin(dst []byte, ds int, c, tx, ty int, mv vector) ([]byte, int) {
	const half, n = side / 2, side/2 + kern.MCChromaBefore + kern.MCChromaAfter
	x, y, old := tx*half+int(mv.x>>3), ty*half+int(mv.y>>3), &p.old[c]
	if (mv.x|mv.y)&7 == 0 {
		if old.holds(x, y, half, half) {
			return old.at(x, y), old.stride
		}
		src, ss := old.patch(x, y, half, half, &p.patch)
		copy8(dst, ds, src, ss)
		return dst, ds
	}
	src, ss := old.patch(x-kern.MCChromaBefore, y-kern.MCChromaBefore, n, n, &p.patch)
	kern.MCChroma(dst, ds, src, ss, int(mv.x&7), int(mv.y&7), half, half)
	return dst, ds
}

// twice tells that each sample of a block stands for two by two.
func (p *picture) twice(s sort) bool { return !p.thin && (s == sortHalfCb || s == sortHalfCr) }

// rebuild adds the levels of block b to pred: 8 x 8 samples, or two by two for
// each. The levels become rubbish.
func rebuild(dst []byte, ds int, pred []byte, ps int, level *[64]int16, qp int, twice, small bool) {
	kern.Dequant8(level, &stepTable[qp])
	switch {
	case small:
		var c [64]int16
		for i, at := range mixed {
			c[i] = level[at]
		}
		kern.IDCT4x4(&c)
		kern.Add8(dst, ds, pred, ps, &c)
	case twice:
		kern.IDCT8(level)
		kern.AddTwice8(dst, ds, pred, ps, level)
	default:
		kern.IDCTAdd8(dst, ds, pred, ps, level)
	}
}

// mixed tells where the coefficients of four 4 x 4 transforms, as
// kern.FDCT4x4 lays them out, go among those of a block: like frequencies of
// the four side by side, so that scan finds the low ones first.
var mixed = func() (m [64]uint8) {
	for i := range m {
		x, y := i&7, i>>3
		m[i] = uint8((y&3*2+y>>2)*8 + x&3*2 + x>>2)
	}
	return m
}()

// spot gives the component of block b and where in a tile it is.
func spot(b int, full bool) (c, x, y int) {
	if b >= 4 && !full {
		return b - 3, 0, 0
	}
	return b >> 2, b & 1 * 8, b >> 1 & 1 * 8
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func bitLen(v int) int { return bits.Len(uint(v)) }
