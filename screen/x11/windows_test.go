package x11

import (
	"errors"
	"image"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
	"sightline/screen/screentest"
)

// audience plays the part of a viewer of single windows.
type audience struct {
	t      *testing.T
	src    *Windows
	canvas screen.Canvas
}

func (s *server) share(t *testing.T, windows ...string) *audience {
	t.Helper()
	src, err := OpenWindows(WindowsOptions{Display: s.display, Windows: windows})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return &audience{t: t, src: src}
}

// until goes on until ok.
func (a *audience) until(what string, ok func() bool) {
	a.t.Helper()
	var c screen.Change
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			a.t.Fatalf("never came: %s", what)
		}
		if err := a.src.Next(deadline(a.t), &c); err != nil {
			a.t.Fatal(err)
		}
		a.canvas.Update(&c)
		a.clean()
	}
}

// forbidden is a colour that no picture may ever have.
const forbidden = 0xff00ff

func (a *audience) clean() {
	a.t.Helper()
	l := a.canvas.Layout()
	if l == nil {
		return
	}
	for _, p := range l.Pictures {
		f := a.canvas.Snapshot(p.ID)
		for y := range f.Rect.Dy() {
			row := f.Row(y, 0, f.Rect.Dx())
			for i := 0; i < len(row); i += 4 {
				if row[i] == 0xff && row[i+1] == 0 && row[i+2] == 0xff {
					a.t.Fatalf("a foreign pixel in picture %d at %d,%d", p.ID, i/4, y)
				}
			}
		}
	}
}

func (a *audience) pixel(id screen.PictureID, x, y int) uint32 {
	f := a.canvas.Snapshot(id)
	if f == nil || !image.Pt(x, y).In(f.Rect) {
		return 0xffffffff
	}
	p := f.Row(y, x, x+1)
	return uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16
}

func (a *audience) rect(id screen.PictureID) image.Rectangle {
	p, _ := a.canvas.Layout().Find(id)
	return p.Rect
}

func TestWindowsSuite(t *testing.T) {
	x := startX(t, "320x200x24")
	v := x.victim(t, "shared", image.Rect(20, 20, 200, 150), 0x204060)
	p := x.painter(t)
	p.on = xproto.Drawable(v.win)
	n := uint32(0)
	screentest.TestSource(t, func(t *testing.T) (screen.Source, func()) {
		s, err := OpenWindows(WindowsOptions{Display: x.display, Windows: []string{"shared"}})
		if err != nil {
			t.Fatal(err)
		}
		return s, func() {
			n += 0x010305
			p.fill(image.Rect(10, 10, 50, 40), n)
			p.x.Sync()
		}
	})
}

