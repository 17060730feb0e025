package link

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	msmux "github.com/multiformats/go-multistream"
)

// A relay that was reached by a higher rung is tried at its own port again and
// again: UDP may have been slow at that moment only, and nothing but the own port
// shows how the outside sees us, on which every direct path hangs. What stands goes
// on meanwhile:
//
//	relay ◄── wss ── node      the reservation is by peer ID and holds on either connection
//	      ◄── quic ─           new streams take it at once; a circuit that this side
//	                           dialled is dialled once more, the session moves there
//	                           by itself (Paths), and the old connection is closed
//	                           when nothing runs on it any more
//
// A circuit that came in only its dialler can make once more, so it is asked to, by
// whom it has admitted (againProtocol): the new one comes in on the better connection,
// for the relay takes that, and the session moves there as to any better path.
var climbPauses = [...]time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 5 * time.Minute}

// movedWithin is how long a session may take to open its channels on the new
// circuit before the old one is closed.
const movedWithin = 5 * time.Second

// startClimb has a relay tried at its own port in the background, once at a time.
func (n *Node) startClimb(relay p2p.AddrInfo) {
	relay.Addrs = slices.DeleteFunc(slices.Clone(relay.Addrs), func(a ma.Multiaddr) bool { return rung(a) != 0 || isProxied(a) })
	if len(relay.Addrs) == 0 || n.onFirstRung(relay.ID) {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.climbing[relay.ID] {
		return
	}
	n.climbing[relay.ID] = n.runLocked(func() {
		n.climb(relay)
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.climbing, relay.ID)
	})
}

// climb ends when the relay is on its first rung, or not connected at all.
func (n *Node) climb(relay p2p.AddrInfo) {
	for try := 0; ; try++ {
		if !sleep(n.ctx, n.climbPause(try)) || n.h.Network().Connectedness(relay.ID) != network.Connected {
			return
		}
		ctx, cancel := context.WithTimeout(n.ctx, rungTime)
		n.forgetFailures(relay.ID)
		err := n.h.Connect(network.WithForceDirectDial(ctx, "a better rung"), relay)
		cancel()
		if n.onFirstRung(relay.ID) {
			break
		}
		n.log.Debug("no better rung", "relay", relay.ID, "err", err)
	}
	n.web.forget(relay.ID)
	n.log.Debug("a better rung", "relay", relay.ID)
	n.moveCircuits(relay.ID)
	n.askAgainThrough(relay.ID)
	n.leaveRung(relay.ID)
}

func (n *Node) climbPause(try int) time.Duration {
	if n.climbSoon > 0 { // tests
		return n.climbSoon
	}
	return climbPauses[min(try, len(climbPauses)-1)]
}

func (n *Node) movedPause() time.Duration {
	if n.climbSoon > 0 {
		return 4 * n.climbSoon
	}
	return movedWithin
}

// moveCircuits dials the circuits of this side once more, over the better
// connection, and closes the old ones when the sessions have moved.
func (n *Node) moveCircuits(relay p2p.ID) {
	var old []*path
	for _, id := range n.dialledThrough(relay) {
		ctx, cancel := context.WithTimeout(n.ctx, dialTimeout)
		err := n.dialAgain(ctx, relay, id)
		cancel()
		if err != nil {
			n.log.Debug("second circuit", "peer", id, "err", err)
			continue
		}
		n.mu.Lock()
		if r := n.remotes[id]; r != nil {
			for _, p := range r.paths {
				if p.onHigherRung(relay) {
					old = append(old, p)
				}
			}
		}
		n.mu.Unlock()
	}
	if len(old) == 0 || !sleep(n.ctx, n.movedPause()) {
		return
	}
	for _, p := range old {
		p.conn.Close()
	}
}

// againTime is how long the dialler of a circuit may take to make it once more.
const againTime = 15 * time.Second

// askAgainThrough has the circuits that came in on a higher rung of the relay dialled
// once more, and closes each old one when its session has moved. One whose dialler
// does not know how stays until it ends.
func (n *Node) askAgainThrough(relay p2p.ID) {
	n.mu.Lock()
	var old []*path
	for _, r := range n.remotes {
		for c, p := range r.paths {
			if r.measure != nil && c.Stat().Direction == network.DirInbound && p.onHigherRung(relay) {
				old = append(old, p)
			}
		}
	}
	n.mu.Unlock()
	for _, p := range old {
		n.run(func() {
			if err := n.askForAnother(p, relay); err != nil {
				n.log.Debug("no second circuit", "peer", p.conn.RemotePeer(), "err", err)
			} else if sleep(n.ctx, n.movedPause()) {
				p.conn.Close()
			}
		})
	}
}

