package peer

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	p2p "github.com/libp2p/go-libp2p/core/peer"

	"sightline/peer/link"
	"sightline/peer/secure"
	"sightline/peer/wire"
	"sightline/screen"
)

// Node is what a host needs of peer/link.
type Node interface {
	Accept(ctx context.Context) (*link.Knock, error)
	Deny(id p2p.ID)
}

// HostOptions of a Host. Key, Node, Source, Injector, Directory and Events are
// required; Injector may be nil where the platform takes no input.
type HostOptions struct {
	Key       crypto.PrivKey
	Node      Node
	Source    screen.Source
	Injector  screen.Injector
	Clipboard screen.Clipboard // nil: there is none
	Sign      screen.Sign      // nil: none is needed, what is shared is no person's screen
	Directory Directory
	Events    func(Event) // called by many goroutines, no lock held; must not block

	Name    string        // what viewers see
	Version string        // of the program
	Sharing string        // what is shown, for people
	Allow   Grant         // given without a question about rights; default View
	Viewers int           // that one code admits; default 1
	Expire  time.Duration // of an unused code; default 15 min
	Accept  bool          // nobody is asked: whoever knows the code comes in with Allow
	All     bool          // every viewer with the right to controls at once, not one at a time
	// Resize gives what is shared another size, px; nil: it has its own. Out of
	// bounds it takes the nearest.
	Resize func(image.Point) error
	// Busy is told when this host has much to do, as at first, and when it has little; nil:
	// nobody asks. It is called with locks held, and must return soon.
	Busy  func(bool)
	Once  bool   // one session, then Run returns how it ended
	First *Draft // of the first code; nil: it is made when it is needed
	Log   *slog.Logger
}

// Host shares a screen. Make it with NewHost; Run does the work; the other
// methods are for whoever controls it and may be called at any time.
type Host struct {
	// Static after construction.
	o      HostOptions
	me     secure.Identity
	canvas screen.Canvas
	porch  *secure.Porch
	hands  *hands
	board  *board
	floor  floor
	points pointing
	sizing sizing
	load   load
	log    *slog.Logger
	stop   chan struct{} // closed by Stop

	watch chan struct{} // somebody watches: capture goes on
	rolls sync.Mutex    // held while the viewers are told who watches; taken before mu
	more  sync.Mutex    // held while a further code is made; taken before mu
	signs chan struct{} // of one: what the sign says may have changed

	mu       sync.Mutex
	door     *openCode // the newest code of the published number, nil between numbers
	route    string
	sharing  string // what is shown, for people
	seats    map[SeatID]*seat
	nextSeat SeatID
	paused   bool
	signed   bool // the sign is on the screen
	stopped  bool
	changed  chan struct{} // a seat came or left; of one
	asking   int           // questions on the local screen
	asked    time.Time     // when the last one was answered
	outcome  error         // of the first session that ended, for Once
	ended    bool          // a session has ended
	watchers int
	entering int // handshakes under way by a code
}

// openCode is a code that is on show.
type openCode struct {
	*secure.CodeDoor
	number, code string
	admits       int // viewers, from the first on
}

// NewHost checks the options and makes what every session needs.
func NewHost(o HostOptions) (*Host, error) {
	me, err := secure.NewIdentity(o.Key)
	if err != nil {
		return nil, err
	}
	if o.Allow == 0 {
		o.Allow = wire.View
	}
	if o.Viewers <= 0 {
		o.Viewers = 1
	}
	if o.Expire <= 0 {
		o.Expire = 15 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Host{
		load: load{tell: o.Busy},
		o:    o, me: me, porch: &secure.Porch{}, hands: newHands(o.Injector), board: &board{to: o.Clipboard}, log: o.Log,
		stop: make(chan struct{}), watch: make(chan struct{}, 1), signs: make(chan struct{}, 1), changed: make(chan struct{}, 1),
		seats: map[SeatID]*seat{}, floor: floor{all: o.All}, sharing: o.Sharing,
	}, nil
}

// Run shares until ctx ends, Stop is called, or (Once) the one session is
// over. It returns nil when it was told to stop; with Once what its session
// ended with. Source, Injector and Clipboard stay the
// caller's to close.
func (h *Host) Run(ctx context.Context) error {
	// The parts outlive ctx for a moment, so that viewers hear a last word.
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	failed := make(chan error, 4)
	run := func(part func(context.Context) error) {
		wg.Go(func() {
			if err := part(work); err != nil {
				failed <- err
			}
		})
	}
	run(h.capture)
	run(h.codes)
	run(h.accept)
	run(h.panicKey)
	run(h.keepSign)
	run(h.clipboard)
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-h.stop:
		err = errStopped
	}
	h.dismiss(lastWord(err))
	cancel(err)
	wg.Wait()
	h.load.end()
	if errors.Is(err, errStopped) || errors.Is(err, errOnceDone) {
		err = nil
		if h.o.Once {
			err = h.onceOutcome()
		}
	}
	return err
}

