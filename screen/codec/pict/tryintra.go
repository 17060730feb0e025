package pict

import (
	"math"

	"sightline/screen/codec/kern"
)

// activity is about the cost of the luma if each block is predicted by its
// mean, 1/16 units: what intra prediction has to beat, at least where noise is
// all there is. A fourth is added, for there it would win nothing.
func (e *Encoder) activity() int {
	sum := 0
	for b := range 4 {
		p := e.src[0][b>>1*8*e.ss+b&1*8:]
		// The first of kern.SATD8's terms is an eighth of the sum.
		sum += kern.SATD8(p, e.ss, zeros[:], 8) - kern.SAD8(p, e.ss, zeros[:], 8)/8
	}
	return 16 * sum * 5 / 4
}

var zeros [64]byte

// tryIntra predicts from the tile's surroundings. It uses now as its slate.
func (e *Encoder) tryIntra(t *trial, tx, ty int, a *around, qp int) {
	t.info = info{kind: kindIntra}
	t.cost = e.lam.ssd * 4
	for b := range 4 {
		t.cost += e.intraLuma(t, tx, ty, b, a, qp)
		// Hopeless if a part already costs much more than its share.
		if t != e.best && 6*t.cost > (b+3)*e.best.cost {
			t.cost = math.MaxInt
			return
		}
	}
	if e.thin {
		t.cost += e.intraThin(t, tx, ty, qp)
		return
	}
	before := t.coded
	chroma := e.intraHalf(t, tx, ty, qp)
	if chroma < e.fullFrom() {
		t.cost += chroma
		return
	}
	kept := t.coded
	e.keepHalf(t)
	t.coded, t.full = before, true
	full := e.lam.ssd * 4
	for b := fullCb; b < fullCr+4; b++ {
		full += e.intraBlock(t, tx, ty, b, t.modes[b&3], qp)
	}
	if full < chroma {
		t.cost += full
		return
	}
	t.coded, t.full = kept, false
	t.small &= 15
	e.backHalf(t)
	t.cost += chroma
}

// intraLuma chooses the mode of a luma block and codes it.
func (e *Encoder) intraLuma(t *trial, tx, ty, b int, a *around, qp int) int {
	var br border
	var pred [64]byte
	x, y := b&1*8, b>>1*8
	br.take(&e.now[0], tx*side+x, ty*side+y, b != 3)
	left, above := likely(a, &t.modes, b)
	best := math.MaxInt
	try := func(mode uint8) {
		br.predict(pred[:], 8, int(mode))
		bits := 5
		if mode == left {
			bits = 1
		} else if mode == above {
			bits = 2
		}
		if c := 16*kern.SATD8(e.src[0][y*e.ss+x:], e.ss, pred[:], 8) + e.lam.sad*bits; c < best {
			best, t.modes[b] = c, mode
		}
	}
	for mode := range uint8(modeSlope) {
		try(mode)
	}
	// Where little is left, without a direction, the slanted modes are not
	// worth a look.
	if m := t.modes[b]; m == modeV || m == modeH || left >= modeSlope || above >= modeSlope || best > e.lam.rough && !e.hasty {
		for mode := uint8(modeSlope); mode < lumaModes; mode++ {
			try(mode)
		}
	}
	return 2*e.lam.ssd + e.intraBlock(t, tx, ty, b, t.modes[b], qp)
}

// intraBlock codes a block of full resolution and writes it into now, where
// the next is predicted from it.
func (e *Encoder) intraBlock(t *trial, tx, ty, b int, mode uint8, qp int) int {
	var br border
	var pred [64]byte
	c, x, y := spot(b, true)
	pl := &e.now[c]
	br.take(pl, tx*side+x, ty*side+y, b&3 != 3)
	br.predict(pred[:], 8, int(mode))
	cost := e.block(t, b, pred[:], 8, qp, &intraBias)
	for r := range 8 {
		copy(pl.at(tx*side+x, ty*side+y+r)[:8], t.pix[c][(y+r)*side+x:])
	}
	return cost
}

// intraHalf codes chroma at half resolution, predicted as a whole.
func (e *Encoder) intraHalf(t *trial, tx, ty, qp int) int {
	var w [2]wide
	for c := range w {
		w[c].take(&e.now[1+c], tx*side, ty*side)
	}
	best := math.MaxInt
	tried, last := 0, uint8(0)
	for _, mode := range [3]uint8{modeDC, min(t.modes[0], modeSlope), min(t.modes[3], modeSlope)} {
		if tried>>mode&1 == 1 {
			continue
		}
		tried |= 1 << mode
		last = mode
		cost := 0
		for c := range w {
			w[c].predict(e.slate[1+c][:], side, int(mode))
			cost += kern.SAD16(e.src[1+c], e.ss, e.slate[1+c][:], side)
		}
		if cost < best {
			best, t.chroma = cost, mode
		}
	}
	cost := 0
	for c := range w {
		if last != t.chroma {
			w[c].predict(e.slate[1+c][:], side, int(t.chroma))
		}
		cost += e.block(t, halfCb+c, e.slate[1+c][:], side, qp, &intraBias)
	}
	return cost
}

// intraThin codes thin chroma, predicted from the samples around it.
func (e *Encoder) intraThin(t *trial, tx, ty, qp int) int {
	const half = side / 2
	var br [2]border
	for c := range br {
		br[c].take(&e.now[1+c], tx*half, ty*half, false)
	}
	best := math.MaxInt
	for mode := range uint8(chromaModes) {
		sad := 0
		for c := range br {
			br[c].predict(e.slate[1+c][:], side, int(mode))
			sad += kern.SAD8(e.src[1+c], e.ss, e.slate[1+c][:], side)
		}
		if sad < best {
			best, t.chroma = sad, mode
		}
	}
	cost := 0
	for c := range br {
		br[c].predict(e.slate[1+c][:], side, int(t.chroma))
		cost += e.block(t, halfCb+c, e.slate[1+c][:], side, qp, &intraBias)
	}
	return cost
}
