package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"

	"sightline/peer/invite"
	"sightline/peer/link"
	"sightline/peer/secure"
	"sightline/peer/wire"
	"sightline/screen"
)

// ViewOptions of a View. Key, Dialer, Code, Window and Events are required.
type ViewOptions struct {
	Key    crypto.PrivKey
	Dialer Dialer
	Code   invite.Code
	Window screen.Window // stays the caller's to close
	Events func(Event)   // called by many goroutines, no lock held; must not block

	Name    string // what the host's person reads
	Version string // of the program
	Wants   Grant  // asked for; default View
	// Clipboard of this desktop, which stays the caller's to close; nil: none. It
	// is used for the rights in Wants only, and those of Ask.
	Clipboard screen.Clipboard
	State     screen.State // how the window starts; the title is set by View
	Kind      string       // of the window, for Status: native, terminal, none
	Log       *slog.Logger
}

// View shows the pictures of one host. Make it with NewView; Run does the
// work; the other methods may be called at any time.
type View struct {
	// Static after construction.
	o       ViewOptions
	me      secure.Identity
	control *line
	input   *line
	board   *board
	clips   *clips
	glass   *glass
	traffic traffic
	log     *slog.Logger
	done    chan struct{}     // closed by End
	screens chan screenStream // opened, not yet read
	lost    chan struct{}     // a stream broke while its connection lives; of one
	over    chan error        // the host's last word
	granted chan struct{}     // the rights changed; of one
	settled chan struct{}     // the first picture is exact; of one
	endOnce sync.Once

	// Owned by Run: when the last resumption was, and the pause before the next; and
	// the screen stream that was opened before ACCEPT, until attend takes it over.
	resumed time.Time
	pause   time.Duration
	early   placed

	// Guarded by mu.
	mu       sync.Mutex
	state    string
	host     Viewer
	since    time.Time
	path     Path
	trip     time.Duration // of the path, as it was measured last; 0: not yet
	grants   Grant
	wants    Grant // at the door, and later
	session  uint64
	key      [32]byte
	keep     time.Duration
	on       map[wire.Channel]placed
	pinged   time.Time // when the unanswered ping left; zero: none
	heard    time.Time // the last sign of life
	ponged   time.Time // the last answer to a ping
	framed   time.Time // the last message on the screen channel
	lags     []time.Duration
	roster   []Watching
	taken    bool       // another viewer has control, and this one has not
	refusals Refusals   // of our input; replaced, never changed
	showing  *screenOut // the stream that is being read
	hidden   bool       // the window is minimised
	company  company    // where the viewers point
	frame    frame

	markings sync.Mutex // held while the marks are shown; taken before mu
}

type screenStream struct {
	s    *secure.Sealed
	done chan struct{} // closed when it has been read to its end
}

// lagsKept for the sparkline: a minute and a half of pings.
const lagsKept = 60

// NewView checks the options.
func NewView(o ViewOptions) (*View, error) {
	me, err := secure.NewIdentity(o.Key)
	if err != nil {
		return nil, err
	}
	if o.Wants == 0 {
		o.Wants = wire.View
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := &board{to: o.Clipboard}
	return &View{
		wants: o.Wants, board: b, clips: newClips(b),
		o: o, me: me, log: o.Log, control: newLine(wire.Control), input: newLine(wire.Input),
		glass: newGlass(o.Window, o.State), done: make(chan struct{}),
		screens: make(chan screenStream, 4), lost: make(chan struct{}, 1), over: make(chan error, 1),
		granted: make(chan struct{}, 1), settled: make(chan struct{}, 1), on: map[wire.Channel]placed{}, state: "connecting",
	}, nil
}

// Run shows the host until the window is closed, End is called, the host ends
// the session, or ctx ends. It returns nil for a good end; every error has a
// class (ClassOf).
func (v *View) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer v.clips.end()
	defer v.noMarks()
	defer v.sizeNoMore()
	defer cancel(nil)
	wg.Go(func() { v.steer(ctx) }) // from the start: the person may close the window while waiting
	conn, s, err := v.enter(ctx)
	if err != nil {
		return v.unlessEnded(err)
	}
	wg.Go(func() { v.paint(ctx) })
	wg.Go(func() { v.clipboard(ctx) })
	for {
		err := v.attend(ctx, s, conn)
		s.Close()
		conn.Close()
		if !errors.Is(err, errBroken) {
			return err
		}
		if s, conn, err = v.comeBack(ctx); err != nil {
			return v.unlessEnded(err)
		}
	}
}

// unlessEnded is nil if the person here has ended it.
func (v *View) unlessEnded(err error) error {
	select {
	case <-v.done:
		return nil
	default:
		return err
	}
}

// untilEnd is a context that End ends, too. The function must be called.
func (v *View) untilEnd(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case <-v.done:
			cancel(errStopped)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-finished
	}
}

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

