package screentest

import (
	"context"
	"errors"
	"image"
	"testing"

	"sightline/screen"
)

// The fakes pass the suite themselves; that also runs the suite.
func TestFakesPass(t *testing.T) {
	t.Run("Source", func(t *testing.T) {
		TestSource(t, func(t *testing.T) (screen.Source, func()) {
			s, f := NewSource(), screen.NewFrame(image.Rect(0, 0, 30, 20))
			s.Start(0, f)
			n := 0
			return s, func() {
				n++
				r := image.Rect(n, n, n+3, n+3)
				f.Fill(r, uint32(n)<<8)
				s.Show(0, f, r)
			}
		})
	})
	t.Run("Hands", func(t *testing.T) {
		TestInjector(t, func(t *testing.T) Hand {
			h := NewHands()
			box := image.Rect(0, 0, 50, 50)
			h.Within(&screen.Layout{Pictures: []screen.Picture{{ID: 4, Rect: box.Add(image.Pt(7, 7))}}})
			return Hand{Injector: h, Picture: 4, Bounds: box, Held: h.Held}
		})
	})
	t.Run("Glass", func(t *testing.T) {
		TestWindow(t, func(*testing.T) screen.Window { return NewGlass() })
	})
	t.Run("Blind", func(t *testing.T) {
		TestWindow(t, func(*testing.T) screen.Window { return screen.NewBlind() })
	})
}

// A mirror finds broken promises.
func TestMirrorFinds(t *testing.T) {
	box := image.Rect(0, 0, 8, 8)
	l := &screen.Layout{Pictures: []screen.Picture{{Rect: box}}}
	full := screen.Region{box}
	black := screen.NewFrame(box)
	dirtyX := screen.NewFrame(box)
	dirtyX.Pix[3] = 1
	elsewhere := screen.NewFrame(box)
	elsewhere.Fill(image.Rect(5, 5, 6, 6), 0xff)
	for name, c := range map[string]screen.Change{
		"nothing":             {},
		"unknown picture":     {Picture: 1, Frame: black, Damage: full},
		"other size":          {Frame: screen.NewFrame(image.Rect(0, 0, 4, 4)), Damage: screen.Region{image.Rect(0, 0, 4, 4)}},
		"no damage":           {Frame: black},
		"damage outside":      {Frame: black, Damage: screen.Region{image.Rect(4, 4, 9, 9)}},
		"damage overlaps":     {Frame: black, Damage: screen.Region{image.Rect(0, 0, 4, 4), image.Rect(3, 3, 5, 5)}},
		"damage incomplete":   {Frame: elsewhere, Damage: screen.Region{image.Rect(0, 0, 2, 2)}},
		"byte X":              {Frame: dirtyX, Damage: full},
		"move outside":        {Frame: black, Moves: []screen.Move{{To: image.Rect(4, 4, 8, 8), From: image.Pt(5, 0)}}},
		"damage but no frame": {Damage: full},
		"cursor too large":    {Cursor: &screen.Cursor{Shape: &screen.CursorShape{Size: image.Pt(257, 1), Pix: make([]byte, 257*4)}}},
		"cursor without hot":  {Cursor: &screen.Cursor{Shape: &screen.CursorShape{Size: image.Pt(1, 1), Hot: image.Pt(1, 0), Pix: make([]byte, 4)}}},
		"picture twice":       {Layout: &screen.Layout{Pictures: []screen.Picture{{Rect: box}, {Rect: box}}}},
		"picture of no size":  {Layout: &screen.Layout{Pictures: []screen.Picture{{}}}},
	} {
		t.Run(name, func(t *testing.T) {
			var m Mirror
			if err := m.Take(&screen.Change{Layout: l, Frame: black, Damage: full}); err != nil || !m.Complete() {
				t.Fatal(err)
			}
			if m.Take(&c) == nil {
				t.Error("not found")
			}
		})
	}
	var m Mirror
	if m.Take(&screen.Change{Frame: black, Damage: full}) == nil {
		t.Error("a missing layout is not found")
	}
}

func TestGlassWaits(t *testing.T) {
	g := NewGlass()
	f := screen.NewFrame(image.Rect(0, 0, 4, 4))
	f.Fill(f.Rect, 0x123456)
	go g.Draw(2, f, screen.Region{f.Rect})
	must(t, g.WaitFrame(Context(t), 2, f))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.WaitFrame(ended, 1, f); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	g.Send(screen.AskEnd)
	if e := <-g.Events(); e != screen.AskEnd {
		t.Error(e)
	}
	must(t, g.Close())
	g.Send(screen.AskEnd) // dropped
}

func TestSourceFails(t *testing.T) {
	s := NewSource()
	lost := errors.New("lost")
	s.Start(0, screen.NewFrame(image.Rect(0, 0, 1, 1)))
	s.Fail(lost)
	var c screen.Change
	must(t, s.Next(Context(t), &c))
	if err := s.Next(Context(t), &c); !errors.Is(err, lost) {
		t.Error(err)
	}
	must(t, s.Drained(Context(t)))
}
