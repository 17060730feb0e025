package peer

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"

	"golang.org/x/time/rate"

	"sightline/peer/secure"
	"sightline/peer/wire"
	"sightline/screen"
)

// Copying and pasting across a session. Each direction is a right of its own;
// nothing is sent because a session starts or a right is given, only what is
// copied from then on. A viewer's clipboard goes nowhere unless the viewer
// itself asked for that right: a host cannot give it away.

// Clips of one direction (SECURITY-DESIGN, section 11). Who copies faster sends
// the newest; what comes faster waits in its stream.
const (
	clipRate  = 5 // a second
	clipBurst = 5
)

// board is the clipboard of this side. It keeps clips from going in circles: two
// ends may share one desktop, and a clipboard manager takes over and offers anew
// what we have put there.
type board struct {
	to screen.Clipboard // nil: there is none here

	mu    sync.Mutex
	users int       // streams that want to know what is copied here
	known [2]digest // what stands on CLIPBOARD and PRIMARY here
	came  [2]digest // what the other side put there last
}

type digest [sha256.Size]byte

func digestOf(c screen.Clip) digest {
	h := sha256.New()
	h.Write([]byte{0})
	if c.Picture {
		h.Write([]byte{1})
	}
	h.Write(c.Data)
	return digest(h.Sum(nil))
}

func sideOf(primary bool) int {
	if primary {
		return 1
	}
	return 0
}

// copied notes what a program here copied and tells whether that is news for
// the other side.
func (b *board) copied(c screen.Clip) bool {
	n := sideOf(c.Primary)
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.Data == nil {
		b.known[n], b.came[n] = digest{}, digest{}
		return false
	}
	d := digestOf(c)
	b.known[n] = d
	if d == b.came[n] {
		return false
	}
	b.came[n] = digest{}
	return true
}

// paste puts here what the other side copied. That a display went away is told
// by those who show it.
func (b *board) paste(c screen.Clip) {
	n, d := sideOf(c.Primary), digestOf(c)
	b.mu.Lock()
	same := d == b.known[n]
	b.known[n], b.came[n] = d, d
	b.mu.Unlock()
	if !same {
		b.to.Put(c)
	}
}

// use counts the streams that are open. Without one nothing is read here, and
// so nothing is known either when the next one opens.
func (b *board) use(by int) {
	if b.to == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.users > 0
	b.users += by
	if on := b.users > 0; on != was {
		b.known, b.came = [2]digest{}, [2]digest{}
		b.to.Listen(on)
	}
}

// watch calls f with what is copied here, until ctx or the clipboard ends.
func (b *board) watch(ctx context.Context, f func(c screen.Clip, news bool)) {
	if b.to == nil {
		return
	}
	for {
		select {
		case c, ok := <-b.to.Clips():
			if !ok {
				return
			}
			f(c, b.copied(c))
		case <-ctx.Done():
			return
		}
	}
}

// clips is one end of the clipboard channel of one session: what is to be sent,
// one clip at a time and the newest of each selection only.
type clips struct {
	line  *line
	board *board
	pace  *rate.Limiter // of what is sent
	heed  *rate.Limiter // of what comes

	mu   sync.Mutex
	open int // streams that serve
	next [2]*screen.Clip
	wake chan struct{}

	life context.Context // until end
	end  func()          // ends all streams: the session is over
}

func newClips(b *board) *clips {
	x := &clips{
		line: newLine(wire.Clips), board: b, wake: make(chan struct{}, 1),
		pace: rate.NewLimiter(clipRate, 1), heed: rate.NewLimiter(clipRate, clipBurst),
	}
	x.life, x.end = context.WithCancel(context.Background())
	return x
}

// send has a clip sent soon. While no stream is open nothing is kept: what was
// copied during a break is not sent because it ends.
func (x *clips) send(c screen.Clip) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.open > 0 {
		x.next[sideOf(c.Primary)] = &c
		signal(x.wake)
	}
}

// drop forgets what was not sent yet: the right to it was taken back.
func (x *clips) drop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.next[:])
}

// serve speaks over one stream until it ends. may says whether a clip may leave
// at this moment, take what to do with one that came.
func (x *clips) serve(ctx context.Context, s *secure.Sealed, may func() bool, take func(screen.Clip)) error {
	s.SetRecordSize(screenRecord) // a key press must get in between
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	defer context.AfterFunc(x.life, cancel)()
	x.board.use(+1)
	defer x.board.use(-1)
	x.opened(+1)
	defer x.opened(-1)
	wg.Go(func() { x.pump(ctx, may) })
	return x.line.Serve(ctx, s, func(t wire.Type, body []byte) error {
		if t != wire.TypeClip {
			return wire.ErrMalformed
		}
		m, err := wire.ParseClip(body)
		if err != nil {
			return err
		}
		// Not ctx: the message counts as applied from here on.
		if err := x.heed.Wait(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		take(screen.Clip{Primary: m.Primary, Picture: m.Picture, Data: append([]byte(nil), m.Data...)})
		return nil
	})
}

func (x *clips) opened(by int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.open += by; x.open == 0 {
		clear(x.next[:])
	}
	signal(x.wake) // what the stream before had no time for
}

func (x *clips) waiting() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.next != [2]*screen.Clip{}
}

