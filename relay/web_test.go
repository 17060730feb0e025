package relay

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"

	"sightline/relay/rendezvous"
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestForwardedFor(t *testing.T) {
	ours := prefixes("10.0.0.0/8", "fd00::/8", "127.0.0.1/32")
	for _, tt := range []struct {
		name, from string
		headers    []string
		want       string
	}{
		{"a stranger is himself", "192.0.2.1", []string{"203.0.113.7"}, "192.0.2.1"},
		{"nothing said", "10.0.0.1", nil, "10.0.0.1"},
		{"one proxy", "10.0.0.1", []string{"203.0.113.7"}, "203.0.113.7"},
		{"the last one counts, the rest anybody may write", "10.0.0.1", []string{"1.1.1.1, 203.0.113.7"}, "203.0.113.7"},
		{"two proxies of ours", "10.0.0.1", []string{"203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		{"two headers", "10.0.0.1", []string{"1.1.1.1", "203.0.113.7,10.0.0.2"}, "203.0.113.7"},
		{"with a port", "10.0.0.1", []string{"203.0.113.7:1234"}, "203.0.113.7"},
		{"IPv6", "fd00::1", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6 in brackets, with a port", "10.0.0.1", []string{"[2001:db8::7]:80"}, "2001:db8::7"},
		{"IPv4 in IPv6", "::ffff:10.0.0.1", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{"no address", "10.0.0.1", []string{"unknown"}, "10.0.0.1"},
		{"an oddity hides what is behind it", "10.0.0.1", []string{"203.0.113.7, _x, 10.0.0.2"}, "10.0.0.2"},
		{"nobody", "10.0.0.1", []string{"0.0.0.0"}, "10.0.0.1"},
		{"nobody, with a port", "10.0.0.1", []string{"0.0.0.0:80"}, "10.0.0.1"},
		{"nobody, with a zone", "10.0.0.1", []string{"0::%0"}, "10.0.0.1"},
		{"nobody, IPv4 in IPv6", "10.0.0.1", []string{"::ffff:0.0.0.0"}, "10.0.0.1"},
		{"empty", "10.0.0.1", []string{""}, "10.0.0.1"},
		{"only proxies", "10.0.0.1", []string{"10.0.0.3,10.0.0.2"}, "10.0.0.3"},
		{"far too many", "10.0.0.1", []string{"203.0.113.7" + strings.Repeat(",10.0.0.2", 40)}, "10.0.0.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := forwardedFor(netip.MustParseAddr(tt.from), tt.headers, ours); got.String() != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// FuzzForwardedFor: whatever stands there, a caller who is no proxy of ours is
// himself, and an address comes out.
func FuzzForwardedFor(f *testing.F) {
	f.Add("203.0.113.7, 10.0.0.2", true)
	f.Add("0::%0", true)
	f.Add("[2001:db8::7%25eth0]:80,,", true)
	f.Add(strings.Repeat("10.0.0.1,", 100), false)
	f.Fuzz(func(t *testing.T, header string, ours bool) {
		from := netip.MustParseAddr("192.0.2.1")
		if ours {
			from = netip.MustParseAddr("10.0.0.1")
		}
		got := forwardedFor(from, []string{header}, prefixes("10.0.0.0/8"))
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() || got.IsUnspecified() || !ours && got != from {
			t.Errorf("%q gave %s", header, got)
		}
	})
}

// frontedBy is a reverse proxy in front of a WebSocket listener, as nginx and
// Caddy do it.
func frontedBy(t *testing.T, relay string) *httptest.Server {
	target, err := url.Parse("http://" + relay)
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Set("X-Forwarded-For", "1.1.1.1, 203.0.113.7")
	}})
}

// TestReverseProxy: behind one the caller is whom the proxy names, if that proxy
// is configured.
func TestReverseProxy(t *testing.T) {
	for _, tt := range []struct {
		name    string
		proxies []netip.Prefix
		want    string
	}{
		{"configured", prefixes("127.0.0.0/8"), "/ip4/203.0.113.7/tcp/"},
		{"not configured", nil, "/ip4/127.0.0.1/tcp/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newTestRelay(t, func(o *Options) {
				o.Listen, o.ForwardedFrom = []string{"ws://127.0.0.1:0"}, tt.proxies
			})
			front := frontedBy(t, s.Listening()[0])
			defer front.Close()
			j := s.Join()
			j.Addrs = []string{"ws:" + strings.TrimPrefix(front.URL, "http://")}
			host, viewer := newPeer(t), newPeer(t)
			serveEcho(host)
			lease := publish(t, client(t, host, j))
			if _, err := call(t, viewer, j, lease.Number); err != nil {
				t.Fatal(err)
			}
			want := bytes.Repeat([]byte("sightline"), 50_000)
			if !bytes.Equal(roundTrip(t, viewer, host.ID(), want), want) {
				t.Error("the bytes changed on their way")
			}
			conns := s.host.Network().Conns()
			if len(conns) != 2 {
				t.Errorf("%d connections", len(conns))
			}
			for _, c := range conns {
				if got := c.RemoteMultiaddr().String(); !strings.HasPrefix(got, tt.want) || !strings.HasSuffix(got, "/ws") {
					t.Errorf("a caller is %s, want %s…/ws", got, tt.want)
				}
			}
		})
	}
}

// TestForwardedLimits: the limits per address count whom the reverse proxy names.
func TestForwardedLimits(t *testing.T) {
	s := newTestRelay(t, func(o *Options) {
		o.Listen, o.ForwardedFrom = []string{"ws://127.0.0.1:0"}, prefixes("127.0.0.0/8")
		o.Limits.Directory = rendezvous.Limits{LookupsPerMin: 1}
	})
	front := frontedBy(t, s.Listening()[0])
	defer front.Close()
	j := s.Join()
	j.Addrs = []string{"ws:" + strings.TrimPrefix(front.URL, "http://")}
	for i := range 3 {
		_, err := client(t, newPeer(t), j.Public()).Lookup(t.Context(), "12345")
		if limited := strings.Contains(err.Error(), "try again"); limited != (i > 0) {
			t.Errorf("look-up %d: %v", i+1, err)
		}
	}
}

// TestPage: to a browser the ports are an ordinary small site.
func TestPage(t *testing.T) {
	s := newTestRelay(t, func(o *Options) { o.Listen = []string{"ws://127.0.0.1:0", "wss://127.0.0.1:0"} })
	browser := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
	defer browser.CloseIdleConnections()
	for _, tt := range []struct {
		url    string
		status int
		part   string
	}{
		{"http://" + s.Listening()[0] + "/", 200, "A relay"},
		{"https://" + s.Listening()[1] + "/", 200, "A relay"},
		{"https://" + s.Listening()[1] + "/admin", 404, "nothing here"},
	} {
		resp, err := browser.Get(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(body), tt.part) {
			t.Errorf("%s: %d %q %v", tt.url, resp.StatusCode, body, err)
		}
		if strings.Contains(string(body), s.Join().ID.String()) || resp.Header.Get("Server") != "" {
			t.Errorf("%s tells more than it should", tt.url)
		}
	}
}

// TestPin: the join string names the key of the certificate, also after a restart,
// and a peer that checks it gets through.
func TestPin(t *testing.T) {
	key := newTestKey(t)
	var pins [2]string
	for i := range pins {
		s := newTestRelay(t, func(o *Options) { o.Key, o.Listen = key, []string{"wss://127.0.0.1:0"} })
		j := s.Join()
		pins[i] = string(j.Pin)
		seen := false
		peer := newPeerWith(t, libp2p.Transport(websocket.New, websocket.WithTLSClientConfig(&tls.Config{
			InsecureSkipVerify: true,
			VerifyConnection: func(c tls.ConnectionState) error {
				sum := sha256.Sum256(c.PeerCertificates[0].RawSubjectPublicKeyInfo)
				seen = bytes.Equal(sum[:], j.Pin)
				return nil
			},
		})))
		if got := client(t, peer, j).Probe(t.Context()); !got[0].Reachable || got[0].Transport != "wss" || !seen {
			t.Errorf("%+v, pin right: %t", got[0], seen)
		}
		s.Close()
	}
	if pins[0] == "" || pins[0] != pins[1] {
		t.Error("the pin changed with the restart")
	}
	if s := newTestRelay(t); len(s.Join().Pin) != 0 {
		t.Error("a relay without WSS names a pin")
	}
}

// writeCert puts a certificate of another identity into files.
func writeCert(t *testing.T, dir string, when time.Time) (cert, key string, pin []byte) {
	t.Helper()
	id := newTestKey(t)
	c, err := selfSigned(id)
	if err != nil {
		t.Fatal(err)
	}
	pin, err = tlsPin(id)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePEM(t, cert, "CERTIFICATE", c.Certificate[0])
	writeKeyPEM(t, key, c.PrivateKey)
	for _, f := range []string{cert, key} {
		if err := os.Chtimes(f, when, when); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, pin
}

// TestCertFiles: a certificate of one's own is used, read again when it changes,
// and kept when the new one is damaged. No pin then: it will change.
func TestCertFiles(t *testing.T) {
	dir := t.TempDir()
	start := time.Now().Add(-time.Hour)
	cert, key, first := writeCert(t, dir, start)
	s := newTestRelay(t, func(o *Options) { o.Listen, o.TLSCert, o.TLSKey = []string{"wss://127.0.0.1:0"}, cert, key })
	if len(s.Join().Pin) != 0 {
		t.Error("the join string pins a certificate that is renewed")
	}
	shown := func() []byte {
		c, err := tls.Dial("tcp", s.Listening()[0], &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		sum := sha256.Sum256(c.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
		return sum[:]
	}
	if !bytes.Equal(shown(), first) {
		t.Error("another certificate than that of the file")
	}
	files := &certFiles{cert: cert, key: key, log: s.o.Log}
	if err := files.load(); err != nil {
		t.Fatal(err)
	}
	look := func() []byte {
		files.mu.Lock()
		files.asked = time.Time{}
		files.mu.Unlock()
		c, err := files.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf := c.Leaf
		sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
		return sum[:]
	}
	_, _, second := writeCert(t, dir, start.Add(time.Minute))
	if !bytes.Equal(look(), second) {
		t.Error("a new file was not read")
	}
	if err := os.WriteFile(cert, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(look(), second) {
		t.Error("a damaged file took the place of a good certificate")
	}
	if _, err := New(Options{Key: s.o.Key, Open: true, Listen: []string{"wss://127.0.0.1:0"}, TLSCert: cert, TLSKey: key}); err == nil {
		t.Error("a relay starts with a damaged certificate")
	}
}

func writePEM(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeKeyPEM(t *testing.T, name string, key any) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, name, "PRIVATE KEY", der)
}
