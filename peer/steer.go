package peer

import (
	"context"
	"image"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/keysym"
)

// ahead is how many input messages may be unacknowledged before pointer moves
// are merged instead of sent: a slow path then sees the newest place and not
// the whole way there. Keys and buttons are never merged. The host acknowledges
// every 8th at once (ackEach); the rest is the round trip's.
const ahead = 2 * ackEach

// steer sends what the person does in the window, until the window is closed.
func (v *View) steer(ctx context.Context) {
	var held *screen.Pointer // newest move, not sent yet
	var sent screen.Pointer
	flush := func() {
		if held != nil {
			v.sendPointer(*held)
			sent, held = *held, nil
			sent.Wheel.X, sent.Wheel.Y = 0, 0
		}
	}
	for {
		select {
		case e, ok := <-v.o.Window.Events():
			if !ok {
				v.End()
				return
			}
			if p, is := e.(screen.Pointer); is {
				if held != nil && held.Buttons != p.Buttons {
					flush()
				}
				if held != nil {
					p.Wheel = p.Wheel.Add(held.Wheel)
				}
				held = &p
				if p.Buttons != sent.Buttons || v.input.Waiting() < ahead {
					flush()
				}
				continue
			}
			flush()
			v.do(e)
		case <-v.input.applied:
			flush()
		case <-ctx.Done():
			return
		}
	}
}

// do handles everything but the pointer.
func (v *View) do(e screen.Event) {
	switch e := e.(type) {
	case screen.Key:
		v.sendKey(e)
	case screen.Focus:
		if !e.In {
			v.act(wire.TypeRelease, nil)
		}
	case screen.Resize:
		v.hide(!e.Visible)
		v.sizeSoon(func(f *frame) { f.size = e.Size })
	case screen.Ask:
		switch e {
		case screen.AskEnd:
			v.End()
		case screen.AskControl:
			v.AskControl()
		case screen.AskClipboard:
			v.AskClipboard()
		case screen.AskPass:
			v.PassControl()
		case screen.AskCtrlAltDel:
			v.CtrlAltDel()
		}
	}
}

// CtrlAltDel presses that combination on the host.
func (v *View) CtrlAltDel() {
	keys := []keysym.Sym{keysym.ControlL, keysym.AltL, keysym.Delete}
	for _, k := range keys {
		v.sendKey(screen.Key{Sym: k, Down: true})
	}
	for i := range keys {
		v.sendKey(screen.Key{Sym: keys[len(keys)-1-i]})
	}
}

func (v *View) sendKey(k screen.Key) {
	if !v.rights().Has(wire.Keyboard) && k.Down {
		return
	}
	var body [8]byte
	v.act(wire.TypeKey, wire.KeyInput{Sym: uint32(k.Sym), Down: k.Down}.Append(body[:0]))
}

func (v *View) sendPointer(p screen.Pointer) {
	v.mu.Lock()
	acts := v.grants.Has(wire.Pointer) && (!v.taken || p.Buttons != 0 || p.Wheel != image.Point{})
	v.mu.Unlock()
	if !acts {
		v.point(p)
		return
	}
	var body [8]byte
	v.act(wire.TypePointer, wire.PointerInput{
		Picture: uint8(p.Picture), X: clamp16(p.At.X), Y: clamp16(p.At.Y), Buttons: uint8(p.Buttons),
		WheelX: clamp8(p.Wheel.X), WheelY: clamp8(p.Wheel.Y),
	}.Append(body[:0]))
}

func clamp8(v int) int8 { return int8(min(max(v, -128), 127)) }

// act sends one numbered input message. One that finds the box full is
// dropped: the host has not answered for thousands of them.
func (v *View) act(t wire.Type, body []byte) {
	if err := v.input.Send(t, body); err != nil {
		v.log.Debug("input dropped", "err", err)
	}
}

// hide tells the host that no picture is wanted while the window is minimised.
func (v *View) hide(hidden bool) {
	v.mu.Lock()
	out, was := v.showing, v.hidden
	v.hidden = hidden
	v.mu.Unlock()
	if out != nil && was != hidden {
		out.hide(hidden)
	}
}
