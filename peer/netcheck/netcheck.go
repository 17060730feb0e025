// Package netcheck finds out what this network lets through: whether UDP gets
// out and comes back, how the outside sees this machine, whether a NAT box gives
// one outside address or another for each destination, and which relays answer
// by which transport.
//
// It asks our own relays only, which answer STUN binding requests (RFC 8489) on
// the UDP port of QUIC. Two answers from different addresses or ports, asked
// from one socket, tell the kind of mapping (RFC 5780, section 4.3, without its
// second step): the same mapped address twice means that a hole can be punched.
//
// It is a function of its sockets: nothing is kept and nothing runs afterwards.
package netcheck

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"
)

// Timeout is how long a whole check takes at most if Options name no other.
const Timeout = 8 * time.Second

// Relay is one relay to be asked.
type Relay struct {
	Name string   // what the person calls it; may be empty
	STUN []string // "host:port" of UDP, names or addresses
	// Second are its second ports, for a second look at the same NAT box.
	Second []string
	Info   p2p.AddrInfo // the peer ID and every address it announces
}

// Options of a check. Relays may be empty: then there is nobody to ask, and the
// Report says so.
type Options struct {
	Relays []Relay
	// Dial connects to a relay at the one address in info and tells the round
	// trip time on that connection. The error's text is shown to the person.
	// nil: relays are asked by STUN only.
	Dial func(ctx context.Context, info p2p.AddrInfo) (rtt time.Duration, err error)
	// MapTCP tells what a NAT box does with one TCP port and two of the relay's.
	// nil: that is not looked at.
	MapTCP  func(ctx context.Context, info p2p.AddrInfo) (Mapping, error)
	Timeout time.Duration // 0: Timeout
	// Proxy is what the person is told about this network's proxy, without a
	// password; "" if there is none.
	Proxy string
}

// Mapping is how a NAT box chooses the outside port.
type Mapping string

// The mappings.
const (
	Unknown     Mapping = "unknown"     // fewer than two answers
	None        Mapping = "none"        // no NAT: the outside sees an address of this machine
	Independent Mapping = "independent" // the same for every destination: holes can be punched
	Dependent   Mapping = "dependent"   // another one for each destination ("symmetric")
)

// Report is what was found. Its JSON field names are part of the interface.
type Report struct {
	UDP      bool     `json:"udp"`      // a packet went out and its answer came back
	UDPWhy   string   `json:"udp_why"`  // why not, in words; empty if UDP works
	Observed []string `json:"observed"` // "ip:port" as servers see us, each once
	Mapping  Mapping  `json:"mapping"`  // of UDP
	// TCPMapping is what it does with TCP, which matters where UDP does not work.
	TCPMapping Mapping `json:"tcp_mapping"`
	// Filtering is whom the NAT box or firewall lets in.
	Filtering Filtering `json:"filtering"`
	IPv6      IPv6      `json:"ipv6"`
	Proxy     string    `json:"proxy"` // "" for none
	// TLSIssuer is who ends TLS in a relay's place, "" for nobody.
	TLSIssuer string `json:"tls_issuer"`
	// Advice is what to ask the people for who run this network, the most useful first.
	Advice []string      `json:"advice"`
	Relays []RelayReport `json:"relays"`
}

// RelayReport is what was found about one relay.
type RelayReport struct {
	Name      string  `json:"name"`
	ID        string  `json:"id"`
	Reachable bool    `json:"reachable"` // by one way at least
	RTT       float64 `json:"rtt_ms"`    // of the fastest way, milliseconds; 0 if there is none
	Ways      []Way   `json:"ways"`
	STUN      []Way   `json:"stun"`
}

// Way is one address of a relay.
type Way struct {
	Transport string  `json:"transport"` // quic, tcp, ws, wss, stun
	Addr      string  `json:"addr"`      // "host:port"
	OK        bool    `json:"ok"`
	RTT       float64 `json:"rtt_ms"`             // milliseconds, 0 if not OK
	Why       string  `json:"reason"`             // in words, empty if OK
	Seen      string  `json:"observed,omitempty"` // STUN: "ip:port" that the relay saw
	Issuer    string  `json:"issuer,omitempty"`   // of a certificate there that is not the relay's
}

