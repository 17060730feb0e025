package main

import "github.com/mmcloughlin/avo/operand"

// The tables of package kern.
const (
	t1, t2, t3, t4, t5, t6, t7 = 8035, 7568, 6811, 5793, 4551, 3135, 1598
	u0, u1, u3                 = 8192, 10703, 4433
)

// transforms writes the cosine transforms. They keep even coefficients, or
// what leads to them, in the low lane and odd ones in the high lane, so one
// multiplication with a constant of two lanes serves both.
func (k *kit) transforms() {
	k.kernel("fdct8", "transforms a residual of 8x8.", "(c *[64]int16)")
	c := k.arg("c")
	k.fdct8(c, func(i int) vec { return k.both(at(c, 16*i)) })
	k.end()
	k.diffFDCT8()
	k.kernel("idct8", "turns 8x8 coefficients into a residual.", "(c *[64]int16)")
	c = k.arg("c")
	for i, rows := range k.idct8(c) {
		k.VMOVDQU(rows, at(c, 32*i))
	}
	k.end()
	k.idctAdd8()
	k.kernel("fdct4x4", "transforms four residuals of 4x4.", "(c *[64]int16)")
	k.fdct4(k.arg("c"))
	k.end()
	k.kernel("idct4x4", "turns four times 4x4 coefficients into residuals.", "(c *[64]int16)")
	k.idct4(k.arg("c"))
	k.end()
}

// pairs is a constant of word pairs: a in the low lane, b in the high one.
func (k *kit) pairs(name string, a0, a1, b0, b1 int) mem {
	return k.words(name, a0, a1, a0, a1, a0, a1, a0, a1, b0, b1, b0, b1, b0, b1, b0, b1)
}

// sign16s negates the words of the high lane; sign32s its doubles.
func (k *kit) sign16s() mem {
	return k.words("negateHigh16", 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1)
}

func (k *kit) sign32s() mem { return k.doubles("negateHigh32", 1, 1, 1, 1, -1, -1, -1, -1) }

// descale adds half, shifts right and packs doubles to words.
func (k *kit) descale(lo, hi vec, shift int) vec {
	half := k.doubles("half"+string(rune('A'+shift)), 1<<(shift-1))
	return k.packs(k.sra32(k.add32(lo, half), shift), k.sra32(k.add32(hi, half), shift))
}

// diffFDCT8 transforms the difference of two blocks.
func (k *kit) diffFDCT8() {
	k.kernel("diffFDCT8", "transforms a - b of 8x8 bytes.", "(c *[64]int16, a *byte, as int, b *byte, bs int)")
	a, as, b, bs := k.arg("a"), k.arg("as"), k.arg("b"), k.arg("bs")
	as3, bs3 := k.times3(as), k.times3(bs)
	both := func(m mem) vec {
		x, d := k.XMM(), k.YMM()
		k.VPBROADCASTQ(m, x)
		k.VPMOVZXBW(x, d)
		return d
	}
	k.fdct8(k.arg("c"), func(i int) vec {
		if i == 4 {
			k.LEAQ(operand.Mem{Base: a, Index: as, Scale: 4}, a)
			k.LEAQ(operand.Mem{Base: b, Index: bs, Scale: 4}, b)
		}
		return k.sub16(both(row(a, as, as3, i&3)), both(row(b, bs, bs3, i&3)))
	})
	k.end()
}

// idctAdd8 adds the residual of c to a block.
func (k *kit) idctAdd8() {
	k.kernel("idctAdd8", "stores pred and the residual of c.", "(dst *byte, ds int, pred *byte, ps int, c *[64]int16)")
	dst, ds, pred, ps := k.arg("dst"), k.arg("ds"), k.arg("pred"), k.arg("ps")
	ds3, ps3 := k.times3(ds), k.times3(ps)
	rows := k.idct8(k.arg("c"))
	for i := 0; i < 4; i += 2 {
		upper := k.adds16(rows[i], k.widenRows(row(pred, ps, ps3, 0), row(pred, ps, ps3, 1)))
		lower := k.adds16(rows[i+1], k.widenRows(row(pred, ps, ps3, 2), row(pred, ps, ps3, 3)))
		sum, odd := k.packu(upper, lower), k.XMM()
		k.VEXTRACTI128(operand.U8(1), sum, odd)
		k.storeHalves(sum.AsX().(vec), row(dst, ds, ds3, 0), row(dst, ds, ds3, 2))
		k.storeHalves(odd, row(dst, ds, ds3, 1), row(dst, ds, ds3, 3))
		if i == 0 {
			k.LEAQ(operand.Mem{Base: pred, Index: ps, Scale: 4}, pred)
			k.LEAQ(operand.Mem{Base: dst, Index: ds, Scale: 4}, dst)
		}
	}
	k.end()
}

// widenRows makes words of 8 bytes in each lane.
func (k *kit) widenRows(lo, hi mem) vec {
	d := k.YMM()
	k.VPMOVZXBW(k.halves(lo, hi), d)
	return d
}

