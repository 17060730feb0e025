package peer

import (
	"context"
	"errors"
	"image"

	"golang.org/x/time/rate"

	"sightline/peer/secure"
	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/keysym"
)

// Input of one viewer (SECURITY-DESIGN, section 11). What is faster than this
// waits in its stream, so a viewer that floods slows down only itself.
const (
	inputRate  = 2000 // events per second
	inputBurst = 500
)

// obey does what the viewer's hands do, one input stream long. Each message is
// checked against the rights of that moment: they may be taken back while the
// stream is open.
func (st *seat) obey(ctx context.Context, s *secure.Sealed) error {
	pace := rate.NewLimiter(inputRate, inputBurst)
	return st.input.Serve(ctx, s, func(t wire.Type, body []byte) error {
		if err := pace.Wait(ctx); err != nil {
			return err
		}
		st.alive()
		err := st.act(t, body)
		var refused *screen.Refused
		if errors.As(err, &refused) {
			st.refused(refused.Reason)
			return nil
		}
		return err
	})
}

func (st *seat) act(t wire.Type, body []byte) error {
	switch t {
	case wire.TypeKey:
		m, err := wire.ParseKey(body)
		if err != nil {
			return err
		}
		return st.pressKey(screen.Key{Sym: keysym.Sym(m.Sym), Down: m.Down})
	case wire.TypePointer:
		m, err := wire.ParsePointer(body)
		if err != nil {
			return err
		}
		return st.movePointer(m)
	case wire.TypeRelease:
		st.host.hands.release(st.id)
		return nil
	}
	return wire.ErrMalformed
}

// pressKey lets releases pass always: a key must never stay down because a
// right was taken back between press and release.
func (st *seat) pressKey(k screen.Key) error {
	if k.Down {
		if !st.rights().Has(wire.Keyboard) {
			return &screen.Refused{Reason: "no right to the keyboard"}
		}
		if !st.host.obeys() {
			return &screen.Refused{Reason: "paused"}
		}
	}
	return st.host.hands.key(st.id, k)
}

func (st *seat) movePointer(m wire.PointerInput) error {
	p := screen.Pointer{
		Picture: screen.PictureID(m.Picture), At: image.Pt(int(m.X), int(m.Y)),
		Buttons: screen.Buttons(m.Buttons), Wheel: image.Pt(int(m.WheelX), int(m.WheelY)),
	}
	pic, ok := st.host.canvas.Layout().Find(p.Picture)
	if !ok || !p.At.In(pic.Bounds()) {
		return nil // the picture changed its size while this was on its way
	}
	if !st.rights().Has(wire.Pointer) {
		return &screen.Refused{Reason: "no right to the pointer"}
	}
	if !st.host.obeys() {
		return &screen.Refused{Reason: "paused"}
	}
	return st.host.hands.pointer(st.id, p)
}

// refused tells both sides once per reason, not once per event.
func (st *seat) refused(reason string) {
	st.mu.Lock()
	again := st.lastRefusal == reason
	st.lastRefusal = reason
	st.mu.Unlock()
	if !again {
		st.host.emit(Denied{Seat: st.id, Reason: reason})
	}
}
