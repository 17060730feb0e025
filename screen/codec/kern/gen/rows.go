package main

import "github.com/mmcloughlin/avo/operand"

// The keys of package kern, as signed numbers.
var hashKeys = []int{0x6a09e667f3bcc908, -0x4498517a7b3558c5, 0x3c6ef372fe94f82b, -0x5ab00ac5a0e2c90f}

// rows writes comparison and hashing of rows.
func (k *kit) rows() {
	k.equalRows()
	k.hashStripes()
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

// hashStripes is the loop of kern.HashRow over n stripes, from the first.
func (k *kit) hashStripes() {
	k.kernel("hashStripes", "adds n stripes of 32 bytes to the lanes.", "(acc *[4]uint64, p *byte, n int)")
	acc, p := k.arg("acc"), k.arg("p")
	lanes := k.y(at(acc, 0))
	key := k.y(k.quads("hashKeys", hashKeys...))
	step := k.y(k.quads("hashStep", -0x61c8864680b583eb))
	pixels := k.y(k.quads("hashPixels", 0x00ffffff_00ffffff))
	k.repeat("hashStripesLoop", k.arg("n"), func() {
		x := k.and(pixels, at(p, 0))
		keyed := k.xor(x, key)
		product, swapped := k.YMM(), k.YMM()
		k.VPMULUDQ(keyed, k.srl64(keyed, 32), product)
		k.VPSHUFD(operand.U8(0xb1), x, swapped)
		k.VPADDQ(product, lanes, lanes)
		k.VPADDQ(swapped, lanes, lanes)
		k.VPADDQ(step, key, key)
		k.advance(32, p)
	})
	k.VMOVDQU(lanes, at(acc, 0))
	k.end()
}