// fdct8 transforms eight rows, each loaded into both lanes, over the columns,
// transposes, does it again and stores to c.
func (k *kit) fdct8(c gp, load func(i int) vec) {
	var r [8]vec
	for i := range r {
		r[i] = load(i)
	}
	z := k.fdct8Pass(&r, 11)
	u := k.transposePairs(z)
	for i, v := range u {
		r[2*i], r[2*i+1] = k.quarters(v, 0, 2, 0, 2), k.quarters(v, 1, 3, 1, 3)
	}
	z = k.fdct8Pass(&r, 14)
	// The words of z stand in the order of rows 0 2 4 6 1 3 5 7, its
	// registers in the order of columns [0|1] [2|3] [4|5] [6|7].
	weave := k.bytes("weave", 0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15)
	var v [4]vec // rows [0|2] [4|6] [1|3] [5|7]
	for i, q := range k.transposePairs(z) {
		v[i] = k.shuffle(k.quarters(q, 0, 2, 1, 3), weave)
	}
	// Whole registers are stored, so that the quantiser can load them
	// before they have reached the cache.
	k.VMOVDQU(k.lowLanes(v[0], v[2]), at(c, 0))
	k.VMOVDQU(k.highLanes(v[0], v[2]), at(c, 32))
	k.VMOVDQU(k.lowLanes(v[1], v[3]), at(c, 64))
	k.VMOVDQU(k.highLanes(v[1], v[3]), at(c, 96))
}

// fdct8Pass takes eight rows, each in both lanes, and returns the
// transformed rows [0|1] [2|3] [4|5] [6|7].
func (k *kit) fdct8Pass(r *[8]vec, shift int) [4]vec {
	var a [4]vec // [sum | difference] of rows i and 7-i
	for i := range a {
		a[i] = k.add16(r[i], k.sign16(r[7-i], k.sign16s()))
	}
	lo01, hi01 := k.lo16(a[0], a[1]), k.hi16(a[0], a[1])
	lo23, hi23 := k.lo16(a[2], a[3]), k.hi16(a[2], a[3])
	table := [4][2]mem{
		{k.pairs("fwd01a", t4, t4, t1, t3), k.pairs("fwd01b", t4, t4, t5, t7)},
		{k.pairs("fwd23a", t2, t6, t3, -t7), k.pairs("fwd23b", -t6, -t2, -t1, -t5)},
		{k.pairs("fwd45a", t4, -t4, t5, -t1), k.pairs("fwd45b", -t4, t4, t7, t3)},
		{k.pairs("fwd67a", t6, -t2, t7, -t5), k.pairs("fwd67b", t2, -t6, t3, -t1)},
	}
	var z [4]vec
	for i, t := range table {
		lo := k.add32(k.madd(lo01, t[0]), k.madd(lo23, t[1]))
		hi := k.add32(k.madd(hi01, t[0]), k.madd(hi23, t[1]))
		z[i] = k.descale(lo, hi, shift)
	}
	return z
}

// transposePairs takes rows [a|e] [b|f] [c|g] [d|h] of 8 words and returns
// registers whose quarters are abcd of column 2i, of 2i+1, efgh of 2i, of
// 2i+1.
func (k *kit) transposePairs(z [4]vec) [4]vec {
	t0, t1 := k.lo16(z[0], z[1]), k.hi16(z[0], z[1])
	t2, t3 := k.lo16(z[2], z[3]), k.hi16(z[2], z[3])
	return [4]vec{k.lo32(t0, t2), k.hi32(t0, t2), k.lo32(t1, t3), k.hi32(t1, t3)}
}

// idct8 is the inverse of fdct8 and returns rows [0|1] [2|3] [4|5] [6|7].
func (k *kit) idct8(c gp) (rows [4]vec) {
	var z [4]vec
	for i := range z {
		z[i] = k.y(at(c, 32*i))
	}
	z = k.idct8Pass(z, 13)
	for i, v := range k.transposePairs(z) {
		z[i] = k.quarters(v, 0, 2, 1, 3)
	}
	z = k.idct8Pass(z, 18)
	u := k.transposePairs(z)
	// Words stand in the order of rows 0 1 2 3 7 6 5 4, and so do columns.
	rows = [4]vec{
		k.quarters(u[0], 0, 2, 1, 3), k.quarters(u[1], 0, 2, 1, 3),
		k.quarters(u[3], 1, 3, 0, 2), k.quarters(u[2], 1, 3, 0, 2),
	}
	for i, v := range rows {
		d := k.YMM()
		k.VPSHUFHW(operand.U8(0x1b), v, d)
		rows[i] = d
	}
	return rows
}

