package netcheck

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// IPv6 is what is known of it here.
type IPv6 string

// The states of IPv6.
const (
	NoIPv6    IPv6 = "none"  // this machine has no address that others could reach
	IPv6Here  IPv6 = "here"  // it has one, and no relay was reached by IPv6
	IPv6Works IPv6 = "works" // a relay answered by IPv6
)

func (r *Report) ipv6(local []netip.Addr) IPv6 {
	for _, relay := range r.Relays {
		for _, w := range slices.Concat(relay.Ways, relay.STUN) {
			for _, at := range [...]string{w.Addr, w.Seen} {
				if a, err := netip.ParseAddrPort(at); err == nil && w.OK && a.Addr().Is6() && !a.Addr().IsLoopback() {
					return IPv6Works
				}
			}
		}
	}
	for _, a := range local {
		if a.Is6() && a.IsGlobalUnicast() && !a.IsPrivate() {
			return IPv6Here
		}
	}
	return NoIPv6
}

// advise says what a firewall would have to let out, or a NAT box to do otherwise.
// Nobody has to let anything in.
func (r *Report) advise() []string {
	out := []string{}
	for _, relay := range r.Relays {
		out = append(out, relay.advise(r.Proxy)...)
	}
	if r.TLSIssuer != "" {
		out = append(out, "TLS is looked into. Ask for an exception for the relays' port 443, or allow it with network.tls_inspection = true: "+
			"the session is sealed inside it all the same")
	}
	if r.Mapping == Dependent || !r.UDP && r.TCPMapping == Dependent {
		out = append(out, `the NAT box gives each destination another outside port ("symmetric"). Ask for one port for all destinations: `+
			`it is called endpoint-independent mapping (RFC 4787), "static port" in pf, OPNsense and pfSense, "persistent NAT" elsewhere`)
	}
	return out
}

// advise is about one relay: what it does not answer to.
func (r RelayReport) advise(proxy string) []string {
	name := r.Name
	if name == "" {
		name = r.ID
	}
	udp, tcp := r.silent("quic", "stun"), r.silent("tcp")
	switch {
	case len(r.Ways)+len(r.STUN) == 0:
		return nil
	case !r.Reachable && proxy != "":
		return []string{fmt.Sprintf("relay %s is out of reach. Is it running? If so, ask for CONNECT through the proxy to %s, or for TCP out to it", name, list(r.all()))}
	case !r.Reachable:
		return []string{fmt.Sprintf("relay %s is out of reach. Is it running? If so, ask for TCP out to %s, and for UDP out to the same for direct connections", name, list(r.all()))}
	}
	var out []string
	if len(udp) > 0 && !r.answers("quic", "stun") {
		out = append(out, fmt.Sprintf("ask for UDP out to %s, answers included: without it nearly nobody is reached directly", list(udp)))
	}
	if len(tcp) > 0 && !r.answers("tcp", "quic") {
		out = append(out, fmt.Sprintf("ask for TCP out to %s: the web's ports work, and are slower", list(tcp)))
	}
	return out
}

func (r RelayReport) answers(transports ...string) bool {
	return slices.ContainsFunc(slices.Concat(r.Ways, r.STUN), func(w Way) bool {
		return w.OK && slices.Contains(transports, w.Transport)
	})
}

// silent are the addresses that did not answer by one of these transports.
func (r RelayReport) silent(transports ...string) (out []string) {
	for _, w := range slices.Concat(r.Ways, r.STUN) {
		if !w.OK && slices.Contains(transports, w.Transport) && !slices.Contains(out, w.Addr) {
			out = append(out, w.Addr)
		}
	}
	return out
}

func (r RelayReport) all() (out []string) {
	for _, w := range r.Ways {
		if _, _, err := net.SplitHostPort(w.Addr); err == nil && !slices.Contains(out, w.Addr) {
			out = append(out, w.Addr)
		}
	}
	return out
}

func list(addrs []string) string { return strings.Join(addrs, ", ") }
