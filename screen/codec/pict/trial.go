package pict

import (
	"math"

	"sightline/screen/codec/kern"
)

// trial is one way of coding a tile.
type trial struct {
	info
	level [6][64]int16
	last  [6]int
	pix   tilePixels // what it looks like
	cost  int        // in 1/64 of a squared luma unit
}

// lambdas weigh bits against errors.
type lambdas struct {
	qp  int
	ssd int // 1/64 squared luma units for a bit
	sad int // 1/16 luma units for a bit
}

func (l *lambdas) set(qp int) {
	step := math.Exp2(float64(qp-4) / 6)
	l.qp = qp
	l.ssd = int(64*lambdaSSD*step*step + 0.5)
	l.sad = int(16*math.Sqrt(lambdaSSD)*step + 0.5)
}

// lambdaSSD is how many squares of the step a bit is worth.
var lambdaSSD = 0.13

// weight of a squared error in block b, 1/4 luma units.
var weight = [6]int{4, 4, 4, 4, 18, 14}

// decide finds the way with the least cost and makes it e.best.
func (e *Encoder) decide(tx, ty int, a *around, qp int) {
	e.best = &e.tries[0]
	spare := &e.tries[1]
	t := e.best
	mv, dist := e.search(tx, ty, a)
	t.info = info{kind: kindInter, mv: mv}
	e.move(e.ahead.y[:], side, e.ahead.cb[:], e.ahead.cr[:], half, tx, ty, mv)
	t.cost = e.lam.ssd*(3+mvBits(mv, a.guess)) + e.residual(t, qp)
	if t.coded == 0 && mv == a.guess {
		t.kind = kindSkip
		t.cost -= e.lam.ssd * 3
	}
	if t.coded != 0 || mv != a.guess {
		e.trySkip(spare, tx, ty, a.guess)
		if spare.cost < t.cost {
			t, spare = spare, t
		}
	}
	if a.guess != (vector{}) && (mv != vector{} || t.coded != 0) {
		e.tryStill(spare, tx, ty)
		if spare.cost < t.cost {
			t, spare = spare, t
		}
	}
	if t.kind == kindSkip && t.mv == (vector{}) {
		t.kind = kindStill
	}
	if t.coded != 0 && dist > e.activity() {
		e.tryIntra(spare, tx, ty, a, qp)
		if spare.cost < t.cost {
			t, spare = spare, t
		}
	}
	e.best = t
}

// residual quantises what e.ahead lacks, and gives the cost of the blocks.
func (e *Encoder) residual(t *trial, qp int) int {
	cost := 0
	t.coded = 0
	for b := range 6 {
		src, pred, out, s := e.parts(t, b)
		cost += e.block(t, b, src, s, pred, s, out, s, blockQP(qp, b), &interBias)
	}
	return cost
}

// parts gives block b's samples in source, prediction and result.
func (e *Encoder) parts(t *trial, b int) (src, pred, out []byte, stride int) {
	if b < 4 {
		at := b>>1*8*side + b&1*8
		return e.src.y[at:], e.ahead.y[at:], t.pix.y[at:], side
	}
	return e.src.c(b - 3), e.ahead.c(b - 3), t.pix.c(b - 3), half
}

// block transforms and quantises one block, writes how it comes out and
// gives its cost.
func (e *Encoder) block(t *trial, b int, src []byte, ss int, pred []byte, ps int, out []byte, os int, qp int, bias *[maxQP + 1][64]uint16) int {
	level := &t.level[b]
	var c [64]int16
	kern.Diff8(level, src, ss, pred, ps)
	kern.FDCT8(level)
	c = *level
	n := kern.Quant8(level, &recips[qp], &bias[qp])
	last := -1
	lambda := e.lam.ssd * 4 / weight[b]
	cost := 0
	if n > 0 {
		last, cost = prune(&c, level, int(steps[qp]), lambda)
	}
	if last < 0 {
		for y := range 8 {
			copy(out[y*os:y*os+8], pred[y*ps:y*ps+8])
		}
		return weight[b] * 16 * kern.SSD8(src, ss, pred, ps)
	}
	t.coded |= 1 << b
	t.last[b] = last
	c = *level
	rebuild(out, os, pred, ps, &c, qp)
	_ = cost
	return weight[b]*16*kern.SSD8(src, ss, out, os) + cost*weight[b]/4
}

// interBias and intraBias are the dead zones: what is added to a size before
// it is divided by the step.
var interBias, intraBias, recips = biases(0.16), biases(0.30), func() (t [maxQP + 1][64]uint16) {
	for qp := range t {
		for i := range t[qp] {
			t[qp][i] = uint16(65536/int(steps[qp]) + 1)
		}
	}
	return t
}()

func biases(f float64) (t [maxQP + 1][64]uint16) {
	for qp := range t {
		for i := range t[qp] {
			t[qp][i] = uint16(f * float64(steps[qp]))
		}
	}
	return t
}

// Bits of levels, in eighths, roughly as the models make them.
func classBits(last int) int { return 8 + 12*classOf(last+1) }

func levelBits(v int) int {
	switch {
	case v == 1:
		return 28
	case v == 2:
		return 42
	}
	return 42 + 8*min(v-2, 14) + 16*bitLen(v>>4)
}