// idct8Pass takes rows [0|1] [2|3] [4|5] [6|7] and returns the rows
// [0|7] [1|6] [2|5] [3|4] of the inverse.
func (k *kit) idct8Pass(x [4]vec, shift int) [4]vec {
	lo03, hi03 := k.lo16(x[0], x[1]), k.hi16(x[0], x[1])
	lo47, hi47 := k.lo16(x[2], x[3]), k.hi16(x[2], x[3])
	table := [4][2]mem{
		{k.pairs("inv07a", t4, t2, t1, t3), k.pairs("inv07b", t4, t6, t5, t7)},
		{k.pairs("inv16a", t4, t6, t3, -t7), k.pairs("inv16b", -t4, -t2, -t1, -t5)},
		{k.pairs("inv25a", t4, -t6, t5, -t1), k.pairs("inv25b", -t4, t2, t7, t3)},
		{k.pairs("inv34a", t4, -t2, t7, -t5), k.pairs("inv34b", t4, -t6, t3, -t1)},
	}
	var z [4]vec
	for i, t := range table {
		lo := k.butterfly(k.add32(k.madd(lo03, t[0]), k.madd(lo47, t[1])))
		hi := k.butterfly(k.add32(k.madd(hi03, t[0]), k.madd(hi47, t[1])))
		z[i] = k.descale(lo, hi, shift)
	}
	return z
}

// butterfly makes [e+o | e-o] of the doubles [e|o].
func (k *kit) butterfly(eo vec) vec {
	return k.add32(k.swapLanes(eo), k.sign32(eo, k.sign32s()))
}

// fdct4 transforms the quadrants of c: the upper two in the low lane, the
// lower two in the high one.
func (k *kit) fdct4(c gp) {
	r := k.load4(c)
	r = k.fdct4Pass(r, 11)
	r = k.transpose4(r)
	r = k.fdct4Pass(r, 14)
	k.store4(c, k.transpose4(r))
}

func (k *kit) fdct4Pass(r [4]vec, shift int) [4]vec {
	s0, s1 := k.add16(r[0], r[3]), k.add16(r[1], r[2])
	d0, d1 := k.sub16(r[0], r[3]), k.sub16(r[1], r[2])
	slo, shi := k.lo16(s0, s1), k.hi16(s0, s1)
	dlo, dhi := k.lo16(d0, d1), k.hi16(d0, d1)
	out := func(lo, hi vec, by mem) vec { return k.descale(k.madd(lo, by), k.madd(hi, by), shift) }
	return [4]vec{
		out(slo, shi, k.words("four0", u0, u0)), out(dlo, dhi, k.words("four1", u1, u3)),
		out(slo, shi, k.words("four2", u0, -u0)), out(dlo, dhi, k.words("four3", u3, -u1)),
	}
}

// idct4 is the inverse of fdct4.
func (k *kit) idct4(c gp) {
	r := k.load4(c)
	r = k.idct4Pass(r, 13)
	r = k.transpose4(r)
	r = k.idct4Pass(r, 18)
	k.store4(c, k.transpose4(r))
}

func (k *kit) idct4Pass(r [4]vec, shift int) [4]vec {
	var sum, diff [2][2]vec // [output 0 or 1][lo or hi]
	e := [2]vec{k.lo16(r[0], r[2]), k.hi16(r[0], r[2])}
	o := [2]vec{k.lo16(r[1], r[3]), k.hi16(r[1], r[3])}
	even := [2]mem{k.words("four0", u0, u0), k.words("four2", u0, -u0)}
	odd := [2]mem{k.words("four1", u1, u3), k.words("four3", u3, -u1)}
	for i := range 2 {
		for h := range 2 {
			p, q := k.madd(e[h], even[i]), k.madd(o[h], odd[i])
			sum[i][h], diff[i][h] = k.add32(p, q), k.sub32(p, q)
		}
	}
	return [4]vec{
		k.descale(sum[0][0], sum[0][1], shift), k.descale(sum[1][0], sum[1][1], shift),
		k.descale(diff[1][0], diff[1][1], shift), k.descale(diff[0][0], diff[0][1], shift),
	}
}

// load4 returns rows [i | i+4] of c.
func (k *kit) load4(c gp) (r [4]vec) {
	for i := range r {
		r[i] = k.lanes(at(c, 16*i), at(c, 64+16*i))
	}
	return r
}

func (k *kit) store4(c gp, r [4]vec) {
	for i, v := range r {
		k.VMOVDQU(v.AsX(), at(c, 16*i))
		k.VEXTRACTI128(operand.U8(1), v, at(c, 64+16*i))
	}
}

// transpose4 transposes the two 4x4 blocks of words in each lane.
func (k *kit) transpose4(r [4]vec) [4]vec {
	// lo: a00 a10 a01 a11 ..., of the left block; hi: of the right one.
	lo01, lo23 := k.lo16(r[0], r[1]), k.lo16(r[2], r[3])
	hi01, hi23 := k.hi16(r[0], r[1]), k.hi16(r[2], r[3])
	left01, left23 := k.lo32(lo01, lo23), k.hi32(lo01, lo23)
	right01, right23 := k.lo32(hi01, hi23), k.hi32(hi01, hi23)
	return [4]vec{
		k.lo64(left01, right01), k.hi64(left01, right01),
		k.lo64(left23, right23), k.hi64(left23, right23),
	}
}
