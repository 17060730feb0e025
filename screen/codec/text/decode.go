package text

import "sightline/screen/codec/rc"

// decodeSegment reads the pixels a to b of the row at hand.
func (c *Coder) decodeSegment(d *rc.Decoder, a, b int) {
	was, above := c.segmentContext(a, b)
	if d.Bit(was) {
		c.same(&c.was, a, b)
		c.keepKind(a, kindWas)
		return
	}
	if above != nil && d.Bit(above) {
		c.same(&c.lines[1], a, b)
		c.keepKind(a, kindAbove)
		return
	}
	c.keepKind(a, kindCoded)
	for x := a; x < b; {
		x = c.decodeSome(d, x, b)
	}
}

// decodeSome reads a run or a pixel at x and tells where to go on.
func (c *Coder) decodeSome(d *rc.Decoder, x, b int) int {
	p, a := look(&c.lines[0], &c.lines[1], &c.lines[2], pad+x)
	stale := c.stale(x)
	if a.flat {
		if m := c.runLimit(x, b, a.w, stale); m >= minRun {
			n := c.decodeRun(d, x, m, a.w, stale)
			if x += n; n == m {
				return x
			}
			p, a = look(&c.lines[0], &c.lines[1], &c.lines[2], pad+x)
			var g guess
			var t tried
			c.first(&g, x, &p, &a, false)
			t.add(a.w)
			c.decodeLater(d, &g, &t, x, &p, &a)
			return x + 1
		}
	}
	var g guess
	c.first(&g, x, &p, &a, stale)
	if d.Bit2(g.p, g.q) {
		c.missed = 0
		c.learn(p, g.px)
		c.set(x, g.px)
		return x + 1
	}
	var t tried
	t.add(g.px)
	c.decodeLater(d, &g, &t, x, &p, &a)
	return x + 1
}

// decodeRun reads how many of m pixels are w, and sets them.
func (c *Coder) decodeRun(d *rc.Decoder, x, m int, w uint32, stale bool) int {
	s := b2i(stale)
	n := m
	if !d.Bit(&c.runAll[s][m]) {
		// A stranger may name an end beyond the run.
		n = min(int(d.Tree(c.runEnd[s][:], 4)), m-1)
	}
	for i := range n {
		c.set(x+i, w)
	}
	return n
}

// decodeLater reads a pixel that is none of t.
func (c *Coder) decodeLater(d *rc.Decoder, g *guess, t *tried, x int, p *place, a *around) {
	c.missed = 1
	for i := range laterGuesses {
		v, sure := c.nth(g, x, a, i)
		if sure == 0 || t.has(v) {
			continue
		}
		if d.Bit(&c.later[i][min(t.n-1, 3)][sure]) {
			c.learn(*p, v)
			c.set(x, v)
			return
		}
		t.add(v)
	}
	px := c.decodeLiteral(d, a)
	c.learn(*p, px)
	c.set(x, px)
}

// decodeLiteral reads a colour that nothing foretold.
func (c *Coder) decodeLiteral(d *rc.Decoder, a *around) uint32 {
	if d.Bit(&c.cached[0]) {
		return c.cache[d.Tree(c.cacheAt[:], 8)]
	}
	pr, pg, pb := predicted(a)
	g := int32(d.Tree(c.green[activity(a)][:], 8))
	var r, b int32
	if !d.Bit(&c.grey[0]) {
		r = int32(d.Tree(c.red[0][:], 8))
		b = int32(d.Tree(c.blue[b2i(r == 0)][:], 8))
	}
	px := uint32(pr+g+r)&255<<16 | uint32(pg+g)&255<<8 | uint32(pb+g+b)&255
	c.cache[cacheIndex(px)] = px
	return px
}
