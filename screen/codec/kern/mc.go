package kern

import "unsafe"

// MCBefore and MCAfter are the samples that MC16 reads before and after the
// block, in both directions; MCChromaBefore and MCChromaAfter those of
// MCChroma.
const (
	MCBefore       = 2
	MCAfter        = 3
	MCChromaBefore = 1
	MCChromaAfter  = 2
)

// taps6 are the filters of MC16 for 0 to 3 quarters of a sample, taps4 those
// of MCChroma for 0 to 7 eighths, in 1/64: sinc with a Lanczos window of
// three and of two lobes, normalised and rounded so that each sums to 64.
// All sums of products of two neighbouring taps with bytes, and of all, fit
// 16 bits.
var taps6 = [4][6]int8{
	{0, 0, 64, 0, 0, 0},
	{2, -9, 57, 17, -4, 1},
	{2, -9, 39, 39, -9, 2},
	{1, -4, 17, 57, -9, 2},
}

// first6 points at the taps of each filter, nil for none.
var first6 = [4]*int8{nil, &taps6[1][0], &taps6[2][0], &taps6[3][0]}

var taps4 = [8][4]int8{
	{0, 64, 0, 0},
	{-4, 62, 6, 0},
	{-5, 55, 15, -1},
	{-5, 46, 25, -2},
	{-4, 36, 36, -4},
	{-2, 25, 46, -5},
	{-1, 15, 55, -5},
	{0, 6, 62, -4},
}

// first4 points at the taps of each filter, nil for none.
var first4 = [8]*int8{nil, &taps4[1][0], &taps4[2][0], &taps4[3][0], &taps4[4][0], &taps4[5][0], &taps4[6][0], &taps4[7][0]}

// MC16 predicts a luma block of w x h samples from a reference displaced by
// fx, fy quarters of a sample (0 to 3). src starts MCBefore samples left of
// and above the block's whole position and holds w+MCBefore+MCAfter by
// h+MCBefore+MCAfter samples of stride ss, whatever fx and fy.
//
// Rows are filtered first, rounded and clamped to bytes, then columns. A
// direction without a fraction is not filtered. Multiples of 4 are fast.
func MC16(dst []byte, ds int, src []byte, ss int, fx, fy, w, h int) {
	if w <= 0 || h <= 0 {
		return
	}
	check(dst, ds, w, h)
	check(src, ss, w+MCBefore+MCAfter, h+MCBefore+MCAfter)
	fx, fy = fx&3, fy&3
	if useAVX2 && w == 16 && h == 16 { // most calls, without detours
		mc6x16AVX2(&dst[0], ds, &src[0], ss, first6[fx], first6[fy], 16)
		return
	}
	var fh, fv []int8
	if fx != 0 {
		fh = taps6[fx][:]
	}
	if fy != 0 {
		fv = taps6[fy][:]
	}
	mcBlock(dst, ds, src, ss, fh, fv, MCBefore, MCAfter, w, h)
}

// MCChroma predicts w x h chroma samples displaced by fx, fy eighths of a
// sample (0 to 7), as MC16 does with filters of four taps: src starts
// MCChromaBefore samples left and above and holds w+MCChromaBefore+
// MCChromaAfter by h+MCChromaBefore+MCChromaAfter samples.
func MCChroma(dst []byte, ds int, src []byte, ss int, fx, fy, w, h int) {
	if w <= 0 || h <= 0 {
		return
	}
	check(dst, ds, w, h)
	check(src, ss, w+MCChromaBefore+MCChromaAfter, h+MCChromaBefore+MCChromaAfter)
	if useAVX2 && w == 8 && h == 8 {
		mc4x8AVX2(&dst[0], ds, &src[0], ss, first4[fx&7], first4[fy&7], 8)
		return
	}
	var fh, fv []int8
	if fx &= 7; fx != 0 {
		fh = taps4[fx][:]
	}
	if fy &= 7; fy != 0 {
		fv = taps4[fy][:]
	}
	mcBlock(dst, ds, src, ss, fh, fv, MCChromaBefore, MCChromaAfter, w, h)
}

// mcStrip and mcRows limit what is filtered at once, so that the rows
// between the two filters stay on the stack.
const (
	mcStrip = 16
	mcRows  = 16
)

// mcBlock works in strips of 16, 8 and 4 columns and what remains. fh and fv
// are the filters of rows and columns, nil for none.
func mcBlock(dst []byte, ds int, src []byte, ss int, fh, fv []int8, before, after, w, h int) {
	for y := 0; y < h; y += mcRows {
		n := min(mcRows, h-y)
		for x := 0; x < w; {
			d, s := dst[y*ds+x:], src[y*ss+x:]
			strip := min(mcStrip, w-x)
			if useAVX2 && n&3 == 0 && strip >= 4 {
				strip = mcAVX2(d, ds, s, ss, fh, fv, before == MCBefore, strip, n)
			} else {
				mcGo(d, ds, s, ss, fh, fv, before, after, strip, n)
			}
			x += strip
		}
	}
}

// mcAVX2 predicts as many of at least 4 columns as there is assembly for,
// and returns how many; six says how many taps there are, or would be. h is
// a multiple of 4.
func mcAVX2(dst []byte, ds int, src []byte, ss int, fh, fv []int8, six bool, w, h int) int {
	d, s, th, tv := &dst[0], &src[0], unsafe.SliceData(fh), unsafe.SliceData(fv)
	switch {
	case w >= 16 && six:
		mc6x16AVX2(d, ds, s, ss, th, tv, h)
		return 16
	case w >= 16:
		mc4x16AVX2(d, ds, s, ss, th, tv, h)
		return 16
	case w >= 8 && six:
		mc6x8AVX2(d, ds, s, ss, th, tv, h)
		return 8
	case w >= 8:
		mc4x8AVX2(d, ds, s, ss, th, tv, h)
		return 8
	case six:
		mc6x4AVX2(d, ds, s, ss, th, tv, h)
		return 4
	}
	mc4x4AVX2(d, ds, s, ss, th, tv, h)
	return 4
}

// mcGo is the definition of one strip.
func mcGo(dst []byte, ds int, src []byte, ss int, fh, fv []int8, before, after, w, h int) {
	switch {
	case fh == nil && fv == nil:
		copyGo(dst, ds, src[before*ss+before:], ss, w, h)
	case fv == nil:
		filterRows(dst, ds, src[before*ss:], ss, fh, w, h)
	case fh == nil:
		filterColumns(dst, ds, src[before:], ss, fv, w, h)
	default:
		var mid [mcStrip * (mcRows + MCBefore + MCAfter)]byte
		filterRows(mid[:], mcStrip, src, ss, fh, w, h+before+after)
		filterColumns(dst, ds, mid[:], mcStrip, fv, w, h)
	}
}

// Copy16 copies a block of 16x16.
func Copy16(dst []byte, ds int, src []byte, ss int) {
	check(dst, ds, 16, 16)
	check(src, ss, 16, 16)
	if useAVX2 {
		copy16AVX2(&dst[0], ds, &src[0], ss)
		return
	}
	copyGo(dst, ds, src, ss, 16, 16)
}

func copyGo(dst []byte, ds int, src []byte, ss int, w, h int) {
	for y := range h {
		copy(dst[y*ds:][:w], src[y*ss:])
	}
}
