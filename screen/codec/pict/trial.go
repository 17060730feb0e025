package pict

import (
	"math"

	"sightline/screen/codec/kern"
)

// trial is one way of coding a tile.
type trial struct {
	info
	level [12][64]int16
	last  [12]int
	pix   tilePixels // what it looks like
	plain bool       // as foretold: then that is not in pix
	cost  int        // in 1/64 of a squared luma unit
}

// lambdas weigh bits against errors.
type lambdas struct {
	qp  int
	ssd int // 1/64 squared luma units for a bit
	sad int // 1/16 luma units for a bit
	// calm is the sum of absolute differences of a tile's component below
	// which no level is expected.
	calm [3]int
	mean int // of the sum of a block of 64
	// rough is the cost of a luma block's prediction from which it is worth
	// looking further.
	rough int
}

func (l *lambdas) set(qp int) {
	step := math.Exp2(float64(qp-4) / 6)
	l.qp = qp
	l.ssd = int(64*lambdaSSD*step*step + 0.5)
	l.sad = int(16*math.Sqrt(lambdaSSD)*step + 0.5)
	l.rough = int(16 * 64 * roughShare * step)
	l.mean = int(calmMean * step * 64)
	l.calm = [3]int{int(calmLuma * step * side * side), int(calmChroma * step * side * side), int(calmChroma * step * side * side)}
}

// A tile whose samples are off by less than these shares of the step, on the
// average, is calm, if the mean of each block is off by less than calmMean: if
// all samples are off the same way the lowest coefficient is eight times that.
const calmLuma, calmChroma, calmMean = 0.17, 0.15, 0.11

// roughShare of the step, as a mean absolute coefficient.
const roughShare = 0.5

// lambdaSSD is how many squares of the step a bit is worth.
const lambdaSSD = 0.12

// decide finds the way with the least cost and makes it e.best.
func (e *Encoder) decide(tx, ty int, a *around, qp int) {
	e.best, e.spare = &e.tries[0], &e.tries[1]
	e.best.plain, e.spare.plain = false, false
	s := &e.find
	if e.allNew(tx, ty, a) {
		e.best.cost = math.MaxInt
		e.sads[ty*e.cols+tx] = 1 << 30
		e.tryIntra(e.best, tx, ty, a, qp)
		return
	}
	s.search(tx, ty, a)
	t := e.best
	e.spare.cost = math.MaxInt
	for c := range e.ahead {
		at := &e.ahead[c]
		if c == 0 && s.kept {
			*at = samples{s.bufs[s.best][:], side}
			continue
		}
		at.pix, at.stride = e.picture.moved(e.moved[c][:], side, c, tx, ty, s.at)
	}
	e.compare()
	if e.calm(s, a) {
		return
	}
	t.info = info{kind: kindInter, mv: s.at}
	t.cost = e.lam.ssd*(2+mvBits(s.at, a.guess)) + e.residual(t, qp)
	if t.coded != 0 || s.at != a.guess {
		e.leave(tx, ty, s, a)
	} else {
		t.kind = kindSkip
	}
	intra := s.sad > e.lam.calm[0] && e.best.cost > e.lam.ssd*intraFrom && (s.cost > e.activity() || e.best.cost > e.lam.ssd*intraSure)
	if intra {
		e.tryIntra(e.spare, tx, ty, a, qp)
		e.better()
	}
	if t = e.best; t.kind == kindSkip && t.mv == (vector{}) {
		t.kind = kindStill
	}
	if intra && t.kind == kindStill {
		e.keep(tx, ty) // the trial left its marks
	}
}

// allNew tells that the old picture is of no use here: it was none for the tiles
// to the left and above, and what stands in this place has nothing in common
// with what comes. Where a film is cut, or a photograph shown, most are so.
func (e *Encoder) allNew(tx, ty int, a *around) bool {
	if a.left == nil || a.up == nil || a.left.kind != kindIntra || a.up.kind != kindIntra {
		return false
	}
	old := &e.old[0]
	sad := kern.SAD16(e.src[0], e.ss, old.at(tx*side, ty*side), old.stride)
	return sad > farOff && 16*sad > e.activity()
}

// intraFrom is the cost in bits below which no intra prediction is tried.
const intraFrom = 24

// intraSure is the cost from which it always is: it takes hardly more time than
// the levels do.
const intraSure = 400

// better makes the spare trial the best if it is.
func (e *Encoder) better() {
	if e.spare.cost < e.best.cost {
		e.best, e.spare = e.spare, e.best
	}
}

// calm leaves the tile without levels if what the prediction lacks is noise
// that a quantiser would not find, or of which it would find a little here and
// there that is worth no time.
func (e *Encoder) calm(s *searcher, a *around) bool {
	if s.sad > e.lam.calm[0] {
		return false
	}
	for c := range e.off.chroma {
		if e.apart(1+c) > e.lam.calm[1+c] {
			return false
		}
	}
	if !e.level() {
		return false
	}
	t := e.best
	t.info = info{kind: kindInter, mv: s.at}
	switch s.at {
	case vector{}:
		t.kind = kindStill
		return true
	case a.guess:
		t.kind = kindSkip
	}
	t.plain = true
	return true
}

