package x11

import (
	"errors"
	"image"
	"net"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

var errWindowClosed = errors.Join(errors.New("the window was closed"), net.ErrClosed)

// setFull asks the window manager for full screen; where there is none the
// window takes the screen itself.
func (w *Window) setFull(on bool) {
	if !w.x.managed(w.atoms) {
		w.takeScreen(on)
		return
	}
	action := uint32(0)
	if on {
		action = 1
	}
	if !w.look.mapped {
		// Before a window is mapped the property itself is the wish (EWMH).
		b := []byte{byte(w.atoms.fullscreen), byte(w.atoms.fullscreen >> 8), byte(w.atoms.fullscreen >> 16), byte(w.atoms.fullscreen >> 24)}
		xproto.ChangeProperty(w.x.Conn, xproto.PropModeReplace, w.win, w.atoms.netState, xproto.AtomAtom, 32, uint32(len(b)/4)*action, b[:4*action])
	}
	e := xproto.ClientMessageEvent{
		Format: 32, Window: w.win, Type: w.atoms.netState,
		Data: xproto.ClientMessageDataUnionData32New([]uint32{action, uint32(w.atoms.fullscreen), 0, 1, 0}),
	}
	xproto.SendEvent(w.x.Conn, false, w.x.root, xproto.EventMaskSubstructureRedirect|xproto.EventMaskSubstructureNotify, string(e.Bytes()))
}

// takeScreen is full screen without a window manager.
func (w *Window) takeScreen(on bool) {
	if on {
		size, err := w.x.rootSize()
		if err != nil {
			return
		}
		// Not view.window: an event about an earlier change may still be coming.
		if g, err := xproto.GetGeometry(w.x.Conn, xproto.Drawable(w.win)).Reply(); err == nil {
			at := image.Pt(int(g.X), int(g.Y))
			w.back = image.Rectangle{Min: at, Max: at.Add(image.Pt(int(g.Width), int(g.Height)))}
		}
		w.place(image.Rectangle{Max: size})
		xproto.ConfigureWindow(w.x.Conn, w.win, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
		xproto.SetInputFocus(w.x.Conn, xproto.InputFocusPointerRoot, w.win, xproto.TimeCurrentTime)
	} else {
		w.place(w.back)
	}
	w.fullNow(on)
}

func (w *Window) place(r image.Rectangle) {
	xproto.ConfigureWindow(w.x.Conn, w.win,
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{uint32(r.Min.X), uint32(r.Min.Y), uint32(r.Dx()), uint32(r.Dy())})
}

// resizeTo gives the window the picture's size, or what the screen has room for.
func (w *Window) resizeTo(size image.Point) {
	room, err := w.x.rootSize()
	if err != nil || w.look.full || w.state.FullScreen {
		return
	}
	size = within(size, image.Pt(room.X*9/10, room.Y*9/10))
	w.back = image.Rectangle{Max: size}
	xproto.ConfigureWindow(w.x.Conn, w.win, xproto.ConfigWindowWidth|xproto.ConfigWindowHeight, []uint32{uint32(size.X), uint32(size.Y)})
}

// readFull looks whether the window manager has made the window fill the
// screen; it has keys of its own for that.
func (w *Window) readFull() {
	r, err := xproto.GetProperty(w.x.Conn, false, w.win, w.atoms.netState, xproto.AtomAtom, 0, 32).Reply()
	if err != nil {
		return
	}
	full := false
	for v := r.Value; len(v) >= 4; v = v[4:] {
		if uint32(v[0])|uint32(v[1])<<8|uint32(v[2])<<16|uint32(v[3])<<24 == uint32(w.atoms.fullscreen) {
			full = true
		}
	}
	w.fullNow(full)
}

func (w *Window) fullNow(on bool) {
	w.look.full = on
	w.regrab()
}

// onMap takes the keyboard where no window manager gives it.
func (w *Window) onMap() {
	if !w.x.managed(w.atoms) {
		xproto.SetInputFocus(w.x.Conn, xproto.InputFocusPointerRoot, w.win, xproto.TimeCurrentTime)
	}
}

func (w *Window) setGrab(g screen.Grab) {
	w.hand.grab, w.hand.released = g, false
	w.regrab()
}

// regrab takes or gives back the keyboard, by the rule of UX.md: in full
// screen, or always, while the window has the focus and until Ctrl+Alt.
func (w *Window) regrab() {
	h := &w.hand
	want := h.focused && !h.released && !w.state.ViewOnly &&
		(h.grab == screen.GrabAlways || h.grab == screen.GrabFullscreen && w.look.full)
	if want == h.grabbed {
		return
	}
	if !want {
		xproto.UngrabKeyboard(w.x.Conn, xproto.TimeCurrentTime)
		h.grabbed = false
		return
	}
	r, err := xproto.GrabKeyboard(w.x.Conn, false, w.win, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
	// Another grab may be on (a window manager's, of the key that brought us
	// the focus): the next key or click tries again.
	h.grabbed = err == nil && r.Status == xproto.GrabStatusSuccess
}
