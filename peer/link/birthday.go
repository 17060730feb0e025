package link

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// Where one side's box gives each destination its own port (the hard side) and the
// other's has one port for all but lets only known ones in (the easy side), neither
// knows where to send to: the hard side's next port is random. So it opens many, and
// the easy side tries random ones; by the birthday paradox they meet soon.
//
//	hard                                                       easy
//	    ── /sightline/probe/1: token ─────────────────────────►
//	    ◄── one byte: yes
//	256 sockets, one packet each to easy's outside address
//	    ◄── probes to random ports, from easy's QUIC socket; each names its port
//	one comes in on a socket
//	    ── the port ──►
//	closes all, listens by QUIC on that socket's port   ◄── dials that port
//
// Measured in the lab, 500 probes a second: 20 of 20 pairs, median 0.9 s.
//
// It looks like a port scan, and 256 entries can hurt a small router. So: only
// between admitted peers, only if both say that exactly one side has a port for
// each destination (STUN), once a minute, never with Options.Quiet on either side,
// and at most maxProbes packets, to the one address that the peer has itself.
const (
	hardSockets = 256
	maxProbes   = 2048
	// 10 probes each 20 ms are 500 a second: 60 bytes each, 240 kbit/s for some
	// seconds. 256 of 64,512 ports are open, so half of all runs end within 175.
	probeBatch = 10
	probeEvery = 20 * time.Millisecond
	// refreshEvery: the hard side's packets may get lost, and its box forget.
	refreshEvery = time.Second
	// birthdayLater: a plain dial that finds an easy way needs no birthday.
	birthdayLater = 150 * time.Millisecond
	birthdayAll   = maxProbes/probeBatch*probeEvery + 2*time.Second
	birthdayAgain = time.Minute
	// fewestSockets are worth a try: 2,048 probes find one of 32 in 64 of 100 runs.
	fewestSockets = 32
)

// A probe is 16 bytes. The first is none that a QUIC packet begins with (RFC 9443),
// so quic-go throws away one that comes to its socket.
const (
	probeMark = 0x05
	probeSize = 1 + 13 + 2 // mark, token, port
	tokenSize = 13
)

type token [tokenSize]byte

func (t token) probe(port uint16) []byte {
	b := append(make([]byte, 0, probeSize), probeMark)
	return binary.BigEndian.AppendUint16(append(b, t[:]...), port)
}

// portOf reads a probe with this token.
func (t token) portOf(b []byte) (uint16, bool) {
	if len(b) != probeSize || b[0] != probeMark || token(b[1:1+tokenSize]) != t {
		return 0, false
	}
	return binary.BigEndian.Uint16(b[1+tokenSize:]), true
}

// birthday runs the hard side's part, if this is the hard side and the peer is an
// easy one. The easy side is woken by the stream.
func (r *remote) birthday(ctx context.Context, mine NAT, theirs theirOffer) {
	if mine != NATEach || theirs.nat != NATSame || !r.n.mayProbe() {
		return
	}
	to, ok := publicUDP(theirs.addrs)
	if !ok || r.waitDirect(ctx, birthdayLater) || !r.beginProbing() {
		return
	}
	defer r.endProbing()
	ctx, cancel := context.WithTimeout(ctx, birthdayAll)
	defer cancel()
	if err := r.hardSide(ctx, to); err != nil {
		r.n.log.Debug("birthday punch", "peer", r.id, "err", err)
	}
}

func (n *Node) mayProbe() bool {
	return n.noDirect() == "" && !n.o.Quiet && !n.o.LANOnly && n.udp != nil
}

// beginProbing keeps the promise of one run at a time and one a minute.
func (r *remote) beginProbing() bool {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	if r.probing || !r.probedAt.IsZero() && time.Since(r.probedAt) < birthdayAgain {
		return false
	}
	r.probing, r.probedAt = true, time.Now()
	return true
}

func (r *remote) endProbing() {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	r.probing = false
}

