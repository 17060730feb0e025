package netcheck

import (
	"strings"
	"testing"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

func TestDestinations(t *testing.T) {
	relay := p2p.AddrInfo{Addrs: []ma.Multiaddr{
		ma.StringCast("/ip4/192.0.2.1/udp/4001/quic-v1"), ma.StringCast("/ip4/192.0.2.1/tcp/4001"),
		ma.StringCast("/ip6/2001:db8::1/tcp/443/tls/ws"), ma.StringCast("/dns/localhost/tcp/80/ws"),
	}}
	for _, row := range []struct {
		name string
		r    Reach
		want string
	}{
		{"nothing", Reach{}, ""},
		{"outbound only", Reach{Relays: []p2p.AddrInfo{relay}, Outbound: true, STUN: []string{"192.0.2.1:4001"}},
			"192.0.2.1:4001/tcp [2001:db8::1]:443/tcp localhost:80/tcp 192.0.2.1:4001/udp any:53/udp any:53/tcp"},
		{"direct, proxy", Reach{Relays: []p2p.AddrInfo{{Addrs: relay.Addrs[:2]}}, Direct: true, Proxy: "192.0.2.9:3128", STUN: []string{"192.0.2.1:4001", "192.0.2.1:4002"}},
			"192.0.2.1:4001/udp 192.0.2.1:4002/udp 192.0.2.1:4001/tcp 192.0.2.1:4002/tcp 192.0.2.9:3128/tcp any:any/udp any:any/tcp"},
		{"a port at the router", Reach{MapPorts: true, Router: "192.168.1.1"}, "192.168.1.1:5351/udp 239.255.255.250:1900/udp 192.168.1.1:any/tcp"},
		{"a port at a router that is not known", Reach{MapPorts: true}, "any:5351/udp 239.255.255.250:1900/udp any:any/tcp"},
		{"LAN", Reach{LAN: true}, "224.0.0.251:5353/udp any:any/udp any:any/tcp"},
	} {
		all := Destinations(t.Context(), row.r)
		var got []string
		for _, d := range all {
			got = append(got, d.at())
			if d.Addresses == nil || d.Why == "" {
				t.Errorf("%s: %+v", row.name, d)
			}
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s: %s", row.name, got)
		}
		if len(FirewallLines(all)) != max(1, len(all)) {
			t.Errorf("%s: %q", row.name, FirewallLines(all))
		}
	}
}

func TestNFT(t *testing.T) {
	all := Destinations(t.Context(), Reach{Relays: []p2p.AddrInfo{{Addrs: []ma.Multiaddr{
		ma.StringCast("/ip4/192.0.2.1/udp/4001/quic-v1"), ma.StringCast("/ip6/2001:db8::1/tcp/443/tls/ws")}}}, LAN: true})
	text := NFT(all)
	for _, want := range []string{
		"ip daddr 192.0.2.1 udp dport 4001 accept comment \"relay, quic 192.0.2.1\"\n",
		"ip6 daddr 2001:db8::1 tcp dport 443 accept",
		"# any:any/tcp: the other machine",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if c := comment("a\"b\n\\c" + strings.Repeat("x", 300)); len(c) > 128 || strings.ContainsAny(c, "\"\n\\") {
		t.Errorf("comment %q", c)
	}
}
