// Package rc is the adaptive binary range coder under the screen codec: it
// packs yes-or-no decisions, each with a probability that both ends learn in
// step, into about as many bits as they are worth.
//
// It is no format: what the decisions mean, and in which order they come, is
// the business of the packages that code with it. Its arithmetic is that of
// G. N. N. Martin, "Range encoding" (1979), with 64 bits of range, words of 32
// bits shifted out when the range falls below 2^32, and carries added to the
// bytes that are out already. The wide range is for speed: whether a word is
// due is asked once for a decision and is nearly always answered no, which a
// processor foresees; coders that shift bytes are stopped by it again and again.
//
// A Prob moves by 1/(n+1.6) at its n-th decision, so it learns at once and then
// settles; from the limit on it forgets at a steady rate.
package rc

import (
	"encoding/binary"
	"math/bits"
)

// Prob is the chance that a decision is yes, in 22 bits, and below them how
// often it was met, in 10 bits. The zero value is one half, met never.
type Prob uint32

const (
	half      = 1 << 31 // so that the zero value means one half
	countMask = 1<<10 - 1
	// limit of the count: from here on a decision's weight is 1/(limit+1.6).
	limit = 60

	top = 1 << 32 // the range is never below it between two decisions
)

// steps[n] is 2^16/(n+1.6). It is longer than the limit so that no index needs
// a check.
var steps = func() (s [countMask + 1]int64) {
	for n := range s {
		s[n] = 655360 / int64(10*n+16)
	}
	return s
}()

// chance in 16 bits that the decision is yes, 1 to 65535.
func (p Prob) chance() uint64 { return uint64(p^half)>>16 | 1 }

// next is p after a decision: yes is 1 or 0.
func (p Prob) next(yes int64) Prob {
	v := uint32(p ^ half)
	n := v & countMask
	c := int64(v >> 10)
	c += ((-yes)&(1<<22-1) - c) * steps[n] >> 16
	if n < limit {
		n++
	}
	return Prob(uint32(c)<<10|n) ^ half
}

// Encoder appends to a buffer of the caller. Its zero value must be Reset.
type Encoder struct {
	low   uint64
	span  uint64
	out   []byte
	start int // of this body in out; carries stop there
}

// Reset begins a body after what dst holds.
func (e *Encoder) Reset(dst []byte) {
	e.out, e.start, e.low, e.span = dst, len(dst), 0, 1<<64-1
}

// Len is the size of the body so far in bytes, within eight of what Finish
// will make of it.
func (e *Encoder) Len() int { return len(e.out) - e.start }

// Bit codes one decision and lets p learn it.
func (e *Encoder) Bit(p *Prob, yes bool) {
	one := int64(b2i(yes))
	bound := (e.span >> 16) * p.chance()
	rest := e.span - bound
	// Branches on yes would be foreseen badly just where it costs bits.
	no := uint64(one - 1) // all ones for no
	low, carry := bits.Add64(e.low, bound&no, 0)
	span := bound ^ (bound^rest)&no
	*p = p.next(one)
	if carry != 0 {
		e.carry()
	}
	if span < top {
		e.out = binary.BigEndian.AppendUint32(e.out, uint32(low>>32))
		low <<= 32
		span <<= 32
	}
	e.low, e.span = low, span
}

// Tree codes the low n bits of v, the highest first, each in the light of
// those before it. t holds 1<<n Probs; t[0] is not used.
func (e *Encoder) Tree(t []Prob, v uint32, n int) {
	at := uint32(1)
	for n > 0 {
		n--
		one := v >> n & 1
		e.Bit(&t[at], one == 1)
		at = at<<1 | one
	}
}

// Raw codes the low n bits of v, 0 <= n <= 32, unmodelled.
func (e *Encoder) Raw(v uint32, n int) {
	if n > 16 {
		e.raw(v>>16, n-16)
		n = 16
	}
	if n > 0 {
		e.raw(v, n)
	}
}

