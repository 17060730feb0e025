package peer

import (
	"context"
	"errors"
	"image"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"sightline/peer/link"
	"sightline/peer/pace"
	"sightline/peer/secure"
	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/codec"
)

// screenRecord bounds the records of the screen channel, in bytes: where all
// channels share one TCP connection a key press gets in between two of them
// (SECURITY-DESIGN, section 5).
const screenRecord = 16 << 10

// picture is what one viewer is shown: the cast it is a member of, and its
// pace. It moves from stream to stream.
type picture struct {
	cast  atomic.Pointer[cast] // see lockCast
	left  atomic.Bool          // for good
	apart atomic.Int64         // until then it keeps out of other casts; Unix time, ns
	span  atomic.Int64         // how long it did so last

	// Owned by the one show that holds turn.
	number uint8     // of the last frame, modulo wire.FrameNumbers
	update update    // what is sent now
	buf    []byte    // what is written next
	other  []byte    // what is written behind our back, see behind
	clean  bool      // the viewer has all that the cast believes it has
	sought time.Time // when it last looked for a cast to meet
	afresh bool      // the cast was made because of a reset, and has sent nothing yet

	once sync.Once
	turn chan struct{} // holds one token while nobody shows

	// Guarded by mu.
	mu       sync.Mutex
	newest   *secure.Session                       // of the newest stream, and
	num      uint32                                // that stream's number
	kind     link.Kind                             // of the path that it is on
	moveOver context.CancelFunc                    // asks the show that holds the turn to yield
	finish   map[*secure.Sealed]context.CancelFunc // ends each at once
	pacer    pace.Pacer
	reset    bool          // the viewer needs everything afresh
	hidden   bool          // the viewer's window is minimised
	held     bool          // the host is paused
	resets   *rate.Limiter // how often it may
	wake     chan struct{}
	tally    tally
}

// A viewer that needs everything afresh costs an encoder that has learned
// nothing and the whole screen, which is as much as a minute of typing. Some in a
// row are what bad luck with paths and a resized window need; after that it waits, and
// is sent nothing meanwhile, for it could do nothing with it.
const (
	resetsAtOnce = 6
	resetEach    = 5 * time.Second
)

func (p *picture) init() {
	p.once.Do(func() {
		p.turn = make(chan struct{}, 1)
		p.turn <- struct{}{}
		p.wake = make(chan struct{}, 1)
		p.resets = rate.NewLimiter(rate.Every(resetEach), resetsAtOnce)
	})
}

// errMoveOver: a stream on a better path takes over, at a frame's border.
var errMoveOver = errors.New("moving to another stream")

// show sends the pictures over one stream. A second one, opened by the viewer
// on a better path, takes over where this one stops: nothing is sent twice.
func (st *seat) show(ctx context.Context, s *secure.Sealed) error {
	p := &st.picture
	p.init()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	yield, yieldNow := context.WithCancelCause(ctx)
	defer yieldNow(nil)
	defer p.forget(s)
	if err := p.take(yield, s, func() { yieldNow(errMoveOver) }, cancel); err != nil {
		if errors.Is(err, errMoveOver) {
			return p.giveWay(s)
		}
		return errors.Join(err, s.Reset())
	}
	defer func() { p.turn <- struct{}{} }()
	if p.cast.Load() == nil {
		newCast(codec.NewEncoder(), st.host.canvas.Tap(), &st.host.load, p)
		go func() { <-st.gone; p.leaveForGood() }()
	} else if !p.clean {
		p.needReset()
	}
	st.host.watching(+1)
	defer st.host.watching(-1)
	p.hold(st.host.withheld())
	s.SetRecordSize(screenRecord)
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	heard := make(chan error, 1)
	go func() { heard <- st.watchAcks(s, p); cancel() }()
	p.clean = false
	err := st.paint(yield, s, p)
	st.stopCounting(p)
	if errors.Is(err, errMoveOver) {
		herr := p.handOver(s, heard)
		p.clean = herr == nil || errors.Is(herr, io.EOF)
		return herr
	}
	cancel()
	if herr := <-heard; errors.Is(herr, wire.ErrMalformed) {
		return herr
	}
	return err
}

// take waits for the turn, after asking its holder to move over. Streams may
// arrive in another order than they were opened in: one that is older than the
// newest gets errMoveOver at once, for the viewer reads them in its own order.
func (p *picture) take(ctx context.Context, s *secure.Sealed, moveOver, finish context.CancelFunc) error {
	p.mu.Lock()
	if p.newest == s.Session() && s.Num() < p.num {
		p.mu.Unlock()
		return errMoveOver
	}
	was, kind := p.kind, kindOf(s)
	p.newest, p.num, p.kind = s.Session(), s.Num(), kind
	p.hidden = false // a viewer that is still hidden says so on the new stream
	if kind < was {
		// Nobody goes back to the relay unless the better path is dead: nothing
		// sent there will be read, and to wait for it would freeze the picture.
		for _, finish := range p.finish {
			finish()
		}
	} else if p.moveOver != nil {
		p.moveOver()
	}
	p.moveOver = moveOver
	if p.finish == nil {
		p.finish = map[*secure.Sealed]context.CancelFunc{}
	}
	p.finish[s] = finish
	p.mu.Unlock()
	select {
	case <-p.turn:
		return nil
	case <-ctx.Done(): // its end, or a newer stream that wants the turn
		return context.Cause(ctx)
	}
}

