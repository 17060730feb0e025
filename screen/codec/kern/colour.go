package kern

// Colour conversion, full range. The matrix is near BT.601 and chosen so
// that all three rows are small integers and the rows of the colour
// differences follow exactly from the row of the luma:
//
//	 Y = ( 38 R + 76 G + 14 B) / 128
//	Db = (-38 R - 76 G + 114 B) / 128 = B - Y      Cb = 128 + Db * 128/228
//	Dr = ( 90 R - 76 G - 14 B) / 128 = R - Y      Cr = 128 + Dr * 128/180
//
// and back, with b = Cb-128, r = Cr-128:
//
//	B = Y + 228/128 b    R = Y + 180/128 r    G = Y - (42 b + 90 r)/128
//
// Grey comes back exactly. The integers are small enough for products of
// bytes and signed bytes to be added in 16 bits.
const (
	yR, yG, yB = 38, 76, 14
	// Halves of the difference rows, so that they fit signed bytes.
	cbR, cbG, cbB = -19, -38, 57
	crR, crG, crB = 45, -38, -7
	// 4:4:4: a half difference row yields 64 Db, so Cb is that / 114 and Cr
	// is / 90, by multiplication with 65536/114 and 65536/90, rounded.
	cb444, cr444 = 575, 728
	// 4:2:0: the sum over four pixels is divided by 456 and 360, by
	// multiplication with 2^23/456 and 2^23/360, rounded.
	cb420, cr420 = 18396, 23302
	// The way back, in 1/128.
	backB, backR, backGb, backGr = 228, 180, 42, 90
)

// ToYCC converts w x h pixels to YCbCr 4:2:0: y receives w x h samples, cb
// and cr w/2 x h/2, each from the mean of two by two pixels. w and h are
// even; the caller pads odd pictures. stride, yStride and cStride are in
// bytes. The unused byte of the pixels is not looked at.
func ToYCC(y []byte, yStride int, cb, cr []byte, cStride int, bgrx []byte, stride, w, h int) {
	if w <= 0 || h <= 0 {
		return
	}
	if (w|h)&1 != 0 {
		panic("kern: 4:2:0 needs even sizes")
	}
	check(y, yStride, w, h)
	check(cb, cStride, w/2, h/2)
	check(cr, cStride, w/2, h/2)
	check(bgrx, stride, 4*w, h)
	done := fastColumns(w)
	if done > 0 {
		toYCCAVX2(&y[0], yStride, &cb[0], &cr[0], cStride, &bgrx[0], stride, w/16, h/2)
	}
	for r := 0; r < h && done < w; r += 2 {
		p0, p1 := bgrx[r*stride:][:4*w], bgrx[(r+1)*stride:][:4*w]
		y0, y1 := y[r*yStride:][:w], y[(r+1)*yStride:][:w]
		b, e := cb[r/2*cStride:][:w/2], cr[r/2*cStride:][:w/2]
		toYCCRows(y0, y1, b, e, p0, p1, done)
	}
}

// toYCCRows converts two rows from pixel x on.
func toYCCRows(y0, y1, cb, cr, p0, p1 []byte, x int) {
	for ; x+1 < len(y0); x += 2 {
		a, b := p0[4*x:][:8], p1[4*x:][:8]
		y0[x], y0[x+1] = luma(a[2], a[1], a[0]), luma(a[6], a[5], a[4])
		y1[x], y1[x+1] = luma(b[2], b[1], b[0]), luma(b[6], b[5], b[4])
		sb := int32(a[0]) + int32(a[4]) + int32(b[0]) + int32(b[4])
		sg := int32(a[1]) + int32(a[5]) + int32(b[1]) + int32(b[5])
		sr := int32(a[2]) + int32(a[6]) + int32(b[2]) + int32(b[6])
		db := (cbB*sb+cbG*sg+cbR*sr)*cb420 + 1<<22
		dr := (crB*sb+crG*sg+crR*sr)*cr420 + 1<<22
		cb[x/2] = clamp8(int(db>>23) + 128)
		cr[x/2] = clamp8(int(dr>>23) + 128)
	}
}

// fastColumns is how many of w columns the assembly converts.
func fastColumns(w int) int {
	if useAVX2 {
		return w &^ 15
	}
	return 0
}

func luma(r, g, b byte) byte {
	return byte((yR*uint32(r) + yG*uint32(g) + yB*uint32(b) + 64) >> 7)
}

