package link

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	ma "github.com/multiformats/go-multiaddr"
	msmux "github.com/multiformats/go-multistream"

	"sightline/peer/link/proxy"
	"sightline/peer/link/proxy/proxytest"
	"sightline/peer/netcheck"
)

// Each rung waits for the one before; the proxy comes last.
func TestRanking(t *testing.T) {
	n := newNode(t, Options{})
	var addrs []ma.Multiaddr
	for _, s := range []string{
		"/ip4/11.0.0.10/tcp/80/ws", "/ip4/11.0.0.10/tcp/443/tls/ws/http", "/dns/r.test/tcp/443/tls/ws", "/ip4/11.0.0.10/tcp/443/tls/ws",
		"/ip4/11.0.0.10/tcp/4001/http", "/ip4/11.0.0.10/tcp/80/ws/http", "/ip4/11.0.0.10/udp/4001/quic-v1", "/ip4/11.0.0.10/tcp/4001",
	} {
		addrs = append(addrs, ma.StringCast(s))
	}
	at := func() string {
		var out []string
		for _, r := range n.rankDials(addrs) {
			out = append(out, fmt.Sprintf("%s %s", r.Delay, describe(r.Addr)))
		}
		return strings.Join(out, ", ")
	}
	want := "0s quic 11.0.0.10:4001, 250ms tcp 11.0.0.10:4001, 1s wss r.test:443, 1.25s wss 11.0.0.10:443, 2s ws 11.0.0.10:80, " +
		"3s proxy 11.0.0.10:443, 4s proxy 11.0.0.10:80, 5s proxy 11.0.0.10:4001"
	if got := at(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// What worked the last time is tried from the start, with the best rung.
	n.web.note("relay", ma.StringCast("/ip4/11.0.0.10/tcp/443/tls/ws/http"))
	if got := at(); !strings.Contains(got, "0s proxy 11.0.0.10:443") || !strings.Contains(got, "0s quic") {
		t.Errorf("got  %s", got)
	}
	n.web.forget("relay")
	if got := at(); got != want {
		t.Errorf("got  %s", got)
	}
	// Without an address of its own port the ladder begins with the next rung.
	addrs = addrs[:1]
	if got := at(); got != "0s ws 11.0.0.10:80" {
		t.Errorf("got  %s", got)
	}
}

func TestParseWeb(t *testing.T) {
	for in, want := range map[string]string{
		"/ip4/1.2.3.4/tcp/443/tls/ws":               "1.2.3.4:443 tls ws",
		"/dns/r.test/tcp/443/tls/sni/r.test/ws":     "r.test:443 tls ws",
		"/ip6/2001:db8::1/tcp/443/wss":              "[2001:db8::1]:443 tls ws",
		"/dns4/r.test/tcp/80/ws/http":               "r.test:80 ws proxied",
		"/ip4/1.2.3.4/tcp/4001/http":                "1.2.3.4:4001 proxied",
		"/ip4/1.2.3.4/tcp/4001":                     "",
		"/ip4/1.2.3.4/udp/4001/quic-v1":             "",
		"/ip4/1.2.3.4/tcp/443/tls/http":             "",
		"/tcp/443/tls/ws":                           "",
		"/ip4/1.2.3.4/udp/443/ws":                   "",
		"/ip4/1.2.3.4/tcp/443/ws/p2p-circuit":       "",
		"/ip4/1.2.3.4/tcp/443/ip4/5.6.7.8/tcp/1/ws": "",
	} {
		w, ok := parseWeb(ma.StringCast(in))
		got := ""
		if ok {
			got = w.hostport
			if w.tls {
				got += " tls"
			}
			if w.ws {
				got += " ws"
			}
			if w.proxied {
				got += " proxied"
			}
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

// webRelay is a relay that listens by WebSocket only, in TLS or not, with a
// certificate of its own.
func webRelay(t *testing.T, secure bool) (h host.Host, port int, pin [32]byte) {
	t.Helper()
	cert, pin := ownCert(t)
	listen := "/ip4/127.0.0.1/tcp/0/ws"
	if secure {
		listen = "/ip4/127.0.0.1/tcp/0/tls/ws"
	}
	h, err := libp2p.New(libp2p.ListenAddrStrings(listen), libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.ForceReachabilityPublic(),
		libp2p.Transport(tcp.NewTCPTransport), libp2p.Transport(websocket.New, websocket.WithTLSConfig(&tls.Config{Certificates: []tls.Certificate{cert}})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	if _, err := relay.New(newestFirst{h}, relay.WithInfiniteLimits(), relay.WithReservationAddressFilter(func(ma.Multiaddr) bool { return true })); err != nil {
		t.Fatal(err)
	}
	return h, portOf(h.Addrs()[0]), pin
}

// newestFirst passes circuits on over a host's newest connection, as our relay does
// with one that is better than the older ones.
type newestFirst struct{ host.Host }

func (h newestFirst) NewStream(ctx context.Context, p p2p.ID, ids ...protocol.ID) (network.Stream, error) {
	conns := h.Network().ConnsToPeer(p)
	if len(conns) == 0 {
		return nil, network.ErrNoConn
	}
	s, err := conns[len(conns)-1].NewStream(ctx)
	if err != nil {
		return nil, err
	}
	name, err := msmux.SelectOneOf(ids, s)
	return s, errors.Join(err, s.SetProtocol(name))
}

func ownCert(t *testing.T) (tls.Certificate, [32]byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nobody's relay"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
}

// startProxy runs a proxy for which every target is 127.0.0.1 with that port.
func startProxy(t *testing.T, o proxytest.Options) (*proxytest.Proxy, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.User, o.Password = "user", "pass"
	o.Resolve = func(target string) string {
		_, port, _ := net.SplitHostPort(target)
		return "127.0.0.1:" + port
	}
	p := proxytest.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-done })
	return p, l.Addr().String()
}

// A whole session over each of the higher rungs: reservation, circuit, knock.
// The relay has an address that nobody answers at, so that only the proxy leads
// there.
func TestRungs(t *testing.T) {
	for _, tt := range []struct {
		name      string
		secure    bool
		proxy     string // kind; "" for none
		transport string
	}{
		{"443", true, "", "wss"},
		{"80", false, "", "ws"},
		{"443 through a proxy", true, "none", "proxy"},
		{"80 through a proxy", false, "none", "proxy"},
		{"a proxy with Basic", true, "basic", "proxy"},
		{"a proxy with Digest", true, "digest", "proxy"},
		{"a proxy with NTLM", true, "ntlm", "proxy"},
		{"SOCKS5", true, "socks5", "proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, port, pin := webRelay(t, tt.secure)
			tail := fmt.Sprintf("/tcp/%d/ws", port)
			if tt.secure {
				tail = fmt.Sprintf("/tcp/%d/tls/ws", port)
			}
			info := p2p.AddrInfo{ID: r.ID(), Addrs: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1" + tail)}}
			o := Options{Pins: map[p2p.ID][32]byte{r.ID(): pin}, Proxy: proxy.Options{Setting: "none"}}
			var proxied *proxytest.Proxy
			if tt.proxy != "" {
				p, addr := startProxy(t, proxytest.Options{Auth: tt.proxy})
				scheme := "http"
				if tt.proxy == "socks5" {
					scheme = "socks5"
				}
				proxied = p
				o.Proxy = proxy.Options{Setting: scheme + "://user@" + addr, Password: "pass", Env: func(string) string { return "" }}
				info.Addrs = []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1" + tail)}
			}
			h, v := newNode(t, o), newNode(t, o)
			ctx := within(t)
			if err := h.Reserve(ctx, info); err != nil {
				t.Fatal(err)
			}
			for _, a := range h.announced(nil) {
				if isProxied(a) {
					t.Errorf("the proxy is announced: %s", a)
				}
			}
			met := &pair{host: h, viewer: v}
			met.dial(t, info)
			for _, p := range []Path{met.vc.Path(), met.hc.Path()} {
				if p.Kind != Relayed || p.Transport != tt.transport {
					t.Errorf("path %+v, want relayed by %s", p, tt.transport)
				}
			}
			if proxied != nil && proxied.Tunnels.Load() != 2 {
				t.Errorf("%d tunnels through the proxy, want one for each side", proxied.Tunnels.Load())
			}
		})
	}
}

// A dial that fails says what was tried and why each failed.
func TestEveryRungIsNamed(t *testing.T) {
	t.Parallel()
	_, addr := startProxy(t, proxytest.Options{Auth: "negotiate"})
	n := newNode(t, Options{Proxy: proxy.Options{Setting: "http://user@" + addr, Password: "pass", Env: func(string) string { return "" }}})
	id, err := p2p.IDFromPrivateKey(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	err = n.Connect(within(t), p2p.AddrInfo{ID: id, Addrs: []ma.Multiaddr{
		ma.StringCast("/ip4/127.0.0.1/tcp/1"), ma.StringCast("/ip4/127.0.0.1/tcp/2/tls/ws"), ma.StringCast("/ip4/127.0.0.1/tcp/3/ws"),
	}})
	if !errors.Is(err, ErrNoPath) {
		t.Fatal(err)
	}
	for _, part := range []string{"tcp 127.0.0.1:1: connection refused", "wss 127.0.0.1:2: connection refused", "ws 127.0.0.1:3: connection refused"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	err = n.Connect(within(t), p2p.AddrInfo{ID: id, Addrs: []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/443/tls/ws")}})
	if part := "proxy 192.0.2.1:443: the proxy http://" + addr + " takes Negotiate (Kerberos) only"; err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("%v lacks %q", err, part)
	}
}

// A certificate that is neither pinned nor trusted is refused with its issuer's
// name, and let through when the user says so: by whom, the node knows.
func TestTLSInspection(t *testing.T) {
	t.Parallel()
	inspector, err := proxytest.NewInspector("Big Corp Proxy")
	if err != nil {
		t.Fatal(err)
	}
	_, addr := startProxy(t, proxytest.Options{Inspect: inspector})
	r, port, pin := webRelay(t, true)
	info := p2p.AddrInfo{ID: r.ID(), Addrs: []ma.Multiaddr{ma.StringCast(fmt.Sprintf("/ip4/192.0.2.1/tcp/%d/tls/ws", port))}}
	for _, tt := range []struct {
		name  string
		pins  map[p2p.ID][32]byte
		allow bool
		part  string // of the error; empty: it works
	}{
		{"pinned", map[p2p.ID][32]byte{r.ID(): pin}, false, `the certificate there was issued by "Big Corp Proxy": it is not the relay's own`},
		{"not pinned", nil, false, `the certificate there was issued by "Big Corp Proxy": this machine does not trust whoever issued it`},
		{"allowed", map[p2p.ID][32]byte{r.ID(): pin}, true, ""},
	} {
		n := newNode(t, Options{Pins: tt.pins, TLSInspection: tt.allow, Proxy: proxy.Options{Setting: "http://" + addr, Env: func(string) string { return "" }}})
		err := n.Connect(within(t), info)
		switch {
		case tt.part == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.part != "" && (err == nil || !strings.Contains(err.Error(), tt.part)):
			t.Errorf("%s: %v lacks %q", tt.name, err, tt.part)
		}
		if got := n.web.trust.issuerOf(r.ID()); (got == "Big Corp Proxy") != tt.allow {
			t.Errorf("%s: inspected by %q", tt.name, got)
		}
		report := Check(within(t), n.o, []netcheck.Relay{{Info: info}})
		if (report.TLSIssuer == "Big Corp Proxy") == tt.allow {
			t.Errorf("%s: doctor says %q: %s", tt.name, report.TLSIssuer, report)
		}
	}
}

// A web server that is no relay is told from one.
func TestOrdinaryWebServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
			c.Close()
		}
	}()
	n := newNode(t, Options{})
	id, _ := p2p.IDFromPrivateKey(newKey(t))
	err = n.Connect(within(t), p2p.AddrInfo{ID: id, Addrs: []ma.Multiaddr{ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/ws", l.Addr().(*net.TCPAddr).Port))}})
	if err == nil || !strings.Contains(err.Error(), "a web server answers there, and not as a relay (status 404)") {
		t.Error(err)
	}
}

// Of two relays that have the peer the nearer one carries the session; should
// that be gone, or not know the peer any more, the other one does.
func TestTwoRelays(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	_, slow := newRelay(t)
	far := slowDown(t, slow, 150*time.Millisecond)
	r, near := newRelay(t)
	h, v := newNode(t, Options{NoDirect: true}), newNode(t, Options{NoDirect: true})
	for _, info := range []p2p.AddrInfo{far, near} {
		if err := h.Reserve(ctx, info); err != nil {
			t.Fatal(err)
		}
		if err := v.Connect(ctx, info); err != nil {
			t.Fatal(err)
		}
	}
	both := p2p.AddrInfo{ID: h.ID(), Addrs: append(circuitsOf(far), circuitsOf(near)...)}
	relayOfPath := func() p2p.ID {
		c, err := v.Dial(ctx, both)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		way, _ := relayOf(v.h.Network().ConnsToPeer(h.ID())[0].RemoteMultiaddr())
		return way.ID
	}
	if got := relayOfPath(); got != near.ID {
		t.Errorf("the session is at %s, the nearer relay is %s", got, near.ID)
	}
	r.Close()
	if got := relayOfPath(); got != far.ID {
		t.Errorf("the session is at %s after the nearer relay is gone", got)
	}
}

// slowDown puts a wire with a delay in front of a relay's TCP port.
func slowDown(t *testing.T, relay p2p.AddrInfo, delay time.Duration) p2p.AddrInfo {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	target := ""
	for _, a := range relay.Addrs {
		if transportOf(a) == "tcp" {
			target = hostPort(a)
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				c.Close()
				continue
			}
			go late(out, c, delay)
			go late(c, out, delay)
		}
	}()
	return p2p.AddrInfo{ID: relay.ID, Addrs: []ma.Multiaddr{plainAddr(netip.MustParseAddr("127.0.0.1"), uint16(l.Addr().(*net.TCPAddr).Port), "tcp")}}
}

// late copies with a delay, keeping the order.
func late(to, from net.Conn, delay time.Duration) {
	type piece struct {
		b  []byte
		at time.Time
	}
	pieces := make(chan piece, 1024)
	go func() {
		defer close(pieces)
		for {
			b := make([]byte, 16<<10)
			n, err := from.Read(b)
			if err != nil {
				return
			}
			pieces <- piece{b[:n], time.Now().Add(delay)}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.at))
		if _, err := to.Write(p.b); err != nil {
			break
		}
	}
	to.Close()
}
