package screen

import (
	"image"
	"math/rand/v2"
	"testing"
)

const side = 64 // of the bitmap that a region is compared with, px

type bitmap [side][side]bool

func (b *bitmap) set(r image.Rectangle, v bool) {
	r = r.Intersect(image.Rect(0, 0, side, side))
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			b[y][x] = v
		}
	}
}

// bits draws a region and counts the pixels that it holds twice.
func bits(r Region) (b bitmap, twice, empty int) {
	for _, a := range r {
		if a.Empty() {
			empty++
		}
		for y := a.Min.Y; y < a.Max.Y; y++ {
			for x := a.Min.X; x < a.Max.X; x++ {
				if b[y][x] {
					twice++
				}
				b[y][x] = true
			}
		}
	}
	return b, twice, empty
}

func randRect(rnd *rand.Rand, size int) image.Rectangle {
	x, y := rnd.IntN(side), rnd.IntN(side)
	return image.Rect(x, y, min(x+rnd.IntN(size), side), min(y+rnd.IntN(size), side)) // may be empty
}

func checkRegion(t *testing.T, r Region, want *bitmap, exact bool) {
	t.Helper()
	got, twice, empty := bits(r)
	if twice > 0 || empty > 0 || len(r) > maxRegion {
		t.Fatalf("%d pixels twice, %d empty rectangles, %d in all: %v", twice, empty, len(r), r)
	}
	area := 0
	for y := range got {
		for x := range got[y] {
			if want[y][x] && !got[y][x] {
				t.Fatalf("lost pixel %d,%d: %v", x, y, r)
			}
			if exact && got[y][x] && !want[y][x] {
				t.Fatalf("pixel %d,%d too many: %v", x, y, r)
			}
			if got[y][x] {
				area++
			}
		}
	}
	if area != r.Area() || r.Empty() != (area == 0) {
		t.Fatalf("area %d, says %d, empty %v", area, r.Area(), r.Empty())
	}
}

// TestRegionAgainstBitmap: random rectangles, small ones (many remain and are
// coarsened) and large ones (they swallow and cut each other).
func TestRegionAgainstBitmap(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		size := 2 + rnd.IntN(30)
		var r Region
		var want bitmap
		exact := true
		for range 1 + rnd.IntN(150) {
			a := randRect(rnd, size)
			before := len(r)
			r = r.Add(a)
			want.set(a, true)
			// A region that was coarsened covers more, and may not forget it.
			if len(r) < before && len(r) <= 16 {
				exact = false
			}
			checkRegion(t, r, &want, exact && len(r) < 16)
		}
	}
}

// TestRegionExact: with few rectangles the cover is exact.
func TestRegionExact(t *testing.T) {
	for seed := range uint64(500) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		var r Region
		var want bitmap
		for range 7 {
			a := randRect(rnd, 40)
			r = r.Add(a)
			want.set(a, true)
		}
		checkRegion(t, r, &want, true)
		var s Region
		for range 4 {
			a := randRect(rnd, 40)
			s = s.Add(a)
			want.set(a, true)
		}
		r = r.Union(s)
		checkRegion(t, r, &want, len(r) < 30)
		box := randRect(rnd, 50)
		b, _, _ := bits(r)
		for y := range b {
			for x := range b[y] {
				b[y][x] = b[y][x] && image.Pt(x, y).In(box)
			}
		}
		r = r.Clip(box)
		checkRegion(t, r, &b, true)
		if bounds := r.Bounds(); !r.Empty() && !bounds.In(box) {
			t.Fatalf("bounds %v outside of %v", bounds, box)
		}
	}
}

func TestRegionTable(t *testing.T) {
	a := image.Rect(10, 10, 20, 20)
	for _, row := range []struct {
		name string
		add  []image.Rectangle
		len  int
		area int
	}{
		{"nothing", nil, 0, 0},
		{"empty rectangles", []image.Rectangle{{}, image.Rect(5, 5, 5, 9)}, 0, 0},
		{"inverted is empty", []image.Rectangle{{Min: image.Pt(9, 9), Max: image.Pt(1, 1)}}, 0, 0},
		{"the same twice", []image.Rectangle{a, a}, 1, 100},
		{"within", []image.Rectangle{a, image.Rect(12, 12, 14, 14)}, 1, 100},
		{"around", []image.Rectangle{a, image.Rect(0, 0, 30, 30)}, 1, 900},
		{"touching", []image.Rectangle{a, image.Rect(20, 10, 30, 20)}, 2, 200},
		{"cross", []image.Rectangle{image.Rect(10, 0, 20, 30), image.Rect(0, 10, 30, 20)}, 3, 500},
	} {
		t.Run(row.name, func(t *testing.T) {
			var r Region
			for _, b := range row.add {
				r = r.Add(b)
			}
			if len(r) != row.len || r.Area() != row.area {
				t.Errorf("%v", r)
			}
		})
	}
}

func BenchmarkRegionAdd(b *testing.B) {
	b.ReportAllocs()
	rnd := rand.New(rand.NewPCG(1, 1))
	var boxes [200]image.Rectangle // as an X server may hand out
	for i := range boxes {
		x, y := rnd.IntN(1900), rnd.IntN(1060)
		boxes[i] = image.Rect(x, y, x+rnd.IntN(100), y+rnd.IntN(20))
	}
	var r Region
	for b.Loop() {
		r = r[:0]
		for _, a := range boxes {
			r = r.Add(a)
		}
	}
}

// TestCut: what is left is what was there and is not cut off, once.
func TestCut(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	rect := func() image.Rectangle {
		x, y := rnd.IntN(20), rnd.IntN(20)
		return image.Rect(x, y, x+1+rnd.IntN(12), y+1+rnd.IntN(12))
	}
	for range 2000 {
		var r Region
		for range rnd.IntN(6) {
			r = r.Add(rect())
		}
		was := append(Region(nil), r...)
		b := rect()
		r = r.Cut(b)
		for y := range 40 {
			for x := range 40 {
				p, n, want := image.Pt(x, y), 0, 0
				for _, a := range r {
					if p.In(a) {
						n++
					}
				}
				for _, a := range was {
					if p.In(a) && !p.In(b) {
						want++
					}
				}
				if n != want {
					t.Fatalf("%v without %v is %v: %v is in it %d times", was, b, r, p, n)
				}
			}
		}
	}
}
