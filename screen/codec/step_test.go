package codec

import (
	"image"
	"testing"
	"time"

	"sightline/screen"
)

// TestLeaveStep: a viewer that can no longer keep up goes on with a clone of
// the encoder it shared, from the very message it is at.
func TestLeaveStep(t *testing.T) {
	r := newRig(t, 31)
	r.host[0] = screen.NewFrame(image.Rect(0, 0, 300, 200))
	for range 30 {
		r.scribble(0)
		r.step(0, Budget{Bytes: 3000})
	}
	alone := &rig{t: t, rng: r.rng, enc: r.enc.Clone(), dec: NewDecoder(), host: r.host, owed: map[screen.PictureID]screen.Region{}, got: map[screen.PictureID]*screen.Frame{}}
	alone.dec, r.dec = r.dec, nil // the viewer was in step with the shared one
	alone.owed[0] = append(screen.Region(nil), r.owed[0]...)
	alone.clock = r.clock
	alone.enc.now = func() time.Duration { return alone.clock }
	for range 30 {
		alone.scribble(0)
		alone.step(0, Budget{Bytes: 700})
	}
	alone.equal(0)
	if r.enc.views[0].shown.Equal(alone.enc.views[0].shown) {
		t.Error("the clone shares its pixels")
	}
}

// TestFallInStep: two viewers whose pictures are the same, but who learned
// from different messages, go on with one encoder after it forgot.
func TestFallInStep(t *testing.T) {
	a, b := newRig(t, 32), newRig(t, 33)
	for id := range screen.PictureID(2) {
		a.host[id] = screen.NewFrame(image.Rect(0, 0, 300, 200))
	}
	b.host = a.host
	for i := range 40 {
		id := screen.PictureID(i % 2)
		a.scribble(id)
		a.moves = nil // b is told of the whole picture instead
		b.owed[id] = screen.Region{b.host[id].Rect}
		a.owed[id] = b.owed[id]
		a.step(id, Budget{Bytes: 5000})
		if i%3 == 0 {
			b.step(id, Budget{Bytes: 1000})
		}
	}
	for id := range screen.PictureID(2) {
		b.owed[id] = screen.Region{b.host[id].Rect}
		a.owed[id] = b.owed[id]
		a.equal(id)
		b.equal(id)
	}
	a.enc.Forget()
	for i := range 60 {
		id := screen.PictureID(i % 2)
		a.scribble(id)
		if i < 2 {
			a.host[id].Fill(image.Rect(i, 0, 9, 9), 0x112233)
			a.owed[id] = a.owed[id].Add(image.Rect(0, 0, 9, 9))
		}
		if a.step(id, Budget{Bytes: 5000}) == 0 {
			continue
		}
		b.feed(a.buf)
		if !a.got[id].Equal(b.got[id]) {
			t.Fatalf("message %d: the two see different pictures", i)
		}
	}
	a.equal(0)
}

// TestMeet: two viewers of a film, who never see the same pixels, go on with one
// encoder after a message that makes them the same; whether the film fills the
// picture or a part of it, and whatever else differs.
func TestMeet(t *testing.T) {
	for _, row := range []struct {
		name  string
		size  image.Point
		films []image.Rectangle
		fresh bool
	}{
		{"a window", image.Pt(400, 300), []image.Rectangle{image.Rect(50, 40, 290, 200)}, false},
		{"three windows", image.Pt(400, 300), []image.Rectangle{image.Rect(0, 0, 90, 90), image.Rect(190, 20, 390, 170), image.Rect(30, 180, 100, 300)}, false},
		{"the whole picture", image.Pt(200, 150), []image.Rectangle{image.Rect(0, 0, 200, 150)}, true},
		{"a strip of the last row", image.Pt(203, 149), []image.Rectangle{image.Rect(0, 100, 203, 149)}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, b := newRig(t, 51), newRig(t, 52)
			a.host[0] = screen.NewFrame(image.Rectangle{Max: row.size})
			b.host = a.host
			speckle(a.host[0], a.host[0].Rect, a.rng, 300)
			play := func() {
				for _, r := range row.films {
					for y := r.Min.Y; y < r.Max.Y; y++ {
						px := a.host[0].Row(y, r.Min.X, r.Max.X)
						for i := range px {
							if i&3 != 3 {
								px[i] = byte(y) + byte(i) + byte(a.rng.IntN(60))
							}
						}
					}
				}
				a.owed[0] = append(a.owed[0], row.films...)
				b.owed[0] = append(b.owed[0], row.films...)
			}
			for i := range 12 {
				play()
				a.step(0, Budget{Bytes: 90000})
				if b.clock = a.clock; i > 3 {
					b.step(0, Budget{Bytes: 20000})
				}
			}
			if a.got[0].Equal(b.got[0]) {
				t.Fatal("the two see the same picture: there is nothing to test")
			}
			n, ok := a.enc.Apart(b.enc)
			if !ok || n == 0 {
				t.Fatalf("apart in %d tiles, %v", n, ok)
			}
			if row.fresh {
				v := a.enc.views[0]
				v.apart.AddRect(v.shown.Rect) // whether the last tile differs is luck
			}
			a.enc.Meet()
			for i := range 8 {
				if i > 0 {
					play()
				}
				if a.step(0, Budget{Bytes: 90000}) == 0 {
					t.Fatal("no message")
				}
				if i == 0 && (a.buf[0]&flagForget == 0 || a.buf[0]&flagFresh != 0 != row.fresh) {
					t.Errorf("flags %#x", a.buf[0])
				}
				b.feed(a.buf)
				if !a.got[0].Equal(b.got[0]) {
					t.Fatalf("message %d: the two see different pictures", i)
				}
			}
		})
	}
}

// TestNotMeet: what was not sent the same pictures has nothing to meet in.
func TestNotMeet(t *testing.T) {
	a, b := newRig(t, 53), newRig(t, 54)
	a.host[0] = screen.NewFrame(image.Rect(0, 0, 64, 64))
	b.host[0] = screen.NewFrame(image.Rect(0, 0, 64, 65))
	a.step(0, Budget{})
	if _, ok := a.enc.Apart(b.enc); ok {
		t.Error("one that has sent nothing")
	}
	b.step(0, Budget{})
	if _, ok := a.enc.Apart(b.enc); ok {
		t.Error("pictures of two sizes")
	}
}
