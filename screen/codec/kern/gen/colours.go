package main

import "github.com/mmcloughlin/avo/operand"

// The coefficients of package kern, in the order of the pixel's bytes.
var (
	rowY  = []int{14, 76, 38, 0}
	rowCb = []int{57, -38, -19, 0}
	rowCr = []int{-7, -38, 45, 0}
)

// colours writes colour conversion, 16 pixels a turn.
func (k *kit) colours() {
	k.toYCC()
	k.toYCC444()
	k.fromYCC()
	k.fromYCC444()
}

// toYCC converts two rows a turn.
func (k *kit) toYCC() {
	k.kernel("toYCC", "converts 16 n x 2 h pixels to 4:2:0.",
		"(y *byte, ys int, cb, cr *byte, cs int, p *byte, ps int, n, h int)")
	y, ys, cb, cr, cs := k.arg("y"), k.arg("ys"), k.arg("cb"), k.arg("cr"), k.arg("cs")
	p, ps, n := k.arg("p"), k.arg("ps"), k.arg("n")
	y1, p1 := k.below(y, ys), k.below(p, ps)
	ySkip, cSkip, pSkip := k.skip(ys, 2, 16, n), k.skip(cs, 1, 8, n), k.skip(ps, 2, 64, n)
	order := k.y(k.doubles("lumaOrder", 0, 4, 1, 5, 2, 6, 3, 7))
	k.repeat("toYCCRows", k.arg("h"), func() {
		k.repeat("toYCCLoop", n, func() {
			a, b := [2]vec{k.y(at(p, 0)), k.y(at(p, 32))}, [2]vec{k.y(at(p1, 0)), k.y(at(p1, 32))}
			d := k.YMM()
			k.VPERMD(k.packu(k.luma(a), k.luma(b)), order, d)
			k.VMOVDQU(d.AsX(), at(y, 0))
			k.VEXTRACTI128(operand.U8(1), d, at(y1, 0))

			c := k.packs(k.chroma420(a, b, "cbRow", rowCb, 18396), k.chroma420(a, b, "crRow", rowCr, 23302))
			c = k.add16(c, k.words("middle", 128))
			c = k.quarters(k.packu(c, c), 0, 2, 0, 2)
			c = k.shuffle(c, k.bytes("chromaOrder", 0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15))
			k.storeHalves(c.AsX().(vec), at(cb, 0), at(cr, 0))
			k.advance(16, y, y1)
			k.advance(8, cb, cr)
			k.advance(64, p, p1)
		})
		k.add(ySkip, y, y1)
		k.add(cSkip, cb, cr)
		k.add(pSkip, p, p1)
	})
	k.end()
}

func (k *kit) advance(n int, p ...gp) {
	for _, r := range p {
		k.ADDQ(operand.U8(n), r)
	}
}

func (k *kit) add(n gp, p ...gp) {
	for _, r := range p {
		k.ADDQ(n, r)
	}
}

// below is p + stride.
func (k *kit) below(p, stride gp) gp {
	d := k.GP64()
	k.LEAQ(operand.Mem{Base: p, Index: stride, Scale: 1}, d)
	return d
}

// skip is what takes a pointer from the end of its row, after n turns of
// size bytes, to the start of the row rows (1 or 2) further down.
func (k *kit) skip(stride gp, rows, size int, n gp) gp {
	d, t := k.GP64(), k.GP64()
	k.MOVQ(stride, d)
	if rows == 2 {
		k.ADDQ(d, d)
	}
	k.IMUL3Q(operand.U8(size), n, t)
	k.SUBQ(t, d)
	return d
}

// luma makes words of 16 pixels, in the order 0-3, 8-11; 4-7, 12-15.
func (k *kit) luma(p [2]vec) vec {
	by := k.bytes("lumaRow", rowY...)
	s := k.hadd16(k.maddubs(p[0], by), k.maddubs(p[1], by))
	return k.srl16(k.add16(s, k.words("sixtyFour", 64)), 7)
}

// chroma420 adds two rows, then neighbours, and scales: doubles of 8 samples,
// in the order 0 1 4 5; 2 3 6 7.
func (k *kit) chroma420(a, b [2]vec, name string, coefficients []int, scale int) vec {
	by := k.bytes(name, coefficients...)
	left := k.add16(k.maddubs(a[0], by), k.maddubs(b[0], by))
	right := k.add16(k.maddubs(a[1], by), k.maddubs(b[1], by))
	s := k.madd(k.hadd16(left, right), k.words(name+"Scale", scale))
	return k.sra32(k.add32(s, k.doubles("halfChroma", 1<<22)), 23)
}

