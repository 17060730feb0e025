package link

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	dialTimeout = 20 * time.Second
	// staleRelay is how long an old connection to the relay may take to answer
	// before it is thought dead and made anew.
	staleRelay = 5 * time.Second
	// tcpLater is how much later than QUIC a typed address is tried by TCP,
	// quicAfterTCP how long QUIC may still take once TCP has failed: both are
	// one port number, so it hardly comes then.
	tcpLater     = 250 * time.Millisecond
	quicAfterTCP = 2 * time.Second
)

// Dial connects to a peer at circuit addresses, plain ones or both; plain ones
// are tried half a second earlier. Errors: ErrNoPath (with each address and
// its reason), ErrGone, ErrRefusedByRelay, ErrClosed, ctx.
func (n *Node) Dial(ctx context.Context, to p2p.AddrInfo) (Conn, error) {
	if to.ID == n.ID() {
		return nil, fmt.Errorf("%w: that is this machine itself", ErrNoPath)
	}
	if !isEd25519(to.ID) {
		return nil, fmt.Errorf("%w: the peer's identity is not an Ed25519 key", ErrNoPath)
	}
	n.hangUpIdle(to.ID)
	if err := n.dialOnce(ctx, to); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, ErrClosed
	}
	r := n.remoteLocked(to.ID)
	c := r.newConnLocked(false)
	best := r.bestLocked()
	c.publishLocked(r.describeLocked(best), best == nil)
	return c, nil
}

// hangUpIdle closes connections that no Conn uses. What is left of an earlier
// session may be dead without knowing it.
func (n *Node) hangUpIdle(id p2p.ID) {
	n.mu.Lock()
	r := n.remotes[id]
	idle := r == nil || len(r.conns) == 0
	if r != nil && idle {
		r.dropLocked()
	}
	n.mu.Unlock()
	if idle {
		n.h.Network().ClosePeer(id)
	}
}

// dialOnce dials, and once more if an old connection to the relay stood in the way.
func (n *Node) dialOnce(ctx context.Context, to p2p.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	old := n.connectedRelays(to.Addrs)
	if len(old) == 0 {
		return n.dialPeer(ctx, to)
	}
	first, stop := context.WithTimeout(ctx, staleRelay)
	err := n.dialPeer(first, to)
	stop()
	if err == nil || ctx.Err() != nil || !errors.Is(err, ErrNoPath) {
		return err
	}
	for _, relay := range old {
		if first.Err() != nil { // no answer: a connection that does not know that it is dead
			n.h.Network().ClosePeer(relay)
		}
	}
	return n.dialPeer(ctx, to)
}

// connectedRelays are the relays of these addresses that we have a connection to.
func (n *Node) connectedRelays(addrs []ma.Multiaddr) []p2p.ID {
	var out []p2p.ID
	for _, a := range addrs {
		relay, ok := relayOf(a)
		if ok && !slices.Contains(out, relay.ID) && n.h.Network().Connectedness(relay.ID) == network.Connected {
			out = append(out, relay.ID)
		}
	}
	return out
}

// relayOf is the relay of a circuit address, with that one address of it.
func relayOf(a ma.Multiaddr) (p2p.AddrInfo, bool) {
	if !isCircuit(a) {
		return p2p.AddrInfo{}, false
	}
	way, _ := ma.SplitFunc(a, func(c ma.Component) bool { return c.Protocol().Code == ma.P_CIRCUIT })
	info, err := p2p.AddrInfoFromP2pAddr(way)
	if err != nil {
		return p2p.AddrInfo{}, false
	}
	return *info, true
}

// dialPeer dials through the nearest relay that answers and, should the peer not
// be there, through the others.
func (n *Node) dialPeer(ctx context.Context, to p2p.AddrInfo) error {
	n.forgetFailures(to.ID)
	// Nothing that was tried once stays for a later dial to try.
	defer n.h.Peerstore().ClearAddrs(to.ID)
	ctx = network.WithDialPeerTimeout(network.WithAllowLimitedConn(ctx, "sightline"), dialTimeout)
	failed := &pathError{kind: ErrNoPath}
	for left := to.Addrs; ; {
		up, err := n.reachRelays(ctx, left)
		if err == nil {
			up = n.nearest(ctx, up)
			n.h.Peerstore().ClearAddrs(to.ID)
			n.h.Peerstore().AddAddrs(to.ID, n.oneCircuitEach(up), peerstore.TempAddrTTL)
			if _, err = n.h.Network().DialPeer(ctx, to.ID); err == nil {
				return nil
			}
			err = n.dialError(ctx, err)
		}
		left = slices.DeleteFunc(slices.Clone(left), func(a ma.Multiaddr) bool { return slices.ContainsFunc(up, a.Equal) })
		failed.merge(err)
		if len(up) == 0 || len(left) == 0 || ctx.Err() != nil || errors.Is(err, ErrClosed) {
			return failed
		}
	}
}

