package link

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"
)

// Limits of the addresses that travel between admitted peers.
const (
	maxCandidates    = 32
	maxCandidateSize = 128 // bytes; /ip6/udp/quic-v1 has 24
)

// watchObserved notes how our relays see us, from their identify messages.
// Only servers that we chose ourselves (Connect, Reserve) are believed.
func (n *Node) watchObserved() error {
	sub, err := n.h.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted), eventbus.Name("sightline/link"))
	if err != nil {
		return err
	}
	n.run(func() {
		defer sub.Close()
		for {
			select {
			case e, ok := <-sub.Out():
				if !ok {
					return
				}
				n.observe(e.(event.EvtPeerIdentificationCompleted))
			case <-n.ctx.Done():
				return
			}
		}
	})
	return nil
}

// observe keeps an address if it belongs to our port: QUIC dials from the
// listening socket and TCP from its port, but a WebSocket comes from anywhere.
func (n *Node) observe(e event.EvtPeerIdentificationCompleted) {
	if e.ObservedAddr == nil || e.Conn == nil || e.Conn.IsClosed() || !n.gate.isRelay(e.Peer) {
		return
	}
	if _, ok := vet(e.ObservedAddr, false); !ok || !n.fromListenPort(e.Conn) {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.observed[e.Conn] = e.ObservedAddr
	n.runLocked(n.reoffer)
	n.log.Debug("seen as", "addr", e.ObservedAddr, "by", e.Peer)
}

func (n *Node) fromListenPort(c network.Conn) bool {
	local := c.LocalMultiaddr()
	if t := transportOf(local); t == "ws" || t == "wss" {
		return false
	}
	return n.port != 0 && portOf(local) == n.port
}

// candidates are our addresses for an admitted peer: the ones our relays see
// first, then those of the interfaces.
func (n *Node) candidates(loopback bool) []ma.Multiaddr {
	if n.noDirect() != "" {
		return nil
	}
	var all []ma.Multiaddr
	n.mu.Lock()
	seen := n.outsideLocked()
	for _, a := range n.observed {
		seen = append(seen, a)
	}
	n.mu.Unlock()
	for _, a := range seen {
		all = append(all, a)
		if tcp := n.tcpGuess(a); tcp != nil {
			all = append(all, tcp)
		}
	}
	slices.SortFunc(all, ma.Multiaddr.Compare) // the order of a map is no news
	all = append(n.mapped(), all...)
	return n.vetAll(append(all, n.ownAddrs()...), loopback)
}

// ownAddrs are ListenAddrs without the sockets that a birthday punch left open:
// each of those is for one peer, who knows it.
func (n *Node) ownAddrs() []ma.Multiaddr {
	return slices.DeleteFunc(n.ListenAddrs(), func(a ma.Multiaddr) bool { return portOf(a) != n.port })
}

// mapped are the ports that the router gave us.
func (n *Node) mapped() []ma.Multiaddr {
	if n.maps == nil {
		return nil
	}
	var out []ma.Multiaddr
	for _, a := range n.h.Network().ListenAddresses() {
		if isCircuit(a) || portOf(a) != n.port {
			continue
		}
		if m := n.maps.mappingOf(a); m != nil {
			out = append(out, m)
		}
	}
	return out
}

// tcpGuess is the TCP address beside an observed QUIC one. A NAT box that kept
// our UDP port keeps the TCP port as well; libp2p's relay connection shows one
// transport only, and without the guess a peer without UDP stays on the relay
// (0 of 8 without, 5 of 5 with a known TCP address).
func (n *Node) tcpGuess(a ma.Multiaddr) ma.Multiaddr {
	ip, ok := ipOf(a)
	if !ok || transportOf(a) != "quic" || portOf(a) != n.port {
		return nil
	}
	return plainAddr(ip, uint16(n.port), "tcp")
}

// vetAll keeps the usable addresses, each once, at most maxCandidates.
func (n *Node) vetAll(addrs []ma.Multiaddr, loopback bool) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range addrs {
		a, ok := vet(a, loopback)
		if !ok || n.o.LANOnly && !isNear(a) || slices.ContainsFunc(out, a.Equal) {
			continue
		}
		if out = append(out, a); len(out) == maxCandidates {
			break
		}
	}
	return out
}

// parseCandidates reads what a peer sent. Anything odd is left out, not an
// error: a newer version may know more transports.
func (n *Node) parseCandidates(theirs [][]byte, loopback bool) []ma.Multiaddr {
	if len(theirs) > maxCandidates {
		theirs = theirs[:maxCandidates]
	}
	var out []ma.Multiaddr
	for _, b := range theirs {
		if len(b) > maxCandidateSize {
			continue
		}
		if a, err := ma.NewMultiaddrBytes(b); err == nil {
			out = append(out, a)
		}
	}
	return n.vetAll(out, loopback)
}

// vet passes /ip4|ip6 with /tcp or /udp/quic-v1, whole and nothing behind it,
// if a packet to it means one machine: no name, no multicast, no zero port.
// Loopback only where the peer itself is on this machine.
func vet(a ma.Multiaddr, loopback bool) (ma.Multiaddr, bool) {
	ip, ok := ipOf(a)
	if !ok || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() || ip.IsLoopback() && !loopback {
		return nil, false
	}
	if b := ip.AsSlice(); ip.Is4() && (b[0] == 0 || b[0] >= 240) { // "this network", reserved, broadcast
		return nil, false
	}
	port := portOf(a)
	if port == 0 {
		return nil, false
	}
	for _, transport := range [...]string{"tcp", "quic"} {
		if plain := plainAddr(ip, uint16(port), transport); plain.Equal(a) {
			return plain, true
		}
	}
	return nil, false
}

// onLoopback tells whether we talk to the peer, or to its relay, inside this
// machine.
func (r *remote) onLoopback() bool {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	for c := range r.paths {
		if isLoopback(c.RemoteMultiaddr()) {
			return true
		}
	}
	return false
}
