package peer

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"

	"sightline/peer/invite"
	"sightline/peer/link"
	"sightline/screen"
	"sightline/screen/pattern"
	"sightline/screen/screentest"
)

// A rig is a host with the built-in desktop and as many viewers as a test
// likes, on loopback, over real links.
type rig struct {
	t       *testing.T
	ctx     context.Context
	desk    *pattern.Desktop
	host    *Host
	node    *link.Node
	events  *record
	hostEnd chan error
	viewers func(*ViewOptions) // changes those of who joins; nil: nothing

	code1 invite.Code // of mallory, and
	w     []byte      // what Argon2id made of it
}

// record keeps the events of one side and lets a test wait for one.
type record struct {
	mu   sync.Mutex
	list []Event
	news chan struct{}
}

func newRecord() *record { return &record{news: make(chan struct{}, 1)} }

func (r *record) add(e Event) {
	r.mu.Lock()
	r.list = append(r.list, e)
	r.mu.Unlock()
	signal(r.news)
}

// dump tells what happened on one side of a test that failed.
func (r *record) dump(t *testing.T, side string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.Failed() {
		for _, e := range r.list {
			t.Logf("%s: %T %+v", side, e, e)
		}
	}
}

// await returns the n-th event of type E, from 1 on.
func await[E Event](t *testing.T, ctx context.Context, r *record, n int) E {
	t.Helper()
	for {
		r.mu.Lock()
		seen := 0
		for _, e := range r.list {
			if e, ok := e.(E); ok {
				if seen++; seen == n {
					r.mu.Unlock()
					return e
				}
			}
		}
		all := fmt.Sprintf("%+v", r.list)
		r.mu.Unlock()
		select {
		case <-r.news:
		case <-ctx.Done():
			var e E
			t.Fatalf("no %T number %d; there were %s", e, n, all)
		}
	}
}

func count[E Event](r *record) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.list {
		if _, ok := e.(E); ok {
			n++
		}
	}
	return n
}

