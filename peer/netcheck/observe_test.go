package netcheck

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	identifypb "github.com/libp2p/go-libp2p/p2p/protocol/identify/pb"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"
)

func TestSecond(t *testing.T) {
	for in, want := range map[string]string{
		"/ip4/192.0.2.1/udp/4001/quic-v1":             "/ip4/192.0.2.1/udp/4002/quic-v1",
		"/ip4/192.0.2.1/tcp/4001":                     "/ip4/192.0.2.1/tcp/4002",
		"/ip6/2001:db8::1/tcp/4001":                   "/ip6/2001:db8::1/tcp/4002",
		"/dns/relay.example.org/udp/4001/quic-v1":     "/dns/relay.example.org/udp/4002/quic-v1",
		"/dns/relay.example.org/tcp/443/tls/ws":       "",
		"/ip4/192.0.2.1/tcp/80/ws":                    "",
		"/ip4/192.0.2.1/tcp/4001/ws":                  "",
		"/ip4/192.0.2.1/udp/4001":                     "",
		"/ip4/192.0.2.1/tcp/442":                      "",
		"/ip4/192.0.2.1/tcp/65535":                    "",
		"/ip4/192.0.2.1/udp/4001/quic-v1/p2p-circuit": "",
		"/ip4/192.0.2.1":                              "",
	} {
		got, ok := Second(ma.StringCast(in))
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s: %v, %v", in, got, ok)
		}
	}
}

func loopbackHost(t *testing.T) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.Transport(quic.NewTransport), libp2p.Transport(tcp.NewTCPTransport),
		libp2p.DisableMetrics(), libp2p.Ping(false), libp2p.DisableIdentifyAddressDiscovery())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	for _, a := range []string{"/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"} {
		if err := h.Network().Listen(ma.StringCast(a)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// TestObserve: on a connection beside the one that the swarm has, over each
// transport and from the listening port, the other side tells our address.
func TestObserve(t *testing.T) {
	relay, me := loopbackHost(t), loopbackHost(t)
	info := p2p.AddrInfo{ID: relay.ID(), Addrs: relay.Addrs()}
	if err := me.Connect(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	for _, a := range relay.Addrs() {
		o, err := Observe(t.Context(), me.Network(), relay.ID(), a)
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		if !o.Seen.Equal(o.Local) {
			t.Errorf("%s: seen as %s, local %s", a, o.Seen, o.Local)
		}
		listens := false
		for _, l := range me.Addrs() {
			listens = listens || l.Equal(o.Local)
		}
		// By TCP the swarm's connection may have that pair of ports already.
		if _, err := a.ValueForProtocol(ma.P_UDP); err == nil && !listens {
			t.Errorf("%s: from %s, which is not the listening port", a, o.Local)
		}
		if o.RTT <= 0 {
			t.Errorf("RTT %s", o.RTT)
		}
		o.Close()
	}
	if n := len(me.Network().ConnsToPeer(relay.ID())); n != 1 {
		t.Errorf("the swarm has %d connections", n)
	}
}

// TestObserveNobody: the wrong key, a closed port and a peer that keeps silent.
func TestObserveNobody(t *testing.T) {
	relay, me := loopbackHost(t), loopbackHost(t)
	if _, err := Observe(t.Context(), me.Network(), me.ID(), relay.Addrs()[0]); err == nil {
		t.Error("another key was accepted")
	}
	if _, err := Observe(t.Context(), me.Network(), relay.ID(), ma.StringCast("/ip4/127.0.0.1/tcp/1")); err == nil {
		t.Error("a closed port answered")
	}
	relay.RemoveStreamHandler("/ipfs/id/1.0.0")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := Observe(ctx, me.Network(), relay.ID(), relay.Addrs()[0]); err == nil {
		t.Error("a peer without identify told an address")
	}
}

func identifyMessage(t testing.TB, observed []byte) []byte {
	var b bytes.Buffer
	if err := pbio.NewDelimitedWriter(&b).WriteMsg(&identifypb.Identify{ObservedAddr: observed}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadIdentify(t *testing.T) {
	for name, in := range map[string][]byte{
		"nothing": {}, "cut": {200}, "huge": {0xff, 0xff, 0xff, 0x7f, 1},
		"no address": identifyMessage(t, nil),
		"a name":     identifyMessage(t, ma.StringCast("/dns/example.org/tcp/1").Bytes()),
		"WebSocket":  identifyMessage(t, ma.StringCast("/ip4/192.0.2.1/tcp/1/ws").Bytes()),
		"a circuit":  identifyMessage(t, ma.StringCast("/ip4/192.0.2.1/tcp/1/p2p-circuit").Bytes()),
	} {
		if a, err := readIdentify(bytes.NewReader(in)); err == nil {
			t.Errorf("%s: %s", name, a)
		}
	}
	if _, err := readIdentify(bytes.NewReader(identifyMessage(t, nil))); !errors.Is(err, errIdentify) {
		t.Error(err)
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add(identifyMessage(f, ma.StringCast("/ip4/11.1.0.2/udp/4001/quic-v1").Bytes()))
	f.Add(identifyMessage(f, ma.StringCast("/ip6/2001:db8::1/tcp/4001").Bytes()))
	f.Add([]byte{2, 0x22, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := readIdentify(bytes.NewReader(b))
		if err != nil {
			return
		}
		if _, err := netip.ParseAddr(a[0].Value()); err != nil {
			t.Errorf("passed %s", a)
		}
	})
}
