//go:build linux && amd64 && !purego

package kern

import "unsafe"

// kernels calls every kernel that has two twins.
var kernels = []struct {
	name string
	call func(s *source)
}{
	{"SAD16", func(s *source) { compare(s, 16, SAD16) }},
	{"SAD8", func(s *source) { compare(s, 8, SAD8) }},
	{"SSD16", func(s *source) { compare(s, 16, SSD16) }},
	{"SSD8", func(s *source) { compare(s, 8, SSD8) }},
	{"SATD8", func(s *source) { compare(s, 8, SATD8) }},
	{"Diff8", func(s *source) {
		a, as := s.plane(8, 8)
		b, bs := s.plane(8, 8)
		var c [64]int16
		Diff8(&c, a, as, b, bs)
		s.putBlock(c[:])
	}},
	{"Add8", func(s *source) {
		d, ds := s.target(8, 8)
		p, ps := s.plane(8, 8)
		Add8(d, ds, p, ps, s.coefficients())
	}},
	{"Add8 in place", func(s *source) {
		p, ps := s.target(8, 8)
		Add8(p, ps, p, ps, s.coefficients())
	}},
	{"DiffFDCT8", func(s *source) {
		a, as := s.plane(8, 8)
		b, bs := s.plane(8, 8)
		var c, d [64]int16
		DiffFDCT8(&c, a, as, b, bs)
		s.putBlock(c[:])
		Diff8(&d, a, as, b, bs)
		FDCT8(&d)
		s.put(same(c == d))
	}},
	{"IDCTAdd8", func(s *source) {
		d, ds := s.target(8, 8)
		p, ps := s.plane(8, 8)
		c := s.coefficients()
		IDCTAdd8(d, ds, p, ps, c)
		s.putBlock(c[:])
	}},
	{"IDCTAdd8 in place", func(s *source) {
		p, ps := s.target(8, 8)
		IDCTAdd8(p, ps, p, ps, s.coefficients())
	}},
	{"DiffHalf8", func(s *source) {
		a, as := s.plane(16, 16)
		b, bs := s.plane(16, 16)
		var c [64]int16
		DiffHalf8(&c, a, as, b, bs)
		s.putBlock(c[:])
	}},
	{"AddTwice8", func(s *source) {
		d, ds := s.target(16, 16)
		p, ps := s.plane(16, 16)
		AddTwice8(d, ds, p, ps, s.coefficients())
	}},
	{"AddTwice8 in place", func(s *source) {
		p, ps := s.target(16, 16)
		AddTwice8(p, ps, p, ps, s.coefficients())
	}},
	{"Copy16", func(s *source) {
		d, ds := s.target(16, 16)
		p, ps := s.plane(16, 16)
		Copy16(d, ds, p, ps)
	}},
	{"Nonzero8", func(s *source) {
		c := s.coefficients()
		for i := range c {
			c[i] >>= s.byte() & 15
		}
		s.put(int(Nonzero8(c)))
	}},
	{"FDCT8", func(s *source) { transform(s, FDCT8) }},
	{"IDCT8", func(s *source) { transform(s, IDCT8) }},
	{"FDCT4x4", func(s *source) { transform(s, FDCT4x4) }},
	{"IDCT4x4", func(s *source) { transform(s, IDCT4x4) }},
	{"Quant8", func(s *source) {
		c := s.coefficients()
		s.put(Quant8(c, s.unsigned(), s.unsigned()))
		s.putBlock(c[:])
	}},
	{"Dequant8", func(s *source) {
		c := s.coefficients()
		Dequant8(c, s.coefficients())
		s.putBlock(c[:])
	}},
	{"MC16", func(s *source) {
		w, h := s.n(1, 40), s.n(1, 40)
		d, ds := s.target(w, h)
		p, ps := s.plane(w+5, h+5)
		MC16(d, ds, p, ps, s.n(0, 3), s.n(0, 3), w, h)
	}},
	{"MC16 of whole blocks", func(s *source) {
		w, h := 4<<s.n(0, 2), 4<<s.n(0, 2)
		d, ds := s.target(w, h)
		p, ps := s.plane(w+5, h+5)
		MC16(d, ds, p, ps, s.n(0, 3), s.n(0, 3), w, h)
	}},
	{"MC16 everywhere", func(s *source) { everywhere(s, MC16, 4, 5) }},
	{"MCChroma everywhere", func(s *source) { everywhere(s, MCChroma, 8, 3) }},
	{"MCChroma", func(s *source) {
		w, h := 4*s.n(1, 6), 4*s.n(1, 6)
		d, ds := s.target(w, h)
		p, ps := s.plane(w+3, h+3)
		MCChroma(d, ds, p, ps, s.n(0, 7), s.n(0, 7), w, h)
	}},
	{"DeblockV", func(s *source) {
		n := s.n(1, 20)
		p, stride := s.target(4, n)
		DeblockV(p, stride, s.n(0, 300), s.n(0, 300), s.n(0, 300), n)
	}},
	{"DeblockH", func(s *source) {
		n := s.n(1, 36)
		p, stride := s.target(n, 4)
		DeblockH(p, stride, s.n(0, 300), s.n(0, 300), s.n(0, 300), n)
	}},
	{"ToYCC", func(s *source) {
		w, h := 2*s.n(1, 30), 2*s.n(1, 3)
		y, ys := s.target(w, h)
		cb, cs := s.target(w/2, h/2)
		cr := s.sibling(w/2, h/2, cs)
		p, stride := s.plane(4*w, h)
		ToYCC(y, ys, cb, cr, cs, p, stride, w, h)
	}},
	{"FromYCC", func(s *source) {
		w, h := s.n(1, 60), s.n(1, 5)
		p, stride := s.target(4*w, h)
		y, ys := s.plane(w, h)
		cb, cs := s.plane((w+1)/2, (h+1)/2)
		cr := s.sibling((w+1)/2, (h+1)/2, cs)
		FromYCC(p, stride, y, ys, cb, cr, cs, w, h)
	}},
	{"ToYCC444", func(s *source) {
		w, h := s.n(1, 60), s.n(1, 5)
		y, ys := s.target(w, h)
		cb, cs := s.target(w, h)
		cr := s.sibling(w, h, cs)
		p, stride := s.plane(4*w, h)
		ToYCC444(y, ys, cb, cr, cs, p, stride, w, h)
	}},
	{"FromYCC444", func(s *source) {
		w, h := s.n(1, 60), s.n(1, 5)
		p, stride := s.target(4*w, h)
		y, ys := s.plane(w, h)
		cb, cs := s.plane(w, h)
		cr := s.sibling(w, h, cs)
		FromYCC444(p, stride, y, ys, cb, cr, cs, w, h)
	}},
	{"Gradient16", func(s *source) {
		d, ds := s.target(16, 16)
		above, left := s.samples(), s.samples()
		Gradient16(d, ds, &above, &left, s.byte())
	}},
	{"Gradient8", func(s *source) {
		d, ds := s.target(8, 8)
		above, left := s.samples(), s.samples()
		Gradient8(d, ds, (*[8]byte)(above[8:]), (*[8]byte)(left[8:]), s.byte())
	}},
	{"Smooth16", func(s *source) {
		d, ds := s.target(16, 16)
		above, left := s.samples(), s.samples()
		Smooth16(d, ds, &above, &left)
	}},
	{"Smooth8", func(s *source) {
		d, ds := s.target(8, 8)
		above, left := s.samples(), s.samples()
		Smooth8(d, ds, (*[8]byte)(above[8:]), (*[8]byte)(left[8:]))
	}},
	{"EqualRows", func(s *source) {
		n, h := s.n(1, 5)*32, s.n(1, 20)
		a, as := s.plane(n, h)
		b, bs := s.plane(n, h)
		for y := range h {
			copy(b[y*bs:][:n], a[y*as:])
		}
		if s.byte()&1 == 1 {
			b[s.n(0, h-1)*bs+s.n(0, n-1)] ^= 1 << s.n(0, 7)
		}
		s.put(same(EqualRows(a, as, b, bs, n, h)))
	}},
	{"CopyColours", func(s *source) {
		n := 4 * s.n(0, 70)
		d, _ := s.target(n, 1)
		p, _ := s.plane(n, 1)
		CopyColours(d, p[:n])
	}},
	{"Quarters", func(s *source) {
		a, as := s.plane(16, 16)
		b, bs := s.plane(16, 16)
		var q Quarters
		q.Take(a, as, b, bs)
		for i := range 4 {
			s.put(q.Apart(i), q.Bias(i))
		}
	}},
	{"Taps.Rows", func(s *source) {
		n, p := s.n(1, 16), s.words(400)
		pairs := make([][2]int, n)
		low, high := 0, 0
		for i := range pairs {
			pairs[i] = [2]int{s.n(-100, 100), s.n(-100, 100)}
			low, high = min(low, pairs[i][0], pairs[i][1]), max(high, pairs[i][0], pairs[i][1])
		}
		v, at, taps := s.rows(), -low, NewTaps(pairs...)
		if s.byte()&1 == 1 {
			at = len(p) - 16 - high
		}
		taps.Rows(v, p, at)
		for i := range v {
			s.putBlock(v[i][:])
		}
		for x := range 16 {
			var column [16]int16
			taps.Column(&column, p, at+x)
			for i := range n {
				s.put(same(column[i] == v[i][x]))
			}
		}
	}},
	{"DotsOf", func(s *source) {
		v, w, kind, n := s.rows(), s.weights(), s.row(), 2*s.n(1, 8)
		for x := range kind {
			kind[x] &= 3
		}
		var dots [16]int32
		DotsOf(&dots, v, w, kind, n)
		var all [4][16]int32
		Dots(&all, v, w, n)
		for x, d := range dots {
			s.put(int(d), same(d == all[kind[x]][x]))
		}
	}},
	{"Dots", func(s *source) {
		var dots [4][16]int32
		Dots(&dots, s.rows(), s.weights(), 2*s.n(1, 8))
		for k := range dots {
			for _, d := range dots[k] {
				s.put(int(d))
			}
		}
	}},
	{"Moments", func(s *source) {
		var m Moments
		for range s.n(1, 3) {
			target, weight := s.n(-2040, 2040), s.n(0, 256)
			if s.byte() == 0 {
				target, weight = s.n(0, 1<<16)<<16, s.n(0, 1<<16)<<16
			}
			m.Add(s.row(), int32(target), int32(weight), s.n(1, 16))
		}
		for i := range m.Square {
			s.put(int(m.Right[i]))
			for _, v := range m.Square[i] {
				s.put(int(v))
			}
		}
	}},
	{"Nearby", func(s *source) {
		p, _ := s.plane(200, 1)
		n, stride, plane := s.n(0, 2), s.n(0, 30), s.n(20, 50)
		var sums [16]uint16
		Nearby(&sums, p, s.n(max(stride+1, n*plane), 200-17), stride, plane, n)
		for _, v := range sums {
			s.put(int(v))
		}
	}},
	{"Surroundings", func(s *source) {
		var median, kind [16]int16
		p, stride := s.words(100), s.n(0, 40)
		Surroundings(&median, &kind, p, s.n(stride+1, 100-16), stride)
		s.putBlock(median[:])
		s.putBlock(kind[:])
	}},
}

