package x11

import (
	"fmt"
	"image"
	"slices"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// Manager is the least window manager that makes one program useful on a
// display of its own: its windows fill the screen, its dialogs stand in the
// middle, what came last is on top and has the keyboard. There are no frames.
type Manager struct {
	x     *client
	size  image.Point
	order []*managed // the last one is on top
	ended chan struct{}
}

// managed is one window. A dialog keeps its size.
type managed struct {
	win    xproto.Window
	dialog bool
	size   image.Point
}

// OpenManager manages a display that nobody manages yet. Errors wrap
// screen.ErrNoDisplay.
func OpenManager(display, authority string) (*Manager, error) {
	x, err := connect(display, authority)
	if err != nil {
		return nil, err
	}
	m := &Manager{x: x, ended: make(chan struct{}), size: image.Pt(int(x.screen.WidthInPixels), int(x.screen.HeightInPixels))}
	// Only one client may have SubstructureRedirect: the server refuses a second.
	err = xproto.ChangeWindowAttributesChecked(x.Conn, x.root, xproto.CwEventMask, []uint32{
		xproto.EventMaskSubstructureRedirect | xproto.EventMaskSubstructureNotify | xproto.EventMaskStructureNotify,
	}).Check()
	if err != nil {
		x.close()
		x.drain()
		return nil, fmt.Errorf("%w: another window manager runs on %s: %w", screen.ErrNoDisplay, display, err)
	}
	go m.run()
	return m, nil
}

// Close lets the display go.
func (m *Manager) Close() error {
	m.x.close()
	<-m.ended
	return nil
}

// run handles events until the connection ends. Errors tell of windows that
// went away meanwhile.
func (m *Manager) run() {
	defer close(m.ended)
	for {
		ev, xerr := m.x.WaitForEvent()
		if ev == nil && xerr == nil {
			return
		}
		m.handle(ev)
	}
}

func (m *Manager) handle(ev xgb.Event) {
	switch e := ev.(type) {
	case xproto.MapRequestEvent:
		m.show(e.Window)
	case xproto.ConfigureRequestEvent:
		m.asked(e)
	case xproto.UnmapNotifyEvent:
		m.gone(e.Window)
	case xproto.DestroyNotifyEvent:
		m.gone(e.Window)
	case xproto.ConfigureNotifyEvent:
		if size := image.Pt(int(e.Width), int(e.Height)); e.Window == m.x.root && size != m.size {
			m.size = size
			for _, w := range m.order {
				m.place(w)
			}
		}
	}
}

func (m *Manager) find(win xproto.Window) *managed {
	for _, w := range m.order {
		if w.win == win {
			return w
		}
	}
	return nil
}

// show maps a window in its place.
func (m *Manager) show(win xproto.Window) {
	w := m.find(win)
	if w == nil {
		g, err := xproto.GetGeometry(m.x.Conn, xproto.Drawable(win)).Reply()
		if err != nil {
			return
		}
		_, dialog := m.x.windowProperty(win, xproto.AtomWmTransientFor)
		w = &managed{win: win, dialog: dialog, size: image.Pt(int(g.Width), int(g.Height))}
		m.order = append(m.order, w)
	}
	m.place(w)
	xproto.MapWindow(m.x.Conn, win)
	m.raise()
}

// place gives a window its size and place.
func (m *Manager) place(w *managed) {
	r := image.Rectangle{Max: m.size}
	if w.dialog {
		size := within(w.size, m.size)
		r = image.Rectangle{Max: size}.Add(m.size.Sub(size).Div(2))
	}
	xproto.ConfigureWindow(m.x.Conn, w.win,
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight|xproto.ConfigWindowBorderWidth,
		[]uint32{uint32(r.Min.X), uint32(r.Min.Y), uint32(r.Dx()), uint32(r.Dy()), 0})
}

// raise puts the newest window on top and gives it the keyboard.
func (m *Manager) raise() {
	if n := len(m.order); n > 0 {
		top := m.order[n-1].win
		xproto.ConfigureWindow(m.x.Conn, top, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
		xproto.SetInputFocus(m.x.Conn, xproto.InputFocusPointerRoot, top, xproto.TimeCurrentTime)
	}
}

// asked is a window that wants another size: a dialog gets it.
func (m *Manager) asked(e xproto.ConfigureRequestEvent) {
	w := m.find(e.Window)
	switch {
	case w == nil: // not shown yet: what it likes
		m.obey(e)
		return
	case w.dialog:
		if e.ValueMask&xproto.ConfigWindowWidth != 0 {
			w.size.X = int(e.Width)
		}
		if e.ValueMask&xproto.ConfigWindowHeight != 0 {
			w.size.Y = int(e.Height)
		}
	}
	m.place(w)
	m.tell(w)
}

// obey does what a window asks for.
func (m *Manager) obey(e xproto.ConfigureRequestEvent) {
	var list []uint32
	for _, f := range []struct {
		bit   uint16
		value uint32
	}{
		{xproto.ConfigWindowX, uint32(int32(e.X))}, {xproto.ConfigWindowY, uint32(int32(e.Y))},
		{xproto.ConfigWindowWidth, uint32(e.Width)}, {xproto.ConfigWindowHeight, uint32(e.Height)},
		{xproto.ConfigWindowBorderWidth, uint32(e.BorderWidth)},
	} {
		if e.ValueMask&f.bit != 0 {
			list = append(list, f.value)
		}
	}
	mask := e.ValueMask &^ (xproto.ConfigWindowSibling | xproto.ConfigWindowStackMode)
	xproto.ConfigureWindow(m.x.Conn, e.Window, mask, list)
}

// tell says to a window where it is, as it asked for a change that may not have
// come (ICCCM, section 4.1.5).
func (m *Manager) tell(w *managed) {
	g, err := xproto.GetGeometry(m.x.Conn, xproto.Drawable(w.win)).Reply()
	if err != nil {
		return
	}
	e := xproto.ConfigureNotifyEvent{Event: w.win, Window: w.win, X: g.X, Y: g.Y, Width: g.Width, Height: g.Height}
	xproto.SendEvent(m.x.Conn, false, w.win, xproto.EventMaskStructureNotify, string(e.Bytes()))
}

// gone forgets a window; the one below it gets the keyboard.
func (m *Manager) gone(win xproto.Window) {
	n := len(m.order)
	m.order = slices.DeleteFunc(m.order, func(w *managed) bool { return w.win == win })
	if len(m.order) < n {
		m.raise()
	}
}
