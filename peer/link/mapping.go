package link

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/jackpal/go-nat-pmp"
	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-netroute"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// mapLife is how long the router keeps our port if nobody renews it, mapAgain
	// when that is done: as in libp2p.
	mapLife  = time.Minute
	mapAgain = mapLife / 3
	// mapAnswer is how long a router may take to answer by NAT-PMP, mapTries how often
	// one is asked that does not.
	mapAnswer = time.Second
	mapTries  = 3
	// mapLook is the pause between two looks at what UPnP has found, while it may
	// still be searching.
	mapLook   = 250 * time.Millisecond
	mapSearch = 15 * time.Second
)

// mapper is libp2p's NAT manager, which searches by UPnP first and needs some 5 s,
// and beside it the question by NAT-PMP (RFC 6886), which most routers with either
// answer at once: a viewer that was just started has its port before it is admitted.
type mapper struct {
	basichost.NATManager

	mu      sync.Mutex
	outside netip.Addr        // of the router
	ports   map[string]uint16 // tcp, udp: the router's port that leads to ours
}

func newMapper(n network.Network) *mapper {
	return &mapper{NATManager: basichost.NewNATManager(n), ports: make(map[string]uint16)}
}

// mappingOf is the address outside that leads to a listen address, nil if none is known.
func (m *mapper) mappingOf(a ma.Multiaddr) ma.Multiaddr {
	transport, proto := transportOf(a), "tcp"
	if transport == "quic" {
		proto = "udp"
	}
	m.mu.Lock()
	outside, port := m.outside, m.ports[proto]
	m.mu.Unlock()
	if ip, ok := ipOf(a); ok && ip.Is4() && outside.IsValid() && port != 0 {
		return plainAddr(outside, port, transport)
	}
	return m.GetMapping(a)
}

// ask has the router map our port for mapLife.
func (m *mapper) ask(c *natpmp.Client, port int) error {
	var out [4]byte
	ports := make(map[string]uint16)
	got, err := c.GetExternalAddress()
	if err == nil {
		out = got.ExternalIPAddress
		for _, proto := range [...]string{"udp", "tcp"} {
			var one *natpmp.AddPortMappingResult
			if one, err = c.AddPortMapping(proto, port, port, int(mapLife/time.Second)); err == nil {
				ports[proto] = one.MappedExternalPort
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ports, m.outside = ports, netip.AddrFrom4(out)
	if m.outside.IsUnspecified() {
		m.outside = netip.Addr{}
		return errors.Join(err, errors.New("the router tells no outside address"))
	}
	return err
}

// giveBack ends the mappings.
func (m *mapper) giveBack(c *natpmp.Client, port int) {
	m.mu.Lock()
	ports := m.ports
	m.ports = nil
	m.mu.Unlock()
	for proto := range ports {
		_, _ = c.AddPortMapping(proto, port, 0, 0) // otherwise it ends by itself
	}
}

// mapPorts keeps our port open at the router, and tells who is admitted as soon as
// it is. It ends with the node.
func (n *Node) mapPorts() {
	router, err := gateway()
	if err != nil {
		n.log.Debug("no router to map a port at", "err", err)
		return
	}
	c := natpmp.NewClientWithTimeout(router, mapAnswer)
	defer n.maps.giveBack(c, n.port)
	began, failed := time.Now(), 0
	var next time.Time
	var before []ma.Multiaddr
	for pause := mapLook; ; {
		if failed < mapTries && time.Now().After(next) {
			if err := n.maps.ask(c, n.port); err != nil {
				failed++
				n.log.Debug("map a port by NAT-PMP", "err", err)
			} else {
				failed, next = 0, time.Now().Add(mapAgain)
			}
		}
		if now := n.mapped(); !slices.EqualFunc(now, before, ma.Multiaddr.Equal) {
			n.log.Debug("mapped", "addrs", now)
			before = now
			n.reoffer()
		}
		if time.Since(began) > mapSearch {
			pause = mapAgain / 4
		}
		if !sleep(n.ctx, pause) {
			return
		}
	}
}

// pcpAnycast is where the nearest box that maps ports is (RFC 7723), so the route there
// goes by the router to ask. Nothing is sent to it.
var pcpAnycast = net.IPv4(192, 0, 0, 9)

// gateway is the router of the default route. A look-up of 0.0.0.0 is refused by the
// library on Linux.
func gateway() (net.IP, error) {
	r, err := netroute.New()
	if err != nil {
		return nil, err
	}
	_, router, _, err := r.Route(pcpAnycast)
	if err == nil && (router == nil || router.IsUnspecified()) {
		err = errors.New("no default route")
	}
	return router, err
}
