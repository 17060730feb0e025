package codec

import (
	"image"
	"testing"
	"time"

	"sightline/screen"
	"sightline/screen/codec/clips"
)

// TestTextIsTriedAgain: a tile of text that was dear once, because its letters
// were new, does not stay a film for as long as it changes.
func TestTextIsTriedAgain(t *testing.T) {
	r := newRig(t, 51)
	f := screen.NewFrame(image.Rect(0, 0, 64, 64))
	f.Fill(f.Rect, 0xffffff)
	r.host[0] = f
	films := 0
	for step := range 200 {
		f.Fill(image.Rect(0, 0, 16, 16), 0xffffff)
		f.Fill(image.Rect(3+step%5, 2, 5+step%5, 14), 0x101010)
		r.owed[0] = screen.Region{image.Rect(0, 0, 16, 16)}
		r.step(0, Budget{})
		if step == 20 {
			r.enc.views[0].history(0, 0).cost = 4 * fading
		}
		if r.enc.views[0].history(0, 0).film {
			films = step
		}
	}
	if films < 21 {
		t.Error("dear text that changes all the time was never taken for a film")
	}
	if films > 150 {
		t.Errorf("it still was one in step %d", films)
	}
	if !r.enc.Exact(0) {
		t.Error("it is not exact")
	}
}

// TestSoftJoinsPhotograph: the sky above hills goes with them, the text that
// stands in it does not, nor does a soft window with nothing of a photograph
// beside it.
func TestSoftJoinsPhotograph(t *testing.T) {
	r := newRig(t, 52)
	f := screen.NewFrame(image.Rect(0, 0, 512, 320))
	f.Fill(f.Rect, 0x204060)
	r.host[0] = f
	r.owed[0] = screen.Region{f.Rect}
	r.step(0, Budget{})
	sky := image.Rect(0, 0, 256, 160)
	alone := image.Rect(320, 0, 448, 160)
	for _, area := range []image.Rectangle{sky, alone} {
		for y := area.Min.Y; y < area.Max.Y; y++ {
			for x := area.Min.X; x < area.Max.X; x++ {
				v := uint32(80 + (x+2*y)/6)
				f.Fill(image.Rect(x, y, x+1, y+1), v<<16|v<<8|0xc0)
			}
		}
	}
	seed := uint32(1)
	hills := image.Rect(0, 160, 256, 320)
	for y := hills.Min.Y; y < hills.Max.Y; y++ {
		for x := range hills.Max.X {
			seed = seed*1664525 + 1013904223
			f.Fill(image.Rect(x, y, x+1, y+1), seed>>8)
		}
	}
	for i := range 8 { // letters on the sky
		f.Fill(image.Rect(66+12*i, 66, 70+12*i, 78), 0x101010)
	}
	r.owed[0] = screen.Region{f.Rect}
	r.step(0, Budget{})
	films := func(area image.Rectangle) (n, of int) {
		touch := r.enc.views[0].lossy.Touch(area)
		for y := touch.Min.Y; y < touch.Max.Y; y++ {
			for x := touch.Min.X; x < touch.Max.X; x++ {
				n += b2i(r.enc.views[0].history(x, y).film)
				of++
			}
		}
		return n, of
	}
	if n, of := films(image.Rect(0, 96, 256, 160)); n < of {
		t.Errorf("%d of %d tiles of the sky went with the hills", n, of)
	}
	if n, _ := films(image.Rect(64, 64, 160, 80)); n > 0 {
		t.Errorf("%d tiles of text went with the photograph", n)
	}
	if n, _ := films(alone); n > 0 {
		t.Errorf("%d tiles of a soft window were taken for a photograph", n)
	}
}

// TestSlowMachine: what changes with each message is a film although each takes
// a quarter of a second to encode.
func TestSlowMachine(t *testing.T) {
	r := newRig(t, 53)
	f := screen.NewFrame(image.Rect(0, 0, 64, 64))
	r.host[0] = f
	clock := time.Duration(0)
	r.enc.now = func() time.Duration { clock += 250 * time.Millisecond; return clock } // asked when it begins and ends
	for step := range 12 {
		f.Fill(f.Rect, uint32(step*0x050505))
		r.owed[0] = screen.Region{f.Rect}
		r.step(0, Budget{})
		clock -= 250*time.Millisecond - 5*time.Millisecond // the next frame is there already
	}
	if heat := r.enc.views[0].history(1, 1).heat; heat <= hot {
		t.Errorf("after 12 frames the heat is %v", heat)
	}
}

