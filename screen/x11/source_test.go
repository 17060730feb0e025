package x11

import (
	"context"
	"errors"
	"image"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// watcher plays the part of a viewer: it applies Changes to a picture of its own.
type watcher struct {
	t      testing.TB
	src    *Source
	change screen.Change
	layout *screen.Layout
	pic    *screen.Frame
	cursor screen.Cursor
	area   int // px of damage seen
	frames int
}

func watch(t testing.TB, o Options) *watcher {
	t.Helper()
	src, err := OpenSource(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return &watcher{t: t, src: src}
}

func (w *watcher) next() *screen.Change {
	w.t.Helper()
	c := &w.change
	if err := w.src.Next(deadline(w.t), c); err != nil {
		w.t.Fatal(err)
	}
	if c.Layout != nil {
		w.layout = c.Layout
		w.pic = screen.NewFrame(c.Layout.Pictures[0].Bounds())
	}
	if c.Frame != nil {
		w.frames++
		w.area += c.Damage.Area()
		for _, r := range c.Damage {
			if !r.In(c.Frame.Rect) {
				w.t.Fatalf("damage %v lies outside of %v", r, c.Frame.Rect)
			}
			w.pic.Copy(c.Frame, r)
		}
	}
	if c.Cursor != nil {
		if c.Cursor.Shape == nil {
			c.Cursor.Shape = w.cursor.Shape
		}
		w.cursor = *c.Cursor
	}
	return c
}

// until goes on until ok.
func (w *watcher) until(what string, ok func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			w.t.Fatalf("never came: %s", what)
		}
		w.next()
	}
}

func (w *watcher) shows(p *painter, r image.Rectangle) {
	w.t.Helper()
	want := p.shot(xproto.Drawable(p.x.root), r)
	want.Rect = image.Rectangle{Max: r.Size()}
	w.until("the picture that is on the screen", func() bool { return w.pic != nil && w.pic.Equal(want) })
}

func TestSourceShowsWhatIsDrawn(t *testing.T) {
	for _, c := range []struct {
		name, size string
		noSHM      bool
	}{
		{"shared memory", "333x251x24", false},
		{"socket", "333x251x24", true},
		{"30 bits", "333x251x30", false},
		{"16 bits", "333x251x16", false},
		{"16 bits by socket", "333x251x16", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := startX(t, c.size)
			p := x.painter(t)
			if c.size[8:] == "24" {
				p.noise(rand.New(rand.NewPCG(1, 1)), image.Rect(0, 0, 200, 100))
			}
			w := watch(t, Options{Display: x.display, NoSHM: c.noSHM})
			if ch := w.next(); ch.Layout == nil || ch.Frame == nil || ch.Damage.Area() != 333*251 {
				t.Fatalf("the first change is %+v", ch)
			}
			rng := rand.New(rand.NewPCG(2, 3))
			for range 8 {
				for range 1 + rng.IntN(30) {
					at := image.Pt(rng.IntN(330), rng.IntN(250))
					r := image.Rectangle{Min: at, Max: at.Add(image.Pt(1+rng.IntN(120), 1+rng.IntN(60)))}
					p.fill(r, rng.Uint32())
				}
				if p.x.screen.RootDepth == 24 {
					p.noise(rng, image.Rect(3, 5, 3+rng.IntN(90), 70))
				}
				w.compare(p)
			}
		})
	}
}

// compare checks the picture against the screen, converted to 8 bits a colour
// by the same rule for every depth.
func (w *watcher) compare(p *painter) {
	w.t.Helper()
	if p.x.screen.RootDepth == 24 {
		w.shows(p, w.src.area)
		return
	}
	f, err := p.x.formatOf(p.x.screen.RootDepth, p.x.screen.RootVisual)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := xproto.GetImage(p.x.Conn, xproto.ImageFormatZPixmap, p.on, 0, 0, 333, 251, ^uint32(0)).Reply()
	if err != nil {
		w.t.Fatal(err)
	}
	want := screen.NewFrame(image.Rect(0, 0, 333, 251))
	for y := range 251 {
		f.convert(want.Row(y, 0, 333), r.Data[y*f.stride(333):], 333)
	}
	w.until("the picture that is on the screen", func() bool { return w.pic.Equal(want) })
}

