package text

import (
	"errors"
	"image"
	"testing"

	"sightline/screen"
	"sightline/screen/codec/clips"
)

var errEnough = errors.New("enough")

// play shows n frames of a clip, and skips the test if it is not there.
func play(t testing.TB, name string, n int, show func(f *screen.Frame, damage screen.Region)) {
	t.Helper()
	c, err := clips.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Head(n).Play(func(f *screen.Frame, damage screen.Region) error {
		show(f, damage)
		if t.Failed() {
			return errEnough
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBytes: what material like that of a screen costs at most, without any
// search for what moved: the first frame, and the frames after it on average.
func TestBytes(t *testing.T) {
	for _, v := range []struct {
		clip        string
		frames      int
		first, rest int
	}{
		{"typing", 30, 1450, 20},
		{"scroll", 8, 9300, 4300},
		{"scroll-bitmap", 8, 5600, 3720},
		{"selection", 12, 5900, 64},
		{"page", 3, 365000, 150000},
	} {
		t.Run(v.clip, func(t *testing.T) {
			var p *pair
			n, first, rest := 0, 0, 0
			play(t, v.clip, v.frames, func(f *screen.Frame, damage screen.Region) {
				if p == nil {
					p = newPair(t, f.Rect.Dx(), f.Rect.Dy())
				}
				size := p.send(f, damage...)
				if n++; n == 1 {
					first = size
				} else {
					rest += size
				}
			})
			rest /= max(n-1, 1)
			t.Logf("first frame %d bytes, the others %d", first, rest)
			if first > v.first || rest > v.rest {
				t.Errorf("first frame %d bytes, the others %d; at most %d and %d", first, rest, v.first, v.rest)
			}
		})
	}
}

// TestForeign: a photo is foreign, text is not, known text least of all.
func TestForeign(t *testing.T) {
	c := New()
	ground := image.Rect(0, 0, 320, 240)
	photo := screen.NewFrame(ground)
	clips.Photo(photo, 0, 1)
	mean := func(f *screen.Frame) int {
		sum, n := 0, 0
		for y := ground.Min.Y; y < ground.Max.Y; y += 16 {
			for x := ground.Min.X; x < ground.Max.X; x += 16 {
				sum += c.Foreign(f, image.Rect(x, y, x+16, y+16))
				n++
			}
		}
		return sum / n
	}
	if n := mean(photo); n < 64 {
		t.Errorf("photo: %d of 256", n)
	}
	play(t, "scroll", 1, func(f *screen.Frame, _ screen.Region) {
		before := mean(f)
		p := newPair(t, f.Rect.Dx(), f.Rect.Dy())
		p.send(f, f.Rect)
		c = p.out
		after := mean(f)
		if before > 32 || after > 2 || after > before {
			t.Errorf("text: %d of 256 at first, %d once it is known", before, after)
		}
	})
	flat := screen.NewFrame(ground)
	for _, r := range []image.Rectangle{{}, image.Rect(0, 0, 1, 1), ground} {
		if n := c.Foreign(flat, r); n != 0 {
			t.Errorf("%v of a black frame: %d", r, n)
		}
	}
}

func TestColours(t *testing.T) {
	f := screen.NewFrame(image.Rect(0, 0, 40, 30))
	for i := range 20 {
		f.Fill(image.Rect(i, i, 40, 30), uint32(i)*0x010203)
	}
	for _, v := range []struct{ side, limit, want int }{{1, 24, 1}, {7, 24, 7}, {30, 24, 20}, {30, 9, 9}, {30, 0, 0}} {
		if n := Colours(f, image.Rect(0, 0, v.side, v.side), v.limit); n != v.want {
			t.Errorf("%d px, limit %d: %d, not %d", v.side, v.limit, n, v.want)
		}
	}
}

// BenchmarkClip codes whole clips as they come; moves is no business of this package.
func BenchmarkClip(b *testing.B) {
	for _, name := range []string{"typing", "scroll", "scroll-bitmap", "page", "pages"} {
		b.Run(name, func(b *testing.B) { benchmark(b, record(b, name, 6)) })
	}
	b.Run("blank", func(b *testing.B) {
		r := image.Rect(0, 0, 1920, 1080)
		white, black := screen.NewFrame(r), screen.NewFrame(r)
		white.Fill(r, 0xffffff)
		benchmark(b, []step{{white, screen.Region{r}}, {black, screen.Region{r}}})
	})
}

// step is a frame and what changed.
type step struct {
	f      *screen.Frame
	damage screen.Region
}

func record(t testing.TB, name string, n int) (steps []step) {
	play(t, name, n, func(f *screen.Frame, damage screen.Region) {
		g := screen.NewFrame(f.Rect)
		g.Copy(f, f.Rect)
		steps = append(steps, step{g, append(screen.Region(nil), damage...)})
	})
	return steps
}

// BenchmarkForeign asks about the tiles of a photo, the dearest there are.
func BenchmarkForeign(b *testing.B) {
	c := New()
	f := screen.NewFrame(image.Rect(0, 0, 640, 480))
	clips.Photo(f, 0, 1)
	for i := 0; b.Loop(); i++ {
		x, y := i%40*16, i/40%30*16
		c.Foreign(f, image.Rect(x, y, x+16, y+16))
	}
}
