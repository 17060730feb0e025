// Package screentest holds what tests of pictures and input share.
//
// TestSource, TestInjector and TestWindow are the suite that every back end
// passes: they check the promises that package screen makes where it declares
// the interfaces. Source, Hands and Glass are the scripted ends for tests of
// what lies between: a screen that shows what the test pushes, hands that
// write down what they are told, a window that keeps what it is shown. Mirror
// puts a Source's changes together and checks each.
//
// Nothing here sleeps; whatever waits takes a context.
package screentest

import (
	"context"
	"errors"
	"image"
	"testing"
	"time"

	"sightline/screen"
	"sightline/screen/keysym"
)

// patience is how long the suite waits for what must come: long enough for a
// loaded machine, as nothing waits that long unless it fails.
const patience = 20 * time.Second

// quiet is how long nothing may come for a source to count as idle.
const quiet = 200 * time.Millisecond

// Context ends with the test or when patience does.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// TestSource checks a source. open gives one that nobody has asked yet, and a
// way to change some of its pixels: each call of draw must make a difference
// that the source can see. The suite closes the source.
func TestSource(t *testing.T, open func(t *testing.T) (src screen.Source, draw func())) {
	start := func(t *testing.T) (screen.Source, func(), *Mirror) {
		src, draw := open(t)
		t.Cleanup(func() { src.Close() })
		m := &Mirror{}
		if err := m.Until(Context(t), src, m.Complete); err != nil {
			t.Fatalf("first pictures: %v", err)
		}
		return src, draw, m
	}
	t.Run("first pictures are complete", func(t *testing.T) {
		_, _, m := start(t)
		if len(m.Layout.Pictures) == 0 {
			t.Error("the layout is empty")
		}
	})
	t.Run("damage tells of every change", func(t *testing.T) {
		src, draw, m := start(t)
		for range 5 {
			seen := m.Changes
			draw()
			if err := m.Until(Context(t), src, func() bool { return m.Changes > seen }); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("idle blocks until the context ends", func(t *testing.T) {
		src, draw, m := start(t)
		settle(t, src, m)
		seen := m.Changes
		draw()
		if err := m.Until(Context(t), src, func() bool { return m.Changes > seen }); err != nil {
			t.Fatalf("after a context ended: %v", err)
		}
	})
	t.Run("the context's end is the error", func(t *testing.T) {
		src, _, _ := start(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("enough")
		cancel(cause)
		var c screen.Change
		if err := src.Next(ctx, &c); !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
			t.Errorf("Next: %v", err)
		}
	})
	t.Run("Close ends Next", func(t *testing.T) { testSourceClose(t, open) })
}

// settle takes changes until none comes for a while.
func settle(t *testing.T, src screen.Source, m *Mirror) {
	t.Helper()
	all := Context(t)
	for {
		ctx, cancel := context.WithTimeout(all, quiet)
		seen := m.Changes
		err := m.Until(ctx, src, func() bool { return m.Changes > seen })
		cancel()
		switch {
		case all.Err() != nil:
			t.Fatalf("never idle; %d changes", m.Changes)
		case errors.Is(err, context.DeadlineExceeded):
			return
		case err != nil:
			t.Fatal(err)
		}
	}
}

func testSourceClose(t *testing.T, open func(t *testing.T) (screen.Source, func())) {
	src, _ := open(t)
	ctx := Context(t)
	ended := make(chan error, 1)
	go func() {
		var c screen.Change
		for {
			if err := src.Next(ctx, &c); err != nil {
				ended <- err
				return
			}
		}
	}()
	if err := src.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-ended; ctx.Err() != nil {
		t.Fatalf("Next did not return on Close: %v", err)
	}
	var c screen.Change
	if err := src.Next(ctx, &c); err == nil {
		t.Error("Next after Close gives no error")
	}
	if err := src.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// Hand is an injector to be checked and what it acts on.
type Hand struct {
	Injector screen.Injector
	Picture  screen.PictureID
	Bounds   image.Rectangle // of that picture, px
	// Held tells how many keys and buttons are down where the injector acts;
	// nil if that cannot be asked.
	Held func() (keys, buttons int)
}

// TestInjector checks an injector. open gives one that was not used yet; the
// suite closes it.
func TestInjector(t *testing.T, open func(t *testing.T) Hand) {
	start := func(t *testing.T) Hand {
		h := open(t)
		t.Cleanup(func() { h.Injector.Close() })
		return h
	}
	holds := func(t *testing.T, h Hand, keys, buttons int) {
		t.Helper()
		if h.Held == nil {
			return
		}
		if k, b := h.Held(); k != keys || b != buttons {
			t.Errorf("%d keys and %d buttons are down, want %d and %d", k, b, keys, buttons)
		}
	}
	hold := func(t *testing.T, h Hand) {
		t.Helper()
		must(t, h.Injector.Key(screen.Key{Sym: keysym.ShiftL, Down: true}))
		must(t, h.Injector.Key(screen.Key{Sym: 'a', Down: true}))
		must(t, h.Injector.Pointer(screen.Pointer{Picture: h.Picture, At: middle(h.Bounds), Buttons: screen.Left | screen.Right}))
		holds(t, h, 2, 2)
	}
	t.Run("keys and buttons go down and up", func(t *testing.T) {
		h := start(t)
		hold(t, h)
		must(t, h.Injector.Key(screen.Key{Sym: 'a'}))
		must(t, h.Injector.Key(screen.Key{Sym: keysym.ShiftL}))
		must(t, h.Injector.Pointer(screen.Pointer{Picture: h.Picture, At: h.Bounds.Min}))
		holds(t, h, 0, 0)
	})
	t.Run("the wheel turns", func(t *testing.T) {
		h := start(t)
		for _, w := range []image.Point{{Y: 1}, {Y: -1}, {X: 1}, {X: -1}} {
			must(t, h.Injector.Pointer(screen.Pointer{Picture: h.Picture, At: middle(h.Bounds), Wheel: w}))
		}
		holds(t, h, 0, 0)
	})
	t.Run("ReleaseAll lifts everything", func(t *testing.T) {
		h := start(t)
		hold(t, h)
		must(t, h.Injector.ReleaseAll())
		holds(t, h, 0, 0)
		must(t, h.Injector.ReleaseAll())
		hold(t, h)
	})
	t.Run("lifting what is not down is harmless", func(t *testing.T) {
		h := start(t)
		must(t, h.Injector.Key(screen.Key{Sym: 'x'}))
		holds(t, h, 0, 0)
	})
	t.Run("outside is refused", func(t *testing.T) {
		h := start(t)
		for _, p := range []screen.Pointer{
			{Picture: h.Picture, At: h.Bounds.Max},
			{Picture: h.Picture, At: h.Bounds.Min.Sub(image.Pt(1, 1))},
			{Picture: h.Picture + 100, At: middle(h.Bounds)},
		} {
			var refused *screen.Refused
			if err := h.Injector.Pointer(p); !errors.As(err, &refused) {
				t.Errorf("%+v: %v", p, err)
			}
		}
	})
	t.Run("Close lifts everything", func(t *testing.T) {
		h := start(t)
		hold(t, h)
		must(t, h.Injector.Close())
		holds(t, h, 0, 0)
		must(t, h.Injector.Close())
		if h.Injector.Key(screen.Key{Sym: 'a', Down: true}) == nil {
			t.Error("a key after Close gives no error")
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func middle(r image.Rectangle) image.Point { return r.Min.Add(r.Size().Div(2)) }

// TestWindow checks a window. open gives one that shows nothing yet; the suite
// closes it.
func TestWindow(t *testing.T, open func(t *testing.T) screen.Window) {
	start := func(t *testing.T) screen.Window {
		w := open(t)
		t.Cleanup(func() { w.Close() })
		// A window may need its events taken before it does anything else.
		taken := make(chan struct{})
		go func() {
			defer close(taken)
			for range w.Events() {
			}
		}()
		t.Cleanup(func() {
			w.Close()
			<-taken
		})
		return w
	}
	t.Run("draw", func(t *testing.T) {
		w := start(t)
		f := show(t, w, 3, image.Pt(320, 200))
		f.Fill(image.Rect(10, 10, 20, 20), 0xff0000)
		must(t, w.Draw(3, f, screen.Region{image.Rect(10, 10, 20, 20)}))
		must(t, w.Draw(3, f, nil))
	})
	t.Run("draw outside is harmless", func(t *testing.T) {
		w := start(t)
		f := show(t, w, 0, image.Pt(100, 100))
		must(t, w.Draw(0, f, screen.Region{image.Rect(-50, -50, 1000, 1000)}))
		must(t, w.Draw(0, f, screen.Region{image.Rect(5000, 0, 5001, 1)}))
		must(t, w.Draw(9, f, screen.Region{f.Rect}))
	})
	t.Run("draw before a layout is harmless", func(t *testing.T) {
		w := start(t)
		f := screen.NewFrame(image.Rect(0, 0, 10, 10))
		must(t, w.Draw(0, f, screen.Region{f.Rect}))
		must(t, w.Cursor(&screen.Cursor{At: image.Pt(4, 4)}))
	})
	t.Run("the layout changes between draws", func(t *testing.T) {
		w := start(t)
		for _, size := range []image.Point{{64, 48}, {1, 1}, {2000, 30}, {30, 2000}, {640, 480}} {
			show(t, w, 0, size)
		}
		old := show(t, w, 1, image.Pt(50, 50))
		show(t, w, 1, image.Pt(20, 20))
		must(t, w.Draw(1, old, screen.Region{old.Rect})) // came late
		must(t, w.Layout(&screen.Layout{}))
		must(t, w.Draw(1, old, screen.Region{old.Rect}))
	})
	t.Run("cursor", func(t *testing.T) {
		w := start(t)
		show(t, w, 0, image.Pt(100, 100))
		shape := &screen.CursorShape{Size: image.Pt(8, 8), Hot: image.Pt(7, 7), Pix: make([]byte, 8*8*4)}
		must(t, w.Cursor(&screen.Cursor{At: image.Pt(5, 5), Shape: shape}))
		must(t, w.Cursor(&screen.Cursor{At: image.Pt(-5, 5000)}))
		must(t, w.Cursor(&screen.Cursor{Picture: 77}))
		must(t, w.Cursor(&screen.Cursor{Hidden: true}))
		must(t, w.Cursor(&screen.Cursor{At: image.Pt(5, 5)}))
	})
	t.Run("state", func(t *testing.T) {
		w := start(t)
		show(t, w, 0, image.Pt(100, 100))
		must(t, w.State(screen.State{Title: "höst — sightline", Scale: screen.OneToOne}))
		must(t, w.State(screen.State{DimmedSince: time.Now().Add(-time.Minute)}))
		must(t, w.State(screen.State{ViewOnly: true, Grab: screen.GrabNever}))
	})
	t.Run("Close ends the events", func(t *testing.T) {
		w := open(t)
		show(t, w, 0, image.Pt(100, 100))
		must(t, w.Close())
		ctx := Context(t)
		for {
			select {
			case _, more := <-w.Events():
				if !more {
					must(t, w.Close())
					return
				}
			case <-ctx.Done():
				t.Fatal("Events is still open")
			}
		}
	})
}

// show gives the window one picture and draws all of it.
func show(t *testing.T, w screen.Window, id screen.PictureID, size image.Point) *screen.Frame {
	t.Helper()
	f := screen.NewFrame(image.Rectangle{Max: size})
	f.Fill(f.Rect, 0x4080c0)
	must(t, w.Layout(&screen.Layout{Pictures: []screen.Picture{{ID: id, Name: "test", Rect: f.Rect}}}))
	must(t, w.Draw(id, f, screen.Region{f.Rect}))
	return f
}