// errOnceDone ends Run after the one session of Once.
var errOnceDone = errors.New("the one session is over")

func (h *Host) onceOutcome() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.outcome
}

// emit hands an event to whoever listens.
func (h *Host) emit(e Event) { h.o.Events(e) }

// hurry has the source, if it gathers changes, hand out at once what somebody
// here is about to cause and waits for.
func (h *Host) hurry() {
	if s, ok := h.o.Source.(interface{ Hurry() }); ok {
		s.Hurry()
	}
}

// wake has a display that sleeps switched on, for somebody has come to see it.
func (h *Host) wake() {
	if s, ok := h.o.Source.(interface{ Wake() }); ok {
		s.Wake()
	}
}

// capture moves changes from the source to the canvas, only while somebody
// watches.
func (h *Host) capture(ctx context.Context) error {
	var ch screen.Change
	for {
		if err := h.awaitWatcher(ctx); err != nil {
			return err
		}
		ch.Reset()
		if err := h.o.Source.Next(ctx, &ch); err != nil {
			if ctx.Err() != nil {
				return err
			}
			err = &Error{Class: ClassNoDisplay, Msg: "the screen cannot be captured any more", Err: err}
			h.canvas.Fail(err)
			return err
		}
		// What came to light while the host was being paused waits, too.
		if err := h.awaitWatcher(ctx); err != nil {
			return err
		}
		h.canvas.Update(&ch)
	}
}

