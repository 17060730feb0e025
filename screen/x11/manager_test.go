package x11

import (
	"encoding/binary"
	"image"
	"testing"

	"github.com/jezek/xgb/xproto"
)

// top makes a window as a program does, mapped; of is the window whose dialog it is.
func (p *painter) top(size image.Point, of xproto.Window) xproto.Window {
	w, err := xproto.NewWindowId(p.x.Conn)
	if err != nil {
		p.t.Fatal(err)
	}
	xproto.CreateWindow(p.x.Conn, 0, w, p.x.root, 7, 7, uint16(size.X), uint16(size.Y), 3, xproto.WindowClassInputOutput, 0, 0, nil)
	if of != 0 {
		xproto.ChangeProperty(p.x.Conn, xproto.PropModeReplace, w, xproto.AtomWmTransientFor, xproto.AtomWindow, 32, 1, binary.LittleEndian.AppendUint32(nil, uint32(of)))
	}
	xproto.MapWindow(p.x.Conn, w)
	p.x.Sync()
	return w
}

// stands tells where a window is, without its border.
func (p *painter) stands(w xproto.Window) image.Rectangle {
	g, err := xproto.GetGeometry(p.x.Conn, xproto.Drawable(w)).Reply()
	if err != nil {
		p.t.Fatal(err)
	}
	at := image.Pt(int(g.X)+int(g.BorderWidth), int(g.Y)+int(g.BorderWidth))
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(int(g.Width), int(g.Height)))}
}

func TestManager(t *testing.T) {
	t.Parallel()
	x := startX(t, "640x480x24")
	m, err := OpenManager(x.display, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenManager(x.display, ""); err == nil {
		t.Error("a second manager runs")
	}
	p := x.painter(t)
	is := func(what string, w xproto.Window, want image.Rectangle, focus xproto.Window) {
		t.Helper()
		waitFor(t, what, func() bool {
			f, err := xproto.GetInputFocus(p.x.Conn).Reply()
			return err == nil && p.stands(w) == want && f.Focus == focus
		})
	}
	main := p.top(image.Pt(100, 50), 0)
	is("the program fills the screen", main, image.Rect(0, 0, 640, 480), main)
	dialog := p.top(image.Pt(200, 100), main)
	is("its dialog stands in the middle", dialog, image.Rect(220, 190, 420, 290), dialog)
	xproto.ConfigureWindow(p.x.Conn, dialog, xproto.ConfigWindowWidth, []uint32{1280})
	is("not larger than the screen, in its shape", dialog, image.Rect(0, 215, 640, 265), dialog)
	xproto.ConfigureWindow(p.x.Conn, dialog, xproto.ConfigWindowWidth|xproto.ConfigWindowHeight, []uint32{100, 80})
	is("a dialog chooses its size", dialog, image.Rect(270, 200, 370, 280), dialog)
	xproto.ConfigureWindow(p.x.Conn, main, xproto.ConfigWindowWidth|xproto.ConfigWindowX, []uint32{30, 100})
	x.resize(t, image.Pt(400, 300))
	is("a program does not, and follows the screen", main, image.Rect(0, 0, 400, 300), dialog)
	is("so does its dialog", dialog, image.Rect(150, 110, 250, 190), dialog)
	xproto.DestroyWindow(p.x.Conn, dialog)
	is("the keyboard goes back", main, image.Rect(0, 0, 400, 300), main)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