// oneCircuitEach reduces the circuit addresses to one for each relay and makes
// all addresses of that relay known. Given one circuit for each address of a
// relay, libp2p dials the relay at the first address alone and lets the other
// circuits wait for it: without UDP that took 5 s instead of 0.5 s.
func (n *Node) oneCircuitEach(addrs []ma.Multiaddr) []ma.Multiaddr {
	var out []ma.Multiaddr
	seen := make(map[p2p.ID]bool)
	for _, a := range addrs {
		relay, ok := relayOf(a)
		if !ok {
			out = append(out, a)
			continue
		}
		n.h.Peerstore().AddAddrs(relay.ID, withProxy(n.web.proxies, relay.Addrs), peerstore.TempAddrTTL)
		if !seen[relay.ID] {
			seen[relay.ID] = true
			n.gate.addRelay(relay.ID)
			n.forgetFailures(relay.ID)
			out = append(out, ma.StringCast("/p2p/"+relay.ID.String()+"/p2p-circuit"))
		}
	}
	return out
}

// forgetFailures clears libp2p's back-off: a person who tries again means it.
func (n *Node) forgetFailures(id p2p.ID) {
	if s, ok := n.h.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(id)
	}
}

// DialAddr connects to whoever answers at "host:port": the --direct of a
// person who knows the address and has the full code. The peer ID comes from
// the answer and proves nothing; the handshake does (SECURITY-DESIGN, section 3).
func (n *Node) DialAddr(ctx context.Context, hostport string) (Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	ips, port, err := resolve(ctx, hostport)
	if err != nil {
		return nil, &pathError{kind: ErrNoPath, reasons: []string{hostport + ": " + reason(err)}, cause: err}
	}
	to, err := n.whoIs(ctx, ips, port)
	if err != nil {
		return nil, err
	}
	return n.Dial(ctx, to)
}

// resolve looks a name up here: libp2p's own resolver speaks of dnsaddr records.
func resolve(ctx context.Context, hostport string) ([]netip.Addr, uint16, error) {
	host, number, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, 0, errors.New("want HOST:PORT")
	}
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || port == 0 {
		return nil, 0, errors.New("the port is a number from 1 to 65535")
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range ips {
		ips[i] = ips[i].Unmap().WithZone("")
	}
	slices.SortStableFunc(ips, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return slices.Compact(ips), uint16(port), err
}

// whoIs learns the peer ID behind an address by dialling an ID that does not
// exist: the handshake ends with the real one.
func (n *Node) whoIs(ctx context.Context, ips []netip.Addr, port uint16) (p2p.AddrInfo, error) {
	var quics, tcps []ma.Multiaddr
	for _, ip := range ips {
		quics = append(quics, plainAddr(ip, port, "quic"))
		tcps = append(tcps, plainAddr(ip, port, "tcp"))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		id   p2p.ID
		err  error
		quic bool
	}
	answers := make(chan answer, 2)
	ask := func(addrs []ma.Multiaddr, quic bool) {
		id, err := n.askID(ctx, addrs)
		answers <- answer{id, err, quic}
	}
	if !n.run(func() { ask(quics, true) }) || !n.run(func() {
		sleep(ctx, tcpLater)
		ask(tcps, false) // also if ctx ended: two answers are waited for
	}) {
		return p2p.AddrInfo{}, ErrClosed
	}
	failed := &pathError{kind: ErrNoPath}
	for range 2 {
		select {
		case a := <-answers:
			if a.err == nil {
				return p2p.AddrInfo{ID: a.id, Addrs: append(quics, tcps...)}, nil
			}
			failed.merge(a.err)
			if !a.quic {
				time.AfterFunc(quicAfterTCP, cancel)
			}
		case <-n.ctx.Done():
			return p2p.AddrInfo{}, ErrClosed
		}
	}
	return p2p.AddrInfo{}, failed
}

// merge adds what another dial to the same peer met. What a relay knew wins over
// silence elsewhere.
func (e *pathError) merge(err error) {
	e.cause = err
	var other *pathError
	if errors.As(err, &other) {
		e.reasons = append(e.reasons, other.reasons...)
		if other.kind != ErrNoPath && e.kind != ErrGone {
			e.kind = other.kind
		}
		return
	}
	e.reasons = append(e.reasons, reason(err))
}

// askID dials a made-up peer and reads who answered instead.
func (n *Node) askID(ctx context.Context, addrs []ma.Multiaddr) (p2p.ID, error) {
	_, public, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return "", err
	}
	nobody, err := p2p.IDFromPublicKey(public)
	if err != nil {
		return "", err
	}
	defer n.h.Peerstore().RemovePeer(nobody)
	defer n.h.Peerstore().ClearAddrs(nobody)
	n.h.Peerstore().AddAddrs(nobody, addrs, peerstore.TempAddrTTL)
	_, err = n.h.Network().DialPeer(network.WithForceDirectDial(ctx, "who is there"), nobody)
	var other sec.ErrPeerIDMismatch
	switch {
	case errors.As(err, &other) && isEd25519(other.Actual):
		return other.Actual, nil
	case err == nil:
		return "", errors.New("answered as a peer that does not exist")
	case ctx.Err() != nil:
		e := &pathError{kind: ErrNoPath, cause: err}
		for _, a := range addrs {
			e.add(describe(a), context.DeadlineExceeded)
		}
		return "", e
	}
	return "", n.dialError(ctx, err)
}

// plainAddr is the multiaddr of an address without a name.
func plainAddr(ip netip.Addr, port uint16, transport string) ma.Multiaddr {
	family := "/ip4/"
	if ip.Is6() {
		family = "/ip6/"
	}
	tail := "/tcp/" + strconv.Itoa(int(port))
	if transport == "quic" {
		tail = "/udp/" + strconv.Itoa(int(port)) + "/quic-v1"
	}
	return ma.StringCast(family + ip.String() + tail)
}
