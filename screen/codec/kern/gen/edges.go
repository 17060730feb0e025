package main

import "github.com/mmcloughlin/avo/operand"

// edges writes the edge filters.
func (k *kit) edges() {
	k.deblockH("deblockH16", 16)
	k.deblockH("deblockH8", 8)
	k.deblockV("deblockV16", 16)
	k.deblockV("deblockV8", 8)
}

// limits are the parameters of the filter, spread.
type limits struct{ alpha, beta, tc vec }

func (k *kit) limits(w int) limits {
	spread := func(name string) vec {
		v := k.spread16(k.arg(name))
		if w == 8 {
			return v.AsX().(vec)
		}
		return v
	}
	return limits{spread("alpha"), spread("beta"), spread("tc")}
}

// smoothed filters words of the four lines of an edge, or jumps to done when
// nothing changes: at most edges of a screen.
func (k *kit) smoothed(p1, p0, q0, q1 vec, l limits, done string) [4]vec {
	distance := func(a, b vec) vec {
		d, m := k.sub16(a, b), k.like(a)
		k.VPABSW(d, m)
		return m
	}
	mask := k.greater16(l.alpha, distance(p0, q0))
	mask = k.and(mask, k.greater16(l.beta, distance(p1, p0)))
	mask = k.and(mask, k.greater16(l.beta, distance(q1, q0)))

	step := k.sub16(q0, p0)
	d := k.add16(k.add16(step, step), k.sub16(step, k.sub16(q1, p1)))
	d = k.sra16(k.add16(d, k.words("four", 4)), 3)
	zero := k.like(p0)
	k.VPXOR(zero, zero, zero)
	d = k.max16(k.min16(d, l.tc), k.sub16(zero, l.tc))
	d = k.and(d, mask)
	k.VPTEST(d, d)
	k.JZ(operand.LabelRef(done))
	half := k.sra16(d, 1)
	return [4]vec{k.add16(p1, half), k.add16(p0, d), k.sub16(q0, d), k.sub16(q1, half)}
}

func (k *kit) deblockH(name string, w int) {
	k.kernel(name, "filters a horizontal edge.", "(p *byte, stride int, alpha, beta, tc int)")
	p, stride := k.arg("p"), k.arg("stride")
	stride3 := k.times3(stride)
	l := k.limits(w)
	widen := k.widenY
	if w == 8 {
		widen = k.widenX
	}
	out := k.smoothed(widen(row(p, stride, stride3, 0)), widen(row(p, stride, stride3, 1)),
		widen(row(p, stride, stride3, 2)), widen(row(p, stride, stride3, 3)), l, name+"Done")
	for i := 0; i < 4; i += 2 {
		v := k.packu(out[i], out[i+1])
		if w == 8 {
			k.storeHalves(v, row(p, stride, stride3, i), row(p, stride, stride3, i+1))
			continue
		}
		v = k.quarters(v, 0, 2, 1, 3)
		k.VMOVDQU(v.AsX(), row(p, stride, stride3, i))
		k.VEXTRACTI128(operand.U8(1), v, row(p, stride, stride3, i+1))
	}
	k.Label(name + "Done")
	k.end()
}

// deblockV transposes rows of four samples, filters, and transposes back. Of
// 16 rows the upper eight are in the low lane.
func (k *kit) deblockV(name string, n int) {
	k.kernel(name, "filters rows of a vertical edge.", "(p *byte, stride int, alpha, beta, tc int)")
	stride := k.arg("stride")
	stride3 := k.times3(stride)
	base := []gp{k.arg("p")} // of every four rows
	for len(base) < n/4 {
		b := k.GP64()
		k.LEAQ(operand.Mem{Base: base[len(base)-1], Index: stride, Scale: 4}, b)
		base = append(base, b)
	}
	four := func(b gp) vec {
		x := k.load(4, row(b, stride, stride3, 0))
		for i := 1; i < 4; i++ {
			k.VPINSRD(operand.U8(i), row(b, stride, stride3, i), x, x)
		}
		return x
	}
	a, b, zero := four(base[0]), four(base[1]), k.zeroX()
	if n == 16 {
		a, b, zero = k.join(a, four(base[2])), k.join(b, four(base[3])), k.zeroY()
	}
	turn := k.bytes("turn4x4", 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
	a, b = k.shuffle(a, turn), k.shuffle(b, turn)
	ps, qs := k.lo32(a, b), k.hi32(a, b) // p1 and p0 of eight rows, q0 and q1
	out := k.smoothed(k.lo8(ps, zero), k.hi8(ps, zero), k.lo8(qs, zero), k.hi8(qs, zero), k.limits(n), name+"Done")
	ps, qs = k.packu(out[0], out[1]), k.packu(out[2], out[3])
	// Bytes p1 p0 and q0 q1 of each row side by side, then all four.
	ps, qs = k.lo8(ps, k.highHalf(ps)), k.lo8(qs, k.highHalf(qs))
	for i, x := range []vec{k.lo16(ps, qs), k.hi16(ps, qs)} {
		k.storeFour(x.AsX().(vec), base[i], stride, stride3)
		if n == 16 {
			high := k.XMM()
			k.VEXTRACTI128(operand.U8(1), x, high)
			k.storeFour(high, base[i+2], stride, stride3)
		}
	}
	k.Label(name + "Done")
	k.end()
}

// join makes lanes of two registers.
func (k *kit) join(lo, hi vec) vec {
	d := k.YMM()
	k.VINSERTI128(operand.U8(1), hi, lo.AsY(), d)
	return d
}

// storeFour stores four bytes to each of four rows.
func (k *kit) storeFour(x vec, base, stride, stride3 gp) {
	for i := range 4 {
		k.VPEXTRD(operand.U8(i), x, row(base, stride, stride3, i))
	}
}
