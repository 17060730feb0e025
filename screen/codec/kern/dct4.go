package kern

// The basis of four points: 1/2 and cos(k pi/8) / sqrt 2, in 1/2^14.
const (
	u0 = 8192
	u1 = 10703
	u3 = 4433
)

// FDCT4x4 transforms the four quadrants of an 8x8 residual in place, each to the
// scale of FDCT8; rows stay eight apart: the coefficient of horizontal frequency u
// and vertical frequency v of the quadrant x, y is c[8*(4*y+v) + 4*x+u].
func FDCT4x4(c *[64]int16) {
	if useAVX2 {
		fdct4x4AVX2(c)
		return
	}
	fdct4x4Go(c)
}

func fdct4x4Go(c *[64]int16) {
	for i := range 8 {
		fdct4Pass(c[i:], 8, fwdColumns)
		fdct4Pass(c[32+i:], 8, fwdColumns)
	}
	for i := 0; i < 64; i += 4 {
		fdct4Pass(c[i:], 1, fwdRows)
	}
}

// fdct4Pass transforms c[0], c[step], c[2*step], c[3*step].
func fdct4Pass(c []int16, step int, shift uint) {
	x0, x1, x2, x3 := c[0], c[step], c[2*step], c[3*step]
	s0, s1 := int32(x0+x3), int32(x1+x2)
	d0, d1 := int32(x0-x3), int32(x1-x2)
	half := int32(1) << (shift - 1)
	c[0] = clamp16((u0*s0 + u0*s1 + half) >> shift)
	c[step] = clamp16((u1*d0 + u3*d1 + half) >> shift)
	c[2*step] = clamp16((u0*s0 - u0*s1 + half) >> shift)
	c[3*step] = clamp16((u3*d0 - u1*d1 + half) >> shift)
}

// IDCT4x4 is the inverse of FDCT4x4.
func IDCT4x4(c *[64]int16) {
	if useAVX2 {
		idct4x4AVX2(c)
		return
	}
	idct4x4Go(c)
}

func idct4x4Go(c *[64]int16) {
	for i := range 8 {
		idct4Pass(c[i:], 8, invColumns)
		idct4Pass(c[32+i:], 8, invColumns)
	}
	for i := 0; i < 64; i += 4 {
		idct4Pass(c[i:], 1, invRows)
	}
}

// idct4Pass is the inverse of fdct4Pass.
func idct4Pass(c []int16, step int, shift uint) {
	x0, x1, x2, x3 := int32(c[0]), int32(c[step]), int32(c[2*step]), int32(c[3*step])
	half := int32(1) << (shift - 1)
	e0, e1 := u0*x0+u0*x2+half, u0*x0-u0*x2+half
	o0, o1 := u1*x1+u3*x3, u3*x1-u1*x3
	c[0], c[3*step] = clamp16((e0+o0)>>shift), clamp16((e0-o0)>>shift)
	c[step], c[2*step] = clamp16((e1+o1)>>shift), clamp16((e1-o1)>>shift)
}
