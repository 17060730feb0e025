package x11

import (
	"image"
	"slices"
	"testing"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"sightline/screen"
	"sightline/screen/keysym"
)

func (p *painter) fake(kind, detail byte, at image.Point) {
	xtest.FakeInput(p.x.Conn, kind, detail, 0, p.x.root, int16(at.X), int16(at.Y), 0)
}

// press presses and releases a key by its name on the server's map.
func (p *painter) press(t testing.TB, syms ...keysym.Sym) {
	t.Helper()
	k, err := p.x.readKeyboard()
	if err != nil {
		t.Fatal(err)
	}
	var codes []byte
	for _, s := range syms {
		k.each(func(code byte) bool {
			if k.at(code, 0, 0) == s {
				codes = append(codes, code)
				return false
			}
			return true
		})
	}
	if len(codes) != len(syms) {
		t.Fatalf("not all of %v are on the keyboard", syms)
	}
	for _, c := range codes {
		p.fake(xproto.KeyPress, c, image.Point{})
	}
	for _, c := range slices.Backward(codes) {
		p.fake(xproto.KeyRelease, c, image.Point{})
	}
	p.x.Sync()
}

func (s *shown) hands(t testing.TB) *painter {
	t.Helper()
	if err := s.p.x.use("XTEST"); err != nil {
		t.Fatal(err)
	}
	s.await("the focus", func() bool { f, ok := last[screen.Focus](s.seen); return ok && f.In })
	return s.p
}

func keysOf(all []screen.Event) (keys []screen.Key) {
	for _, e := range all {
		if k, ok := e.(screen.Key); ok {
			keys = append(keys, k)
		}
	}
	return keys
}

func TestWindowKeys(t *testing.T) {
	x := startX(t, "800x600x24")
	s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
	s.lay(image.Pt(300, 200), noisy(1))
	p := s.hands(t)
	p.press(t, 'a')
	p.press(t, keysym.ShiftL, 'a')
	p.press(t, keysym.ControlL, keysym.AltL, keysym.Delete)
	p.press(t, keysym.CapsLock)
	p.press(t, 'b')
	p.press(t, keysym.CapsLock)
	want := []screen.Key{
		{Sym: 'a', Down: true}, {Sym: 'a'},
		{Sym: keysym.ShiftL, Down: true}, {Sym: 'A', Down: true}, {Sym: 'A'}, {Sym: keysym.ShiftL},
		{Sym: keysym.ControlL, Down: true}, {Sym: keysym.AltL, Down: true}, {Sym: keysym.Delete, Down: true},
		{Sym: keysym.Delete}, {Sym: keysym.AltL}, {Sym: keysym.ControlL},
		{Sym: keysym.CapsLock, Down: true}, {Sym: keysym.CapsLock}, {Sym: 'B', Down: true}, {Sym: 'B'},
		{Sym: keysym.CapsLock, Down: true}, {Sym: keysym.CapsLock},
	}
	s.await("all keys", func() bool { return len(keysOf(s.seen)) >= len(want) })
	if got := keysOf(s.seen); !slices.Equal(got, want) {
		t.Errorf("keys\n%v, want\n%v", got, want)
	}
}

func TestWindowRepeatsWithoutReleases(t *testing.T) {
	x := startX(t, "800x600x24")
	s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
	p := s.hands(t)
	need(t, "xset")
	x.must(t, "xset", "r", "rate", "50", "50")
	p.fake(xproto.KeyPress, 38, image.Point{})
	s.await("five repetitions", func() bool { return len(keysOf(s.seen)) > 5 })
	p.fake(xproto.KeyRelease, 38, image.Point{})
	s.await("the release", func() bool { k := keysOf(s.seen); return !k[len(k)-1].Down })
	for _, k := range keysOf(s.seen)[:len(keysOf(s.seen))-1] {
		if k != (screen.Key{Sym: 'a', Down: true}) {
			t.Fatalf("a held key told %v", keysOf(s.seen))
		}
	}
}

