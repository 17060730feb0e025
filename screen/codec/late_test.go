package codec_test

import (
	"image"
	"testing"
	"time"

	"sightline/screen"
	"sightline/screen/codec"
	"sightline/screen/codec/clips"
)

// first is the first picture of a clip.
func first(t *testing.T, name string) *screen.Frame {
	t.Helper()
	for _, c := range clips.All() {
		if c.Name != name {
			continue
		}
		rec, err := c.Head(1).Record()
		if err != nil {
			t.Fatal(err)
		}
		var f *screen.Frame
		if err := rec.Play(func(g *screen.Frame, _ screen.Region) error {
			f = screen.NewFrame(g.Rect)
			f.Copy(g, g.Rect)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return f
	}
	t.Fatalf("no clip %s", name)
	return nil
}

// Once its time is up a message ends, as one ends whose bytes are used up: what is
// left is all of the rest.
func TestTimeIsUp(t *testing.T) {
	f := first(t, "other-log")
	left := func(b codec.Budget) (px int) {
		_, rest, err := codec.NewEncoder().Encode(nil, &screen.Change{Frame: f, Damage: screen.Region{f.Rect}}, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rest {
			px += r.Dx() * r.Dy()
		}
		return px
	}
	most := left(codec.Budget{Bytes: 1})
	if n := left(codec.Budget{CPU: time.Nanosecond}); most == 0 || n < most*9/10 {
		t.Errorf("without time %d px are left, without bytes %d", n, most)
	}
	if n := left(codec.Budget{CPU: time.Hour}); n > 0 {
		t.Errorf("with an hour's time %d px are left", n)
	}
}

// Text is exact from the first message on a line of 1 Mbit/s, however much of it
// comes at once, and on any line before its rate is known.
func TestTextIsExact(t *testing.T) {
	log := first(t, "other-log")
	large := screen.NewFrame(image.Rect(0, 0, 3840, 2160))
	large.Fill(large.Rect, 0x204060)
	large.Copy(log, log.Rect)
	for _, c := range []struct {
		name   string
		f      *screen.Frame
		budget int
	}{
		{"a page at 1 Mbit/s", log, 2500},
		{"a desktop of 4K at the start", large, 32 << 10},
	} {
		e := codec.NewEncoder()
		_, _, err := e.Encode(nil, &screen.Change{Frame: c.f, Damage: screen.Region{c.f.Rect}}, codec.Budget{Bytes: c.budget})
		if err != nil {
			t.Fatal(err)
		}
		if !e.Exact(0) {
			t.Errorf("%s comes with loss", c.name)
		}
	}
}
