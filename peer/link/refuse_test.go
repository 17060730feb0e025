package link

import (
	"crypto/rand"
	"errors"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

// acl is a relay's rule.
type acl struct{ reserve, connect bool }

func (a acl) AllowReserve(p2p.ID, ma.Multiaddr) bool         { return a.reserve }
func (a acl) AllowConnect(p2p.ID, ma.Multiaddr, p2p.ID) bool { return a.connect }

// TestDialErrors: each way not to arrive has its sentinel and its words.
func TestDialErrors(t *testing.T) {
	t.Parallel()
	viewer := newNode(t, Options{})
	nobody, err := p2p.IDFromPrivateKey(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	_, open := newRelay(t)
	_, closed := newRelay(t, relay.WithACL(acl{reserve: true}))
	host := newNode(t, Options{})
	if err := host.Reserve(within(t), closed); err != nil {
		t.Fatal(err)
	}
	dead := p2p.AddrInfo{ID: open.ID, Addrs: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/1")}}
	for _, tt := range []struct {
		name  string
		to    p2p.AddrInfo
		want  error
		words string
	}{
		{"not at the relay", through(open, nobody), ErrGone, "not there"},
		{"the relay refuses", through(closed, host.ID()), ErrRefusedByRelay, "does not let us"},
		{"no relay", through(p2p.AddrInfo{ID: nobody, Addrs: dead.Addrs}, host.ID()), ErrNoPath, "relay tcp 127.0.0.1:1: connection refused"},
		{"nobody listens", p2p.AddrInfo{ID: nobody, Addrs: dead.Addrs}, ErrNoPath, "tcp 127.0.0.1:1: connection refused"},
		{"another peer", p2p.AddrInfo{ID: nobody, Addrs: host.ListenAddrs()}, ErrNoPath, "wrong peer ID"},
		{"no address", p2p.AddrInfo{ID: nobody}, ErrNoPath, "no usable address"},
		{"ourselves", p2p.AddrInfo{ID: viewer.ID(), Addrs: host.ListenAddrs()}, ErrNoPath, "this machine"},
		{"no peer ID", p2p.AddrInfo{ID: "x", Addrs: host.ListenAddrs()}, ErrNoPath, "Ed25519"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := viewer.Dial(within(t), tt.to)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("got %v; want %v with %q", err, tt.want, tt.words)
			}
		})
	}
}

func TestReserveRefused(t *testing.T) {
	t.Parallel()
	_, info := newRelay(t, relay.WithACL(acl{}))
	if err := newNode(t, Options{}).Reserve(within(t), info); !errors.Is(err, ErrRefusedByRelay) {
		t.Errorf("got %v", err)
	}
}

// TestDialAddrErrors: what a person sees after a typing error in --direct.
func TestDialAddrErrors(t *testing.T) {
	t.Parallel()
	n := newNode(t, Options{})
	for _, tt := range []struct{ addr, words string }{
		{"127.0.0.1:1", "tcp 127.0.0.1:1: connection refused"},
		{"127.0.0.1", "want HOST:PORT"},
		{"127.0.0.1:x", "number from 1 to 65535"},
		{"127.0.0.1:0", "number from 1 to 65535"},
	} {
		_, err := n.DialAddr(within(t), tt.addr)
		if !errors.Is(err, ErrNoPath) || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%s: %v; want %q", tt.addr, err, tt.words)
		}
	}
}

// TestRSARefused: other identities than Ed25519 do not come in, by no transport.
func TestRSARefused(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{Key: rsaKey(t)}); err == nil {
		t.Error("an RSA identity of our own passed")
	}
	n := newNode(t, Options{})
	for _, a := range n.ListenAddrs() {
		stranger, err := libp2p.New(libp2p.Identity(rsaKey(t)), libp2p.NoListenAddrs, libp2p.DisableMetrics())
		if err != nil {
			t.Fatal(err)
		}
		ctx := within(t)
		err = stranger.Connect(ctx, p2p.AddrInfo{ID: n.ID(), Addrs: []ma.Multiaddr{a}})
		if err == nil {
			// The refusal may arrive after the handshake, as the end of the connection.
			for stranger.Network().Connectedness(n.ID()) == network.Connected && ctx.Err() == nil {
				runtime.Gosched()
			}
		}
		if got := n.h.Network().ConnsToPeer(stranger.ID()); len(got) > 0 || ctx.Err() != nil {
			t.Errorf("%v: connected: %v", a, got)
		}
		stranger.Close()
	}
}

