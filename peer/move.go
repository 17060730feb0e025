package peer

import (
	"context"
	"errors"
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
	serve func(*secure.Sealed)) {
	v.place(ctx, wg, s, conn, serve)
	settle := time.NewTimer(settleFor)
	defer settle.Stop()
	for {
		if left := v.settleLeft(); left > 0 {
			settle.Reset(left)
		}
		select {
		case <-settle.C:
		case <-v.settled:
		case p, ok := <-conn.Paths():
			if !ok {
				return
			}
			v.notePath(p)
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
	news := isNews(v.path, p)
	v.path = p
	if p.RTT > 0 {
		v.trip = p.RTT
	}
	v.mu.Unlock()
	if news {
		v.o.Events(PathChanged{Path: p})
		v.retitle()
	}
}

// isNews tells whether a person should hear of the path that is now: another one,
// another reason, or the round trip, which is known a moment later than the path.
func isNews(before, now Path) bool {
	return now.Kind != link.None && (before.Kind != now.Kind || before.Transport != now.Transport || before.Why != now.Why || before.RTT == 0 && now.RTT > 0)
}

// same tells whether two descriptions mean the same path.
func same(a, b Path) bool { return a.Kind == b.Kind && a.Transport == b.Transport && a.ID == b.ID }

// place opens each channel that is missing or on a worse path than the best.
func (v *View) place(ctx context.Context, wg *sync.WaitGroup, s *secure.Session, conn link.Conn, serve func(*secure.Sealed)) {
	best := conn.Path()
	if best.Kind == link.None {
		return
	}
	g := v.rights()
	for _, ch := range []wire.Channel{wire.Control, wire.Screen, wire.Input, wire.Clips} {
		if need := channels[ch].need; need != 0 && !g.Any(need) {
			continue
		}
		if ch == wire.Clips && (v.board.to == nil || v.clipRights() == 0) {
			continue
		}
		v.mu.Lock()
		at := v.on[ch]
		v.mu.Unlock()
		if at.s != nil && (same(at.path, best) || ch == wire.Screen && best.Kind > at.path.Kind && v.settling()) {
			continue
		}
		v.openChannel(ctx, wg, s, conn, ch, serve)
		if at.s != nil && best.Kind < at.path.Kind {
			at.s.Reset() // that path is dead, and whoever reads there would wait for it
		}
	}
}

// openEarly opens the screen channel while the host still decides: it waits there
// until the host serves it, which it does after ACCEPT alone, and the first picture
// comes a round trip earlier. Nothing is read here before ACCEPT either.
func (v *View) openEarly(ctx context.Context, s *secure.Session, conn link.Conn) {
	v.early = placed{}
	if !v.o.Wants.Any(channels[wire.Screen].need) {
		return
	}
	raw, err := conn.Open(ctx)
	if err != nil {
		v.log.Debug("open the screen early", "err", err)
		return // place opens it
	}
	sealed, err := s.Seal(v.traffic.count(raw), wire.Screen)
	if err != nil {
		v.log.Debug("open the screen early", "err", err)
		return
	}
	v.early = placed{sealed, raw.Path()}
}

// How long the screen stays where it is at the beginning, unless its picture is exact
// before. A direct path comes when the first one is half there; to hand it over then
// would cost the person two round trips more. The first picture takes up to three, so on
// a long line that is how long it stays.
const (
	settleFor   = time.Second // at least
	settleTrips = 3
	settleMost  = 5 * time.Second
)

// settleLeft is how much of that time is left, 0 or less when it is over.
func (v *View) settleLeft() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return time.Until(v.since.Add(min(max(settleFor, settleTrips*v.trip), settleMost)))
}

// settling tells whether the first picture is on its way.
func (v *View) settling() bool {
	young := v.settleLeft() > 0
	v.glass.mu.Lock()
	defer v.glass.mu.Unlock()
	return young && !v.glass.sharp
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
	case wire.Clips:
		wg.Go(func() {
			if err := v.exchange(ctx, sealed); errors.Is(err, wire.ErrMalformed) {
				v.finish(&Error{Class: ClassFault, Msg: "the host broke the protocol", Err: err})
			}
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

// offer tells the other side how we can be reached directly, over the sealed
// channel, at once and whenever that should be told again.
func offer(ctx context.Context, conn link.Conn, control *line) {
	for {
		o := conn.Offer()
		control.Send(wire.TypeCandidates, wire.Candidates{NAT: uint8(o.NAT), Addrs: o.Addrs}.Append(nil))
		select {
		case <-conn.Offers():
		case <-ctx.Done():
			return
		}
	}
}

// upgrade hands the other side's offer to the link, which from then on goes for a
// direct path by itself.
func upgrade(conn link.Conn, body []byte) error {
	m, err := wire.ParseCandidates(body)
	if err != nil {
		return err
	}
	_ = conn.Upgrade(link.Offer{NAT: link.NAT(m.NAT), Addrs: m.Addrs}) // closed: nobody needs it any more
	return nil
}
