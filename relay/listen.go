package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"sightline/relay/rendezvous"
)

// maxAddrs is how many addresses a join string may have.
const maxAddrs = 8

// plan is what will be listened on: each address with each of its ports.
type plan struct {
	at      []netip.AddrPort
	web     map[netip.AddrPort]string // where Listen says what is spoken: rendezvous.WS or WSS
	anyFree bool                      // a port was chosen by us and may be gone when we come
}

// scheme is what is spoken at one of the addresses: WSS, WS, or "" for QUIC and TCP.
func (p plan) scheme(a netip.AddrPort) string {
	if s, ok := p.web[a]; ok {
		return s
	}
	return rendezvous.Web(a.Port())
}

// cutScheme takes ws:// or wss:// off an element of Listen or Announce.
func cutScheme(s string) (scheme, rest string) {
	for _, scheme := range [...]string{rendezvous.WSS, rendezvous.WS} {
		if rest, ok := strings.CutPrefix(s, scheme+"://"); ok {
			return scheme, rest
		}
	}
	return "", s
}

// planListeners reads Options.Listen and chooses the free ports.
func planListeners(list []string) (plan, error) {
	p := plan{web: make(map[netip.AddrPort]string)}
	for _, s := range list {
		scheme, s := cutScheme(s)
		host, portText, err := net.SplitHostPort(s)
		if err != nil {
			return plan{}, fmt.Errorf("listen address %q is not HOST:PORT", s)
		}
		port, err := strconv.ParseUint(portText, 10, 16)
		if err != nil {
			return plan{}, fmt.Errorf("listen address %q: %q is not a port", s, portText)
		}
		ips, err := listenIPs(host)
		if err != nil {
			return plan{}, fmt.Errorf("listen address %q: %w", s, err)
		}
		if port == 0 {
			p.anyFree = true
			if port, err = freePort(ips[0]); err != nil {
				return plan{}, err
			}
		}
		for _, ip := range ips {
			at := netip.AddrPortFrom(ip, uint16(port))
			p.at = append(p.at, at)
			if scheme != "" {
				p.web[at] = scheme
			}
		}
	}
	return p, nil
}

// listenIPs: nothing means all addresses of both families, if the machine has both.
func listenIPs(host string) ([]netip.Addr, error) {
	switch host {
	case "":
		ips := []netip.Addr{netip.IPv4Unspecified()}
		if hasIPv6() {
			ips = append(ips, netip.IPv6Unspecified())
		}
		return ips, nil
	case "localhost":
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return nil, fmt.Errorf("%q is not an IP address of this machine (use --announce for names)", host)
	}
	return []netip.Addr{ip.Unmap()}, nil
}

