package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"golang.org/x/net/ipv4"
	"golang.org/x/time/rate"
)

// Searching a host on the LAN by its live number. The host is silent until it
// is asked for exactly that number (SECURITY-DESIGN, section 3): it tells
// nobody that sightline runs here, and it cannot be found by browsing.
//
// IPv4 only: an answer over ff02::fb would come from a link-local address,
// which libp2p does not dial. IPv6 addresses of the LAN are in the answer.
var lanGroup = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}

const (
	// lanWait is how long a search takes when nobody answers, lanSettle how
	// long it waits for a second host after the first answer.
	lanWait   = 1500 * time.Millisecond
	lanSettle = 300 * time.Millisecond
	// lanRejoin is how often interfaces that came up meanwhile join the group.
	lanRejoin = 30 * time.Second
	// lanRate bounds the questions looked at, right or wrong ones, per second.
	lanRate, lanBurst = 20, 40
)

// lanRepeat are the pauses between the questions: multicast on Wi-Fi is sent
// without acknowledgement and gets lost.
var lanRepeat = [...]time.Duration{0, 250 * time.Millisecond, 750 * time.Millisecond}

// AnswerLAN answers searches on the LAN for the number that is live at that
// moment; number gives "" while there is none. It returns when ctx ends, with
// nil, or when port 5353 cannot be opened.
func (n *Node) AnswerLAN(ctx context.Context, number func() string, log *slog.Logger) error {
	if n.o.RelayOnly || n.port == 0 {
		return fmt.Errorf("%w: a LAN search would find no way in", ErrRelayOnly)
	}
	if log == nil {
		log = n.log
	}
	socket, err := listenGroup(lanGroup)
	if err != nil {
		return fmt.Errorf("open the LAN search (UDP port %d): %s", lanGroup.Port, reason(err))
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	defer context.AfterFunc(n.ctx, func() { socket.Close() })()
	c := ipv4.NewPacketConn(socket)
	_ = c.SetControlMessage(ipv4.FlagInterface, true) // where it fails the multicast copy goes the default way
	a := lanResponder{n: n, c: c, number: number, log: log, limit: rate.NewLimiter(lanRate, lanBurst)}
	err = a.run()
	if ctx.Err() != nil {
		return nil
	}
	if n.ctx.Err() != nil {
		return ErrClosed
	}
	return err
}

// lanResponder is one run of AnswerLAN.
type lanResponder struct {
	n      *Node
	c      *ipv4.PacketConn
	number func() string
	log    *slog.Logger
	limit  *rate.Limiter
}

func (a *lanResponder) run() error {
	buf := make([]byte, maxLANMessage+1)
	for {
		joinAll(a.c, a.n.lanIfs())
		until := time.Now().Add(lanRejoin)
		for {
			if err := a.c.SetReadDeadline(until); err != nil {
				return err
			}
			k, cm, from, err := a.c.ReadFrom(buf)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				break
			}
			if err != nil {
				return err
			}
			a.hear(buf[:k], cm, from)
		}
	}
}

// hear answers one message, or does nothing.
func (a *lanResponder) hear(msg []byte, cm *ipv4.ControlMessage, from net.Addr) {
	id, number, ok := parseLANQuery(msg)
	if !ok || !a.limit.Allow() {
		return
	}
	live := a.number()
	if live == "" || number != live {
		return
	}
	asker, ok := from.(*net.UDPAddr)
	if !ok || !nearIP(asker.AddrPort().Addr().Unmap()) && !onLink(asker.IP) {
		return
	}
	answer, err := appendLANAnswer(id, number, lanAnswer{id: a.n.ID(), port: uint16(a.n.port), ips: a.n.lanIPs()})
	if err != nil {
		a.log.Warn("LAN answer", "err", err)
		return
	}
	// To the asker; and to the group, since firewalls know mDNS by its port
	// and drop an answer that does not match the question's destination.
	if _, err := a.c.WriteTo(answer, nil, asker); err != nil {
		a.log.Debug("LAN answer", "err", err)
	}
	out := &ipv4.ControlMessage{}
	if cm != nil {
		out.IfIndex = cm.IfIndex
	}
	if _, err := a.c.WriteTo(answer, out, lanGroup); err != nil {
		a.log.Debug("LAN answer to the group", "err", err)
	}
	a.log.Debug("answered a LAN search", "from", asker.IP)
}

// lanIPs are our addresses that make sense on a LAN.
func (n *Node) lanIPs() []netip.Addr {
	var out []netip.Addr
	for _, a := range n.ownAddrs() {
		ip, ok := ipOf(a)
		if ok && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !slices.Contains(out, ip) {
			out = append(out, ip)
		}
	}
	return out
}

// nearIP tells whether an address is of a private kind.
func nearIP(ip netip.Addr) bool {
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || manet.IsPrivateAddr(plainAddr(ip, 1, "tcp"))
}

// onLink tells whether an address is in the network of one of our interfaces:
// a LAN with public addresses is a LAN too.
func onLink(ip net.IP) bool {
	addrs, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.Contains(ip)
	})
}