func TestSourceReportsOnlyWhatChanged(t *testing.T) {
	x := startX(t, "640x480x24")
	p := x.painter(t)
	w := watch(t, Options{Display: x.display})
	w.next()
	p.fill(image.Rect(0, 0, 640, 480), 0x102030)
	w.shows(p, w.src.area)
	w.area = 0
	p.fill(image.Rect(0, 0, 640, 480), 0x102030) // drawn again, nothing new
	p.fill(image.Rect(100, 100, 101, 101), 0xffffff)
	w.shows(p, w.src.area)
	if w.area != tile*tile {
		t.Errorf("one pixel changed, %d px were reported", w.area)
	}
	for i := 3; i < len(w.pic.Pix); i += 4 {
		if w.pic.Pix[i] != 0 {
			t.Fatal("the unused byte is not zero")
		}
	}
}

func TestSourceFollowsTheSize(t *testing.T) {
	x := startX(t, "640x480x24")
	p := x.painter(t)
	w := watch(t, Options{Display: x.display})
	w.next()
	for _, size := range []image.Point{{320, 200}, {640, 480}, {500, 300}} {
		x.resize(t, size)
		w.until("a layout of the new size", func() bool { return w.layout.Pictures[0].Rect.Size() == size })
		p.fill(image.Rect(10, 10, size.X-5, size.Y-7), 0x445566)
		w.shows(p, image.Rectangle{Max: size})
	}
}

func TestSourceEnds(t *testing.T) {
	t.Run("server killed", func(t *testing.T) {
		x := startX(t, "320x200x24")
		w := watch(t, Options{Display: x.display})
		w.next()
		failed := make(chan error, 1)
		go func() {
			var c screen.Change
			for {
				if err := w.src.Next(context.Background(), &c); err != nil {
					failed <- err
					return
				}
			}
		}()
		x.stop()
		select {
		case err := <-failed:
			if !errors.Is(err, screen.ErrDisplayLost) {
				t.Errorf("Next says %v", err)
			}
		case <-time.After(patience):
			t.Fatal("Next hangs")
		}
	})
	t.Run("closed", func(t *testing.T) {
		x := startX(t, "320x200x24")
		w := watch(t, Options{Display: x.display})
		w.next()
		go w.src.Close()
		for {
			if err := w.src.Next(deadline(t), &w.change); err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("Next says %v", err)
				}
				return
			}
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		x := startX(t, "320x200x24")
		w := watch(t, Options{Display: x.display})
		w.next()
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		for {
			if err := w.src.Next(ctx, &w.change); err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Next says %v", err)
				}
				return
			}
		}
	})
	t.Run("nothing there", func(t *testing.T) {
		for _, display := range []string{":29999", "nonsense", "", ":x"} {
			t.Setenv("DISPLAY", "")
			if _, err := OpenSource(Options{Display: display}); !errors.Is(err, screen.ErrNoDisplay) {
				t.Errorf("%q: %v", display, err)
			}
		}
	})
}

func TestSourceCursor(t *testing.T) {
	x := startX(t, "320x200x24")
	p := x.painter(t)
	w := watch(t, Options{Display: x.display})
	w.next()
	shape := &screen.CursorShape{Size: image.Pt(5, 3), Hot: image.Pt(4, 1)}
	for i := range 15 {
		a := byte(17 * i)
		shape.Pix = append(shape.Pix, a/2, a/3, a, a)
	}
	c := p.cursor(shape)
	xproto.ChangeWindowAttributes(p.x.Conn, p.x.root, xproto.CwCursor, []uint32{uint32(c)})
	xproto.WarpPointer(p.x.Conn, 0, p.x.root, 0, 0, 0, 0, 123, 45)
	w.until("the cursor", func() bool {
		s := w.cursor.Shape
		return s != nil && s.Size == shape.Size && w.cursor.At == image.Pt(123, 45)
	})
	if s := w.cursor.Shape; s.Hot != shape.Hot || string(s.Pix) != string(shape.Pix) {
		t.Errorf("the shape is %+v, want %+v", s, shape)
	}
	same := w.cursor.Shape
	xproto.WarpPointer(p.x.Conn, 0, p.x.root, 0, 0, 0, 0, 7, 8)
	w.until("the pointer's new place", func() bool { return w.cursor.At == image.Pt(7, 8) })
	if w.cursor.Shape != same {
		t.Error("a shape that did not change was sent again")
	}
	if w.cursor.Hidden {
		t.Error("the pointer is not hidden")
	}
}

func TestSourceOutput(t *testing.T) {
	x := startX(t, "320x200x24")
	w := watch(t, Options{Display: x.display, Screen: "screen"})
	if c := w.next(); c.Layout.Pictures[0].Name != "screen" {
		t.Errorf("layout %+v", c.Layout)
	}
	_, err := OpenSource(Options{Display: x.display, Screen: "DP-7"})
	if !errors.Is(err, screen.ErrNoDisplay) {
		t.Errorf("an output that is not there: %v", err)
	}
}
