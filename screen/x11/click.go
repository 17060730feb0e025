package x11

import (
	"encoding/binary"
	"image"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"sightline/screen"
)

// How a click gets past the window manager.
//
// Window managers that give the focus by a click ask the server for it first, by a
// passive grab on the window, its frame or the root: they raise the window and then
// have the server deliver the click anew, to whatever is on top by that time. With a
// hostile program restacking, one click in ten reached the foreign window so (jwm).
//
// So no passive grab may see the click. While one client grabs the pointer actively
// the server looks at no passive grab; and when that client lets an event that froze
// the pointer be processed anew (AllowEvents with ReplayPointer), the server passes
// over all passive grabs at and above the window of the grab (X11 protocol,
// AllowEvents). All of it happens while the server is grabbed:
//
//	GrabPointer  on the shared window, synchronous   nobody else has the pointer
//	AllowEvents  SyncPointer                         freeze at the next button
//	FakeInput    ButtonPress                         reported to us, frozen
//	AllowEvents  ReplayPointer                       delivered to the program
//	UngrabPointer                                    if anything of this failed: the click is gone
//
// Passive grabs below, of the program itself, work as ever (menus of Xt). What the
// window manager would have done for the click, the focus, is asked of it before, in
// the order of a click at the display itself: a program may close the menu that a
// click has opened when its window gets the focus afterwards.

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
	unfocused, reason := i.pointAt(p, at, time.Since(f.asked) >= focusEach)
	if unfocused != 0 {
		f.giveFocus(unfocused)
		_, reason = i.pointAt(p, at, false)
	}
	if reason == "" {
		return i.check()
	}
	if reason == refuseCovered && p.Buttons != 0 {
		f.bringForward(f.group.main(p.Picture))
	}
	return &screen.Refused{Reason: reason}
}

// pointAt looks and acts in one step. It tells why not; or, if asked to heed the
// focus, which window is to be clicked that has not got it, and does not click.
func (i *Injector) pointAt(p screen.Pointer, at image.Point, heed bool) (unfocused xproto.Window, reason string) {
	f := i.fence
	presses := p.Buttons&^i.buttons != 0 || p.Wheel != image.Point{}
	defer f.enter()()
	w, reason := f.mayPoint(p, at, presses)
	if reason != "" {
		i.setButtons(i.buttons & p.Buttons) // what came up comes up
		return 0, reason
	}
	xtest.FakeInput(i.x.Conn, xproto.MotionNotify, 0, 0, i.x.root, int16(at.X), int16(at.Y), 0)
	if !presses {
		if i.setButtons(p.Buttons); i.buttons == 0 {
			f.lookForGrab()
		}
		return 0, ""
	}
	if w = f.pressable(w, at); w == 0 {
		i.setButtons(i.buttons & p.Buttons)
		return 0, refuseCovered
	}
	if heed && p.Buttons&^i.buttons != 0 && !f.group.popup(w) && !f.focusOn(w) {
		return w, ""
	}
	f.group.act(p.Picture)
	f.aim = w
	defer func() { f.aim = 0 }()
	if !i.setButtons(p.Buttons) || !i.turn(p.Wheel.Y, 4, 5) || !i.turn(p.Wheel.X, 6, 7) {
		return 0, refuseCovered
	}
	return 0, ""
}

// mayPoint finds the shared window at a place, or tells why the pointer must not go
// or press there.
func (f *fence) mayPoint(p screen.Pointer, at image.Point, presses bool) (w xproto.Window, reason string) {
	if w = f.under(at); w == 0 {
		if rect, _, err := f.x.stands(f.group.main(p.Picture)); err == nil && at.In(rect) {
			return 0, refuseCovered
		}
		return 0, refuseOutside
	}
	if !presses {
		return w, ""
	}
	q, err := xproto.QueryPointer(f.x.Conn, f.x.root).Reply()
	switch {
	case err != nil:
		return 0, refuseCovered
	case q.Mask&(xproto.KeyButMaskMod1|xproto.KeyButMaskMod4) != 0:
		return 0, refuseHotKey // with Alt or Super a click is the window manager's
	}
	return w, ""
}

