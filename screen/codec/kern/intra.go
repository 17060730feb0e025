package kern

// Gradient16 predicts a block of 16x16 from the 16 samples above it, the 16
// to its left and the one in the corner:
//
//	dst[y][x] = clamp(above[x] + left[y] - corner)
//
// With above all equal to corner it repeats left along the rows.
func Gradient16(dst []byte, ds int, above, left *[16]byte, corner byte) {
	check(dst, ds, 16, 16)
	if useAVX2 {
		gradient16AVX2(&dst[0], ds, &above[0], &left[0], int(corner))
		return
	}
	gradientGo(dst, ds, above[:], left[:], corner)
}

// Gradient8 is Gradient16 for a block of 8x8.
func Gradient8(dst []byte, ds int, above, left *[8]byte, corner byte) {
	check(dst, ds, 8, 8)
	if useAVX2 {
		gradient8AVX2(&dst[0], ds, &above[0], &left[0], int(corner))
		return
	}
	gradientGo(dst, ds, above[:], left[:], corner)
}

func gradientGo(dst []byte, ds int, above, left []byte, corner byte) {
	for y, l := range left {
		d := int(l) - int(corner)
		for x, a := range above {
			dst[y*ds+x] = clamp8(int(a) + d)
		}
	}
}

// Smooth16 predicts a block of 16x16 as the mean of two blends, of left into
// the last sample above and of above into the last sample to the left:
//
//	dst[y][x] = ((15-x) left[y] + (x+1) above[15] + (15-y) above[x] + (y+1) left[15] + 16) >> 5
func Smooth16(dst []byte, ds int, above, left *[16]byte) {
	check(dst, ds, 16, 16)
	if useAVX2 {
		smooth16AVX2(&dst[0], ds, &above[0], &left[0])
		return
	}
	smoothGo(dst, ds, above[:], left[:])
}

// Smooth8 is Smooth16 for a block of 8x8, with 7, 8 and a shift of 4 for 15,
// 16 and 5.
func Smooth8(dst []byte, ds int, above, left *[8]byte) {
	check(dst, ds, 8, 8)
	if useAVX2 {
		smooth8AVX2(&dst[0], ds, &above[0], &left[0])
		return
	}
	smoothGo(dst, ds, above[:], left[:])
}

func smoothGo(dst []byte, ds int, above, left []byte) {
	n := len(above)
	right, low := uint(above[n-1]), uint(left[n-1])
	for y, l := range left {
		for x, a := range above {
			v := uint(n-1-x)*uint(l) + uint(x+1)*right + uint(n-1-y)*uint(a) + uint(y+1)*low
			dst[y*ds+x] = byte((v + uint(n)) / uint(2*n))
		}
	}
}
