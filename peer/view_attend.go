package peer

import (
	"context"
	"errors"
	"sync"
	"time"

	"sightline/peer/link"
	"sightline/peer/secure"
	"sightline/peer/wire"
)

// attend serves one connection until it or the session is over. errBroken
// means that the session may be resumed on another.
func (v *View) attend(ctx context.Context, s *secure.Session, conn link.Conn) (err error) {
	outer := ctx
	// The streams outlive ctx for a moment, so that the host hears a last word.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() { cancel(err) }()
	handle := func(t wire.Type, body []byte) error { return v.hear(t, body, conn) }
	broken := make(chan struct{}, 1)
	serve := func(c *secure.Sealed) {
		wg.Go(func() {
			if err := v.control.Serve(ctx, c, handle); errors.Is(err, wire.ErrMalformed) {
				v.finish(&Error{Class: ClassFault, Msg: "the host broke the protocol", Err: err})
			}
			v.lose(ctx, wire.Control, c)
		})
	}
	serve(s.Control())
	if early := v.early.s; early != nil {
		v.early = placed{}
		wg.Go(func() { v.queueScreen(ctx, early) })
	}
	wg.Go(func() { offer(ctx, conn, v.control) })
	wg.Go(func() { v.move(ctx, &wg, s, conn, serve) })
	wg.Go(func() { v.watchdog(ctx, broken) })
	select {
	case err := <-v.over:
		return v.control.HangUp(err)
	case <-v.done:
		v.sayBye()
		return nil
	case <-conn.Dead():
		return errBroken
	case <-broken:
		return errBroken
	case <-s.Broken():
		if outer.Err() == nil && errors.Is(s.Err(), secure.ErrTampered) {
			return suspect(s.Err())
		}
		return errBroken
	case <-outer.Done():
		v.sayBye()
		return context.Cause(outer)
	}
}

// finish ends the session with the host's last word, or with its fault.
func (v *View) finish(err error) { report(v.over, err) }

// sayBye tells the host that this was all.
func (v *View) sayBye() {
	v.control.Send(wire.TypeBye, wire.Farewell{Reason: wire.ByRequest}.Append(nil))
	v.control.Drain(time.Second)
}

// hear handles one control message of the host.
func (v *View) hear(t wire.Type, body []byte, conn link.Conn) error {
	switch t {
	case wire.TypeGrants:
		g, err := wire.ParseGrantMask(body)
		if err != nil {
			return err
		}
		v.mu.Lock()
		v.grants = g
		v.mu.Unlock()
		v.o.Events(Granted{Grants: g})
		signal(v.granted)
		v.retitle()
	case wire.TypeDeny: // of a wish; we stay
		if _, err := wire.ParseFarewell(body); err != nil {
			return err
		}
		v.o.Events(Denied{Reason: "the host did not give more rights"})
	case wire.TypeRoster:
		return v.hearRoster(body)
	case wire.TypeDenied:
		return v.hearDenied(body)
	case wire.TypePoints:
		return v.hearPoints(body)
	case wire.TypeCandidates:
		return upgrade(conn, body)
	case wire.TypeBye:
		f, err := wire.ParseFarewell(body)
		if err != nil {
			return err
		}
		v.finish(goodbye{farewell(f)})
	case wire.TypePing:
		v.control.Say(wire.TypePong, body)
	case wire.TypePong:
		v.pong()
	default:
		return wire.ErrMalformed
	}
	return nil
}
