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

	luma   [2 * 3 * 2]rc.Prob // has the block levels?
	colour [2 * 2 * 6]rc.Prob

	block [6]blockModel // luma, Cb, Cr; moved and intra
}

// maxVector bounds a vector's parts, in quarter samples.
const maxVector = 4 * 255

// side information of a tile: all but its levels.
type info struct {
	kind   kind
	mv     vector
	modes  [4]uint8
	chroma uint8
	coded  uint8
}

// around is what the contexts of a tile are made of.
type around struct {
	left, up *tile  // coded in this body, or nil
	was      *tile  // this tile when last coded
	recent   bool   // that was in the body before
	guess    vector // for its vector
}

func (p *picture) around(tx, ty int) around {
	a := around{left: p.lately(tx-1, ty), up: p.lately(tx, ty-1), was: &p.tiles[ty*p.cols+tx]}
	a.recent = a.was.frame+1 == p.frame
	c := p.lately(tx+1, ty-1)
	if c == nil {
		c = p.lately(tx-1, ty-1)
	}
	a.guess = guess(a.left, a.up, c)
	return a
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
	encodeCoded(e, m, a, i)
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
	decodeCoded(d, m, a, i)
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
	e.Tree(m.chroma[:], uint32(i.chroma), 3)
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
	i.chroma = uint8(min(d.Tree(m.chroma[:], 3), chromaModes-1))
}

// codedContext of block b: how many of its neighbours have levels.
func codedContext(a *around, coded uint8, b int) int {
	of := func(t *tile, b int) int {
		if t == nil {
			return 0
		}
		return int(t.coded >> b & 1)
	}
	if b >= 4 {
		c := of(a.left, b) + of(a.up, b)
		if b == 5 {
			return 3*int(coded>>4&1) + c
		}
		return 3*b2i(coded&15 != 0) + c
	}
	n := 0
	if b&1 == 1 {
		n += int(coded >> (b - 1) & 1)
	} else {
		n += of(a.left, b+1)
	}
	if b >= 2 {
		n += int(coded >> (b - 2) & 1)
	} else {
		n += of(a.up, b+2)
	}
	return n
}

func (m *models) coded(a *around, i *info, coded uint8, b int) *rc.Prob {
	c := codedContext(a, coded, b)
	intra := b2i(i.kind == kindIntra)
	if b < 4 {
		return &m.luma[intra*6+c*2+b2i(b == 3)]
	}
	return &m.colour[intra*12+(b-4)*6+c]
}

func encodeCoded(e *rc.Encoder, m *models, a *around, i *info) {
	for b := range 6 {
		e.Bit(m.coded(a, i, i.coded&(1<<b-1), b), i.coded>>b&1 == 1)
	}
}

func decodeCoded(d *rc.Decoder, m *models, a *around, i *info) {
	for b := range 6 {
		if d.Bit(m.coded(a, i, i.coded, b)) {
			i.coded |= 1 << b
		}
	}
}

// blockModelOf block b.
func (m *models) blockModelOf(k kind, b int) *blockModel {
	n := 0
	if b >= 4 {
		n = b - 3
	}
	if k == kindIntra {
		n += 3
	}
	return &m.block[n]
}

// note remembers what was coded.
func (p *picture) note(tx, ty int, i *info, qp int) {
	p.tiles[ty*p.cols+tx] = tile{frame: p.frame, mv: i.mv, kind: i.kind, coded: i.coded, qp: uint8(qp), modes: i.modes}
}

// move predicts the tile from old, displaced by mv.
func (p *picture) move(y []byte, ys int, cb, cr []byte, cs int, tx, ty int, mv vector) {
	p.moveLuma(y, ys, tx, ty, mv)
	for c, dst := range [2][]byte{cb, cr} {
		src, ss := p.old[c+1].patch(tx*half+int(mv.x>>3), ty*half+int(mv.y>>3), half+1, half+1, &p.patch)
		kern.MCChroma(dst, cs, src, ss, int(mv.x&7), int(mv.y&7), half, half)
	}
}

func (p *picture) moveLuma(y []byte, ys int, tx, ty int, mv vector) {
	const n = side + kern.MCBefore + kern.MCAfter
	src, ss := p.old[0].patch(tx*side+int(mv.x>>2)-kern.MCBefore, ty*side+int(mv.y>>2)-kern.MCBefore, n, n, &p.patch)
	kern.MC16(y, ys, src, ss, int(mv.x&3), int(mv.y&3), side, side)
}

// blockAt gives the plane of block b of a tile, and its place.
func (p *picture) blockAt(tx, ty, b int) (pl *plane, x, y int) {
	if b < 4 {
		return &p.now[0], tx*side + b&1*8, ty*side + b>>1*8
	}
	return &p.now[b-3], tx * half, ty * half
}

// border reads what block b of a tile is predicted from.
func (p *picture) border(br *border, tx, ty, b int) {
	pl, x, y := p.blockAt(tx, ty, b)
	br.take(pl, x, y, b != 3)
}

// rebuild adds the levels, which become rubbish, to dst.
func rebuild(dst []byte, ds int, pred []byte, ps int, level *[64]int16, qp int) {
	kern.Dequant8(level, &stepTable[qp])
	kern.IDCT8(level)
	kern.Add8(dst, ds, pred, ps, level)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func bitLen(v int) int { return bits.Len(uint(v)) }