// What covers a shared window, a second window of its program, a menu of another
// program and the screen behind are never seen; its own dialogs and menus are. // issue 5
func TestWindowsShowOnlyWhatIsShared(t *testing.T) {
	for _, wm := range []string{"", "openbox", "jwm"} {
		t.Run("manager "+wm, func(t *testing.T) {
			x := startX(t, "640x480x24")
			if wm != "" {
				x.manage(t, wm)
			}
			p := x.painter(t)
			p.fill(image.Rect(0, 0, 640, 480), forbidden)
			shared := x.victim(t, "shared", image.Rect(100, 100, 300, 250), 0x204060)
			shared.open(t, "second", image.Rect(150, 120, 350, 300), forbidden)
			x.victim(t, "foreign", image.Rect(120, 150, 280, 240), forbidden)
			a := x.share(t, "shared")
			a.until("its own colour where it is covered", func() bool { return a.pixel(0, 100, 100) == 0x204060 })

			dialog := shared.raw(t, image.Rect(140, 140, 220, 200), 0x00aa00, false, shared.win)
			at := func(w xproto.Window) image.Point {
				r, _, err := shared.x.stands(w)
				if err != nil {
					t.Fatal(err)
				}
				return r.Min
			}
			a.until("the dialog, in place", func() bool {
				o := at(dialog).Sub(a.rect(0).Min)
				return a.pixel(0, o.X+5, o.Y+5) == 0x00aa00
			})
			xproto.DestroyWindow(shared.x.Conn, dialog)
			a.until("the window where the dialog was", func() bool {
				o := at(shared.win).Sub(a.rect(0).Min)
				return a.pixel(0, o.X+60, o.Y+60) == 0x204060
			})

			// A menu that says nothing belongs to the window with the focus.
			xproto.SetInputFocus(shared.x.Conn, xproto.InputFocusPointerRoot, shared.win, 0)
			shared.await(t, "the focus", func() bool {
				f, err := xproto.GetInputFocus(shared.x.Conn).Reply()
				return err == nil && f.Focus == shared.win
			})
			place := at(shared.win)
			menu := shared.raw(t, image.Rectangle{Min: place.Add(image.Pt(150, 20)), Max: place.Add(image.Pt(300, 80))}, 0x0000aa, true, 0)
			a.until("the menu, over the edge", func() bool {
				o := at(menu).Sub(a.rect(0).Min)
				return a.pixel(0, o.X+140, o.Y+30) == 0x0000aa
			})
			of := func() screen.Picture { p, _ := a.canvas.Layout().Find(0); return p }
			window := image.Rect(0, 0, 200, 150)
			if p := of(); p.Main != window || p.Over != image.Rect(150, 20, 300, 80) {
				t.Errorf("a window at %v, a menu at %v are told", p.Main, p.Over)
			}
			foreign := x.victim(t, "other", image.Rect(0, 0, 20, 20), forbidden)
			foreign.raw(t, image.Rectangle{Min: place, Max: place.Add(image.Pt(90, 90))}, forbidden, true, shared.win)
			a.until("still its own colour", func() bool { return a.pixel(0, 10, 10) == 0x204060 })
			if _, ok := a.src.Group().has(menu); !ok {
				t.Error("the fence does not know the menu")
			}
			xproto.DestroyWindow(shared.x.Conn, menu)
			shared.x.Sync()
			a.until("no menu", func() bool { return of().Over.Empty() })
			if p := of(); p.Main != window || p.Rect.Dx() != 300 {
				t.Errorf("without the menu the window is told to be %v of %v", p.Main, p.Rect)
			}

			// Moved, resized, hidden, shown, closed, opened anew.
			xproto.ConfigureWindow(shared.x.Conn, shared.win, xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight, []uint32{60, 70, 260, 180})
			a.until("its new place and size", func() bool {
				r, _, err := shared.x.stands(shared.win)
				return err == nil && r.Dx() == 260 && a.rect(0) == r && a.pixel(0, 255, 175) == 0x204060
			})
			xproto.UnmapWindow(shared.x.Conn, shared.win)
			a.until("a card", func() bool { return a.pixel(0, 5, 5) == cardPaper })
			xproto.MapWindow(shared.x.Conn, shared.win)
			a.until("the window again", func() bool { return a.pixel(0, 5, 5) == 0x204060 })
			xproto.DestroyWindow(shared.x.Conn, shared.win)
			a.until("a card for good", func() bool { return a.pixel(0, 5, 5) == cardPaper })
			shared.open(t, "shared", image.Rect(50, 60, 250, 200), 0x204060)
			a.until("the window that came back", func() bool { return a.pixel(0, 5, 5) == 0x204060 })
		})
	}
}

// raw opens a window that is a menu (override) or says that it belongs to another.
func (v *victim) raw(t *testing.T, at image.Rectangle, colour uint32, override bool, of xproto.Window) xproto.Window {
	t.Helper()
	c := v.x.Conn
	w, err := xproto.NewWindowId(c)
	if err != nil {
		t.Fatal(err)
	}
	over := uint32(0)
	if override {
		over = 1
	}
	xproto.CreateWindow(c, 0, w, v.x.root, int16(at.Min.X), int16(at.Min.Y), uint16(at.Dx()), uint16(at.Dy()), 0,
		xproto.WindowClassInputOutput, 0, xproto.CwBackPixel|xproto.CwOverrideRedirect, []uint32{colour, over})
	if of != 0 {
		value := []byte{byte(of), byte(of >> 8), byte(of >> 16), byte(of >> 24)}
		xproto.ChangeProperty(c, xproto.PropModeReplace, w, xproto.AtomWmTransientFor, xproto.AtomWindow, 32, 1, value)
	}
	xproto.MapWindow(c, w)
	v.x.Sync()
	return w
}

func TestWindowsNotFound(t *testing.T) {
	x := startX(t, "320x200x24")
	x.victim(t, "shared one", image.Rect(0, 0, 50, 50), 1)
	two := x.victim(t, "shared two", image.Rect(60, 0, 110, 50), 1)
	for pattern, want := range map[string]struct {
		words   string
		several bool
	}{"nothing": {"no window matches", false}, "shared": {"several windows match", true}, "0x12": {"no window matches", false}} {
		_, err := OpenWindows(WindowsOptions{Display: x.display, Windows: []string{pattern}})
		var none *NoWindow
		if !errors.As(err, &none) || none.Several != want.several || !strings.Contains(err.Error(), want.words) || !strings.Contains(none.Hint(), "shared two") {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	a := x.share(t, "shared one", (&Toplevel{ID: screen.WindowID(two.win)}).String()[:len("0x")+strings.IndexByte((&Toplevel{ID: screen.WindowID(two.win)}).String()[2:], ' ')])
	a.until("two pictures", func() bool { return a.canvas.Layout() != nil })
	if l := a.canvas.Layout().Pictures; len(l) != 2 || l[0].Rect != image.Rect(0, 0, 50, 50) || l[1].Rect != image.Rect(60, 0, 110, 50) || l[1].Name != "shared two" {
		t.Errorf("%+v", l)
	}
}
