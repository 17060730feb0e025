package kern

// The transforms are DCT-II and its inverse with the orthonormal basis,
// rounded to 14 bits of fraction:
//
//	t[k] = round(2^14 * cos(k pi/16) / 2)     k = 1..7,  DC: t[4]
//
// Coefficients carry three bits of fraction: they are 8 times those of the
// exact orthonormal transform, for 4x4 and 8x8 alike, so one quantiser step
// means the same error in every coefficient. Residuals of -255..255 give
// -16320..16320.
//
// Both transforms go over the columns first, then over the rows. A pass
// multiplies 16-bit values by the table, adds in 32 bits, which cannot
// overflow whatever the input, adds half of the divisor, shifts down and
// saturates to 16 bits:
//
//	forward: columns >> 11 (8 times orthonormal), rows >> 14
//	inverse: columns >> 13 (16 times orthonormal), rows >> 18
//
// The sums and differences that the forward transform takes first wrap to
// 16 bits, which no residual reaches. Any 16-bit coefficients may be given
// to the inverse.
const (
	t1 = 8035
	t2 = 7568
	t3 = 6811
	t4 = 5793
	t5 = 4551
	t6 = 3135
	t7 = 1598
)

const (
	fwdColumns = 11
	fwdRows    = 14
	invColumns = 13
	invRows    = 18
)

// FDCT8 transforms the 8x8 residual c in place: c[8*v+u] becomes the
// coefficient of vertical frequency v and horizontal frequency u.
func FDCT8(c *[64]int16) {
	if useAVX2 {
		fdct8AVX2(c)
		return
	}
	fdct8Go(c)
}

func fdct8Go(c *[64]int16) {
	for i := range 8 {
		fdct8Pass(c, i, 8, fwdColumns)
	}
	for i := range 8 {
		fdct8Pass(c, 8*i, 1, fwdRows)
	}
}

// DiffFDCT8 is Diff8 and FDCT8 in one.
func DiffFDCT8(c *[64]int16, a []byte, as int, b []byte, bs int) {
	check(a, as, 8, 8)
	check(b, bs, 8, 8)
	if useAVX2 {
		diffFDCT8AVX2(c, &a[0], as, &b[0], bs)
		return
	}
	diff8Go(c, a, as, b, bs)
	fdct8Go(c)
}

// fdct8Pass transforms the eight values c[at], c[at+step], ...
func fdct8Pass(c *[64]int16, at, step int, shift uint) {
	x0, x7 := c[at], c[at+7*step]
	x1, x6 := c[at+step], c[at+6*step]
	x2, x5 := c[at+2*step], c[at+5*step]
	x3, x4 := c[at+3*step], c[at+4*step]
	s0, s1, s2, s3 := int32(x0+x7), int32(x1+x6), int32(x2+x5), int32(x3+x4)
	d0, d1, d2, d3 := int32(x0-x7), int32(x1-x6), int32(x2-x5), int32(x3-x4)
	half := int32(1) << (shift - 1)
	c[at] = clamp16((t4*s0 + t4*s1 + t4*s2 + t4*s3 + half) >> shift)
	c[at+step] = clamp16((t1*d0 + t3*d1 + t5*d2 + t7*d3 + half) >> shift)
	c[at+2*step] = clamp16((t2*s0 + t6*s1 - t6*s2 - t2*s3 + half) >> shift)
	c[at+3*step] = clamp16((t3*d0 - t7*d1 - t1*d2 - t5*d3 + half) >> shift)
	c[at+4*step] = clamp16((t4*s0 - t4*s1 - t4*s2 + t4*s3 + half) >> shift)
	c[at+5*step] = clamp16((t5*d0 - t1*d1 + t7*d2 + t3*d3 + half) >> shift)
	c[at+6*step] = clamp16((t6*s0 - t2*s1 + t2*s2 - t6*s3 + half) >> shift)
	c[at+7*step] = clamp16((t7*d0 - t5*d1 + t3*d2 - t1*d3 + half) >> shift)
}

// IDCT8 turns 8x8 coefficients back into a residual, in place.
func IDCT8(c *[64]int16) {
	if useAVX2 {
		idct8AVX2(c)
		return
	}
	idct8Go(c)
}

func idct8Go(c *[64]int16) {
	for i := range 8 {
		idct8Pass(c, i, 8, invColumns)
	}
	for i := range 8 {
		idct8Pass(c, 8*i, 1, invRows)
	}
}

// IDCTAdd8 is IDCT8 and Add8 in one; c stays as it is. dst may be pred itself
// with the same stride.
func IDCTAdd8(dst []byte, ds int, pred []byte, ps int, c *[64]int16) {
	check(dst, ds, 8, 8)
	check(pred, ps, 8, 8)
	if useAVX2 {
		idctAdd8AVX2(&dst[0], ds, &pred[0], ps, c)
		return
	}
	r := *c
	idct8Go(&r)
	add8Go(dst, ds, pred, ps, &r)
}

// idct8Pass is the inverse of fdct8Pass.
func idct8Pass(c *[64]int16, at, step int, shift uint) {
	x0, x1, x2, x3 := int32(c[at]), int32(c[at+step]), int32(c[at+2*step]), int32(c[at+3*step])
	x4, x5, x6, x7 := int32(c[at+4*step]), int32(c[at+5*step]), int32(c[at+6*step]), int32(c[at+7*step])
	half := int32(1) << (shift - 1)
	a, b := t4*x0+t4*x4+half, t4*x0-t4*x4+half
	f, g := t2*x2+t6*x6, t6*x2-t2*x6
	e0, e1, e2, e3 := a+f, b+g, b-g, a-f
	o0 := t1*x1 + t3*x3 + t5*x5 + t7*x7
	o1 := t3*x1 - t7*x3 - t1*x5 - t5*x7
	o2 := t5*x1 - t1*x3 + t7*x5 + t3*x7
	o3 := t7*x1 - t5*x3 + t3*x5 - t1*x7
	c[at], c[at+7*step] = clamp16((e0+o0)>>shift), clamp16((e0-o0)>>shift)
	c[at+step], c[at+6*step] = clamp16((e1+o1)>>shift), clamp16((e1-o1)>>shift)
	c[at+2*step], c[at+5*step] = clamp16((e2+o2)>>shift), clamp16((e2-o2)>>shift)
	c[at+3*step], c[at+4*step] = clamp16((e3+o3)>>shift), clamp16((e3-o3)>>shift)
}
