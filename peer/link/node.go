package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"sightline/peer/link/proxy"
	"sightline/peer/netcheck"
)

// Node is this machine on the network: one identity, one port number for UDP
// and TCP, any number of Conns.
type Node struct {
	// Static after New.
	o     Options
	log   *slog.Logger
	h     host.Host
	port  int
	punch *holepunch.Service     // nil where no direct path is wanted or possible
	udp   *quicreuse.ConnManager // the sockets of QUIC; nil without QUIC
	maps  *mapper                // asks the router for ports; nil unless wanted
	web   *webTransport

	gate   gate
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // every goroutine that the node started

	knocks chan *Knock
	lanIfs func() []net.Interface // where LAN searches go

	// silence is pathSilence, and less in tests; climbSoon in their place of
	// climbPauses.
	silence   time.Duration
	climbSoon time.Duration

	surveying    sync.Mutex // one survey at a time reads the socket
	surveyingTCP sync.Mutex

	mu       sync.Mutex // guards all below, and the state of remotes and conns
	closed   bool
	remotes  map[p2p.ID]*remote
	pending  int // Conns of strangers: knocked, not admitted, not closed
	reserved map[p2p.ID]*reservation
	observed map[network.Conn]ma.Multiaddr     // how our relays see us
	idle     map[network.Conn]*time.Timer      // came in and have not knocked
	servers  map[p2p.ID]p2p.AddrInfo           // our relays that we were connected to
	seen     map[netip.AddrPort]netip.AddrPort // STUN server -> how it saw us
	// silentSTUN: the last survey ended without a single answer.
	silentSTUN  bool
	seenOwn     bool             // a server saw an address of this machine: no NAT
	tcpMapping  netcheck.Mapping // what surveyTCP found; "": nothing yet
	resurveying bool             // surveyAgain runs
	climbing    map[p2p.ID]bool  // relays that are tried at their own port
}

// maxKnocks is how many strangers may stand at the door of one node
// (SECURITY-DESIGN, section 4), maxKnocksPeer how often each.
const (
	maxKnocks     = 64
	maxKnocksPeer = 2
)

// New opens the sockets and starts to accept. The error says which port is
// taken if it is that.
func New(o Options) (*Node, error) {
	if o.Key == nil || o.Key.Type() != crypto.Ed25519 {
		return nil, errors.New("link: the identity must be an Ed25519 key")
	}
	n := &Node{
		o: o, log: o.Log,
		gate:     gate{relayOnly: o.RelayOnly, lanOnly: o.LANOnly},
		knocks:   make(chan *Knock, maxKnocks),
		lanIfs:   lanInterfaces,
		remotes:  make(map[p2p.ID]*remote),
		reserved: make(map[p2p.ID]*reservation),
		observed: make(map[network.Conn]ma.Multiaddr),
		idle:     make(map[network.Conn]*time.Timer),
		servers:  make(map[p2p.ID]p2p.AddrInfo),
		seen:     make(map[netip.AddrPort]netip.AddrPort),
		climbing: make(map[p2p.ID]bool),
		silence:  pathSilence,
	}
	if n.log == nil {
		n.log = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1}))
	}
	proxies, err := proxy.New(o.Proxy)
	if err != nil {
		return nil, err
	}
	n.web = &webTransport{proxies: proxies, trust: newTrust(o)}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	h, err := n.newHost()
	if err != nil {
		n.cancel()
		return nil, fmt.Errorf("start libp2p: %w", err)
	}
	n.h = h
	if err := n.start(); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// start is the part of New that needs the host. Close undoes it.
func (n *Node) start() error {
	if err := n.startCircuits(); err != nil {
		return err
	}
	if err := n.watchObserved(); err != nil {
		return err
	}
	if err := n.newPuncher(); err != nil {
		return err
	}
	n.h.Network().Notify(&network.NotifyBundle{ConnectedF: n.connected, DisconnectedF: n.disconnected})
	n.h.SetStreamHandler(sessionProtocol, n.knocked)
	n.h.SetStreamHandler(streamProtocol, n.opened)
	n.h.SetStreamHandler(pingProtocol, n.pinged)
	n.h.SetStreamHandler(probeProtocol, n.probed)
	n.h.SetStreamHandler(againProtocol, n.askedAgain)
	if err := n.listen(); err != nil {
		return err
	}
	if n.maps != nil && n.port != 0 {
		n.run(n.mapPorts)
	}
	n.run(n.watchNetwork)
	return nil
}

// listen opens UDP and TCP on one number.
func (n *Node) listen() error {
	if n.o.Listen == "none" || n.o.RelayOnly { // nobody may come in anyway
		return nil
	}
	ips, port, err := parseListen(n.o.Listen)
	if err != nil {
		return err
	}
	if port != 0 {
		n.port = port
		return n.listenOn(ips, port)
	}
	if !n.o.Ports.any() {
		return n.listenInRange(ips)
	}
	// The kernel gives a free TCP port; somebody may have the same number in
	// UDP, so try a few.
	for range 20 {
		if port, err = freePort(ips[0]); err != nil {
			return fmt.Errorf("listen on %s: %w", n.o.Listen, err)
		}
		if err = n.listenOn(ips, port); err == nil {
			n.port = port
			return nil
		}
	}
	return err
}

