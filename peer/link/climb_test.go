package link

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// climbable is a relay at its WebSocket port, with an address of its own port,
// closed as yet, and what is told of it.
func climbable(t *testing.T) (r host.Host, own ma.Multiaddr, info p2p.AddrInfo) {
	t.Helper()
	r, port, _ := webRelay(t, false)
	free, err := freePort(netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	own = ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", free))
	return r, own, p2p.AddrInfo{ID: r.ID(), Addrs: []ma.Multiaddr{own, ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/ws", port))}}
}

// awaitNoWeb waits until a node has no connection by WebSocket to the relay.
func awaitNoWeb(t *testing.T, n *Node, relay p2p.ID) {
	t.Helper()
	awaitThat(t, "the connection by WebSocket is closed", func() bool {
		return !slices.ContainsFunc(n.h.Network().ConnsToPeer(relay), func(c network.Conn) bool {
			return strings.Contains(c.RemoteMultiaddr().String(), "/ws")
		})
	})
}

// A relay that was reached by WebSocket opens its own port: both sides go there,
// the viewer's circuit comes along, and what ran on the old one ran to its end.
func TestClimb(t *testing.T) {
	t.Parallel()
	r, own, info := climbable(t)
	h, v := newNode(t, Options{NoDirect: true}), newNode(t, Options{NoDirect: true})
	ctx := within(t)
	if err := h.Reserve(ctx, info); err != nil {
		t.Fatal(err)
	}
	v.climbSoon = 50 * time.Millisecond // the host stays: its circuits came in
	met := &pair{host: h, viewer: v}
	met.dial(t, info)
	c := met.vc
	if p := c.Path(); p.Transport != "ws" {
		t.Fatalf("path %+v before", p)
	}
	if err := r.Network().Listen(own); err != nil {
		t.Fatal(err)
	}
	for p := range c.Paths() {
		if p.Kind == Relayed && p.Transport == "tcp" {
			break
		}
	}
	// A channel stream takes the new circuit and is answered on it.
	accepted := make(chan Stream, 1)
	go func() {
		if s, err := met.hc.Accept(ctx); err == nil {
			accepted <- s
		}
	}()
	s, err := c.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s.Path().Transport != "tcp" {
		t.Errorf("a new stream is on %+v", s.Path())
	}
	if _, err := s.Write([]byte("more")); err != nil {
		t.Fatal(err)
	}
	if _, err := (<-accepted).Read(make([]byte, 4)); err != nil {
		t.Error(err)
	}
	awaitNoWeb(t, v, r.ID())
	if p := c.Path(); p.Kind != Relayed || p.Transport != "tcp" {
		t.Errorf("path %+v in the end", p)
	}
}

// The host alone climbs while it carries the circuit of a session: it asks the viewer
// to dial once more, the session moves to the circuit that comes in on the better
// connection, and the old one closes.
func TestHostClimbs(t *testing.T) {
	t.Parallel()
	r, own, info := climbable(t)
	h, v := newNode(t, Options{NoDirect: true}), newNode(t, Options{RelayOnly: true})
	h.climbSoon = 50 * time.Millisecond // the viewer stays where it is
	ctx := within(t)
	if err := h.Reserve(ctx, info); err != nil {
		t.Fatal(err)
	}
	met := &pair{host: h, viewer: v}
	met.dial(t, info)
	before := met.vc.Path()
	if err := met.hc.(*conn).admit(); err != nil {
		t.Fatal(err)
	}
	if err := met.vc.(*conn).admit(); err != nil {
		t.Fatal(err)
	}
	if err := r.Network().Listen(own); err != nil {
		t.Fatal(err)
	}
	for p := range met.vc.Paths() {
		if p.Kind == Relayed && p.ID != before.ID {
			break
		}
	}
	vs, hs := met.open(t)
	if p := hs.Path(); p.Transport != "tcp" {
		t.Errorf("a new stream comes in on %+v", p)
	}
	say(t, vs, "moved")
	hear(t, hs, "moved")
	awaitNoWeb(t, h, r.ID())
	say(t, hs, "still here")
	hear(t, vs, "still here")
	if p := met.vc.Path(); p.Kind != Relayed || p.ID == before.ID {
		t.Errorf("path %+v in the end", p)
	}
}

func awaitThat(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx := within(t)
	for !ok() {
		if !sleep(ctx, 10*time.Millisecond) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
