package main

import "github.com/mmcloughlin/avo/operand"

// The coefficients of package kern, in the order of the pixel's bytes.
var (
	rowY  = []int{14, 76, 38, 0}
	rowCb = []int{57, -38, -19, 0}
	rowCr = []int{-7, -38, 45, 0}
)

// colours writes colour conversion of one row or two, 16 pixels a turn.
func (k *kit) colours() {
	k.toYCC()
	k.toYCC444()
	k.fromYCC("fromYCC", true)
	k.fromYCC("fromYCC444", false)
}

// toYCC converts two rows of 16n pixels.
func (k *kit) toYCC() {
	k.kernel("toYCC", "converts 2 rows of 16 n pixels to 4:2:0.", "(y0, y1, cb, cr, p0, p1 *byte, n int)")
	y0, y1, cb, cr := k.arg("y0"), k.arg("y1"), k.arg("cb"), k.arg("cr")
	p0, p1 := k.arg("p0"), k.arg("p1")
	k.repeat("toYCCLoop", k.arg("n"), func() {
		a, b := [2]vec{k.y(at(p0, 0)), k.y(at(p0, 32))}, [2]vec{k.y(at(p1, 0)), k.y(at(p1, 32))}
		l := k.packu(k.luma(a), k.luma(b))
		d := k.YMM()
		k.VPERMD(l, k.y(k.doubles("lumaOrder", 0, 4, 1, 5, 2, 6, 3, 7)), d)
		k.VMOVDQU(d.AsX(), at(y0, 0))
		k.VEXTRACTI128(operand.U8(1), d, at(y1, 0))

		c := k.packs(k.chroma420(a, b, "cbRow", rowCb, 18396), k.chroma420(a, b, "crRow", rowCr, 23302))
		c = k.add16(c, k.words("middle", 128))
		c = k.quarters(k.packu(c, c), 0, 2, 0, 2)
		c = k.shuffle(c, k.bytes("chromaOrder", 0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15))
		k.storeHalves(c.AsX().(vec), at(cb, 0), at(cr, 0))
		k.advance(16, y0, y1)
		k.advance(8, cb, cr)
		k.advance(64, p0, p1)
	})
	k.end()
}

func (k *kit) advance(n int, p ...gp) {
	for _, r := range p {
		k.ADDQ(operand.U8(n), r)
	}
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

// toYCC444 converts a row of 16n pixels.
func (k *kit) toYCC444() {
	k.kernel("toYCC444", "converts 16 n pixels to 4:4:4.", "(y, cb, cr, p *byte, n int)")
	y, cb, cr, p := k.arg("y"), k.arg("cb"), k.arg("cr"), k.arg("p")
	order := k.doubles("lumaOrder", 0, 4, 1, 5, 2, 6, 3, 7)
	k.repeat("toYCC444Loop", k.arg("n"), func() {
		a := [2]vec{k.y(at(p, 0)), k.y(at(p, 32))}
		l, b, r := k.luma(a), k.chroma444(a, "cbRow", rowCb, 57, 575), k.chroma444(a, "crRow", rowCr, 45, 728)
		lb, rr := k.YMM(), k.YMM()
		k.VPERMD(k.packu(l, b), k.y(order), lb)
		k.VPERMD(k.packu(r, r), k.y(order), rr)
		k.VMOVDQU(lb.AsX(), at(y, 0))
		k.VEXTRACTI128(operand.U8(1), lb, at(cb, 0))
		k.VMOVDQU(rr.AsX(), at(cr, 0))
		k.advance(16, y, cb, cr)
		k.advance(64, p)
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

// fromYCC converts a row of 16n samples, with chroma of half or full width.
func (k *kit) fromYCC(name string, halved bool) {
	k.kernel(name, "converts 16 n samples to pixels.", "(p, y, cb, cr *byte, n int)")
	p, y, cb, cr := k.arg("p"), k.arg("y"), k.arg("cb"), k.arg("cr")
	middle := k.y(k.words("middle", 128))
	round := k.y(k.words("sixtyFour", 64))
	zero := k.zeroY()
	chroma := func(c gp) vec {
		if !halved {
			return k.sub16(k.widenY(at(c, 0)), middle)
		}
		x := k.q(at(c, 0))
		return k.sub16(k.widenY(k.lo8(x, x)), middle)
	}
	k.repeat(name+"Loop", k.arg("n"), func() {
		l, b, r := k.widenY(at(y, 0)), chroma(cb), chroma(cr)
		scaled := func(v vec) vec { return k.sra16(k.add16(v, round), 7) }
		blue := k.add16(l, scaled(k.mul16(b, k.words("backB", 228))))
		red := k.add16(l, scaled(k.mul16(r, k.words("backR", 180))))
		green := k.sub16(l, scaled(k.add16(k.mul16(b, k.words("backGb", 42)), k.mul16(r, k.words("backGr", 90)))))
		br, g0 := k.packu(blue, red), k.packu(green, zero)
		bg, r0 := k.lo8(br, g0), k.hi8(br, g0)
		lo, hi := k.lo16(bg, r0), k.hi16(bg, r0)
		k.VMOVDQU(k.lowLanes(lo, hi), at(p, 0))
		k.VMOVDQU(k.highLanes(lo, hi), at(p, 32))
		k.advance(16, y)
		if halved {
			k.advance(8, cb, cr)
		} else {
			k.advance(16, cb, cr)
		}
		k.advance(64, p)
	})
	k.end()
}
