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
	low  [2][8]rc.Prob // the two highest bits of the remainder, by whether the quotient is 0
	rest [maxLow]rc.Prob
	sign [8]rc.Prob // by the eighth that the prediction was rounded at
	zero [8]rc.Prob // of a quotient without remainder, likewise
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
		if level >= 10 {
			g[e].low = uint8(min((level-8)/2, maxLow))
		}
	}
	return g
}()

// encode codes v, which p eighths were predicted for, and returns the size of
// the residual.
func (r *residuals) encode(e *rc.Encoder, energy uint32, p, v int32) uint8 {
	g := grades[energy%uint32(len(grades))]
	c, k := &r.ctx[g.level%levels], uint32(g.low)
	d := v - (p+4)>>3
	size := uint32(max(d, -d))
	high := size >> k
	frac := (p + 4) & 7
	if k == 0 {
		e.Bit(&c.zero[frac], high != 0)
		if high == 0 {
			return 0
		}
		high--
	}
	for i := uint32(0); ; i++ {
		if i == maxUnary {
			e.Raw(size, 8)
			break
		}
		e.Bit(&c.high[i], high > i)
		if high == i {
			c.encodeLow(e, size, k, b2i(i > 0))
			break
		}
	}
	if size != 0 {
		e.Bit(&c.sign[frac], d < 0)
	}
	return uint8(size)
}

func (c *context) encodeLow(e *rc.Encoder, size, k uint32, more int) {
	at := 1
	for n := 0; k > 0; n++ {
		k--
		one := size>>k&1 == 1
		if n < 2 {
			e.Bit(&c.low[more][at], one)
			at = 2*at + b2i(one)
		} else {
			e.Bit(&c.rest[k], one)
		}
	}
}

// decode reads a value that p eighths were predicted for, and the size of the
// residual.
func (r *residuals) decode(d *rc.Decoder, energy uint32, p int32) (v int32, m uint8) {
	g := grades[energy%uint32(len(grades))]
	c, k := &r.ctx[g.level%levels], uint32(g.low)
	frac := (p + 4) & 7
	first := uint32(0)
	if k == 0 {
		if !d.Bit(&c.zero[frac]) {
			return (p + 4) >> 3, 0
		}
		first = 1
	}
	size := uint32(0)
	for i := uint32(0); ; i++ {
		if i == maxUnary {
			size = d.Raw(8)
			break
		}
		if !d.Bit(&c.high[i]) {
			size = c.decodeLow(d, i+first, k, b2i(i > 0))
			break
		}
	}
	v = (p + 4) >> 3
	if size != 0 {
		if d.Bit(&c.sign[frac]) {
			v -= int32(size)
		} else {
			v += int32(size)
		}
	}
	return min(max(v, -255), 255), uint8(size)
}

func (c *context) decodeLow(d *rc.Decoder, high, k uint32, more int) uint32 {
	at := 1
	size := high
	for n := 0; k > 0; n++ {
		k--
		var one int
		if n < 2 {
			one = b2i(d.Bit(&c.low[more][at]))
			at = 2*at + one
		} else {
			one = b2i(d.Bit(&c.rest[k]))
		}
		size = size<<1 | uint32(one)
	}
	return size
}

// settle takes a tile's sizes in for what is typical.
func (r *residuals) settle(t *tile, ch int) {
	sum := uint32(0)
	for y := range t.h {
		at := place(ch, 0, y)
		for x := at; x < at+t.w; x++ {
			sum += uint32(t.mag[x&half])
		}
	}
	mean := sum << 8 / uint32(t.w*t.h)
	r.mean = (3*r.mean + mean) / 4
	r.typical = uint8(min((r.mean+128)>>8, 255))
}
