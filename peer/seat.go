package peer

import (
	"context"
	"crypto/rand"
	"errors"
	"image"
	"maps"
	"sync"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"

	"sightline/peer/link"
	"sightline/peer/secure"
	"sightline/peer/wire"
)

// seat is the host's end of one session. It outlives its connections: between
// two of them it waits, with its rights and its place in the numbering of
// input, for its viewer to resume.
type seat struct {
	// Static after construction.
	host    *Host
	id      SeatID
	colour  Colour
	door    *openCode // that let it in
	peer    p2p.ID
	control *line
	input   *line
	clips   *clips
	answer  chan Grant         // of a person: rights, or 0 for no
	bye     chan wire.Farewell // somebody here wants the seat to end
	back    chan comeback      // its viewer resumes
	gone    chan struct{}      // closed when the seat is cleared
	picture picture
	traffic *traffic
	err     error // how it ended; written before gone is closed

	admitted bool   // guarded by host.mu
	roster   string // the last one that was told; guarded by host.rolls

	// Guarded by mu.
	mu       sync.Mutex
	viewer   Viewer
	since    time.Time // it knocked, or was let in
	session  uint64
	key      [32]byte // to resume with
	keyGood  bool
	wants    Grant
	grants   Grant
	ended    bool // no rights are left
	asking   bool
	wish     *time.Timer // ends the wish for more rights that stands; nil: none
	wished   time.Time   // when the last one came
	until    time.Time   // of the question, or of the chance to resume
	broken   bool
	window   image.Point // the size of the viewer's; zero: not told
	path     Path
	stats    Stats
	heard    time.Time                     // the last sign of life
	refusals Refusals                      // of input
	toldOf   Refusals                      // as both sides know them
	handle   func(wire.Type, []byte) error // of control messages, on this connection
}

// comeback is a resumed session on its way to the seat. done is closed when
// the seat no longer uses it.
type comeback struct {
	s    *secure.Session
	conn link.Conn
	done chan struct{}
}

// errBroken means that every path to the viewer is dead.
var errBroken = errors.New("the path to the viewer broke")

// run is the whole life of a seat.
func (st *seat) run(ctx context.Context, s *secure.Session, conn link.Conn) error {
	g, err := st.ask(ctx, s, conn)
	if err != nil {
		return err
	}
	st.join(g, false)
	now := comeback{s: s, conn: conn}
	for {
		next, err := st.attend(ctx, now.s, now.conn)
		if now.done != nil {
			close(now.done)
		}
		if next == nil && errors.Is(err, errBroken) {
			next, err = st.awaitReturn(ctx)
		}
		if next == nil {
			return err
		}
		now = *next
		st.join(st.rights(), true)
	}
}

// join marks the seat as seated and says so.
func (st *seat) join(g Grant, resumed bool) {
	st.host.mu.Lock()
	st.admitted = true
	st.host.mu.Unlock()
	st.mu.Lock()
	st.grants, st.broken = g, false
	if !resumed {
		st.since = time.Now()
	}
	v := st.viewer
	st.mu.Unlock()
	signal(st.host.signs)
	st.host.wake()
	st.host.emit(Joined{Seat: st.id, Viewer: v, Grants: g, Resumed: resumed})
	st.host.tellRoster()
}