// inspected is an error of Options.Dial that came to the end of TLS and found somebody
// else than the relay there.
type inspected interface {
	error
	// InspectedBy is who issued the certificate, for people.
	InspectedBy() string
}

// Check asks all relays at once and returns after the last answer or time-out.
func Check(ctx context.Context, o Options) Report {
	if o.Timeout == 0 {
		o.Timeout = Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	r := Report{Observed: []string{}, Mapping: Unknown, Proxy: o.Proxy, Relays: make([]RelayReport, len(o.Relays))}
	tcp := make([]Mapping, len(o.Relays))
	var work sync.WaitGroup
	for i, relay := range o.Relays {
		r.Relays[i] = RelayReport{Name: relay.Name, ID: relay.Info.ID.String()}
		if o.Dial != nil {
			dialAll(ctx, &work, o.Dial, relay, &r.Relays[i])
		}
		if o.MapTCP != nil {
			work.Go(func() { tcp[i], _ = o.MapTCP(ctx, relay.Info) }) // why not is told by its ways
		}
	}
	var binding bindings
	work.Go(func() { binding = askSTUN(ctx, o.Relays) })
	work.Wait()
	r.TCPMapping = firstKnown(tcp)
	r.fold(binding)
	r.Advice = r.advise()
	return r
}

// firstKnown is what the first relay found that could find it out.
func firstKnown(all []Mapping) Mapping {
	for _, m := range all {
		if m != "" && m != Unknown {
			return m
		}
	}
	return Unknown
}

// dialAll tries each address by itself.
func dialAll(ctx context.Context, work *sync.WaitGroup, dial func(context.Context, p2p.AddrInfo) (time.Duration, error), relay Relay, out *RelayReport) {
	out.Ways = make([]Way, len(relay.Info.Addrs))
	for i, a := range relay.Info.Addrs {
		work.Go(func() {
			w := &out.Ways[i]
			w.Transport, w.Addr = wayOf(a)
			rtt, err := dial(ctx, p2p.AddrInfo{ID: relay.Info.ID, Addrs: relay.Info.Addrs[i : i+1 : i+1]})
			if err != nil {
				w.Why = err.Error()
				var by inspected
				if errors.As(err, &by) {
					w.Issuer = by.InspectedBy()
				}
				return
			}
			w.OK, w.RTT = true, milliseconds(rtt)
		})
	}
}

// fold turns the answers of the STUN servers into the general part.
func (r *Report) fold(b bindings) {
	for i := range r.Relays {
		relay := &r.Relays[i]
		relay.STUN = b.of(i)
		for _, w := range slices.Concat(relay.Ways, relay.STUN) {
			if r.TLSIssuer == "" {
				r.TLSIssuer = w.Issuer
			}
			relay.Reachable = relay.Reachable || w.OK && (w.Transport != "stun" || len(relay.Ways) == 0)
			if w.OK && (relay.RTT == 0 || w.RTT < relay.RTT) {
				relay.RTT = w.RTT
			}
		}
		if relay.Ways == nil {
			relay.Ways = []Way{}
		}
	}
	for _, a := range b.answers {
		if a.seen.IsValid() && !slices.Contains(r.Observed, a.seen.String()) {
			r.Observed = append(r.Observed, a.seen.String())
		}
	}
	r.UDP = len(r.Observed) > 0
	r.Mapping, r.Filtering = b.mapping(), b.filtering
	r.IPv6 = r.ipv6(b.local)
	switch {
	case r.UDP:
	case b.err != nil:
		r.UDPWhy = reason(b.err)
	case len(b.answers) == 0:
		r.UDPWhy = "no relay to ask"
	default:
		r.UDPWhy = "no relay answered by UDP"
	}
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}

// reason puts an error of a socket into a few words.
func reason(err error) string {
	var name *net.DNSError
	switch {
	case errors.As(err, &name):
		return "no such name"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "not permitted"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer"
	}
	return err.Error()
}
