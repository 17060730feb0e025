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

// level of an energy: two to the octave.
func level(energy uint32) uint32 {
	if energy < 4 {
		return energy
	}
	n := uint32(bits.Len32(energy))
	return min(2*n-2+energy>>(n-2)&1, levels-1)
}

// lowBits of a remainder at a level: so many that the quotient is mostly 0 or 1.
func lowBits(level uint32) uint32 {
	if level < 10 {
		return 0
	}
	return min((level-8)/2, maxLow)
}

// encode codes v, which p eighths were predicted for, and returns the size of
// the residual.
func (r *residuals) encode(e *rc.Encoder, energy uint32, p, v int32) uint8 {
	lv := level(energy)
	c := &r.ctx[lv]
	k := lowBits(lv)
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
	lv := level(energy)
	c := &r.ctx[lv]
	k := lowBits(lv)
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
	return min(max(v, 0), 255), uint8(size)
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
