package ansi

import (
	"fmt"
	"image"
	"math/rand/v2"
	"strings"
	"testing"

	"sightline/screen"
	"sightline/screen/keysym"
	"sightline/screen/pattern"
)

// Whatever is wanted, the terminal shows it after the diff.
func TestDiffReachesTheTerminal(t *testing.T) {
	for _, mode := range []colours{trueColour, palette256, greys} {
		rng := rand.New(rand.NewPCG(5, uint64(mode)))
		g := grid{mode: mode}
		g.resize(30, 8)
		g.line(7, "")
		e := newEmulator(30, 8)
		for range 300 {
			for range rng.IntN(40) {
				few := func() uint32 { return mode.encode(uint32(rng.IntN(4)) * 0x3f3f1f) }
				g.want[rng.IntN(30*7)] = cell{fg: few(), bg: few()}
			}
			if rng.IntN(5) == 0 {
				g.line(7, strings.Repeat("héllo 世界 ", rng.IntN(6)))
			}
			e.feed(string(g.diff()))
			for i, want := range g.want {
				if got := e.cells[i]; got != want && want.ch != tail && !(g.want[i].ch == ' ' && got.ch == 0) {
					t.Fatalf("cell %d is %+v, want %+v", i, got, want)
				}
			}
			if b := g.diff(); len(b) != 0 {
				t.Fatalf("%q for nothing", b)
			}
		}
	}
}

func TestView(t *testing.T) {
	for _, tc := range []struct {
		size, dots image.Point
		zoom       int
		centre     image.Point
		src, dst   image.Rectangle
	}{
		{image.Pt(1920, 1080), image.Pt(160, 94), 0, image.Pt(0, 0), image.Rect(0, 0, 1920, 1080), image.Rect(0, 2, 160, 92)},
		{image.Pt(1920, 1080), image.Pt(160, 94), 99, image.Pt(960, 540), image.Rect(880, 493, 1040, 587), image.Rect(0, 0, 160, 94)},
		{image.Pt(1920, 1080), image.Pt(160, 94), 99, image.Pt(1920, 1080), image.Rect(1760, 986, 1920, 1080), image.Rect(0, 0, 160, 94)},
		{image.Pt(10, 10), image.Pt(40, 20), 0, image.Pt(0, 0), image.Rect(0, 0, 10, 10), image.Rect(10, 0, 30, 20)},
		{image.Pt(1, 16384), image.Pt(80, 46), 0, image.Pt(0, 0), image.Rect(0, 0, 1, 16384), image.Rect(39, 0, 40, 46)},
		{image.Pt(10, 10), image.Pt(40, 0), 0, image.Pt(0, 0), image.Rectangle{}, image.Rectangle{}},
	} {
		v := newView(tc.size, tc.dots, tc.zoom, tc.centre)
		if v.src != tc.src || v.dst != tc.dst {
			t.Errorf("%v in %v, zoom %d: %v, want %v %v", tc.size, tc.dots, tc.zoom, v, tc.src, tc.dst)
		}
	}
}

// Every pixel has its dot, and damage reaches all dots that show it.
func TestViewMapsBackAndForth(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for range 500 {
		size := image.Pt(1+rng.IntN(300), 1+rng.IntN(300))
		v := newView(size, image.Pt(1+rng.IntN(100), 1+rng.IntN(100)), rng.IntN(6), image.Pt(rng.IntN(size.X), rng.IntN(size.Y)))
		if v.src.Empty() || v.dst.Empty() || !v.src.In(image.Rectangle{Max: size}) {
			t.Fatalf("%v: %v", size, v)
		}
		x, y := v.dst.Min.X+rng.IntN(v.dst.Dx()), v.dst.Min.Y+rng.IntN(v.dst.Dy())
		box := v.box(x, y)
		if box.Empty() || !box.In(v.src) {
			t.Fatalf("%v: box %v of %d,%d", v, box, x, y)
		}
		for _, p := range []image.Point{box.Min, box.Max.Sub(image.Pt(1, 1))} {
			damage := image.Rectangle{Min: p, Max: p.Add(image.Pt(1, 1))}
			if !image.Pt(x, y).In(v.dots(damage)) {
				t.Fatalf("%v: damage at %v reaches %v, not %d,%d", v, p, v.dots(damage), x, y)
			}
			if d, ok := v.dotOf(p); !ok || !d.In(v.dst) {
				t.Fatalf("%v: dot of %v is %v", v, p, d)
			}
		}
	}
}

func TestAverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	f := screen.NewFrame(image.Rect(0, 0, 700, 60))
	for i := range f.Pix {
		f.Pix[i] = byte(rng.IntN(60) + 196) // near the top: lanes must not overflow
		if i%4 == 3 {
			f.Pix[i] = 0
		}
	}
	for range 200 {
		x, y := rng.IntN(700), rng.IntN(60)
		box := image.Rect(x, y, x+1+rng.IntN(700-x), y+1+rng.IntN(60-y))
		var sum [3]int
		for y := box.Min.Y; y < box.Max.Y; y++ {
			for i, v := range f.Row(y, box.Min.X, box.Max.X) {
				if i%4 < 3 {
					sum[i%4] += int(v)
				}
			}
		}
		n := box.Dx() * box.Dy()
		want := uint32((sum[2]+n/2)/n<<16 | (sum[1]+n/2)/n<<8 | (sum[0]+n/2)/n)
		if got := average(f, box); got != want {
			t.Fatalf("%v: %06x, want %06x", box, got, want)
		}
	}
}

func TestPalette(t *testing.T) {
	for rgb, want := range map[uint32]uint32{
		0x000000: 16, 0xffffff: 231, 0xff0000: 196, 0x00ff00: 46, 0x0000ff: 21, 0x5f87af: 67, 0x808080: 244, 0x121212: 233,
	} {
		if got := palette256.encode(rgb); got != want {
			t.Errorf("%06x is %d, want %d", rgb, got, want)
		}
	}
	for rgb, want := range map[uint32]uint32{0: 16, 0xffffff: 231, 0x808080: 244, 0xff0000: 239} {
		if got := greys.encode(rgb); got != want {
			t.Errorf("grey of %06x is %d, want %d", rgb, got, want)
		}
	}
}

// BenchmarkFrame is a desktop of 1920 x 1080 px: a whole frame, and one typed
// character.
func BenchmarkFrame(b *testing.B) {
	for _, size := range []image.Point{{80, 24}, {160, 48}} {
		d := pattern.New(pattern.Options{Size: image.Pt(1920, 1080)})
		src, in := d.Source(), d.Injector()
		var c screen.Change
		next := func() {
			if err := src.Next(b.Context(), &c); err != nil {
				b.Fatal(err)
			}
		}
		next()
		w := &Window{layout: one(c.Frame.Rect.Max), frames: map[screen.PictureID]*screen.Frame{0: c.Frame}, size: size}
		w.cursor.Hidden = true
		w.placeLocked()
		b.Run(fmt.Sprintf("full/%dx%d", size.X, size.Y), func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				w.grid.forget()
				w.redraw = true
				n = len(w.next())
			}
			b.ReportMetric(float64(n), "B/frame")
		})
		b.Run(fmt.Sprintf("key/%dx%d", size.X, size.Y), func(b *testing.B) {
			b.ReportAllocs()
			total := 0
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				in.Key(screen.Key{Sym: keysym.Sym('a' + i%26), Down: true})
				next()
				b.StartTimer()
				w.dirty = append(w.dirty[:0], c.Damage...)
				total += len(w.next())
			}
			b.ReportMetric(float64(total)/float64(b.N), "B/frame")
		})
	}
}
