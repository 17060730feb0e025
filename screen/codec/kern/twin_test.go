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

// coefficients are of any size up to one for the block, so that not all
// saturate.
func (s *source) coefficients() *[64]int16 {
	var c [64]int16
	shift := s.byte() & 15
	for i := range c {
		c[i] = int16(uint16(s.byte())<<8|uint16(s.byte())) >> shift
	}
	return &c
}

func (s *source) samples() (p [16]byte) {
	for i := range p {
		p[i] = s.byte()
	}
	return p
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
