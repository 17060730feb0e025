package main

import "github.com/mmcloughlin/avo/operand"

// predictions writes the kernels of prediction by weighted sums.
func (k *kit) predictions() {
	k.tapRows()
	k.dotsOf()
	k.dots()
	k.moments()
	k.nearby()
	k.surroundings()
}

// tapRows subtracts 16 words at a time.
func (k *kit) tapRows() {
	k.kernel("tapRows", "stores n rows of 16 differences of words.", "(dst, p *int16, offsets *int32, n int)")
	dst, p, offsets := k.arg("dst"), k.arg("p"), k.arg("offsets")
	plus, minus := k.GP64(), k.GP64()
	k.repeat("tapRowsNext", k.arg("n"), func() {
		k.MOVLQSX(at(offsets, 0), plus)
		k.MOVLQSX(at(offsets, 4), minus)
		d := k.sub16(k.y(mem{Base: p, Index: plus, Scale: 2}), mem{Base: p, Index: minus, Scale: 2})
		k.VMOVDQU(d, at(dst, 0))
		k.advance(8, offsets)
		k.advance(32, dst)
	})
	k.end()
}

// interleaved is a pair of rows of words, those of a sample side by side: of
// samples 0 to 3 and 8 to 11, and of the others.
func (k *kit) interleaved(v gp) [2]vec {
	a, b := k.y(at(v, 0)), k.y(at(v, 32))
	return [2]vec{k.lo16(a, b), k.hi16(a, b)}
}

// storeDots brings sums of interleaved samples into order.
func (k *kit) storeDots(sums [2]vec, dst gp, off int) {
	k.VMOVDQU(k.lowLanes(sums[0], sums[1]), at(dst, off))
	k.VMOVDQU(k.highLanes(sums[0], sums[1]), at(dst, off+32))
}

// dotsOf picks each sample's pair of weights out of four by its kind.
func (k *kit) dotsOf() {
	k.kernel("dotsOf", "stores sums of n pairs of rows, with the weights of each sample's kind.",
		"(dst *int32, v, w, kind *int16, n int)")
	dst, v, w, kinds := k.arg("dst"), k.arg("v"), k.arg("w"), k.arg("kind")
	zero, words := k.zeroY(), k.y(at(kinds, 0))
	kind := [2]vec{k.lo16(words, zero), k.hi16(words, zero)}
	sums := [2]vec{k.zeroY(), k.zeroY()}
	k.repeat("dotsOfNext", k.arg("n"), func() {
		weights := k.both(at(w, 0))
		for i, x := range k.interleaved(v) {
			own := k.YMM()
			k.VPERMILPS(kind[i], weights, own)
			k.VPADDD(k.madd(x, own), sums[i], sums[i])
		}
		k.advance(16, w)
		k.advance(64, v)
	})
	k.storeDots(sums, dst, 0)
	k.end()
}

func (k *kit) dots() {
	k.kernel("dots", "stores sums of n pairs of rows, with each of four sets of weights.",
		"(dst *int32, v, w *int16, n int)")
	dst, v, w := k.arg("dst"), k.arg("v"), k.arg("w")
	var sums [4][2]vec
	for set := range sums {
		sums[set] = [2]vec{k.zeroY(), k.zeroY()}
	}
	k.repeat("dotsNext", k.arg("n"), func() {
		x := k.interleaved(v)
		for set := range sums {
			weights := k.YMM()
			k.VPBROADCASTD(at(w, 4*set), weights)
			for i := range x {
				k.VPADDD(k.madd(x[i], weights), sums[set][i], sums[set][i])
			}
		}
		k.advance(16, w)
		k.advance(64, v)
	})
	for set := range sums {
		k.storeDots(sums[set], dst, 64*set)
	}
	k.end()
}

