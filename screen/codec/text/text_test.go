package text

import (
	"image"
	"math/rand/v2"
	"testing"

	"sightline/screen"
	"sightline/screen/codec/rc"
)

// pair is a host's and a viewer's end.
type pair struct {
	t        testing.TB
	out, in  *Coder
	ref, got *screen.Frame
	e        rc.Encoder
	d        rc.Decoder
	buf      []byte
}

func newPair(t testing.TB, w, h int) *pair {
	r := image.Rect(0, 0, w, h)
	return &pair{t: t, out: New(), in: New(), ref: screen.NewFrame(r), got: screen.NewFrame(r)}
}

// send codes the rectangles of src and checks what comes out; it tells the size.
func (p *pair) send(src *screen.Frame, rects ...image.Rectangle) int {
	p.t.Helper()
	p.e.Reset(p.buf[:0])
	for _, r := range rects {
		p.out.Encode(&p.e, src, p.ref, r)
	}
	p.buf = p.e.Finish()
	p.d.Reset(p.buf)
	for _, r := range rects {
		p.in.Decode(&p.d, p.got, r)
		for y := r.Min.Y; y < r.Max.Y; y++ {
			want := string(src.Row(y, r.Min.X, r.Max.X))
			if string(p.got.Row(y, r.Min.X, r.Max.X)) != want || string(p.ref.Row(y, r.Min.X, r.Max.X)) != want {
				p.t.Fatalf("row %d of %v differs", y, r)
			}
		}
	}
	if p.d.Overrun() {
		p.t.Fatal("overrun")
	}
	if !p.ref.Equal(p.got) {
		p.t.Fatal("something else was written")
	}
	return len(p.buf)
}

// scribble draws something of many kinds into r.
func scribble(rnd *rand.Rand, f *screen.Frame, r image.Rectangle) {
	r = r.Intersect(f.Rect)
	ink, paper := rnd.Uint32()&0xffffff, rnd.Uint32()&0xffffff
	kind := rnd.IntN(6)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			px := paper
			switch kind {
			case 1: // two colours, a pattern that repeats
				if (x*7+y*3)%11 < 4 {
					px = ink
				}
			case 2: // noise
				px = rnd.Uint32() & 0xffffff
			case 3: // a slope
				px = uint32(x+y)&255*0x010101 + 0x000100*uint32(rnd.IntN(2))&0xffff00
			case 4: // grey noise
				px = uint32(rnd.IntN(256)) * 0x010101
			case 5: // few colours at random
				px = ink ^ uint32(rnd.IntN(5))
			}
			f.Fill(image.Rect(x, y, x+1, y+1), px&0xffffff)
		}
	}
}

func within(rnd *rand.Rand, w, h, most int) image.Rectangle {
	x, y := rnd.IntN(w), rnd.IntN(h)
	return image.Rect(x, y, x+1+rnd.IntN(min(most, w-x)), y+1+rnd.IntN(min(most, h-y)))
}

// TestRoundTrip: what was coded comes out, for all sizes and kinds, and the two
// ends stay in step for thousands of rectangles.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		w, h := 1+rnd.IntN(90), 1+rnd.IntN(70)
		if seed%4 == 0 {
			w = 700
		}
		p := newPair(t, w, h)
		src := screen.NewFrame(p.ref.Rect)
		for range 150 {
			scribble(rnd, src, within(rnd, w, h, 60))
			var rs []image.Rectangle
			for range 1 + rnd.IntN(4) {
				rs = append(rs, within(rnd, w, h, 16))
			}
			if rnd.IntN(20) == 0 {
				rs = append(rs, src.Rect)
			}
			p.send(src, rs...)
		}
		if q := p.out.Clone(); q.tables != p.in.tables || q.model != p.in.model {
			t.Fatalf("seed %d: the ends differ", seed)
		}
	}
}
