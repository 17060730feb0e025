package peer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sightline/peer/link"
	"sightline/peer/secure"
	"sightline/peer/wire"
)

// enter dials, proves the code and waits for the host's decision.
func (v *View) enter(ctx context.Context) (link.Conn, *secure.Session, error) {
	ctx, done := v.untilEnd(ctx)
	defer done()
	v.o.Events(Waiting{For: "the host"})
	conn, err := v.o.Dialer.Dial(ctx)
	if err != nil {
		return nil, nil, cause(ctx, err)
	}
	s, err := v.prove(ctx, conn)
	if err == nil {
		if err = v.await(ctx, s, conn, v.hello(), false); err == nil {
			return conn, s, nil
		}
		s.Close()
	}
	conn.Close()
	return nil, nil, cause(ctx, err)
}

// patience is how long a viewer waits by itself when the host says WAIT
// because others guessed wrong (SECURITY-DESIGN, section 6).
const patience = 60 * time.Second

// prove makes one attempt with the code. Only what has not revealed a guess is
// tried again: WAIT, and a host that hung up before its answer.
func (v *View) prove(ctx context.Context, conn link.Conn) (*secure.Session, error) {
	waited, again := time.Duration(0), 0
	for {
		raw, err := conn.Knock(ctx)
		if err != nil {
			return nil, err
		}
		s, err := secure.Join(ctx, v.traffic.count(raw), v.me, conn.Remote(), secure.WithCode(v.o.Code.NumberValue(), v.o.Code.Secret))
		if err == nil {
			return s, nil
		}
		var wait *secure.WaitError
		pause := time.Duration(0)
		switch {
		case errors.As(err, &wait):
			pause = max(wait.For, time.Second)
			v.o.Events(Waiting{For: fmt.Sprintf("%s, because of wrong tries at the host", pause.Round(time.Second))})
		case errors.Is(err, secure.ErrAgain) && again < 3:
			again++
			pause = time.Second
		default:
			return nil, v.cutShort(err)
		}
		if waited += pause; waited > patience {
			return nil, err
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// cutShort is what it means that the proof of the code ended with an error which
// is nobody's answer: the path broke, or somebody on it breaks what passes. The
// transport's own words help nobody but a log.
func (v *View) cutShort(err error) error {
	err = suspect(err)
	if ClassOf(err) != ClassFault || errors.Is(err, secure.ErrProtocol) {
		return err
	}
	v.log.Debug("prove the code", "err", err)
	return &Error{Class: ClassNoRoute, Msg: "the path to the host broke while the code was proven"}
}

// suspect adds to an error that smells of an attack what a person should know.
func suspect(err error) error {
	if errors.Is(err, secure.ErrTampered) || errors.Is(err, secure.ErrWrongPeer) {
		return &Error{Class: ClassAuth, Err: err,
			Fix: "somebody between you and the host changed what was sent; nothing was shown to them. Ask for a new code and try another network or relay"}
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (v *View) hello() []byte {
	m := wire.Hello{Wants: v.o.Wants, Name: v.o.Name, Version: v.o.Version}
	return wire.Append(nil, wire.Control, wire.TypeHello, 0, m.Append(nil))
}

// await reads the host's decision: ASKING at most, then ACCEPT or DENY.
func (v *View) await(ctx context.Context, s *secure.Session, conn link.Conn, hello []byte, resumed bool) error {
	c := s.Control()
	c.SetDeadline(time.Now().Add(acceptIn))
	var told, asked atomic.Bool // told: the host has our Hello, and may let us in
	defer context.AfterFunc(ctx, func() {
		if !told.Load() {
			c.Reset()
			return
		}
		turnAway(c, asked.Load())
	})()
	if len(hello) > 0 {
		if _, err := c.Write(hello); err != nil {
			return cause(ctx, err)
		}
		told.Store(true)
		v.openEarly(ctx, s, conn)
	}
	told.Store(true) // in a session that is resumed it was before
	r := wire.NewReader(c, wire.Control)
	for {
		t, _, body, err := r.Next()
		if err != nil {
			return cause(ctx, v.silence(err))
		}
		if ctx.Err() != nil {
			continue // until the host has heard that we go
		}
		switch t {
		case wire.TypeAsking:
			asked.Store(true)
			v.asking(conn)
			v.o.Events(Waiting{For: "the person at the host to let you in"})
		case wire.TypeDeny:
			f, err := wire.ParseFarewell(body)
			if err != nil {
				return err
			}
			return orErr(farewell(f), ErrHostGone)
		case wire.TypeAccept:
			c.SetDeadline(time.Time{})
			return v.accepted(body, s, conn, resumed)
		default:
			return wire.ErrMalformed
		}
	}
}

// turnAway leaves before ACCEPT has come. The host may have let us in already,
// and would keep the seat for one that broke off. While it asks a person it does
// not listen, and notices the end of the connection at once.
func turnAway(c *secure.Sealed, asked bool) {
	if asked {
		c.Reset()
		return
	}
	c.SetDeadline(time.Now().Add(time.Second))
	c.Write(wire.Append(nil, wire.Control, wire.TypeBye, 0, wire.Farewell{Reason: wire.ByRequest}.Append(nil)))
	c.Close()
}

// silence is what a stream that ends before ACCEPT means for a person.
func (v *View) silence(err error) error {
	if errors.Is(err, secure.ErrTampered) {
		return suspect(err)
	}
	if errors.Is(err, wire.ErrMalformed) {
		return &Error{Class: ClassFault, Msg: "the host broke the protocol", Err: err}
	}
	v.log.Debug("wait to be let in", "err", err)
	return &Error{Class: ClassTimedOut, Msg: "the host hung up before it let you in"}
}

func orErr(err, other error) error {
	if err == nil {
		return other
	}
	return err
}

// accepted notes what ACCEPT says. From here on we are connected.
func (v *View) accepted(body []byte, s *secure.Session, conn link.Conn, resumed bool) error {
	m, err := wire.ParseAccept(body)
	if err != nil {
		return err
	}
	v.mu.Lock()
	v.state, v.since = "connected", time.Now()
	v.host = viewerOf(conn.Remote(), m.Name)
	v.grants, v.session, v.key, v.keep = m.Grants, m.Session, m.Resume, m.Keep
	clear(v.on)
	host, path := v.host, conn.Path()
	v.on[wire.Control] = placed{s.Control(), path}
	if v.early.s != nil {
		v.on[wire.Screen] = v.early
	}
	v.path, v.heard, v.pinged = path, time.Now(), time.Time{}
	v.mu.Unlock()
	v.o.Events(Joined{Viewer: host, Grants: m.Grants, Resumed: resumed})
	v.o.Events(PathChanged{Path: path})
	v.retitle()
	return nil
}

// asking notes that a person is asked. Who the host is has been proven by now;
// its name comes with ACCEPT.
func (v *View) asking(conn link.Conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state, v.host, v.path = "asking", viewerOf(conn.Remote(), ""), conn.Path()
}
