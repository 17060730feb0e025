package refine

import (
	"math/bits"

	"sightline/screen/codec/rc"
)

const (
	levels = 24
	maxLow = 6 // bits of a remainder
)

// residuals codes the differences of one colour from what was predicted.
type residuals struct {
	ctx     [levels]rc.Residual // by the energy around
	typical uint8               // size of a residual, lately
	mean    uint32              // of the sizes, in 1/256
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
	p += 4
	d := v - p>>3
	r.ctx[g.level%levels].Encode(e, d, uint32(g.low), uint32(p&7))
	return uint8(max(d, -d))
}

// decode reads a value that p eighths were predicted for, and the size of the
// residual. Of a stranger's body the value is anything from -510 to 510.
func (r *residuals) decode(d *rc.Decoder, energy uint32, p int32) (v int32, m uint8) {
	g := grades[energy%uint32(len(grades))]
	p += 4
	v = r.ctx[g.level%levels].Decode(d, uint32(g.low), uint32(p&7))
	return p>>3 + v, uint8(max(v, -v))
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
