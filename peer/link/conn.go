package link

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// maxQueue is how many channel streams may wait for Accept; a session has six
// channels and opens them again when it moves to another path.
const maxQueue = 16

// conn is a Conn.
type conn struct {
	n       *Node
	r       *remote
	inbound bool // the peer knocked here

	paths  chan Path     // of one; the latest value
	offers chan struct{} // of one: our offer is another than the one told
	dead   chan struct{}
	closed chan struct{}
	queue  chan *stream

	// Guarded by n.mu.
	admitted bool
	isDead   bool
	isClosed bool
	streams  map[*stream]struct{}
	told     Offer // as last given out by Offer
}

func (c *conn) Remote() p2p.ID        { return c.r.id }
func (c *conn) Paths() <-chan Path    { return c.paths }
func (c *conn) Dead() <-chan struct{} { return c.dead }

func (c *conn) Path() Path {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	return c.r.describeLocked(c.r.bestLocked())
}

// publishLocked replaces the value in paths. Only holders of n.mu send, so the
// channel has room after it was emptied.
func (c *conn) publishLocked(now Path, dead bool) {
	if c.isClosed || c.isDead {
		return
	}
	if dead {
		c.isDead = true
		close(c.dead)
	}
	select {
	case <-c.paths:
	default:
	}
	c.paths <- now
}

// admit marks the Conn as the one that streams of this peer come to.
func (c *conn) admit() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.isClosed {
		return ErrClosed
	}
	if c.admitted {
		return nil
	}
	c.admitted = true
	if c.inbound {
		c.n.pending--
	}
	c.r.admitLocked()
	return nil
}

func (c *conn) Knock(ctx context.Context) (Stream, error) { return c.open(ctx, sessionProtocol) }

func (c *conn) Open(ctx context.Context) (Stream, error) {
	if err := c.admit(); err != nil {
		return nil, err
	}
	return c.open(ctx, streamProtocol)
}

// open makes a stream on the best path, and on the next best if that one turns
// out to be closed. It asks the connection itself and not the host: the host
// would wait for identify, choose by its own taste, and block for ever on a
// relay that announces limits.
func (c *conn) open(ctx context.Context, id protocol.ID) (Stream, error) {
	tried := make(map[*path]bool)
	for {
		c.n.mu.Lock()
		p, closed, dead := c.r.bestLocked(), c.isClosed, c.isDead
		c.n.mu.Unlock()
		switch {
		case closed:
			return nil, ErrClosed
		case p == nil || dead || tried[p]:
			return nil, fmt.Errorf("open a stream: %w", ErrNoPath)
		}
		tried[p] = true
		s, err := p.conn.NewStream(network.WithAllowLimitedConn(ctx, "sightline"))
		if err != nil {
			if ctx.Err() != nil || !p.conn.IsClosed() {
				return nil, fmt.Errorf("open a stream on the %s path: %w", p.kind, err)
			}
			continue
		}
		if err := s.SetProtocol(id); err != nil {
			s.Reset()
			return nil, fmt.Errorf("open a stream: %w", err)
		}
		return c.keep(newStream(s, p, id))
	}
}

// keep registers a stream with the Conn, so that Close ends it.
func (c *conn) keep(st *stream) (Stream, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.isClosed {
		st.s.Reset()
		return nil, ErrClosed
	}
	st.c = c
	c.streams[st] = struct{}{}
	return st, nil
}

func (c *conn) forget(st *stream) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	delete(c.streams, st)
}

func (c *conn) Accept(ctx context.Context) (Stream, error) {
	if err := c.admit(); err != nil {
		return nil, err
	}
	select {
	case st := <-c.queue:
		return st, nil
	case <-c.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (c *conn) Close() error {
	c.n.mu.Lock()
	if c.isClosed {
		c.n.mu.Unlock()
		return nil
	}
	c.isClosed = true
	if c.inbound && !c.admitted {
		c.n.pending--
	}
	if !c.isDead {
		c.isDead = true
		close(c.dead)
	}
	close(c.closed)
	close(c.paths)
	var open []*stream
	for st := range c.streams {
		open = append(open, st)
	}
	c.n.mu.Unlock()

	for _, st := range open {
		st.end()
	}
	c.n.mu.Lock()
	c.r.leaveLocked(c)
	c.n.mu.Unlock()
	return nil
}

// knocked is libp2p's handler of the handshake protocol.
func (n *Node) knocked(s network.Stream) {
	id := s.Conn().RemotePeer()
	n.mu.Lock()
	if n.closed || n.pending >= maxKnocks || n.standingLocked(id) >= maxKnocksPeer {
		n.mu.Unlock()
		s.Reset()
		return
	}
	r := n.remoteLocked(id)
	c := r.newConnLocked(true)
	p := r.addPathLocked(s.Conn())
	c.publishLocked(r.describeLocked(r.bestLocked()), r.bestLocked() == nil)
	n.mu.Unlock()

	st, err := c.keep(acceptedStream(s, p))
	if err != nil {
		return
	}
	select {
	case n.knocks <- &Knock{Conn: c, Stream: st}:
	default: // nobody has called Accept for long
		st.Reset()
		c.Close()
	}
}

// standingLocked counts how often a stranger stands at the door.
func (n *Node) standingLocked(id p2p.ID) int {
	r := n.remotes[id]
	if r == nil {
		return 0
	}
	count := 0
	for _, c := range r.conns {
		if c.inbound && !c.admitted {
			count++
		}
	}
	return count
}

// opened is libp2p's handler of channel streams. They go to the newest
// admitted Conn of the peer, else to the newest: the other side may be quicker
// than our own caller of Accept. Who has not knocked gets nothing.
func (n *Node) opened(s network.Stream) {
	n.mu.Lock()
	r := n.remotes[s.Conn().RemotePeer()]
	var to *conn
	if r != nil {
		for _, c := range r.conns {
			if c.admitted || to == nil || !to.admitted {
				to = c
			}
		}
	}
	if to == nil {
		n.mu.Unlock()
		s.Reset()
		return
	}
	st := acceptedStream(s, r.addPathLocked(s.Conn()))
	st.c = to
	to.streams[st] = struct{}{}
	n.mu.Unlock()
	select {
	case to.queue <- st:
	default:
		st.Reset()
	}
}