// TestFirstPictureNeedsNoRest: what nobody has seen change is made exact in the next
// message, and what did change only once it has stood still.
func TestFirstPictureNeedsNoRest(t *testing.T) {
	r := newRig(t, 54)
	f := screen.NewFrame(image.Rect(0, 0, 256, 256))
	r.host[0] = f
	paint := func() {
		speckle(f, f.Rect, r.rng, 1<<24)
		r.owed[0] = screen.Region{f.Rect}
		if r.step(0, Budget{}); len(r.owed[0]) > 0 || r.enc.Exact(0) {
			t.Fatalf("%v is owed of a photograph, exact %v", r.owed[0], r.enc.Exact(0))
		}
	}
	paint()
	if r.step(0, Budget{Idle: true}) == 0 {
		t.Error("the first picture has to rest")
	}
	r.settle(0)
	paint()
	changed := r.clock
	for r.step(0, Budget{Idle: true}) == 0 {
	}
	if rested := r.clock - changed; rested < refineAfter {
		t.Errorf("refined after %v", rested)
	}
}

// TestRestsByTheClock: what a message took to encode delays what follows it by no more than
// that.
func TestRestsByTheClock(t *testing.T) {
	r := newRig(t, 54)
	f := screen.NewFrame(image.Rect(0, 0, 256, 256))
	f.Fill(f.Rect, 0xffffff)
	r.host[0], r.owed[0] = f, screen.Region{f.Rect}
	r.step(0, Budget{})
	r.clock += 10 * time.Second
	speckle(f, f.Rect, r.rng, 1<<24)
	r.owed[0] = screen.Region{f.Rect}
	slow := time.Duration(0)
	r.enc.now = func() time.Duration { r.clock += slow; return r.clock }
	slow = 100 * time.Millisecond // from when it begins to when it ends
	r.step(0, Budget{})
	began := r.clock - slow
	slow = 0
	if r.enc.Exact(0) {
		t.Fatal("it was exact at once")
	}
	r.clock = began + refineAfter - 34*time.Millisecond // a step adds 33
	if n := r.step(0, Budget{Idle: true}); n > 0 {
		t.Errorf("%d bytes %v after it came", n, r.clock-began)
	}
	r.clock = began + refineAfter - 33*time.Millisecond
	if n := r.step(0, Budget{Idle: true}); n == 0 {
		t.Errorf("nothing %v after it came", r.clock-began)
	}
}

// TestFilmEnds: the text that comes in the place of a film, at once or after a while, is exact from
// its first frame on.
func TestFilmEnds(t *testing.T) {
	page := screen.NewFrame(image.Rect(0, 0, 640, 432))
	c, err := clips.Load("other-editor")
	if err == nil {
		c, err = c.Sized(640, 432)
	}
	if err == nil {
		err = c.Head(1).Play(func(f *screen.Frame, _ screen.Region) error { page.Copy(f, f.Rect); return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		film image.Rectangle
		halt time.Duration
	}{{"large, at once", page.Rect, 0}, {"small, after it halted", image.Rect(160, 96, 288, 192), 300 * time.Millisecond}} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, 55)
			r.host[0] = screen.NewFrame(page.Rect)
			for step := range 16 {
				r.frame(row.film, step)
				r.step(0, Budget{})
			}
			if n, all := r.enc.views[0].loose.Len(), row.film.Dx()/16*row.film.Dy()/16; n < all*9/10 {
				t.Fatalf("%d of %d tiles are a film", n, all)
			}
			r.clock += row.halt
			r.host[0].Copy(page, row.film)
			r.owed[0] = screen.Region{row.film}
			n := r.step(0, Budget{})
			if lossy := r.enc.views[0].lossy.Len(); lossy > 0 {
				t.Errorf("%d tiles of the page are not exact, in %d bytes", lossy, n)
			}
		})
	}
}

// TestSmoothFilm: the smooth parts of a film say each time that they are none, and do not have the
// whole film asked.
func TestSmoothFilm(t *testing.T) {
	r := newRig(t, 56)
	f := screen.NewFrame(image.Rect(0, 0, 640, 432))
	r.host[0] = f
	tiles := 40 * 27
	smooth, most := 0, 0
	for step := range 60 {
		r.frame(f.Rect, step)
		f.Fill(image.Rect(0, 272, 640, 432), uint32(0x304050+step))
		r.step(0, Budget{})
		if step > 10 {
			smooth, most = smooth+r.enc.message.left, max(most, r.enc.message.asked)
		}
	}
	if n := r.enc.views[0].loose.Len(); n < tiles*9/10 || smooth == 0 {
		t.Fatalf("%d of %d tiles are a film, %d times one was none", n, tiles, smooth)
	}
	if most > tiles/2 {
		t.Errorf("%d of %d tiles were asked in one message", most, tiles)
	}
}
