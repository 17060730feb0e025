package netcheck

import (
	"fmt"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
)

// Lines are the report for a person, one finding each, without line ends.
func (r Report) Lines() []string {
	out := []string{"UDP            " + r.udpWords(), "NAT            " + r.Mapping.words()}
	if r.TCPMapping != Unknown {
		out = append(out, "NAT for TCP    "+r.TCPMapping.words())
	}
	out = append(out, "lets in        "+r.Filtering.words(), "IPv6           "+r.IPv6.words())
	if r.Proxy != "" {
		out = append(out, "proxy          "+r.Proxy)
	}
	if r.TLSIssuer != "" {
		out = append(out, "TLS            is ended in between, with a certificate issued by "+r.TLSIssuer)
	}
	if len(r.Observed) > 0 {
		out = append(out, "seen from out  "+strings.Join(r.Observed, ", "))
	}
	if len(r.Relays) == 0 {
		out = append(out, "relay          none is set up; on a LAN and by address it works without")
	}
	for _, relay := range r.Relays {
		out = append(out, relay.lines()...)
	}
	for _, a := range r.Advice {
		out = append(out, "advice         "+a)
	}
	return out
}

// String is Lines as one text.
func (r Report) String() string { return strings.Join(r.Lines(), "\n") + "\n" }

func (r Report) udpWords() string {
	if r.UDP {
		return "works"
	}
	return "does not work: " + r.UDPWhy
}

func (m Mapping) words() string {
	switch m {
	case None:
		return "none: this machine is seen with its own address"
	case Independent:
		return "one outside address for all destinations: direct connections are likely"
	case Dependent:
		return "another outside address for each destination: direct connections only to easy partners"
	}
	return "not known: it takes two answers by UDP, from two ports or relays"
}

func (f Filtering) words() string {
	switch f {
	case FilterNone:
		return "everybody, at a port that was used"
	case FilterAnyPort:
		return "any port of an address that was asked (or everybody: the relay has one address to try it from)"
	case FilterAddress:
		return "only addresses that were asked, from any of their ports"
	case FilterEndpoint:
		return "only the address and port that were asked, as most home routers do"
	}
	return "not known"
}

func (v IPv6) words() string {
	switch v {
	case IPv6Works:
		return "works"
	case IPv6Here:
		return "this machine has an address; no relay was reached by IPv6"
	}
	return "none on this machine"
}

func (r RelayReport) lines() []string {
	name := r.Name
	if name == "" {
		name = r.ID
	}
	state := fmt.Sprintf("answers, %.1f ms", r.RTT)
	if !r.Reachable {
		state = "cannot be reached"
	}
	out := []string{fmt.Sprintf("relay          %s %s", name, state)}
	for _, ways := range [...][]Way{r.Ways, r.STUN} {
		for _, w := range ways {
			result := w.Why
			if w.OK {
				result = fmt.Sprintf("%.1f ms", w.RTT)
			}
			out = append(out, fmt.Sprintf("  %-4s %s  %s", w.Transport, w.Addr, result))
		}
	}
	return out
}

// wayOf reads transport and "host:port" from an address.
func wayOf(a ma.Multiaddr) (transport, addr string) {
	var host, port string
	secure := false
	for _, c := range a {
		switch c.Protocol().Code {
		case ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
			host = c.Value()
		case ma.P_TCP:
			transport, port = "tcp", c.Value()
		case ma.P_UDP:
			transport, port = "udp", c.Value()
		case ma.P_QUIC_V1:
			transport = "quic"
		case ma.P_TLS:
			secure = true
		case ma.P_WSS:
			transport = "wss"
		case ma.P_WS:
			transport = "ws"
			if secure {
				transport = "wss"
			}
		case ma.P_HTTP: // how peer/link marks what goes through a proxy
			transport = "proxy"
		}
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return transport, host + ":" + port
}
