package main

import "github.com/mmcloughlin/avo/operand"

// intra writes predictions from the surroundings of a block, and the
// deviation of its samples.
func (k *kit) intra() {
	k.gradient("gradient16", 16)
	k.gradient("gradient8", 8)
	k.smooth("smooth16", 16)
	k.smooth("smooth8", 8)
}

// widen makes words of n samples; spread those of one sample, n times.
func (k *kit) widen(n int, m op) vec {
	if n == 8 {
		return k.widenX(m)
	}
	return k.widenY(m)
}

func (k *kit) spread(n int, m op) vec {
	x := k.XMM()
	k.VPBROADCASTB(m, x)
	return k.widen(n, x)
}

// storeWords stores n words as bytes.
func (k *kit) storeWords(n int, v vec, m mem) {
	v = k.packu(v, v)
	if n == 16 {
		v = k.quarters(v, 0, 2, 1, 3).AsX().(vec)
	}
	k.store(n, v, m)
}

func (k *kit) gradient(name string, n int) {
	k.kernel(name, "predicts a block as above + left - corner.", "(dst *byte, ds int, above, left *byte, corner int)")
	dst, ds, left := k.arg("dst"), k.arg("ds"), k.arg("left")
	corner := k.spread16(k.arg("corner"))
	if n == 8 {
		corner = corner.AsX().(vec)
	}
	above := k.sub16(k.widen(n, at(k.arg("above"), 0)), corner)
	k.repeat(name+"Rows", operand.U32(n), func() {
		k.storeWords(n, k.add16(above, k.spread(n, at(left, 0))), at(dst, 0))
		k.INCQ(left)
		k.ADDQ(ds, dst)
	})
	k.end()
}

// smooth keeps the blend of above and the lowest sample as a sum that
// changes by their difference from row to row.
func (k *kit) smooth(name string, n int) {
	k.kernel(name, "predicts a block as a mean of two blends.", "(dst *byte, ds int, above, left *byte)")
	dst, ds, above, left := k.arg("dst"), k.arg("ds"), k.arg("above"), k.arg("left")
	rising, falling := make([]int, n), make([]int, n)
	for x := range n {
		rising[x], falling[x] = x+1, n-1-x
	}
	top, low := k.widen(n, at(above, 0)), k.spread(n, at(left, n-1))
	right := k.mul16(k.spread(n, at(above, n-1)), k.words(name+"Rising", rising...))
	change := k.sub16(low, top)
	sum := k.add16(k.mul16(top, k.words(name+"Size", n)), k.words(name+"Size", n))
	sum = k.add16(sum, right)
	weights, shift := k.words(name+"Falling", falling...), 5
	if n == 8 {
		shift = 4
	}
	k.repeat(name+"Rows", operand.U32(n), func() {
		k.VPADDW(change, sum, sum)
		v := k.add16(sum, k.mul16(k.spread(n, at(left, 0)), weights))
		k.storeWords(n, k.srl16(v, shift), at(dst, 0))
		k.INCQ(left)
		k.ADDQ(ds, dst)
	})
	k.end()
}
