package kern

// Kernels for prediction by a weighted sum: rows of 16 samples of 16 bits, each
// of which is predicted from up to 16 differences of samples around it. What
// leaves its type wraps.

// Taps is a list of up to 16 differences: a sample at one offset less a sample
// at another, both in samples from the one in hand.
type Taps struct {
	n         int
	offsets   [16][2]int32
	low, high int // of all offsets
}

// NewTaps makes a list of 1 to 16 pairs of offsets: plus, minus.
func NewTaps(pairs ...[2]int) *Taps {
	t := &Taps{n: len(pairs)}
	for i, p := range pairs {
		t.offsets[i] = [2]int32{int32(p[0]), int32(p[1])}
		t.low, t.high = min(t.low, p[0], p[1]), max(t.high, p[0], p[1])
	}
	return t
}

// Column stores the differences for the sample at index at of p, zeros after
// the last.
func (t *Taps) Column(dst *[16]int16, p []int16, at int) {
	*dst = [16]int16{}
	for i := range t.offsets[:t.n] {
		o := &t.offsets[i]
		dst[i] = p[at+int(o[0])] - p[at+int(o[1])]
	}
}

// Rows stores the differences for the 16 samples from index at of p, a row of
// dst for each pair. Rows after the last pair stay as they are.
func (t *Taps) Rows(dst *[16][16]int16, p []int16, at int) {
	if at+t.low < 0 || at+t.high+16 > len(p) {
		panic("kern: taps beyond their plane")
	}
	if useAVX2 {
		tapRowsAVX2(&dst[0][0], &p[at], &t.offsets[0][0], t.n)
		return
	}
	tapRowsGo(dst, p, at, t.offsets[:t.n])
}

func tapRowsGo(dst *[16][16]int16, p []int16, at int, offsets [][2]int32) {
	for i, o := range offsets {
		a, b := p[at+int(o[0]):][:16], p[at+int(o[1]):][:16]
		for x := range 16 {
			dst[i][x] = a[x] - b[x]
		}
	}
}

// Weights are four sets of 16 weights: of set k weight i is [i/2][k][i%2].
type Weights [8][4][2]int16

// DotsOf stores for each of 16 samples the sum of the first n rows of v (even,
// 2 to 16), each times its weight, of the set that the sample's kind (0 to 3)
// names.
func DotsOf(dst *[16]int32, v *[16][16]int16, w *Weights, kind *[16]int16, n int) {
	checkRows(n)
	if useAVX2 {
		dotsOfAVX2(&dst[0], &v[0][0], &w[0][0][0], &kind[0], n/2)
		return
	}
	dotsOfGo(dst, v, w, kind, n/2)
}

func dotsOfGo(dst *[16]int32, v *[16][16]int16, w *Weights, kind *[16]int16, pairs int) {
	for x := range dst {
		dst[x] = DotOf(v, w, int(kind[x]), x, 2*pairs)
	}
}

// DotOf is one of the sums of DotsOf, for sample x (0 to 15) and set kind.
func DotOf(v *[16][16]int16, w *Weights, kind, x, n int) int32 {
	s := int32(0)
	for i := range w[:n/2] {
		pair := &w[i&7][kind&3]
		s += int32(v[2*i&15][x&15])*int32(pair[0]) + int32(v[(2*i+1)&15][x&15])*int32(pair[1])
	}
	return s
}

// Fast tells that the kernels do many samples at once, so that Dots costs less
// than to call DotOf where a sum is needed.
func Fast() bool { return useAVX2 }

// Dots stores what DotsOf does, for all four sets.
func Dots(dst *[4][16]int32, v *[16][16]int16, w *Weights, n int) {
	checkRows(n)
	if useAVX2 {
		dotsAVX2(&dst[0][0], &v[0][0], &w[0][0][0], n/2)
		return
	}
	dotsGo(dst, v, w, n/2)
}

func dotsGo(dst *[4][16]int32, v *[16][16]int16, w *Weights, pairs int) {
	*dst = [4][16]int32{}
	for i := range pairs {
		a, b := &v[2*i], &v[2*i+1]
		for k := range dst {
			c, d := int32(w[i][k][0]), int32(w[i][k][1])
			row := &dst[k]
			for x := range row {
				row[x] += int32(a[x])*c + int32(b[x])*d
			}
		}
	}
}

