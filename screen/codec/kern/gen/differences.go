package main

import "github.com/mmcloughlin/avo/operand"

// differences writes the kernels that compare blocks.
func (k *kit) differences() {
	k.sad16()
	k.sad8()
	k.quarters16()
	k.ssd("ssd16", 16)
	k.ssd("ssd8", 8)
	k.satd8()
}

// sad16 takes 16 rows of 16 bytes, four to a turn.
func (k *kit) sad16() {
	k.kernel("sad16", "is the sum of absolute differences of 16x16 bytes.", "(a *byte, as int, b *byte, bs int) int")
	a, as, b, bs := k.arg("a"), k.arg("as"), k.arg("b"), k.arg("bs")
	as3, bs3 := k.times3(as), k.times3(bs)
	sums := [2]vec{k.zeroX(), k.zeroX()}
	for turn := range 4 {
		for i := range 4 {
			s := k.sad(k.x(row(a, as, as3, i)), row(b, bs, bs3, i))
			k.VPADDQ(s, sums[i&1], sums[i&1])
		}
		if turn < 3 {
			k.LEAQ(operand.Mem{Base: a, Index: as, Scale: 4}, a)
			k.LEAQ(operand.Mem{Base: b, Index: bs, Scale: 4}, b)
		}
	}
	k.Store(k.sum64(k.add64(sums[0], sums[1])), k.ReturnIndex(0))
	k.end()
}

// sad8 joins two rows of 8 bytes in a register.
func (k *kit) sad8() {
	k.kernel("sad8", "is the sum of absolute differences of 8x8 bytes.", "(a *byte, as int, b *byte, bs int) int")
	a, as, b, bs := k.arg("a"), k.arg("as"), k.arg("b"), k.arg("bs")
	as3, bs3 := k.times3(as), k.times3(bs)
	sum := k.zeroX()
	for turn := range 2 {
		for i := 0; i < 4; i += 2 {
			p := k.halves(row(a, as, as3, i), row(a, as, as3, i+1))
			q := k.halves(row(b, bs, bs3, i), row(b, bs, bs3, i+1))
			k.VPADDQ(k.sad(p, q), sum, sum)
		}
		if turn == 0 {
			k.LEAQ(operand.Mem{Base: a, Index: as, Scale: 4}, a)
			k.LEAQ(operand.Mem{Base: b, Index: bs, Scale: 4}, b)
		}
	}
	k.Store(k.sum64(sum), k.ReturnIndex(0))
	k.end()
}

// quarters16 needs nothing but VPSADBW, whose two sums are those of the left and the right
// quarter.
func (k *kit) quarters16() {
	k.kernel("quarters16", "adds up the differences of each quarter of 16x16 bytes: four sums of their sizes, four as they are.", "(q *[8]int64, a *byte, as int, b *byte, bs int)")
	q, a, as, b, bs := k.arg("q"), k.arg("a"), k.arg("as"), k.arg("b"), k.arg("bs")
	as3, bs3 := k.times3(as), k.times3(bs)
	zero := k.zeroX()
	for half := range 2 {
		apart, bias := k.zeroX(), k.zeroX()
		for turn := range 2 {
			for i := range 4 {
				x, y := k.x(row(a, as, as3, i)), k.x(row(b, bs, bs3, i))
				k.VPADDQ(k.sad(x, y), apart, apart)
				k.VPADDQ(k.sad(x, zero), bias, bias)
				k.VPSUBQ(k.sad(y, zero), bias, bias)
			}
			if half+turn < 2 {
				k.LEAQ(operand.Mem{Base: a, Index: as, Scale: 4}, a)
				k.LEAQ(operand.Mem{Base: b, Index: bs, Scale: 4}, b)
			}
		}
		k.VMOVDQU(apart, at(q, 16*half))
		k.VMOVDQU(bias, at(q, 32+16*half))
	}
	k.end()
}

