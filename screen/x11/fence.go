package x11

import (
	"image"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
	"sightline/screen/keysym"
)

// Reasons why the fence refuses.
const (
	refuseCovered = "covered" // another window is on top there, or has taken the pointer
	refuseFocus   = "focus"   // no shared window has the keyboard
	refuseHotKey  = "hot key" // the window manager or another program would take it
	refuseOutside = "outside" // no shared window is there
)

// fence confines an Injector to the windows of a Group. It looks and acts while
// the server is grabbed: no other program, and no window manager, can bring a
// window under the pointer or move the focus in between. Whatever goes wrong
// while it looks means no.
//
// What is left: the person's own hand on the hardware, within the microseconds
// between look and act; and what a shared program itself opens.
type fence struct {
	x      *client
	group  *Group
	fixed  []xproto.Window // of Fence; nil: a Windows keeps the group
	probe  xproto.Window   // never shown
	raise  bool            // a covered window may be asked to come forward
	active xproto.Atom
	raised time.Time
	aim    xproto.Window // while a button goes down: the shared window that gets it
	asked  time.Time     // when a click last asked for the focus

	pointerGrab, keyGrab menuGrab
}

func newFence(x *client, g *Group, raise bool) (*fence, error) {
	f := &fence{x: x, group: g, raise: raise}
	const name = "_NET_ACTIVE_WINDOW"
	r, err := xproto.InternAtom(x.Conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		return nil, err
	}
	f.active = r.Atom
	if f.probe, err = xproto.NewWindowId(x.Conn); err != nil {
		return nil, err
	}
	return f, xproto.CreateWindowChecked(x.Conn, 0, f.probe, x.root, -1, -1, 1, 1, 0, xproto.WindowClassInputOnly, 0, 0, nil).Check()
}

// fix makes the group of a list of windows, as they stand now.
func (f *fence) fix() {
	if f.fixed == nil {
		return
	}
	var pics []grouped
	for n, w := range f.fixed {
		if rect, _, err := f.x.stands(w); err == nil {
			pics = append(pics, grouped{id: screen.PictureID(n), rect: rect, wins: []xproto.Window{w}})
		}
	}
	f.group.set(pics)
}

// enter keeps everybody else out until the returned function is called.
func (f *fence) enter() (leave func()) {
	xproto.GrabServer(f.x.Conn)
	return func() {
		xproto.UngrabServer(f.x.Conn)
		f.x.Sync()
	}
}

// under is the shared window, or the menu or dialog of one, that an event at a
// place of the root would reach; 0: none. The server looks as it would for an
// event, so shapes count.
func (f *fence) under(at image.Point) xproto.Window {
	w := f.x.root
	for range treeDeep {
		t, err := xproto.TranslateCoordinates(f.x.Conn, f.x.root, w, int16(at.X), int16(at.Y)).Reply()
		if err != nil || t.Child == 0 {
			return 0
		}
		if _, ok := f.group.has(t.Child); ok {
			return t.Child
		}
		w = t.Child
	}
	return 0
}

// freeKeys tells whether nobody has taken the keyboard for himself. The probe is
// never shown, so asking for it never succeeds: the answer is what matters.
func (f *fence) freeKeys() bool {
	r, err := xproto.GrabKeyboard(f.x.Conn, false, f.probe, 0, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
	return err == nil && r.Status == xproto.GrabStatusNotViewable
}

// confine tells whether a key may go down. It was chosen before others were kept
// out: if the modifiers have changed since, it would be another key.
func (i *Injector) confine(s keysym.Sym, c choice, mask uint16) error {
	q, err := xproto.QueryPointer(i.x.Conn, i.x.root).Reply()
	if err != nil {
		return &screen.Refused{Reason: refuseFocus}
	}
	i.fence.fix()
	if (q.Mask^mask)&(0xff|groupBits) != 0 {
		return &screen.Refused{Reason: refuseHotKey}
	}
	if reason := i.fence.mayPress(s, c.code, i.after(c, mask)&^c.spoils); reason != "" {
		return &screen.Refused{Reason: reason}
	}
	return nil
}

// mayPress tells why a key must not go down; mods are those that it goes down with.
func (f *fence) mayPress(s keysym.Sym, code byte, mods uint16) string {
	chain, on, ok := f.focus()
	switch {
	case !ok:
		return refuseFocus
	case !f.mayType(f.freeKeys()):
		return refuseFocus
	case forServer(s, mods):
		return refuseHotKey
	}
	for _, w := range chain {
		if f.taken(w, code, mods) {
			return refuseHotKey
		}
	}
	f.group.act(on)
	return ""
}

// focus tells whether keys go to a shared window, and all windows on the way from
// the one that gets them up to the root: each may have a hot key.
func (f *fence) focus() (chain []xproto.Window, on screen.PictureID, ok bool) {
	r, err := xproto.GetInputFocus(f.x.Conn).Reply()
	if err != nil || r.Focus == xproto.InputFocusNone {
		return nil, 0, false
	}
	w := r.Focus
	if w == xproto.InputFocusPointerRoot { // keys go to where the pointer is
		var there bool
		if w, there = f.pointed(); !there {
			return nil, 0, false
		}
	}
	for range treeDeep {
		chain = append(chain, w)
		if id, is := f.group.has(w); is {
			on, ok = id, true
		}
		if w == f.x.root {
			return chain, on, ok
		}
		t, err := xproto.QueryTree(f.x.Conn, w).Reply()
		if err != nil {
			return nil, 0, false
		}
		w = t.Parent
	}
	return nil, 0, false
}

// pointed is the shared window under the pointer.
func (f *fence) pointed() (xproto.Window, bool) {
	w := f.x.root
	for range treeDeep {
		q, err := xproto.QueryPointer(f.x.Conn, w).Reply()
		if err != nil || q.Child == 0 {
			return 0, false
		}
		if _, ok := f.group.has(q.Child); ok {
			return q.Child, true
		}
		w = q.Child
	}
	return 0, false
}

// taken tells whether a key is somebody's hot key on a window: only then, the
// server refuses it to us.
func (f *fence) taken(w xproto.Window, code byte, mods uint16) bool {
	err := xproto.GrabKeyChecked(f.x.Conn, false, w, mods&0xff, xproto.Keycode(code), xproto.GrabModeAsync, xproto.GrabModeAsync).Check()
	if err != nil {
		return true // also if it was another error
	}
	return xproto.UngrabKeyChecked(f.x.Conn, xproto.Keycode(code), w, mods&0xff).Check() != nil
}

// forServer tells whether the X server itself acts on a key: it changes to another
// console, ends, or breaks grabs.
func forServer(s keysym.Sym, mods uint16) bool {
	const (
		f1, f12     = 0xffbe, 0xffc9
		backspace   = 0xff08
		terminate   = 0xfed5
		serverFirst = 0x1008fe01 // XF86Switch_VT_1
		serverLast  = 0x1008fe23 // XF86Prev_VMode
	)
	both := mods&xproto.ModMaskControl != 0 && mods&xproto.ModMask1 != 0
	return s == terminate || s >= serverFirst && s <= serverLast || both && (s >= f1 && s <= f12 || s == backspace)
}