// attend lets the viewer in on one connection and stays until that connection
// or the session is over. A comeback ends it too: then the viewer has noticed
// first that the path is dead.
func (st *seat) attend(ctx context.Context, s *secure.Session, conn link.Conn) (next *comeback, err error) {
	defer conn.Close() // streams of the viewer must come to its new Conn from now on
	if err := st.accept(s); err != nil {
		return nil, errBroken
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() { cancel(err) }()

	left := make(chan error, 1) // the viewer's Bye, or a broken promise of its
	handle := func(t wire.Type, body []byte) error {
		err := st.hear(t, body, left, conn)
		if err != nil {
			report(left, &Error{Class: ClassFault, Msg: "the viewer broke the protocol", Err: err})
		}
		return err
	}
	st.mu.Lock()
	st.handle = handle
	st.mu.Unlock()
	wg.Go(func() { st.judge(st.control.Serve(ctx, s.Control(), handle), left) })
	wg.Go(func() { st.streams(ctx, &wg, s, conn, left) })
	wg.Go(func() { st.paths(ctx, conn) })
	wg.Go(func() { st.watchdog(ctx) })
	wg.Go(func() { offer(ctx, conn, st.control) })
	defer s.Close()

	old := time.NewTimer(maxSession)
	defer old.Stop()
	select {
	case f := <-st.bye:
		return nil, st.sayBye(ctx, f)
	case err := <-left:
		st.disarm() // before the last word has been answered
		return nil, st.control.HangUp(err)
	case c := <-st.back:
		return &c, nil
	case <-conn.Dead():
		return nil, errBroken
	case <-s.Broken():
		return nil, s.Err()
	case <-old.C:
		return nil, errBroken // the viewer resumes, with fresh keys
	case <-ctx.Done():
		return nil, st.sayBye(ctx, wire.Farewell{Reason: wire.Stopped})
	}
}

func report(c chan error, err error) {
	select {
	case c <- err:
	default:
	}
}

// accept writes ACCEPT as the first record of this connection, with a fresh
// key for the next time.
func (st *seat) accept(s *secure.Session) error {
	m := wire.Accept{Session: s.ID(), Keep: keepSeat, Name: st.host.o.Name, Version: st.host.o.Version}
	rand.Read(m.Resume[:])
	st.mu.Lock()
	m.Grants = st.grants
	st.session, st.key, st.keyGood = m.Session, m.Resume, true
	st.mu.Unlock()
	_, err := s.Control().Write(wire.Append(nil, wire.Control, wire.TypeAccept, 0, m.Append(nil)))
	clear(m.Resume[:])
	return err
}

// awaitReturn gives a broken session's viewer time to resume.
func (st *seat) awaitReturn(ctx context.Context) (*comeback, error) {
	st.host.hands.release(st.id)
	until := time.Now().Add(keepSeat)
	st.mu.Lock()
	st.broken, st.until = true, until
	st.mu.Unlock()
	st.host.tellRoster()
	st.host.emit(Waiting{For: "viewer " + orElse(st.viewerNow().Name, st.viewerNow().ID) + " to come back"})
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case c := <-st.back:
		return &c, nil
	case f := <-st.bye:
		st.forgetKey()
		return nil, endedHere(f.Reason)
	case <-t.C:
		st.forgetKey()
		return nil, &Error{Class: ClassTimedOut, Msg: "the viewer did not come back"}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// streams takes the channels that the viewer opens, each against the table.
func (st *seat) streams(ctx context.Context, wg *sync.WaitGroup, s *secure.Session, conn link.Conn, left chan error) {
	for {
		raw, err := conn.Accept(ctx)
		if err != nil {
			return
		}
		wg.Go(func() {
			st.judge(st.open(ctx, s, raw), left)
		})
	}
}

// judge ends the seat of a viewer that broke the protocol on one of its
// streams. A stream that broke by itself is the path's matter.
func (st *seat) judge(err error, left chan error) {
	if errors.Is(err, wire.ErrMalformed) {
		report(left, &Error{Class: ClassFault, Msg: "the viewer broke the protocol", Err: err})
	}
}

// open is the one place where a permission is checked before a stream is
// served.
func (st *seat) open(ctx context.Context, s *secure.Session, raw link.Stream) error {
	h, err := secure.ReadHeader(raw)
	if err != nil {
		return err
	}
	sealed, err := s.Open(h, st.traffic.count(raw))
	if err != nil {
		return err
	}
	row, ok := channels[h.Channel]
	if !ok || (row.need != 0 && !st.rights().Any(row.need)) {
		st.refused("no right to the " + h.Channel.String() + " channel")
		return sealed.Reset()
	}
	return row.serve(st, ctx, sealed)
}

// talk serves a control channel that the viewer opened anew, on another path.
func (st *seat) talk(ctx context.Context, s *secure.Sealed) error {
	st.mu.Lock()
	handle := st.handle
	st.mu.Unlock()
	return st.control.Serve(ctx, s, handle)
}

// paths tells of the path that bytes take now. How a viewer that was sent away
// takes its last steps is no news.
func (st *seat) paths(ctx context.Context, conn link.Conn) {
	for {
		select {
		case p, ok := <-conn.Paths():
			if !ok {
				return
			}
			st.mu.Lock()
			news := !st.ended && isNews(st.path, p)
			st.path = p
			st.mu.Unlock()
			if news {
				st.host.emit(PathChanged{Seat: st.id, Path: p})
			}
		case <-ctx.Done():
			return
		}
	}
}

// hear handles one control message of the viewer.
func (st *seat) hear(t wire.Type, body []byte, left chan error, conn link.Conn) error {
	st.alive()
	switch t {
	case wire.TypeWant:
		g, err := wire.ParseGrantMask(body)
		if err != nil {
			return err
		}
		st.want(g)
	case wire.TypePass:
		to, err := wire.ParsePass(body)
		if err != nil {
			return err
		}
		st.passOn(SeatID(to))
	case wire.TypeSize:
		size, err := wire.ParseSize(body)
		if err != nil {
			return err
		}
		st.sized(size)
	case wire.TypePoint:
		p, err := wire.ParsePoint(body)
		if err != nil {
			return err
		}
		st.pointed(p)
	case wire.TypeCandidates:
		return upgrade(conn, body)
	case wire.TypeBye:
		f, err := wire.ParseFarewell(body)
		if err != nil {
			return err
		}
		st.forgetKey()
		report(left, goodbye{farewell(f)})
	case wire.TypePing:
		if st.isOver() {
			return nil // the last word is the last
		}
		st.control.Say(wire.TypePong, body)
	case wire.TypePong:
	default:
		return wire.ErrMalformed
	}
	return nil
}

// watchdog tells of refused input, and lifts what a silent viewer holds down: its computer may have lost
// power with a key pressed, and the display here would repeat that key until
// the path is known to be dead. An honest viewer is heard every pingEach.
func (st *seat) watchdog(ctx context.Context) {
	st.alive()
	t := time.NewTicker(pingEach)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		st.mu.Lock()
		silent := time.Since(st.heard) > deadIn
		st.mu.Unlock()
		if silent {
			st.host.hands.release(st.id)
		}
		st.tellRefusals()
	}
}

// alive notes a sign of life of the viewer.
func (st *seat) alive() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.heard = time.Now()
}