func TestWindowPointer(t *testing.T) {
	x := startX(t, "800x600x24")
	s := show(t, x, WindowOptions{Size: image.Pt(400, 400)})
	s.lay(image.Pt(800, 400), noisy(1)) // half size, 100 px lower
	p := s.hands(t)
	at := func(want screen.Pointer) {
		t.Helper()
		s.await("the pointer", func() bool { q, _ := last[screen.Pointer](s.seen); return q == want })
	}
	p.fake(xproto.MotionNotify, 0, image.Pt(50, 150))
	at(screen.Pointer{At: image.Pt(100, 100)})
	p.fake(xproto.ButtonPress, 1, image.Point{})
	at(screen.Pointer{At: image.Pt(100, 100), Buttons: screen.Left})
	p.fake(xproto.MotionNotify, 0, image.Pt(500, 20)) // out of the window: the drag stays at the edge
	at(screen.Pointer{At: image.Pt(799, 0), Buttons: screen.Left})
	p.fake(xproto.ButtonPress, 3, image.Point{})
	p.fake(xproto.ButtonRelease, 1, image.Point{})
	p.fake(xproto.ButtonRelease, 3, image.Point{})
	at(screen.Pointer{At: image.Pt(799, 0)})
	p.fake(xproto.MotionNotify, 0, image.Pt(100, 200))
	at(screen.Pointer{At: image.Pt(200, 200)})
	for _, n := range []byte{4, 5, 5, 5} {
		p.fake(xproto.ButtonPress, n, image.Point{})
		p.fake(xproto.ButtonRelease, n, image.Point{})
	}
	wheel := func() (sum int) {
		for _, e := range s.seen {
			if q, ok := e.(screen.Pointer); ok {
				sum += q.Wheel.Y
			}
		}
		return sum
	}
	s.await("the wheel", func() bool { return wheel() == 2 })
	n := len(s.seen)
	p.fake(xproto.MotionNotify, 0, image.Pt(100, 50)) // beside the picture
	p.fake(xproto.ButtonPress, 1, image.Point{})
	p.fake(xproto.ButtonRelease, 1, image.Point{})
	p.fake(xproto.MotionNotify, 0, image.Pt(100, 250))
	at(screen.Pointer{At: image.Pt(200, 300)})
	for _, e := range s.seen[n:] {
		if q, ok := e.(screen.Pointer); ok && q.Buttons != 0 {
			t.Errorf("a click beside the picture was told: %+v", q)
		}
	}
}

func TestWindowLetsGoByCtrlAlt(t *testing.T) {
	x := startX(t, "640x480x24")
	s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
	p := s.hands(t)
	s.State(screen.State{Grab: screen.GrabAlways})
	s.await("the grab", s.grabbedNow)
	p.press(t, keysym.ControlL, keysym.AltL, 'x')
	p.press(t, keysym.ControlL)
	s.await("keys", func() bool { return len(keysOf(s.seen)) == 8 })
	if !s.grabbedNow() {
		t.Error("a combination is no tap")
	}
	p.press(t, keysym.ControlL, keysym.AltL)
	s.await("the keys' return", func() bool { return !s.grabbedNow() })
	p.fake(xproto.MotionNotify, 0, image.Pt(20, 20))
	p.fake(xproto.ButtonPress, 1, image.Point{})
	p.fake(xproto.ButtonRelease, 1, image.Point{})
	s.await("the grab after a click", s.grabbedNow)
	xproto.SetInputFocus(p.x.Conn, 0, xproto.InputFocusPointerRoot, 0)
	s.await("the loss of the focus", func() bool { f, _ := last[screen.Focus](s.seen); return !f.In })
	if s.grabbedNow() {
		t.Error("keys are grabbed without the focus")
	}
}

func TestWindowMenu(t *testing.T) {
	x := startX(t, "640x480x24")
	s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
	s.lay(image.Pt(300, 200), noisy(5))
	p := s.hands(t)
	s.equals("the picture")
	p.press(t, keysym.F8)
	s.await("the menu", func() bool { return !s.pixels().Equal(s.pic) })
	for range 3 {
		p.press(t, keysym.Down)
	}
	p.press(t, keysym.Return)
	s.await("the wish", func() bool { a, ok := last[screen.Ask](s.seen); return ok && a == screen.AskCtrlAltDel })
	s.equals("the picture without a menu")
	p.press(t, keysym.F8)
	p.press(t, keysym.Up)
	p.press(t, keysym.Return)
	s.await("the wish", func() bool { a, ok := last[screen.Ask](s.seen); return ok && a == screen.AskEnd })
	for _, k := range keysOf(s.seen) {
		if k.Down {
			t.Errorf("the menu's key %v went to the host", k)
		}
	}
	p.press(t, keysym.F8)
	s.mu.Lock()
	at := s.menu.at.Min
	s.mu.Unlock()
	p.fake(xproto.MotionNotify, 0, at.Add(image.Pt(20, menuMargin+5)))
	p.fake(xproto.ButtonPress, 1, image.Point{})
	p.fake(xproto.ButtonRelease, 1, image.Point{})
	s.await("full screen by the mouse", func() bool { return s.size() == image.Pt(640, 480) })
}
