package peer

import (
	"context"
	"errors"
	"io"
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
		if err := endedHere(why); err != nil {
			return 0, err
		}
		return 0, &Error{Class: ClassRefused, Msg: deniedWords[why]}
	}
	return g, nil
}

var deniedWords = map[wire.Reason]string{
	wire.ByRefusal: "refused",
	wire.NoAnswer:  "nobody answered within 60 seconds",
	wire.ByRequest: "the viewer went away",
	wire.ByKick:    "kicked",
	wire.Stopped:   "the host was stopped",
	wire.PanicKey:  "cut with the panic key",
	wire.Fault:     "the host's screen cannot be shared any more",
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
	c.SetDeadline(time.Now().Add(lastWordIn(why)))
	io.Copy(io.Discard, c) // until the viewer has read it and hangs up, too
}

// reply is a person's answer: to the question whether to let in, or to a wish.
func (st *seat) reply(g Grant) error {
	st.mu.Lock()
	asking, wish := st.asking, st.wish
	st.mu.Unlock()
	switch {
	case wish != nil && wish.Stop(): // else its time is over already
		return st.answerWish(g)
	case !asking:
		return &Error{Class: ClassUsage, Msg: "this viewer is not asking for anything"}
	}
	select {
	case st.answer <- g:
		return nil
	default:
		return errors.New("the question was answered already")
	}
}

// wishEach is how often a seated viewer may ask for more. Each wish holds back
// everybody's input while it stands, so a viewer must not be able to repeat it
// at will.
const wishEach = time.Minute

// want is a seated viewer that asks for more. It is a question like that at
// the door; where nobody is asked, the command line has answered already.
func (st *seat) want(g Grant) {
	if st.rights().Has(g) {
		st.askFloor(g)
		return
	}
	if st.host.o.Accept {
		if more := g & st.host.o.Allow; more != 0 {
			st.grant(st.rights() | more)
			st.askFloor(more)
		}
		if !st.rights().Has(g) {
			st.sayNo()
		}
		return
	}
	now := time.Now()
	st.mu.Lock()
	if st.wish != nil || now.Sub(st.wished) < wishEach {
		st.mu.Unlock()
		st.sayNo()
		return
	}
	st.wished, st.until = now, now.Add(askFor)
	st.asking = true
	st.wants = st.grants | g
	e := Asks{Seat: st.id, Viewer: st.viewer, Wants: st.wants, Path: st.path, Until: st.until}
	st.wish = time.AfterFunc(askFor, func() { st.answerWish(0) })
	st.mu.Unlock()
	st.host.freezeInput(+1)
	st.host.emit(e)
}

// answerWish ends a wish: with more rights, or with none beyond what there is.
func (st *seat) answerWish(g Grant) error {
	st.mu.Lock()
	st.wish, st.asking = nil, false
	forControl := (st.wants &^ st.grants & g).Any(wire.HandsOn)
	if g == 0 {
		st.wants = st.grants
	}
	st.mu.Unlock()
	st.host.freezeInput(-1)
	if g == 0 {
		st.sayNo()
		return nil
	}
	err := st.grant(g)
	if err == nil && forControl && !st.host.floor.all {
		return st.host.Pass(st.id) // it asked to act, and a person said yes
	}
	return err
}

// dropWish forgets a wish whose viewer is gone.
func (st *seat) dropWish() {
	if wish := st.standing(); wish != nil && wish.Stop() {
		st.answerWish(0)
	}
}

// standing is the wish that waits for an answer, as the timer that ends it.
func (st *seat) standing() *time.Timer {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.wish
}

// sayNo tells both sides that a wish was not granted.
func (st *seat) sayNo() {
	st.control.Send(wire.TypeDeny, wire.Farewell{Reason: wire.ByRefusal}.Append(nil))
	st.host.emit(Denied{Seat: st.id, Reason: "more rights were not given"})
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
