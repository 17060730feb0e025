package main

import "github.com/mmcloughlin/avo/operand"

// residuals writes difference and reconstruction of 8x8 blocks.
func (k *kit) residuals() {
	k.diff8()
	k.add8()
	k.diffHalf8()
	k.addTwice8()
}

func (k *kit) diff8() {
	k.kernel("diff8", "stores a - b of 8x8 bytes.", "(dst *[64]int16, a *byte, as int, b *byte, bs int)")
	dst, a, as, b, bs := k.arg("dst"), k.arg("a"), k.arg("as"), k.arg("b"), k.arg("bs")
	as3, bs3 := k.times3(as), k.times3(bs)
	for i := range 8 {
		d := k.sub16(k.widenX(row(a, as, as3, i&3)), k.widenX(row(b, bs, bs3, i&3)))
		k.VMOVDQU(d, at(dst, 16*i))
		if i == 3 {
			k.LEAQ(operand.Mem{Base: a, Index: as, Scale: 4}, a)
			k.LEAQ(operand.Mem{Base: b, Index: bs, Scale: 4}, b)
		}
	}
	k.end()
}

// add8 adds with saturation, which no sum of a byte notices, and packs with
// saturation.
func (k *kit) add8() {
	k.kernel("add8", "stores pred + c of 8x8 bytes.", "(dst *byte, ds int, pred *byte, ps int, c *[64]int16)")
	dst, ds, pred, ps, c := k.arg("dst"), k.arg("ds"), k.arg("pred"), k.arg("ps"), k.arg("c")
	for i := 0; i < 8; i += 2 {
		p := k.adds16(k.widenX(row(pred, ps, ps, 0)), at(c, 16*i))
		q := k.adds16(k.widenX(row(pred, ps, ps, 1)), at(c, 16*i+16))
		k.storeHalves(k.packu(p, q), row(dst, ds, ds, 0), row(dst, ds, ds, 1))
		if i < 6 {
			k.LEAQ(operand.Mem{Base: pred, Index: ps, Scale: 2}, pred)
			k.LEAQ(operand.Mem{Base: dst, Index: ds, Scale: 2}, dst)
		}
	}
	k.end()
}

// storeHalves stores the two halves of 16 bytes.
func (k *kit) storeHalves(x vec, lo, hi mem) {
	k.VMOVQ(x, lo)
	k.VPEXTRQ(operand.U8(1), x, hi)
}

// diffHalf8 adds neighbours by a multiplication with one.
func (k *kit) diffHalf8() {
	k.kernel("diffHalf8", "stores the means of 2x2 of a - b of 16x16 bytes.",
		"(dst *[64]int16, a *byte, as int, b *byte, bs int)")
	dst, a, as, b, bs := k.arg("dst"), k.arg("a"), k.arg("as"), k.arg("b"), k.arg("bs")
	ones := k.x(k.bytes("oneBytes", 1))
	sums := func(p, stride gp) vec {
		return k.add16(k.maddubs(k.x(at(p, 0)), ones), k.maddubs(k.x(row(p, stride, stride, 1)), ones))
	}
	k.repeat("diffHalf8Rows", operand.U32(8), func() {
		d := k.add16(k.sub16(sums(a, as), sums(b, bs)), k.words("two", 2))
		k.VMOVDQU(k.sra16(d, 2), at(dst, 0))
		k.LEAQ(operand.Mem{Base: a, Index: as, Scale: 2}, a)
		k.LEAQ(operand.Mem{Base: b, Index: bs, Scale: 2}, b)
		k.advance(16, dst)
	})
	k.end()
}

// addTwice8 doubles each word before it adds.
func (k *kit) addTwice8() {
	k.kernel("addTwice8", "stores pred + c, each of c for 2x2 of 16x16 bytes.",
		"(dst *byte, ds int, pred *byte, ps int, c *[64]int16)")
	dst, ds, pred, ps, c := k.arg("dst"), k.arg("ds"), k.arg("pred"), k.arg("ps"), k.arg("c")
	k.repeat("addTwice8Rows", operand.U32(8), func() {
		r := k.quarters(k.x(at(c, 0)).AsY(), 0, 0, 1, 1)
		r = k.lo16(r, r)
		upper := k.adds16(r, k.widenY(at(pred, 0)))
		lower := k.adds16(r, k.widenY(row(pred, ps, ps, 1)))
		v := k.quarters(k.packu(upper, lower), 0, 2, 1, 3)
		k.VMOVDQU(v.AsX(), at(dst, 0))
		k.VEXTRACTI128(operand.U8(1), v, row(dst, ds, ds, 1))
		k.LEAQ(operand.Mem{Base: pred, Index: ps, Scale: 2}, pred)
		k.LEAQ(operand.Mem{Base: dst, Index: ds, Scale: 2}, dst)
		k.advance(16, c)
	})
	k.end()
}
