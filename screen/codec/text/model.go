package text

import "sightline/screen/codec/rc"

// model holds the chances of all decisions.
type model struct {
	rowWas   [kinds * kinds * 2]rc.Prob
	rowAbove [kinds * kinds]rc.Prob
	segWas   [2][kinds * kinds * kinds * kinds * 2]rc.Prob
	segAbove [2][kinds * kinds * kinds * kinds]rc.Prob
	runAll   [2][segment + 1]rc.Prob
	runEnd   [2][segment]rc.Prob

	mix   [16]rc.Mixer           // the first guess, by where it is from,
	sure  [2048]rc.Prob          // by how sure the tables are,
	shape [1024]rc.Prob          // by the shape around,
	agree [512]rc.Prob           // and by how many tables say the same
	lit   [256]rc.Prob           // is it a literal, by how sure the tables are,
	plain [128]rc.Prob           // and by the shape
	later [sources][4][4]rc.Prob // the guesses after the first, by source, number and sureness

	missed int    // 1 if the last first guess was wrong
	paper  uint32 // the colour of the last run

	green   [8][256]rc.Prob   // by activity
	greenAt [256][256]rc.Prob // by what MED says
	known   [2]rc.Prob
	byGreen [16][256]uint32 // the last literal of a green, by the hash of the paper
	grey    rc.Prob
	red     [256]rc.Prob
	blue    [2][256]rc.Prob // by whether red was as said
}

// minRun is the shortest run that is coded as one, in px.
const minRun = 4

// rowChances are those that the row is as it was, and if it is not, as above
// (nil if that is the same).
func (c *Coder) rowChances() (was, above *rc.Prob) {
	k := int(c.row[0]*kinds + c.row[1])
	if c.unchanged(0, c.p.Dx()) {
		return &c.rowWas[k*2+1], nil
	}
	return &c.rowWas[k*2], &c.rowAbove[k]
}

// keepRow notes what became of the row at hand.
func (c *Coder) keepRow(k kind) {
	c.row[1] = c.row[0]
	c.row[0] = k
	if k != kindMixed {
		c.same(k, 0, c.p.Dx())
		for i := range (c.p.Dx() + segment - 1) / segment {
			c.kinds[0][1+i] = k
		}
	}
}

// chances are two opinions of one decision.
type chances struct{ p, q *rc.Prob }

// segmentChances are those that the pixels a to b are as they were, and as
// above, which is not asked if it is the same.
func (c *Coder) segmentChances(a, b int) (was, above chances, same bool) {
	i := 1 + a/segment
	left, up := c.kinds[0][i-1], c.kinds[1][i]
	k := int(left*kinds+up)*3 + c.flat(a, b)
	j := int(((c.kinds[1][i-1]*kinds+c.kinds[1][i+1])*kinds+c.kinds[2][i])*kinds + left)
	same = c.unchanged(a, b)
	was = chances{&c.segWas[0][k*2+b2i(same)], &c.segWas[1][j*2+b2i(same)]}
	above = chances{&c.segAbove[0][k], &c.segAbove[1][j]}
	return was, above, same
}

// look is all that is known of the pixel at hand before it is coded.
type look struct {
	w, n, nw, ne uint32
	flat         bool // these and the second on the left are one colour
	place        place
	deep, wide   slot // empty if not of this neighbourhood
	near, pair   slot
	was          uint32

	// The first guess.
	guess              uint32
	from               uint32
	sure, shape, agree uint32 // indices of its chances

	tried  [sources]uint32 // guesses that were wrong
	nTried int
}

// lookAt takes the neighbourhood of the pixel at x.
func (c *Coder) lookAt(x int) {
	i := pad + x
	l := &c.look
	q0 := (*[4]uint32)(c.lines[c.now&3][i-4 : i])
	q1 := (*[7]uint32)(c.lines[(c.now-1)&3][i-3 : i+4])
	q2 := (*[5]uint32)(c.lines[(c.now-2)&3][i-2 : i+3])
	q3 := (*[3]uint32)(c.lines[(c.now-3)&3][i-1 : i+2])
	l.w, l.n, l.nw, l.ne = q0[3], q1[3], q1[2], q1[4]
	l.flat = l.w == l.n && l.w == l.nw && l.w == l.ne && l.w == q0[2]
	l.place = find(q0, q1, q2, q3)
	l.was = c.was[i]
}

// recall takes from the tables what is known, and makes the first guess.
func (c *Coder) recall(stale bool) {
	l := &c.look
	p := &l.place
	l.deep = c.deep[p.deep].of(p.deepCheck)
	l.wide = c.wide[p.wide].of(p.wideCheck)
	l.near = c.near[p.near].of(p.nearCheck)
	l.pair = c.pair[p.pair&(1<<pairBits-1)]
	switch {
	case l.deep.sure() > 0:
		l.take(4, l.deep, l.wide)
	case l.wide.sure() > 0:
		l.take(1, l.wide, l.near)
	case l.near.sure() > 0:
		l.take(2, l.near, l.pair)
	case l.pair.sure() > 0:
		l.take(3, l.pair, 0)
	default:
		l.guess, l.from, l.sure = l.w, 0, 0
	}
	if stale {
		if l.guess != l.was {
			l.guess, l.from, l.sure = l.was, 5, 0
		}
		l.from += 8
	}
	g := l.guess
	l.sure |= l.from << 7
	l.shape = uint32(b2i(g == l.w)|b2i(g == l.n)<<1|b2i(g == l.ne)<<2|b2i(g == l.nw)<<3|b2i(g == l.was)<<4|c.missed<<9) | l.from<<5
	l.agree = l.deep.opinion(g) | l.wide.opinion(g)<<2 | l.near.opinion(g)<<4 | l.pair.opinion(g)<<6 | uint32(c.missed)<<8
}

