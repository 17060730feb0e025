package link

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// remote is one other machine: the libp2p connections to it and the Conns that
// use them. Several Conns to one peer exist when a viewer knocks again, to
// resume or after a mistyped code; they share the connections.
type remote struct {
	n  *Node
	id p2p.ID

	// Guarded by n.mu.
	conns    []*conn // open ones, oldest first
	paths    map[network.Conn]*path
	best     *path              // as last published
	shown    bool               // Upgrade was called: the hole puncher may use addresses
	theirs   theirOffer         // what it told
	keeping  bool               // keepDirect runs
	probing  bool               // a birthday punch runs; at most one
	probedAt time.Time          // when the last one began
	movedAt  time.Time          // when it last asked us to dial its circuit again
	dialling context.CancelFunc // ends the plain dial that runs, if any
	news     chan struct{}      // of one: the keeper should try now
	lent     []ma.Multiaddr     // listeners that a birthday punch left for this peer
	why      string             // why not direct
	changed  chan struct{}      // closed and replaced when paths change
	linger   *time.Timer        // runs when the last Conn was closed and connections are left
	polite   bool               // the linger is for an admitted peer
	measure  context.Context
	stop     context.CancelFunc // of measure; nil while nobody is admitted
}

// path is what we know about one libp2p connection.
type path struct {
	conn network.Conn
	kind Kind
	via  string
	seq  uint64 // larger: newer

	wake chan struct{} // of one: ping now

	// Guarded by n.mu.
	doubt bool           // its twin went silent: not used while another path answers
	left  bool           // a circuit that was dialled once more: the session goes there
	pings network.Stream // the stream on which we answer

	rtt    atomic.Int64 // ns, smoothed
	sent   atomic.Int64 // UnixNano of the first write since heard that wants an answer
	expect *time.Timer  // then looks whether one came
	heard  atomic.Int64 // UnixNano of the last byte that came, on any stream
	failed atomic.Bool  // silent for too long, being closed
}

var pathSeq atomic.Uint64

// remoteLocked finds or makes the remote of a peer.
func (n *Node) remoteLocked(id p2p.ID) *remote {
	r := n.remotes[id]
	if r == nil {
		r = &remote{
			n: n, id: id,
			paths:   make(map[network.Conn]*path),
			changed: make(chan struct{}),
			news:    make(chan struct{}, 1),
			why:     n.notYet(),
		}
		n.remotes[id] = r
		for _, c := range n.h.Network().ConnsToPeer(id) {
			r.addPathLocked(c)
		}
	}
	if r.linger != nil {
		r.linger.Stop()
		r.linger = nil
	}
	return r
}

// noDirect is why this side never tries a direct path; "" if it does.
func (n *Node) noDirect() string {
	switch {
	case n.o.RelayOnly:
		return "only the relay is allowed here"
	case n.o.NoDirect:
		return "direct connections are switched off here"
	case n.o.Listen == "none":
		return "this side opens no socket that could be reached"
	}
	return ""
}

// notYet is the reason before Upgrade was called.
func (n *Node) notYet() string { return cmp.Or(n.noDirect(), "a direct one is tried after admission") }

// connected and disconnected are libp2p's notifications. They come for relays
// and strangers too; only peers with a Conn matter here.
func (n *Node) connected(_ network.Network, c network.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r := n.remotes[c.RemotePeer()]; r != nil {
		r.addPathLocked(c)
		r.publishLocked()
		return
	}
	if c.Stat().Direction == network.DirInbound && !n.closed && !c.IsClosed() {
		n.idle[c] = time.AfterFunc(strangerStay, func() { n.sweep(c) })
	}
}

// strangerStay is how long a connection that came in may stay without a knock.
// Both sides of a session knock at once.
const strangerStay = 10 * time.Second

// sweep closes a connection that nobody made use of.
func (n *Node) sweep(c network.Conn) {
	n.mu.Lock()
	delete(n.idle, c)
	used := n.remotes[c.RemotePeer()] != nil || n.gate.isRelay(c.RemotePeer())
	n.mu.Unlock()
	if !used {
		c.Close()
	}
}

