package kern

// SAD16 returns the sum of absolute differences of two blocks of 16x16.
func SAD16(a []byte, as int, b []byte, bs int) int {
	check(a, as, 16, 16)
	check(b, bs, 16, 16)
	if useAVX2 {
		return sad16AVX2(&a[0], as, &b[0], bs)
	}
	return sadGo(a, as, b, bs, 16)
}

// SAD8 returns the sum of absolute differences of two blocks of 8x8.
func SAD8(a []byte, as int, b []byte, bs int) int {
	check(a, as, 8, 8)
	check(b, bs, 8, 8)
	if useAVX2 {
		return sad8AVX2(&a[0], as, &b[0], bs)
	}
	return sadGo(a, as, b, bs, 8)
}

// Quarters adds up the differences of two blocks of 16x16 for each of their 8x8
// quarters, in reading order: of their sizes, and as they are.
type Quarters [8]int64

// Apart is the sum of the sizes of a quarter's differences.
func (q *Quarters) Apart(i int) int { return int(q[i]) }

// Bias is the sum of a quarter's differences, a's samples less b's.
func (q *Quarters) Bias(i int) int { return int(q[4+i]) }

// Take compares two blocks.
func (q *Quarters) Take(a []byte, as int, b []byte, bs int) {
	check(a, as, 16, 16)
	check(b, bs, 16, 16)
	if useAVX2 {
		quarters16AVX2((*[8]int64)(q), &a[0], as, &b[0], bs)
		return
	}
	q.takeGo(a, as, b, bs)
}

func (q *Quarters) takeGo(a []byte, as int, b []byte, bs int) {
	*q = Quarters{}
	for y := range 16 {
		p, r := a[y*as:][:16], b[y*bs:][:16]
		for x := range p {
			d, i := int64(p[x])-int64(r[x]), y>>3*2+x>>3
			q[i] += max(d, -d)
			q[4+i] += d
		}
	}
}

func sadGo(a []byte, as int, b []byte, bs, n int) int {
	sum := 0
	for y := range n {
		p, q := a[y*as:][:n], b[y*bs:][:n]
		for x := range p {
			d := int(p[x]) - int(q[x])
			sum += abs(d)
		}
	}
	return sum
}

// SSD16 returns the sum of squared differences of two blocks of 16x16.
func SSD16(a []byte, as int, b []byte, bs int) int {
	check(a, as, 16, 16)
	check(b, bs, 16, 16)
	if useAVX2 {
		return ssd16AVX2(&a[0], as, &b[0], bs)
	}
	return ssdGo(a, as, b, bs, 16)
}

// SSD8 returns the sum of squared differences of two blocks of 8x8.
func SSD8(a []byte, as int, b []byte, bs int) int {
	check(a, as, 8, 8)
	check(b, bs, 8, 8)
	if useAVX2 {
		return ssd8AVX2(&a[0], as, &b[0], bs)
	}
	return ssdGo(a, as, b, bs, 8)
}

func ssdGo(a []byte, as int, b []byte, bs, n int) int {
	sum := 0
	for y := range n {
		p, q := a[y*as:][:n], b[y*bs:][:n]
		for x := range p {
			d := int(p[x]) - int(q[x])
			sum += d * d
		}
	}
	return sum
}

// SATD8 returns the sum of absolute values of the 8x8 Hadamard transform of
// the difference of two blocks of 8x8, divided by 8 and rounded, which is the
// scale of an orthonormal transform: it foretells the bits of a transformed
// residual better than SAD8.
func SATD8(a []byte, as int, b []byte, bs int) int {
	check(a, as, 8, 8)
	check(b, bs, 8, 8)
	if useAVX2 {
		return satd8AVX2(&a[0], as, &b[0], bs)
	}
	return satd8Go(a, as, b, bs)
}

func satd8Go(a []byte, as int, b []byte, bs int) int {
	return (hadamardSum(a, as, b, bs) + 4) >> 3
}

// hadamardSum adds the absolute Hadamard coefficients of one block of 8x8.
func hadamardSum(a []byte, as int, b []byte, bs int) int {
	var c [64]int16
	diff8Go(&c, a, as, b, bs)
	for i := range 8 {
		hadamard8(&c, i, 8)
	}
	sum := 0
	for i := range 8 {
		hadamard8(&c, 8*i, 1)
		for _, v := range c[8*i:][:8] {
			sum += max(int(v), -int(v))
		}
	}
	return sum
}

// hadamard8 transforms the eight values at, at+step, ... in place.
func hadamard8(c *[64]int16, at, step int) {
	for d := 1; d < 8; d *= 2 {
		for i := range 8 {
			if i&d == 0 {
				p, q := &c[at+i*step], &c[at+(i+d)*step]
				*p, *q = *p+*q, *p-*q
			}
		}
	}
}
