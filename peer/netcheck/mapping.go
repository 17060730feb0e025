package netcheck

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// TCPMapping connects from the listening TCP port of n to a relay's port and to its
// second one, and compares how the relay sees the two: whether the NAT box gives one
// outside port for both. n must have no connection to the relay by TCP, whose pair of
// ports would be taken. Only IPv4 is looked at, which is where NAT boxes are.
func TCPMapping(ctx context.Context, n network.Network, relay p2p.AddrInfo) (Mapping, error) {
	err := error(errNoTCP)
	for _, a := range relay.Addrs {
		first, ok := onlyIPv4(ctx, a)
		second, has := Second(first)
		if !ok || !has {
			continue
		}
		var m Mapping
		if m, err = tcpMapping(ctx, n, relay.ID, first, second); err == nil {
			return m, nil
		}
	}
	return Unknown, err
}

var (
	errNoTCP    = errors.New("this relay has no TCP port with a second one beside it")
	errTwoPorts = errors.New("the system took another port for one of the two connections")
)

func tcpMapping(ctx context.Context, n network.Network, relay p2p.ID, first, second ma.Multiaddr) (Mapping, error) {
	one, err := Observe(ctx, n, relay, first)
	if err != nil {
		return Unknown, err
	}
	defer one.Close()
	two, err := Observe(ctx, n, relay, second)
	if err != nil {
		return Unknown, err
	}
	defer two.Close()
	return CompareMappings(*one, *two)
}

// CompareMappings judges a NAT box by two observations of one of our ports, made from
// two destinations at the same time.
func CompareMappings(one, two Observation) (Mapping, error) {
	switch {
	case !one.Local.Equal(two.Local):
		return Unknown, errTwoPorts
	case one.Seen.Equal(one.Local):
		return None, nil
	case one.Seen.Equal(two.Seen):
		return Independent, nil
	}
	return Dependent, nil
}

// onlyIPv4 is the plain TCP address with a name looked up; false if it is none of IPv4.
func onlyIPv4(ctx context.Context, a ma.Multiaddr) (ma.Multiaddr, bool) {
	if len(a) != 2 || a[1].Code() != ma.P_TCP {
		return nil, false
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", a[0].Value())
	if err != nil || len(found) == 0 {
		return nil, false
	}
	ip, err := manet.FromIP(net.IP(found[0].Unmap().AsSlice()))
	if err != nil {
		return nil, false
	}
	return ma.Join(ip, a[1:]), true
}

// mapping compares the answers of one family from different servers.
func (b bindings) mapping() Mapping {
	found := Unknown
	for _, is4 := range [...]bool{true, false} {
		var seen []netip.AddrPort
		servers := make(map[netip.AddrPort]bool)
		for _, a := range b.answers {
			if a.seen.IsValid() && a.addr.Addr().Is4() == is4 && !servers[a.addr] {
				servers[a.addr] = true
				seen = append(seen, a.seen)
			}
		}
		switch {
		case len(seen) == 0:
			continue
		case slices.Contains(b.local, seen[0].Addr()):
			return None
		case len(seen) > 1 && len(slices.Compact(seen)) == 1:
			return Independent
		case len(seen) > 1:
			found = Dependent // IPv6 may still be better
		}
	}
	return found
}
