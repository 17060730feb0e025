package codec

import (
	"image"
	"testing"

	"sightline/screen"
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
