package refine

import (
	"math/bits"

	"sightline/screen/codec/rc"
)

const (
	levels = 24
	// maxUnary is where a quotient is so large that the value is written out.
	maxUnary = 12
	maxLow   = 6 // bits of a remainder
)

// residuals codes the differences of one colour from what was predicted.
type residuals struct {
	ctx     [levels]context
	typical uint8  // size of a residual, lately
	mean    uint32 // of the sizes, in 1/256
}

// context is what was learned about residuals where the energy is alike.
type context struct {
	high [maxUnary]rc.Prob
	low  [2]rc.Prob // the highest bit of the remainder, by whether the quotient is 0
	// Without remainder it matters at which eighth the prediction was rounded.
	zero [8]rc.Prob
	sign [8]rc.Prob
}

// grade is what an energy leads to.
type grade struct {
	level uint8 // context: two to the octave
	low   uint8 // bits of the remainder: so many that the quotient is mostly 0 or 1
}

// grades of every energy: at most 6 x 255, or less than 11 x 255 x 3/4.
var grades = func() (g [1 << 12]grade) {
	for e := range uint32(len(g)) {
		level := e
		if n := uint32(bits.Len32(e)); n > 2 {
			level = min(2*n-2+e>>(n-2)&1, levels-1)
		}
		g[e].level = uint8(level)
		if level >= 8 {
			g[e].low = uint8(min((level-6)/2, maxLow))
		}
	}
	return g
}()

// encode codes v, which p eighths were predicted for, and returns the size of
// the residual.
func (r *residuals) encode(e *rc.Encoder, energy uint32, p, v int32) uint8 {
	g := grades[energy%uint32(len(grades))]
	c, k := &r.ctx[g.level%levels], uint32(g.low)
	p += 4
	d := v - p>>3
	size := uint32(max(d, -d))
	if k == 0 {
		e.Bit(&c.zero[p&7], size != 0)
		if size != 0 {
			c.encodeHigh(e, size, size-1)
			e.Bit(&c.sign[p&7], d < 0)
		}
		return uint8(size)
	}
	high, sign := size>>k, uint32(d)>>31
	if !c.encodeHigh(e, size, high) {
		e.Raw(sign, 1)
		return uint8(size)
	}
	k--
	e.Bit(&c.low[b2i(high == 0)], size>>k&1 == 1)
	rest := size & (1<<k - 1)
	if size>>k != 0 { // it has a sign for certain
		e.Raw(rest<<1|sign, int(k)+1)
		return uint8(size)
	}
	e.Raw(rest, int(k))
	if rest != 0 {
		e.Raw(sign, 1)
	}
	return uint8(size)
}

// encodeHigh codes a quotient; not ok if it was so large that all of size was
// written instead.
func (c *context) encodeHigh(e *rc.Encoder, size, high uint32) (ok bool) {
	for i := range c.high {
		e.Bit(&c.high[i], high > uint32(i))
		if high == uint32(i) {
			return true
		}
	}
	e.Raw(size, 8)
	return false
}

// decode reads a value that p eighths were predicted for, and the size of the
// residual. Of a stranger's body the value is anything from -510 to 510.
func (r *residuals) decode(d *rc.Decoder, energy uint32, p int32) (v int32, m uint8) {
	g := grades[energy%uint32(len(grades))]
	c, k := &r.ctx[g.level%levels], uint32(g.low)
	p += 4
	if k == 0 {
		if !d.Bit(&c.zero[p&7]) {
			return p >> 3, 0
		}
		size, ok := c.decodeHigh(d)
		if ok {
			size++
		}
		return signed(p>>3, size, uint32(b2i(d.Bit(&c.sign[p&7]))))
	}
	size, ok := c.decodeHigh(d)
	if !ok {
		return signed(p>>3, size, d.Raw(1))
	}
	k--
	size = size<<1 | uint32(b2i(d.Bit(&c.low[b2i(size == 0)])))
	if size != 0 {
		rest := d.Raw(int(k) + 1)
		return signed(p>>3, size<<k|rest>>1, rest&1)
	}
	if size = d.Raw(int(k)); size == 0 {
		return p >> 3, 0
	}
	return signed(p>>3, size, d.Raw(1))
}

// signed is p and size put together; sign is 1 for down.
func signed(p int32, size, sign uint32) (v int32, m uint8) {
	m = uint8(min(size, 255))
	return p + (int32(m) ^ -int32(sign)) + int32(sign), m
}

// decodeHigh reads a quotient, or, if not ok, a whole size.
func (c *context) decodeHigh(d *rc.Decoder) (high uint32, ok bool) {
	for i := range c.high {
		if !d.Bit(&c.high[i]) {
			return uint32(i), true
		}
	}
	return d.Raw(8), false
}

// settle takes a tile's sizes in for what is typical: every fourth row will do.
func (r *residuals) settle(t *tile, ch int) {
	sum, n := uint32(0), uint32(0)
	for y := 0; y < t.h; y += 4 {
		at := place(ch, 0, y)
		for x := at; x < at+t.w; x++ {
			sum += uint32(t.mag[x&half])
		}
		n += uint32(t.w)
	}
	r.mean = (3*r.mean + sum<<8/n) / 4
	r.typical = uint8(min((r.mean+128)>>8, 255))
}
