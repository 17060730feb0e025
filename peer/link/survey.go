package link

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"sightline/peer/netcheck"
)

// NAT is what a network does to what goes out from one of its ports. Each side
// tells the other after admission: it decides what is worth trying, and it is the
// reason that people are told. The numbers are those of the wire.
type NAT uint8

// The kinds of NAT (RFC 4787, section 4.1, as far as it matters here).
const (
	NATUnknown   NAT = iota
	NATOpen          // the outside sees an address of this machine
	NATSame          // one outside port for all destinations: a hole can be punched
	NATEach          // another outside port for each destination ("symmetric")
	NATNoUDP         // UDP does not come through
	NATOff           // this side wants no direct path
	NATNoUDPEach     // as NATNoUDP, and TCP has another outside port for each destination
)

// noUDP: nothing but TCP can come about with this side.
func (t NAT) noUDP() bool { return t == NATNoUDP || t == NATNoUDPEach }

const (
	// secondPort is how far a relay's second QUIC and STUN port is from its first:
	// what a box does with a second destination can be seen only from there. A
	// relay that has none does not answer there.
	secondPort = 1
	maxServers = 8 // asked in one survey
	maxSTUN    = 1280
)

// surveyPauses are the waits between requests to one server. Who is admitted
// within a second should know its NAT by then.
var surveyPauses = [...]time.Duration{150 * time.Millisecond, 300 * time.Millisecond, 600 * time.Millisecond, 900 * time.Millisecond}

// surveyHope is after how many of these waits a network counts as one without UDP,
// until an answer comes all the same: who is admitted at that moment should not
// wait for all of them.
const surveyHope = 2

// survey asks a relay by STUN, from the very socket that punches, how the outside
// sees us: from two ports, and from as many relays as we know. Only our own relays
// are asked.
func (n *Node) survey(relay p2p.AddrInfo) {
	if n.noDirect() != "" || n.udp == nil || n.o.LANOnly {
		return
	}
	n.surveying.Lock() // two readers of one socket would take each other's answers
	defer n.surveying.Unlock()
	servers := n.stunServers(relay)
	if len(servers) == 0 || n.ctx.Err() != nil {
		return
	}
	answered, err := n.askSTUN(servers, func() {
		n.noteSurvey(0)
		n.run(func() { n.surveyTCP(relay.ID) })
	})
	if err != nil {
		n.log.Debug("survey", "err", err)
		return
	}
	n.noteSurvey(answered)
	n.log.Debug("survey", "servers", len(servers), "answers", answered, "nat", n.nat())
	n.surveyTCP(relay.ID)
}

// noteSurvey tells what is known now to whoever is admitted.
func (n *Node) noteSurvey(answered int) {
	n.mu.Lock()
	n.silentSTUN = answered == 0 && len(n.seen) == 0
	n.mu.Unlock()
	n.reoffer()
}

// surveyAgain asks once more what a survey could not find out: its packets were
// lost, or UDP was shut at that moment only.
func (n *Node) surveyAgain() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if nat := n.natLocked(); n.resurveying || nat != NATUnknown && !nat.noUDP() {
		return
	}
	relays := slices.Collect(maps.Values(n.servers))
	n.resurveying = n.runLocked(func() {
		for _, relay := range relays {
			n.survey(relay)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.resurveying = false
	})
}

