//go:build linux && amd64 && !purego

package kern

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
)

// arena is memory that ends at a page nobody may touch, so that assembly
// that reads or writes past a plane does not go unnoticed.
type arena []byte

const arenaSize = 1 << 16

func newArena(t testing.TB) arena {
	page := syscall.Getpagesize()
	m, err := syscall.Mmap(-1, 0, arenaSize+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mprotect(m[arenaSize:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(m) })
	return m[:arenaSize]
}

// source makes the arguments of one call out of bytes, and collects what the
// call has written. The bytes repeat, changed, when they run out.
type source struct {
	data   []byte
	pos    int
	arenas []arena
	used   int
	planes [][]byte // written by the kernel, with what lies around them
	out    []byte
}

func (s *source) byte() byte {
	if len(s.data) == 0 {
		return 0
	}
	turn := s.pos / len(s.data)
	b := s.data[s.pos%len(s.data)]
	s.pos++
	return b + byte(turn*37)
}

// n is a number from lo to hi.
func (s *source) n(lo, hi int) int {
	return lo + (int(s.byte())<<8|int(s.byte()))%(hi-lo+1)
}

// plane is a plane of w x h samples that ends where its arena ends.
func (s *source) plane(w, h int) ([]byte, int) {
	stride := w + s.n(0, 40)
	size := (h-1)*stride + w
	a := s.arenas[s.used]
	s.used++
	p := a[len(a)-size:]
	for i := range p {
		p[i] = s.byte()
	}
	return p, stride
}

// target is a plane that the kernel writes.
func (s *source) target(w, h int) ([]byte, int) {
	p, stride := s.plane(w, h)
	a := s.arenas[s.used-1]
	room := a[max(0, len(a)-len(p)-256):]
	for i := range room[:len(room)-len(p)] {
		room[i] = 0xa5
	}
	s.planes = append(s.planes, room)
	return p, stride
}

func (s *source) coefficients() *[64]int16 {
	var c [64]int16
	for i := range c {
		c[i] = int16(uint16(s.byte())<<8 | uint16(s.byte()))
	}
	return &c
}

func (s *source) unsigned() *[64]uint16 {
	var c [64]uint16
	for i := range c {
		c[i] = uint16(s.byte())<<8 | uint16(s.byte())
	}
	return &c
}

func (s *source) put(v ...int) {
	for _, v := range v {
		s.out = binary.LittleEndian.AppendUint64(s.out, uint64(v))
	}
}

func (s *source) putBlock(c []int16) {
	for _, v := range c {
		s.out = binary.LittleEndian.AppendUint16(s.out, uint16(v))
	}
}

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
	{"SAD16x4", func(s *source) {
		cur, cs := s.plane(16, 16)
		ref, rs := s.plane(19, 16)
		var d [4]int
		SAD16x4(&d, cur, cs, ref, ref[1:], ref[2:], ref[3:], rs)
		s.put(d[:]...)
	}},
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
	{"MCChroma4", func(s *source) {
		w, h := 4*s.n(1, 6), 4*s.n(1, 6)
		d, ds := s.target(w, h)
		p, ps := s.plane(w+3, h+3)
		MCChroma4(d, ds, p, ps, s.n(0, 7), s.n(0, 7), w, h)
	}},
	{"Avg", func(s *source) {
		w, h := s.n(1, 40), s.n(1, 20)
		d, ds := s.target(w, h)
		a, as := s.plane(w, h)
		b, bs := s.plane(w, h)
		Avg(d, ds, a, as, b, bs, w, h)
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
	{"HashRow", func(s *source) {
		p, _ := s.plane(4*s.n(0, 200)+4, 1)
		s.put(int(HashRow(p)))
	}},
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

// result is what a kernel makes of data, all that it wrote included.
func result(arenas []arena, call func(*source), data []byte, fast bool) []byte {
	was := useAVX2
	useAVX2 = fast
	defer func() { useAVX2 = was }()
	s := &source{data: data, arenas: arenas}
	call(s)
	for _, p := range s.planes {
		s.out = append(s.out, p...)
	}
	return s.out
}

func arenas(t testing.TB) []arena {
	if !useAVX2 {
		t.Skip("the processor has no AVX2")
	}
	a := make([]arena, 5)
	for i := range a {
		a[i] = newArena(t)
	}
	return a
}

// inputs are the extremes, where sums overflow if they can, and noise.
func inputs() [][]byte {
	in := [][]byte{{0}, {255}, {0, 255}, {255, 0, 0}, {0x80, 0}, {0x7f, 0xff}, {0, 0, 255, 255, 255}}
	rnd := rand.New(rand.NewPCG(9, 10))
	for i := range 60 {
		b := make([]byte, 1+rnd.IntN(3000))
		for j := range b {
			b[j] = byte(rnd.Uint32())
			if i%3 == 0 && rnd.IntN(2) == 0 {
				b[j] = byte(-rnd.IntN(2))
			}
		}
		in = append(in, b)
	}
	return in
}

func TestTwinsAgree(t *testing.T) {
	a := arenas(t)
	for _, k := range kernels {
		t.Run(k.name, func(t *testing.T) {
			for _, data := range inputs() {
				agree(t, a, k.name, k.call, data)
			}
		})
	}
}

// FuzzTwins gives every kernel the same bytes.
func FuzzTwins(f *testing.F) {
	a := arenas(f)
	for i := range kernels {
		for _, data := range inputs()[:8] {
			f.Add(byte(i), data)
		}
	}
	f.Fuzz(func(t *testing.T, i byte, data []byte) {
		k := kernels[int(i)%len(kernels)]
		agree(t, a, k.name, k.call, data)
	})
}

func agree(t *testing.T, a []arena, name string, call func(*source), data []byte) {
	t.Helper()
	want, got := result(a, call, data, false), result(a, call, data, true)
	if !bytes.Equal(got, want) {
		t.Fatalf("%s of %x: AVX2 and Go differ: %s", name, data, firstDifference(got, want))
	}
}

func firstDifference(got, want []byte) string {
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			return fmt.Sprintf("byte %d of %d is %d, want %d", i, len(want), got[i], want[i])
		}
	}
	return "lengths"
}

// BenchmarkTwins measures both twins in one run.
func BenchmarkTwins(b *testing.B) {
	if !useAVX2 {
		b.Skip("the processor has no AVX2")
	}
	defer func() { useAVX2 = true }()
	useAVX2 = false
	benchmarkAll(b, "Go")
	useAVX2 = true
	benchmarkAll(b, "AVX2")
}
