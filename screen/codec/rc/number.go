package rc

import "math/bits"

// Number codes whole numbers that are mostly small: how many bits one has, one
// decision at a time, then those bits, the two highest of them learned too.
// The zero value is ready.
type Number struct {
	size [33]Prob
	head [33][3]Prob
}

// Encode codes v, at most 1<<32-2.
func (m *Number) Encode(e *Encoder, v uint32) {
	n := bits.Len32(v + 1) // 1 to 32; the highest bit of v+1 is always set
	for i := 1; i < n; i++ {
		e.Bit(&m.size[i], false)
	}
	if n < 32 {
		e.Bit(&m.size[n], true)
	}
	rest := n - 1
	at := 0
	for k := 0; k < 2 && rest > 0; k++ {
		rest--
		one := (v+1)>>rest&1 == 1
		e.Bit(&m.head[n][at], one)
		at = 1 + b2i(one)
	}
	e.Raw(v+1, rest)
}

// Decode reads what Encode coded. From a stranger any value up to 1<<32-2 can
// come.
func (m *Number) Decode(d *Decoder) uint32 {
	n := 1
	for n < 32 && !d.Bit(&m.size[n]) {
		n++
	}
	v := uint32(1)
	rest := n - 1
	at := 0
	for k := 0; k < 2 && rest > 0; k++ {
		rest--
		one := b2i(d.Bit(&m.head[n][at]))
		v = v<<1 | uint32(one)
		at = 1 + one
	}
	return (v<<rest | d.Raw(rest)) - 1
}

// Signed is a Number for values of either sign, -1<<30 to 1<<30.
type Signed struct{ n Number }

// Encode codes v.
func (m *Signed) Encode(e *Encoder, v int32) {
	if v > 0 {
		m.n.Encode(e, uint32(v)<<1-1)
	} else {
		m.n.Encode(e, uint32(-v)<<1)
	}
}

// Decode reads what Encode coded; a stranger's value has any size.
func (m *Signed) Decode(d *Decoder) int32 {
	u := m.n.Decode(d)
	if u&1 == 1 {
		return int32(u>>1 + 1)
	}
	return -int32(u >> 1)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
