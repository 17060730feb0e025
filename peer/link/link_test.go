package link

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	ma "github.com/multiformats/go-multiaddr"
)

// noDeadline takes a deadline away.
var noDeadline time.Time

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func newKey(t testing.TB) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newNode starts a node on loopback unless o says where.
func newNode(t testing.TB, o Options) *Node {
	t.Helper()
	if o.Key == nil {
		o.Key = newKey(t)
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// newRelay is a circuit relay without limits, unless opts say otherwise.
func newRelay(t testing.TB, opts ...relay.Option) (host.Host, p2p.AddrInfo) {
	t.Helper()
	h, err := libp2p.New(
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"),
		libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.ForceReachabilityPublic())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	opts = append([]relay.Option{
		relay.WithInfiniteLimits(),
		relay.WithReservationAddressFilter(func(ma.Multiaddr) bool { return true }),
	}, opts...)
	if _, err := relay.New(h, opts...); err != nil {
		t.Fatal(err)
	}
	return h, p2p.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// through is the address of a peer at a relay, as the directory gives it.
func through(relay p2p.AddrInfo, id p2p.ID) p2p.AddrInfo {
	return p2p.AddrInfo{ID: id, Addrs: circuitsOf(relay)}
}

// pair is a host and a viewer that met.
type pair struct {
	relay        host.Host
	host, viewer *Node
	hc, vc       Conn // the host's and the viewer's end
	hs, vs       Stream
}

// meet lets a viewer knock at a host through a relay.
func meet(t testing.TB, ho, vo Options) *pair {
	t.Helper()
	ctx := within(t)
	r, info := newRelay(t)
	p := &pair{relay: r, host: newNode(t, ho), viewer: newNode(t, vo)}
	if err := p.host.Reserve(ctx, info); err != nil {
		t.Fatal(err)
	}
	p.dial(t, info)
	return p
}

// dial has the viewer dial the host through a relay and knock there.
func (p *pair) dial(t testing.TB, relay p2p.AddrInfo) {
	t.Helper()
	c, err := p.viewer.Dial(within(t), through(relay, p.host.ID()))
	if err != nil {
		t.Fatal(err)
	}
	p.vc = c
	p.knock(t)
}

func (p *pair) knock(t testing.TB) {
	t.Helper()
	ctx := within(t)
	s, err := p.vc.Knock(ctx)
	if err != nil {
		t.Fatal(err)
	}
	say(t, s, "knock")
	k, err := p.host.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	hear(t, k.Stream, "knock")
	p.hc, p.vs, p.hs = k.Conn, s, k.Stream
}

// upgrade is what both sessions do after ACCEPT; it returns when both sides are
// directly connected.
func (p *pair) upgrade(t testing.TB) {
	t.Helper()
	for side, c := range map[string]struct{ to, from Conn }{"host": {p.hc, p.vc}, "viewer": {p.vc, p.hc}} {
		if err := c.to.Upgrade(c.from.Offer()); err != nil {
			t.Errorf("%s: %v", side, err)
		}
	}
	for side, c := range map[string]Conn{"host": p.hc, "viewer": p.vc} {
		if !c.(*conn).r.waitDirect(within(t), patience) {
			t.Errorf("%s: no direct path: %v", side, c.Path())
		}
	}
}

func say(t testing.TB, s Stream, text string) {
	t.Helper()
	s.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(s, text); err != nil {
		t.Fatalf("write %q: %v", text, err)
	}
}

func hear(t testing.TB, s Stream, text string) {
	t.Helper()
	s.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, len(text))
	if _, err := io.ReadFull(s, buf); err != nil || string(buf) != text {
		t.Fatalf("read %q, %v; want %q", buf, err, text)
	}
}

// open opens a channel from the viewer and accepts it on the host.
func (p *pair) open(t testing.TB) (viewer, host Stream) {
	t.Helper()
	ctx := within(t)
	v, err := p.vc.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	say(t, v, "channel")
	h, err := p.hc.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	hear(t, h, "channel")
	return v, h
}

// waitPath waits until Paths tells of a kind.
func waitPath(t testing.TB, c Conn, want Kind) {
	t.Helper()
	ctx := within(t)
	for {
		select {
		case p, ok := <-c.Paths():
			if !ok {
				t.Fatal("Paths closed")
			}
			if p.Kind == want {
				return
			}
		case <-ctx.Done():
			t.Fatalf("path is %v, want %v", c.Path(), want)
		}
	}
}

// closePaths closes the connections of one kind, as a broken path would.
func closePaths(n *Node, id p2p.ID, kind Kind) {
	for _, c := range n.h.Network().ConnsToPeer(id) {
		if kindOf(c) == kind {
			c.Close()
		}
	}
}

func TestThroughRelay(t *testing.T) {
	t.Parallel()
	p := meet(t, Options{}, Options{})
	if got := p.vc.Path(); got.Kind != Relayed || got.Transport != "quic" || got.Why == "" {
		t.Errorf("viewer's path %+v", got)
	}
	if got := p.hs.Path(); got.Kind != Relayed {
		t.Errorf("host's stream is on %+v", got)
	}
	for range 3 {
		v, h := p.open(t)
		exchange(t, v, h, 1<<20)
	}
}

// exchange sends size random bytes each way at the same time.
func exchange(t testing.TB, a, b Stream, size int) {
	t.Helper()
	toA, toB := make([]byte, size), make([]byte, size)
	rand.Read(toA)
	rand.Read(toB)
	type half struct {
		got []byte
		err error
	}
	results := make(chan half, 2)
	for _, side := range [...]struct {
		s    Stream
		data []byte
	}{{a, toB}, {b, toA}} {
		side.s.SetDeadline(time.Now().Add(patience))
		go func() {
			side.s.Write(side.data)
			side.s.CloseWrite()
		}()
		go func() {
			got, err := io.ReadAll(side.s)
			results <- half{got, err}
		}()
	}
	for range 2 {
		r := <-results
		if r.err != nil || !bytes.Equal(r.got, toA) && !bytes.Equal(r.got, toB) {
			t.Fatalf("read %d bytes of %d: %v", len(r.got), size, r.err)
		}
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	p := meet(t, Options{}, Options{})
	oldV, oldH := p.open(t)
	p.upgrade(t)
	waitPath(t, p.vc, LAN)
	waitPath(t, p.hc, LAN)
	if got := oldV.Path().Kind; got != Relayed {
		t.Errorf("the old stream is on %v", got)
	}
	v, h := p.open(t)
	if v.Path().Kind != LAN || h.Path().Kind != LAN {
		t.Errorf("new stream on %v and %v, want lan", v.Path().Kind, h.Path().Kind)
	}
	exchange(t, v, h, 1<<20)
	exchange(t, oldV, oldH, 1<<16)
}

func TestDirectPathDies(t *testing.T) {
	t.Parallel()
	p := meet(t, Options{}, Options{})
	p.upgrade(t)
	waitPath(t, p.vc, LAN)
	waitPath(t, p.hc, LAN)
	// As long as each thinks that the other wants none, no new path is looked for.
	for _, c := range []Conn{p.vc, p.hc} {
		c.Upgrade(Offer{NAT: NATOff})
	}
	// Both sides dialled, so a second connection may come in a moment later.
	for ctx := within(t); p.vc.Path().Kind != Relayed || p.hc.Path().Kind != Relayed; waitTick(t, ctx.Done()) {
		closePaths(p.host, p.viewer.ID(), LAN)
	}
	v, h := p.open(t)
	if v.Path().Kind != Relayed {
		t.Errorf("new stream on %v, want relayed", v.Path().Kind)
	}
	exchange(t, v, h, 1<<16)
	p.upgrade(t)
	waitPath(t, p.vc, LAN)
}

// TestDirectPathComesBack: a direct path that broke is looked for again without
// anybody's asking.
func TestDirectPathComesBack(t *testing.T) {
	t.Parallel()
	p := meet(t, Options{}, Options{})
	p.upgrade(t)
	for range 2 {
		old := p.host.h.Network().ConnsToPeer(p.viewer.ID())
		closePaths(p.host, p.viewer.ID(), LAN)
		for ctx := within(t); ; waitTick(t, ctx.Done()) {
			fresh := slices.DeleteFunc(p.host.h.Network().ConnsToPeer(p.viewer.ID()), func(c network.Conn) bool {
				return kindOf(c) != LAN || slices.Contains(old, c)
			})
			if len(fresh) > 0 && p.vc.Path().Kind == LAN && p.hc.Path().Kind == LAN {
				break
			}
		}
		v, h := p.open(t)
		exchange(t, v, h, 1<<16)
	}
}

func TestRelayDies(t *testing.T) {
	t.Parallel()
	p := meet(t, Options{}, Options{})
	p.upgrade(t)
	p.relay.Close()
	v, h := p.open(t)
	exchange(t, v, h, 1<<16)
	for _, c := range []Conn{p.vc, p.hc} {
		c.Upgrade(Offer{NAT: NATOff}) // no other direct path is looked for
	}
	for _, c := range []Conn{p.vc, p.hc} {
		for ctx := within(t); c.Path().Kind != None; waitTick(t, ctx.Done()) {
			closePaths(p.host, p.viewer.ID(), LAN) // both sides dialled: a second one may come later
		}
		<-c.Dead()
		if _, err := c.Open(within(t)); !errors.Is(err, ErrNoPath) {
			t.Errorf("Open on a dead Conn: %v", err)
		}
	}
}

// TestNoAddressBeforeAdmission: until Upgrade the peerstores of both sides know
// the other by its circuit at most, and nobody can punch.
func TestNoAddressBeforeAdmission(t *testing.T) {
	t.Parallel()
	p := meet(t, Options{}, Options{})
	p.open(t)
	for _, c := range p.viewer.h.Network().ConnsToPeer(p.host.ID()) {
		identified(t, p.viewer, c)
	}
	for _, c := range p.host.h.Network().ConnsToPeer(p.viewer.ID()) {
		identified(t, p.host, c)
	}
	for _, side := range [...]struct{ n, other *Node }{{p.host, p.viewer}, {p.viewer, p.host}} {
		for _, a := range side.n.h.Peerstore().Addrs(side.other.ID()) {
			if !isCircuit(a) {
				t.Errorf("%v is known before admission", a)
			}
		}
	}
	if err := p.host.punch.DirectConnect(p.viewer.ID()); err == nil {
		t.Error("a hole was punched before admission")
	}
	f := punchFilter{p.host}
	if got := f.FilterLocal(p.viewer.ID(), p.host.ListenAddrs()); got != nil {
		t.Errorf("the hole puncher would show %v", got)
	}
	p.upgrade(t)
	if got := f.FilterLocal(p.viewer.ID(), nil); len(got) == 0 {
		t.Error("the hole puncher has no address after admission")
	}
}

// identified waits for the end of identify on a connection.
func identified(t *testing.T, n *Node, c network.Conn) {
	t.Helper()
	ids := n.h.(interface{ IDService() identify.IDService }).IDService()
	select {
	case <-ids.IdentifyWait(c):
	case <-within(t).Done():
		t.Fatal("identify did not end")
	}
}

func TestDialAddr(t *testing.T) {
	t.Parallel()
	h, v := newNode(t, Options{}), newNode(t, Options{})
	addr := hostport(h)
	c, err := v.DialAddr(within(t), addr)
	if err != nil {
		t.Fatal(err)
	}
	if c.Remote() != h.ID() || c.Path().Kind != LAN || c.Path().Transport != "quic" {
		t.Errorf("reached %v by %+v", c.Remote(), c.Path())
	}
	p := &pair{host: h, viewer: v, vc: c}
	p.knock(t)
	p.open(t)
	if err := p.vc.Upgrade(Offer{}); err != nil {
		t.Errorf("Upgrade of a direct path: %v", err)
	}
	for _, a := range v.h.Peerstore().Addrs(h.ID()) {
		if slices.ContainsFunc(h.ListenAddrs(), a.Equal) {
			continue // what was typed
		}
		t.Errorf("the host told %v", a)
	}
}

func hostport(n *Node) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(n.Port())) }