// stunServers are the IPv4 sockets of a relay that answer STUN. NAT is a matter
// of IPv4.
func (n *Node) stunServers(relay p2p.AddrInfo) []netip.AddrPort {
	var out []netip.AddrPort
	add := func(ip netip.Addr, port int) {
		for _, p := range [...]int{port, port + secondPort} {
			s := netip.AddrPortFrom(ip, uint16(p))
			if p <= 65535 && len(out) < maxServers && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	for _, a := range relay.Addrs {
		if transportOf(a) != "quic" {
			continue
		}
		if ip, ok := ipOf(a); ok {
			if ip.Is4() {
				add(ip, portOf(a))
			}
			continue
		}
		for _, c := range n.h.Network().ConnsToPeer(relay.ID) { // a name: where it led
			if ip, ok := ipOf(c.RemoteMultiaddr()); ok && ip.Is4() {
				add(ip, portOf(a))
			}
		}
	}
	return out
}

// askSTUN sends to all servers until each has answered or the last pause is over.
// Silent is called once if there is no answer yet after surveyHope pauses.
func (n *Node) askSTUN(servers []netip.AddrPort, silent func()) (answered int, err error) {
	tr, err := n.udp.TransportForDial("udp4", net.UDPAddrFromAddrPort(servers[0]))
	if err != nil {
		return 0, err
	}
	defer tr.DecreaseCount()
	local, ok := tr.LocalAddr().(*net.UDPAddr)
	if !ok {
		return 0, errors.New("the QUIC socket has no UDP address")
	}
	c, err := n.udp.SharedNonQUICPacketConn("udp4", local)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	open := make(map[[12]byte]netip.AddrPort)
	packets := make(map[netip.AddrPort][]byte)
	for _, s := range servers {
		id, packet := netcheck.Request()
		open[id], packets[s] = s, packet
	}
	for i, pause := range surveyPauses {
		if i == surveyHope && len(open) == len(servers) {
			silent()
		}
		for _, s := range open {
			if _, err := c.WriteTo(packets[s], net.UDPAddrFromAddrPort(s)); err != nil {
				n.log.Debug("survey", "server", s, "err", err)
			}
		}
		c.SetReadDeadline(time.Now().Add(pause))
		n.readSTUN(c, open)
		if len(open) == 0 || n.ctx.Err() != nil {
			break
		}
	}
	return len(servers) - len(open), nil
}

// readSTUN takes answers until none is missing or the socket's deadline comes.
func (n *Node) readSTUN(c net.PacketConn, open map[[12]byte]netip.AddrPort) {
	var buf [maxSTUN]byte
	for len(open) > 0 {
		size, from, err := c.ReadFrom(buf[:])
		if err != nil {
			return
		}
		id, seen, ok := netcheck.Answer(buf[:size])
		server, asked := open[id]
		u, isUDP := from.(*net.UDPAddr)
		// An answer counts from the address that was asked and no other.
		if !ok || !asked || !isUDP || netip.AddrPortFrom(u.AddrPort().Addr().Unmap(), u.AddrPort().Port()) != server {
			continue
		}
		delete(open, id)
		own := n.isOwn(seen.Addr())
		n.mu.Lock()
		n.seen[server] = seen
		n.seenOwn = n.seenOwn || own
		n.mu.Unlock()
	}
}

// natLocked is what we know about our own side.
func (n *Node) natLocked() NAT {
	if n.noDirect() != "" {
		return NATOff
	}
	var outside []netip.AddrPort
	for _, a := range n.seen {
		if !slices.Contains(outside, a) {
			outside = append(outside, a)
		}
	}
	switch {
	case n.seenOwn:
		return NATOpen
	case len(outside) > 1:
		return NATEach
	case len(n.seen) > 1:
		return NATSame
	case n.silentSTUN && len(n.seen) == 0 && !n.quicToRelayLocked():
		if n.tcpMapping == netcheck.Dependent {
			return NATNoUDPEach
		}
		return NATNoUDP
	}
	return NATUnknown
}

func (n *Node) nat() NAT {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.natLocked()
}

func (n *Node) isOwn(ip netip.Addr) bool {
	for _, a := range n.ListenAddrs() {
		if own, ok := ipOf(a); ok && own == ip {
			return true
		}
	}
	return false
}

func (n *Node) quicToRelayLocked() bool {
	for c := range n.observed {
		if transportOf(c.RemoteMultiaddr()) == "quic" {
			return true
		}
	}
	return false
}

// outsideLocked are the addresses that STUN told.
func (n *Node) outsideLocked() []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range n.seen {
		out = append(out, plainAddr(a.Addr(), a.Port(), "quic"))
	}
	return out
}

// watchNetwork looks every so often whether this machine has other addresses than
// before: another Wi-Fi, a cable, a suspended laptop in another place. What was
// measured is then void, and connections may be dead without knowing it.
func (n *Node) watchNetwork() {
	before := interfaceIPs()
	for sleep(n.ctx, networkEvery) {
		now := interfaceIPs()
		if !slices.Equal(before, now) {
			before = now
			n.log.Debug("the addresses of this machine changed")
			n.moved()
		}
		n.reoffer() // a router may have given a mapping meanwhile
	}
}

// networkEvery: noticing another network takes at most this, besides the ping.
const networkEvery = 2 * time.Second

// moved throws away what belongs to the former network and asks every path and
// relay whether it still lives.
func (n *Node) moved() {
	n.mu.Lock()
	clear(n.seen)
	n.silentSTUN, n.seenOwn, n.tcpMapping = false, false, ""
	var relays []p2p.AddrInfo
	for _, r := range n.servers {
		relays = append(relays, r)
	}
	for _, r := range n.remotes {
		for _, p := range r.paths {
			p.pingNow()
		}
		r.wakeKeeper()
	}
	n.mu.Unlock()
	for _, relay := range relays {
		n.run(func() {
			n.checkRelay(relay.ID)
			n.survey(relay)
		})
	}
}

// relayAnswers is how long a relay may take after a change of network.
const relayAnswers = 2 * time.Second

// checkRelay closes connections to a relay that does not answer: whoever needs
// it, the host's registration above all, then connects anew.
func (n *Node) checkRelay(id p2p.ID) {
	ctx, cancel := context.WithTimeout(n.ctx, relayAnswers)
	defer cancel()
	if _, err := n.roundTrip(ctx, id); err != nil && n.ctx.Err() == nil {
		n.h.Network().ClosePeer(id)
	}
}

// interfaceIPs are the addresses of this machine, sorted.
func interfaceIPs() []netip.Addr {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
			out = append(out, p.Addr())
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}
