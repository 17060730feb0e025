// Package rc is the adaptive binary range coder under the screen codec: it
// packs yes-or-no decisions, each with a probability that both ends learn in
// step, into about as many bits as they are worth.
//
// It is no format: what the decisions mean, and in which order they come, is
// the business of the packages that code with it. Its arithmetic is that of
// G. N. N. Martin, "Range encoding" (1979), with 32 bits of range, bytes
// shifted out at 2^24, and carries added to the bytes that are out already.
//
// A Prob moves by 1/(n+1.6) at its n-th decision, so it learns at once and then
// settles; from the limit on it forgets at a steady rate.
package rc

// Prob is the chance that a decision is yes, in 22 bits, and below them how
// often it was met, in 10 bits. The zero value is one half, met never.
type Prob uint32

const (
	half      = 1 << 31 // so that the zero value means one half
	countMask = 1<<10 - 1
	// limit of the count: from here on a decision's weight is 1/(limit+1.6).
	limit = 60

	top = 1 << 24
)

// steps[n] is 2^16/(n+1.6).
var steps = func() (s [limit + 1]uint32) {
	for n := range s {
		s[n] = uint32(655360 / (10*n + 16))
	}
	return s
}()

// chance in 16 bits that the decision is yes, 1 to 65535.
func (p Prob) chance() uint32 {
	c := uint32(p^half) >> 16
	if c == 0 {
		return 1
	}
	return c
}

// learn moves p towards what was decided.
func (p *Prob) learn(yes bool) {
	v := uint32(*p ^ half)
	n := v & countMask
	c := v >> 10
	if yes {
		c += uint32(uint64(1<<22-1-c) * uint64(steps[n]) >> 16)
	} else {
		c -= uint32(uint64(c) * uint64(steps[n]) >> 16)
	}
	if n < limit {
		n++
	}
	*p = Prob(c<<10|n) ^ half
}

// Encoder appends to a buffer of the caller. Its zero value must be Reset.
type Encoder struct {
	out   []byte
	start int // of this body in out; carries stop there
	low   uint64
	span  uint32
}

// Reset begins a body after what dst holds.
func (e *Encoder) Reset(dst []byte) {
	e.out, e.start, e.low, e.span = dst, len(dst), 0, 1<<32-1
}

// Len is the size of the body so far in bytes, within four of what Finish
// will make of it.
func (e *Encoder) Len() int { return len(e.out) - e.start }

// Bit codes one decision and lets p learn it.
func (e *Encoder) Bit(p *Prob, yes bool) {
	bound := (e.span >> 16) * p.chance()
	if yes {
		e.span = bound
	} else {
		e.low += uint64(bound)
		e.span -= bound
	}
	p.learn(yes)
	for e.span < top {
		e.shift()
	}
}

// Raw codes the low n bits of v, 0 <= n <= 32, the highest first, unmodelled.
func (e *Encoder) Raw(v uint32, n int) {
	for n > 0 {
		n--
		e.span >>= 1
		if v>>n&1 == 0 {
			e.low += uint64(e.span)
		}
		for e.span < top {
			e.shift()
		}
	}
}

func (e *Encoder) shift() {
	e.carry()
	e.out = append(e.out, byte(e.low>>24))
	e.low = e.low << 8 & (1<<32 - 1)
	e.span <<= 8
}

// carry adds an overflow of low to the bytes that are out.
func (e *Encoder) carry() {
	if e.low < 1<<32 {
		return
	}
	e.low &= 1<<32 - 1
	for i := len(e.out) - 1; ; i-- {
		e.out[i]++
		if e.out[i] != 0 {
			return
		}
	}
}

// Finish ends the body with as few bytes as name a number within the range
// (the decoder reads zeros after the end) and returns the whole buffer.
func (e *Encoder) Finish() []byte {
	for bits := 24; ; bits -= 8 {
		mask := uint64(1)<<bits - 1
		v := (e.low + mask) &^ mask
		if v >= e.low+uint64(e.span) {
			continue
		}
		e.low = v
		e.carry()
		for v = e.low; v != 0; v = v << 8 & (1<<32 - 1) {
			e.out = append(e.out, byte(v>>24))
		}
		break
	}
	for len(e.out) > e.start && e.out[len(e.out)-1] == 0 {
		e.out = e.out[:len(e.out)-1]
	}
	return e.out
}

// Decoder reads a body that may come from a stranger: it never fails, it makes
// zeros of what is missing and tells that it did (Overrun).
type Decoder struct {
	in   []byte
	pos  int
	span uint32
	code uint32
}

// Reset begins with body, which is read only and kept until the next Reset.
func (d *Decoder) Reset(body []byte) {
	*d = Decoder{in: body, span: 1<<32 - 1}
	for range 4 {
		d.code = d.code<<8 | d.next()
	}
}

func (d *Decoder) next() uint32 {
	d.pos++
	if d.pos <= len(d.in) {
		return uint32(d.in[d.pos-1])
	}
	return 0
}

// slack is how many bytes an honest body may be read past its end: the four
// that the decoder is ahead, and the zeros that Finish left out are no more
// than the encoder wrote, which nothing here can know; a decoder that stops
// within this many of them has lost nothing.
const slack = 1 << 10

// Overrun tells that so much was read past the end that the body is a
// stranger's: a loop that decodes by its own count stops here.
func (d *Decoder) Overrun() bool { return d.pos > len(d.in)+slack }

// Bit decodes one decision and lets p learn it.
func (d *Decoder) Bit(p *Prob) bool {
	bound := (d.span >> 16) * p.chance()
	yes := d.code < bound
	if yes {
		d.span = bound
	} else {
		d.code -= bound
		d.span -= bound
	}
	p.learn(yes)
	for d.span < top {
		d.span <<= 8
		d.code = d.code<<8 | d.next()
	}
	return yes
}

// Raw decodes n bits, 0 <= n <= 32.
func (d *Decoder) Raw(n int) (v uint32) {
	for range n {
		d.span >>= 1
		v <<= 1
		if d.code < d.span {
			v |= 1
		} else {
			d.code -= d.span
		}
		for d.span < top {
			d.span <<= 8
			d.code = d.code<<8 | d.next()
		}
	}
	return v
}