func (n *Node) disconnected(_ network.Network, c network.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.observed, c)
	if t := n.idle[c]; t != nil {
		t.Stop()
		delete(n.idle, c)
	}
	if r := n.remotes[c.RemotePeer()]; r != nil {
		delete(r.paths, c)
		r.publishLocked()
	}
	n.relayLostLocked(c.RemotePeer())
}

func (r *remote) addPathLocked(c network.Conn) *path {
	if p := r.paths[c]; p != nil {
		return p
	}
	if c.IsClosed() {
		return newPath(c)
	}
	p := newPath(c)
	p.heard.Store(time.Now().UnixNano())
	r.paths[c] = p
	if r.measure != nil {
		r.watchLocked(p)
	}
	return p
}

func newPath(c network.Conn) *path {
	p := &path{
		conn: c, kind: kindOf(c), via: transportOf(c.RemoteMultiaddr()), seq: pathSeq.Add(1),
		wake: make(chan struct{}, 1),
	}
	p.expect = time.AfterFunc(time.Hour, func() {
		if p.sent.Load() >= p.heard.Load() {
			p.pingNow()
		}
	})
	p.expect.Stop()
	return p
}

// noteSent is called for what the viewer's side writes: there is always an answer
// to that.
func (p *path) noteSent() {
	if p.sent.Load() <= p.heard.Load() {
		p.sent.Store(time.Now().UnixNano())
		p.expect.Reset(max(expectAfter, 2*p.roundTrip()))
	}
}

// roundTrip is 0 until it is known.
func (p *path) roundTrip() time.Duration { return time.Duration(p.rtt.Load()) }

// pingNow ends the pause before the next ping.
func (p *path) pingNow() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// bestLocked is the path for new streams: direct before relayed, LAN before
// other direct ones, QUIC before TCP before the web, and of equals the older, which both
// streams and keep-alives know to work.
func (r *remote) bestLocked() *path {
	var best *path
	for _, p := range r.paths {
		if p.failed.Load() || p.conn.IsClosed() {
			continue
		}
		if best == nil || p.betterThan(best) {
			best = p
		}
	}
	return best
}

func (p *path) betterThan(q *path) bool {
	if p.doubt != q.doubt {
		return q.doubt
	}
	if p.kind != q.kind {
		return p.kind > q.kind
	}
	if p.left != q.left {
		return q.left
	}
	if a, b := slices.Index(transports[:], p.via), slices.Index(transports[:], q.via); a != b {
		return a > b
	}
	return p.seq < q.seq
}

// transports, worst first: what UDP carries does not wait for what was lost, and a
// proxy may hang up when it likes.
var transports = [...]string{"proxy", "ws", "wss", "tcp", "quic"}

// describe tells a path to the outside.
func (r *remote) describeLocked(p *path) Path {
	if p == nil {
		return Path{Why: "no connection"}
	}
	out := Path{Kind: p.kind, Transport: p.via, RTT: p.roundTrip(), ID: p.seq}
	if p.kind == Relayed {
		out.Why = r.why
	}
	return out
}

// publishLocked tells every Conn of the remote, and whoever waits for a change.
func (r *remote) publishLocked() {
	close(r.changed)
	r.changed = make(chan struct{})
	best := r.bestLocked()
	if best != r.best && best != nil {
		best.pingNow() // a standby is asked seldom; now it matters
	}
	r.best = best
	now := r.describeLocked(best)
	for _, c := range r.conns {
		c.publishLocked(now, best == nil)
	}
	if len(r.conns) == 0 && len(r.paths) == 0 {
		r.dropLocked()
	}
}

func (r *remote) setWhy(why string) {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	if r.why == why {
		return
	}
	r.why = why
	if !r.isDirectLocked() {
		r.publishLocked()
	}
}

