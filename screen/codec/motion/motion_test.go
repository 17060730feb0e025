package motion

import (
	"image"
	"math/rand/v2"
	"testing"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

// textWorld is a large page of made-up letters from which scenes are cut.
func textWorld(w, h int, seed uint64) *screen.Frame {
	rnd := rand.New(rand.NewPCG(seed, 1))
	f := screen.NewFrame(image.Rect(0, 0, w, h))
	f.Fill(f.Rect, 0xffffff)
	var glyphs [60][16]uint16
	for i := range glyphs {
		for y := 3; y < 13; y++ {
			v := rnd.Uint32()
			glyphs[i][y] = uint16(v&(v>>16)) & 0x3fc
		}
	}
	for y := 0; y+16 <= h; y += 16 {
		end := rnd.IntN(w)
		for x := 8 * rnd.IntN(9); x+8 <= end; x += 8 {
			g := &glyphs[rnd.IntN(60)]
			if rnd.IntN(6) == 0 {
				continue
			}
			for dy := range 16 {
				for dx := range 8 {
					if g[dy]>>(dx+2)&1 == 1 {
						f.Fill(image.Rect(x+dx, y+dy, x+dx+1, y+dy+1), 0x202020)
					}
				}
			}
		}
	}
	return f
}

func noiseWorld(w, h int, seed uint64) *screen.Frame {
	rnd := rand.New(rand.NewPCG(seed, 2))
	f := screen.NewFrame(image.Rect(0, 0, w, h))
	for i := 0; i < len(f.Pix); i += 4 {
		v := rnd.Uint32()
		f.Pix[i], f.Pix[i+1], f.Pix[i+2] = byte(v), byte(v>>8), byte(v>>16)
	}
	return f
}

// paste copies w at from to r of f.
func paste(f *screen.Frame, r image.Rectangle, w *screen.Frame, from image.Point) {
	r = r.Intersect(f.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(f.Row(y, r.Min.X, r.Max.X), w.Row(from.Y+y-r.Min.Y, from.X, from.X+r.Dx()))
	}
}

func differ(s *grid.Set, a, b *screen.Frame) {
	s.Size(a.Rect.Dx(), a.Rect.Dy())
	for y := range s.Rows {
		for x := range s.Cols {
			t := s.Tile(x, y)
			for py := t.Min.Y; py < t.Max.Y; py++ {
				if string(a.Row(py, t.Min.X, t.Max.X)) != string(b.Row(py, t.Min.X, t.Max.X)) {
					s.Add(x, y)
					break
				}
			}
		}
	}
}

// run finds and applies the moves and returns the dirty tiles before and after.
func run(t testing.TB, f *Finder, src, ref *screen.Frame) (before, after int, moves []screen.Move) {
	var s grid.Set
	differ(&s, src, ref)
	moves = f.Find(nil, src, ref, &s)
	if len(moves) > maxMoves {
		t.Fatal("moves", len(moves))
	}
	for _, m := range moves {
		if m.To.Empty() || !m.To.In(src.Rect) || !sourceOf(m).In(src.Rect) {
			t.Fatal("move", m)
		}
		ref.Shift(m)
	}
	before = s.Len()
	var now grid.Set
	differ(&now, src, ref)
	if before >= minGain {
		for y := range s.Rows {
			for x := s.Next(0, y); x < s.Cols; x = s.Next(x+1, y) {
				if now.Has(x, y) && f.Mended(moves, x, y) {
					t.Fatalf("tile %d,%d is called equal after %v and is not", x, y, moves)
				}
			}
		}
	}
	return before, now.Len(), moves
}

// FuzzMended: whatever moved where, no tile is called equal that is not.
func FuzzMended(f *testing.F) {
	text, photo := textWorld(640, 640, 4), noiseWorld(640, 640, 5)
	f.Add([]byte{0, 10, 10, 200, 100, 3, 7, 1, 40, 40, 220, 200, 250, 9, 0, 0, 0, 255, 255, 0, 16})
	f.Add([]byte{1, 0, 0, 255, 255, 0, 200, 0, 100, 3, 90, 250, 20, 1, 1, 100, 103, 90, 250, 20, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		ref, src := screen.NewFrame(image.Rect(0, 0, 331, 250)), screen.NewFrame(image.Rect(0, 0, 331, 250))
		paste(ref, ref.Rect, text, image.Point{})
		for range 2 { // a second call knows the vectors of the first
			src.Copy(ref, ref.Rect)
			for ; len(b) >= 7; b = b[7:] {
				from := image.Rect(int(b[1]), int(b[2]), int(b[1])+int(b[3]), int(b[2])+int(b[4])).Intersect(src.Rect)
				to := from.Add(image.Pt(int(int8(b[5])), int(int8(b[6]))))
				world := []*screen.Frame{ref, text, photo}[b[0]%3]
				paste(src, to.Intersect(src.Rect), world, from.Min.Add(to.Intersect(src.Rect).Min.Sub(to.Min)))
				if b[0]&0x80 != 0 {
					break
				}
			}
			var finder Finder
			run(t, &finder, src, ref)
			run(t, &finder, src, ref)
		}
	})
}

// scene draws step i of a movement.
type scene struct {
	name string
	draw func(f *screen.Frame, i int)
	left int // percent of dirty tiles that may be left
}

func scenes(w, h int) []scene {
	text, page := textWorld(w, 4*h, 1), textWorld(w, 4*h, 2)
	photo := noiseWorld(w, 2*h, 3)
	drag := func(dx, dy int) func(f *screen.Frame, i int) {
		return func(f *screen.Frame, i int) {
			paste(f, f.Rect, photo, image.Point{})
			at := image.Pt(w/20+dx*i, h/20+dy*i)
			r := image.Rect(0, 0, w/2, h/2).Add(at)
			f.Fill(r, 0x3366aa)
			paste(f, image.Rect(r.Min.X+2, r.Min.Y+21, r.Max.X-2, r.Max.Y-2), text, image.Point{})
		}
	}
	return []scene{
		{"scroll", func(f *screen.Frame, i int) { paste(f, f.Rect, text, image.Pt(0, 48*i)) }, 20},
		{"slow scroll", func(f *screen.Frame, i int) { paste(f, f.Rect, text, image.Pt(0, 3*i)) }, 20},
		{"far scroll", func(f *screen.Frame, i int) { paste(f, f.Rect, text, image.Pt(0, h/2*(i%2))) }, 75},
		{"photo scroll", func(f *screen.Frame, i int) {
			paste(f, image.Rect(0, 0, w, h/2), photo, image.Pt(0, 17*i))
			paste(f, image.Rect(0, h/2, w, h), photo, image.Pt(0, 0))
		}, 20},
		{"pane", func(f *screen.Frame, i int) {
			paste(f, f.Rect, photo, image.Point{})
			paste(f, image.Rect(w/3+5, 37, w*2/3+3, h-29), text, image.Pt(0, 48*i))
		}, 30},
		{"drag", drag(7, 3), 25},
		{"fast drag", drag(-w/60+w/60*2, h/40), 70},
		{"two panes", func(f *screen.Frame, i int) {
			f.Fill(f.Rect, 0x888888)
			paste(f, image.Rect(w/10, 51, w*2/5, h-100), text, image.Pt(0, 30*i))
			paste(f, image.Rect(w/2+3, 77, w-41, h-29), page, image.Pt(0, 500-16*i))
		}, 20},
		{"fixed bars", func(f *screen.Frame, i int) {
			paste(f, f.Rect, page, image.Point{})
			paste(f, image.Rect(w/6, h/12+3, w*5/6, h-30), text, image.Pt(0, 40*i))
			f.Fill(image.Rect(w*5/6-80, h-120, w*5/6-30, h-70), 0xff0000) // a button that floats
		}, 30},
	}
}

func TestScenes(t *testing.T) {
	const steps = 8
	for _, w := range []int{640, 1117} {
		h := w*9/16 + 1
		for _, sc := range scenes(w, h) {
			var f Finder
			src, ref := screen.NewFrame(image.Rect(0, 0, w, h)), screen.NewFrame(image.Rect(0, 0, w, h))
			sc.draw(ref, 0)
			missed := 0
			for i := 1; i < steps; i++ {
				sc.draw(src, i)
				before, after, moves := run(t, &f, src, ref)
				if after > before {
					t.Errorf("%s: %d tiles before, %d after", sc.name, before, after)
				}
				if after*100 > before*sc.left {
					missed++
					t.Logf("%s %d, step %d: %d tiles before, %d after, %v", sc.name, w, i, before, after, moves)
				}
				ref.Copy(src, src.Rect)
			}
			if missed > 1 {
				t.Errorf("%s at %d px: missed %d of %d", sc.name, w, missed, steps-1)
			}
		}
	}
}

func TestNoise(t *testing.T) {
	var f Finder
	for i := range uint64(6) {
		src, ref := noiseWorld(640, 360, i), noiseWorld(640, 360, i+100)
		if _, _, m := run(t, &f, src, ref); len(m) != 0 {
			t.Error("moves in noise:", m)
		}
	}
}

// TestNeverWorse: whatever two pictures have in common, moves never leave more
// tiles to send than there were.
func TestNeverWorse(t *testing.T) {
	const w, h = 480, 330
	worlds := []*screen.Frame{textWorld(2*w, 2*h, 1), noiseWorld(2*w, 2*h, 2), textWorld(2*w, 2*h, 5)}
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		var f Finder
		src, ref := screen.NewFrame(image.Rect(0, 0, w, h)), screen.NewFrame(image.Rect(0, 0, w, h))
		for range 3 {
			for range 1 + rnd.IntN(5) {
				r := image.Rect(rnd.IntN(w), rnd.IntN(h), rnd.IntN(w+1), rnd.IntN(h+1))
				from := image.Pt(rnd.IntN(w), rnd.IntN(h))
				world := worlds[rnd.IntN(len(worlds))]
				if rnd.IntN(2) == 0 { // both have it, at different places
					paste(ref, r, world, from)
					r = r.Add(image.Pt(rnd.IntN(90)-45, rnd.IntN(90)-45)).Intersect(src.Rect)
				}
				paste(src, r, world, from)
			}
			before, after, moves := run(t, &f, src, ref)
			if after > before {
				t.Fatalf("seed %d: %d tiles before, %d after %v", seed, before, after, moves)
			}
			ref.Copy(src, src.Rect)
		}
	}
}

