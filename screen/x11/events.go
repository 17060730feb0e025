package x11

import (
	"image"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// pump handles what the server tells until the connection ends.
func (w *Window) pump() {
	defer close(w.pumped)
	var ahead xgb.Event // read while looking for a key's repetition
	for {
		w.out.room()
		ev := ahead
		ahead = nil
		if ev == nil {
			var xerr xgb.Error
			if ev, xerr = w.x.WaitForEvent(); ev == nil && xerr == nil {
				break
			}
		}
		if up, ok := ev.(xproto.KeyReleaseEvent); ok {
			if ahead = w.peek(); w.repeats(up, ahead) {
				continue // the press that follows says it all
			}
		}
		w.mu.Lock()
		if w.end == nil {
			w.handle(ev)
			w.finish()
		}
		w.mu.Unlock()
	}
	w.mu.Lock()
	w.leave(lost(nil))
	w.mu.Unlock()
}

// peek returns the next event if it is here already. A key that repeats comes
// as release and press of the same moment, which the server writes together:
// when it has answered a request made after the release, the press is here.
func (w *Window) peek() xgb.Event {
	w.x.Sync()
	ev, _ := w.x.PollForEvent()
	return ev
}

// repeatAfter is how long, in ms, a key must have been down to repeat: servers
// wait some 200 to 600. What is released and pressed again in one millisecond
// before that is a program that types.
const repeatAfter = 20

func (w *Window) repeats(up xproto.KeyReleaseEvent, next xgb.Event) bool {
	down, ok := next.(xproto.KeyPressEvent)
	if !ok || down.Detail != up.Detail || down.Time != up.Time {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	k, held := w.hand.down[byte(up.Detail)]
	return held && !k.sym.IsModifier() && uint32(up.Time-k.since) >= repeatAfter
}

// handle is called under mu.
func (w *Window) handle(ev xgb.Event) {
	switch e := ev.(type) {
	case xproto.KeyPressEvent:
		w.keyDown(byte(e.Detail), e.State, e.Time)
	case xproto.KeyReleaseEvent:
		w.keyUp(byte(e.Detail))
	case xproto.ButtonPressEvent:
		w.button(byte(e.Detail), true, w.within(e.Event, e.EventX, e.EventY))
	case xproto.ButtonReleaseEvent:
		w.button(byte(e.Detail), false, w.within(e.Event, e.EventX, e.EventY))
	case xproto.MotionNotifyEvent:
		w.motion(w.within(e.Event, e.EventX, e.EventY))
	case xproto.FocusInEvent:
		w.focusEvent(true, e.Mode, e.Detail)
	case xproto.FocusOutEvent:
		w.focusEvent(false, e.Mode, e.Detail)
	case xproto.MappingNotifyEvent:
		if e.Request != xproto.MappingPointer {
			w.learnKeys()
		}
	case xkbEvent:
		w.learnKeys()
	default:
		w.handleShape(ev)
	}
}

// learnKeys reads the keyboard map, which has changed.
func (w *Window) learnKeys() {
	if k, err := w.x.readKeyboard(); err == nil {
		w.hand.keys = k
	}
}

// focusEvent sorts out events of the focus that tell nothing. A grab looks like
// a change of focus to the grabbing window and back: our own must be ignored,
// another program's takes the keys away as any loss of focus does.
func (w *Window) focusEvent(in bool, mode, detail byte) {
	switch {
	case detail == xproto.NotifyDetailPointer, detail == xproto.NotifyDetailInferior:
	case mode == xproto.NotifyModeGrab && (in || w.hand.grabbed):
	case mode == xproto.NotifyModeUngrab && !in:
	default:
		w.focus(in)
	}
}

// handleShape is about the window itself.
func (w *Window) handleShape(ev xgb.Event) {
	switch e := ev.(type) {
	case xproto.ExposeEvent:
		if e.Window != w.win {
			w.settled(func() { w.exposeOver(e.Window) })
			return
		}
		r := image.Rect(int(e.X), int(e.Y), int(e.X)+int(e.Width), int(e.Y)+int(e.Height))
		w.look.exposed = w.look.exposed.Union(r)
		if e.Count == 0 {
			w.settled(func() { w.expose(w.look.exposed) })
			w.look.exposed = image.Rectangle{}
		}
	case xproto.ConfigureNotifyEvent:
		w.resized(image.Pt(int(e.Width), int(e.Height)))
		w.moved()
	case xproto.MapNotifyEvent:
		w.look.mapped = true
		w.tellSize()
		w.onMap()
	case xproto.UnmapNotifyEvent:
		w.look.mapped = false
		w.spread()
		w.tellSize()
	case xproto.VisibilityNotifyEvent:
		w.covered(e.State == xproto.VisibilityFullyObscured && !w.spreads())
	case xproto.PropertyNotifyEvent:
		if e.Atom == w.atoms.netState {
			w.readFull()
		}
	case xproto.ClientMessageEvent:
		if e.Type == w.atoms.protocols && e.Format == 32 && len(e.Data.Data32) > 0 && e.Data.Data32[0] == uint32(w.atoms.deleteWindow) {
			w.closed()
		}
	case xproto.DestroyNotifyEvent:
		w.closed()
	}
}

// settled draws when the server has done what was drawn before; the memory may
// be read by it until then.
func (w *Window) settled(draw func()) {
	if err := w.pen.settle(); err != nil {
		w.log.Debug("drawing", "err", err)
	}
	draw()
}

// closed is the person closing the window: the session is to end.
func (w *Window) closed() {
	w.out.put(screen.Ask(screen.AskEnd))
	xproto.UnmapWindow(w.x.Conn, w.win)
	w.leave(errWindowClosed)
	w.spread()
}

func (w *Window) resized(size image.Point) {
	if size == w.view.window {
		return
	}
	w.view.window = size
	w.refit()
	w.tellSize()
}

// covered is what other windows do to this one. A menu of our own that covers it does
// not count: it would be taken away, and come again.
func (w *Window) covered(on bool) {
	was := w.look.covered
	w.look.covered = on
	w.spread()
	w.tellSize()
	if was && !on {
		w.settled(w.paint)
	}
}

// moved takes the menus along that stand beside the window.
func (w *Window) moved() {
	if w.view.over.Empty() {
		return
	}
	was, room := w.corner, w.view.room
	if w.stand(); w.corner != was || w.view.room != room {
		w.refit()
	}
}

// refit draws everything after the picture's place in the window changed.
func (w *Window) refit() {
	w.stand()
	w.view.fit()
	w.settled(func() {
		w.spread()
		w.aim()
		w.paint()
	})
}

func (w *Window) tellSize() {
	now := screen.Resize{Size: w.view.window, Visible: w.visible()}
	if now != w.look.told {
		w.look.told = now
		w.out.put(now)
	}
}

func (w *Window) setScale(s screen.Scale) {
	if s != w.view.scale {
		w.view.scale = s
		w.view.pan = image.Point{}
		w.refit()
	}
}
