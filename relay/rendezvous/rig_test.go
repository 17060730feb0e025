package rendezvous

import (
	"bytes"
	"crypto/rand"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

// rig is a relay with nothing but the directory. It can be stopped and started
// again with the same keys on the same port.
type rig struct {
	t    testing.TB
	key  crypto.PrivKey
	addr string // host:port
	opts ServerOptions

	host   host.Host
	server *Server
}

func newKey(t testing.TB) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newRig(t testing.TB, opts ServerOptions) *rig {
	t.Helper()
	opts.Token = bytes.Repeat([]byte{1}, tokenSize)
	opts.LeaseKey = [32]byte{2}
	r := &rig{t: t, key: newKey(t), addr: freePort(t), opts: opts}
	r.start()
	t.Cleanup(r.stop)
	return r
}

// freePort is a loopback address whose port is free for TCP and UDP.
func freePort(t testing.TB) string {
	t.Helper()
	for range 16 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		c, err := net.ListenPacket("udp", addr)
		l.Close()
		if err == nil {
			c.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

func (r *rig) start() {
	r.t.Helper()
	_, port, _ := net.SplitHostPort(r.addr)
	r.host = newHost(r.t, libp2p.Identity(r.key),
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/udp/"+port+"/quic-v1", "/ip4/127.0.0.1/tcp/"+port))
	r.opts.Host = r.host
	var err error
	if r.server, err = NewServer(r.opts); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) stop() {
	r.server.Close()
	r.host.Close()
}

func (r *rig) join() Join {
	id, _ := p2p.IDFromPrivateKey(r.key)
	return Join{Addrs: []string{r.addr}, ID: id, Token: r.opts.Token}
}

func newHost(t testing.TB, opts ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append([]libp2p.Option{
		libp2p.Transport(libp2pquic.NewTransport), libp2p.Transport(tcp.NewTCPTransport),
		libp2p.DisableMetrics(), libp2p.Ping(false), libp2p.DisableRelay(), libp2p.ForceReachabilityPrivate(),
		libp2p.ResourceManager(mustResources(t)),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func mustResources(t testing.TB) network.ResourceManager {
	t.Helper()
	m, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(rcmgr.DefaultLimits.AutoScale()), rcmgr.WithMetricsDisabled())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newClient(t testing.TB, o Options, rigs ...*rig) *Client {
	t.Helper()
	o.Timeout = time.Second // a dead relay costs it all: QUIC hears nothing
	if o.Host == nil {
		o.Host = newHost(t, libp2p.NoListenAddrs)
	}
	for _, r := range rigs {
		o.Relays = append(o.Relays, r.join())
	}
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func mustPublish(t testing.TB, c *Client, proposal string) *Lease {
	t.Helper()
	l, err := c.Publish(t.Context(), proposal)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
