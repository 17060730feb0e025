package kern

// filterRows filters along the rows with four or six taps; src starts where
// the first tap of the first sample lies.
func filterRows(dst []byte, ds int, src []byte, ss int, taps []int8, w, h int) {
	if len(taps) == 4 {
		filterRows4Go(dst, ds, src, ss, taps, w, h)
		return
	}
	filterRows6Go(dst, ds, src, ss, taps, w, h)
}

// filterColumns filters along the columns in the same way.
func filterColumns(dst []byte, ds int, src []byte, ss int, taps []int8, w, h int) {
	if len(taps) == 4 {
		filterColumns4Go(dst, ds, src, ss, taps, w, h)
		return
	}
	filterColumns6Go(dst, ds, src, ss, taps, w, h)
}

// rounded6 is one output of six taps.
func rounded6(t []int8, p0, p1, p2, p3, p4, p5 byte) byte {
	v := int(t[0])*int(p0) + int(t[1])*int(p1) + int(t[2])*int(p2) +
		int(t[3])*int(p3) + int(t[4])*int(p4) + int(t[5])*int(p5)
	return clamp8((v + 32) >> 6)
}

// rounded4 is one output of four taps.
func rounded4(t []int8, p0, p1, p2, p3 byte) byte {
	v := int(t[0])*int(p0) + int(t[1])*int(p1) + int(t[2])*int(p2) + int(t[3])*int(p3)
	return clamp8((v + 32) >> 6)
}

func filterRows6Go(dst []byte, ds int, src []byte, ss int, t []int8, w, h int) {
	t = t[:6]
	for y := range h {
		d, s := dst[y*ds:][:w], src[y*ss:][:w+5]
		for x := range d {
			p := s[x:][:6]
			d[x] = rounded6(t, p[0], p[1], p[2], p[3], p[4], p[5])
		}
	}
}

func filterRows4Go(dst []byte, ds int, src []byte, ss int, t []int8, w, h int) {
	t = t[:4]
	for y := range h {
		d, s := dst[y*ds:][:w], src[y*ss:][:w+3]
		for x := range d {
			p := s[x:][:4]
			d[x] = rounded4(t, p[0], p[1], p[2], p[3])
		}
	}
}

func filterColumns6Go(dst []byte, ds int, src []byte, ss int, t []int8, w, h int) {
	t = t[:6]
	for y := range h {
		d := dst[y*ds:][:w]
		p0, p1, p2 := src[y*ss:][:w], src[(y+1)*ss:][:w], src[(y+2)*ss:][:w]
		p3, p4, p5 := src[(y+3)*ss:][:w], src[(y+4)*ss:][:w], src[(y+5)*ss:][:w]
		for x := range d {
			d[x] = rounded6(t, p0[x], p1[x], p2[x], p3[x], p4[x], p5[x])
		}
	}
}

func filterColumns4Go(dst []byte, ds int, src []byte, ss int, t []int8, w, h int) {
	t = t[:4]
	for y := range h {
		d := dst[y*ds:][:w]
		p0, p1, p2, p3 := src[y*ss:][:w], src[(y+1)*ss:][:w], src[(y+2)*ss:][:w], src[(y+3)*ss:][:w]
		for x := range d {
			d[x] = rounded4(t, p0[x], p1[x], p2[x], p3[x])
		}
	}
}