// take makes s the first guess; next is the slot that would have been asked after it.
func (l *look) take(from uint32, s, next slot) {
	l.guess, l.from = s.first(), from
	l.sure = s.sure() | next.level()<<4 | uint32(b2i(l.guess == next.first()))<<6
}

// opinion of s on px: 0 none, 1 another colour, 2 that it may be, 3 that it is.
func (s slot) opinion(px uint32) uint32 {
	switch {
	case s.sure() == 0:
		return 0
	case s.first() != px:
		return 1
	case s.sure() < 4:
		return 2
	}
	return 3
}

// level makes four of sixteen.
func (s slot) level() uint32 { return uint32(levels[s.sure()]) }

var levels = [sureMax + 1]uint8{0, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3}

// sources is how many guesses there are after the first.
const sources = 13

// source is the i-th guess after the first and how sure it is; 0 is no guess.
func (l *look) source(i int) (px, sure uint32) {
	switch i {
	case 0:
		return l.wide.first(), l.wide.level()
	case 1:
		return l.wide.second(), l.wide.level()
	case 2:
		return l.near.first(), l.near.level()
	case 3:
		return l.near.second(), l.near.level()
	case 4:
		return l.pair.first(), l.pair.level()
	case 5:
		return l.pair.second(), l.pair.level()
	case 6:
		return l.w, 1
	case 7:
		return l.n, 1
	case 8:
		return l.ne, 1
	case 9:
		return l.nw, 1
	case 10:
		return l.was, 1
	case 11:
		return l.deep.first(), l.deep.level()
	}
	return l.deep.second(), l.deep.level()
}

// wrong notes that the pixel is not px.
func (l *look) wrong(px uint32) {
	l.tried[l.nTried] = px
	l.nTried++
}

func (l *look) isWrong(px uint32) bool {
	for _, v := range l.tried[:l.nTried] {
		if v == px {
			return true
		}
	}
	return false
}

// foretold tells whether any source guesses px.
func (l *look) foretold(px uint32) bool {
	if px == l.w || px == l.n || px == l.ne || px == l.nw || px == l.was {
		return true
	}
	for _, s := range [4]slot{l.deep, l.wide, l.near, l.pair} {
		if s.foretells(px) {
			return true
		}
	}
	return false
}

// literalChances are those that a pixel that is not the first guess, or ended a
// run, is no other guess either.
func (c *Coder) literalChances(ended bool) chances {
	l := &c.look
	k := uint32(b2i(l.deep.sure() > 0)|b2i(l.wide.sure() > 0)<<1|c.missed<<6|b2i(ended)<<7) | l.near.level()<<2 | l.pair.level()<<4
	s := l.activity() | b2i(l.w == l.n)<<3 | b2i(l.n == l.ne)<<4 | b2i(l.n == l.nw)<<5 | c.missed<<6
	return chances{&c.lit[k], &c.plain[s]}
}

// wellKnown is how sure a wide neighbourhood is that is not looked into further.
const wellKnown = 2

// keep makes the pixel x what was coded, and learns it.
func (c *Coder) keep(x int, px uint32) {
	l := &c.look
	// What the wide neighbourhood knows well needs no deep one: its slot is left
	// to those that know better.
	if l.deep != 0 || l.wide.sure() < wellKnown || l.wide.first() != px {
		c.deep[l.place.deep].learn(l.place.deepCheck, px)
	}
	c.learn(&l.place, px)
	c.set(x, px)
}

// ofGreen is the last literal with that green, on this paper.
func (c *Coder) ofGreen(g int32) *uint32 {
	return &c.byGreen[c.paper*0x9e3779b1>>28][g&255]
}

// activity of the green channel around, 0 to 7.
func (l *look) activity() int {
	d := absDiff(l.w, l.nw) + absDiff(l.n, l.nw) + absDiff(l.n, l.ne)
	for i, most := range [...]int32{0, 3, 11, 31, 79, 159, 299} {
		if d <= most {
			return i
		}
	}
	return 7
}

func absDiff(a, b uint32) int32 {
	d := int32(a>>8&255) - int32(b>>8&255)
	return max(d, -d)
}

// predict is what MED says of the three channels.
func (l *look) predict() (r, g, b int32) { return l.med(16), l.med(8), l.med(0) }

func (l *look) med(shift uint) int32 {
	w, n, nw := int32(l.w>>shift&255), int32(l.n>>shift&255), int32(l.nw>>shift&255)
	return min(max(w+n-nw, min(w, n)), max(w, n))
}
