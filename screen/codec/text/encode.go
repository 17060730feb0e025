package text

import (
	"bytes"

	"sightline/screen/codec/rc"
)

// encoding is what only the encoder needs.
type encoding struct {
	row  []byte // what shall be in the row at hand
	want line
}

// encodeRow codes the row at hand.
func (c *Coder) encodeRow(e *rc.Encoder) {
	if c.long {
		k := c.encodeKind(e)
		c.keepRow(k)
		if k != kindMixed {
			return
		}
	}
	load(c.enc.want[pad:], c.enc.row)
	for a := 0; a < c.p.Dx(); a += segment {
		c.encodeSegment(e, a, min(a+segment, c.p.Dx()))
	}
}

// encodeKind codes what becomes of the row at hand as a whole.
func (c *Coder) encodeKind(e *rc.Encoder) kind {
	was, above := c.rowChances()
	is := bytes.Equal(c.enc.row, c.out)
	e.Bit(was, is)
	if is {
		return kindWas
	}
	if above != nil {
		is = bytes.Equal(c.enc.row, c.above)
		e.Bit(above, is)
		if is {
			return kindAbove
		}
	}
	return kindMixed
}

// encodeSegment codes the pixels a to b of the row at hand.
func (c *Coder) encodeSegment(e *rc.Encoder, a, b int) {
	was, above, same := c.segmentChances(a, b)
	k := kindMixed
	want := c.enc.row[4*a : 4*b]
	if bytes.Equal(want, c.out[4*a:4*b]) {
		k = kindWas
	} else if !same && bytes.Equal(want, c.above[4*a:4*b]) {
		k = kindAbove
	}
	e.Bit2(was.p, was.q, k == kindWas)
	if k != kindWas && !same {
		e.Bit2(above.p, above.q, k == kindAbove)
	}
	c.kinds[0][1+a/segment] = k
	if k != kindMixed {
		c.same(k, a, b)
		return
	}
	for x := a; x < b; {
		x = c.encodeSome(e, x, b)
	}
}

// encodeSome codes a run or a pixel at x and tells where to go on.
func (c *Coder) encodeSome(e *rc.Encoder, x, b int) int {
	l := &c.look
	c.lookAt(x)
	stale := c.stale(x)
	if l.flat {
		w := l.w
		if m := c.runLimit(x, b, w, stale); m >= minRun {
			n := c.encodeRun(e, x, m, stale)
			if x += n; n == m {
				return x
			}
			c.lookAt(x)
			c.recall(false)
			c.encodeLater(e, x, w, true)
			return x + 1
		}
	}
	c.recall(stale)
	px := c.enc.want[pad+x]
	hit := px == l.guess
	e.Mix(&c.mix[l.from&15], &c.sure[l.sure&2047], &c.shape[l.shape&1023], &c.agree[l.agree&511], hit)
	if !hit {
		c.encodeLater(e, x, l.guess, false)
		return x + 1
	}
	c.missed = 0
	c.keep(x, px)
	return x + 1
}

// encodeRun codes how many of m pixels go on as on the left, and sets them.
func (c *Coder) encodeRun(e *rc.Encoder, x, m int, stale bool) int {
	w := c.look.w
	n := 0
	for n < m && c.enc.want[pad+x+n] == w {
		c.set(x+n, w)
		n++
	}
	c.paper = w
	s := b2i(stale)
	e.Bit(&c.runAll[s][m], n == m)
	if n < m {
		e.Tree(c.runEnd[s][:], uint32(n), 4)
	}
	return n
}

// encodeLater codes a pixel that is not what was guessed first, or in a run.
func (c *Coder) encodeLater(e *rc.Encoder, x int, wrong uint32, ended bool) {
	l := &c.look
	px := c.enc.want[pad+x]
	l.nTried = 0
	l.wrong(wrong)
	foretold := l.foretold(px)
	lit := c.literalChances(ended)
	e.Bit2(lit.p, lit.q, !foretold)
	c.missed = 1
	if !foretold {
		c.encodeLiteral(e, px)
		c.keep(x, px)
		return
	}
	for i := range sources {
		v, sure := l.source(i)
		if sure == 0 || l.isWrong(v) {
			continue
		}
		e.Bit(&c.later[i][min(l.nTried-1, 3)][sure], v == px)
		if v == px {
			break
		}
		l.wrong(v)
	}
	c.keep(x, px)
}

// encodeLiteral codes a colour that nothing foretold.
func (c *Coder) encodeLiteral(e *rc.Encoder, px uint32) {
	l := &c.look
	pr, pg, pb := l.predict()
	g := int32(px>>8&255) - pg
	e.Tree2(c.green[l.activity()][:], c.greenAt[pg&255][:], uint32(g)&255, 8)
	known := c.ofGreen(pg + g)
	e.Bit(&c.known[b2i(*known != 0)], *known == px)
	if *known == px {
		return
	}
	*known = px
	r := int32(px>>16&255) - pr - g
	b := int32(px&255) - pb - g
	grey := (r|b)&255 == 0
	e.Bit(&c.grey, grey)
	if !grey {
		e.Tree(c.red[:], uint32(r)&255, 8)
		e.Tree(c.blue[b2i(r&255 == 0)][:], uint32(b)&255, 8)
	}
}
