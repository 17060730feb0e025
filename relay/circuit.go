package relay

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"sightline/relay/share"
)

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
// or one has failed. Who reads or writes it is held up as Limits say: what is not
// read here fills libp2p's window, and so holds up the sender.
type circuitStream struct {
	*firstRead
	// Static after newCircuit.
	gate         *gate
	viewer, host *account
	toHost       *share.Flow // what we read
	toViewer     *share.Flow // what we write
	since        time.Time
	give         func() // gives the place back

	bytes atomic.Int64 // both ways
	moved atomic.Int64 // when the last of them did, ns after since

	mu              sync.Mutex // guards below
	timer           *time.Timer
	ended, reported bool
}

// newCircuit starts the clock of a circuit.
func newCircuit(g *gate, s *firstRead, viewer, host *account) *circuitStream {
	c := &circuitStream{firstRead: s, gate: g, viewer: viewer, host: host, since: time.Now()}
	flow := func() *share.Flow {
		return g.link.Flow(share.NewBucket(float64(g.limits.CircuitRate)), viewer.limit, host.limit, g.all)
	}
	c.toHost, c.toViewer = flow(), flow()
	c.mu.Lock()
	defer c.mu.Unlock()
	if left, limited := c.left(); limited {
		c.timer = time.AfterFunc(left, c.expire)
	}
	return c
}

func (c *circuitStream) Read(b []byte) (int, error) {
	n, err := c.firstRead.Read(b)
	if n > 0 {
		c.count(n)
		if limited := c.toHost.Take(n); limited != nil {
			return 0, limited
		}
	}
	return n, err
}

func (c *circuitStream) Write(b []byte) (int, error) {
	if err := c.toViewer.Take(len(b)); err != nil {
		return 0, err
	}
	n, err := c.firstRead.Write(b)
	c.count(n)
	return n, err
}

func (c *circuitStream) count(n int) {
	c.bytes.Add(int64(n))
	c.viewer.bytes.Add(int64(n))
	c.host.bytes.Add(int64(n))
	c.moved.Store(int64(time.Since(c.since)))
}

// left is how long the circuit may live if nothing moves from now on.
func (c *circuitStream) left() (left time.Duration, limited bool) {
	age := time.Since(c.since)
	if idle := c.gate.limits.Idle; idle > 0 {
		left, limited = time.Duration(c.moved.Load())+idle-age, true
	}
	if most := c.gate.limits.Age; most > 0 && (!limited || most-age < left) {
		left, limited = most-age, true
	}
	return left, limited
}

// expire ends the circuit if its time has come, and else looks again when it may have.
func (c *circuitStream) expire() {
	if left, _ := c.left(); left > 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.ended {
			c.timer.Reset(left)
		}
		return
	}
	c.cut()
}

// cut ends a circuit from our side. The relay notices and gives the place back; where
// it is stuck in a write to the host, stopStream's deadline ends that.
func (c *circuitStream) cut() {
	c.gate.cut.Add(1)
	c.toHost.Close()
	c.toViewer.Close()
	c.firstRead.Reset()
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
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	if again {
		return
	}
	c.toHost.Close()
	c.toViewer.Close()
	c.give()
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

// stopStream is the host's end of a circuit. It cuts the relay's handshake deadline of
// a minute to ours, and afterwards gives up on a host that takes nothing.
type stopStream struct {
	network.Stream
	latest time.Time
	idle   time.Duration
	stands bool // the handshake is over; set before the copying goroutines start
}

func (s *stopStream) SetDeadline(t time.Time) error {
	if t.IsZero() {
		s.stands = true
	} else if t.After(s.latest) {
		t = s.latest
	}
	return s.Stream.SetDeadline(t)
}

func (s *stopStream) Write(b []byte) (int, error) {
	if s.stands && s.idle > 0 {
		if err := s.Stream.SetWriteDeadline(time.Now().Add(s.idle)); err != nil {
			return 0, err
		}
	}
	return s.Stream.Write(b)
}
