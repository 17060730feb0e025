package relay

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestPlan(t *testing.T) {
	for _, row := range []struct {
		name   string
		listen []string
		want   string // empty: an error
	}{
		{"own port", []string{"192.0.2.1:4001"}, "/ip4/192.0.2.1/udp/4001/quic-v1 /ip4/192.0.2.1/tcp/4001"},
		{"IPv6", []string{"[2001:db8::1]:4001"}, "/ip6/2001:db8::1/udp/4001/quic-v1 /ip6/2001:db8::1/tcp/4001"},
		{"localhost, 443, 80", []string{"localhost:443", "localhost:80"}, "/ip4/127.0.0.1/tcp/443/tls/ws /ip4/127.0.0.1/tcp/80/ws"},
		{"a scheme", []string{"ws://127.0.0.1:8080", "wss://[::1]:8443", "ws://localhost:443"}, "/ip4/127.0.0.1/tcp/8080/ws /ip6/::1/tcp/8443/tls/ws /ip4/127.0.0.1/tcp/443/ws"},
		{"name", []string{"relay.example.org:4001"}, ""},
		{"no port", []string{"192.0.2.1"}, ""},
		{"bad port", []string{"192.0.2.1:65536"}, ""},
		{"zone", []string{"[fe80::1%lo]:4001"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, err := planListeners(row.listen)
			if row.want == "" {
				if err == nil {
					t.Errorf("%v", p)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, a := range p.multiaddrs() {
				all = append(all, a.String())
			}
			if got := strings.Join(all, " "); got != row.want {
				t.Errorf("%s", got)
			}
		})
	}
}

func TestAnnounce(t *testing.T) {
	o := Options{Key: newTestKey(t), Token: bytes.Repeat([]byte{1}, 32), Announce: []string{"Relay.example.org", "other.example:9999", "2001:db8::1"}}
	p, err := planListeners([]string{"127.0.0.1:4001", "127.0.0.1:443"})
	if err != nil {
		t.Fatal(err)
	}
	j, err := joinString(o, p)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"relay.example.org:4001", "relay.example.org:443", "other.example:9999", "[2001:db8::1]:4001", "[2001:db8::1]:443",
	}
	if !slices.Equal(j.Addrs, want) || !bytes.Equal(j.Token, o.Token) {
		t.Errorf("%s", j)
	}
	// A listener for a reverse proxy is not what others dial.
	o.Announce = []string{"relay.example.org", "wss://front.example.org:8443"}
	behind, err := planListeners([]string{":4001", "ws://127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	want = []string{"relay.example.org:4001", "wss:front.example.org:8443"}
	if j, err = joinString(o, behind); err != nil || !slices.Equal(j.Addrs, want) || len(j.Pin) != 0 {
		t.Errorf("%s, %v", j, err)
	}
	o.Announce = []string{"not a name"}
	if j, err := joinString(o, p); err == nil {
		t.Errorf("%s", j)
	}
}

// TestFreePort: one number for both protocols and both families, known before
// anybody asks; without --announce no loopback address is handed out if there is
// another.
func TestFreePort(t *testing.T) {
	s := newTestRelay(t, func(o *Options) { o.Listen = []string{":0"} })
	_, port, err := net.SplitHostPort(s.Listening()[0])
	if err != nil || port == "0" {
		t.Fatal(s.Listening(), err)
	}
	for _, a := range s.Listening() {
		if _, p, _ := net.SplitHostPort(a); p != port {
			t.Errorf("listens on %s and on port %s", a, port)
		}
	}
	ifaces, err := interfaceIPs()
	if err != nil {
		t.Fatal(err)
	}
	far := slices.ContainsFunc(ifaces, func(ip netip.Addr) bool { return !ip.IsLoopback() })
	for _, a := range s.Join().Addrs {
		host, p, _ := net.SplitHostPort(a)
		if net.ParseIP(host).IsLoopback() == far || p != port {
			t.Errorf("join string %s", s.Join().Public())
		}
	}
}

func TestPortInUse(t *testing.T) {
	s := newTestRelay(t)
	s, err := New(Options{Key: s.o.Key, Open: true, Listen: s.Listening()})
	if err == nil {
		s.Close()
		t.Fatal("two relays on one port")
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("the reason is %v", err)
	}
}

// TestWebSocket: the two ports that firewalls let through, for real.
func TestWebSocket(t *testing.T) {
	for _, row := range []struct{ name, listen, transport string }{
		{"443", "127.71.0.1:443", "wss"}, {"80", "127.71.0.1:80", "ws"},
	} {
		t.Run(row.name, func(t *testing.T) {
			requirePort(t, row.listen)
			s := newTestRelay(t, func(o *Options) { o.Listen = []string{row.listen} })
			host, viewer := newPeer(t), newPeer(t)
			serveEcho(host)
			c := client(t, host, s.Join())
			lease := publish(t, c)
			if got := c.Probe(t.Context()); !got[0].Reachable || got[0].Transport != row.transport {
				t.Errorf("%+v", got[0])
			}
			if _, err := call(t, viewer, s.Join(), lease.Number); err != nil {
				t.Fatal(err)
			}
			want := bytes.Repeat([]byte("sightline"), 50_000)
			if !bytes.Equal(roundTrip(t, viewer, host.ID(), want), want) {
				t.Error("the bytes changed on their way")
			}
		})
	}
}

// requirePort skips where this user or system has no such address or port.
func requirePort(t *testing.T, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		l.Close()
	case os.Getenv("SIGHTLINE_CI") == "1" && !errors.Is(err, fs.ErrPermission):
		t.Fatal(err)
	default:
		t.Skipf("listen on %s: %v", addr, err)
	}
}
