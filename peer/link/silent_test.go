package link

import (
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// wire is a TCP cable that can be cut without telling either end.
type wire struct {
	l    net.Listener
	to   string
	cut  atomic.Bool
	work sync.WaitGroup
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{l: l, to: to}
	w.work.Go(w.run)
	t.Cleanup(func() { l.Close(); w.work.Wait() })
	return w
}

func (w *wire) run() {
	for {
		a, err := w.l.Accept()
		if err != nil {
			return
		}
		b, err := net.Dial("tcp4", w.to)
		if err != nil {
			a.Close()
			continue
		}
		w.work.Go(func() { w.carry(a, b) })
		w.work.Go(func() { w.carry(b, a) })
	}
}

// carry swallows everything once the wire is cut.
func (w *wire) carry(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	io.Copy(writerFunc(func(b []byte) (int, error) {
		if w.cut.Load() {
			return len(b), nil
		}
		return to.Write(b)
	}), from)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestSilentPath: a path on which nothing comes any more, and nobody says so,
// is found dead. Traffic on another stream of it counts as life.
func TestSilentPath(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	h, info := newRelay(t)
	var port int
	for _, a := range h.Addrs() {
		if transportOf(a) == "tcp" {
			port = portOf(a)
		}
	}
	w := newWire(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	wired := p2p.AddrInfo{ID: info.ID, Addrs: []ma.Multiaddr{plainAddr(
		w.l.Addr().(*net.TCPAddr).AddrPort().Addr(), uint16(w.l.Addr().(*net.TCPAddr).Port), "tcp")}}

	host, viewer := newNode(t, Options{}), newNode(t, Options{Listen: "none"})
	viewer.silence = 500 * time.Millisecond
	if err := host.Reserve(ctx, info); err != nil {
		t.Fatal(err)
	}
	c, err := viewer.Dial(ctx, through(wired, host.ID()))
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{relay: h, host: host, viewer: viewer, vc: c}
	p.knock(t)
	p.open(t)
	for c.Path().RTT == 0 {
		waitTick(t, ctx.Done())
	}
	w.cut.Store(true)
	select {
	case <-c.Dead():
	case <-ctx.Done():
		t.Fatal("the dead path was not noticed")
	}
}

// waitTick lets others work, until the test's patience ends.
func waitTick(t *testing.T, end <-chan struct{}) {
	t.Helper()
	select {
	case <-time.After(5 * time.Millisecond):
	case <-end:
		t.Fatal("waited in vain")
	}
}
