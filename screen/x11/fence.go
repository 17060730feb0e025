package x11

import (
	"encoding/binary"
	"image"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"sightline/screen"
	"sightline/screen/keysym"
)

// Reasons why the fence refuses.
const (
	refuseCovered = "covered" // another window is on top there, or has taken the pointer
	refuseFocus   = "focus"   // no shared window has the keyboard
	refuseHotKey  = "hotkey"  // the window manager or another program would take it
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
	keeps  bool      // the window manager holds every click for a moment, also on the window with the focus
	asked  time.Time // settle

	stirred *atomic.Int64 // when windows on the root moved or changed their order, UnixNano
}

func newFence(x *client, g *Group, raise bool, stirred *atomic.Int64) (*fence, error) {
	f := &fence{x: x, group: g, raise: raise, stirred: stirred}
	const name = "_NET_ACTIVE_WINDOW"
	r, err := xproto.InternAtom(x.Conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		return nil, err
	}
	f.active = r.Atom
	if f.probe, err = xproto.NewWindowId(x.Conn); err != nil {
		return nil, err
	}
	err = xproto.ChangeWindowAttributesChecked(x.Conn, x.root, xproto.CwEventMask, []uint32{
		xproto.EventMaskStructureNotify | xproto.EventMaskSubstructureNotify,
	}).Check()
	if err != nil {
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
			pics = append(pics, grouped{screen.PictureID(n), rect, []xproto.Window{w}})
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

// under tells whether the topmost window at a place of the root is a shared one.
// The server looks as it would for an event, so shapes count.
func (f *fence) under(at image.Point) bool {
	w := f.x.root
	for range treeDeep {
		t, err := xproto.TranslateCoordinates(f.x.Conn, f.x.root, w, int16(at.X), int16(at.Y)).Reply()
		if err != nil || t.Child == 0 {
			return false
		}
		if _, ok := f.group.has(t.Child); ok {
			return true
		}
		w = t.Child
	}
	return false
}

// free tells whether nobody has taken the pointer for himself. The probe is never
// shown, so asking for it never succeeds: the answer is what matters.
func (f *fence) free() bool {
	r, err := xproto.GrabPointer(f.x.Conn, false, f.probe, 0, xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, 0).Reply()
	return err == nil && r.Status == xproto.GrabStatusNotViewable
}

// freeKeys is free for the keyboard.
func (f *fence) freeKeys() bool {
	r, err := xproto.GrabKeyboard(f.x.Conn, false, f.probe, 0, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
	return err == nil && r.Status == xproto.GrabStatusNotViewable
}

// point is Pointer within the fence.
func (i *Injector) point(p screen.Pointer) error {
	f := i.fence
	f.fix()
	rect, ok := f.group.place(p.Picture)
	at := p.At.Add(rect.Min)
	if ok && i.buttons != 0 && !rect.Empty() { // a button that is held keeps the pointer in
		at.X = min(max(at.X, rect.Min.X), rect.Max.X-1)
		at.Y = min(max(at.Y, rect.Min.Y), rect.Max.Y-1)
	}
	if !ok || !at.In(rect) {
		i.setButtons(i.buttons & p.Buttons)
		return &screen.Refused{Reason: refuseOutside}
	}
	reason := i.pointAt(p, at)
	if reason == heldBack {
		reason = refuseFocus
		if f.settle(f.group.main(p.Picture), at, p) {
			reason = i.pointAt(p, at)
		}
	}
	if reason == heldBack {
		reason = refuseFocus
	}
	if reason == "" {
		return i.check()
	}
	if reason == refuseCovered && p.Buttons != 0 {
		f.bringForward(f.group.main(p.Picture))
	}
	return &screen.Refused{Reason: reason}
}

// pointAt looks and acts in one step. It returns why not.
func (i *Injector) pointAt(p screen.Pointer, at image.Point) (reason string) {
	f := i.fence
	presses := p.Buttons&^i.buttons != 0 || p.Wheel != image.Point{}
	defer f.enter()()
	if reason = f.mayPoint(p, at, presses, i.buttons != 0); reason != "" {
		i.setButtons(i.buttons & p.Buttons) // what came up comes up
		return reason
	}
	xtest.FakeInput(i.x.Conn, xproto.MotionNotify, 0, 0, i.x.root, int16(at.X), int16(at.Y), 0)
	if presses && !f.pressable(at) {
		i.setButtons(i.buttons & p.Buttons)
		return refuseCovered
	}
	if presses {
		f.group.act(p.Picture)
	}
	i.setButtons(p.Buttons)
	i.turn(p.Wheel.Y, 4, 5)
	i.turn(p.Wheel.X, 6, 7)
	return ""
}

// mayPoint tells why the pointer must not go to a place, or press there.
func (f *fence) mayPoint(p screen.Pointer, at image.Point, presses, holds bool) string {
	if !f.under(at) {
		if rect, _, err := f.x.stands(f.group.main(p.Picture)); err == nil && at.In(rect) {
			return refuseCovered
		}
		return refuseOutside
	}
	if !presses {
		return ""
	}
	q, err := xproto.QueryPointer(f.x.Conn, f.x.root).Reply()
	switch {
	case err != nil:
		return refuseCovered
	case q.Mask&(xproto.KeyButMaskMod1|xproto.KeyButMaskMod4) != 0:
		return refuseHotKey // with Alt or Super the window manager takes clicks
	case !holds && !f.group.menu() && !f.free():
		return refuseCovered
	case !holds && !(f.keeps && f.quiet()) && f.holdsBack(at, p, q.Mask):
		return heldBack
	}
	return ""
}

// heldBack is no reason for people: the window manager would get the click first,
// raise the window or give it the focus, and then let the server deliver it anew:
// to what stands on top by that time.
const heldBack = "held back"

// holdsBack tells whether somebody else gets a click before the window does.
func (f *fence) holdsBack(at image.Point, p screen.Pointer, mask uint16) bool {
	w := f.x.root
	for range treeDeep {
		if f.clickTaken(w, p, mask) {
			return true
		}
		if _, ok := f.group.has(w); ok {
			return false // what a program does in its own windows is its own
		}
		t, err := xproto.TranslateCoordinates(f.x.Conn, f.x.root, w, int16(at.X), int16(at.Y)).Reply()
		if err != nil || t.Child == 0 {
			return true
		}
		w = t.Child
	}
	return true
}

func (f *fence) clickTaken(w xproto.Window, p screen.Pointer, mask uint16) bool {
	for n := byte(1); n <= 9; n++ {
		wheel := n >= 4 && n <= 7 && p.Wheel != image.Point{}
		if p.Buttons&buttonBits[n] == 0 && !wheel {
			continue
		}
		err := xproto.GrabButtonChecked(f.x.Conn, false, w, 0, xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, n, mask&0xff).Check()
		if err != nil || xproto.UngrabButtonChecked(f.x.Conn, n, w, mask&0xff).Check() != nil {
			return true
		}
	}
	return false
}

// How long settle waits for a window manager, how often it looks, and how long it
// must be sure of the focus before it believes that clicks are always held.
const (
	settleIn   = 600 * time.Millisecond
	settleLook = 5 * time.Millisecond
	settleSure = 40 // looks in a row
	settleEach = time.Second
)

// still is how long nothing may have moved before a click is left to a window
// manager that holds it: it takes a few milliseconds, in which another window must
// not come on top.
const still = 250 * time.Millisecond

func (f *fence) quiet() bool { return time.Since(time.Unix(0, f.stirred.Load())) >= still }

// settle gives a window the focus, which its place on top allows a click to do, and
// waits until the window manager no longer holds clicks back. Some hold them
// always: then there is nothing to wait for. While others move the focus about it
// does not settle, and the answer is no.
func (f *fence) settle(w xproto.Window, at image.Point, p screen.Pointer) bool {
	if time.Since(f.asked) < settleEach {
		return false
	}
	f.asked = time.Now()
	if _, _, ok := f.focus(); !ok {
		f.activate(w)
	}
	sure, stirred := 0, f.stirred.Load()
	for time.Since(f.asked) < settleIn {
		settle(settleLook)
		if f.keeps && f.stirred.Load() != stirred {
			return false // somebody is at it
		}
		q, err := xproto.QueryPointer(f.x.Conn, f.x.root).Reply()
		if err != nil {
			return false
		}
		if !f.holdsBack(at, p, q.Mask) {
			return true
		}
		if _, _, ok := f.focus(); !ok {
			sure = 0
			continue
		}
		if sure++; sure >= settleSure {
			f.keeps = true
		}
		if f.keeps && f.quiet() {
			return true
		}
	}
	return false
}

// pressable looks once more, where the pointer really went.
func (f *fence) pressable(at image.Point) bool {
	q, err := xproto.QueryPointer(f.x.Conn, f.x.root).Reply()
	if err != nil {
		return false
	}
	real := image.Pt(int(q.RootX), int(q.RootY))
	return q.SameScreen && (real == at || f.under(real))
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
	case !f.freeKeys() && !f.group.menu():
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

// raiseEach is how often a covered window is asked for at most.
const raiseEach = time.Second

// bringForward asks the window manager for a window, if the host allowed it.
func (f *fence) bringForward(w xproto.Window) {
	if !f.raise || w == 0 || time.Since(f.raised) < raiseEach {
		return
	}
	f.raised = time.Now()
	f.activate(w)
}

// activate asks the window manager to bring a window to the front and give it the
// focus; where there is none, it is raised.
func (f *fence) activate(w xproto.Window) {
	names, err := f.x.intern()
	if err != nil {
		return
	}
	if !f.x.managed(names) {
		xproto.ConfigureWindow(f.x.Conn, w, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
		return
	}
	const fromPager = 2
	ev := make([]byte, 32)
	ev[0], ev[1] = xproto.ClientMessage, 32
	binary.LittleEndian.PutUint32(ev[4:], uint32(w))
	binary.LittleEndian.PutUint32(ev[8:], uint32(f.active))
	binary.LittleEndian.PutUint32(ev[12:], fromPager)
	xproto.SendEvent(f.x.Conn, false, f.x.root, xproto.EventMaskSubstructureRedirect|xproto.EventMaskSubstructureNotify, string(ev))
}
