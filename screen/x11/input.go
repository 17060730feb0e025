package x11

import (
	"image"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
	"sightline/screen/keysym"
)

// hand is the person's hand on the window. Guarded by Window.mu.
type hand struct {
	keys    *keyboard
	down    map[byte]pressed
	buttons screen.Buttons
	at      screen.Pointer // told last
	dragged place          // picture on which the first button went down

	focused  bool
	grab     screen.Grab
	grabbed  bool
	released bool // by Ctrl+Alt, until the next focus or click
	tap      bool // Ctrl and Alt are down and nothing else came between
}

// pressed is a key that is down: what it meant when it went down, and when (ms
// of the server).
type pressed struct {
	sym   keysym.Sym
	since xproto.Timestamp
}

// forget drops what is about pictures that are gone.
func (h *hand) forget(s *store) {
	if p, ok := s.find(h.dragged.ID); ok {
		h.dragged = p
	} else {
		h.buttons = 0
	}
}

func (w *Window) keyDown(code byte, state uint16, at xproto.Timestamp) {
	h := &w.hand
	s := h.keys.lookup(code, state)
	if s == keysym.NoSymbol {
		return
	}
	if w.menu.open {
		w.menuKey(s)
		return
	}
	if s == keysym.F8 && state&(shiftBit|controlBit|h.keys.alt|h.keys.super) == 0 {
		w.openMenu()
		return
	}
	w.regrab()
	w.watchTap(s)
	if w.state.ViewOnly {
		return
	}
	k, repeated := h.down[code]
	if !repeated {
		k = pressed{s, at}
	}
	if h.down == nil {
		h.down = make(map[byte]pressed)
	}
	h.down[code] = k
	w.out.put(screen.Key{Sym: k.sym, Down: true}) // a repetition means what the press meant
}

func (w *Window) keyUp(code byte) {
	h := &w.hand
	k, ok := h.down[code]
	s := k.sym
	if h.tap && (!ok || isControl(s) || isAlt(s)) {
		h.tap, h.released = false, true
		w.regrab()
	}
	if ok {
		delete(h.down, code)
		w.out.put(screen.Key{Sym: s})
	}
}

// watchTap sees Ctrl and Alt go down together with nothing else.
func (w *Window) watchTap(s keysym.Sym) {
	h := &w.hand
	h.tap = false
	if !isControl(s) && !isAlt(s) {
		return
	}
	control, alt := isControl(s), isAlt(s)
	for _, d := range h.down {
		if !isControl(d.sym) && !isAlt(d.sym) {
			return
		}
		control, alt = control || isControl(d.sym), alt || isAlt(d.sym)
	}
	h.tap = control && alt && h.grabbed
}

func isControl(s keysym.Sym) bool { return s == keysym.ControlL || s == keysym.ControlR }
func isAlt(s keysym.Sym) bool {
	return s == keysym.AltL || s == keysym.AltR || s == keysym.MetaL || s == keysym.MetaR
}

// liftAll tells that every key and button is up.
func (w *Window) liftAll() {
	h := &w.hand
	for code, k := range h.down {
		delete(h.down, code)
		w.out.put(screen.Key{Sym: k.sym})
	}
	h.tap = false
	if h.buttons != 0 {
		h.buttons = 0
		h.at.Buttons, h.at.Wheel = 0, image.Point{}
		w.out.put(h.at)
	}
}

// focus is the keyboard coming or going. Keys that are down when it goes
// count as up: their releases go to somebody else.
func (w *Window) focus(in bool) {
	h := &w.hand
	if in == h.focused {
		return
	}
	h.focused = in
	clear(h.down)
	h.tap = false
	if in {
		h.released = false
	}
	w.regrab()
	w.out.put(screen.Focus{In: in})
}

// Buttons of the core protocol: 4 to 7 are the wheels, 8 and 9 the thumb's.
var buttonBits = map[byte]screen.Buttons{
	1: screen.Left, 2: screen.Middle, 3: screen.Right, 8: screen.Back, 9: screen.Forward,
}

var wheelSteps = map[byte]image.Point{4: {Y: -1}, 5: {Y: 1}, 6: {X: -1}, 7: {X: 1}}

func (w *Window) button(n byte, down bool, at image.Point) {
	h := &w.hand
	if down {
		w.takeFocus()
	}
	if w.menu.open {
		w.menuClick(n, down, at)
		return
	}
	if w.state.ViewOnly {
		return
	}
	if step, ok := wheelSteps[n]; ok {
		if down {
			w.point(at, h.buttons, step)
		}
		return
	}
	bit := buttonBits[n]
	switch {
	case bit == 0:
	case down:
		w.point(at, h.buttons|bit, image.Point{})
	case h.buttons&bit != 0:
		w.point(at, h.buttons&^bit, image.Point{})
	}
}

// takeFocus is what a click does: the keys are ours again, and where no window
// manager does it the window takes the focus.
func (w *Window) takeFocus() {
	w.hand.released = false
	if !w.hand.focused && !w.x.managed(w.atoms) {
		xproto.SetInputFocus(w.x.Conn, xproto.InputFocusPointerRoot, w.win, xproto.TimeCurrentTime)
	}
	w.regrab()
}

func (w *Window) motion(at image.Point) {
	if w.menu.open {
		w.menuPoint(at)
		return
	}
	w.panTowards(at)
	w.point(at, w.hand.buttons, image.Point{})
}

// point tells where the pointer is. Beside the pictures it is nowhere, unless
// a button is down: then it stays at the edge of the picture it began on.
func (w *Window) point(at image.Point, buttons screen.Buttons, wheel image.Point) {
	h := &w.hand
	src := w.view.source(at)
	p := h.dragged
	if h.buttons == 0 {
		found := false
		if p, found = w.store.under(src); !found {
			return
		}
		h.dragged = p
	}
	r := p.at
	src.X = min(max(src.X, r.Min.X), r.Max.X-1)
	src.Y = min(max(src.Y, r.Min.Y), r.Max.Y-1)
	now := screen.Pointer{Picture: p.ID, At: src.Sub(r.Min), Buttons: buttons, Wheel: wheel}
	h.buttons = buttons
	if now == h.at && wheel == (image.Point{}) {
		return
	}
	h.at = now
	w.out.put(now)
}

// under is the picture at a point of the store.
func (s *store) under(p image.Point) (place, bool) {
	for _, q := range s.pics {
		if p.In(q.at) {
			return q, true
		}
	}
	return place{}, false
}

// panEdge is how near the window's edge, in px, the pointer must come to see
// more of a picture that is larger than the window.
const panEdge = 8

// panTowards moves a larger picture by a quarter of the window when the
// pointer comes to the edge.
func (w *Window) panTowards(at image.Point) {
	v := &w.view
	if v.scale != screen.OneToOne {
		return
	}
	was := v.pan
	v.pan.X += edgeStep(at.X, v.window.X)
	v.pan.Y += edgeStep(at.Y, v.window.Y)
	if v.fit(); v.pan != was {
		w.refit()
	}
}

func edgeStep(at, size int) int {
	switch {
	case at < panEdge:
		return -size / 4
	case at >= size-panEdge:
		return size / 4
	}
	return 0
}
