package relay

import (
	"bytes"
	"context"
	"io"
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
	gate *gate
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
	s, err := h.Host.NewStream(ctx, p, ids...)
	if err != nil {
		return nil, err
	}
	return &stopStream{s, time.Now().Add(connectTime)}, nil
}

// stopStream cuts the relay's handshake deadline of a minute to ours.
type stopStream struct {
	network.Stream
	latest time.Time
}

func (s *stopStream) SetDeadline(t time.Time) error {
	if t.After(s.latest) { // never for the zero time, which lifts the deadline
		t = s.latest
	}
	return s.Stream.SetDeadline(t)
}

// gate counts circuits and keeps them within Limits. It is also the MetricsTracer
// of libp2p's relay.
type gate struct {
	limits Limits
	events func(Event)

	mu       sync.Mutex // guards all below
	closed   bool
	all      int
	byViewer map[p2p.ID]int
	byHost   map[p2p.ID]int

	handlers sync.WaitGroup // hop streams whose first message is being served
	copies   sync.WaitGroup // circuits whose bytes the relay copies

	opened, refused, bytes atomic.Int64
}

func newGate(l Limits, events func(Event)) *gate {
	return &gate{limits: l, events: events, byViewer: make(map[p2p.ID]int), byHost: make(map[p2p.ID]int)}
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
	viewer := s.Conn().RemotePeer()
	if !g.take(viewer, dest) {
		g.refused.Add(1)
		refuse(s)
		g.events(Event{What: "circuit refused"})
		return
	}
	c := &circuitStream{firstRead: first, gate: g, viewer: viewer, host: dest, since: time.Now()}
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
	g.handlers.Wait()
	g.copies.Wait()
}

func (g *gate) take(viewer, host p2p.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= g.limits.Circuits || g.byViewer[viewer] >= g.limits.CircuitsPerViewer ||
		g.byHost[host] >= g.limits.CircuitsPerHost {
		return false
	}
	g.all++
	g.byViewer[viewer]++
	g.byHost[host]++
	return true
}

func (g *gate) give(viewer, host p2p.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	less(g.byViewer, viewer)
	less(g.byHost, host)
}

func less(m map[p2p.ID]int, p p2p.ID) {
	if m[p]--; m[p] <= 0 {
		delete(m, p)
	}
}

func (g *gate) count(st *Stats) {
	g.mu.Lock()
	st.Circuits = g.all
	g.mu.Unlock()
	st.CircuitsOpened, st.CircuitsRefused, st.Bytes = g.opened.Load(), g.refused.Load(), g.bytes.Load()
}

// The MetricsTracer of libp2p's relay. ConnectionOpened and ConnectionClosed stand
// around the life of a circuit's goroutines.

func (g *gate) RelayStatus(bool)                    {}
func (g *gate) ConnectionOpened()                   { g.copies.Add(1) }
func (g *gate) ConnectionClosed(time.Duration)      { g.copies.Done() }
func (g *gate) ReservationAllowed(bool)             {}
func (g *gate) ReservationClosed(int)               {}
func (g *gate) ReservationRequestHandled(pb.Status) {}
func (g *gate) BytesTransferred(n int)              { g.bytes.Add(int64(n)) }
func (g *gate) ConnectionRequestHandled(status pb.Status) {
	if status == pb.Status_OK {
		g.opened.Add(1)
	} else {
		g.refused.Add(1)
	}
}

// firstRead is a stream whose first message has been read and is put back.
type firstRead struct {
	network.Stream
	head *bytes.Reader
}

func (s *firstRead) Read(b []byte) (int, error) {
	if s.head.Len() > 0 {
		return s.head.Read(b)
	}
	return s.Stream.Read(b)
}

// circuitStream is the viewer's end of a circuit. The place it holds is given back
// when the relay closes or resets it, which it does once both directions have ended
// or one has failed.
type circuitStream struct {
	*firstRead
	gate         *gate
	viewer, host p2p.ID
	since        time.Time
	bytes        atomic.Int64

	mu              sync.Mutex // guards below
	ended, reported bool
}

func (c *circuitStream) Read(b []byte) (int, error) {
	n, err := c.firstRead.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

func (c *circuitStream) Write(b []byte) (int, error) {
	n, err := c.firstRead.Write(b)
	c.bytes.Add(int64(n))
	return n, err
}

func (c *circuitStream) Close() error {
	defer c.end()
	return c.firstRead.Close()
}

func (c *circuitStream) Reset() error {
	defer c.end()
	return c.firstRead.Reset()
}

func (c *circuitStream) ResetWithError(code network.StreamErrorCode) error {
	defer c.end()
	return c.firstRead.ResetWithError(code)
}

func (c *circuitStream) end() {
	c.mu.Lock()
	again, reported := c.ended, c.reported
	c.ended = true
	c.mu.Unlock()
	if again {
		return
	}
	c.gate.give(c.viewer, c.host)
	if reported {
		c.gate.events(Event{What: "circuit closed", Bytes: c.bytes.Load(), Age: time.Since(c.since)})
	}
}

// report tells of a circuit that stands. One that has ended by now was refused by
// the host or the relay, or was too short to speak of.
func (c *circuitStream) report() {
	c.mu.Lock()
	c.reported = !c.ended
	reported := c.reported
	c.mu.Unlock()
	what := "circuit refused"
	if reported {
		what = "circuit opened"
	}
	c.gate.events(Event{What: what})
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
