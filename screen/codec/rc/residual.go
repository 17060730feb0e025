package rc

import (
	"encoding/binary"
	"math/bits"
)

// Residual codes how far values are from what was predicted for them, where the
// errors are all about as large: a quotient (in unary) and a remainder of so
// many bits, after Golomb and Rice, and a sign. The quotient's decisions and
// the highest bit of the remainder are learned. Without remainder there is a
// decision on "no error" first, and it and the sign are learned by where
// between two whole numbers the prediction was. The zero value is ready.
//
// The body is that of as many calls of Bit and Raw. It takes less time: the
// state stays in registers, and where a processor could not foresee a decision
// there is no branch on it.
type Residual struct {
	high [maxUnary]Prob
	low  [2]Prob // the highest bit of the remainder, by whether the quotient is 0
	zero [8]Prob
	sign [8]Prob
}

// maxUnary is where a quotient is so large that the size is written out.
const maxUnary = 12

// Encode codes d, -255 to 255, with a remainder of k bits, 0 to 8; eighth is
// where the prediction was, 0 to 7.
func (m *Residual) Encode(e *Encoder, d int32, k, eighth uint32) {
	size, sign := uint32(max(d, -d)), uint32(d)>>31
	if k > 0 {
		m.encodeLong(e, size, sign, k)
		return
	}
	e.Bit(&m.zero[eighth&7], size != 0)
	if size != 0 {
		if !e.unary(&m.high, size-1) {
			e.Raw(size, 8)
		}
		e.Bit(&m.sign[eighth&7], sign == 1)
	}
}

// encodeLong codes a size that has a remainder.
func (m *Residual) encodeLong(e *Encoder, size, sign, k uint32) {
	high := size >> k
	if !e.unary(&m.high, high) {
		e.Raw(size, 8)
		e.Raw(sign, 1)
		return
	}
	k--
	e.Bit(&m.low[b2i(high == 0)], size>>k&1 == 1)
	rest := size & (1<<k - 1)
	if size>>k != 0 { // it has a sign for certain
		e.raw(rest<<1|sign, int(k)+1)
		return
	}
	e.Raw(rest, int(k))
	if rest != 0 {
		e.raw(sign, 1)
	}
}

// unary codes n as n times yes and a no; not ok if there are not as many Probs:
// then all of them said yes.
func (e *Encoder) unary(p *[maxUnary]Prob, n uint32) (ok bool) {
	low, span := e.low, e.span
	for i := range p {
		one := int64(b2i(uint32(i) < n))
		bound := (span >> 16) * p[i].chance()
		no := uint64(one - 1)
		var carry uint64
		low, carry = bits.Add64(low, bound&no, 0)
		span = bound ^ (bound^(span-bound))&no
		p[i] = p[i].next(one)
		if carry != 0 {
			e.carry()
		}
		if span < top {
			e.out = binary.BigEndian.AppendUint32(e.out, uint32(low>>32))
			low <<= 32
			span <<= 32
		}
		if one == 0 {
			ok = true
			break
		}
	}
	e.low, e.span = low, span
	return ok
}

// Decode reads what Encode coded; d is -255 to 255 of a stranger's body, too.
func (m *Residual) Decode(d *Decoder, k, eighth uint32) int32 {
	if k > 0 {
		return m.decodeLong(d, k)
	}
	if !d.Bit(&m.zero[eighth&7]) {
		return 0
	}
	size := d.unary(&m.high) + 1
	if size > maxUnary {
		size = d.raw(8)
	}
	return signed(size, d.even(&m.sign[eighth&7]))
}

// decodeLong reads a residual that has a remainder.
func (m *Residual) decodeLong(d *Decoder, k uint32) int32 {
	high := d.unary(&m.high)
	if high == maxUnary {
		size := d.raw(8)
		return signed(size, d.coin())
	}
	size := high<<1 | d.even(&m.low[b2i(high == 0)])
	if k--; k == 0 {
		if size == 0 {
			return 0
		}
		return signed(size, d.coin())
	}
	if size != 0 {
		rest := d.raw(int(k) + 1)
		return signed(size<<k|rest>>1, rest&1)
	}
	if size = d.raw(int(k)); size == 0 {
		return 0
	}
	return signed(size, d.coin())
}

// signed is a size with its sign, 1 for down.
func signed(size, sign uint32) int32 {
	return (int32(min(size, 255)) ^ -int32(sign)) + int32(sign)
}

// unary decodes what the encoder's unary coded; maxUnary if that was not ok.
func (d *Decoder) unary(p *[maxUnary]Prob) uint32 {
	code, span := d.code, d.span
	for i := range p {
		q := p[i]
		bound := (span >> 16) * q.chance()
		if code >= bound {
			p[i] = q.next(0)
			d.code, d.span = code-bound, span-bound
			if d.span < top {
				d.span <<= 32
				d.shift()
			}
			return uint32(i)
		}
		p[i] = q.next(1)
		if span = bound; span < top {
			span <<= 32
			d.code = code
			d.shift()
			code = d.code
		}
	}
	d.code, d.span = code, span
	return maxUnary
}

// even decodes what Bit coded, without a branch on it: for decisions of about
// even odds, of which a processor would foresee no more than half.
func (d *Decoder) even(p *Prob) uint32 {
	bound := (d.span >> 16) * p.chance()
	_, one := bits.Sub64(d.code, bound, 0)
	no := one - 1
	*p = p.next(int64(one))
	d.code -= bound & no
	d.span = bound ^ (bound^(d.span-bound))&no
	if d.span < top {
		d.span <<= 32
		d.shift()
	}
	return uint32(one)
}

// coin is raw(1) without a division.
func (d *Decoder) coin() uint32 {
	half := d.span >> 1
	_, zero := bits.Sub64(d.code, half, 0)
	d.code -= half & (zero - 1)
	if d.span = half; half < top {
		d.span <<= 32
		d.shift()
	}
	return uint32(1 - zero)
}