const zeroBits = 4

// prune cuts the levels off behind where they are worth their bits. It gives
// the place of the last that stays, -1 for none, and the cost of the bits.
func prune(c, level *[64]int16, step, lambda int) (int, int) {
	end := 63
	for level[scan[end]] == 0 {
		end--
	}
	// cost of cutting after a place, against cutting before the first.
	best, bestCost, bestBits := -1, 0, 0
	cost, bits := 0, 0
	for i := 0; i <= end; i++ {
		at := scan[i]
		v := int(level[at])
		if v == 0 {
			bits += zeroBits
			continue
		}
		x := int(c[at])
		if v < 0 {
			v, x = -v, -x
		}
		d := x - v*step
		cost += d*d - x*x
		bits += levelBits(v)
		total := bits + classBits(i)
		if j := cost + lambda*total/8; j < bestCost {
			best, bestCost, bestBits = i, j, total
		}
	}
	for i := best + 1; i <= end; i++ {
		level[scan[i]] = 0
	}
	return best, lambda * bestBits / 8
}

// whole gives the weighted error of pixels, 1/64 squared luma units.
func (e *Encoder) whole(y []byte, ys int, cb, cr []byte, cs int) int {
	return 64*kern.SSD16(e.src.y[:], side, y, ys) + 16*(weight[4]*kern.SSD8(e.src.cb[:], half, cb, cs)+weight[5]*kern.SSD8(e.src.cr[:], half, cr, cs))
}

// trySkip moves by mv and leaves it at that.
func (e *Encoder) trySkip(t *trial, tx, ty int, mv vector) {
	t.info = info{kind: kindSkip, mv: mv}
	e.move(t.pix.y[:], side, t.pix.cb[:], t.pix.cr[:], half, tx, ty, mv)
	t.cost = e.whole(t.pix.y[:], side, t.pix.cb[:], t.pix.cr[:], half)
}

// tryStill leaves the tile as it is.
func (e *Encoder) tryStill(t *trial, tx, ty int) {
	t.info = info{kind: kindStill}
	o := &e.old
	t.cost = e.lam.ssd + e.whole(o[0].at(tx*side, ty*side), o[0].stride, o[1].at(tx*half, ty*half), o[2].at(tx*half, ty*half), o[1].stride)
}

// activity is the sum of the differences of the luma from the blocks' means,
// 1/16 units: what a plain intra prediction would leave.
func (e *Encoder) activity() int {
	sum := 0
	for b := range 4 {
		p := e.src.y[b>>1*8*side+b&1*8:]
		mean := 0
		for y := range 8 {
			for _, v := range p[y*side : y*side+8] {
				mean += int(v)
			}
		}
		mean = (mean + 32) >> 6
		for y := range 8 {
			for _, v := range p[y*side : y*side+8] {
				d := int(v) - mean
				sum += max(d, -d)
			}
		}
	}
	return 16 * sum / 2
}

// tryIntra predicts from the tile's surroundings. It uses now as its slate.
func (e *Encoder) tryIntra(t *trial, tx, ty int, a *around, qp int) {
	t.info = info{kind: kindIntra}
	t.cost = e.lam.ssd * 4
	var br border
	var pred, bestPred [64]byte
	for b := range 4 {
		src, _, out, _ := e.parts(t, b)
		e.border(&br, tx, ty, b)
		left, above := likely(a, &t.modes, b)
		best := math.MaxInt
		for mode := range uint8(lumaModes) {
			br.predict(pred[:], 8, int(mode))
			bits := 5
			if mode == left {
				bits = 1
			} else if mode == above {
				bits = 2
			}
			if c := 16*kern.SATD8(src, side, pred[:], 8) + e.lam.sad*bits; c < best {
				best, bestPred, t.modes[b] = c, pred, mode
				t.cost += 0
			}
		}
		t.cost += e.lam.ssd * 2
		t.cost += e.block(t, b, src, side, bestPred[:], 8, out, side, qp, &intraBias)
		pl, x, y := e.blockAt(tx, ty, b)
		for r := range 8 {
			copy(pl.at(x, y+r)[:8], out[r*side:])
		}
	}
	e.intraChroma(t, tx, ty, qp)
}

func (e *Encoder) intraChroma(t *trial, tx, ty, qp int) {
	var cb, cr border
	e.border(&cb, tx, ty, 4)
	e.border(&cr, tx, ty, 5)
	best := math.MaxInt
	var pb, pr [64]byte
	for mode := range uint8(chromaModes) {
		cb.predict(pb[:], 8, int(mode))
		cr.predict(pr[:], 8, int(mode))
		if c := kern.SATD8(e.src.cb[:], half, pb[:], 8) + kern.SATD8(e.src.cr[:], half, pr[:], 8); c < best {
			best, t.chroma = c, mode
		}
	}
	cb.predict(pb[:], 8, int(t.chroma))
	cr.predict(pr[:], 8, int(t.chroma))
	t.cost += e.block(t, 4, e.src.cb[:], half, pb[:], 8, t.pix.cb[:], half, blockQP(qp, 4), &intraBias)
	t.cost += e.block(t, 5, e.src.cr[:], half, pr[:], 8, t.pix.cr[:], half, blockQP(qp, 5), &intraBias)
}
