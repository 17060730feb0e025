package link

import (
	"context"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"sightline/peer/link/proxy"
)

// The ladder is the order in which a relay is tried, best first:
//
//	1  its own port, QUIC on UDP and TCP   the only ones that can become a direct path
//	2  443, WebSocket in TLS               what networks let out that know only the web
//	3   80, WebSocket                      the same without TLS
//	4  all of them through the proxy       TLS first
//
// Each rung is started rungDelay after the one before, or at once when nothing
// is under way any more; the first connection that stands is used. The rung that
// led to a relay the last time is tried from the start.
const rungDelay = 1000 * time.Millisecond

// rungTime is how long one address may take: some eight round trips through a slow
// proxy and a line with 500 ms. It is short enough for a whole ladder to end with
// the reasons of all its rungs before anybody gives up on it.
const rungTime = 7 * time.Second

// besides is how much later the next address of the same rung is tried.
const besides = 250 * time.Millisecond

// rung numbers the steps: the lower, the better. Circuits are no rung.
func rung(a ma.Multiaddr) int {
	if isCircuit(a) {
		return 0
	}
	step := 0
	switch transportOf(withoutProxy(a)) {
	case "wss":
		step = 1
	case "ws":
		step = 2
	}
	switch {
	case !isProxied(a):
		return step
	case step == 0:
		return 5
	}
	return step + 2
}

func withoutProxy(a ma.Multiaddr) ma.Multiaddr {
	if isProxied(a) {
		return a[:len(a)-1]
	}
	return a
}

// withProxy adds to a relay's addresses those that lead through the proxy.
func withProxy(proxies *proxy.Proxies, addrs []ma.Multiaddr) []ma.Multiaddr {
	out := slices.Clone(addrs)
	for _, a := range addrs {
		if t := transportOf(a); isProxied(a) || t == "quic" || t == "" {
			continue
		}
		w, ok := parseWeb(ma.Join(a, viaProxy))
		if ok && proxies.For(w.hostport, w.ws && !w.tls) != nil {
			out = append(out, ma.Join(a, viaProxy))
		}
	}
	return out
}

// ProxyFor is the "host:port" of the proxy through which one of the relays may be
// reached, "" if there is none.
func ProxyFor(o proxy.Options, relays []p2p.AddrInfo) (string, error) {
	proxies, err := proxy.New(o)
	if err != nil {
		return "", err
	}
	for _, relay := range relays {
		for _, a := range withProxy(proxies, relay.Addrs) {
			if w, ok := parseWeb(a); ok && w.proxied {
				return proxies.For(w.hostport, w.ws && !w.tls).Addr(), nil
			}
		}
	}
	return "", nil
}

// onFirstRung tells whether a connection to the relay is by its own port.
func (n *Node) onFirstRung(relay p2p.ID) bool {
	return slices.ContainsFunc(n.h.Network().ConnsToPeer(relay), func(c network.Conn) bool {
		return !c.IsClosed() && rung(c.RemoteMultiaddr()) == 0
	})
}

// reachRelays connects to the relays of a dial's circuits, if there is no other
// way to the peer, and returns with the first. libp2p would do it by itself, but
// gives up after 5 s, when the last rungs have not been tried yet. It returns the
// addresses that can be dialled now: circuits at relays that are connected.
func (n *Node) reachRelays(ctx context.Context, addrs []ma.Multiaddr) ([]ma.Multiaddr, error) {
	relays := make(map[p2p.ID]*p2p.AddrInfo)
	for _, a := range addrs {
		one, ok := relayOf(a)
		if !ok {
			return addrs, nil
		}
		if relays[one.ID] == nil {
			relays[one.ID] = &p2p.AddrInfo{ID: one.ID}
		}
		relays[one.ID].Addrs = append(relays[one.ID].Addrs, one.Addrs...)
	}
	if len(relays) == 0 {
		return addrs, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan error, len(relays))
	for _, info := range relays {
		if !n.run(func() { answers <- n.Connect(ctx, *info) }) {
			return nil, ErrClosed
		}
	}
	failed := &pathError{kind: ErrNoPath}
	for range relays {
		err := <-answers
		if err == nil {
			break
		}
		failed.merge(err)
	}
	up := slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
		one, _ := relayOf(a)
		return n.h.Network().Connectedness(one.ID) != network.Connected
	})
	if len(up) == 0 {
		for i, r := range failed.reasons {
			failed.reasons[i] = "relay " + r
		}
		return nil, failed
	}
	return up, nil
}

// nearest keeps of circuits through several relays those through the one that
// answers a question first: one round trip, and it knows more than a list that a
// person wrote. Other addresses stay.
func (n *Node) nearest(ctx context.Context, addrs []ma.Multiaddr) []ma.Multiaddr {
	var relays []p2p.ID
	for _, a := range addrs {
		if one, ok := relayOf(a); !ok {
			return addrs
		} else if !slices.Contains(relays, one.ID) {
			relays = append(relays, one.ID)
		}
	}
	if len(relays) < 2 {
		return addrs
	}
	ctx, cancel := context.WithTimeout(ctx, staleRelay/2)
	defer cancel()
	answers := make(chan p2p.ID, len(relays))
	for _, id := range relays {
		if !n.run(func() {
			if _, err := n.roundTrip(ctx, id); err != nil {
				id = ""
			}
			answers <- id
		}) {
			return addrs
		}
	}
	for range relays {
		if first := <-answers; first != "" {
			return slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
				one, _ := relayOf(a)
				return one.ID != first
			})
		}
	}
	return addrs
}

// rankDials says when each address of one dial is tried. What is no higher rung
// is left to libp2p, which knows how to try IPv4 beside IPv6 and TCP after QUIC.
func (n *Node) rankDials(addrs []ma.Multiaddr) []network.AddrDelay {
	var first []ma.Multiaddr
	var steps [6][]ma.Multiaddr
	for _, a := range addrs {
		if r := rung(a); r == 0 {
			first = append(first, a)
		} else {
			steps[r] = append(steps[r], a)
		}
	}
	ranked := swarm.DefaultDialRanker(first)
	for i, r := range ranked {
		// libp2p gives QUIC 30 ms on addresses of this kind; inside one busy machine
		// the scheduler takes more, and TCP won.
		if isLoopback(r.Addr) && transportOf(r.Addr) == "tcp" && r.Delay > 0 {
			ranked[i].Delay = max(r.Delay, tcpLater)
		}
	}
	var start time.Duration
	if len(first) > 0 {
		start = rungDelay
	}
	for _, step := range steps {
		for i, a := range step {
			delay := start + time.Duration(min(i, 3))*besides
			if n.web.lastWorked(a) {
				delay = 0
			}
			ranked = append(ranked, network.AddrDelay{Addr: a, Delay: delay})
		}
		if len(step) > 0 {
			start += rungDelay
		}
	}
	return ranked
}

// hostPort is the "host:port" of an address that may begin with a name.
func hostPort(a ma.Multiaddr) string {
	host := ""
	for _, c := range a {
		switch c.Protocol().Code {
		case ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
			host = c.Value()
		}
		if host != "" {
			break
		}
	}
	return net.JoinHostPort(host, strconv.Itoa(portOf(a)))
}
