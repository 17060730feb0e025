package link

import (
	"net/netip"
	"strconv"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// isCircuit tells whether the address goes through a relay.
func isCircuit(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_CIRCUIT)
	return err == nil
}

// isNear tells whether the address (of a circuit: of its relay) is private,
// link-local or this machine. A name cannot be judged and is not near.
func isNear(a ma.Multiaddr) bool {
	ip, ok := ipOf(a)
	return ok && (ip.IsLoopback() || ip.IsLinkLocalUnicast() || manet.IsPrivateAddr(a))
}

func isLoopback(a ma.Multiaddr) bool {
	ip, ok := ipOf(a)
	return ok && ip.IsLoopback()
}

// ipOf is the IP address an address begins with.
func ipOf(a ma.Multiaddr) (netip.Addr, bool) {
	ip, err := manet.ToIP(a)
	if err != nil {
		return netip.Addr{}, false
	}
	addr, ok := netip.AddrFromSlice(ip)
	return addr.Unmap(), ok
}

// transportOf names the transport of an address, "proxy" for all that goes
// through one; of a circuit that of the leg from here to the relay.
func transportOf(a ma.Multiaddr) string {
	name := ""
	secure := false
	ma.ForEach(a, func(c ma.Component) bool {
		switch c.Protocol().Code {
		case ma.P_QUIC_V1:
			name = "quic"
		case ma.P_TCP:
			name = "tcp"
		case ma.P_TLS:
			secure = true
		case ma.P_WSS:
			name = "wss"
		case ma.P_WS:
			name = "ws"
			if secure {
				name = "wss"
			}
		case ma.P_HTTP: // viaProxy
			name = "proxy"
		case ma.P_CIRCUIT:
			return false
		}
		return true
	})
	return name
}

func kindOf(c network.Conn) Kind {
	a := c.RemoteMultiaddr()
	switch {
	case isCircuit(a):
		return Relayed
	case isNear(a):
		return LAN
	}
	return Direct
}

// portOf is the TCP or UDP port of an address, 0 without one.
func portOf(a ma.Multiaddr) int {
	for _, code := range [...]int{ma.P_TCP, ma.P_UDP} {
		if v, err := a.ValueForProtocol(code); err == nil {
			port, _ := strconv.Atoi(v)
			return port
		}
	}
	return 0
}