// compare measures how far the tile is from what was foretold.
func (e *Encoder) compare() {
	e.off.luma.Take(e.src[0], e.ss, e.ahead[0].pix, e.ahead[0].stride)
	for c := range e.off.chroma {
		if a := e.ahead[1+c]; e.thin {
			e.off.chroma[c] = kern.SAD8(e.src[1+c], e.ss, a.pix, a.stride)
		}
	}
}

// apart is the sum of absolute differences of a tile's chroma in component c from
// what was foretold, as if it were of full resolution.
func (e *Encoder) apart(c int) int {
	if e.thin {
		return 4 * e.off.chroma[c-1]
	}
	return kern.SAD16(e.src[c], e.ss, e.ahead[c].pix, e.ahead[c].stride)
}

// level tells that no block of the luma is off by its mean: that the eye sees,
// and it would stay.
func (e *Encoder) level() bool {
	for b := range 4 {
		if d := e.off.luma.Bias(b); max(d, -d) > e.lam.mean {
			return false
		}
	}
	return true
}

// leave tries to leave the tile without levels: moved as foretold, or still.
func (e *Encoder) leave(tx, ty int, s *searcher, a *around) {
	if a.guess != (vector{}) && s.guessed < s.sad+s.sad/4+side*side/4 {
		e.trySkip(e.spare, tx, ty, s.at, a.guess)
		e.better()
	}
	if s.still < s.sad+s.sad/4+side*side/4 {
		e.tryStill(e.spare, tx, ty)
		if a.guess == (vector{}) {
			e.spare.cost -= e.lam.ssd
		}
		e.better()
	}
}

// residual quantises what e.ahead lacks, and gives the cost of the blocks.
func (e *Encoder) residual(t *trial, qp int) int {
	t.coded, t.small, t.full = 0, 0, false
	for c, a := range e.ahead {
		e.copyTile(c, t.pix[c][:], side, a.pix, a.stride)
	}
	cost := 0
	for b := range 4 {
		if e.off.luma.Apart(b) < e.idleBelow(sortLuma, qp) {
			cost += e.leaveBlock(t, b)
			continue
		}
		a := e.ahead[0]
		cost += e.block(t, b, a.pix[b>>1*8*a.stride+b&1*8:], a.stride, qp, &interBias)
	}
	before := t.coded
	chroma := 0
	for b := halfCb; b <= halfCr; b++ {
		if e.thin && e.off.chroma[b-halfCb] < e.idleBelow(sortOf(b, false), qp) {
			chroma += e.leaveBlock(t, b)
			continue
		}
		a := e.ahead[1+b-halfCb]
		chroma += e.block(t, b, a.pix, a.stride, qp, &interBias)
	}
	if e.thin || chroma < e.fullFrom() {
		return cost + chroma
	}
	// Half the resolution leaves much: try the whole.
	kept := t.coded
	e.keepHalf(t)
	t.coded, t.full = before, true
	full := e.lam.ssd * 6
	for b := fullCb; b < fullCr+4; b++ {
		a := e.ahead[b>>2]
		if b&3 == 0 {
			kern.Copy16(t.pix[b>>2][:], side, a.pix, a.stride)
		}
		pred := a.pix[b>>1&1*8*a.stride+b&1*8:]
		if c, x, y := spot(b, true); kern.SAD8(e.src[c][y*e.ss+x:], e.ss, pred, a.stride) < e.idleBelow(sortOf(b, true), qp) {
			full += e.leaveBlock(t, b)
			continue
		}
		full += e.block(t, b, pred, a.stride, qp, &interBias)
	}
	if full < chroma && t.coded != before {
		return cost + full
	}
	t.coded, t.full = kept, false
	t.small &= 15
	e.backHalf(t)
	return cost + chroma
}

// fullFrom is the cost from which chroma is tried in full: so many bits, or, if
// there is much to do, many more.
func (e *Encoder) fullFrom() int {
	if e.hasty {
		return e.lam.ssd * 160
	}
	return e.lam.ssd * 24
}

// halves is chroma coded at half resolution, laid aside.
type halves struct {
	level [2][64]int16
	last  [2]int
	pix   [2][side * side]byte
}

func (e *Encoder) keepHalf(t *trial) {
	copy(e.halves.level[:], t.level[halfCb:])
	copy(e.halves.last[:], t.last[halfCb:])
	copy(e.halves.pix[:], t.pix[1:])
}

func (e *Encoder) backHalf(t *trial) {
	copy(t.level[halfCb:], e.halves.level[:])
	copy(t.last[halfCb:], e.halves.last[:])
	copy(t.pix[1:], e.halves.pix[:])
}