// sayBye sends the last word, gives it a moment to arrive, and says how the
// seat ends on our side.
func (st *seat) sayBye(ctx context.Context, f wire.Farewell) error {
	st.forgetKey()
	st.control.Send(wire.TypeBye, f.Append(nil))
	st.control.Drain(lastWordIn(f.Reason))
	if ends := endedHere(f.Reason); ends != nil {
		st.host.o.Node.Deny(st.peer) // whatever still runs for it ends with its connections
		return ends
	}
	return nil
}

// lastWordIn is how long a viewer's last word may take to be acknowledged. Who
// was thrown out is cut off 200 ms later at the latest, answered or not; that
// includes the way down.
func lastWordIn(why wire.Reason) time.Duration {
	if endedHere(why) != nil {
		return 150 * time.Millisecond
	}
	return time.Second
}

// endedHere is how a session ends that this host ended.
func endedHere(why wire.Reason) error {
	switch why {
	case wire.ByKick:
		return &Error{Class: ClassKicked, Msg: "kicked by this host"}
	case wire.PanicKey:
		return &Error{Class: ClassKicked, Msg: "cut with the panic key"}
	}
	return nil
}

// end asks the seat to end; the first reason counts. Its rights are gone at
// once, before the viewer has heard of it: one that does not want to go must
// not see or do anything more.
func (st *seat) end(f wire.Farewell) {
	st.disarm()
	select {
	case st.bye <- f:
	default:
	}
}

// disarm takes all rights and lifts what the viewer holds down.
func (st *seat) disarm() {
	st.mu.Lock()
	st.ended = true
	st.mu.Unlock()
	st.picture.end()
	st.clips.end()
	st.host.hands.release(st.id)
	st.leaveFloor()
}

// rights of this moment; none once the seat is to end.
func (st *seat) rights() Grant {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.ended {
		return 0
	}
	return st.grants
}

func (st *seat) isOver() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.ended
}

func (st *seat) viewerNow() Viewer {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.viewer
}

// resumeKey is the session that may be resumed and its key.
func (st *seat) resumeKey() (session uint64, key [32]byte, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.session, st.key, st.keyGood
}

// forgetKey makes it impossible to resume.
func (st *seat) forgetKey() {
	st.mu.Lock()
	defer st.mu.Unlock()
	clear(st.key[:])
	st.keyGood = false
}

// grant changes the rights at once: what is open and no longer covered ends.
func (st *seat) grant(g Grant) error {
	st.host.mu.Lock()
	seated := st.admitted
	st.host.mu.Unlock()
	if !seated {
		return &Error{Class: ClassUsage, Msg: "this viewer has not been let in yet"}
	}
	st.mu.Lock()
	before := st.grants
	st.grants = g
	st.mu.Unlock()
	if !g.Has(before & wire.HandsOn) {
		st.host.hands.release(st.id)
	}
	if !g.Any(wire.HandsOn) {
		st.leaveFloor()
	}
	if !g.Has(wire.View) {
		st.picture.end()
	}
	if !g.Has(wire.ClipToViewer) {
		st.clips.drop()
	}
	signal(st.host.signs)
	st.host.emit(Granted{Seat: st.id, Grants: g})
	st.host.follow()
	err := st.control.Send(wire.TypeGrants, wire.AppendGrants(nil, g))
	st.host.tellRoster()
	return err
}

func (st *seat) status() SeatStatus {
	acts, asks := st.controls(), st.host.floor.asks(st.id)
	st.mu.Lock()
	defer st.mu.Unlock()
	return SeatStatus{
		Seat: st.id, Colour: st.colour, Viewer: st.viewer, Asking: st.asking, Until: st.until, Wants: st.wants,
		Grants: st.grants, Since: st.since, Path: st.path, Stats: st.stats, Suspend: st.broken,
		Acts: acts, AsksControl: asks,
		Refused: maps.Clone(st.refusals),
	}
}
