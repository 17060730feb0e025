package netcheck

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Destination is one thing that this configuration may send packets to. Its JSON
// field names are part of the interface.
type Destination struct {
	Host  string `json:"host"`  // a name or an IP address; "any" for machines that are not known before
	Port  int    `json:"port"`  // 0: any
	Proto string `json:"proto"` // tcp or udp
	Why   string `json:"why"`

	// Addresses are those of a name at this moment; of an address, itself.
	Addresses []netip.Addr `json:"addresses"`
}

// Reach says what a configuration lets this machine contact.
type Reach struct {
	Relays   []p2p.AddrInfo
	STUN     []string // "host:port" of UDP, with the second ports
	Proxy    string   // "host:port", "" for none
	Outbound bool     // no socket of our own, so no QUIC: only `doctor network` sends UDP
	Direct   bool     // the other machine is contacted once it is admitted
	LAN      bool     // live numbers are searched and answered by multicast
	MapPorts bool     // a router is asked to open our port
	Router   string   // its address, "" if it is not known
}

// Destinations lists everything, each once, and looks the names up.
func Destinations(ctx context.Context, r Reach) []Destination {
	var all []Destination
	add := func(d Destination) {
		same := func(o Destination) bool { return o.Host == d.Host && o.Port == d.Port && o.Proto == d.Proto }
		if i := slices.IndexFunc(all, same); i < 0 {
			all = append(all, d)
		} else if !strings.Contains(all[i].Why, d.Why) {
			all[i].Why += ", " + d.Why
		}
	}
	for _, relay := range r.Relays {
		for _, a := range relay.Addrs {
			r.addRelay(add, a)
		}
	}
	for _, s := range r.STUN {
		add(destination(s, "udp", "STUN"))
	}
	if r.Proxy != "" {
		add(destination(r.Proxy, "tcp", "proxy"))
	}
	if r.MapPorts {
		router := cmp.Or(r.Router, "any")
		add(Destination{Host: router, Port: 5351, Proto: "udp", Why: "a port at the router, by PCP or NAT-PMP"})
		add(Destination{Host: "239.255.255.250", Port: 1900, Proto: "udp", Why: "search for a router that knows UPnP"})
		add(Destination{Host: router, Proto: "tcp", Why: "a port at the router, by UPnP"})
	}
	if r.LAN {
		add(Destination{Host: "224.0.0.251", Port: 5353, Proto: "udp", Why: "search on the LAN"})
		add(Destination{Host: "any", Proto: "udp", Why: "answer to a search on the LAN"})
	}
	if r.Direct || r.LAN {
		for _, proto := range [...]string{"udp", "tcp"} {
			add(Destination{Host: "any", Proto: proto, Why: "the other machine, once it is admitted or found on the LAN"})
		}
	}
	for i := range all {
		all[i].Addresses = lookUp(ctx, all[i].Host)
	}
	if named(all) {
		all = append(all, Destination{Host: "any", Port: 53, Proto: "udp", Why: "the resolver of this system, for the names above", Addresses: []netip.Addr{}},
			Destination{Host: "any", Port: 53, Proto: "tcp", Why: "the resolver of this system, for the names above", Addresses: []netip.Addr{}})
	}
	return all
}

// addRelay adds an address of a relay and its second port.
func (r Reach) addRelay(add func(Destination), a ma.Multiaddr) {
	transport, at := wayOf(a)
	proto := "tcp"
	if transport == "quic" {
		if proto = "udp"; r.Outbound {
			return
		}
	}
	add(destination(at, proto, "relay, "+transport))
	if second, ok := Second(a); ok && r.Direct {
		_, at := wayOf(second)
		add(destination(at, proto, "relay, "+transport+" (second port)"))
	}
}

func destination(hostPort, proto, why string) Destination {
	host, text, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	port, _ := strconv.Atoi(text) // 0, any, if there is none
	return Destination{Host: host, Port: port, Proto: proto, Why: why}
}

// lookUp is empty for what has no address.
func lookUp(ctx context.Context, host string) []netip.Addr {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}
	}
	out := []netip.Addr{}
	if host == "any" {
		return out
	}
	found, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", host) // none: the line says so
	for _, a := range found {
		out = append(out, a.Unmap())
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

func named(all []Destination) bool {
	return slices.ContainsFunc(all, func(d Destination) bool {
		_, err := netip.ParseAddr(d.Host)
		return err != nil && d.Host != "any"
	})
}

// FirewallLines are the destinations for a person, without line ends.
func FirewallLines(all []Destination) []string {
	out := []string{}
	for _, d := range all {
		line := fmt.Sprintf("%-40s %s", d.at(), d.Why)
		if _, err := netip.ParseAddr(d.Host); err != nil && d.Host != "any" {
			line += "  [" + d.addresses() + "]"
		}
		out = append(out, line)
	}
	if len(out) == 0 {
		out = append(out, "nobody: no relay is set, and direct connections and the LAN are switched off")
	}
	return out
}

func (d Destination) at() string {
	port := "any"
	if d.Port != 0 {
		port = strconv.Itoa(d.Port)
	}
	return net.JoinHostPort(d.Host, port) + "/" + d.Proto
}

func (d Destination) addresses() string {
	if len(d.Addresses) == 0 {
		return "no address now"
	}
	var list []string
	for _, a := range d.Addresses {
		list = append(list, a.String())
	}
	return strings.Join(list, ", ")
}

// NFT is an nftables rule set with one chain, "allow", to be jumped to from the chain
// that drops the rest. What cannot be said beforehand is there as a comment.
func NFT(all []Destination) string {
	var b strings.Builder
	b.WriteString("# What sightline contacts. From a chain that drops: jump allow\n" +
		"table inet sightline {\n\tchain allow {\n\t\tct state established,related accept\n")
	for _, d := range all {
		if len(d.Addresses) == 0 {
			fmt.Fprintf(&b, "\t\t# %s: %s\n", d.at(), comment(d.Why))
		}
		for _, a := range d.Addresses {
			family := "ip6"
			if a.Is4() {
				family = "ip"
			}
			port := d.Proto + " dport " + strconv.Itoa(d.Port)
			if d.Port == 0 {
				port = "meta l4proto " + d.Proto
			}
			fmt.Fprintf(&b, "\t\t%s daddr %s %s accept comment \"%s\"\n", family, a, port, comment(d.Why+" "+d.Host))
		}
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}

// comment keeps what may stand in an nftables comment: at most 128 bytes, no quotes.
func comment(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), 120)]
}
