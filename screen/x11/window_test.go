package x11

import (
	"errors"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// shown is a window under test, with everything that it told.
type shown struct {
	*Window
	t    testing.TB
	x    *server
	p    *painter
	seen []screen.Event
	pic  *screen.Frame
}

func show(t testing.TB, x *server, o WindowOptions) *shown {
	t.Helper()
	o.Display = x.display
	w, err := OpenWindow(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	s := &shown{Window: w, t: t, x: x, p: x.painter(t)}
	s.await("the window to appear", func() bool {
		// openbox, while it starts, leaves requests lying in its queue until
		// something else happens on the display.
		s.p.nudge()
		return s.visibleNow()
	})
	return s
}

// nudge sends the root window a message that means nothing.
func (p *painter) nudge() {
	e := xproto.ClientMessageEvent{Format: 32, Window: p.x.root, Type: xproto.AtomWmName,
		Data: xproto.ClientMessageDataUnionData32New([]uint32{0, 0, 0, 0, 0})}
	xproto.SendEvent(p.x.Conn, false, p.x.root, xproto.EventMaskSubstructureRedirect, string(e.Bytes()))
}

func (s *shown) visibleNow() bool {
	r, ok := last[screen.Resize](s.seen)
	return ok && r.Visible
}

// await reads events until ok.
func (s *shown) await(what string, ok func() bool) {
	s.t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case e, open := <-s.Events():
			if !open {
				s.t.Fatalf("events ended while waiting for %s; seen %v", what, s.seen)
			}
			s.seen = append(s.seen, e)
		case <-tick.C:
		case <-limit:
			s.t.Fatalf("never came: %s; seen at last %+v", what, s.seen[max(0, len(s.seen)-8):])
		}
	}
}

func last[E screen.Event](all []screen.Event) (e E, ok bool) {
	for _, v := range slices.Backward(all) {
		if e, ok = v.(E); ok {
			return e, true
		}
	}
	return e, false
}

// lay sets one picture and fills it.
func (s *shown) lay(size image.Point, paint func(*screen.Frame)) {
	s.t.Helper()
	s.pic = screen.NewFrame(image.Rectangle{Max: size})
	paint(s.pic)
	if err := s.Layout(&screen.Layout{Pictures: []screen.Picture{{Rect: s.pic.Rect}}}); err != nil {
		s.t.Fatal(err)
	}
	s.draw(s.pic.Rect)
}

func (s *shown) draw(r ...image.Rectangle) {
	s.t.Helper()
	if err := s.Draw(0, s.pic, r); err != nil {
		s.t.Fatal(err)
	}
}

// pixels reads the window back.
func (s *shown) pixels() *screen.Frame {
	s.t.Helper()
	return s.p.shot(xproto.Drawable(s.win), image.Rectangle{Max: s.size()})
}

func (s *shown) size() image.Point {
	g, err := xproto.GetGeometry(s.p.x.Conn, xproto.Drawable(s.win)).Reply()
	if err != nil {
		s.t.Fatal(err)
	}
	return image.Pt(int(g.Width), int(g.Height))
}

func (s *shown) equals(what string) {
	s.t.Helper()
	s.await(what, func() bool { return s.pixels().Equal(s.pic) })
}

func noisy(seed uint64) func(*screen.Frame) {
	return func(f *screen.Frame) {
		rng := rand.New(rand.NewPCG(seed, 1))
		for i := range f.Pix {
			if i%4 != 3 {
				f.Pix[i] = byte(rng.Uint32())
			}
		}
	}
}

func TestWindowIsExact(t *testing.T) {
	for _, c := range []struct {
		name  string
		noSHM bool
	}{{"shared memory", false}, {"socket", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := startX(t, "800x600x24")
			s := show(t, x, WindowOptions{Size: image.Pt(301, 203), NoSHM: c.noSHM})
			s.lay(image.Pt(301, 203), noisy(1))
			s.equals("the picture")

			noisy(2)(s.pic) // all new, of which three parts are told
			parts := []image.Rectangle{image.Rect(0, 0, 3, 4), image.Rect(20, 30, 200, 31), image.Rect(290, 190, 301, 203)}
			want := screen.NewFrame(s.pic.Rect)
			noisy(1)(want)
			for _, r := range parts {
				want.Copy(s.pic, r)
			}
			s.draw(parts...)
			s.pic = want
			s.equals("the parts that were told")

			cover := s.p.cover(image.Rect(10, 10, 100, 90))
			xproto.DestroyWindow(s.p.x.Conn, cover)
			s.equals("the picture after it was uncovered")
		})
	}
}

