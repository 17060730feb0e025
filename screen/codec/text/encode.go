package text

import "sightline/screen/codec/rc"

// encodeSegment codes the pixels a to b of the row at hand.
func (c *Coder) encodeSegment(e *rc.Encoder, a, b int) {
	was, above := c.segmentContext(a, b)
	want := c.want[pad+a : pad+b]
	if is := equal(want, c.was[pad+a:pad+b]); is {
		e.Bit(was, true)
		c.same(&c.was, a, b)
		c.keepKind(a, kindWas)
		return
	}
	e.Bit(was, false)
	if above != nil {
		is := equal(want, c.lines[1][pad+a:pad+b])
		e.Bit(above, is)
		if is {
			c.same(&c.lines[1], a, b)
			c.keepKind(a, kindAbove)
			return
		}
	}
	c.keepKind(a, kindCoded)
	for x := a; x < b; {
		x = c.encodeSome(e, x, b)
	}
}

// encodeSome codes a run or a pixel at x and tells where to go on.
func (c *Coder) encodeSome(e *rc.Encoder, x, b int) int {
	p, a := look(&c.lines[0], &c.lines[1], &c.lines[2], pad+x)
	stale := c.stale(x)
	if a.flat {
		if m := c.runLimit(x, b, a.w, stale); m >= minRun {
			n := c.encodeRun(e, x, m, a.w, stale)
			if x += n; n == m {
				return x
			}
			p, a = look(&c.lines[0], &c.lines[1], &c.lines[2], pad+x)
			var g guess
			var t tried
			c.first(&g, x, &p, &a, false)
			t.add(a.w)
			c.encodeLater(e, &g, &t, x, &p, &a)
			return x + 1
		}
	}
	var g guess
	c.first(&g, x, &p, &a, stale)
	px := c.want[pad+x]
	hit := px == g.px
	e.Bit2(g.p, g.q, hit)
	if hit {
		c.missed = 0
		c.learn(p, px)
		c.set(x, px)
		return x + 1
	}
	var t tried
	t.add(g.px)
	c.encodeLater(e, &g, &t, x, &p, &a)
	return x + 1
}

// encodeRun codes how many of m pixels are w, and sets them.
func (c *Coder) encodeRun(e *rc.Encoder, x, m int, w uint32, stale bool) int {
	n := 0
	for n < m && c.want[pad+x+n] == w {
		c.set(x+n, w)
		n++
	}
	s := b2i(stale)
	e.Bit(&c.runAll[s][m], n == m)
	if n < m {
		e.Tree(c.runEnd[s][:], uint32(n), 4)
	}
	return n
}

// encodeLater codes a pixel that is none of t.
func (c *Coder) encodeLater(e *rc.Encoder, g *guess, t *tried, x int, p *place, a *around) {
	px := c.want[pad+x]
	c.missed = 1
	for i := range laterGuesses {
		v, sure := c.nth(g, x, a, i)
		if sure == 0 || t.has(v) {
			continue
		}
		hit := v == px
		e.Bit(&c.later[i][min(t.n-1, 3)][sure], hit)
		if hit {
			c.learn(*p, px)
			c.set(x, px)
			return
		}
		t.add(v)
	}
	c.encodeLiteral(e, a, px)
	c.learn(*p, px)
	c.set(x, px)
}

// encodeLiteral codes a colour that nothing foretold.
func (c *Coder) encodeLiteral(e *rc.Encoder, a *around, px uint32) {
	i := cacheIndex(px)
	known := c.cache[i] == px
	e.Bit(&c.cached[0], known)
	if known {
		e.Tree(c.cacheAt[:], i, 8)
		return
	}
	c.cache[i] = px
	pr, pg, pb := predicted(a)
	g := int32(px>>8&255) - pg
	r := int32(px>>16&255) - pr - g
	b := int32(px&255) - pb - g
	e.Tree(c.green[activity(a)][:], uint32(g)&255, 8)
	grey := (r|b)&255 == 0
	e.Bit(&c.grey[0], grey)
	if !grey {
		e.Tree(c.red[0][:], uint32(r)&255, 8)
		e.Tree(c.blue[b2i(r&255 == 0)][:], uint32(b)&255, 8)
	}
}