// comeBack dials the same host again and resumes, for as long as the host
// keeps the seat. The picture says since when it is old.
func (v *View) comeBack(ctx context.Context) (*secure.Session, link.Conn, error) {
	v.mu.Lock()
	v.state, v.path = "reconnecting", Path{}
	session, key, keep, since := v.session, v.key, v.keep, v.heard
	id := v.host.ID
	v.mu.Unlock()
	v.glass.dim(since)
	v.o.Events(Waiting{For: "the host to come back"})
	ctx, done := v.untilEnd(ctx)
	defer done()
	ctx, cancel := context.WithTimeoutCause(ctx, keep, ErrHostGone)
	defer cancel()
	if time.Since(v.resumed) > livedFor {
		v.pause = 0
	}
	for {
		if err := sleep(ctx, v.pause); err != nil {
			return nil, nil, err
		}
		v.pause = min(max(2*v.pause, pauseFirst), pauseMost)
		s, conn, err := v.resumeOnce(ctx, id, session, key)
		if err == nil {
			v.resumed = time.Now()
			v.glass.dim(time.Time{})
			return s, conn, nil
		}
		v.log.Debug("resume", "err", err)
		if errors.Is(err, secure.ErrClosed) || errors.Is(err, secure.ErrModeOff) {
			return nil, nil, ErrHostGone // it has forgotten us: the session is over
		}
	}
}

// The first try to come back is made at once, the next after a pause that
// doubles. It starts anew only after a connection that lived for a while:
// somebody who strikes each one just after its opening is not to have us, and
// the host, prove the code ten times a second.
const (
	pauseFirst = 100 * time.Millisecond
	pauseMost  = 3 * time.Second
	livedFor   = 5 * time.Second
)

func (v *View) resumeOnce(ctx context.Context, id string, session uint64, key [32]byte) (*secure.Session, link.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	host, err := decodeID(id)
	if err != nil {
		return nil, nil, err
	}
	conn, err := v.o.Dialer.Redial(ctx, host)
	if err != nil {
		return nil, nil, err
	}
	raw, err := conn.Knock(ctx)
	if err == nil {
		var s *secure.Session
		if s, err = secure.Join(ctx, v.traffic.count(raw), v.me, host, secure.WithResume(session, key)); err == nil {
			if err = v.await(ctx, s, conn, nil, true); err == nil {
				return s, conn, nil
			}
			s.Close()
		}
	}
	conn.Close()
	return nil, nil, err
}

// asking notes that a person is asked. Who the host is has been proven by now;
// its name comes with ACCEPT.
func (v *View) asking(conn link.Conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state, v.host, v.path = "asking", viewerOf(conn.Remote(), ""), conn.Path()
}

func (v *View) rights() Grant {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.grants
}

// retitle shows name, path and round trip in the window's title.
func (v *View) retitle() {
	v.mu.Lock()
	title := orElse(v.host.Name, "remote") + " — sightline"
	if v.path.Kind != link.None {
		title += " — " + v.path.Kind.String() + " " + v.path.Transport
	}
	if n := len(v.lags); n > 0 {
		title += fmt.Sprintf(" %d ms", v.lags[n-1].Milliseconds())
	}
	only, shared := !v.grants.Any(wire.HandsOn), false
	for _, w := range v.roster {
		only = only || w.You && v.taken
		shared = shared || !w.You && w.Grants.Any(wire.HandsOn)
	}
	clips := v.board.to == nil || (v.grants & v.wants).Has(clipboards)
	v.mu.Unlock()
	v.glass.title(title, only, shared, clips)
}

// End closes the session; Run returns nil.
func (v *View) End() { v.endOnce.Do(func() { close(v.done) }) }

// AskControl asks the host for pointer and keyboard.
func (v *View) AskControl() { v.Ask(wire.HandsOn) }

// AskClipboard asks the host for copying and pasting in both directions.
func (v *View) AskClipboard() {
	if err := v.Ask(clipboards); err != nil {
		v.o.Events(Denied{Reason: err.Error()})
	}
}

// PassControl hands control to the first who asks for it, or lets it go.
func (v *View) PassControl() { v.control.Send(wire.TypePass, wire.AppendPass(nil, 0)) }

// Status is a snapshot.
func (v *View) Status() ViewStatus {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := ViewStatus{
		Host: v.host, State: v.state, Since: v.since, Path: v.path, Grants: v.grants,
		Viewers: v.roster, Refused: v.refusals, Wants: v.wants, Window: v.o.Kind, Lags: append([]time.Duration(nil), v.lags...),
	}
	s.Picture, s.Dimmed, s.Stats = v.glass.status()
	s.Bare = v.frame.shows && s.Picture == ""
	if n := len(v.lags); n > 0 {
		s.Stats.RTT, s.Path.RTT = v.lags[n-1], v.lags[n-1]
	}
	return s
}