func rsaKey(t *testing.T) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateRSAKeyPair(2048, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestListenNone: no socket that anybody could reach, and still a whole session
// through the relay.
func TestListenNone(t *testing.T) {
	t.Parallel()
	p := meet(t, Options{Listen: "none"}, Options{Listen: "none"})
	for _, n := range [...]*Node{p.host, p.viewer} {
		if got := n.ListenAddrs(); len(got) > 0 || n.Port() != 0 {
			t.Errorf("listens on %v, port %d", got, n.Port())
		}
		for _, a := range n.h.Network().ListenAddresses() {
			if !isCircuit(a) {
				t.Errorf("listens on %v", a)
			}
		}
		if got := n.candidates(true); got != nil {
			t.Errorf("would tell %v", got)
		}
	}
	if got := p.vc.Path(); got.Transport != "tcp" {
		t.Errorf("path %+v, want tcp", got)
	}
	v, h := p.open(t)
	exchange(t, v, h, 1<<16)
	if got := p.vc.Offer(); got.NAT != NATOff || len(got.Addrs) > 0 {
		t.Errorf("offers %+v", got)
	}
}

// TestRelayOnly: direct connections are refused in both directions.
func TestRelayOnly(t *testing.T) {
	t.Parallel()
	p := meet(t, Options{RelayOnly: true}, Options{})
	if got := p.hc.Offer(); got.NAT != NATOff || len(got.Addrs) > 0 {
		t.Errorf("offers %+v", got)
	}
	if err := p.vc.Upgrade(p.hc.Offer()); err != nil {
		t.Errorf("Upgrade: %v", err)
	}
	for ctx := within(t); !strings.Contains(p.vc.Path().Why, "the other side allows no direct path"); {
		waitTick(t, ctx.Done())
	}
	if got := p.host.ListenAddrs(); len(got) > 0 {
		t.Errorf("listens on %v", got)
	}
	for _, c := range p.host.h.Network().ConnsToPeer(p.viewer.ID()) {
		if !p.host.gate.InterceptAccept(c) {
			t.Error("a circuit would be refused")
		}
	}
	for _, c := range p.host.h.Network().ConnsToPeer(p.relay.ID()) {
		if p.host.gate.InterceptAccept(c) {
			t.Error("a direct connection would come in")
		}
	}
	to := p2p.AddrInfo{ID: p.viewer.ID(), Addrs: p.viewer.ListenAddrs()}
	if _, err := newNode(t, Options{RelayOnly: true}).Dial(within(t), to); err == nil || !strings.Contains(err.Error(), "not allowed here") {
		t.Errorf("a direct connection went out: %v", err)
	}
}

func TestLANOnly(t *testing.T) {
	t.Parallel()
	n := newNode(t, Options{LANOnly: true})
	for _, tt := range []struct {
		addr string
		want bool
	}{
		{"/ip4/192.168.1.10/udp/1/quic-v1", true},
		{"/ip4/127.0.0.1/tcp/1", true},
		{"/ip6/fd00::1/tcp/1", true},
		{"/ip4/11.0.0.10/tcp/1", false},
		{"/dns4/example.org/tcp/1", false},
		{"/ip4/11.0.0.10/tcp/1/p2p/" + n.ID().String() + "/p2p-circuit", false},
		{"/ip4/10.0.0.10/tcp/1/p2p/" + n.ID().String() + "/p2p-circuit", true},
	} {
		if got := n.gate.InterceptAddrDial(n.ID(), ma.StringCast(tt.addr)); got != tt.want {
			t.Errorf("%s: %v", tt.addr, got)
		}
	}
}

// TestDeny: a kicked peer is cut and does not come back.
func TestDeny(t *testing.T) {
	t.Parallel()
	p := meet(t, Options{}, Options{})
	p.host.Deny(p.viewer.ID())
	select {
	case <-p.vc.Dead():
	case <-within(t).Done():
		t.Fatal("still connected")
	}
	p.vc.Close()
	info := p2p.AddrInfo{ID: p.relay.ID(), Addrs: p.relay.Addrs()}
	c, err := p.viewer.Dial(within(t), through(info, p.host.ID()))
	if err == nil {
		select { // refused after the relay had said yes
		case <-c.Dead():
		case <-within(t).Done():
			t.Error("came back through the relay")
		}
	}
	if c, err := p.viewer.DialAddr(within(t), hostport(p.host)); err == nil {
		select {
		case <-c.Dead():
		case <-within(t).Done():
			t.Error("came back by address")
		}
	}
}

// TestStrangers: one peer stands at the door maxKnocksPeer times at most, and
// has no channel before it knocked.
func TestStrangers(t *testing.T) {
	t.Parallel()
	h, v := newNode(t, Options{}), newNode(t, Options{})
	c, err := v.DialAddr(within(t), hostport(h))
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(within(t))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, s)
	var door []*Knock
	for range maxKnocksPeer {
		s, err := c.Knock(within(t))
		if err != nil {
			t.Fatal(err)
		}
		say(t, s, "knock")
		k, err := h.Accept(within(t))
		if err != nil {
			t.Fatal(err)
		}
		door = append(door, k)
	}
	s, err = c.Knock(within(t))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, s)
	for _, k := range door {
		k.Conn.Close()
	}
	(&pair{host: h, viewer: v, vc: c}).knock(t) // the connection lingers for another try
}

