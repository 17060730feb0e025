package peer

import (
	"context"
	"sync"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"

	"sightline/peer/link"
	"sightline/peer/secure"
	"sightline/peer/wire"
)

// Streams stay on the path they were opened on. The viewer opens its channels,
// so the viewer moves them: when a better path comes up, when a stream broke
// while another path lives, and when new rights open a new channel.

func decodeID(s string) (p2p.ID, error) { return p2p.Decode(s) }

// move keeps every channel open on the best path of one connection.
func (v *View) move(ctx context.Context, wg *sync.WaitGroup, s *secure.Session, conn link.Conn,
	serve func(*secure.Sealed), up *upgrade) {
	v.place(ctx, wg, s, conn, serve)
	for {
		select {
		case p, ok := <-conn.Paths():
			if !ok {
				return
			}
			v.notePath(p)
			up.note(p)
		case <-v.lost:
			// A moment for Paths or Dead to tell what happened, and a brake.
			if sleep(ctx, 50*time.Millisecond) != nil {
				return
			}
		case <-v.granted:
		case <-ctx.Done():
			return
		}
		v.place(ctx, wg, s, conn, serve)
	}
}

func (v *View) notePath(p Path) {
	v.mu.Lock()
	changed := p.Kind != link.None && !same(v.path, p)
	v.path = p
	v.mu.Unlock()
	if changed {
		v.o.Events(PathChanged{Path: p})
		v.retitle()
	}
}

// same tells whether two descriptions mean the same path.
func same(a, b Path) bool { return a.Kind == b.Kind && a.Transport == b.Transport }

// place opens each channel that is missing or on a worse path than the best.
func (v *View) place(ctx context.Context, wg *sync.WaitGroup, s *secure.Session, conn link.Conn, serve func(*secure.Sealed)) {
	best := conn.Path()
	if best.Kind == link.None {
		return
	}
	g := v.rights()
	for _, ch := range []wire.Channel{wire.Control, wire.Screen, wire.Input} {
		if need := channels[ch].need; need != 0 && !g.Any(need) {
			continue
		}
		v.mu.Lock()
		at := v.on[ch]
		v.mu.Unlock()
		if at.s != nil && same(at.path, best) {
			continue
		}
		v.openChannel(ctx, wg, s, conn, ch, serve)
	}
}

// openChannel opens one channel anew. What served it before is taken over by
// the line or, for the screen, handed over by the host at a frame's border.
func (v *View) openChannel(ctx context.Context, wg *sync.WaitGroup, s *secure.Session, conn link.Conn,
	ch wire.Channel, serve func(*secure.Sealed)) {
	raw, err := conn.Open(ctx)
	if err != nil {
		v.log.Debug("open channel", "channel", ch.String(), "err", err)
		signal(v.lost) // tried again in a moment
		return
	}
	sealed, err := s.Seal(v.traffic.count(raw), ch)
	if err != nil {
		v.log.Debug("seal channel", "channel", ch.String(), "err", err)
		signal(v.lost)
		return
	}
	v.mu.Lock()
	v.on[ch] = placed{sealed, raw.Path()}
	v.mu.Unlock()
	switch ch {
	case wire.Control:
		serve(sealed)
	case wire.Input:
		wg.Go(func() {
			v.input.Serve(ctx, sealed, func(wire.Type, []byte) error { return wire.ErrMalformed })
			v.lose(ctx, ch, sealed)
		})
	case wire.Screen:
		wg.Go(func() { v.queueScreen(ctx, sealed) })
	}
}

// placed is the stream that a channel is on now.
type placed struct {
	s    *secure.Sealed
	path Path
}

// lose notes that a stream ended, and has the channel opened anew unless a
// newer stream has taken it over: that is how the old one ends on a move.
func (v *View) lose(ctx context.Context, ch wire.Channel, s *secure.Sealed) {
	v.mu.Lock()
	current := v.on[ch].s == s
	if current {
		delete(v.on, ch)
	}
	v.mu.Unlock()
	if current && ctx.Err() == nil {
		signal(v.lost)
	}
}

// queueScreen gives a screen stream to paint and stays until it has been read.
func (v *View) queueScreen(ctx context.Context, sealed *secure.Sealed) {
	st := screenStream{s: sealed, done: make(chan struct{})}
	defer context.AfterFunc(ctx, func() { sealed.Reset() })()
	select {
	case v.screens <- st:
	case <-ctx.Done():
		return
	}
	select {
	case <-st.done:
		v.lose(ctx, wire.Screen, sealed)
	case <-ctx.Done():
	}
}

// pingLeast is how often the viewer asks even while frames come: only an answer
// tells the round trip and that control still works.
const pingLeast = 4 * pingEach

// watchdog asks for a sign of life every pingEach, and says so when there was
// none for deadIn: the path is dead even if nobody has told us. While frames
// come it asks seldom: their acknowledgements tell the host that we are alive.
func (v *View) watchdog(ctx context.Context, broken chan struct{}) {
	t := time.NewTicker(pingEach)
	defer t.Stop()
	var token [8]byte
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		v.mu.Lock()
		silent, heard := now.Sub(v.heard), v.heard
		asked := v.pinged
		ask := asked.IsZero() && (now.Sub(v.framed) > pingEach/2 || now.Sub(v.ponged) > pingLeast-pingEach/2)
		if ask {
			v.pinged = now
		}
		v.mu.Unlock()
		switch {
		case ask:
			v.control.Say(wire.TypePing, token[:])
		case asked.IsZero():
		case silent > 2*deadIn:
			signal(broken)
		case now.Sub(asked) > deadIn-pingEach/2:
			if silent > deadIn {
				v.glass.dim(heard)
			}
			v.control.Broken() // opened again on the best path
			v.mu.Lock()
			v.pinged = time.Time{}
			v.mu.Unlock()
		}
	}
}

// noteFrame notes that something came on the screen channel.
func (v *View) noteFrame() {
	v.mu.Lock()
	v.framed = time.Now()
	v.heard = v.framed
	v.mu.Unlock()
	v.glass.dim(time.Time{})
}

// pong notes the answer to a ping.
func (v *View) pong() {
	v.mu.Lock()
	v.heard = time.Now()
	if !v.pinged.IsZero() {
		v.lags = append(v.lags, v.heard.Sub(v.pinged))
		if len(v.lags) > lagsKept {
			v.lags = append(v.lags[:0], v.lags[1:]...)
		}
	}
	v.pinged, v.ponged = time.Time{}, v.heard
	v.mu.Unlock()
	v.glass.dim(time.Time{})
	v.retitle()
}

// upgrade is one connection's way to a direct path: tried when the other side
// has told its addresses, and again when a direct path was lost.
type upgrade struct {
	ctx  context.Context
	wg   *sync.WaitGroup
	conn link.Conn

	mu     sync.Mutex
	theirs [][]byte
	best   link.Kind // of the paths so far
	trying bool
}

// try goes for a direct path to these addresses, one attempt at a time.
func (u *upgrade) try(theirs [][]byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.theirs = theirs
	if u.trying || u.ctx.Err() != nil {
		return
	}
	u.trying = true
	u.wg.Go(func() {
		u.conn.Upgrade(u.ctx, theirs) // why not, Path tells
		u.mu.Lock()
		defer u.mu.Unlock()
		u.trying = false
	})
}

// note hears of each path.
func (u *upgrade) note(p Path) {
	u.mu.Lock()
	lost := p.Kind == link.Relayed && u.best > link.Relayed
	u.best = p.Kind
	theirs := u.theirs
	u.mu.Unlock()
	if lost && theirs != nil {
		u.try(theirs)
	}
}