func TestSharedMemoryRefused(t *testing.T) {
	x := startOtherX(t, "320x200x24")
	p := x.painter(t)
	w := watch(t, Options{Display: x.display})
	w.next()
	if w.src.grab.seg != nil {
		t.Error("a server of another user attached our memory")
	}
	p.noise(rand.New(rand.NewPCG(1, 1)), image.Rect(0, 0, 200, 100))
	w.shows(p, w.src.area)
	s := show(t, x, WindowOptions{Size: image.Pt(150, 100)})
	s.lay(image.Pt(150, 100), noisy(1))
	s.equals("the picture")
	if s.store.seg != nil {
		t.Error("a server of another user attached the window's memory")
	}
}

func TestWindowOnOtherDepths(t *testing.T) {
	for _, depth := range []string{"16", "30"} {
		x := startX(t, "320x200x"+depth)
		s := show(t, x, WindowOptions{Size: image.Pt(101, 50)})
		s.lay(image.Pt(101, 50), func(f *screen.Frame) {
			f.Fill(f.Rect, 0xffffff)
			f.Fill(image.Rect(0, 0, 50, 50), 0xff0000)
			f.Fill(image.Rect(50, 20, 60, 50), 0x0000ff)
		})
		w := watch(t, Options{Display: x.display})
		w.until("the picture, through both conversions", func() bool {
			if w.pic == nil {
				return false
			}
			got := screen.NewFrame(s.pic.Rect)
			got.Copy(w.pic, s.pic.Rect)
			return got.Equal(s.pic)
		})
	}
}

func TestWindowMinimised(t *testing.T) {
	x := startX(t, "640x480x24")
	x.manage(t, "openbox")
	s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
	s.lay(image.Pt(300, 200), noisy(1))
	s.equals("the picture")
	const iconic = 3 // ICCCM 4.1.4
	r, err := xproto.InternAtom(s.p.x.Conn, false, uint16(len("WM_CHANGE_STATE")), "WM_CHANGE_STATE").Reply()
	if err != nil {
		t.Fatal(err)
	}
	e := xproto.ClientMessageEvent{Format: 32, Window: s.win, Type: r.Atom,
		Data: xproto.ClientMessageDataUnionData32New([]uint32{iconic, 0, 0, 0, 0})}
	xproto.SendEvent(s.p.x.Conn, false, s.p.x.root, xproto.EventMaskSubstructureRedirect|xproto.EventMaskSubstructureNotify, string(e.Bytes()))
	s.await("it to be minimised", func() bool { return !s.visibleNow() })
	noisy(2)(s.pic)
	s.draw(s.pic.Rect)
	xproto.MapWindow(s.p.x.Conn, s.win)
	s.await("it to come back", func() bool { s.p.nudge(); return s.visibleNow() })
	s.equals("what was drawn while it was away")
}

// cover puts a window over part of the screen.
func (p *painter) cover(r image.Rectangle) xproto.Window {
	id, err := xproto.NewWindowId(p.x.Conn)
	if err != nil {
		p.t.Fatal(err)
	}
	xproto.CreateWindow(p.x.Conn, 0, id, p.x.root, int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()), 0,
		xproto.WindowClassInputOutput, 0, xproto.CwBackPixel|xproto.CwOverrideRedirect, []uint32{0xff00ff, 1})
	if err := xproto.MapWindowChecked(p.x.Conn, id).Check(); err != nil {
		p.t.Fatal(err)
	}
	return id
}