// publicUDP is the first IPv4 address that is not of a LAN.
func publicUDP(addrs []ma.Multiaddr) (netip.AddrPort, bool) {
	for _, a := range addrs {
		if ip, ok := ipOf(a); ok && ip.Is4() && transportOf(a) == "quic" && !isNear(a) {
			return netip.AddrPortFrom(ip, uint16(portOf(a))), true
		}
	}
	return netip.AddrPort{}, false
}

func (r *remote) hardSide(ctx context.Context, to netip.AddrPort) error {
	var t token
	rand.Read(t[:])
	sockets := r.n.openMany()
	defer func() { closeAll(sockets) }()
	if len(sockets) < fewestSockets {
		return fmt.Errorf("only %d sockets", len(sockets))
	}
	s, err := r.openProbe(ctx)
	if err != nil {
		return err
	}
	defer s.Reset()
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	if _, err := s.Write(t[:]); err != nil {
		return err
	}
	// No packet leaves for a side that does not want it.
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
		return fmt.Errorf("the peer does not probe: %w", err)
	}
	sendAll(sockets, t, to)
	hit, port, err := waitHit(ctx, sockets, t, to)
	if err != nil {
		return err
	}
	local := hit.LocalAddr().(*net.UDPAddr).AddrPort()
	closeAll(sockets)
	sockets = nil
	listen := plainAddr(netip.IPv4Unspecified(), local.Port(), "quic")
	if err := r.n.h.Network().Listen(listen); err != nil {
		return fmt.Errorf("listen on the port that was hit: %w", err)
	}
	r.n.log.Debug("birthday punch: met", "peer", r.id, "outside", port, "local", local.Port())
	if _, err := s.Write(binary.BigEndian.AppendUint16(nil, port)); err != nil {
		r.n.unlisten([]ma.Multiaddr{listen})
		return err
	}
	if !r.waitDirect(ctx, 2*time.Second) {
		r.n.unlisten([]ma.Multiaddr{listen})
		return errors.New("the peer did not come through the hole")
	}
	r.n.mu.Lock()
	r.lent = append(r.lent, listen)
	r.n.mu.Unlock()
	return nil
}

// openMany opens the hard side's sockets, fewer where the system or Options.Ports
// has no more.
func (n *Node) openMany() []*net.UDPConn {
	var out []*net.UDPConn
	open := func(port int) bool {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: port})
		if err == nil {
			out = append(out, c)
		}
		return err == nil
	}
	if n.o.Ports.any() {
		for len(out) < hardSockets && open(0) {
		}
		return out
	}
	for port := int(n.o.Ports.First); port <= int(n.o.Ports.Last) && len(out) < hardSockets; port++ {
		open(port) // one that is taken is passed over
	}
	return out
}

func closeAll(sockets []*net.UDPConn) {
	for _, c := range sockets {
		c.Close()
	}
}

// sendAll makes the box give each socket a port for that destination. The packets
// themselves are of no use to anybody.
func sendAll(sockets []*net.UDPConn, t token, to netip.AddrPort) {
	packet := t.probe(0)
	for _, c := range sockets {
		c.WriteToUDPAddrPort(packet, to)
	}
}

// waitHit returns the first socket to which a probe of the peer came, and the
// outside port that it names.
func waitHit(ctx context.Context, sockets []*net.UDPConn, t token, from netip.AddrPort) (*net.UDPConn, uint16, error) {
	type found struct {
		c    *net.UDPConn
		port uint16
	}
	hits := make(chan found, len(sockets))
	var readers sync.WaitGroup
	defer readers.Wait()
	defer func() {
		for _, c := range sockets {
			c.SetReadDeadline(time.Now())
		}
	}()
	for _, c := range sockets {
		readers.Go(func() {
			var buf [probeSize + 1]byte
			for {
				size, addr, err := c.ReadFromUDPAddrPort(buf[:])
				if err != nil {
					return
				}
				if port, ok := t.portOf(buf[:size]); ok && port != 0 && addr.Addr().Unmap() == from.Addr() {
					hits <- found{c, port}
					return
				}
			}
		})
	}
	again := time.NewTicker(refreshEvery)
	defer again.Stop()
	for {
		select {
		case h := <-hits:
			return h.c, h.port, nil
		case <-again.C:
			sendAll(sockets, t, from)
		case <-ctx.Done():
			return nil, 0, errors.New("no probe came through")
		}
	}
}