// toYCC444 converts a row a turn.
func (k *kit) toYCC444() {
	k.kernel("toYCC444", "converts 16 n x h pixels to 4:4:4.",
		"(y *byte, ys int, cb, cr *byte, cs int, p *byte, ps int, n, h int)")
	y, ys, cb, cr, cs := k.arg("y"), k.arg("ys"), k.arg("cb"), k.arg("cr"), k.arg("cs")
	p, ps, n := k.arg("p"), k.arg("ps"), k.arg("n")
	ySkip, cSkip, pSkip := k.skip(ys, 1, 16, n), k.skip(cs, 1, 16, n), k.skip(ps, 1, 64, n)
	order := k.y(k.doubles("lumaOrder", 0, 4, 1, 5, 2, 6, 3, 7))
	k.repeat("toYCC444Rows", k.arg("h"), func() {
		k.repeat("toYCC444Loop", n, func() {
			a := [2]vec{k.y(at(p, 0)), k.y(at(p, 32))}
			l, b, r := k.luma(a), k.chroma444(a, "cbRow", rowCb, 57, 575), k.chroma444(a, "crRow", rowCr, 45, 728)
			lb, rr := k.YMM(), k.YMM()
			k.VPERMD(k.packu(l, b), order, lb)
			k.VPERMD(k.packu(r, r), order, rr)
			k.VMOVDQU(lb.AsX(), at(y, 0))
			k.VEXTRACTI128(operand.U8(1), lb, at(cb, 0))
			k.VMOVDQU(rr.AsX(), at(cr, 0))
			k.advance(16, y, cb, cr)
			k.advance(64, p)
		})
		k.add(ySkip, y)
		k.add(cSkip, cb, cr)
		k.add(pSkip, p)
	})
	k.end()
}

// chroma444 makes words of 16 pixels in the order of luma.
func (k *kit) chroma444(p [2]vec, name string, coefficients []int, half, scale int) vec {
	by := k.bytes(name, coefficients...)
	s := k.hadd16(k.maddubs(p[0], by), k.maddubs(p[1], by))
	s = k.mulhi(k.add16(s, k.words(name+"Half444", half)), k.words(name+"Scale444", scale))
	return k.add16(s, k.words("middle", 128))
}

// fromYCC converts two rows a turn, which share their chroma.
func (k *kit) fromYCC() {
	k.kernel("fromYCC", "converts 16 n x 2 h samples of 4:2:0 to pixels.",
		"(p *byte, ps int, y *byte, ys int, cb, cr *byte, cs, n, h int)")
	y, ys, cb, cr, cs := k.arg("y"), k.arg("ys"), k.arg("cb"), k.arg("cr"), k.arg("cs")
	p, ps, n := k.arg("p"), k.arg("ps"), k.arg("n")
	y1, p1 := k.below(y, ys), k.below(p, ps)
	ySkip, cSkip, pSkip := k.skip(ys, 2, 16, n), k.skip(cs, 1, 8, n), k.skip(ps, 2, 64, n)
	zero := k.zeroY()
	twice := func(c gp) vec {
		x := k.q(at(c, 0))
		return k.widenY(k.lo8(x, x))
	}
	k.repeat("fromYCCRows", k.arg("h"), func() {
		k.repeat("fromYCCLoop", n, func() {
			c := k.shares(twice(cb), twice(cr))
			k.pixels(k.widenY(at(y, 0)), c, zero, p)
			k.pixels(k.widenY(at(y1, 0)), c, zero, p1)
			k.advance(16, y, y1)
			k.advance(8, cb, cr)
			k.advance(64, p, p1)
		})
		k.add(ySkip, y, y1)
		k.add(cSkip, cb, cr)
		k.add(pSkip, p, p1)
	})
	k.end()
}

// fromYCC444 converts a row a turn.
func (k *kit) fromYCC444() {
	k.kernel("fromYCC444", "converts 16 n x h samples of 4:4:4 to pixels.",
		"(p *byte, ps int, y *byte, ys int, cb, cr *byte, cs, n, h int)")
	y, ys, cb, cr, cs := k.arg("y"), k.arg("ys"), k.arg("cb"), k.arg("cr"), k.arg("cs")
	p, ps, n := k.arg("p"), k.arg("ps"), k.arg("n")
	ySkip, cSkip, pSkip := k.skip(ys, 1, 16, n), k.skip(cs, 1, 16, n), k.skip(ps, 1, 64, n)
	zero := k.zeroY()
	k.repeat("fromYCC444Rows", k.arg("h"), func() {
		k.repeat("fromYCC444Loop", n, func() {
			c := k.shares(k.widenY(at(cb, 0)), k.widenY(at(cr, 0)))
			k.pixels(k.widenY(at(y, 0)), c, zero, p)
			k.advance(16, y, cb, cr)
			k.advance(64, p)
		})
		k.add(ySkip, y)
		k.add(cSkip, cb, cr)
		k.add(pSkip, p)
	})
	k.end()
}

// shares is what 16 chroma samples, as words, add to blue, take from green
// and add to red.
func (k *kit) shares(cb, cr vec) [3]vec {
	middle := k.words("middle", 128)
	b, r := k.sub16(cb, middle), k.sub16(cr, middle)
	scaled := func(v vec) vec { return k.sra16(k.add16(v, k.words("sixtyFour", 64)), 7) }
	return [3]vec{
		scaled(k.mul16(b, k.words("backB", 228))),
		scaled(k.add16(k.mul16(b, k.words("backGb", 42)), k.mul16(r, k.words("backGr", 90)))),
		scaled(k.mul16(r, k.words("backR", 180))),
	}
}

// pixels stores 16 pixels at p.
func (k *kit) pixels(luma vec, share [3]vec, zero vec, p gp) {
	blue, green, red := k.add16(luma, share[0]), k.sub16(luma, share[1]), k.add16(luma, share[2])
	br, g0 := k.packu(blue, red), k.packu(green, zero)
	bg, r0 := k.lo8(br, g0), k.hi8(br, g0)
	lo, hi := k.lo16(bg, r0), k.hi16(bg, r0)
	k.VMOVDQU(k.lowLanes(lo, hi), at(p, 0))
	k.VMOVDQU(k.highLanes(lo, hi), at(p, 32))
}