// askForAnother asks the dialler of a circuit for another and waits until it is here.
func (n *Node) askForAnother(p *path, relay p2p.ID) error {
	ctx, cancel := context.WithTimeout(n.ctx, againTime)
	defer cancel()
	s, err := p.conn.NewStream(network.WithAllowLimitedConn(ctx, "sightline"))
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.SetProtocol(againProtocol); err != nil {
		return err
	}
	if err := msmux.NewMSSelect(s, againProtocol).Flush(); err != nil {
		return err
	}
	for {
		n.mu.Lock()
		r := n.remotes[p.conn.RemotePeer()]
		if r == nil || p.conn.IsClosed() {
			n.mu.Unlock()
			return ErrClosed
		}
		changed, here := r.changed, false
		for _, q := range r.paths {
			way, ok := relayOf(q.conn.RemoteMultiaddr())
			here = here || ok && way.ID == relay && !q.conn.IsClosed() && !q.onHigherRung(relay)
		}
		n.mu.Unlock()
		if here {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// againPause is how often a peer may have us dial its circuit again.
const againPause = 5 * time.Second

// askedAgain is libp2p's handler of againProtocol: the peer has a better connection to
// the relay. Only whom this side has admitted may ask, on a circuit that we dialled.
func (n *Node) askedAgain(s network.Stream) {
	defer s.Close()
	id := s.Conn().RemotePeer()
	way, ok := relayOf(s.Conn().RemoteMultiaddr())
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.remotes[id]
	if !ok || r == nil || r.measure == nil || s.Conn().Stat().Direction != network.DirOutbound || time.Since(r.movedAt) < againPause {
		return
	}
	p := r.paths[s.Conn()]
	if p == nil {
		return
	}
	r.movedAt = time.Now()
	n.runLocked(func() {
		ctx, cancel := context.WithTimeout(n.ctx, againTime)
		defer cancel()
		if err := n.dialAgain(ctx, way.ID, id); err != nil {
			n.log.Debug("second circuit", "peer", id, "err", err)
			return
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		p.left = true
		r.publishLocked()
	})
}

// dialledThrough are the peers to which this side dialled a circuit on a higher
// rung of the relay.
func (n *Node) dialledThrough(relay p2p.ID) []p2p.ID {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []p2p.ID
	for id, r := range n.remotes {
		for c, p := range r.paths {
			if c.Stat().Direction == network.DirOutbound && p.onHigherRung(relay) && len(r.conns) > 0 && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// onHigherRung tells whether a path is a circuit that runs over a connection to
// the relay which is not by its own port.
func (p *path) onHigherRung(relay p2p.ID) bool {
	way, ok := relayOf(p.conn.RemoteMultiaddr())
	return ok && way.ID == relay && len(way.Addrs) > 0 && rung(way.Addrs[0]) != 0 && !p.conn.IsClosed()
}

// leaveRung closes what is left of the higher rungs once no circuit needs it.
func (n *Node) leaveRung(relay p2p.ID) {
	for sleep(n.ctx, n.movedPause()) && n.onFirstRung(relay) {
		if n.carries(relay) {
			continue
		}
		for _, c := range n.h.Network().ConnsToPeer(relay) {
			if rung(c.RemoteMultiaddr()) != 0 {
				c.Close()
			}
		}
		return
	}
}

// carries tells whether a circuit runs over a higher rung of the relay.
func (n *Node) carries(relay p2p.ID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.remotes {
		for _, p := range r.paths {
			if p.onHigherRung(relay) {
				return true
			}
		}
	}
	return false
}

// dialAgain makes a second circuit to a peer. libp2p dials none while one stands;
// to it the address of secondCircuit is a direct one.
func (n *Node) dialAgain(ctx context.Context, relay, id p2p.ID) error {
	n.h.Peerstore().ClearAddrs(id)
	defer n.h.Peerstore().ClearAddrs(id)
	n.h.Peerstore().AddAddr(id, secondCircuitAddr(relay), peerstore.TempAddrTTL)
	_, err := n.h.Network().DialPeer(network.WithForceDirectDial(network.WithAllowLimitedConn(ctx, "sightline"), "move"), id)
	return err
}

func secondCircuitAddr(relay p2p.ID) ma.Multiaddr {
	return ma.StringCast("/p2p/" + relay.String() + "/http")
}

// secondCircuit is a libp2p transport that hands its dials on to the circuit's.
type secondCircuit struct{ n *Node }

// CanDial implements transport.Transport.
func (secondCircuit) CanDial(a ma.Multiaddr) bool {
	return len(a) == 2 && a[0].Protocol().Code == ma.P_P2P && a[1].Protocol().Code == ma.P_HTTP
}

// Dial implements transport.Transport.
func (s secondCircuit) Dial(ctx context.Context, a ma.Multiaddr, p p2p.ID) (transport.CapableConn, error) {
	circuit := ma.Join(a[:1], ma.StringCast("/p2p-circuit"))
	net, ok := s.n.h.Network().(*swarm.Swarm)
	if !ok {
		return nil, errors.New("link: this libp2p network gives no transport")
	}
	t := net.TransportForDialing(circuit)
	if t == nil || !s.n.gate.isRelay(idOf(a)) {
		return nil, errors.New("link: no circuit can be dialled")
	}
	return t.Dial(ctx, circuit, p)
}

func idOf(a ma.Multiaddr) p2p.ID {
	id, _ := p2p.Decode(a[0].Value())
	return id
}

// Listen implements transport.Transport.
func (secondCircuit) Listen(ma.Multiaddr) (transport.Listener, error) {
	return nil, errors.New("link: circuits are dialled only")
}

// Protocols implements transport.Transport.
func (secondCircuit) Protocols() []int { return []int{ma.P_HTTP} }

// Proxy implements transport.Transport.
func (secondCircuit) Proxy() bool { return false }