func newKey(t *testing.T) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newNode(t *testing.T, key crypto.PrivKey) *link.Node {
	t.Helper()
	n, err := link.New(link.Options{Key: key, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// paper is a directory for viewers that are told the address.
type paper struct{}

func (paper) Publish(_ context.Context, proposal string) (Lease, error) {
	return Lease{Number: proposal, Route: "this machine"}, nil
}

// known dials a host whose address is known.
type known struct {
	node *link.Node
	addr string
}

func (d known) Dial(ctx context.Context) (link.Conn, error) { return d.node.DialAddr(ctx, d.addr) }
func (d known) Redial(ctx context.Context, _ p2p.ID) (link.Conn, error) {
	return d.node.DialAddr(ctx, d.addr)
}

// newRig starts a host. set may change its options.
func newRig(t *testing.T, set func(*HostOptions)) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute) // patience; two busy cores with the race detector are slow
	r := &rig{t: t, ctx: ctx, events: newRecord(), hostEnd: make(chan error, 1), desk: pattern.New(pattern.Options{})}
	key := newKey(t)
	r.node = newNode(t, key)
	o := HostOptions{
		Key: key, Node: r.node, Source: r.desk.Source(), Injector: r.desk.Injector(), Directory: paper{},
		Events: r.events.add, Name: "host", Allow: looks | acts, Accept: true, Sharing: "pattern",
	}
	if set != nil {
		set(&o)
	}
	var err error
	if r.host, err = NewHost(o); err != nil {
		t.Fatal(err)
	}
	go func() { r.hostEnd <- r.host.Run(ctx) }()
	t.Cleanup(func() {
		r.events.dump(t, "host")
		r.host.Stop()
		cancel()
		select {
		case <-r.hostEnd:
		case <-time.After(20 * time.Second):
			t.Error("the host does not stop")
		}
	})
	return r
}

func (r *rig) addr() string { return net.JoinHostPort("127.0.0.1", fmt.Sprint(r.node.Port())) }

// code is the n-th code that the host showed.
func (r *rig) code(n int) invite.Code {
	r.t.Helper()
	c, err := invite.Parse(await[Code](r.t, r.ctx, r.events, n).Code)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// viewerRig is a viewer of a rig.
type viewerRig struct {
	view   *View
	glass  *screentest.Glass
	events *record
	end    chan error
	node   *link.Node
}

// join starts a viewer with this code, on a direct path.
func (r *rig) join(code invite.Code, wants Grant) *viewerRig {
	r.t.Helper()
	return r.joinBy(code, wants, func(n *link.Node) Dialer { return known{n, r.addr()} })
}

// throughRelay dials a host that waits at a relay.
type throughRelay struct {
	node *link.Node
	to   p2p.AddrInfo
}

func (d throughRelay) Dial(ctx context.Context) (link.Conn, error) { return d.node.Dial(ctx, d.to) }
func (d throughRelay) Redial(ctx context.Context, _ p2p.ID) (link.Conn, error) {
	return d.node.Dial(ctx, d.to)
}

// joinRelayed starts a relay, and a viewer that comes through it.
func (r *rig) joinRelayed(code invite.Code, wants Grant) *viewerRig {
	r.t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"),
		libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.ForceReachabilityPublic())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { h.Close() })
	_, err = relay.New(h, relay.WithInfiniteLimits(), relay.WithReservationAddressFilter(func(ma.Multiaddr) bool { return true }))
	if err == nil {
		err = r.node.Reserve(r.ctx, p2p.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	}
	if err != nil {
		r.t.Fatal(err)
	}
	to := p2p.AddrInfo{ID: r.node.ID()}
	for _, a := range h.Addrs() {
		to.Addrs = append(to.Addrs, ma.Join(a, ma.StringCast("/p2p/"+h.ID().String()+"/p2p-circuit")))
	}
	return r.joinBy(code, wants, func(n *link.Node) Dialer { return throughRelay{n, to} })
}

func (r *rig) joinBy(code invite.Code, wants Grant, by func(*link.Node) Dialer) *viewerRig {
	r.t.Helper()
	key := newKey(r.t)
	v := &viewerRig{glass: screentest.NewGlass(), events: newRecord(), end: make(chan error, 1), node: newNode(r.t, key)}
	o := ViewOptions{
		Key: key, Dialer: by(v.node), Code: code, Window: v.glass, Events: v.events.add,
		Name: "viewer", Wants: wants, Log: slog.New(slog.NewTextHandler(logTo{r.t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if r.viewers != nil {
		r.viewers(&o)
	}
	var err error
	v.view, err = NewView(o)
	if err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); v.end <- v.view.Run(r.ctx) }()
	r.t.Cleanup(func() {
		v.events.dump(r.t, "viewer")
		v.view.End()
		<-ended
	})
	return v
}

// result is how the viewer ended.
func (r *rig) result(v *viewerRig) error {
	r.t.Helper()
	select {
	case err := <-v.end:
		v.end <- err
		return err
	case <-r.ctx.Done():
		r.t.Fatal("the viewer does not end")
		return nil
	}
}

// sees waits until the viewer's window shows what the desktop shows.
func (r *rig) sees(v *viewerRig) {
	r.t.Helper()
	if err := v.glass.WaitFrame(r.ctx, screen.PictureID(0), r.desk.Snapshot()); err != nil {
		r.t.Fatal(err)
	}
}

// dying is a source whose display goes away.
type dying struct {
	screen.Source
	die chan struct{}
}

func (d *dying) Next(ctx context.Context, c *screen.Change) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-d.die:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := d.Source.Next(ctx, c)
	select {
	case <-d.die:
		return screen.ErrDisplayLost
	default:
		return err
	}
}

// logTo writes a log into a test's output.
type logTo struct{ t *testing.T }

func (l logTo) Write(p []byte) (int, error) {
	l.t.Log(string(p))
	return len(p), nil
}