func checkRows(n int) {
	if n < 2 || n > 16 || n&1 == 1 {
		panic("kern: no such number of rows")
	}
}

// Moments are sums of products of values with each other and with a target.
type Moments struct {
	// Square holds in [i][j] the products of values i and j, for every j from
	// the block of four on that i is in.
	Square [16][16]int64
	Right  [16]int64
}

// Add adds the products of a sample, times its weight: of all 16 values, or,
// with n at most 8, of the first 8. A value or target times the weight must fit
// in 32 bits.
func (m *Moments) Add(v *[16]int16, target, weight int32, n int) {
	blocks := 4
	if n <= 8 {
		blocks = 2
	}
	if useAVX2 {
		momentsAVX2(&m.Square[0][0], &m.Right[0], &v[0], int(target), int(weight), blocks)
		return
	}
	momentsGo(m, v, target, weight, blocks)
}

func momentsGo(m *Moments, v *[16]int16, target, weight int32, blocks int) {
	right := int64(target * weight)
	for i, a := range v[:4*blocks] {
		row, vi := &m.Square[i], int64(int32(a)*weight)
		for j := i &^ 3; j < 4*blocks; j++ {
			row[j] += vi * int64(v[j])
		}
		m.Right[i] += right * int64(a)
	}
}

// Nearby stores for the 16 bytes from index at of p twice the one above, plus its
// neighbours to the left and right, plus twice those that are once, twice and so
// on up to n times (0 to 2) plane before.
func Nearby(dst *[16]uint16, p []byte, at, stride, plane, n int) {
	if stride < 0 || plane < 0 || at < stride+1 || at < n*plane || at-stride+17 > len(p) || at+16 > len(p) {
		panic("kern: row beyond its plane")
	}
	if useAVX2 {
		nearbyAVX2(&dst[0], &p[at-stride-1], &p[at-n*plane], plane, n)
		return
	}
	nearbyGo(dst, p, at, stride, plane, n)
}

func nearbyGo(dst *[16]uint16, p []byte, at, stride, plane, n int) {
	above := p[at-stride-1:][:18]
	for x := range dst {
		dst[x] = uint16(above[x]) + 2*uint16(above[x+1]) + uint16(above[x+2])
	}
	for range n {
		at -= plane
		for x, b := range p[at:][:16] {
			dst[x] += 2 * uint16(b)
		}
	}
}

// Surroundings stores for the 16 samples from index at of p the median of the
// one to the left (w), the one above (n) and w + n - nw (JPEG-LS, ITU-T T.87),
// and what kind of place it is, by how the left column, |w - nw|, and the upper
// row, |n - nw|, change: 3 calm, 1 upright, 2 level, 0 mixed.
func Surroundings(median, kind *[16]int16, p []int16, at, stride int) {
	if at < 1 || at-1 < stride || at+16 > len(p) || stride < 0 {
		panic("kern: row beyond its plane")
	}
	if useAVX2 {
		surroundingsAVX2(&median[0], &kind[0], &p[at-1], &p[at-stride-1])
		return
	}
	surroundingsGo(median, kind, p[at-1:], p[at-stride-1:])
}

func surroundingsGo(median, kind *[16]int16, left, above []int16) {
	for x := range 16 {
		w, n, nw := left[x], above[x+1], above[x]
		median[x] = min(max(w+n-nw, min(w, n)), max(w, n))
		kind[x] = Surrounding(w-nw, n-nw)
	}
}

// Surrounding is the kind of place that Surroundings tells by w - nw and
// n - nw. It has no branches: they would be foreseen badly.
func Surrounding[T int16 | int32](down, across T) (kind T) {
	down, across = max(down, -down), max(across, -across)
	upright := (int32(3*across) - int32(2*down)) >> 31 & 1
	level := (int32(3*down) - int32(2*across)) >> 31 & 2
	calm := (int32(down+across) - 3) >> 31 & 3
	return T(upright | level | calm)
}
