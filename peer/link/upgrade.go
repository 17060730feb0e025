package link

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// plainDial is how long an attempt without punching may take while the round
	// trip is not known. Both sides make it at about the same moment, so for QUIC
	// it opens most NAT boxes already.
	plainDial = 1200 * time.Millisecond
	// plainRoom is what it may take besides two round trips once that is known:
	// one handshake, with its first packet sent again (quic-go: after 200 ms).
	// What it has not done by then is the punch's, which dials QUIC again anyway,
	// and without which TCP cannot come about: while all of plainDial was waited
	// for, that took 1.65 s.
	plainRoom = 250 * time.Millisecond
	// punchDial is libp2p's DirectDialTimeout for one punching attempt. The
	// default of 10 s makes the third attempt, which alone gets through some
	// pairs of NAT boxes, come after 11 s; with 1.5 s it comes after 4 s.
	punchDial = 1500 * time.Millisecond
	// punchAll is what three attempts and their round trips may take.
	punchAll = 8 * time.Second
	// serverRoom is what the punch's first dial by TCP may take besides four round
	// trips before its role is changed.
	serverRoom = 300 * time.Millisecond
	// punchLag is by how much the SYN of the side that answers a punch should arrive
	// later than the other side's leaves: that side counts the moment with a timer, and
	// a SYN that is earlier finds its listener. Half a round trip is that long anyway
	// unless both are near.
	punchLag = 50 * time.Millisecond
	// lanDial is for addresses that answer at once or never, where the punch by
	// TCP is what will work: it should begin soon.
	lanDial = 250 * time.Millisecond
)

// newPuncher starts libp2p's hole punching service for our use only.
//
// Three things differ from libp2p.EnableHolePunching. It is deaf to incoming
// circuits (quietHost), since at that moment nobody is admitted and libp2p
// tries only once. It counts as ready at once, because it is asked with our
// listen addresses: stock libp2p has no handler until identify told a public
// address, and a peer that is quicker fails for good (go-libp2p issue 3024).
// And it shows addresses to admitted peers only.
func (n *Node) newPuncher() error {
	if n.noDirect() != "" {
		return nil
	}
	ids, ok := n.h.(interface{ IDService() identify.IDService })
	if !ok {
		return errors.New("link: this libp2p host has no identify service")
	}
	some := []ma.Multiaddr{ma.StringCast("/ip4/0.0.0.0/udp/1/quic-v1")}
	ready := func() []ma.Multiaddr { return some } // replaced by the filter
	p, err := holepunch.NewService(quietHost{n.h, n}, ids.IDService(), ready,
		holepunch.DirectDialTimeout(punchDial), holepunch.WithAddrFilter(punchFilter{n}), holepunch.WithTracer(punchLog{n.log}))
	n.punch = p
	return err
}

// punchLog writes what the puncher does into a log.
type punchLog struct{ log *slog.Logger }

// Trace implements holepunch.EventTracer.
func (l punchLog) Trace(e *holepunch.Event) {
	l.log.Debug("hole punch", "peer", e.Remote, "what", e.Type, "how", e.Evt)
}

// quietHost is a host whose network tells nobody of new connections, and whose
// punches by TCP may change their role.
type quietHost struct {
	host.Host
	n *Node
}

// Connect implements host.Host for the puncher. The side that asked for the punch
// dials as the server of what comes about, since the other side's SYN is to meet
// its own. A SYN that gets through to a listener instead, as it does to a box that
// lets anybody in, finds another server there, and the two wait for each other: then
// this side is the client. libp2p does that in the third attempt (4 s).
func (h quietHost) Connect(ctx context.Context, to p2p.AddrInfo) error {
	punch, isClient, why := network.GetSimultaneousConnect(ctx)
	rtt, asked := h.n.tripWithoutUDP(to.ID)
	if punch && isClient && rtt > 0 && !asked {
		sleep(ctx, max(punchLag-rtt/2, 0))
	}
	if !punch || isClient || rtt == 0 {
		return h.Host.Connect(ctx, to)
	}
	first, cancel := context.WithTimeout(ctx, 4*rtt+serverRoom)
	err := h.Host.Connect(first, to)
	cancel()
	if err == nil || ctx.Err() != nil {
		return err
	}
	return h.Host.Connect(network.WithSimultaneousConnect(ctx, true, why), to)
}

// tripWithoutUDP is the round trip to a peer with whom nothing but TCP can come
// about, 0 if QUIC can or nothing is known; and whether a punch is for this side to ask.
func (n *Node) tripWithoutUDP(id p2p.ID) (rtt time.Duration, asks bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.remotes[id]
	if r == nil || !r.theirs.nat.noUDP() && !n.natLocked().noUDP() {
		return 0, false
	}
	return r.relayedTripLocked(), r.circuitCameInLocked()
}

func (h quietHost) Network() network.Network { return quietNetwork{h.Host.Network()} }

type quietNetwork struct{ network.Network }

func (quietNetwork) Notify(network.Notifiee)     {}
func (quietNetwork) StopNotify(network.Notifiee) {}

// punchFilter decides which addresses a hole punch uses. Before Upgrade there
// are none, in both directions, and the punch fails.
type punchFilter struct{ n *Node }

// FilterLocal implements holepunch.AddrFilter.
func (f punchFilter) FilterLocal(p p2p.ID, _ []ma.Multiaddr) []ma.Multiaddr {
	r := f.shown(p)
	if r == nil {
		return nil
	}
	return f.n.candidates(r.onLoopback())
}

