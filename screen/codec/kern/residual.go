package kern

// Diff8 stores a - b, both 8x8, in rows.
func Diff8(dst *[64]int16, a []byte, as int, b []byte, bs int) {
	check(a, as, 8, 8)
	check(b, bs, 8, 8)
	if useAVX2 {
		diff8AVX2(dst, &a[0], as, &b[0], bs)
		return
	}
	diff8Go(dst, a, as, b, bs)
}

func diff8Go(dst *[64]int16, a []byte, as int, b []byte, bs int) {
	for y := range 8 {
		p, q, d := a[y*as:][:8], b[y*bs:][:8], dst[8*y:][:8]
		for x := range d {
			d[x] = int16(p[x]) - int16(q[x])
		}
	}
}

// Add8 stores the 8x8 block pred + c, clamped to bytes. dst may be pred
// itself with the same stride.
func Add8(dst []byte, ds int, pred []byte, ps int, c *[64]int16) {
	check(dst, ds, 8, 8)
	check(pred, ps, 8, 8)
	if useAVX2 {
		add8AVX2(&dst[0], ds, &pred[0], ps, c)
		return
	}
	add8Go(dst, ds, pred, ps, c)
}

func add8Go(dst []byte, ds int, pred []byte, ps int, c *[64]int16) {
	for y := range 8 {
		d, p, r := dst[y*ds:][:8], pred[y*ps:][:8], c[8*y:][:8]
		for x := range d {
			d[x] = clamp8(int(p[x]) + int(r[x]))
		}
	}
}

// DiffHalf8 stores the difference of two blocks of 16x16 at half the
// resolution: the sum of a - b over two by two samples, plus 2, shifted down
// by 2.
func DiffHalf8(dst *[64]int16, a []byte, as int, b []byte, bs int) {
	check(a, as, 16, 16)
	check(b, bs, 16, 16)
	if useAVX2 {
		diffHalf8AVX2(dst, &a[0], as, &b[0], bs)
		return
	}
	diffHalf8Go(dst, a, as, b, bs)
}

func diffHalf8Go(dst *[64]int16, a []byte, as int, b []byte, bs int) {
	sum := func(p []byte, stride, x int) int {
		return int(p[x]) + int(p[x+1]) + int(p[stride+x]) + int(p[stride+x+1])
	}
	for y := range 8 {
		for x := range 8 {
			dst[8*y+x] = int16((sum(a[2*y*as:], as, 2*x) - sum(b[2*y*bs:], bs, 2*x) + 2) >> 2)
		}
	}
}

// AddTwice8 stores the 16x16 block pred plus a residual of half the
// resolution, each of its values serving two by two samples, clamped to
// bytes. dst may be pred itself with the same stride.
func AddTwice8(dst []byte, ds int, pred []byte, ps int, c *[64]int16) {
	check(dst, ds, 16, 16)
	check(pred, ps, 16, 16)
	if useAVX2 {
		addTwice8AVX2(&dst[0], ds, &pred[0], ps, c)
		return
	}
	addTwice8Go(dst, ds, pred, ps, c)
}

func addTwice8Go(dst []byte, ds int, pred []byte, ps int, c *[64]int16) {
	for y := range 16 {
		d, p, r := dst[y*ds:][:16], pred[y*ps:][:16], c[y>>1*8:][:8]
		for x := range d {
			d[x] = clamp8(int(p[x]) + int(r[x>>1]))
		}
	}
}
