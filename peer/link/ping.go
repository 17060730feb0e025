package link

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// How paths are measured. libp2p's QUIC keeps a dead connection for 30 s (its
// idle time-out, which cannot be set per host), TCP for minutes: too long for a
// person who looks at a frozen picture. A path that owes an answer, and on which
// nothing was heard for suspectAfter, is in doubt: another one takes over, if there
// is one, and it may come back. After pathSilence without a byte it is closed.
//
// The viewer's acknowledgements and keys are the first to be left without an answer,
// so it knows within expectAfter + suspectAfter = 1.5 s of a path that died while
// anything moved. A session says something every 1.5 s, and both ends ask when they
// have heard nothing for pingEvery: 2.7 s where nothing moved.
const (
	pingEvery    = 1700 * time.Millisecond // the best path, when nothing is heard
	pingStandby  = 8 * time.Second         // the others
	expectAfter  = 500 * time.Millisecond  // at least; two round trips of a slow path
	suspectAfter = 1000 * time.Millisecond // at least; two round trips of a slow path, and suspectRoom
	suspectRoom  = 500 * time.Millisecond
	pathSilence  = 5 * time.Second
	pingSize     = 8
	// pingRest is how long a path may go without a ping of ours while other
	// streams are heard on it: they prove that it lives, a ping tells its round
	// trip. Each ping wakes both machines six times.
	pingRest = 30 * time.Second
)

// errSilent ends a path on which nothing came for pathSilence.
var errSilent = errors.New("silent")

// watch measures one path until its connection or the session ends, and closes
// the connection when the path is dead.
func (n *Node) watch(ctx context.Context, r *remote, p *path) {
	for ctx.Err() == nil && !p.conn.IsClosed() {
		err := n.pingPath(ctx, r, p)
		if errors.Is(err, errSilent) {
			n.log.Debug("path is silent", "peer", r.id, "kind", p.kind, "transport", p.via)
			n.failPath(r, p)
			return
		}
		// The other side may have no Conn for us (any more): ask again later.
		if !p.pause(ctx, pingEvery) {
			return
		}
	}
}

// pingPath opens a ping stream and asks on it until something goes wrong.
func (n *Node) pingPath(ctx context.Context, r *remote, p *path) error {
	open, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "sightline"), n.silence)
	defer cancel()
	s, err := p.conn.NewStream(open)
	if err != nil {
		return err
	}
	if err := s.SetProtocol(pingProtocol); err != nil {
		s.Reset()
		return err
	}
	st := newStream(s, p, pingProtocol)
	defer s.Reset()
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	for number, again := uint64(1), false; ; number++ {
		rtt, late, err := n.ask(st, r, p, number)
		if err != nil {
			return err
		}
		// What comes after a silence proves little, and its time is that of the
		// silence: taken for a round trip, it made the next cut be noticed after 4 s.
		// Only if the next is late as well is the path slow.
		if again = late && !again; again {
			continue
		}
		first := p.rtt.Swap(int64(smooth(p.roundTrip(), rtt))) == 0
		if err := p.rest(ctx, n.proven(r, p, first)); err != nil {
			return err
		}
	}
}

// pause waits so long, or until a ping is wanted; false: ctx ended.
func (p *path) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.wake:
	case <-ctx.Done():
		return false
	}
	return true
}

// rest waits until nothing was heard on the path for so long, or a ping is
// wanted now or due for its own sake.
func (p *path) rest(ctx context.Context, pause time.Duration) error {
	last := time.Now()
	t := time.NewTimer(pause)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-p.wake:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		left := pause - time.Since(time.Unix(0, p.heard.Load()))
		if left <= 0 || time.Since(last) >= pingRest {
			return nil
		}
		t.Reset(left)
	}
}

// ask sends one number and waits until it comes back. Other streams of the
// path count as a sign of life: behind a full send buffer an answer can be late
// while the path is in good health. late tells that the path was put in doubt.
func (n *Node) ask(st *stream, r *remote, p *path, number uint64) (rtt time.Duration, late bool, err error) {
	var out, in [pingSize]byte
	binary.BigEndian.PutUint64(out[:], number)
	start := time.Now()
	doubt := n.doubtSilence(r, p, start)
	defer func() { late = doubt.stop() }()
	_ = st.SetWriteDeadline(start.Add(n.silence))
	_, err = st.Write(out[:])
	if err == nil {
		err = n.readPing(st, p, start, in[:])
	}
	switch {
	case err == nil && in == out:
		return time.Since(start), false, nil
	case err == nil:
		return 0, false, errors.New("ping: another number came back")
	case isTimeout(err) && p.quiet(start) >= n.silence:
		return 0, false, errSilent
	}
	return 0, false, err
}

