package codec

import (
	"image"
	"testing"

	"sightline/screen"
)

// TestLooseFilm: while a film plays its tiles are not taken down; whatever happens beside, upon and
// after it, the viewer sees what the encoder says it does, and all is exact in the end.
func TestLooseFilm(t *testing.T) {
	loose, hidden, rough := 0, 0, 0
	for seed := range uint64(3) {
		r := newRig(t, 70+seed)
		f := screen.NewFrame(image.Rect(0, 0, 221, 139))
		r.host[0] = f
		film := image.Rect(20, 10, 221, 125)
		for step := range 70 {
			switch r.rng.IntN(12) {
			case 0: // it stands still
			case 1: // some of it does
				r.frame(film.Intersect(image.Rect(0, 0, 20+r.rng.IntN(200), 139)), step)
			default:
				r.frame(film, step)
			}
			if r.rng.IntN(6) == 0 {
				r.scribble(0)
			}
			b := Budget{Idle: r.rng.IntN(4) == 0}
			if step > 45 && seed%3 == 0 {
				b.Bytes = 500 + r.rng.IntN(3000) // a line that makes it coarse
			}
			r.step(0, b)
			v := r.enc.views[0]
			loose, rough = max(loose, v.loose.Len()), max(rough, v.rough.Len())
			if v.lossy.Len() < v.loose.Len() {
				t.Fatalf("%d tiles are lossy, %d loose", v.lossy.Len(), v.loose.Len())
			}
			switch r.rng.IntN(16) {
			case 0:
				r.enc = r.enc.Clone()
			case 1:
				r.enc.Forget()
			case 2:
				r.feed(r.enc.Check(nil, 0))
			case 3:
				hidden += b2i(v.film != nil && v.film.Hidden() > 0)
				v.light(f.Rect)
				if !v.shown.Equal(r.got[0]) {
					t.Fatalf("seed %d, step %d: the viewer sees something else", seed, step)
				}
			}
		}
		r.equal(0)
		if n := r.enc.views[0].loose.Len(); n > 0 {
			t.Errorf("%d tiles are loose in the end", n)
		}
	}
	if loose < 80 || hidden < 2 || rough < 60 {
		t.Errorf("at most %d loose tiles, %d times hidden, %d rough: it did not come to it", loose, hidden, rough)
	}
}

// frame paints the next frame of a film: waves that move, and noise.
func (r *rig) frame(box image.Rectangle, n int) {
	f := r.host[0]
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := f.Row(y, box.Min.X, box.Max.X)
		for i := 0; i < len(row); i += 4 {
			v := byte((i/4+3*n)*(y+n)/64) + byte(r.rng.IntN(8))
			row[i], row[i+1], row[i+2] = v, v/2+byte(y), 255-v
		}
	}
	r.owed[0] = r.owed[0].Add(box)
}

// TestStoppedFilmMoves: a film that stopped and is then moved as a whole is copied, not coded anew.
func TestStoppedFilmMoves(t *testing.T) {
	r := newRig(t, 83)
	f := screen.NewFrame(image.Rect(0, 0, 640, 320))
	r.host[0] = f
	film := image.Rect(32, 32, 288, 224)
	coded := 0
	for step := range 20 {
		r.frame(film, step)
		coded = r.step(0, Budget{})
	}
	if r.enc.views[0].loose.Len() == 0 {
		t.Fatal("it was never loose")
	}
	r.step(0, Budget{}) // it stops, and no time is left to refine it
	f.Shift(screen.Move{To: film.Add(image.Pt(160, 64)), From: film.Min})
	r.owed[0] = screen.Region{film.Add(image.Pt(160, 64))}
	if n := r.step(0, Budget{}); n > coded/10 {
		t.Errorf("%d bytes for a film that moved, %d for one of its frames", n, coded)
	}
	r.equal(0)
}

// TestPhotographScrolls: a photograph that scrolls changes all the time and is copied all the same.
func TestPhotographScrolls(t *testing.T) {
	r := newRig(t, 84)
	f := screen.NewFrame(image.Rect(0, 0, 640, 480))
	r.host[0] = f
	photo := screen.NewFrame(image.Rect(0, 0, 640, 1200))
	for y := range 1200 {
		row := photo.Row(y, 0, 640)
		for x := range 640 {
			v := byte(x*y/96) + byte(r.rng.IntN(6))
			row[4*x], row[4*x+1], row[4*x+2] = v, v/2+byte(y), 255-v
		}
	}
	whole, scrolled := 0, 0
	for step := range 60 {
		for y := range 480 {
			copy(f.Row(y, 0, 640), photo.Row(y+12*step, 0, 640))
		}
		r.owed[0] = screen.Region{f.Rect}
		switch n := r.step(0, Budget{}); {
		case step == 0:
			whole = n
		case step >= 20:
			scrolled += n
		}
	}
	if scrolled/40 > whole/16 {
		t.Errorf("a photograph of %d bytes costs %d for each 12 rows of 480 that it scrolls", whole, scrolled/40)
	}
}