// pump sends one clip after the other, each when the one before has arrived.
func (x *clips) pump(ctx context.Context, may func() bool) {
	for {
		select {
		case <-x.wake:
		case <-x.line.applied:
		case <-ctx.Done():
			return
		}
		if !x.waiting() || x.line.Waiting() > 0 {
			continue
		}
		if err := x.pace.Wait(ctx); err != nil {
			return
		}
		if c := x.pop(); c != nil && may() {
			m := wire.Clip{Primary: c.Primary, Picture: c.Picture, Data: c.Data}
			x.line.Send(wire.TypeClip, m.Append(nil))
		}
	}
}

// pop takes what is sent next; what a person copied goes before what is marked.
func (x *clips) pop() *screen.Clip {
	x.mu.Lock()
	defer x.mu.Unlock()
	for n, c := range x.next {
		if c != nil {
			x.next[n] = nil
			if x.next[1] != nil {
				signal(x.wake)
			}
			return c
		}
	}
	return nil
}

// sendable tells whether a clip may go on the wire, and else why not, if that is
// worth telling.
func sendable(c screen.Clip) (bool, string) {
	if c.Data == nil {
		if c.Withheld == "" {
			return false, ""
		}
		return false, "what was copied stays here: " + c.Withheld
	}
	if (wire.Clip{Primary: c.Primary, Picture: c.Picture, Data: c.Data}).Check() != nil {
		return false, "what was copied stays here: its program gave no valid text or picture"
	}
	return true, ""
}

// ---- the host's side ----

// clipboard hands what is copied here to every viewer who may have it.
func (h *Host) clipboard(ctx context.Context) error {
	h.board.watch(ctx, func(c screen.Clip, news bool) {
		ok, why := sendable(c)
		for _, st := range h.all() {
			switch {
			case !st.maySee():
			case !ok && why != "":
				h.emit(Denied{Seat: st.id, Reason: why})
			case ok && news:
				st.clips.send(c)
			}
		}
	})
	return nil
}

// maySee tells whether the viewer may have what is copied at this moment.
func (st *seat) maySee() bool { return st.rights().Has(wire.ClipToViewer) && !st.host.isPaused() }

// exchange serves the clipboard channel.
func (st *seat) exchange(ctx context.Context, s *secure.Sealed) error {
	if st.host.board.to == nil {
		st.refused("there is no clipboard here")
	}
	return st.clips.serve(ctx, s, st.maySee, func(c screen.Clip) {
		st.alive()
		var refused *screen.Refused
		switch err := st.may(wire.ClipToHost, "no right to this clipboard"); {
		case errors.As(err, &refused):
			st.refused(refused.Reason)
		case st.host.board.to != nil:
			st.host.board.paste(c)
		}
	})
}

// ---- the viewer's side ----

// clipboard sends what is copied here, if that is wanted on both sides.
func (v *View) clipboard(ctx context.Context) {
	if v.board.to == nil && v.o.Wants.Any(clipboards) {
		v.o.Events(Denied{Reason: noClipboard.Msg})
	}
	v.board.watch(ctx, func(c screen.Clip, news bool) {
		ok, why := sendable(c)
		switch {
		case !v.clipRights().Has(wire.ClipToHost):
		case !ok && why != "":
			v.o.Events(Denied{Reason: why})
		case ok && news:
			v.clips.send(c)
		}
	})
}

// clipRights are those of the clipboard that the host gave and this side asked
// for: neither can open the other's clipboard alone.
func (v *View) clipRights() Grant {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.grants & v.wants & clipboards
}

// clipboards are both directions.
const clipboards = wire.ClipToHost | wire.ClipToViewer

var noClipboard = &Error{Class: ClassUsage, Msg: "there is no clipboard here"}

// Ask asks the host for more rights, and, of those that it has given already, for
// control. The clipboard is open on this side from then on, as if it had been asked
// for at the door.
func (v *View) Ask(g Grant) error {
	g &^= wire.View // which it has
	switch {
	case g == 0, g&^(wire.HandsOn|clipboards) != 0:
		return &Error{Class: ClassUsage, Msg: "only control and the clipboard can be asked for in mid-session"}
	case g.Any(clipboards) && v.board.to == nil:
		return noClipboard
	}
	v.mu.Lock()
	v.wants |= g
	v.mu.Unlock()
	signal(v.granted) // the host may have given it before
	return v.control.Send(wire.TypeWant, wire.AppendGrants(nil, g))
}

// exchange serves the clipboard channel.
func (v *View) exchange(ctx context.Context, s *secure.Sealed) error {
	return v.clips.serve(ctx, s, func() bool { return v.clipRights().Has(wire.ClipToHost) }, func(c screen.Clip) {
		if v.clipRights().Has(wire.ClipToViewer) {
			v.board.paste(c)
		}
	})
}