// awaitWatcher blocks while no seat shows the screen. What changes meanwhile
// is found by the next call of the source: damage adds up there.
func (h *Host) awaitWatcher(ctx context.Context) error {
	for {
		h.mu.Lock()
		on := h.watchers > 0 && !h.withheldLocked()
		h.mu.Unlock()
		if on {
			return nil
		}
		select {
		case <-h.watch:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// withheldLocked tells whether no picture may leave: the host is paused, or the
// sign that somebody watches is not on the screen yet.
func (h *Host) withheldLocked() bool { return h.paused || h.o.Sign != nil && !h.signed }

func (h *Host) withheld() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.withheldLocked()
}

func (h *Host) isPaused() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.paused
}

// watching counts seats that show the screen.
func (h *Host) watching(by int) {
	h.mu.Lock()
	h.watchers += by
	h.mu.Unlock()
	signal(h.watch)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// accept takes viewers at the door until ctx ends.
func (h *Host) accept(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		k, err := h.o.Node.Accept(ctx)
		if err != nil {
			return cause(ctx, err)
		}
		wg.Go(func() { h.receive(ctx, k) })
	}
}

// receive is one knock: handshake, then a new seat or one that resumes.
func (h *Host) receive(ctx context.Context, k *link.Knock) {
	defer k.Conn.Close()
	var door *openCode
	tr := &traffic{}
	s, err := secure.Admit(ctx, tr.count(k.Stream), h.me, k.Conn.Remote(), secure.Doors{
		Code: func(n uint64) *secure.CodeDoor {
			if door = h.enterDoor(n); door == nil {
				return nil
			}
			return door.CodeDoor
		},
		Resume: h.resumeKey,
		Porch:  h.porch,
	})
	defer h.leaveDoor(door)
	if err != nil {
		h.log.Debug("handshake", "err", err)
		if errors.Is(err, secure.ErrWrongCode) {
			h.emit(Denied{Reason: "wrong code"})
		}
		return
	}
	defer s.Close()
	if s.Mode() == secure.ModeResume {
		h.resume(ctx, s, k.Conn)
		return
	}
	h.seat(ctx, s, k.Conn, door, tr)
}

// enterDoor is the code with this number, if it is the one on show. A
// handshake that may use it up counts as somebody here, until leaveDoor.
func (h *Host) enterDoor(number uint64) *openCode {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.door == nil || h.door.Number() != number {
		return nil
	}
	h.entering++
	return h.door
}

func (h *Host) leaveDoor(door *openCode) {
	if door == nil {
		return
	}
	h.mu.Lock()
	h.entering--
	h.mu.Unlock()
	signal(h.changed)
}

// seat makes a new seat for an authenticated viewer and stays with it.
func (h *Host) seat(ctx context.Context, s *secure.Session, conn link.Conn, door *openCode, tr *traffic) {
	st := h.newSeat(door, conn.Remote())
	if st == nil {
		return
	}
	st.traffic = tr
	defer h.leave(st)
	st.err = st.run(ctx, s, conn)
	if ClassOf(st.err) == ClassKicked {
		h.o.Node.Deny(st.peer) // until this host is started again
	}
}

func (h *Host) newSeat(door *openCode, id p2p.ID) *seat {
	st := &seat{
		host: h, door: door, viewer: viewerOf(id, ""), peer: id, since: time.Now(),
		control: newLine(wire.Control), input: newLine(wire.Input), clips: newClips(h.board),
		answer: make(chan Grant, 1), bye: make(chan wire.Farewell, 1), back: make(chan comeback),
		gone: make(chan struct{}),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return nil
	}
	h.nextSeat++
	st.id, st.colour = h.nextSeat, h.freeColourLocked()
	h.seats[st.id] = st
	return st
}

// leave clears a seat: keys come up, the code that let it in is spent.
func (h *Host) leave(st *seat) {
	close(st.gone)
	st.clips.end()
	st.dropWish()
	h.hands.release(st.id)
	st.mu.Lock()
	st.ended = true
	st.mu.Unlock()
	h.floor.leave(st.id)
	h.mu.Lock()
	delete(h.seats, st.id)
	was := st.admitted
	if was && !h.ended {
		h.ended, h.outcome = true, st.err
	}
	if !was && h.o.Once && !h.ended && h.door == st.door {
		// The one viewer was refused or went away before it was let in.
		h.ended, h.outcome = true, st.err
	}
	last := !h.sharedLocked(st.door)
	h.mu.Unlock()
	if last && st.door != nil {
		st.door.Burn() // a code ends with its session
	}
	h.tellRoster()
	defer h.tellFloor() // after the news of why
	if was {
		h.emit(Left{Seat: st.id, Reason: reasonOf(st.err)})
	}
	signal(h.changed)
	signal(h.signs)
	h.follow()
}

// sharedLocked tells whether somebody else sits here by the same code.
func (h *Host) sharedLocked(door *openCode) bool {
	if door == nil {
		return false
	}
	for _, st := range h.seats {
		if st.door == door {
			return true
		}
	}
	return false
}

func reasonOf(err error) string {
	if err == nil {
		return "the viewer left"
	}
	return err.Error()
}

// resumeKey is the key of a seat that may be resumed by this peer.
func (h *Host) resumeKey(session uint64, viewer p2p.ID) (key [32]byte, ok bool) {
	for _, st := range h.all() {
		if id, key, ok := st.resumeKey(); ok && id == session && st.peer == viewer {
			return key, true
		}
	}
	return key, false
}

// resume hands a fresh session to the seat that it belongs to and stays until
// the seat is done with it.
func (h *Host) resume(ctx context.Context, s *secure.Session, conn link.Conn) {
	st := h.resumable(s.Remote())
	if st == nil {
		return
	}
	c := comeback{s: s, conn: conn, done: make(chan struct{})}
	select {
	case st.back <- c:
	case <-st.gone:
		return
	case <-ctx.Done():
		return
	}
	<-c.done
}

// resumable is the seat of this peer that may go on. A viewer has a key of its
// own in each process, so it has one seat at most that was not kicked.
func (h *Host) resumable(id p2p.ID) *seat {
	for _, st := range h.all() {
		if _, _, ok := st.resumeKey(); ok && st.peer == id {
			return st
		}
	}
	return nil
}

// panicKey ends all sessions when the person at the host presses it.
func (h *Host) panicKey(ctx context.Context) error {
	p, ok := h.o.Injector.(interface{ Panic() <-chan struct{} })
	if !ok {
		return nil
	}
	for {
		select {
		case <-p.Panic():
			h.dismissSeated(wire.Farewell{Reason: wire.PanicKey})
		case <-ctx.Done():
			return nil
		}
	}
}

// dismiss ends every seat, waits a moment for them to go, and admits no new one.
func (h *Host) dismiss(f wire.Farewell) {
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	h.dismissSeated(f)
	t := time.NewTimer(goIn)
	defer t.Stop()
	for _, st := range h.all() {
		select {
		case <-st.gone:
		case <-t.C:
			return
		}
	}
}

// goIn is how long the last words of all seats may take together.
const goIn = 2 * time.Second

func (h *Host) dismissSeated(f wire.Farewell) {
	for _, st := range h.all() {
		st.end(f)
	}
}

// lastWord is what viewers hear when the host ends with err.
func lastWord(err error) wire.Farewell {
	var e *Error
	if errors.As(err, &e) && e.Class == ClassNoDisplay {
		return wire.Farewell{Reason: wire.Fault, Words: e.Msg}
	}
	return wire.Farewell{Reason: wire.Stopped}
}

// all seats, in the order in which they came.
func (h *Host) all() []*seat {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []*seat
	for _, st := range h.seats {
		list = append(list, st)
	}
	slices.SortFunc(list, func(a, b *seat) int { return int(a.id - b.id) })
	return list
}

func (h *Host) find(id SeatID) (*seat, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if st := h.seats[id]; st != nil {
		return st, nil
	}
	return nil, &Error{Class: ClassUsage, Msg: fmt.Sprintf("there is no viewer %d", id)}
}
