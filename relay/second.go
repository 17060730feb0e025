package relay

import (
	"net"
	"net/netip"
	"slices"

	"sightline/relay/rendezvous"
)

// A relay speaks QUIC, TCP and STUN on a second port beside each of its own
// (rendezvous.SecondPort), under the same peer ID. It is there for one question:
// does a NAT box show a caller to two destinations under the same port? Whoever is
// connected to the first port asks at the second one, by UDP or by TCP, and
// compares (identify's observed address, STUN's mapped address).

// secondOf is the second port of one listener.
func secondOf(at netip.AddrPort) (netip.AddrPort, bool) {
	port, ok := rendezvous.SecondPort(at.Port())
	return netip.AddrPortFrom(at.Addr(), port), ok
}

// second are the second ports that are not in the plan already.
func (p plan) second() []netip.AddrPort {
	var more []netip.AddrPort
	for _, a := range p.at {
		if s, ok := secondOf(a); ok && p.scheme(a) == "" && !slices.Contains(p.at, s) {
			more = append(more, s)
		}
	}
	return more
}

// listenSecond opens what can be had of the second ports and returns those. A relay
// works without them; its callers then know less about their NAT boxes.
func (s *Server) listenSecond(at []netip.AddrPort) (opened plan) {
	for _, a := range at {
		err := free(a)
		one := plan{at: []netip.AddrPort{a}}
		for _, m := range one.multiaddrs() {
			if err == nil {
				err = s.host.Network().Listen(m)
			}
		}
		if err != nil {
			s.o.Log.Info("relay: no second port", "listen", a.String(), "err", err)
			continue
		}
		opened.at = append(opened.at, a)
	}
	return opened
}

// free tells whether nobody has this port, in UDP and TCP. It asks without
// SO_REUSEPORT, which libp2p sets: with that, two programs of one user would share a
// port without noticing.
func free(at netip.AddrPort) error {
	family := "6" // an IPv6 socket that is no IPv4 socket as well
	if at.Addr().Is4() {
		family = "4"
	}
	l, err := net.Listen("tcp"+family, at.String())
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := net.ListenPacket("udp"+family, at.String())
	if err != nil {
		return err
	}
	return c.Close()
}