// listenInRange takes the first number of Options.Ports that is free for UDP and
// TCP, from a random place on: two programs of one machine do not race for one.
func (n *Node) listenInRange(ips []netip.Addr) error {
	first, size := int(n.o.Ports.First), int(n.o.Ports.Last)-int(n.o.Ports.First)+1
	if first == 0 || size < 1 {
		return fmt.Errorf("ports %d-%d: the first must not be 0 nor above the last", n.o.Ports.First, n.o.Ports.Last)
	}
	start := rand.IntN(size)
	var err error
	for i := range size {
		n.port = first + (start+i)%size
		if err = n.listenOn(ips, n.port); err == nil {
			return nil
		}
	}
	return fmt.Errorf("no port from %d to %d is free: %w", n.o.Ports.First, n.o.Ports.Last, err)
}

// listenOn opens both sockets on each address, or none. Where this machine has
// no IPv6 the IPv4 half of ":port" is enough.
func (n *Node) listenOn(ips []netip.Addr, port int) error {
	var open []ma.Multiaddr
	for i, ip := range ips {
		for _, proto := range [...]string{"/tcp/%d", "/udp/%d/quic-v1"} {
			family := "/ip4/"
			if ip.Is6() {
				family = "/ip6/"
			}
			a, err := ma.NewMultiaddr(family + ip.String() + fmt.Sprintf(proto, port))
			if err != nil {
				return err
			}
			if err = probe(a); err == nil {
				err = n.h.Network().Listen(a)
			}
			if err != nil && i > 0 {
				n.log.Debug("not listening", "addr", a, "err", err)
				continue
			}
			if err != nil {
				n.unlisten(open)
				return fmt.Errorf("listen on %s: %s", describe(a), reason(err))
			}
			open = append(open, a)
		}
	}
	return nil
}

// probe opens the socket without SO_REUSEPORT and closes it again. libp2p sets
// that option, with which a second program of the same user would take half of
// the connections instead of being told that the port is taken; and it flattens
// errors into text.
func probe(a ma.Multiaddr) error {
	network, addr, err := manet.DialArgs(a)
	if err != nil {
		return err
	}
	if network[:3] == "udp" {
		c, err := net.ListenPacket(network, addr)
		if err == nil {
			c.Close()
		}
		return err
	}
	l, err := net.Listen(network, addr)
	if err == nil {
		l.Close()
	}
	return err
}

func (n *Node) unlisten(addrs []ma.Multiaddr) {
	if s, ok := n.h.Network().(interface{ ListenClose(...ma.Multiaddr) }); ok {
		s.ListenClose(addrs...)
	}
}

// parseListen splits "host:port". No host means every address of IPv4 and IPv6.
func parseListen(s string) ([]netip.Addr, int, error) {
	if s == "" {
		s = ":0"
	}
	name, number, err := net.SplitHostPort(s)
	if err != nil {
		return nil, 0, fmt.Errorf("listen address %q: want HOST:PORT, :PORT or none", s)
	}
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, 0, fmt.Errorf("listen address %q: the port is a number from 0 to 65535", s)
	}
	if name == "" {
		return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}, int(port), nil
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{ip.Unmap()}, int(port), nil
	}
	found, err := net.LookupIP(name)
	if err != nil || len(found) == 0 {
		return nil, 0, fmt.Errorf("listen address %q: no such name", s)
	}
	var ips []netip.Addr
	for _, ip := range found {
		if a, ok := netip.AddrFromSlice(ip); ok {
			ips = append(ips, a.Unmap())
		}
	}
	// IPv4 first: it must work, the other may fail.
	slices.SortStableFunc(ips, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return ips, int(port), nil
}

// freePort asks the kernel for a number that is free in TCP.
func freePort(ip netip.Addr) (int, error) {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ID is the peer ID made from Options.Key.
func (n *Node) ID() p2p.ID { return n.h.ID() }

// Host is the libp2p host underneath, for the directory client and netcheck.
// It belongs to the Node.
func (n *Node) Host() host.Host { return n.h }

// Port is the one number of UDP and TCP, 0 when nothing listens.
func (n *Node) Port() int { return n.port }

// ListenAddrs are the addresses of this machine's interfaces that the node
// listens on, without circuits. They are for our own screen and for admitted
// peers.
func (n *Node) ListenAddrs() []ma.Multiaddr {
	addrs, err := n.h.Network().InterfaceListenAddresses()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
		_, ok := ipOf(a)
		return !ok || isCircuit(a)
	})
}

// announced is libp2p's AddrsFactory: what anybody may know about us is the
// relays where we can be met.
func (n *Node) announced([]ma.Multiaddr) []ma.Multiaddr {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []ma.Multiaddr
	for _, r := range n.reserved {
		out = append(out, r.circuits...)
	}
	return out
}

// Deny refuses a peer for the life of the node and cuts what is open to it.
func (n *Node) Deny(p p2p.ID) {
	n.gate.deny(p)
	n.h.Network().ClosePeer(p)
}

// Accept waits for a viewer at the door. Errors: ErrClosed, ctx.
func (n *Node) Accept(ctx context.Context) (*Knock, error) {
	select {
	case k := <-n.knocks:
		return k, nil
	case <-n.ctx.Done():
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close ends every Conn and waits for every goroutine. Conns that were closed
// just before keep their time to send what was written.
func (n *Node) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		n.work.Wait()
		return nil
	}
	n.closed = true
	var open []*conn
	for _, r := range n.remotes {
		open = append(open, r.conns...)
	}
	n.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
	n.waitLingering()
	n.cancel()
	if n.punch != nil {
		n.punch.Close()
	}
	err := n.h.Close()
	n.work.Wait()
	return err
}

// run starts a goroutine that Close waits for. It tells whether it did: a
// closed node starts nothing.
func (n *Node) run(f func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.runLocked(f)
}

func (n *Node) runLocked(f func()) bool {
	if n.closed {
		return false
	}
	n.work.Go(f)
	return true
}