func TestWindowScales(t *testing.T) {
	for _, noSHM := range []bool{false, true} {
		x := startX(t, "800x600x24")
		s := show(t, x, WindowOptions{Size: image.Pt(400, 400), NoSHM: noSHM})
		quarters := func(f *screen.Frame) {
			c := f.Rect.Max.Div(2)
			f.Fill(image.Rect(0, 0, c.X, c.Y), 0xff0000)
			f.Fill(image.Rect(c.X, 0, f.Rect.Max.X, c.Y), 0x00ff00)
			f.Fill(image.Rect(0, c.Y, c.X, f.Rect.Max.Y), 0x0000ff)
			f.Fill(image.Rect(c.X, c.Y, f.Rect.Max.X, f.Rect.Max.Y), 0xffffff)
		}
		s.lay(image.Pt(1600, 800), quarters) // half size, with bars above and below
		at := func(f *screen.Frame, x, y int) [3]byte { o := f.Offset(x, y); return [3]byte(f.Pix[o : o+3]) }
		for range 2 {
			s.await("four quarters", func() bool {
				f := s.pixels()
				return at(f, 1, 102) == [3]byte{0, 0, 255} && at(f, 398, 101) == [3]byte{0, 255, 0} &&
					at(f, 2, 298) == [3]byte{255, 0, 0} && at(f, 398, 298) == [3]byte{255, 255, 255} &&
					at(f, 200, 98) == [3]byte{} && at(f, 200, 301) == [3]byte{}
			})
			s.pic.Fill(s.pic.Rect, 0)
			quarters(s.pic)
			s.draw(image.Rect(0, 0, 900, 500), image.Rect(700, 300, 1600, 800))
		}
		if err := s.State(screen.State{Scale: screen.OneToOne}); err != nil {
			t.Fatal(err)
		}
		s.await("the corner, pixel by pixel", func() bool { f := s.pixels(); return at(f, 399, 399) == [3]byte{0, 0, 255} })
		s.lay(image.Pt(400, 400), noisy(3))
		s.equals("a picture of the window's size")
	}
}

// What is scaled in pieces must look as if it had been scaled at once.
func TestWindowScalesPieces(t *testing.T) {
	for _, size := range []image.Point{{317, 211}, {640, 400}, {123, 400}} {
		x := startX(t, "800x600x24")
		s := show(t, x, WindowOptions{Size: size})
		s.lay(image.Pt(400, 300), noisy(1))
		rng := rand.New(rand.NewPCG(9, 9))
		for range 40 {
			at := image.Pt(rng.IntN(395), rng.IntN(295))
			r := image.Rectangle{Min: at, Max: at.Add(image.Pt(1+rng.IntN(80), 1+rng.IntN(50)))}
			s.pic.Fill(r, rng.Uint32()&0xffffff)
			s.draw(r.Intersect(s.pic.Rect))
		}
		s.draw(image.Rect(0, 0, 1, 1), image.Rect(399, 299, 400, 300))
		settle := func() *screen.Frame {
			s.mu.Lock()
			defer s.mu.Unlock()
			if err := s.pen.settle(); err != nil {
				t.Fatal(err)
			}
			return s.pixels()
		}
		pieces := settle()
		s.draw(s.pic.Rect)
		if !settle().Equal(pieces) {
			t.Errorf("%v: pieces differ from the whole", size)
		}
	}
}

func TestWindowFullScreen(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run(wm, func(t *testing.T) {
			t.Parallel()
			x := startX(t, "640x480x24")
			if wm != "" {
				x.manage(t, wm)
			}
			s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
			s.lay(image.Pt(640, 480), noisy(4))
			for range 2 {
				if err := s.State(screen.State{FullScreen: true}); err != nil {
					t.Fatal(err)
				}
				s.await("the whole screen", func() bool { return s.size() == image.Pt(640, 480) })
				s.await("the picture, exactly", func() bool {
					return s.p.shot(xproto.Drawable(s.p.x.root), s.pic.Rect).Equal(s.pic)
				})
				s.await("the grab", func() bool { return s.grabbedNow() })
				if err := s.State(screen.State{}); err != nil {
					t.Fatal(err)
				}
				s.await("the former size", func() bool { return s.size() == image.Pt(300, 200) })
				s.await("the keys' return", func() bool { return !s.grabbedNow() })
			}
		})
	}
}

// A viewer asks for full screen before its window is on the screen.
func TestWindowFullScreenAtOnce(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run(wm, func(t *testing.T) {
			t.Parallel()
			x := startX(t, "640x480x24")
			if wm != "" {
				x.manage(t, wm)
			}
			w, err := OpenWindow(WindowOptions{Display: x.display})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { w.Close() })
			if err := w.State(screen.State{FullScreen: true}); err != nil {
				t.Fatal(err)
			}
			s := &shown{Window: w, t: t, x: x, p: x.painter(t)}
			s.lay(image.Pt(640, 480), noisy(4))
			s.await("the picture, exactly", func() bool {
				s.p.nudge()
				return s.p.shot(xproto.Drawable(s.p.x.root), s.pic.Rect).Equal(s.pic)
			})
			s.await("the grab", s.grabbedNow)
		})
	}
}