// readPing waits for as long as anything is heard on the path.
func (n *Node) readPing(st *stream, p *path, start time.Time, in []byte) error {
	for len(in) > 0 {
		wait := n.silence - p.quiet(start)
		if wait <= 0 {
			return os.ErrDeadlineExceeded
		}
		_ = st.SetReadDeadline(time.Now().Add(wait))
		got, err := st.Read(in)
		in = in[got:]
		if err != nil && !isTimeout(err) {
			return err
		}
	}
	return nil
}

// quiet is for how long nothing was heard on the path, at most since start.
func (p *path) quiet(start time.Time) time.Duration {
	heard := time.Unix(0, p.heard.Load())
	if heard.Before(start) {
		heard = start
	}
	return time.Since(heard)
}

// silence waits for the moment at which a path comes in doubt.
type silence struct {
	t           *time.Timer
	over, fired atomic.Bool
}

// doubtSilence puts a path in doubt as soon as nothing is heard on it for
// suspectAfter, until it is stopped. What was heard after start puts it off and no
// more: a ping that the cut swallowed right behind other bytes would else say
// nothing until pathSilence.
func (n *Node) doubtSilence(r *remote, p *path, start time.Time) *silence {
	wait := min(max(suspectAfter, 2*p.roundTrip()+suspectRoom), n.silence)
	s := &silence{}
	s.t = time.AfterFunc(time.Hour, func() {
		if s.over.Load() {
			return
		}
		if left := wait - p.quiet(start); left > 0 {
			s.t.Reset(left)
			return
		}
		s.fired.Store(true)
		n.suspect(r, p)
	})
	s.t.Reset(wait)
	return s
}

// stop tells whether the path was put in doubt.
func (s *silence) stop() bool {
	s.over.Store(true)
	s.t.Stop()
	return s.fired.Load()
}

// isTimeout knows the time-outs of QUIC, which are os.ErrDeadlineExceeded, and
// of yamux, which are not.
func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// smooth is an exponential mean that follows in a few samples.
func smooth(old, sample time.Duration) time.Duration {
	if old == 0 {
		return sample
	}
	return (3*old + sample) / 4
}

// proven notes that a path has just answered, for the first time perhaps, and tells
// how long its next ping may wait.
func (n *Node) proven(r *remote, p *path, first bool) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p.doubt || first && r.bestLocked() == p { // the round trip belongs to what people are told
		p.doubt = false
		r.publishLocked()
	}
	if r.bestLocked() == p {
		return pingEvery
	}
	return pingStandby
}

// suspect puts a path in doubt, and those of its kind beside it, which go the same
// way through the network (two punches often make two connections): they must
// answer before they carry anything again.
func (n *Node) suspect(r *remote, p *path) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log.Debug("path in doubt", "peer", r.id, "kind", p.kind, "transport", p.via)
	p.doubt = true
	r.doubtTwinsLocked(p)
	r.publishLocked()
}

func (r *remote) doubtTwinsLocked(p *path) {
	for _, q := range r.paths {
		if q.kind != p.kind || q == p || q.doubt {
			continue
		}
		q.doubt = true
		q.pingNow()
	}
}

// failPath takes a dead path out at once and closes its connection, which may
// itself hang on the dead path for a while.
func (n *Node) failPath(r *remote, p *path) {
	p.failed.Store(true)
	n.mu.Lock()
	r.doubtTwinsLocked(p)
	r.publishLocked()
	n.mu.Unlock()
	p.conn.Close()
}

// pinged answers the pings of a peer that has a Conn here.
func (n *Node) pinged(s network.Stream) {
	n.mu.Lock()
	r := n.remotes[s.Conn().RemotePeer()]
	ok := r != nil && len(r.conns) > 0
	var p *path
	if ok {
		p = r.addPathLocked(s.Conn())
		// One at a time for each path: a second one takes over.
		if old := p.pings; old != nil {
			defer old.Reset()
		}
		p.pings = s
	}
	n.mu.Unlock()
	if !ok || !n.run(func() { echo(s, p) }) {
		s.Reset()
	}
}

func echo(s network.Stream, p *path) {
	defer s.Reset()
	var buf [pingSize]byte
	for {
		if _, err := io.ReadFull(s, buf[:]); err != nil {
			return
		}
		p.heard.Store(time.Now().UnixNano())
		if _, err := s.Write(buf[:]); err != nil {
			return
		}
	}
}

// sleep waits and tells whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