// newConnLocked adds a Conn.
func (r *remote) newConnLocked(inbound bool) *conn {
	c := &conn{
		n: r.n, r: r, inbound: inbound,
		paths:   make(chan Path, 1),
		offers:  make(chan struct{}, 1),
		dead:    make(chan struct{}),
		closed:  make(chan struct{}),
		queue:   make(chan *stream, maxQueue),
		streams: make(map[*stream]struct{}),
	}
	r.conns = append(r.conns, c)
	if inbound {
		r.n.pending++
	}
	return c
}

// admitLocked starts the measuring of paths with the first admitted Conn.
func (r *remote) admitLocked() {
	if r.measure != nil {
		return
	}
	r.measure, r.stop = context.WithCancel(r.n.ctx)
	for _, p := range r.paths {
		r.watchLocked(p)
	}
}

// watchLocked measures one path. The context is taken now: by the time the
// goroutine runs the last Conn may have left.
func (r *remote) watchLocked(p *path) {
	ctx := r.measure
	r.n.runLocked(func() { r.n.watch(ctx, r, p) })
}

// How long connections outlive the last Conn. An admitted peer has been told
// goodbye, and the bytes of that need time to leave: closing a libp2p
// connection throws away what is still in its buffers. A stranger may try again
// with the same connection, after a WAIT or with another code.
const (
	lingerAdmitted = 500 * time.Millisecond // at most, and where the round-trip time is not known
	lingerLeast    = 100 * time.Millisecond
	lingerStranger = 10 * time.Second
)

// farewellLocked is two round trips of the slowest path, one to send and one
// to send again, with room for a scheduler.
func (r *remote) farewellLocked() time.Duration {
	wait := lingerLeast
	for _, p := range r.paths {
		rtt := p.roundTrip()
		if rtt == 0 {
			return lingerAdmitted
		}
		wait = max(wait, 2*rtt+lingerLeast)
	}
	return min(wait, lingerAdmitted)
}

// leaveLocked removes a Conn; after the last one the connections are closed.
func (r *remote) leaveLocked(c *conn) {
	r.conns = slices.DeleteFunc(r.conns, func(o *conn) bool { return o == c })
	if len(r.conns) > 0 {
		return
	}
	r.polite = c.admitted || !c.inbound
	wait := lingerStranger
	if r.polite {
		wait = r.farewellLocked()
	}
	r.shown, r.theirs, r.why = false, theirOffer{}, r.n.notYet()
	if r.stop != nil {
		r.stop()
		r.measure, r.stop = nil, nil
	}
	if len(r.paths) == 0 {
		r.dropLocked()
		return
	}
	r.linger = time.AfterFunc(wait, r.hangUp)
}

// hangUp closes the connections unless a new Conn took them over.
func (r *remote) hangUp() {
	n := r.n
	n.mu.Lock()
	if len(r.conns) > 0 || n.remotes[r.id] != r {
		n.mu.Unlock()
		return
	}
	r.dropLocked()
	n.mu.Unlock()
	n.h.Network().ClosePeer(r.id)
}

func (r *remote) dropLocked() {
	if r.linger != nil {
		r.linger.Stop()
		r.linger = nil
	}
	if r.n.remotes[r.id] == r {
		delete(r.n.remotes, r.id)
	}
	if lent := r.lent; len(lent) > 0 {
		r.lent = nil
		r.n.runLocked(func() { r.n.unlisten(lent) })
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// waitLingering gives what was just closed its time to leave. Strangers do not
// hold up the end of the program.
func (n *Node) waitLingering() {
	deadline := time.NewTimer(lingerAdmitted)
	defer deadline.Stop()
	for {
		n.mu.Lock()
		var next *remote
		for _, r := range n.remotes {
			if r.linger != nil && r.polite {
				next = r
			}
		}
		if next == nil {
			n.mu.Unlock()
			return
		}
		changed := next.changed
		n.mu.Unlock()
		select {
		case <-changed:
		case <-deadline.C:
			return
		}
	}
}