// FromYCC converts w x h samples of YCbCr 4:2:0 to pixels, each chroma
// sample serving two by two of them, and writes 0 to the unused byte. Any
// w and h: cb and cr hold (w+1)/2 x (h+1)/2 samples.
func FromYCC(bgrx []byte, stride int, y []byte, yStride int, cb, cr []byte, cStride, w, h int) {
	if w <= 0 || h <= 0 {
		return
	}
	check(y, yStride, w, h)
	check(cb, cStride, (w+1)/2, (h+1)/2)
	check(cr, cStride, (w+1)/2, (h+1)/2)
	check(bgrx, stride, 4*w, h)
	done := fastColumns(w)
	if done > 0 {
		if h > 1 {
			fromYCCAVX2(&bgrx[0], stride, &y[0], yStride, &cb[0], &cr[0], cStride, w/16, h/2)
		}
		if h&1 == 1 { // the last row, as if it were two
			r, c := h-1, h/2*cStride
			fromYCCAVX2(&bgrx[r*stride], 0, &y[r*yStride], 0, &cb[c], &cr[c], 0, w/16, 1)
		}
	}
	for r := 0; r < h && done < w; r++ {
		c := r / 2 * cStride
		fromYCCRow(bgrx[r*stride:][:4*w], y[r*yStride:][:w], cb[c:], cr[c:], 1, done)
	}
}

// FromYCC444 converts w x h samples of planes of full size to pixels, and
// writes 0 to the unused byte.
func FromYCC444(bgrx []byte, stride int, y []byte, yStride int, cb, cr []byte, cStride, w, h int) {
	if w <= 0 || h <= 0 {
		return
	}
	check(y, yStride, w, h)
	check(cb, cStride, w, h)
	check(cr, cStride, w, h)
	check(bgrx, stride, 4*w, h)
	done := fastColumns(w)
	if done > 0 {
		fromYCC444AVX2(&bgrx[0], stride, &y[0], yStride, &cb[0], &cr[0], cStride, w/16, h)
	}
	for r := 0; r < h && done < w; r++ {
		c := r * cStride
		fromYCCRow(bgrx[r*stride:][:4*w], y[r*yStride:][:w], cb[c:], cr[c:], 0, done)
	}
}

// fromYCCRow converts one row from sample x on; sample x has the chroma
// x>>sub.
func fromYCCRow(bgrx, y, cb, cr []byte, sub uint, x int) {
	for ; x < len(y); x++ {
		l, b, r := int(y[x]), int(cb[x>>sub])-128, int(cr[x>>sub])-128
		p := bgrx[4*x:][:4]
		p[0] = clamp8(l + (backB*b+64)>>7)
		p[1] = clamp8(l - (backGb*b+backGr*r+64)>>7)
		p[2] = clamp8(l + (backR*r+64)>>7)
		p[3] = 0
	}
}

// ToYCC444 converts w x h pixels to three planes of full size, any w and h.
// The unused byte of the pixels is not looked at.
func ToYCC444(y []byte, yStride int, cb, cr []byte, cStride int, bgrx []byte, stride, w, h int) {
	if w <= 0 || h <= 0 {
		return
	}
	check(y, yStride, w, h)
	check(cb, cStride, w, h)
	check(cr, cStride, w, h)
	check(bgrx, stride, 4*w, h)
	done := fastColumns(w)
	if done > 0 {
		toYCC444AVX2(&y[0], yStride, &cb[0], &cr[0], cStride, &bgrx[0], stride, w/16, h)
	}
	for r := 0; r < h && done < w; r++ {
		c := r * cStride
		toYCC444Row(y[r*yStride:][:w], cb[c:], cr[c:], bgrx[r*stride:][:4*w], done)
	}
}

// toYCC444Row converts one row from pixel x on. Division rounds to nearest
// with the half divisor added before a multiplication that rounds down.
func toYCC444Row(y, cb, cr, bgrx []byte, x int) {
	for ; x < len(y); x++ {
		p := bgrx[4*x:][:4]
		b, g, r := int(p[0]), int(p[1]), int(p[2])
		y[x] = luma(p[2], p[1], p[0])
		cb[x] = clamp8((cbB*b+cbG*g+cbR*r+57)*cb444>>16 + 128)
		cr[x] = clamp8((crB*b+crG*g+crR*r+45)*cr444>>16 + 128)
	}
}
