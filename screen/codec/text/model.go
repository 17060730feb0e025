package text

import "sightline/screen/codec/rc"

// model holds the chances of all decisions.
type model struct {
	segWas   [18]rc.Prob
	segAbove [9]rc.Prob
	runAll   [2][segment + 1]rc.Prob
	runEnd   [2][16]rc.Prob
	sure     [2 * 16 * 16 * 4]rc.Prob // the first guess, by how sure the tables are
	shape    [512]rc.Prob             // and by the shape around
	later    [11][4][4]rc.Prob        // the guesses after it, by source, number and sureness
	missed   int                      // 1 if the last first guess was wrong

	cached  [2]rc.Prob
	cacheAt [256]rc.Prob
	cache   [256]uint32

	green [8][256]rc.Prob
	grey  [4]rc.Prob
	red   [2][256]rc.Prob
	blue  [2][256]rc.Prob
}

// Kinds of segments.
const (
	kindCoded = iota
	kindWas
	kindAbove
)

// minRun is the shortest run that is coded as one, in px.
const minRun = 4

// segmentContext is the probabilities of the kinds of the segment at px a to b.
func (c *Coder) segmentContext(a, b int) (was, above *rc.Prob) {
	k := c.kindLeft*3 + c.kinds[a/segment]
	same := b2i(equal(c.was[pad+a:pad+b], c.lines[1][pad+a:pad+b]))
	was = &c.segWas[k*2+same]
	if same == 0 {
		above = &c.segAbove[k]
	}
	return
}

func (c *Coder) keepKind(a, kind int) {
	c.kindLeft = kind
	c.kinds[a/segment] = kind
}

func equal(a, b []uint32) bool {
	b = b[:len(a)]
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// same takes the segment from another line, and marks what is fresh.
func (c *Coder) same(l *line, a, b int) {
	copy(c.lines[0][pad+a:pad+b], l[pad+a:pad+b])
	for i := a; i < b; i++ {
		c.fresh[0][i+1] = uint8(b2i(c.lines[0][pad+i] != c.was[pad+i]))
	}
}

// set writes one pixel.
func (c *Coder) set(x int, px uint32) {
	c.lines[0][pad+x] = px
	c.fresh[0][x+1] = uint8(b2i(px != c.was[pad+x]))
}

// stale tells whether nothing changed around the pixel at x.
func (c *Coder) stale(x int) bool {
	f := (*[3]uint8)(c.fresh[1][x : x+3])
	return c.fresh[0][x]|f[0]|f[1]|f[2] == 0
}

// runLimit is how far from x on, before b, all around is w.
func (c *Coder) runLimit(x, b int, w uint32, stale bool) int {
	n := c.lines[1][pad+x+1 : pad+b+1]
	was := c.was[pad+x : pad+b]
	for i := range n {
		if n[i] != w || stale && was[i] != w {
			return i
		}
	}
	return b - x
}

// guess is what may come, and how likely.
type guess struct {
	wide, near, pair    slot
	sureW, sureN, sureP uint32
	px                  uint32 // the first guess
	p, q                *rc.Prob
}

// first makes the first guess.
func (c *Coder) first(g *guess, x int, p *place, a *around, stale bool) {
	g.wide, g.near, g.pair = c.wide[p.wide], c.near[p.near], c.pair[p.pair]
	g.sureW, g.sureN, g.sureP = 0, 0, g.pair.sure()
	if g.wide.is(p.wideCheck) {
		g.sureW = g.wide.sure()
	}
	if g.near.is(p.nearCheck) {
		g.sureN = g.near.sure()
	}
	was := c.was[pad+x]
	from := 0
	switch {
	case stale:
		g.px = was
	case g.sureW > 0:
		g.px, from = g.wide.first(), 1
	case g.sureN > 0:
		g.px, from = g.near.first(), 2
	case g.sureP > 0:
		g.px, from = g.pair.first(), 3
	default:
		g.px, from = a.w, 3
	}
	k := g.sureW | g.sureN<<4 | uint32(b2i(g.px == g.near.first()))<<8 | uint32(b2i(g.px == g.pair.first()))<<9
	if stale {
		k = k&^(1<<9) | uint32(b2i(g.px == g.wide.first()))<<9 | 1<<10
	}
	g.p = &c.sure[k]
	s := b2i(g.px == a.w) | b2i(g.px == a.n)<<1 | b2i(g.px == a.ne)<<2 | b2i(g.px == a.nw)<<3 | b2i(g.px == was)<<4
	g.q = &c.shape[s|from<<5|c.missed<<7]
}

// laterGuesses is how many sources there are after the first guess.
const laterGuesses = 11

// nth is the guess of source i and how sure it is, 0 to 3.
func (c *Coder) nth(g *guess, x int, a *around, i int) (px, sure uint32) {
	switch i {
	case 0:
		return g.wide.first(), level(g.sureW)
	case 1:
		return g.wide.second(), level(g.sureW)
	case 2:
		return g.near.first(), level(g.sureN)
	case 3:
		return g.near.second(), level(g.sureN)
	case 4:
		return g.pair.first(), level(g.sureP)
	case 5:
		return g.pair.second(), level(g.sureP)
	case 6:
		return a.w, 1
	case 7:
		return a.n, 1
	case 8:
		return a.ne, 1
	case 9:
		return a.nw, 1
	}
	return c.was[pad+x], 1
}

// level makes four of sixteen.
func level(sure uint32) uint32 {
	switch {
	case sure == 0:
		return 0
	case sure < 3:
		return 1
	case sure < 8:
		return 2
	}
	return 3
}

// tried are the colours that the pixel is not.
type tried struct {
	px [laterGuesses + 2]uint32
	n  int
}

func (t *tried) add(px uint32) {
	t.px[t.n] = px
	t.n++
}

func (t *tried) has(px uint32) bool {
	for _, v := range t.px[:t.n] {
		if v == px {
			return true
		}
	}
	return false
}

// cacheIndex is where a colour is kept among those of late.
func cacheIndex(px uint32) uint32 { return px * 0x9e3779b1 >> 24 }

// med predicts a channel.
func med(w, n, nw int32) int32 {
	lo, hi := min(w, n), max(w, n)
	return min(max(w+n-nw, lo), hi)
}

// activity of the green channel around, 0 to 7.
func activity(a *around) int {
	d := absDiff(a.w, a.nw) + absDiff(a.n, a.nw) + absDiff(a.n, a.ne)
	switch {
	case d == 0:
		return 0
	case d < 4:
		return 1
	case d < 12:
		return 2
	case d < 32:
		return 3
	case d < 80:
		return 4
	case d < 160:
		return 5
	case d < 300:
		return 6
	}
	return 7
}

func absDiff(a, b uint32) int32 {
	d := int32(a>>8&255) - int32(b>>8&255)
	return max(d, -d)
}

// predicted is what MED says of the three channels.
func predicted(a *around) (r, g, b int32) {
	ch := func(s uint) int32 { return med(int32(a.w>>s&255), int32(a.n>>s&255), int32(a.nw>>s&255)) }
	return ch(16), ch(8), ch(0)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