func (s *shown) grabbedNow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hand.grabbed
}

func TestWindowDims(t *testing.T) {
	x := startX(t, "640x480x24")
	s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
	s.lay(image.Pt(300, 200), func(f *screen.Frame) { f.Fill(f.Rect, 0x808080) })
	s.equals("the picture")
	s.State(screen.State{DimmedSince: time.Now().Add(-time.Minute)})
	s.await("half the light", func() bool { return s.pixels().Pix[0] == 0x40 })
	f := s.pixels()
	if f.Equal(s.pic) || string(f.Row(100, 0, 300)) == string(f.Row(0, 0, 300)) {
		t.Error("there are no words over the picture")
	}
	s.State(screen.State{})
	s.equals("the live picture")
	s.State(screen.State{DimmedSince: time.Now().Add(-time.Minute)})
	s.await("half the light", func() bool { return s.pixels().Pix[0] == 0x40 })
	s.draw(image.Rect(0, 0, 1, 1))
	s.equals("the picture, live because it was drawn")
}

func TestWindowEnds(t *testing.T) {
	t.Run("by its frame", func(t *testing.T) {
		x := startX(t, "640x480x24")
		s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
		e := xproto.ClientMessageEvent{Format: 32, Window: s.win, Type: s.atoms.protocols,
			Data: xproto.ClientMessageDataUnionData32New([]uint32{uint32(s.atoms.deleteWindow), 0, 0, 0, 0})}
		xproto.SendEvent(s.p.x.Conn, false, s.win, 0, string(e.Bytes()))
		s.ends()
		if a, ok := last[screen.Ask](s.seen); !ok || a != screen.AskEnd {
			t.Errorf("seen %v", s.seen)
		}
	})
	t.Run("server killed", func(t *testing.T) {
		x := startX(t, "640x480x24")
		s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
		s.lay(image.Pt(300, 200), noisy(1))
		x.stop()
		s.ends()
		if err := s.Draw(0, s.pic, []image.Rectangle{s.pic.Rect}); !errors.Is(err, screen.ErrDisplayLost) {
			t.Errorf("Draw says %v", err)
		}
	})
}

func (s *shown) ends() {
	s.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case e, ok := <-s.Events():
			if !ok {
				return
			}
			s.seen = append(s.seen, e)
		case <-limit:
			s.t.Fatal("events never end")
		}
	}
}

func TestWindowCursor(t *testing.T) {
	x := startX(t, "640x480x24")
	s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
	s.lay(image.Pt(300, 200), noisy(6))
	p := s.hands(t)
	p.fake(xproto.MotionNotify, 0, image.Pt(50, 50))
	shape := &screen.CursorShape{Size: image.Pt(6, 7), Hot: image.Pt(2, 3)}
	for range 42 {
		shape.Pix = append(shape.Pix, 1, 2, 3, 255)
	}
	if err := s.Cursor(&screen.Cursor{Shape: shape, At: image.Pt(200, 100)}); err != nil {
		t.Fatal(err)
	}
	w := watch(t, Options{Display: x.display})
	w.until("the remote shape on the local pointer", func() bool {
		c := w.cursor.Shape
		return c != nil && c.Size == shape.Size && c.Hot == shape.Hot && string(c.Pix) == string(shape.Pix)
	})
	s.Cursor(&screen.Cursor{Hidden: true})
	w.until("no pointer", func() bool { return w.cursor.Hidden })

	s.State(screen.State{ViewOnly: true})
	s.Cursor(&screen.Cursor{At: image.Pt(200, 100)})
	want := screen.NewFrame(s.pic.Rect)
	copy(want.Pix, s.pic.Pix)
	want.Fill(image.Rect(198, 97, 204, 104), 0x030201)
	s.await("the pointer in the picture", func() bool { return s.pixels().Equal(want) })
	s.draw(image.Rect(190, 90, 300, 100))
	s.await("the pointer over what was drawn", func() bool { return s.pixels().Equal(want) })
	s.Cursor(&screen.Cursor{At: image.Pt(20, 30)})
	copy(want.Pix, s.pic.Pix)
	want.Fill(image.Rect(18, 27, 24, 34), 0x030201)
	s.await("the pointer elsewhere", func() bool { return s.pixels().Equal(want) })
}
