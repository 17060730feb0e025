package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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