// TestAfterVideo: where a video has played for long the search is lazy, but it
// wakes up soon.
func TestAfterVideo(t *testing.T) {
	const w, h = 640, 360
	text := textWorld(w, 3*h, 9)
	var f Finder
	src, ref := screen.NewFrame(image.Rect(0, 0, w, h)), screen.NewFrame(image.Rect(0, 0, w, h))
	video := [2]*screen.Frame{noiseWorld(w, h, 1), noiseWorld(w, h, 2)}
	for i := range 60 {
		src.Copy(video[i%2], src.Rect)
		ref.Copy(video[1-i%2], src.Rect)
		if _, _, m := run(t, &f, src, ref); len(m) != 0 {
			t.Fatal("moves in a video:", m)
		}
	}
	paste(ref, ref.Rect, text, image.Point{})
	for i := 1; ; i++ {
		paste(src, src.Rect, text, image.Pt(0, 24*i))
		_, _, m := run(t, &f, src, ref)
		ref.Copy(src, src.Rect)
		if len(m) > 0 {
			break
		}
		if i == 4 {
			t.Fatal("a scroll after a video is not found")
		}
	}
	// Elsewhere it never rested.
	for i := range 40 {
		src.Copy(video[i%2], src.Rect)
		ref.Copy(video[1-i%2], src.Rect)
		pane := image.Rect(300, 100, 560, 300)
		if i < 39 {
			src.Fill(pane, 0)
			ref.Fill(pane, 0)
		} else {
			paste(src, pane, text, image.Pt(0, 100))
			paste(ref, pane, text, image.Pt(0, 83))
		}
		if _, _, m := run(t, &f, src, ref); (len(m) > 0) != (i == 39) {
			t.Errorf("step %d: moves %v", i, m)
		}
	}
}

