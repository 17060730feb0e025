package netcheck

import (
	"errors"
	"testing"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

func TestCompareMappings(t *testing.T) {
	seen := func(local, seen string) Observation {
		return Observation{Local: ma.StringCast("/ip4/192.168.1.10/tcp/" + local), Seen: ma.StringCast(seen)}
	}
	for _, row := range []struct {
		name     string
		one, two Observation
		want     Mapping
		err      error
	}{
		{"no NAT", seen("5000", "/ip4/192.168.1.10/tcp/5000"), seen("5000", "/ip4/192.168.1.10/tcp/5000"), None, nil},
		{"one port for all", seen("5000", "/ip4/11.1.0.2/tcp/61000"), seen("5000", "/ip4/11.1.0.2/tcp/61000"), Independent, nil},
		{"another port", seen("5000", "/ip4/11.1.0.2/tcp/61000"), seen("5000", "/ip4/11.1.0.2/tcp/61001"), Dependent, nil},
		{"another address", seen("5000", "/ip4/11.1.0.2/tcp/61000"), seen("5000", "/ip4/11.1.0.3/tcp/61000"), Dependent, nil},
		{"from two ports", seen("5000", "/ip4/11.1.0.2/tcp/61000"), seen("5001", "/ip4/11.1.0.2/tcp/61001"), Unknown, errTwoPorts},
	} {
		if got, err := CompareMappings(row.one, row.two); got != row.want || !errors.Is(err, row.err) {
			t.Errorf("%s: %s, %v; want %s", row.name, got, err, row.want)
		}
	}
}

// TestTCPMappingNothing: a relay without a plain TCP port is not asked.
func TestTCPMappingNothing(t *testing.T) {
	me := loopbackHost(t)
	for _, a := range []string{"/ip4/127.0.0.1/udp/4001/quic-v1", "/ip4/127.0.0.1/tcp/443/tls/ws", "/ip6/::1/tcp/4001", "/ip4/127.0.0.1/tcp/79"} {
		m, err := TCPMapping(t.Context(), me.Network(), p2p.AddrInfo{ID: me.ID(), Addrs: []ma.Multiaddr{ma.StringCast(a)}})
		if m != Unknown || !errors.Is(err, errNoTCP) {
			t.Errorf("%s: %s, %v", a, m, err)
		}
	}
}