// LookupLAN asks the LAN for the host of a number and returns all that answer,
// none after lanWait. Two answers for one number are two machines that claim
// it: the person chooses. Errors: no interface could be used, ctx.
func (n *Node) LookupLAN(ctx context.Context, number string) ([]p2p.AddrInfo, error) {
	if !isNumber(number) {
		return nil, fmt.Errorf("search the LAN: %q is not a session number", number)
	}
	query, err := appendLANQuery(number)
	if err != nil {
		return nil, fmt.Errorf("search the LAN: %w", err)
	}
	socket, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		return nil, fmt.Errorf("search the LAN: %s", reason(err))
	}
	c := ipv4.NewPacketConn(socket)
	ctx, cancel := context.WithTimeout(ctx, lanWait)
	defer cancel()
	l := &lanSearch{number: number, found: make(chan found, 64)}
	sockets := []*ipv4.PacketConn{c}
	// Without port 5353 (taken for one program alone) the direct answer is enough.
	if group, err := listenGroup(lanGroup); err == nil {
		g := ipv4.NewPacketConn(group)
		joinAll(g, n.lanIfs())
		sockets = append(sockets, g)
	}
	done := make(chan struct{}, len(sockets))
	for _, s := range sockets {
		go func() { l.listen(ctx, s); done <- struct{}{} }()
	}
	sent := make(chan error, 1)
	go func() { sent <- askLAN(ctx, c, query, n.lanIfs()) }()
	hosts := l.collect(ctx)
	cancel()
	err = <-sent
	for _, s := range sockets {
		s.Close()
		<-done
	}
	if len(hosts) > 0 {
		return hosts, nil
	}
	return nil, err
}

// askLAN sends the question on every interface, several times.
func askLAN(ctx context.Context, c *ipv4.PacketConn, query []byte, on []net.Interface) error {
	_ = c.SetMulticastLoopback(true) // a host on this very machine
	_ = c.SetMulticastTTL(255)       // RFC 6762, section 11
	sent := 0
	var last error
	for _, pause := range lanRepeat {
		if !sleep(ctx, pause) {
			break
		}
		for _, i := range on {
			if _, err := c.WriteTo(query, &ipv4.ControlMessage{IfIndex: i.Index}, lanGroup); err != nil {
				last = err
				continue
			}
			sent++
		}
	}
	if sent == 0 && last != nil {
		return fmt.Errorf("search the LAN: %s", reason(last))
	}
	return nil
}

// lanSearch gathers the answers of one search.
type lanSearch struct {
	number string
	found  chan found
}

type found struct {
	answer lanAnswer
	from   netip.Addr
}

// listen reads answers until ctx ends. More than found holds are thrown away.
func (l *lanSearch) listen(ctx context.Context, c *ipv4.PacketConn) {
	defer context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Now()) })()
	buf := make([]byte, maxLANMessage+1)
	for {
		k, _, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		answer, err := parseLANAnswer(buf[:k], l.number)
		udp, ok := from.(*net.UDPAddr)
		if err != nil || !ok {
			continue
		}
		select {
		case l.found <- found{answer, udp.AddrPort().Addr().Unmap()}:
		default:
		}
	}
}

// collect merges the answers by peer ID.
func (l *lanSearch) collect(ctx context.Context) []p2p.AddrInfo {
	var hosts []p2p.AddrInfo
	var settled <-chan time.Time
	for {
		select {
		case f := <-l.found:
			if settled == nil {
				t := time.NewTimer(lanSettle)
				defer t.Stop()
				settled = t.C
			}
			hosts = merge(hosts, f)
		case <-settled:
			return hosts
		case <-ctx.Done():
			return hosts
		}
	}
}

// merge adds the addresses of one answer: the one it came from, then those it
// names if they are of a private kind. A stranger on the LAN must not send us
// dialling through the internet.
func merge(hosts []p2p.AddrInfo, f found) []p2p.AddrInfo {
	i := slices.IndexFunc(hosts, func(h p2p.AddrInfo) bool { return h.ID == f.answer.id })
	if i < 0 {
		if len(hosts) == maxLANAddrs {
			return hosts
		}
		i = len(hosts)
		hosts = append(hosts, p2p.AddrInfo{ID: f.answer.id})
	}
	for _, ip := range append([]netip.Addr{f.from}, f.answer.ips...) {
		if ip != f.from && (!nearIP(ip) || ip.IsLoopback()) {
			continue
		}
		for _, transport := range [...]string{"quic", "tcp"} {
			a := plainAddr(ip, f.answer.port, transport)
			if !slices.ContainsFunc(hosts[i].Addrs, a.Equal) && len(hosts[i].Addrs) < maxCandidates {
				hosts[i].Addrs = append(hosts[i].Addrs, ma.Multiaddr(a))
			}
		}
	}
	return hosts
}

// lanInterfaces are those worth asking on. Loopback counts, although it does
// not call itself multicast: two programs on one machine find each other there.
func lanInterfaces() []net.Interface {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(i net.Interface) bool {
		return i.Flags&net.FlagUp == 0 || i.Flags&(net.FlagMulticast|net.FlagLoopback) == 0
	})
}

// joinAll lets every interface hear the group. One that is in it already
// gives an error that means nothing.
func joinAll(c *ipv4.PacketConn, on []net.Interface) {
	for _, i := range on {
		_ = c.JoinGroup(&i, &net.UDPAddr{IP: lanGroup.IP})
	}
	_ = c.SetMulticastLoopback(true)
}
