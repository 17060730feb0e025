package pict

import (
	"image"
	"testing"

	"sightline/screen"
)

// stripes are drawn in colours of like brightness, one pixel wide: half the
// resolution of chroma would mix them.
func stripes(size image.Rectangle, shift int) *screen.Frame {
	f := screen.NewFrame(size)
	for x := range size.Dx() {
		colour := uint32(0x2050e0)
		if (x+shift)&1 == 0 {
			colour = 0xb04020
		}
		f.Fill(image.Rect(x, 0, x+1, size.Dy()), colour)
	}
	return f
}

// TestThin: what a camera has seen is kept with thin chroma, fine colours are not;
// a picture may change from one to the other, at odd sizes too, and a copy of the
// encoder goes with it.
func TestThin(t *testing.T) {
	for _, size := range []image.Rectangle{image.Rect(0, 0, 160, 96), image.Rect(0, 0, 101, 67), image.Rect(0, 0, 17, 15), image.Rect(0, 0, 1, 1)} {
		p := newPair(size.Dx(), size.Dy())
		film := footage(t, "camera", size.Dx(), size.Dy(), 3)
		show := func(src *screen.Frame, thin bool) {
			t.Helper()
			for range thinLooks + 1 {
				p.encode(src, Params{QP: 22})
				p.decode(t)
				if !p.ref.Equal(p.seen) {
					t.Fatalf("%v: the two ends differ", size)
				}
			}
			if size.Dx() > 100 && (p.e.thin != thin || p.d.thin != thin) {
				t.Errorf("%v: thin is %v, not %v", size, p.e.thin, thin)
			}
		}
		for round := range 2 {
			show(film[round], true)
			if db := psnr(film[round], p.seen); db < 36 {
				t.Errorf("%v: a film of %.1f dB", size, db)
			}
			show(stripes(size, round), false)
			if db := psnr(stripes(size, round), p.seen); db < 36 {
				t.Errorf("%v: stripes of %.1f dB", size, db)
			}
			p.e = p.e.Clone()
		}
	}
}

// TestBehind: tiles that change in one body and rest in the next stay as they are, and
// what is predicted from them is what it would be if both sets of planes were made
// alike after each body.
func TestBehind(t *testing.T) {
	film := footage(t, "camera", 160, 96, 4)
	p := newPair(160, 96)
	alike, seen := NewDecoder(160, 96), screen.NewFrame(p.ref.Rect)
	for i := range 24 {
		src := screen.NewFrame(p.ref.Rect)
		src.Copy(film[i%4], src.Rect)
		p.want.Size(160, 96)
		p.want.Clear()
		switch i % 3 {
		case 0:
			p.want.AddRect(src.Rect)
		case 1:
			p.want.AddRect(image.Rect(32, 16, 96, 64))
		default: // half of what is asked for does not change
			src.Copy(p.ref, image.Rect(0, 0, 80, 96))
			p.want.AddRect(src.Rect)
		}
		p.body = p.e.Encode(p.body[:0], src, p.ref, &p.want, Params{QP: 24, Bytes: 400 + 300*(i%5)})
		p.decode(t)
		if !p.ref.Equal(p.seen) {
			t.Fatalf("body %d: the two ends differ", i)
		}
		if err := alike.Decode(p.body, seen, &p.done); err != nil || !seen.Equal(p.seen) {
			t.Fatalf("body %d: decoded in other planes it differs (%v)", i, err)
		}
		alike.catchUp(nil)
		for c := range p.e.now {
			for y := range p.e.rows {
				for x := range p.e.cols {
					if p.e.behind.Has(x, y) || p.e.stale.Has(x, y) {
						continue
					}
					n := p.e.across(c)
					for j := range n {
						a, b := p.e.now[c].at(x*n, y*n+j)[:n], p.e.old[c].at(x*n, y*n+j)[:n]
						if string(a) != string(b) {
							t.Fatalf("body %d: tile %d,%d differs in component %d", i, x, y, c)
						}
					}
				}
			}
		}
	}
}
