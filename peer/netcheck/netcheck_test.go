package netcheck

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/pion/stun/v2"
)

// stunServer answers binding requests with what answer makes of the asker, and
// with nothing if that is zero.
func stunServer(t *testing.T, answer func(netip.AddrPort) netip.AddrPort) string {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { c.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			m := &stun.Message{Raw: buf[:n]}
			seen := answer(from)
			if m.Decode() != nil || m.Type != stun.BindingRequest || !seen.IsValid() {
				continue
			}
			reply := stun.MustBuild(m, stun.BindingSuccess,
				&stun.XORMappedAddress{IP: seen.Addr().AsSlice(), Port: int(seen.Port())}, stun.Fingerprint)
			c.WriteToUDPAddrPort(reply.Raw, from)
		}
	}()
	return c.LocalAddr().String()
}

func outside(port uint16) func(netip.AddrPort) netip.AddrPort {
	return func(netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(netip.MustParseAddr("11.1.0.2"), port)
	}
}

func TestMapping(t *testing.T) {
	same := func(a netip.AddrPort) netip.AddrPort { return a }
	silent := func(netip.AddrPort) netip.AddrPort { return netip.AddrPort{} }
	for _, tt := range []struct {
		name    string
		servers []func(netip.AddrPort) netip.AddrPort
		udp     bool
		want    Mapping
	}{
		{"no NAT", []func(netip.AddrPort) netip.AddrPort{same, same}, true, None},
		{"one mapping", []func(netip.AddrPort) netip.AddrPort{outside(4001), outside(4001)}, true, Independent},
		{"two mappings", []func(netip.AddrPort) netip.AddrPort{outside(4001), outside(4002)}, true, Dependent},
		{"one answer", []func(netip.AddrPort) netip.AddrPort{outside(4001), silent}, true, Unknown},
		{"silence", []func(netip.AddrPort) netip.AddrPort{silent}, false, Unknown},
		{"nobody to ask", nil, false, Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			relay := Relay{Name: "mine"}
			for _, s := range tt.servers {
				relay.STUN = append(relay.STUN, stunServer(t, s))
			}
			r := Check(context.Background(), Options{Relays: []Relay{relay}, Timeout: time.Second})
			if r.UDP != tt.udp || r.Mapping != tt.want {
				t.Errorf("UDP %v, mapping %s; want %v, %s\n%s", r.UDP, r.Mapping, tt.udp, tt.want, r)
			}
			if r.UDP != (r.UDPWhy == "") {
				t.Errorf("UDP %v because %q", r.UDP, r.UDPWhy)
			}
		})
	}
}

// TestForgedAnswer: an answer from another address than the asked one does not count.
func TestForgedAnswer(t *testing.T) {
	forger, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer forger.Close()
	relay := Relay{STUN: []string{stunServer(t, func(from netip.AddrPort) netip.AddrPort {
		forger.WriteToUDPAddrPort([]byte("not STUN at all"), from)
		return outside(7)(from)
	})}}
	r := Check(context.Background(), Options{Relays: []Relay{relay}})
	if !slices.Equal(r.Observed, []string{"11.1.0.2:7"}) {
		t.Errorf("observed %v", r.Observed)
	}
}

// lookedInto is how peer/link tells of a certificate that is not the relay's.
type lookedInto string

func (l lookedInto) Error() string       { return "issued by " + string(l) }
func (l lookedInto) InspectedBy() string { return string(l) }

func TestRelays(t *testing.T) {
	id, err := p2p.Decode("12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5")
	if err != nil {
		t.Fatal(err)
	}
	relay := Relay{Name: "mine", STUN: []string{"no port", stunServer(t, outside(1))}, Info: p2p.AddrInfo{ID: id, Addrs: []ma.Multiaddr{
		ma.StringCast("/ip4/192.0.2.1/udp/4001/quic-v1"),
		ma.StringCast("/ip4/192.0.2.1/tcp/4001"),
		ma.StringCast("/dns4/relay.example.org/tcp/443/tls/ws"),
	}}}
	dial := func(_ context.Context, info p2p.AddrInfo) (time.Duration, error) {
		if strings.Contains(info.Addrs[0].String(), "quic") {
			return 0, errors.New("no answer")
		}
		if strings.Contains(info.Addrs[0].String(), "tls") {
			return 0, fmt.Errorf("dial: %w", lookedInto("Example Corp Gateway CA"))
		}
		return 20 * time.Millisecond, nil
	}
	r := Check(context.Background(), Options{Relays: []Relay{relay}, Dial: dial})
	got := r.Relays[0]
	if !got.Reachable || len(got.Ways) != 3 || got.Ways[0].OK || got.Ways[0].Why != "no answer" || got.Ways[1].RTT != 20 {
		t.Errorf("relay %+v", got)
	}
	if w := got.Ways[2]; w.Transport != "wss" || w.Addr != "relay.example.org:443" || w.Issuer != "Example Corp Gateway CA" {
		t.Errorf("third way %+v", w)
	}
	if len(r.Advice) != 1 || !strings.Contains(r.Advice[0], "network.tls_inspection") {
		t.Errorf("advice %q", r.Advice)
	}
	if got.STUN[0].OK || got.STUN[0].Why == "" || !got.STUN[1].OK {
		t.Errorf("STUN %+v", got.STUN)
	}
	for _, want := range []string{"UDP            works", "TLS            is ended in between, with a certificate issued by Example Corp Gateway CA", "relay          mine answers", "quic 192.0.2.1:4001  no answer", "tcp  192.0.2.1:4001  20.0 ms"} {
		if !strings.Contains(r.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, r)
		}
	}
	b, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(b), `"mapping":"unknown"`) || !strings.Contains(string(b), `"rtt_ms":20`) {
		t.Errorf("JSON %s, %v", b, err)
	}
}

func FuzzBinding(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingSuccess,
		&stun.XORMappedAddress{IP: net.IPv4(11, 1, 0, 2), Port: 4001}, stun.Fingerprint).Raw)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, seen, ok := parseBinding(b)
		if ok && !seen.IsValid() && !bytes.Contains(b, []byte{4, 20}) {
			t.Error("neither an address nor error 420 passed")
		}
	})
}