func TestNoAllocs(t *testing.T) {
	const w, h = 640, 360
	for _, sc := range scenes(w, h) {
		var f Finder
		var s grid.Set
		src, ref := screen.NewFrame(image.Rect(0, 0, w, h)), screen.NewFrame(image.Rect(0, 0, w, h))
		sc.draw(ref, 1)
		sc.draw(src, 2)
		differ(&s, src, ref)
		dst := f.Find(nil, src, ref, &s)
		if n := testing.AllocsPerRun(5, func() { dst = f.Find(dst[:0], src, ref, &s) }); n != 0 {
			t.Errorf("%s: %v allocations", sc.name, n)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	const w, h = 1920, 1080
	list := append(scenes(w, h), scene{name: "noise", draw: func(f *screen.Frame, i int) {
		paste(f, f.Rect, noiseWorld(w, h, uint64(i)), image.Point{})
	}})
	for _, sc := range list {
		b.Run(sc.name, func(b *testing.B) {
			var f Finder
			var s grid.Set
			src, ref := screen.NewFrame(image.Rect(0, 0, w, h)), screen.NewFrame(image.Rect(0, 0, w, h))
			sc.draw(ref, 1)
			sc.draw(src, 2)
			differ(&s, src, ref)
			dst := f.Find(nil, src, ref, &s)
			b.ReportAllocs()
			for b.Loop() {
				dst = f.Find(dst[:0], src, ref, &s)
			}
			b.ReportMetric(float64(s.Len()), "tiles")
			b.ReportMetric(float64(len(dst)), "moves")
		})
	}
}