// block transforms and quantises block b, writes to t.pix how it comes out and gives its cost.
// Predictions of a stride of 8 are the trial's own; others are in t.pix already.
func (e *Encoder) block(t *trial, b int, pred []byte, ps int, qp int, bias *[maxQP + 1][64]uint16) int {
	s := sortOf(b, t.full)
	c, x, y := spot(b, t.full)
	src, out := e.src[c][y*e.ss+x:], t.pix[c][y*side+x:]
	twice := e.twice(s)
	qp = blockQP(qp, s)
	t.small &^= 1 << b
	level := &t.level[b]
	if twice {
		kern.DiffHalf8(level, src, e.ss, pred, ps)
		kern.FDCT8(level)
	} else {
		kern.DiffFDCT8(level, src, e.ss, pred, ps)
	}
	coef := *level
	last, bits := -1, 0
	if kern.Quant8(level, &recips[qp], &bias[qp]) > 0 {
		last, bits = prune(&coef, level, int(steps[qp]), e.lam.ssd*4/weights[s])
	}
	if last >= 0 {
		t.coded |= 1 << b
		t.last[b] = last
		coef = *level
		rebuild(out, side, pred, ps, &coef, qp, twice, false)
	} else if twice {
		kern.Copy16(out, side, pred, ps)
	} else if ps == 8 || b >= 4 && e.thin {
		copy8(out, side, pred, ps)
	}
	if twice {
		return weights[s]*4*kern.SSD16(src, e.ss, out, side) + e.lam.ssd*bits/8
	}
	cost := weights[s]*16*kern.SSD8(src, e.ss, out, side) + e.lam.ssd*bits/8
	if bits < smallFrom || b >= 4 && e.thin || e.hasty && bias == &intraBias {
		return cost
	}
	return min(cost, e.smallBlock(t, b, pred, ps, qp, bias, cost))
}

// idleBelow is the sum of a block's absolute differences below which none of its levels is to be
// expected, as calm does of a tile: then its mean is right, too, for what the samples are
// off by together is no more than what they are off by each.
func (e *Encoder) idleBelow(s sort, qp int) int {
	return (idleFrom*int(steps[blockQP(qp, s)]) + 7) / 8
}

// leaveBlock leaves block b without levels, as t.pix has it, and gives its cost.
func (e *Encoder) leaveBlock(t *trial, b int) int {
	c, x, y := spot(b, t.full)
	return weights[sortOf(b, t.full)] * 16 * kern.SSD8(e.src[c][y*e.ss+x:], e.ss, t.pix[c][y*side+x:], side)
}

// idleFrom is that sum in steps.
const idleFrom = 7

// smallFrom is how many eighths of bits the levels of a block take before
// smaller transforms are tried.
const smallFrom = 8 * 24

// smallBlock codes block b with transforms of 4 x 4 if that costs less than
// what block has done, and gives the cost.
func (e *Encoder) smallBlock(t *trial, b int, pred []byte, ps int, qp int, bias *[maxQP + 1][64]uint16, limit int) int {
	s := sortOf(b, t.full)
	c, x, y := spot(b, t.full)
	src, out := e.src[c][y*e.ss+x:], t.pix[c][y*side+x:]
	var raw, coef, level [64]int16
	var pix [64]byte
	kern.Diff8(&raw, src, e.ss, pred, ps)
	kern.FDCT4x4(&raw)
	for i, at := range mixed {
		coef[at] = raw[i]
	}
	level = coef
	if kern.Quant8(&level, &recips[qp], &bias[qp]) == 0 {
		return limit
	}
	last, bits := prune(&coef, &level, int(steps[qp]), e.lam.ssd*4/weights[s])
	if last < 0 {
		return limit
	}
	raw = level
	rebuild(pix[:], 8, pred, ps, &raw, qp, false, true)
	cost := weights[s]*16*kern.SSD8(src, e.ss, pix[:], 8) + e.lam.ssd*bits/8
	if cost >= limit {
		return limit
	}
	t.small |= 1 << b
	t.level[b], t.last[b] = level, last
	for y := range 8 {
		copy(out[y*side:y*side+8], pix[y*8:])
	}
	return cost
}

// wrong is the weighted error of a tile's component c, shown as p with rows of
// ps: 1/64 squared luma units.
func (e *Encoder) wrong(c int, p []byte, ps int) int {
	if e.thin && c > 0 {
		return 16 * weights[sortHalfCb-1+sort(c)] * kern.SSD8(e.src[c], e.ss, p, ps)
	}
	return 16 * weights[[3]sort{sortLuma, sortFullCb, sortFullCr}[c]] * kern.SSD16(e.src[c], e.ss, p, ps)
}

// trySkip moves by mv and leaves it at that; e.ahead is moved by ahead.
func (e *Encoder) trySkip(t *trial, tx, ty int, ahead, mv vector) {
	t.info = info{kind: kindSkip, mv: mv}
	t.cost = 0
	for c := range t.pix {
		if a := e.ahead[c]; ahead == mv {
			e.copyTile(c, t.pix[c][:], side, a.pix, a.stride)
		} else {
			e.move(t.pix[c][:], side, c, tx, ty, mv)
		}
		t.cost += e.wrong(c, t.pix[c][:], side)
	}
}

// tryStill leaves the tile as it is.
func (e *Encoder) tryStill(t *trial, tx, ty int) {
	t.info = info{kind: kindStill}
	t.cost = e.lam.ssd
	for c := range e.old {
		t.cost += e.wrong(c, e.picture.spot(&e.old, c, tx, ty), e.old[c].stride)
	}
}
