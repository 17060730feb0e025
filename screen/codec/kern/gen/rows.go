package main

import "github.com/mmcloughlin/avo/operand"

// rows writes what compares and copies rows.
func (k *kit) rows() {
	k.equalRows()
	k.copyColours()
}

// equalRows compares rows of 32n bytes, all of a row before it looks.
func (k *kit) equalRows() {
	k.kernel("equalRows", "says (1) whether h rows of 32 n bytes are equal.",
		"(a *byte, as int, b *byte, bs int, n, h int) int")
	a, as, b, bs := k.arg("a"), k.arg("as"), k.arg("b"), k.arg("bs")
	length, h := k.arg("n"), k.arg("h")
	k.SHLQ(operand.U8(5), length)
	equal, i := k.GP64(), k.GP64()
	k.XORQ(equal, equal)
	k.Label("equalRowsNext")
	k.XORQ(i, i)
	diff := k.zeroY()
	k.Label("equalRowsLoop")
	x := k.YMM()
	k.VMOVDQU(operand.Mem{Base: a, Index: i, Scale: 1}, x)
	k.VPXOR(operand.Mem{Base: b, Index: i, Scale: 1}, x, x)
	k.VPOR(x, diff, diff)
	k.ADDQ(operand.U8(32), i)
	k.CMPQ(i, length)
	k.JLT(operand.LabelRef("equalRowsLoop"))
	k.VPTEST(diff, diff)
	k.JNZ(operand.LabelRef("equalRowsDone"))
	k.ADDQ(as, a)
	k.ADDQ(bs, b)
	k.DECQ(h)
	k.JNZ(operand.LabelRef("equalRowsNext"))
	k.INCQ(equal)
	k.Label("equalRowsDone")
	k.Store(equal, k.ReturnIndex(0))
	k.end()
}

// copyColours takes the bytes that carry no colour out on the way.
func (k *kit) copyColours() {
	k.kernel("copyColours", "copies 32 n bytes of pixels and makes the last byte of each zero.", "(dst, src *byte, n int)")
	dst, src := k.arg("dst"), k.arg("src")
	mask := k.YMM()
	k.VPCMPEQD(mask, mask, mask)
	k.VPSRLD(operand.U8(8), mask, mask)
	k.repeat("copyColoursLoop", k.arg("n"), func() {
		x := k.YMM()
		k.VPAND(at(src, 0), mask, x)
		k.VMOVDQU(x, at(dst, 0))
		k.ADDQ(operand.U8(32), src)
		k.ADDQ(operand.U8(32), dst)
	})
	k.end()
}
