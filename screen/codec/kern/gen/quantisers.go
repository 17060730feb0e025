package main

import "github.com/mmcloughlin/avo/operand"

// quantisers writes quantisation both ways.
func (k *kit) quantisers() {
	k.nonzero8()
	k.kernel("quant8", "turns 64 coefficients into levels and counts those that are not 0.",
		"(c *[64]int16, recip, bias *[64]uint16) int")
	c, recip, bias := k.arg("c"), k.arg("recip"), k.arg("bias")
	zero := k.zeroY()
	var empty [4]vec
	for i := range empty {
		v := k.y(at(c, 32*i))
		level := k.mulhiu(k.addus(k.abs16(v), at(bias, 32*i)), k.y(at(recip, 32*i)))
		level = k.sign16(level, v)
		k.VMOVDQU(level, at(c, 32*i))
		empty[i] = k.equal16(level, zero)
	}
	k.Store(k.countClear(empty), k.ReturnIndex(0))
	k.end()

	k.kernel("dequant8", "multiplies 64 levels by their steps.", "(c, step *[64]int16)")
	c, step := k.arg("c"), k.arg("step")
	for i := range 4 {
		v, s := k.y(at(c, 32*i)), k.y(at(step, 32*i))
		lo, hi := k.mul16(v, s), k.mulhi(v, s)
		k.VMOVDQU(k.packs(k.lo16(lo, hi), k.hi16(lo, hi)), at(c, 32*i))
	}
	k.end()
}

// nonzero8 packs words to bytes, which keeps zeros and only zeros.
func (k *kit) nonzero8() {
	k.kernel("nonzero8", "sets bit i where c[i] is not 0.", "(c *[64]int16) uint64")
	c, zero := k.arg("c"), k.zeroY()
	var half [2]gp
	for i := range half {
		lo, b, g := k.y(at(c, 64*i)), k.YMM(), k.GP32()
		k.VPACKSSWB(at(c, 64*i+32), lo, b)
		k.VPCMPEQB(zero, b, b)
		k.VPMOVMSKB(k.quarters(b, 0, 2, 1, 3), g)
		half[i] = g.As64().(gp)
	}
	k.SHLQ(operand.U8(32), half[1])
	k.ORQ(half[0], half[1])
	k.NOTQ(half[1])
	k.Store(half[1], k.ReturnIndex(0))
	k.end()
}

// countClear counts the words that are 0 rather than -1.
func (k *kit) countClear(m [4]vec) gp {
	count := k.GP64()
	k.MOVQ(operand.U32(64), count)
	for i := 0; i < 4; i += 2 {
		b, g := k.YMM(), k.GP32()
		k.VPACKSSWB(m[i+1], m[i], b)
		k.VPMOVMSKB(b, g)
		k.POPCNTL(g, g)
		k.SUBQ(g.As64(), count)
	}
	return count
}