// FilterRemote implements holepunch.AddrFilter.
func (f punchFilter) FilterRemote(p p2p.ID, addrs []ma.Multiaddr) []ma.Multiaddr {
	r := f.shown(p)
	if r == nil {
		return nil
	}
	r.stopDialling()
	return f.n.vetAll(addrs, r.onLoopback())
}

func (f punchFilter) shown(p p2p.ID) *remote {
	f.n.mu.Lock()
	defer f.n.mu.Unlock()
	if r := f.n.remotes[p]; r != nil && r.shown {
		return r
	}
	return nil
}

// dialable leaves out the public TCP addresses on the side that answers the
// punch. Were both sides to dial by TCP, the two SYNs could meet and make one
// connection whose ends both think that they called: the handshake hangs, and
// the punch that follows finds its ports in use (12 s instead of 1.7 s to a peer
// without UDP). The punch itself dials from that side with the roles agreed.
//
// Where only TCP can come about and a punch will follow, neither side does. A SYN that
// is given up leaves its hole open: through it the other side's SYN, should it come
// before our next one, finds a listener, whose answer our NAT box drops as it belongs to
// no SYN that it knows; and for a minute that half connection has the ports of the
// punch, so that every later SYN leaves from another (3 of 10 tries on wires of 1 ms).
//
// Where no two SYNs can meet both sides dial (plainTCP), and so they do to a side that
// is open to everybody.
func (r *remote) dialable(addrs []ma.Multiaddr, mine, theirs NAT) []ma.Multiaddr {
	onlyTCP := mine.noUDP() || theirs.noUDP()
	if plainTCP(mine, theirs) || r.circuitCameIn() && (!onlyTCP || theirs == NATOpen) {
		return addrs
	}
	return slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
		return transportOf(a) == "tcp" && !isNear(a)
	})
}

// dialDirect dials the candidates. They are forgotten afterwards, or libp2p's
// puncher would dial them once more before it punches.
func (r *remote) dialDirect(ctx context.Context, addrs []ma.Multiaddr, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	r.n.mu.Lock()
	r.dialling = cancel
	r.n.mu.Unlock()
	r.n.run(func() { r.cutShort(ctx, cancel) })
	r.n.forgetFailures(r.id)
	err := r.n.h.Connect(network.WithForceDirectDial(ctx, "upgrade"), p2p.AddrInfo{ID: r.id, Addrs: addrs})
	if err != nil {
		r.n.log.Debug("direct dial", "peer", r.id, "err", err)
	}
	r.forgetPlain()
}

// cutShort ends a plain dial that had its two round trips, or the four of TCP if
// the peer is open to everybody. A punch would not help there: a SYN of the side
// that is to be the server of it meets a listener, which is one, too, and the two
// wait for each other until the third attempt (5.4 s).
func (r *remote) cutShort(ctx context.Context, cancel context.CancelFunc) {
	began := time.Now()
	for {
		r.n.mu.Lock()
		rtt, changed, open := r.relayedTripLocked(), r.changed, r.theirs.nat == NATOpen
		plain := plainTCP(r.n.natLocked(), r.theirs.nat)
		r.n.mu.Unlock()
		if plain {
			return // nothing else gets through
		}
		if rtt > 0 {
			trips := time.Duration(2)
			if open {
				trips = 4
			}
			if sleep(ctx, time.Until(began.Add(trips*rtt+plainRoom))) {
				cancel()
			}
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// relayedTripLocked is the round trip through the relay, 0 while it is not known.
func (r *remote) relayedTripLocked() time.Duration {
	var rtt time.Duration
	for _, p := range r.paths {
		if p.kind == Relayed && !p.conn.IsClosed() {
			rtt = max(rtt, p.roundTrip())
		}
	}
	return rtt
}

// stopDialling gives way to the punch that begins: libp2p would let its dial join
// ours, which knows nothing of the roles that the two sides agreed on.
func (r *remote) stopDialling() {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	if r.dialling != nil {
		r.dialling()
	}
}

// forgetPlain takes addresses that are not circuits out of the peerstore.
func (r *remote) forgetPlain() {
	store := r.n.h.Peerstore()
	for _, a := range store.Addrs(r.id) {
		if !isCircuit(a) {
			store.SetAddr(r.id, a, 0)
		}
	}
}

// punchHole runs libp2p's protocol. By its rule the side to which the circuit
// came asks, and the other answers in its handler and only waits here.
func (r *remote) punchHole(ctx context.Context) error {
	if !r.circuitCameIn() {
		if r.waitDirect(ctx, punchAll) {
			return nil
		}
		return errors.New("nothing came through")
	}
	done := make(chan error, 1)
	if !r.n.run(func() { done <- r.n.punch.DirectConnect(r.id) }) {
		return ErrClosed
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *remote) circuitCameIn() bool {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	return r.circuitCameInLocked()
}

func (r *remote) circuitCameInLocked() bool {
	for c, p := range r.paths {
		if p.kind == Relayed && c.Stat().Direction == network.DirInbound {
			return true
		}
	}
	return false
}

func (r *remote) isDirect() bool {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	return r.isDirectLocked()
}

func (r *remote) isDirectLocked() bool {
	best := r.bestLocked()
	return best != nil && best.kind > Relayed
}

// waitDirect waits until a direct path is up and tells whether it is.
func (r *remote) waitDirect(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		r.n.mu.Lock()
		direct, changed := r.isDirectLocked(), r.changed
		r.n.mu.Unlock()
		if direct {
			return true
		}
		select {
		case <-changed:
		case <-t.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