// moments multiplies doubles to quads. The first half serves eight values alone.
func (k *kit) moments() {
	k.kernel("moments", "adds products of 4 n values, 2 or 4 times 4.",
		"(square, right *int64, v *int16, target, weight, n int)")
	square, right, v := k.arg("square"), k.arg("right"), k.arg("v")
	weight, target, n := k.arg("weight"), k.arg("target"), k.arg("n")
	var values [4]vec
	for i := range values {
		values[i] = k.YMM()
		k.VPMOVSXWQ(at(v, 8*i), values[i])
	}
	weights, weighted := k.YMM(), k.AllocLocal(64)
	x := k.XMM()
	k.VMOVQ(weight, x)
	k.VPBROADCASTD(x, weights)
	for i := range 2 {
		d := k.YMM()
		k.VPMOVSXWD(at(v, 16*i), d)
		k.VPMULLD(weights, d, d)
		k.VMOVDQU(d, weighted.Offset(32*i))
	}
	k.IMULQ(weight, target)
	y, targets := k.XMM(), k.YMM()
	k.VMOVQ(target, y)
	k.VPBROADCASTQ(y, targets)

	block := func(factor vec, j int, sum mem) {
		p := k.YMM()
		k.VPMULDQ(factor, values[j], p)
		k.VPADDQ(sum, p, p)
		k.VMOVDQU(p, sum)
	}
	rows := func(from, to, blocks, first int) {
		for i := from; i < to; i++ {
			factor := k.YMM()
			k.VPBROADCASTD(weighted.Offset(4*i), factor)
			for j := max(i/4, first); j < blocks; j++ {
				block(factor, j, at(square, 128*i+32*j))
			}
		}
		for j := first; j < blocks; j++ {
			block(targets, j, at(right, 32*j))
		}
	}
	rows(0, 8, 2, 0)
	k.CMPQ(n, operand.U8(2))
	k.JEQ(operand.LabelRef("momentsDone"))
	rows(0, 16, 4, 2)
	k.Label("momentsDone")
	k.end()
}

func (k *kit) nearby() {
	k.kernel("nearby", "stores weighted sums of 16 bytes above and n planes before.",
		"(dst *uint16, above, before *byte, plane, n int)")
	dst, above, before, plane, n := k.arg("dst"), k.arg("above"), k.arg("before"), k.arg("plane"), k.arg("n")
	middle := k.widenY(at(above, 1))
	ends := k.add16(k.widenY(at(above, 0)), k.widenY(at(above, 2)))
	k.TESTQ(n, n)
	k.JZ(operand.LabelRef("nearbyDone"))
	k.Label("nearbyNext")
	k.VPADDW(k.widenY(at(before, 0)), middle, middle)
	k.ADDQ(plane, before)
	k.DECQ(n)
	k.JNZ(operand.LabelRef("nearbyNext"))
	k.Label("nearbyDone")
	k.VMOVDQU(k.add16(k.add16(middle, middle), ends), at(dst, 0))
	k.end()
}

func (k *kit) surroundings() {
	k.kernel("surroundings", "stores medians and kinds of 16 words.", "(median, kind, left, above *int16)")
	median, kind, left, above := k.arg("median"), k.arg("kind"), k.arg("left"), k.arg("above")
	w, nw, n := k.y(at(left, 0)), k.y(at(above, 0)), k.y(at(above, 2))
	m := k.sub16(k.add16(w, n), nw)
	m = k.min16(k.max16(m, k.min16(w, n)), k.max16(w, n))
	k.VMOVDQU(m, at(median, 0))

	down, across := k.abs16(k.sub16(w, nw)), k.abs16(k.sub16(n, nw))
	change, two, three := k.add16(down, across), k.add16(down, down), k.add16(across, across)
	upright := k.greater16(two, k.add16(three, across))
	level := k.greater16(three, k.add16(two, down))
	calm := k.greater16(k.y(k.words("threes", 3)), change)
	kinds := k.and(upright, k.words("ones", 1))
	kinds = k.or(kinds, k.and(level, k.words("twos", 2)))
	kinds = k.or(kinds, k.and(calm, k.words("threes", 3)))
	k.VMOVDQU(kinds, at(kind, 0))
	k.end()
}