// kindOf is the kind of path that a channel runs on.
func kindOf(s *secure.Sealed) link.Kind {
	if on, ok := s.Under().(interface{ Path() link.Path }); ok {
		return on.Path().Kind
	}
	return link.None
}

func (p *picture) forget(s *secure.Sealed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.finish, s)
}

// giveWay ends a stream on which nothing was shown.
func (p *picture) giveWay(s *secure.Sealed) error {
	if _, err := s.Write(wire.Append(nil, wire.Screen, wire.TypeMoved, 0, nil)); err != nil {
		return err
	}
	return s.Close()
}

// end stops showing at once: the right to view was taken back.
func (p *picture) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, finish := range p.finish {
		finish()
	}
}

// hold keeps pictures back, or lets them go on.
func (p *picture) hold(on bool) {
	p.init()
	p.mu.Lock()
	p.held = on
	p.mu.Unlock()
	signal(p.wake)
}

// startAfresh forgets what the viewer has.
func (st *seat) startAfresh(p *picture) {
	p.leave()
	newCast(codec.NewEncoder(), st.host.canvas.Tap(), &st.host.load, p)
	p.afresh = true
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pacer.Forget()
}

// handOver says that this stream is complete and waits until the viewer has
// read it, so that the next one begins where it ended.
func (p *picture) handOver(s *secure.Sealed, heard <-chan error) error {
	if _, err := s.Write(wire.Append(nil, wire.Screen, wire.TypeMoved, 0, nil)); err != nil {
		return err
	}
	p.mu.Lock()
	p.pacer.Forget() // another path, another line
	p.mu.Unlock()
	if err := s.Close(); err != nil {
		return err
	}
	select {
	case err := <-heard: // the viewer has read all and closed its side: io.EOF
		return err
	case <-time.After(handOverIn):
		return errors.New("the old stream was not read to its end")
	}
}

// handOverIn is the old path's time to deliver what was sent on it.
const handOverIn = 3 * time.Second

// needReset notes that the viewer has nothing of what it was sent.
func (p *picture) needReset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reset = true
	p.pacer.Forget()
}

func (p *picture) wantsReset() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.reset
	p.reset = false
	return was
}

// mayBegin tells how long a picture that starts afresh has to wait: 0 once.
func (p *picture) mayBegin() time.Duration {
	r := p.resets.Reserve()
	wait := r.Delay()
	if wait > 0 {
		r.Cancel()
	}
	return wait
}

func clamp16(v int) uint16 { return uint16(min(max(v, 0), 1<<16-1)) }

func layoutInfo(l *screen.Layout) []wire.PictureInfo {
	var list []wire.PictureInfo
	for _, p := range l.Pictures {
		list = append(list, wire.PictureInfo{
			ID: uint8(p.ID), X: int32(p.Rect.Min.X), Y: int32(p.Rect.Min.Y),
			W: clamp16(p.Rect.Dx()), H: clamp16(p.Rect.Dy()), Name: p.Name, Main: boxOf(p.Main), Over: boxOf(p.Over),
		})
	}
	return list
}

// boxOf is a part of a picture on the wire.
func boxOf(r image.Rectangle) wire.Box {
	if r.Empty() {
		return wire.Box{}
	}
	return wire.Box{X: clamp16(r.Min.X), Y: clamp16(r.Min.Y), W: clamp16(r.Dx()), H: clamp16(r.Dy())}
}

func rectOf(b wire.Box) image.Rectangle {
	return image.Rect(int(b.X), int(b.Y), int(b.X)+int(b.W), int(b.Y)+int(b.H))
}

// watchAcks reads the viewer's acknowledgements until the stream ends.
func (st *seat) watchAcks(s *secure.Sealed, p *picture) error {
	r := wire.NewReader(s, wire.Screen)
	for {
		t, _, body, err := r.Next()
		if err != nil {
			return err
		}
		st.alive()
		if err := p.heard(t, body); err != nil {
			return err
		}
		signal(p.wake)
	}
}

func (p *picture) heard(t wire.Type, body []byte) error {
	switch t {
	case wire.TypeShown:
		m, err := wire.ParseShown(body)
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.pacer.Shown(m.Number, time.Now().Add(-m.Held), m.Took)
	case wire.TypeReset:
		p.needReset()
	case wire.TypeHide:
		hidden, err := wire.ParseHide(body)
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hidden = hidden
	default:
		return wire.ErrMalformed
	}
	return nil
}
