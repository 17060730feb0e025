package link

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
)

// echoConn is a connection whose other end answers pings after rtt, until the
// wire is cut.
type echoConn struct {
	network.Conn // never called
	rtt          time.Duration
	cut, closed  atomic.Bool
	pings        atomic.Int64  // answered
	late         chan struct{} // the wire is whole again: what was sent meanwhile comes
}

func (c *echoConn) RemoteMultiaddr() ma.Multiaddr {
	return ma.StringCast("/ip4/11.1.0.2/udp/4001/quic-v1")
}

func (c *echoConn) IsClosed() bool { return c.closed.Load() }
func (c *echoConn) Close() error   { c.closed.Store(true); return nil }

func (c *echoConn) NewStream(context.Context) (network.Stream, error) {
	near, far := net.Pipe()
	go c.answer(far)
	return echoStream{c: near}, nil
}

// answer says the names of multistream and then each ping again.
func (c *echoConn) answer(far net.Conn) {
	defer far.Close()
	const names = "\x13/multistream/1.0.0\n" + string(rune(len(pingProtocol)+1)) + string(pingProtocol) + "\n"
	if _, err := io.ReadFull(far, make([]byte, len(names))); err != nil {
		return
	}
	said := make(chan []byte, 64)
	defer close(said)
	go func() {
		for b := range said {
			far.Write(b)
		}
	}()
	said <- []byte(names)
	for {
		ping := make([]byte, pingSize)
		if _, err := io.ReadFull(far, ping); err != nil {
			return
		}
		time.Sleep(c.rtt)
		if c.cut.Load() {
			if _, healed := <-c.late; !healed {
				return
			}
		}
		c.pings.Add(1)
		said <- ping
	}
}

type echoStream struct {
	network.Stream // never called
	c              net.Conn
}

func (s echoStream) Read(b []byte) (int, error)         { return s.c.Read(b) }
func (s echoStream) Write(b []byte) (int, error)        { return s.c.Write(b) }
func (s echoStream) Reset() error                       { return s.c.Close() }
func (s echoStream) SetReadDeadline(t time.Time) error  { return s.c.SetReadDeadline(t) }
func (s echoStream) SetWriteDeadline(t time.Time) error { return s.c.SetWriteDeadline(t) }
func (s echoStream) SetProtocol(protocol.ID) error      { return nil }

// watched is one path that is measured in simulated time.
type watched struct {
	*path
	c *echoConn
	n *Node
}

func watch(t *testing.T, rtt time.Duration) *watched {
	n := &Node{silence: pathSilence, log: slog.New(slog.DiscardHandler)}
	r := &remote{n: n, paths: map[network.Conn]*path{}, changed: make(chan struct{}), conns: []*conn{{isClosed: true}}}
	c := &echoConn{rtt: rtt, late: make(chan struct{})}
	p := r.addPathLocked(c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.watch(ctx, r, p)
	}()
	t.Cleanup(func() {
		cancel()
		close(c.late)
		<-done
		p.expect.Stop()
	})
	return &watched{p, c, n}
}

// hear is what another stream does when bytes come.
func (w *watched) hear() { w.heard.Store(time.Now().UnixNano()) }

func (w *watched) inDoubt() bool {
	w.n.mu.Lock()
	defer w.n.mu.Unlock()
	return w.doubt
}

// untilDoubt is how long it takes from now on.
func (w *watched) untilDoubt(t *testing.T) time.Duration {
	t.Helper()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if w.inDoubt() {
			return time.Since(began)
		}
		if time.Since(began) > time.Minute {
			t.Fatal("never in doubt")
		}
	}
}

// A path that dies is in doubt within 1.5 s of the first thing that the viewer
// wrote to it in vain, whatever its pings were doing at that moment. (T30)
func TestDoubtInTime(t *testing.T) {
	const rtt = 90 * time.Millisecond
	for _, tt := range []struct {
		name  string
		cut   func(*testing.T, *watched) // the wire is cut in it, or right after
		limit time.Duration
	}{
		{"while keys are typed", func(t *testing.T, w *watched) {
			for range 20 {
				w.noteSent()
				time.Sleep(rtt)
				w.hear()
			}
			w.c.cut.Store(true)
			w.noteSent()
		}, expectAfter + suspectAfter},
		// The ping goes out, something else still comes in, and the answer never does.
		{"right behind a ping", func(t *testing.T, w *watched) {
			w.pingNow()
			time.Sleep(rtt / 3)
			w.c.cut.Store(true)
			time.Sleep(rtt)
			w.hear()
			w.noteSent()
		}, expectAfter + suspectAfter},
		// It was cut before, for as long as does not close it: that is no round trip.
		{"once more", func(t *testing.T, w *watched) {
			w.c.cut.Store(true)
			w.noteSent()
			time.Sleep(pathSilence - time.Second)
			w.c.cut.Store(false)
			w.c.late <- struct{}{}
			time.Sleep(time.Second)
			if w.inDoubt() {
				t.Error("the path that answers again is still in doubt")
			}
			w.noteSent()
		}, expectAfter + suspectAfter},
		{"in a pause", func(t *testing.T, w *watched) { time.Sleep(10 * time.Second) }, pingEvery + suspectAfter},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t, rtt)
				time.Sleep(5 * time.Second)
				tt.cut(t, w)
				w.c.cut.Store(true)
				if took := w.untilDoubt(t); took > tt.limit+time.Millisecond {
					t.Errorf("in doubt after %v, at most %v", took, tt.limit)
				}
				for began := time.Now(); !w.c.IsClosed(); time.Sleep(time.Millisecond) {
					if time.Since(began) > pathSilence {
						t.Fatal("a silent path is not closed")
					}
				}
			})
		})
	}
}

// A slow path that answers, and one that is quiet because nobody has anything to
// say, are never in doubt.
func TestNoDoubt(t *testing.T) {
	for _, rtt := range []time.Duration{time.Millisecond, 500 * time.Millisecond, 700 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			w := watch(t, rtt)
			for range 600 {
				time.Sleep(time.Second / 3)
				if w.c.pings.Load()%3 == 0 {
					w.noteSent()
				}
				if w.inDoubt() {
					t.Fatalf("in doubt with a round trip of %v, which is %v by the pings", rtt, w.roundTrip())
				}
			}
			if got := w.c.pings.Load(); got < 20 {
				t.Errorf("%d pings in 200 s", got)
			}
		})
	}
}

// A dial without punching ends after the two round trips that it needs, as soon as
// the round trip through the relay is known: only then does the punch begin,
// without which TCP does not come about.
func TestPlainDialGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rtt = 90 * time.Millisecond
		n := &Node{}
		p := newPath(&echoConn{})
		p.kind = Relayed
		r := &remote{n: n, paths: map[network.Conn]*path{p.conn: p}, changed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		go r.cutShort(ctx, cancel)
		time.Sleep(rtt) // the first ping is answered
		p.rtt.Store(int64(rtt))
		n.mu.Lock()
		r.publishLocked()
		n.mu.Unlock()
		<-ctx.Done()
		if took := time.Since(began); took != 2*rtt+plainRoom {
			t.Errorf("gave way after %v instead of %v", took, 2*rtt+plainRoom)
		}
		synctest.Wait()
		// Nobody answers a ping: the dial's own limit holds.
		p.rtt.Store(0)
		ctx, cancel = context.WithTimeout(t.Context(), plainDial)
		defer cancel()
		began = time.Now()
		r.cutShort(ctx, cancel)
		if took := time.Since(began); took != plainDial {
			t.Errorf("gave way after %v instead of %v", took, plainDial)
		}
	})
}
