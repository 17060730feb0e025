package kern

// MCBefore and MCAfter are the samples that MC16 reads before and after the
// block, in both directions.
const (
	MCBefore = 2
	MCAfter  = 3
)

// taps are the interpolation filters of MC16 for 0 to 3 quarters of a
// sample, in 1/64: sinc with a Lanczos window of three lobes, normalised and
// rounded so that each sums to 64. All sums of products of two neighbouring
// taps with bytes, and of all six, fit 16 bits.
var taps = [4][6]int8{
	{0, 0, 64, 0, 0, 0},
	{2, -9, 57, 17, -4, 1},
	{2, -9, 39, 39, -9, 2},
	{1, -4, 17, 57, -9, 2},
}

// MC16 predicts a luma block of w x h samples from a reference displaced by
// fx, fy quarters of a sample (0 to 3). src starts MCBefore samples left of
// and above the block's whole position and holds w+MCBefore+MCAfter by
// h+MCBefore+MCAfter samples of stride ss, whatever fx and fy.
//
// Rows are filtered first, rounded and clamped to bytes, then columns. A
// direction without a fraction is not filtered. Multiples of 16 and 8
// samples of width are fast.
func MC16(dst []byte, ds int, src []byte, ss int, fx, fy, w, h int) {
	if w <= 0 || h <= 0 {
		return
	}
	check(dst, ds, w, h)
	check(src, ss, w+MCBefore+MCAfter, h+MCBefore+MCAfter)
	mcGo(dst, ds, src, ss, fx&3, fy&3, w, h)
}

// mcGo works in strips of at most mcStrip columns and mcRows rows, so that
// the rows between the two filters stay on the stack.
func mcGo(dst []byte, ds int, src []byte, ss int, fx, fy, w, h int) {
	for y := 0; y < h; y += mcRows {
		for x := 0; x < w; x += mcStrip {
			mcStripGo(dst[y*ds+x:], ds, src[y*ss+x:], ss, fx, fy, min(mcStrip, w-x), min(mcRows, h-y))
		}
	}
}

const (
	mcStrip = 16
	mcRows  = 16
)

func mcStripGo(dst []byte, ds int, src []byte, ss int, fx, fy, w, h int) {
	switch {
	case fx == 0 && fy == 0:
		for y := range h {
			copy(dst[y*ds:][:w], src[(y+MCBefore)*ss+MCBefore:])
		}
	case fy == 0:
		filterRows(dst, ds, src[MCBefore*ss:], ss, fx, w, h)
	case fx == 0:
		filterColumns(dst, ds, src[MCBefore:], ss, fy, w, h)
	default:
		var mid [mcStrip * (mcRows + MCBefore + MCAfter)]byte
		filterRows(mid[:], mcStrip, src, ss, fx, w, h+MCBefore+MCAfter)
		filterColumns(dst, ds, mid[:], mcStrip, fy, w, h)
	}
}

// filterRows filters along the rows; src starts MCBefore samples to the left.
func filterRows(dst []byte, ds int, src []byte, ss int, f, w, h int) {
	t := &taps[f]
	t0, t1, t2, t3, t4, t5 := int(t[0]), int(t[1]), int(t[2]), int(t[3]), int(t[4]), int(t[5])
	for y := range h {
		d, s := dst[y*ds:][:w], src[y*ss:][:w+5]
		for x := range d {
			p := s[x:][:6]
			v := t0*int(p[0]) + t1*int(p[1]) + t2*int(p[2]) + t3*int(p[3]) + t4*int(p[4]) + t5*int(p[5])
			d[x] = clamp8((v + 32) >> 6)
		}
	}
}

// filterColumns filters along the columns; src starts MCBefore rows above.
func filterColumns(dst []byte, ds int, src []byte, ss int, f, w, h int) {
	t := &taps[f]
	t0, t1, t2, t3, t4, t5 := int(t[0]), int(t[1]), int(t[2]), int(t[3]), int(t[4]), int(t[5])
	for y := range h {
		d := dst[y*ds:][:w]
		p0, p1, p2 := src[y*ss:][:w], src[(y+1)*ss:][:w], src[(y+2)*ss:][:w]
		p3, p4, p5 := src[(y+3)*ss:][:w], src[(y+4)*ss:][:w], src[(y+5)*ss:][:w]
		for x := range d {
			v := t0*int(p0[x]) + t1*int(p1[x]) + t2*int(p2[x]) + t3*int(p3[x]) + t4*int(p4[x]) + t5*int(p5[x])
			d[x] = clamp8((v + 32) >> 6)
		}
	}
}

// MCChroma predicts w x h chroma samples displaced by fx, fy eighths of a
// sample (0 to 7), bilinear. src starts at the block's whole position and
// holds w+1 by h+1 samples, whatever fx and fy.
func MCChroma(dst []byte, ds int, src []byte, ss int, fx, fy, w, h int) {
	if w <= 0 || h <= 0 {
		return
	}
	check(dst, ds, w, h)
	check(src, ss, w+1, h+1)
	mcChromaGo(dst, ds, src, ss, fx&7, fy&7, w, h)
}

func mcChromaGo(dst []byte, ds int, src []byte, ss int, fx, fy, w, h int) {
	a, b, c, e := (8-fx)*(8-fy), fx*(8-fy), (8-fx)*fy, fx*fy
	for y := range h {
		d, p, q := dst[y*ds:][:w], src[y*ss:][:w+1], src[(y+1)*ss:][:w+1]
		for x := range d {
			d[x] = byte((a*int(p[x]) + b*int(p[x+1]) + c*int(q[x]) + e*int(q[x+1]) + 32) >> 6)
		}
	}
}

// Avg stores the mean of a and b, w x h samples, halves rounded up. dst may
// be a or b itself with the same stride.
func Avg(dst []byte, ds int, a []byte, as int, b []byte, bs, w, h int) {
	if w <= 0 || h <= 0 {
		return
	}
	check(dst, ds, w, h)
	check(a, as, w, h)
	check(b, bs, w, h)
	avgGo(dst, ds, a, as, b, bs, w, h)
}

func avgGo(dst []byte, ds int, a []byte, as int, b []byte, bs, w, h int) {
	for y := range h {
		d, p, q := dst[y*ds:][:w], a[y*as:][:w], b[y*bs:][:w]
		for x := range d {
			d[x] = byte((uint(p[x]) + uint(q[x]) + 1) >> 1)
		}
	}
}
