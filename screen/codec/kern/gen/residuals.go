package main

import "github.com/mmcloughlin/avo/operand"

// residuals writes difference and reconstruction of 8x8 blocks.
func (k *kit) residuals() {
	k.diff8()
	k.add8()
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
