package relay

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	pb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/util"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multistream"

	"sightline/relay/share"
)

// libp2p's relay knows one limit, circuits per peer, and counts viewers and hosts
// alike. So it is handed a host (gatedHost) that shows each hop stream to the gate
// before the relay sees it. The gate reads the first message, takes a place for a
// CONNECT, puts the message back in front of the stream, and gets the place back
// when the relay closes or resets the stream. All bytes of a circuit pass through
// that one stream, both ways: it is also where they can be counted and held up.
//
//	viewer ══ hop stream (circuit) ══► relay ── stop stream ──► host

// gatedHost is the host that libp2p's relay sees.
type gatedHost struct {
	host.Host
	gate   *gate
	second []netip.AddrPort // where connections come to ask, and stay for no longer
}

func (h gatedHost) SetStreamHandler(id protocol.ID, relay network.StreamHandler) {
	if id == proto.ProtoIDv2Hop {
		h.Host.SetStreamHandler(id, func(s network.Stream) { h.gate.hop(s, relay) })
		return
	}
	h.Host.SetStreamHandler(id, relay)
}

// NewStream opens the way to the host of a circuit and bounds its handshake.
func (h gatedHost) NewStream(ctx context.Context, p p2p.ID, ids ...protocol.ID) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	s, err := h.streamTo(ctx, p, ids...)
	if err != nil {
		return nil, err
	}
	return &stopStream{Stream: s, latest: time.Now().Add(connectTime), idle: h.gate.limits.Idle}, nil
}

// streamTo opens a stream on the best connection to a peer that has several.
func (h gatedHost) streamTo(ctx context.Context, p p2p.ID, ids ...protocol.ID) (network.Stream, error) {
	conns := h.Host.Network().ConnsToPeer(p)
	if len(conns) < 2 || len(ids) != 1 {
		return h.Host.NewStream(ctx, p, ids...)
	}
	up := h.bestWay(conns)
	if up == nil {
		return nil, network.ErrNoConn
	}
	s, err := up.NewStream(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.SetProtocol(ids[0]); err != nil {
		s.Reset()
		return nil, err
	}
	return &namedStream{s, multistream.NewMSSelect(s, ids[0])}, nil
}

// bestWay is the connection that a new circuit takes: one by our own port before one
// by WebSocket, and of equals the newest, which is the one whose host surely lives.
// libp2p would take the one with the most streams, so that a host that has climbed to
// a better connection would never get a circuit there.
//
// One to a second port is the last choice: its host asks how it is seen, refuses all
// streams and hangs up. A viewer that came at that moment was told that the host is gone.
func (h gatedHost) bestWay(conns []network.Conn) network.Conn {
	var best network.Conn
	for _, c := range conns { // oldest first
		if !c.IsClosed() && (best == nil || h.rank(c) >= h.rank(best)) {
			best = c
		}
	}
	return best
}

func (h gatedHost) rank(c network.Conn) int {
	switch {
	case h.isSecond(c):
		return 0
	case isWeb(c):
		return 1
	}
	return 2
}

func (h gatedHost) isSecond(c network.Conn) bool {
	a := c.LocalMultiaddr()
	port, err := a.ValueForProtocol(ma.P_TCP)
	if err != nil {
		port, err = a.ValueForProtocol(ma.P_UDP)
	}
	ip, notIP := manet.ToIP(a)
	if err != nil || notIP != nil {
		return false
	}
	return slices.ContainsFunc(h.second, func(s netip.AddrPort) bool {
		return strconv.Itoa(int(s.Port())) == port && (s.Addr().IsUnspecified() || net.IP(s.Addr().AsSlice()).Equal(ip))
	})
}

func isWeb(c network.Conn) bool {
	_, err := c.RemoteMultiaddr().ValueForProtocol(ma.P_WS)
	if err != nil {
		_, err = c.RemoteMultiaddr().ValueForProtocol(ma.P_WSS)
	}
	return err == nil
}

// namedStream sends the protocol's name along with the first bytes.
type namedStream struct {
	network.Stream
	rw io.ReadWriter
}

func (s *namedStream) Read(b []byte) (int, error)  { return s.rw.Read(b) }
func (s *namedStream) Write(b []byte) (int, error) { return s.rw.Write(b) }

// gate counts circuits and keeps them within Limits. It is also the MetricsTracer
// of libp2p's relay.
type gate struct {
	limits Limits
	events func(Event)
	volume *volume
	link   share.Link    // whose bandwidth the circuits divide
	all    *share.Bucket // Limits.Rate

	mu      sync.Mutex // guards all below
	closed  bool
	open    map[*circuitStream]struct{}
	viewers map[p2p.ID]*account
	hosts   map[p2p.ID]*account
	peers   int // accounts opened since the start

	handlers sync.WaitGroup // hop streams whose first message is being served
	copies   sync.WaitGroup // circuits whose bytes the relay copies

	opened, refused, cut, bytes atomic.Int64
}

func newGate(l Limits, v *volume, events func(Event)) *gate {
	return &gate{
		limits: l, events: events, volume: v, all: share.NewBucket(float64(l.Rate)),
		open: make(map[*circuitStream]struct{}), viewers: make(map[p2p.ID]*account), hosts: make(map[p2p.ID]*account),
	}
}

// account is what one peer has of the relay at the moment, as a viewer or as a host.
type account struct {
	number   int           // 1, 2, … in the order in which they came: a name that names nobody
	since    time.Time     // the first of its present circuits
	limit    *share.Bucket // of all its circuits, both ways together
	circuits int           // guarded by gate.mu
	bytes    atomic.Int64  // since then, both ways
}

// hop is the handler of hop streams: it decides, then lets relay do the work.
func (g *gate) hop(s network.Stream, relay network.StreamHandler) {
	if !g.enter() {
		s.Reset()
		return
	}
	defer g.handlers.Done()
	head, msg, err := readHop(s)
	if err != nil {
		s.Reset()
		return
	}
	first := &firstRead{s, bytes.NewReader(head)}
	dest, err := p2p.IDFromBytes(msg.GetPeer().GetId())
	if msg.GetType() != pb.HopMessage_CONNECT || err != nil {
		relay(first) // a reservation; or nonsense, which relay refuses
		return
	}
	c := g.take(first, dest)
	if c == nil {
		g.refused.Add(1)
		refuse(s)
		g.events(Event{What: "circuit refused"})
		return
	}
	relay(c) // returns when the circuit stands or has failed
	c.report()
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.handlers.Add(1)
	return true
}

// wait returns when the last handler and the last copying goroutine have ended.
// The caller has closed all connections.
func (g *gate) wait() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.link.Close()
	g.handlers.Wait()
	g.copies.Wait()
}

