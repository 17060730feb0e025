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
		// Not ctx: the message counts as applied from here on, so it must be.
		if err := pace.Wait(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		if st.isOver() {
			return errOver // and no acknowledgement
		}
		st.alive()
		st.host.hurry()
		err := st.act(t, body)
		st.host.tellFloor()
		var refused *screen.Refused
		if errors.As(err, &refused) {
			st.refused(refused.Reason)
			return nil
		}
		return err
	})
}

// errOver ends the input stream of a viewer that is to go: for the second that
// its last word may take it is not even acknowledged.
var errOver = errors.New("the seat is to end")

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
	return st.host.hands.key(st.id, k, func() error { return st.mayAct(wire.Keyboard, "no right to the keyboard", true) })
}

// may is asked in one step with the act, so that no key goes down after its
// right was taken back or while a question stands.
func (st *seat) may(g Grant, reason string) error {
	switch {
	case !st.rights().Has(g):
		return &screen.Refused{Reason: reason}
	case !st.host.obeys():
		return &screen.Refused{Reason: "paused"}
	}
	return nil
}

// mayAct is may of a viewer's hands, which need control too.
func (st *seat) mayAct(g Grant, reason string, press bool) error {
	if err := st.may(g, reason); err != nil {
		return err
	}
	return st.host.floor.may(st.id, press)
}

// controls tells whether this viewer's hands act now.
func (st *seat) controls() bool { return st.rights().Any(wire.HandsOn) && st.host.floor.holds(st.id) }

func (st *seat) movePointer(m wire.PointerInput) error {
	p := screen.Pointer{
		Picture: screen.PictureID(m.Picture), At: image.Pt(int(m.X), int(m.Y)),
		Buttons: screen.Buttons(m.Buttons), Wheel: image.Pt(int(m.WheelX), int(m.WheelY)),
	}
	pic, ok := st.host.canvas.Layout().Find(p.Picture)
	if !ok || !p.At.In(pic.Bounds()) {
		return nil // the picture changed its size while this was on its way
	}
	st.pointed(wire.Point{Picture: m.Picture, X: m.X, Y: m.Y})
	press := p.Buttons != 0 || p.Wheel != image.Point{}
	err := st.host.hands.pointer(st.id, p, func() error { return st.mayAct(wire.Pointer, "no right to the pointer", press) })
	if errors.Is(err, errNotHeld) {
		return nil
	}
	return err
}