func hasIPv6() bool {
	c, err := net.ListenPacket("udp6", "[::]:0")
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// freePort finds a number that is free for TCP and UDP, as its second port is.
func freePort(ip netip.Addr) (uint64, error) {
	var last error
	for range 16 {
		l, err := net.Listen("tcp", netip.AddrPortFrom(ip, 0).String())
		if err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		at := netip.AddrPortFrom(ip, l.Addr().(*net.TCPAddr).AddrPort().Port())
		l.Close()
		second, ok := secondOf(at)
		if last = errors.Join(free(at), free(second)); ok && last == nil {
			return uint64(at.Port()), nil
		}
	}
	return 0, fmt.Errorf("find a port that is free for TCP and UDP: %w", last)
}

func (p plan) hostPorts() []string {
	var all []string
	for _, a := range p.at {
		all = append(all, a.String())
	}
	return all
}

func (p plan) multiaddrs() []ma.Multiaddr {
	var all []ma.Multiaddr
	for _, a := range p.at {
		for _, t := range rendezvous.TransportsAs(p.scheme(a), a.Port()) {
			all = append(all, ma.StringCast(ipPrefix(a.Addr())+t))
		}
	}
	return all
}

// udp are the sockets of QUIC.
func (p plan) udp() []*net.UDPAddr {
	var all []*net.UDPAddr
	for _, a := range p.at {
		if p.scheme(a) == "" {
			all = append(all, net.UDPAddrFromAddrPort(a))
		}
	}
	return all
}

// serves tells whether something is spoken at one of the addresses at least.
func (p plan) serves(scheme string) bool {
	return slices.ContainsFunc(p.at, func(a netip.AddrPort) bool { return p.scheme(a) == scheme })
}

func ipPrefix(ip netip.Addr) string {
	if ip.Is4() {
		return "/ip4/" + ip.String()
	}
	return "/ip6/" + ip.String()
}

// doors are the different ports with what is spoken there, as a join string has
// them behind the name, in the order of Listen. Those on loopback are for a reverse
// proxy, which has ports of its own, unless there is nothing else.
func (p plan) doors() []door {
	var far, near []door
	for _, a := range p.at {
		d := door{p.scheme(a), a.Port()}
		switch {
		case a.Addr().IsLoopback() && !slices.Contains(near, d):
			near = append(near, d)
		case !a.Addr().IsLoopback() && !slices.Contains(far, d):
			far = append(far, d)
		}
	}
	if len(far) == 0 {
		return near
	}
	return far
}

// door is a port with what is spoken there.
type door struct {
	scheme string
	port   uint16
}

// at is the address of the door at a host, as a join string has it.
func (d door) at(host string) string {
	a := net.JoinHostPort(host, strconv.Itoa(int(d.port)))
	if d.scheme != rendezvous.Web(d.port) {
		return d.scheme + ":" + a
	}
	return a
}

// joinString makes what others need to use this relay.
func joinString(o Options, p plan) (rendezvous.Join, error) {
	id, err := p2p.IDFromPrivateKey(o.Key)
	if err != nil {
		return rendezvous.Join{}, err
	}
	j := rendezvous.Join{ID: id}
	if !o.Open {
		j.Token = o.Token
	}
	if p.serves(rendezvous.WSS) && o.selfSigned() {
		if j.Pin, err = tlsPin(o.Key); err != nil {
			return rendezvous.Join{}, err
		}
	}
	if len(o.Announce) > 0 {
		j.Addrs = announced(o.Announce, p)
	} else if j.Addrs, err = ownAddrs(p); err != nil {
		return rendezvous.Join{}, err
	}
	// Reading it back checks every name and brings it into its one spelling.
	return rendezvous.ParseJoin(j.String())
}

// announced gives each name without a port all our ports.
func announced(names []string, p plan) []string {
	var all []string
	for _, n := range names {
		scheme, n := cutScheme(n)
		if _, _, err := net.SplitHostPort(n); err == nil {
			if scheme != "" {
				n = scheme + ":" + n
			}
			all = append(all, n)
			continue
		}
		for _, d := range p.doors() {
			if scheme == "" || scheme == d.scheme {
				all = append(all, d.at(strings.Trim(n, "[]")))
			}
		}
	}
	return all
}

// ownAddrs are the addresses under which this machine may be reached, the ones of
// more use first: IPv4, then IPv6; loopback only if there is nothing else.
func ownAddrs(p plan) ([]string, error) {
	ifaces, err := interfaceIPs()
	if err != nil {
		return nil, err
	}
	type place struct {
		ip netip.Addr
		door
	}
	var far, near []place
	for _, a := range p.at {
		for _, ip := range reachable(a.Addr(), ifaces) {
			ap := place{ip, door{p.scheme(a), a.Port()}}
			if ip.IsLoopback() {
				near = append(near, ap)
			} else {
				far = append(far, ap)
			}
		}
	}
	if len(far) == 0 {
		far = near
	}
	slices.SortStableFunc(far, func(a, b place) int { return a.ip.BitLen() - b.ip.BitLen() })
	far = slices.Compact(far)
	var all []string
	for _, a := range far[:min(len(far), maxAddrs)] {
		all = append(all, a.at(a.ip.String()))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no address to give to others: use --announce")
	}
	return all, nil
}

// reachable are the addresses behind one listener: itself, or for "all addresses"
// those of the interfaces of the same family.
func reachable(listen netip.Addr, ifaces []netip.Addr) []netip.Addr {
	if !listen.IsUnspecified() {
		return []netip.Addr{listen}
	}
	var all []netip.Addr
	for _, ip := range ifaces {
		if ip.BitLen() == listen.BitLen() {
			all = append(all, ip)
		}
	}
	return all
}

// interfaceIPs leaves out link-local addresses, which mean something else on every
// other machine.
func interfaceIPs() ([]netip.Addr, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("read the addresses of this machine: %w", err)
	}
	var all []netip.Addr
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		if ip := p.Addr().Unmap(); !ip.IsLinkLocalUnicast() && !ip.IsMulticast() && ip.Zone() == "" {
			all = append(all, ip)
		}
	}
	return all, nil
}