// refused checks that the other side throws the stream away.
func refused(t *testing.T, s Stream) {
	t.Helper()
	s.SetDeadline(time.Now().Add(patience))
	s.Write([]byte("?"))
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, network.ErrReset) {
		t.Errorf("got %v, want a reset", err)
	}
}

// TestLimitedRelay: a relay that announces limits does not make Open hang, as
// libp2p's own NewStream would.
func TestLimitedRelay(t *testing.T) {
	t.Parallel()
	rc := relay.DefaultResources()
	ctx := within(t)
	_, info := newRelay(t, relay.WithResources(rc))
	h, v := newNode(t, Options{}), newNode(t, Options{})
	if err := h.Reserve(ctx, info); err != nil {
		t.Fatal(err)
	}
	c, err := v.Dial(ctx, through(info, h.ID()))
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{host: h, viewer: v, vc: c}
	p.knock(t)
	p.open(t)
}

// TestPortTaken: UDP and TCP have one number, and a taken one is named.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	n := newNode(t, Options{})
	var tcp, udp bool
	for _, a := range n.ListenAddrs() {
		if portOf(a) != n.Port() {
			t.Errorf("%v, want port %d", a, n.Port())
		}
		tcp = tcp || transportOf(a) == "tcp"
		udp = udp || transportOf(a) == "quic"
	}
	if !tcp || !udp {
		t.Errorf("listens on %v", n.ListenAddrs())
	}
	l, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, port := range [...]int{n.Port(), l.LocalAddr().(*net.UDPAddr).Port} {
		_, err := New(Options{Key: newKey(t), Listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))})
		if err == nil || !strings.Contains(err.Error(), "taken by another program") || !strings.Contains(err.Error(), strconv.Itoa(port)) {
			t.Errorf("port %d: %v", port, err)
		}
	}
	if _, err := New(Options{Key: newKey(t), Listen: "127.0.0.1:99999"}); err == nil {
		t.Error("port 99999 passed")
	}
}

// TestClose: what hangs in the Node and its Conns ends with ErrClosed, and no
// goroutine of ours is left.
func TestClose(t *testing.T) {
	p := meet(t, Options{}, Options{})
	accepting, knocking, reading := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	go func() { _, err := p.hc.Accept(within(t)); accepting <- err }()
	go func() { _, err := p.host.Accept(within(t)); knocking <- err }()
	go func() { _, err := p.hs.Read(make([]byte, 1)); reading <- err }()
	p.host.Close()
	for _, ch := range [...]chan error{accepting, knocking} {
		if err := <-ch; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	if err := <-reading; err == nil {
		t.Error("the read went on")
	}
	if _, ok := <-drain(p.hc.Paths()); ok {
		t.Error("Paths is open")
	}
	if _, err := p.hc.Open(within(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("Open: %v", err)
	}
	if _, err := p.host.Accept(within(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("Accept: %v", err)
	}
	p.viewer.Close()
	for ctx := within(t); ; runtime.Gosched() {
		left := goroutines("peer/link.(*Node)", "peer/link.(*remote)")
		if left == "" {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("goroutines are left:\n%s", left)
		}
	}
}

// goroutines are the stacks of those that run one of these functions.
func goroutines(of ...string) string {
	buf := make([]byte, 1<<20)
	var found []string
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if slices.ContainsFunc(of, func(name string) bool { return strings.Contains(stack, name) }) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// drain takes what is left in the channel.
func drain(ch <-chan Path) <-chan Path {
	for {
		select {
		case _, ok := <-ch:
			if !ok {
				return ch
			}
		default:
			return ch
		}
	}
}

// TestLastWords: bytes written just before Close arrive.
func TestLastWords(t *testing.T) {
	t.Parallel()
	p := meet(t, Options{}, Options{})
	v, h := p.open(t)
	say(t, h, "goodbye")
	p.hc.Close()
	hear(t, v, "goodbye")
}
