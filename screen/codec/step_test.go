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