// raw codes 1 to 16 bits.
func (e *Encoder) raw(v uint32, n int) {
	span := e.span >> n
	low, carry := bits.Add64(e.low, span*uint64(v&(1<<n-1)), 0)
	if carry != 0 {
		e.carry()
	}
	if span < top {
		e.out = binary.BigEndian.AppendUint32(e.out, uint32(low>>32))
		low <<= 32
		span <<= 32
	}
	e.low, e.span = low, span
}

// carry adds an overflow of low to the bytes that are out. There is always one
// that can take it: the number coded is below 1.
func (e *Encoder) carry() {
	for i := len(e.out) - 1; i >= e.start; i-- {
		e.out[i]++
		if e.out[i] != 0 {
			return
		}
	}
}

// Finish ends the body with as few bytes as name a number within the range
// (the decoder reads zeros after the end) and returns the whole buffer.
func (e *Encoder) Finish() []byte {
	v := e.low
	for n := 56; n >= 0; n -= 8 {
		mask := uint64(1)<<n - 1
		up, carry := bits.Add64(e.low, mask, 0)
		if up &^= mask; up-e.low >= e.span {
			continue
		}
		if v = up; carry != 0 {
			e.carry()
		}
		break
	}
	for ; v != 0; v <<= 8 {
		e.out = append(e.out, byte(v>>56))
	}
	for len(e.out) > e.start && e.out[len(e.out)-1] == 0 {
		e.out = e.out[:len(e.out)-1]
	}
	return e.out
}

// Decoder reads a body that may come from a stranger: it never fails, it makes
// zeros of what is missing and tells that it did (Overrun).
type Decoder struct {
	code uint64
	span uint64
	in   []byte
	pos  int
}

// Reset begins with body, which is read only and kept until the next Reset.
func (d *Decoder) Reset(body []byte) {
	*d = Decoder{in: body, span: 1<<64 - 1}
	d.shift()
	d.shift()
}

// shift takes the next four bytes.
func (d *Decoder) shift() {
	var w uint32
	if uint(d.pos) < uint(len(d.in)) && len(d.in)-d.pos >= 4 {
		w = binary.BigEndian.Uint32(d.in[d.pos:])
	} else {
		for i := d.pos; i < d.pos+4; i++ {
			w <<= 8
			if i < len(d.in) {
				w |= uint32(d.in[i])
			}
		}
	}
	d.pos += 4
	d.code = d.code<<32 | uint64(w)
}

// slack is how many bytes an honest body may be read past its end: the eight
// that the decoder is ahead, and the zeros that Finish left out are no more
// than the encoder wrote, which nothing here can know; a decoder that stops
// within this many of them has lost nothing.
const slack = 1 << 10

// Overrun tells that so much was read past the end that the body is a
// stranger's: a loop that decodes by its own count stops here.
func (d *Decoder) Overrun() bool { return d.pos > len(d.in)+slack }

// Bit decodes one decision and lets p learn it.
func (d *Decoder) Bit(p *Prob) bool {
	span := d.span
	bound := (span >> 16) * p.chance()
	if d.code < bound {
		*p = p.next(1)
		d.span = bound
		if bound < top {
			d.span <<= 32
			d.shift()
		}
		return true
	}
	*p = p.next(0)
	d.code -= bound
	d.span = span - bound
	if d.span < top {
		d.span <<= 32
		d.shift()
	}
	return false
}

// Tree decodes n bits that the encoder's Tree coded.
func (d *Decoder) Tree(t []Prob, n int) uint32 {
	at := uint32(1)
	for range n {
		at = at<<1 | uint32(b2i(d.Bit(&t[at])))
	}
	return at &^ (1 << n)
}

// Raw decodes n bits, 0 <= n <= 32.
func (d *Decoder) Raw(n int) (v uint32) {
	if n > 16 {
		v = d.raw(n - 16)
		n = 16
	}
	if n > 0 {
		v = v<<n | d.raw(n)
	}
	return v
}

// raw decodes 1 to 16 bits.
func (d *Decoder) raw(n int) uint32 {
	d.span >>= n
	v := min(d.code/d.span, 1<<n-1) // a stranger's code may lie above the range
	d.code -= v * d.span
	if d.span < top {
		d.span <<= 32
		d.shift()
	}
	return uint32(v)
}