// ssd squares differences of words; the sums of 32 bits hold 256 * 255^2.
func (k *kit) ssd(name string, n int) {
	k.kernel(name, "is the sum of squared differences of two blocks.", "(a *byte, as int, b *byte, bs int) int")
	a, as, b, bs := k.arg("a"), k.arg("as"), k.arg("b"), k.arg("bs")
	widen, sum := k.widenY, k.zeroY()
	if n == 8 {
		widen, sum = k.widenX, k.zeroX()
	}
	k.repeat(name+"Rows", operand.U32(n/2), func() {
		for i := range 2 {
			d := k.sub16(widen(row(a, as, as, i)), widen(row(b, bs, bs, i)))
			k.VPADDD(k.madd(d, d), sum, sum)
		}
		k.LEAQ(operand.Mem{Base: a, Index: as, Scale: 2}, a)
		k.LEAQ(operand.Mem{Base: b, Index: bs, Scale: 2}, b)
	})
	k.Store(k.sum32(sum), k.ReturnIndex(0))
	k.end()
}

// sum32 adds the doubles of a, none of them negative, into 64 bits.
func (k *kit) sum32(a vec) gp {
	zero := k.like(a)
	k.VPXOR(zero, zero, zero)
	return k.sum64(k.add64(k.lo32(a, zero), k.hi32(a, zero)))
}

// satd8 transforms columns, transposes and transforms columns again. A coefficient
// is at most 64*255, so words hold it; a multiplication with one adds the absolute
// values as doubles.
func (k *kit) satd8() {
	k.kernel("satd8", "is the sum of absolute Hadamard coefficients of the difference of blocks of 8x8.",
		"(a *byte, as int, b *byte, bs int) int")
	a, as, b, bs := k.arg("a"), k.arg("as"), k.arg("b"), k.arg("bs")
	as3, bs3 := k.times3(as), k.times3(bs)
	sum, ones := k.zeroX(), k.words("ones", 1)
	var r [8]vec
	for i := range r {
		r[i] = k.sub16(k.widenX(row(a, as, as3, i&3)), k.widenX(row(b, bs, bs3, i&3)))
		if i == 3 {
			k.LEAQ(operand.Mem{Base: a, Index: as, Scale: 4}, a)
			k.LEAQ(operand.Mem{Base: b, Index: bs, Scale: 4}, b)
		}
	}
	k.hadamard(&r)
	k.transpose8(&r)
	k.hadamard(&r)
	for _, v := range r {
		m := k.like(v)
		k.VPABSW(v, m)
		k.VPADDD(k.madd(m, ones), sum, sum)
	}
	total := k.sum32(sum)
	k.ADDQ(operand.U8(4), total)
	k.SHRQ(operand.U8(3), total)
	k.Store(total, k.ReturnIndex(0))
	k.end()
}

// hadamard transforms eight rows over the columns.
func (k *kit) hadamard(r *[8]vec) {
	for d := 1; d < 8; d *= 2 {
		for i := range r {
			if i&d == 0 {
				r[i], r[i+d] = k.add16(r[i], r[i+d]), k.sub16(r[i], r[i+d])
			}
		}
	}
}

// transpose8 exchanges rows and columns of 8x8 words.
func (k *kit) transpose8(r *[8]vec) {
	for i := 0; i < 8; i += 2 {
		r[i], r[i+1] = k.lo16(r[i], r[i+1]), k.hi16(r[i], r[i+1])
	}
	for i := 0; i < 8; i += 4 {
		r[i], r[i+1], r[i+2], r[i+3] = k.lo32(r[i], r[i+2]), k.hi32(r[i], r[i+2]), k.lo32(r[i+1], r[i+3]), k.hi32(r[i+1], r[i+3])
	}
	t := *r
	for i := range 4 {
		r[2*i], r[2*i+1] = k.lo64(t[i], t[i+4]), k.hi64(t[i], t[i+4])
	}
}
