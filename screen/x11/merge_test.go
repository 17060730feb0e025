package x11

import (
	"image"
	"math/rand/v2"
	"testing"
)

// Whatever is merged, nothing is lost, there are few boxes, and little is read
// that was not asked for.
func TestMerge(t *testing.T) {
	full := image.Rect(0, 0, 1920, 1080)
	row := func(n int, each func(i int) image.Rectangle) (all []image.Rectangle) {
		for i := range n {
			all = append(all, each(i))
		}
		return all
	}
	rng := rand.New(rand.NewPCG(3, 1))
	scattered := func(int) image.Rectangle {
		at := image.Pt(rng.IntN(1900), rng.IntN(1060))
		return image.Rectangle{Min: at, Max: at.Add(image.Pt(8, 16))}
	}
	for _, c := range []struct {
		name   string
		in     []image.Rectangle
		boxes  int // at most
		pixels int // at most
	}{
		{"nothing", nil, 0, 0},
		{"one", []image.Rectangle{image.Rect(5, 6, 7, 8)}, 1, 4},
		{"empty ones", []image.Rectangle{{}, image.Rect(9, 9, 9, 20)}, 0, 0},
		{"a line of glyphs", row(80, func(i int) image.Rectangle { return image.Rect(10*i, 20, 10*i+8, 36) }), 3, 800 * 16},
		{"two far corners", []image.Rectangle{image.Rect(0, 0, 8, 16), image.Rect(1900, 1060, 1908, 1076)}, 2, 256},
		{"two halves", []image.Rectangle{image.Rect(0, 0, 960, 1080), image.Rect(960, 0, 1920, 1080)}, 1, 1920 * 1080},
		{"columns, row by row", row(400, func(i int) image.Rectangle { return image.Rect(1800*(i%2), 2*(i/2), 1800*(i%2)+20, 2*(i/2)+2) }), 2, 2*20*400 + 2*worth},
		{"200 scattered", row(200, scattered), 64, 900_000},
		{"5000 scattered", row(5000, scattered), 64, 1920 * 1080},
		{"all and more", append(row(300, scattered), full), 8, 1920 * 1080},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m merger
			for _, b := range c.in {
				m.add(b.Intersect(full))
			}
			got := m.done()
			covered := make([]bool, 1920*1080)
			pixels := 0
			for _, b := range got {
				if !b.In(full) {
					t.Fatalf("%v lies outside", b)
				}
				pixels += area(b)
				for y := b.Min.Y; y < b.Max.Y; y++ {
					for x := b.Min.X; x < b.Max.X; x++ {
						covered[1920*y+x] = true
					}
				}
			}
			for _, b := range c.in {
				for y := b.Min.Y; y < b.Max.Y; y++ {
					for x := b.Min.X; x < b.Max.X; x++ {
						if !covered[1920*y+x] {
							t.Fatalf("%d,%d of %v is lost", x, y, b)
						}
					}
				}
			}
			if len(got) > c.boxes || pixels > c.pixels {
				t.Errorf("%d boxes of %d px", len(got), pixels)
			}
		})
	}
}