// take gives a circuit its place, or returns nil if there is none.
func (g *gate) take(s *firstRead, host p2p.ID) *circuitStream {
	viewer := s.Conn().RemotePeer()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.open) >= g.limits.Circuits || g.viewers[viewer].count() >= g.limits.CircuitsPerViewer ||
		g.hosts[host].count() >= g.limits.CircuitsPerHost || g.volume.spent() {
		return nil
	}
	c := newCircuit(g, s, g.accountLocked(g.viewers, viewer), g.accountLocked(g.hosts, host))
	c.give = func() { g.give(c, viewer, host) }
	g.open[c] = struct{}{}
	return c
}

func (g *gate) accountLocked(m map[p2p.ID]*account, p p2p.ID) *account {
	a := m[p]
	if a == nil {
		g.peers++
		a = &account{number: g.peers, since: time.Now(), limit: share.NewBucket(float64(g.limits.PeerRate))}
		m[p] = a
	}
	a.circuits++
	return a
}

// count is 0 for a peer that has no account.
func (a *account) count() int {
	if a == nil {
		return 0
	}
	return a.circuits
}

func (g *gate) give(c *circuitStream, viewer, host p2p.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, c)
	less(g.viewers, viewer)
	less(g.hosts, host)
}

func less(m map[p2p.ID]*account, p p2p.ID) {
	if m[p].circuits--; m[p].circuits == 0 {
		delete(m, p)
	}
}

// cutAll ends every circuit: the month's volume is spent.
func (g *gate) cutAll() {
	g.mu.Lock()
	all := slices.Collect(maps.Keys(g.open))
	g.mu.Unlock()
	for _, c := range all {
		c.cut()
	}
}

func (g *gate) count(st *Stats) {
	g.mu.Lock()
	st.Circuits = len(g.open)
	st.Peers = append(loads(g.viewers, "viewer"), loads(g.hosts, "host")...)
	g.mu.Unlock()
	slices.SortFunc(st.Peers, func(a, b PeerLoad) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Number, b.Number))
	})
	st.CircuitsOpened, st.CircuitsRefused, st.CircuitsCut = g.opened.Load(), g.refused.Load(), g.cut.Load()
	st.Bytes = g.bytes.Load()
	st.Month, st.MonthLimit = g.volume.used.Load(), g.limits.Volume
}

func loads(m map[p2p.ID]*account, role string) []PeerLoad {
	var all []PeerLoad
	for _, a := range m {
		all = append(all, PeerLoad{Number: a.number, Role: role, Circuits: a.circuits, Bytes: a.bytes.Load(), Since: a.since})
	}
	return all
}

// The MetricsTracer of libp2p's relay. ConnectionOpened and ConnectionClosed stand
// around the life of a circuit's goroutines.

func (g *gate) RelayStatus(bool)                    {}
func (g *gate) ConnectionOpened()                   { g.copies.Add(1) }
func (g *gate) ConnectionClosed(time.Duration)      { g.copies.Done() }
func (g *gate) ReservationAllowed(bool)             {}
func (g *gate) ReservationClosed(int)               {}
func (g *gate) ReservationRequestHandled(pb.Status) {}
func (g *gate) BytesTransferred(n int) {
	g.bytes.Add(int64(n))
	if g.volume.add(int64(n)) {
		g.cutAll()
	}
}

func (g *gate) ConnectionRequestHandled(status pb.Status) {
	if status == pb.Status_OK {
		g.opened.Add(1)
	} else {
		g.refused.Add(1)
	}
}

const (
	maxHopMessage = 4096 // bytes, as libp2p's relay has it
	hopTime       = 10 * time.Second
)

// readHop reads the first message of a hop stream, and returns it also as it came.
func readHop(s network.Stream) (head []byte, msg *pb.HopMessage, err error) {
	// Errors of the deadline mean a dead stream, which the read will tell.
	_ = s.SetReadDeadline(time.Now().Add(hopTime))
	defer func() { _ = s.SetReadDeadline(time.Time{}) }()
	var raw bytes.Buffer
	rd := util.NewDelimitedReader(io.TeeReader(s, &raw), maxHopMessage)
	defer rd.Close()
	msg = new(pb.HopMessage)
	err = rd.ReadMsg(msg)
	return raw.Bytes(), msg, err
}

// refuse answers a CONNECT that is over a limit in the words of circuit relay v2.
func refuse(s network.Stream) {
	_ = s.SetWriteDeadline(time.Now().Add(hopTime))
	err := util.NewDelimitedWriter(s).WriteMsg(&pb.HopMessage{
		Type:   pb.HopMessage_STATUS.Enum(),
		Status: pb.Status_RESOURCE_LIMIT_EXCEEDED.Enum(),
	})
	if err != nil {
		s.Reset()
		return
	}
	s.Close()
}