// pressable looks once more, where the pointer really went. It returns the window
// there; 0: none that is shared.
func (f *fence) pressable(w xproto.Window, at image.Point) xproto.Window {
	q, err := xproto.QueryPointer(f.x.Conn, f.x.root).Reply()
	if err != nil || !q.SameScreen {
		return 0
	}
	if real := image.Pt(int(q.RootX), int(q.RootY)); real != at {
		return f.under(real)
	}
	return w
}

// deliver puts a button down on the window at which the fence aims, and tells
// whether it did. Somebody who has taken the pointer gets every click: that may only
// be the program itself, for its menu or because a button is held on it.
func (f *fence) deliver(button byte, held bool) bool {
	c := f.x.Conn
	r, err := xproto.GrabPointer(c, false, f.aim, xproto.EventMaskButtonPress, xproto.GrabModeSync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
	if err != nil {
		return false
	}
	press := func() { xtest.FakeInput(c, xproto.ButtonPress, button, 0, f.x.root, 0, 0, 0) }
	switch r.Status {
	case xproto.GrabStatusSuccess:
		f.mayClick(true)
		xproto.AllowEvents(c, xproto.AllowSyncPointer, xproto.TimeCurrentTime)
		press()
		xproto.AllowEvents(c, xproto.AllowReplayPointer, xproto.TimeCurrentTime)
		xproto.UngrabPointer(c, xproto.TimeCurrentTime)
		return true
	case xproto.GrabStatusAlreadyGrabbed:
		if held || f.mayClick(false) {
			press()
			return true
		}
	}
	return false
}

// focusOn tells whether keys go to a window or to something in it.
func (f *fence) focusOn(w xproto.Window) bool {
	chain, _, ok := f.focus()
	return ok && slices.Contains(chain, w)
}

// How often a window is brought forward or given the focus at most, and how long a
// click waits for the focus that it has asked for.
const (
	raiseEach = time.Second
	focusEach = 100 * time.Millisecond
	focusIn   = 300 * time.Millisecond
	focusLook = 5 * time.Millisecond
)

// giveFocus does what a click on a window does at the display itself. It returns
// when the focus is there; if it does not come the click is made all the same.
func (f *fence) giveFocus(w xproto.Window) {
	f.asked = time.Now()
	if !f.activate(w) {
		xproto.SetInputFocus(f.x.Conn, xproto.InputFocusParent, w, xproto.TimeCurrentTime)
	}
	for time.Since(f.asked) < focusIn && !f.focusOn(w) {
		settle(focusLook)
	}
}

// bringForward asks the window manager for a window, if the host allowed it.
func (f *fence) bringForward(w xproto.Window) {
	if !f.raise || w == 0 || time.Since(f.raised) < raiseEach {
		return
	}
	f.raised = time.Now()
	if !f.activate(w) {
		xproto.ConfigureWindow(f.x.Conn, w, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
	}
}

// activate asks the window manager to bring a window to the front and give it the
// focus. Where there is none that listens it tells so.
func (f *fence) activate(w xproto.Window) bool {
	names, err := f.x.intern()
	if err != nil || !f.x.managed(names) {
		return false
	}
	const fromPager = 2
	ev := make([]byte, 32)
	ev[0], ev[1] = xproto.ClientMessage, 32
	binary.LittleEndian.PutUint32(ev[4:], uint32(w))
	binary.LittleEndian.PutUint32(ev[8:], uint32(f.active))
	binary.LittleEndian.PutUint32(ev[12:], fromPager)
	xproto.SendEvent(f.x.Conn, false, f.x.root, xproto.EventMaskSubstructureRedirect|xproto.EventMaskSubstructureNotify, string(ev))
	return true
}
