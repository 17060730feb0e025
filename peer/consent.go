package peer

import (
	"context"
	"errors"
	"time"

	"sightline/peer/link"
	"sightline/peer/secure"
	"sightline/peer/wire"
)

// ask hears what the viewer wants and has a person (or the command line)
// decide. It returns the rights, or the error with which the seat ends; then
// the viewer was told.
func (st *seat) ask(ctx context.Context, s *secure.Session, conn link.Conn) (Grant, error) {
	hello, err := hear(s.Control())
	if err != nil {
		return 0, err
	}
	st.mu.Lock()
	st.viewer.Name, st.wants, st.path = hello.Name, hello.Wants, conn.Path()
	st.mu.Unlock()
	if st.host.o.Accept {
		if g := hello.Wants & st.host.o.Allow; g != 0 {
			return g, nil
		}
		st.deny(s, wire.ByRefusal)
		st.host.emit(Denied{Seat: st.id, Reason: "asked for nothing that is allowed"})
		return 0, ErrRefused
	}
	g, why := st.question(ctx, s, conn)
	if g == 0 {
		st.deny(s, why)
		st.host.emit(Denied{Seat: st.id, Reason: deniedWords[why]})
		return 0, &Error{Class: ClassRefused, Msg: deniedWords[why]}
	}
	return g, nil
}

var deniedWords = map[wire.Reason]string{
	wire.ByRefusal: "refused",
	wire.NoAnswer:  "nobody answered within 60 seconds",
	wire.ByRequest: "the viewer went away",
	wire.Stopped:   "the host was stopped",
}

// hear reads the viewer's first message, in its time.
func hear(c *secure.Sealed) (wire.Hello, error) {
	c.SetDeadline(time.Now().Add(helloIn))
	defer c.SetDeadline(time.Time{})
	t, _, body, err := wire.NewReader(c, wire.Control).Next()
	if err != nil {
		return wire.Hello{}, err
	}
	if t != wire.TypeHello {
		return wire.Hello{}, wire.ErrMalformed
	}
	return wire.ParseHello(body)
}

// question puts the question on the local screen and waits for the answer.
// While it stands, nobody's remote input acts.
func (st *seat) question(ctx context.Context, s *secure.Session, conn link.Conn) (Grant, wire.Reason) {
	until := time.Now().Add(askFor)
	st.mu.Lock()
	st.asking, st.until = true, until
	e := Asks{Seat: st.id, Viewer: st.viewer, Wants: st.wants, Path: st.path, Until: until}
	st.mu.Unlock()
	st.host.freezeInput(+1)
	defer st.host.freezeInput(-1)
	defer func() {
		st.mu.Lock()
		st.asking = false
		st.mu.Unlock()
	}()
	if _, err := s.Control().Write(wire.Append(nil, wire.Control, wire.TypeAsking, 0, nil)); err != nil {
		return 0, wire.ByRequest
	}
	st.host.emit(e)
	t := time.NewTimer(askFor)
	defer t.Stop()
	select {
	case g := <-st.answer:
		return g, wire.ByRefusal
	case <-t.C:
		return 0, wire.NoAnswer
	case <-conn.Dead():
		return 0, wire.ByRequest
	case f := <-st.bye:
		return 0, f.Reason
	case <-ctx.Done():
		return 0, wire.Stopped
	}
}

// deny is the host's last word to a viewer that is not let in.
func (st *seat) deny(s *secure.Session, why wire.Reason) {
	c := s.Control()
	c.SetDeadline(time.Now().Add(helloIn))
	c.Write(wire.Append(nil, wire.Control, wire.TypeDeny, 0, wire.Farewell{Reason: why}.Append(nil)))
	c.Close()
}

// reply is a person's answer.
func (st *seat) reply(g Grant) error {
	st.mu.Lock()
	asking := st.asking
	st.mu.Unlock()
	if !asking {
		return &Error{Class: ClassUsage, Msg: "this viewer is not asking for anything"}
	}
	select {
	case st.answer <- g:
		return nil
	default:
		return errors.New("the question was answered already")
	}
}

// want is a seated viewer that asks for more.
func (st *seat) want(g Grant) {
	st.mu.Lock()
	st.wants |= g
	e := Asks{Seat: st.id, Viewer: st.viewer, Wants: st.wants, Path: st.path, Until: time.Now().Add(askFor)}
	has := st.grants.Has(g)
	st.mu.Unlock()
	if !has {
		st.host.emit(e)
	}
}

// freezeInput counts the questions on the local screen.
func (h *Host) freezeInput(by int) {
	h.mu.Lock()
	h.asking += by
	if by < 0 {
		h.asked = time.Now()
	}
	h.mu.Unlock()
	if by > 0 {
		h.hands.lift()
	}
}
