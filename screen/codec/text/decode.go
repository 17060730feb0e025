package text

import "sightline/screen/codec/rc"

// decodeRow reads the row at hand.
func (c *Coder) decodeRow(d *rc.Decoder) {
	if c.long {
		k := c.decodeKind(d)
		c.keepRow(k)
		if k != kindMixed {
			return
		}
	}
	for a := 0; a < c.p.Dx(); a += segment {
		c.decodeSegment(d, a, min(a+segment, c.p.Dx()))
	}
}

// decodeKind reads what becomes of the row at hand as a whole.
func (c *Coder) decodeKind(d *rc.Decoder) kind {
	was, above := c.rowChances()
	switch {
	case d.Bit(was):
		return kindWas
	case above != nil && d.Bit(above):
		return kindAbove
	}
	return kindMixed
}

// decodeSegment reads the pixels a to b of the row at hand.
func (c *Coder) decodeSegment(d *rc.Decoder, a, b int) {
	was, above, same := c.segmentChances(a, b)
	k := kindMixed
	if d.Bit2(was.p, was.q) {
		k = kindWas
	} else if !same && d.Bit2(above.p, above.q) {
		k = kindAbove
	}
	c.kinds[0][1+a/segment] = k
	if k != kindMixed {
		c.same(k, a, b)
		return
	}
	for x := a; x < b; {
		x = c.decodeSome(d, x, b)
	}
}

// decodeSome reads a run or a pixel at x and tells where to go on.
func (c *Coder) decodeSome(d *rc.Decoder, x, b int) int {
	l := &c.look
	c.lookAt(x)
	stale := c.stale(x)
	if l.flat {
		w := l.w
		if m := c.runLimit(x, b, w, stale); m >= minRun {
			n := c.decodeRun(d, x, m, stale)
			if x += n; n == m {
				return x
			}
			c.lookAt(x)
			c.recall(false)
			c.decodeLater(d, x, w, true)
			return x + 1
		}
	}
	c.recall(stale)
	if !d.Mix(&c.mix[l.from&15], &c.sure[l.sure&2047], &c.shape[l.shape&1023], &c.agree[l.agree&511]) {
		c.decodeLater(d, x, l.guess, false)
		return x + 1
	}
	c.missed = 0
	c.keep(x, l.guess)
	return x + 1
}

// decodeRun reads how many of m pixels go on as on the left, and sets them.
func (c *Coder) decodeRun(d *rc.Decoder, x, m int, stale bool) int {
	w := c.look.w
	c.paper = w
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

// decodeLater reads a pixel that is not what was guessed first, or in a run.
func (c *Coder) decodeLater(d *rc.Decoder, x int, wrong uint32, ended bool) {
	l := &c.look
	l.nTried = 0
	l.wrong(wrong)
	lit := c.literalChances(ended)
	c.missed = 1
	if d.Bit2(lit.p, lit.q) {
		c.keep(x, c.decodeLiteral(d))
		return
	}
	px := wrong // a stranger may refuse all guesses
	for i := range sources {
		v, sure := l.source(i)
		if sure == 0 || l.isWrong(v) {
			continue
		}
		if d.Bit(&c.later[i][min(l.nTried-1, 3)][sure]) {
			px = v
			break
		}
		l.wrong(v)
	}
	c.keep(x, px)
}

// decodeLiteral reads a colour that nothing foretold.
func (c *Coder) decodeLiteral(d *rc.Decoder) uint32 {
	l := &c.look
	pr, pg, pb := l.predict()
	g := int32(d.Tree2(c.green[l.activity()][:], c.greenAt[pg&255][:], 8))
	known := c.ofGreen(pg + g)
	if d.Bit(&c.known[b2i(*known != 0)]) {
		return *known
	}
	var r, b int32
	if !d.Bit(&c.grey) {
		r = int32(d.Tree(c.red[:], 8))
		b = int32(d.Tree(c.blue[b2i(r == 0)][:], 8))
	}
	px := uint32(pr+g+r)&255<<16 | uint32(pg+g)&255<<8 | uint32(pb+g+b)&255
	*known = px
	return px
}