// openProbe opens the stream that the two sides talk over, on the path that works.
func (r *remote) openProbe(ctx context.Context) (network.Stream, error) {
	r.n.mu.Lock()
	p := r.bestLocked()
	r.n.mu.Unlock()
	if p == nil {
		return nil, ErrNoPath
	}
	s, err := p.conn.NewStream(network.WithAllowLimitedConn(ctx, "birthday punch"))
	if err != nil {
		return nil, err
	}
	if err := s.SetProtocol(probeProtocol); err != nil {
		s.Reset()
		return nil, err
	}
	return lazyStream{s, newStream(s, p, probeProtocol)}, nil
}

// lazyStream is a stream whose protocol's name goes along with the first bytes.
type lazyStream struct {
	network.Stream
	st *stream
}

func (s lazyStream) Read(b []byte) (int, error)  { return s.st.Read(b) }
func (s lazyStream) Write(b []byte) (int, error) { return s.st.Write(b) }

// probed is libp2p's handler on the easy side.
func (n *Node) probed(s network.Stream) {
	n.mu.Lock()
	r := n.remotes[s.Conn().RemotePeer()]
	ok := r != nil && r.shown && n.natLocked() == NATSame && r.theirs.nat == NATEach
	var ctx context.Context
	var theirs theirOffer
	if ok {
		ctx, theirs = r.measure, r.theirs
	}
	n.mu.Unlock()
	to, public := publicUDP(theirs.addrs)
	if !ok || !public || !n.mayProbe() || !r.beginProbing() {
		s.Reset()
		return
	}
	if !n.run(func() {
		defer r.endProbing()
		defer s.Reset()
		ctx, cancel := context.WithTimeout(ctx, birthdayAll)
		defer cancel()
		defer context.AfterFunc(ctx, func() { s.Reset() })()
		if err := r.easySide(ctx, s, to.Addr()); err != nil {
			n.log.Debug("birthday punch", "peer", r.id, "err", err)
		}
	}) {
		s.Reset()
	}
}

func (r *remote) easySide(ctx context.Context, s network.Stream, to netip.Addr) error {
	var t token
	if _, err := io.ReadFull(s, t[:]); err != nil {
		return err
	}
	if _, err := s.Write([]byte{1}); err != nil {
		return err
	}
	var answer [2]byte
	heard := make(chan error, 1)
	probing, stop := context.WithCancel(ctx)
	defer stop()
	if !r.n.run(func() {
		_, err := io.ReadFull(s, answer[:])
		stop()
		heard <- err
	}) {
		return ErrClosed
	}
	sent, err := r.n.probeRandom(probing, t, to)
	if err != nil {
		return err
	}
	select {
	case err := <-heard:
		if err != nil {
			return fmt.Errorf("%d probes, and no word of a hit: %w", sent, err)
		}
	case <-ctx.Done():
		return fmt.Errorf("%d probes and no hit", sent)
	}
	port := binary.BigEndian.Uint16(answer[:])
	r.n.log.Debug("birthday punch: met", "peer", r.id, "probes", sent, "port", port)
	if port == 0 {
		return errors.New("the peer names port 0")
	}
	r.dialDirect(ctx, []ma.Multiaddr{plainAddr(to, port, "quic")}, punchDial)
	return nil
}

// probeRandom sends to ports in random order, none twice, until ctx ends or
// maxProbes are sent.
func (n *Node) probeRandom(ctx context.Context, t token, to netip.Addr) (sent int, err error) {
	tr, err := n.udp.TransportForDial("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 1)))
	if err != nil {
		return 0, err
	}
	defer tr.DecreaseCount()
	const lowest = 1024 // a box takes no port below for one above
	ports := mrand.Perm(1<<16 - lowest)[:maxProbes]
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for _, p := range ports {
		port := uint16(p + lowest)
		if _, err := tr.WriteTo(t.probe(port), net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, port))); err != nil {
			return sent, err
		}
		if sent++; sent%probeBatch != 0 {
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return sent, nil
		}
	}
	return sent, nil
}