// words are n samples that end where an arena ends.
func (s *source) words(n int) []int16 {
	p, _ := s.plane(2*n, 1)
	w := unsafe.Slice((*int16)(unsafe.Pointer(&p[0])), n)
	if shift := s.byte() & 15; shift < 12 {
		for i := range w {
			w[i] >>= shift
		}
	}
	return w
}

func (s *source) row() *[16]int16 { return (*[16]int16)(s.words(16)) }

func (s *source) rows() *[16][16]int16 {
	var v [16][16]int16
	for i, w := range s.words(256) {
		v[i/16][i%16] = w
	}
	return &v
}

func (s *source) weights() *Weights {
	var v Weights
	for i, w := range s.words(64) {
		v[i/8][i/2%4][i%2] = w
	}
	return &v
}

// sibling is a written plane with the stride of another.
func (s *source) sibling(w, h, stride int) []byte {
	size := (h-1)*stride + w
	a := s.arenas[s.used]
	s.used++
	p := a[len(a)-size:]
	for i := range p {
		p[i] = s.byte()
	}
	s.planes = append(s.planes, a[len(a)-size:])
	return p
}

func same(b bool) int {
	if b {
		return 1
	}
	return 0
}

func compare(s *source, n int, f func(a []byte, as int, b []byte, bs int) int) {
	a, as := s.plane(n, n)
	b, bs := s.plane(n, n)
	s.put(f(a, as, b, bs))
}

func transform(s *source, f func(*[64]int16)) {
	c := s.coefficients()
	f(c)
	s.putBlock(c[:])
}

// everywhere predicts a block with all fractions; margin is what the filters
// read around it.
func everywhere(s *source, f func([]byte, int, []byte, int, int, int, int, int), fractions, margin int) {
	w, h := 4<<s.n(0, 2), 4<<s.n(0, 2)
	d, ds := s.target(w, h)
	p, ps := s.plane(w+margin, h+margin)
	for i := range fractions * fractions {
		f(d, ds, p, ps, i%fractions, i/fractions, w, h)
		s.out = append(s.out, d...)
	}
}
