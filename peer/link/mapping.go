package link

import (
	"context"
	"errors"
	"fmt"
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

	"sightline/peer/link/pcp"
)

const (
	// mapLife is how long the router keeps our port if nobody renews it, mapAgain
	// when that is done: as in libp2p.
	mapLife  = time.Minute
	mapAgain = mapLife / 3
	// mapAnswer is how long a router may take to answer by PCP or NAT-PMP, mapTries how
	// often one is asked that does not.
	mapAnswer = time.Second
	mapTries  = 3
	// mapLook is the pause between two looks at what UPnP has found, while it may
	// still be searching.
	mapLook   = 250 * time.Millisecond
	mapSearch = 15 * time.Second
)

// mapper is libp2p's NAT manager, which searches by UPnP first and needs some 5 s,
// and beside it the question by PCP (RFC 6887) or NAT-PMP (RFC 6886), which most routers
// with either answer at once: a viewer that was just started has its port before it is
// admitted.
type mapper struct {
	basichost.NATManager

	mu      sync.Mutex
	outside netip.Addr        // of the router
	ports   map[string]uint16 // tcp, udp: the router's port that leads to ours
	by      opener            // who mapped them
}

func newMapper(n network.Network) *mapper {
	return &mapper{NATManager: basichost.NewNATManager(n)}
}

// opener asks a router for a port by one protocol; it is known by its String.
type opener interface {
	// open maps "tcp" or "udp" to our port for a while, 0 ends that, and gives the address outside.
	open(ctx context.Context, proto string, port uint16, life time.Duration) (netip.AddrPort, error)
	String() string
}

// openersAt are the protocols by which a router is asked, the newest first.
func openersAt(router net.IP) []opener {
	return []opener{byPCP{pcp.New(router)}, byPMP{natpmp.NewClientWithTimeout(router, mapAnswer)}}
}

type byPCP struct{ *pcp.Client }

func (byPCP) String() string { return "PCP" }

func (c byPCP) open(ctx context.Context, proto string, port uint16, life time.Duration) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, mapAnswer)
	defer cancel()
	number := byte(pcp.UDP)
	if proto == "tcp" {
		number = pcp.TCP
	}
	return c.Map(ctx, number, port, life)
}

type byPMP struct{ *natpmp.Client }

func (byPMP) String() string { return "NAT-PMP" }

func (c byPMP) open(_ context.Context, proto string, port uint16, life time.Duration) (netip.AddrPort, error) {
	if life == 0 {
		_, err := c.AddPortMapping(proto, int(port), 0, 0)
		return netip.AddrPort{}, err
	}
	out, err := c.GetExternalAddress()
	if err != nil {
		return netip.AddrPort{}, err
	}
	got, err := c.AddPortMapping(proto, int(port), int(port), int(life/time.Second))
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(netip.AddrFrom4(out.ExternalIPAddress), got.MappedExternalPort), nil
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

// ask has the router map our port for mapLife by the first protocol that it knows.
func (m *mapper) ask(ctx context.Context, openers []opener, port int) error {
	var errs []error
	for _, by := range openers {
		outside, ports, err := openBoth(ctx, by, uint16(port))
		if len(ports) > 0 {
			m.mu.Lock()
			m.outside, m.ports, m.by = outside, ports, by
			m.mu.Unlock()
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", by, err))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outside, m.ports, m.by = netip.Addr{}, nil, nil
	return errors.Join(errs...)
}

// openBoth maps UDP and TCP. A router may give one of them only.
func openBoth(ctx context.Context, by opener, port uint16) (outside netip.Addr, ports map[string]uint16, err error) {
	ports = make(map[string]uint16)
	for _, proto := range [...]string{"udp", "tcp"} {
		at, err := by.open(ctx, proto, port, mapLife)
		if err == nil && (!at.Addr().Is4() || at.Addr().IsUnspecified() || at.Port() == 0) {
			err = errors.New("the router tells no outside address")
		}
		if err != nil {
			return outside, ports, err
		}
		outside, ports[proto] = at.Addr(), at.Port()
	}
	return outside, ports, nil
}

// giveBack ends the mappings.
func (m *mapper) giveBack(port int) {
	m.mu.Lock()
	ports, by := m.ports, m.by
	m.ports, m.by = nil, nil
	m.mu.Unlock()
	for proto := range ports {
		_, _ = by.open(context.Background(), proto, uint16(port), 0) // otherwise it ends by itself
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
	openers := openersAt(router)
	defer n.maps.giveBack(n.port)
	began, failed := time.Now(), 0
	var next time.Time
	var before []ma.Multiaddr
	for pause := mapLook; ; {
		if failed < mapTries && time.Now().After(next) {
			if err := n.maps.ask(n.ctx, openers, n.port); err != nil {
				failed++
				n.log.Debug("map a port", "err", err)
			} else {
				failed, next = 0, time.Now().Add(mapAgain)
			}
		}
		if now := n.mapped(); !slices.EqualFunc(now, before, ma.Multiaddr.Equal) {
			n.log.Debug("mapped", "addrs", now, "by", n.maps.protocol())
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

// protocol is the one by which our port was mapped.
func (m *mapper) protocol() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		return "UPnP"
	}
	return m.by.String()
}

// pcpAnycast is where the nearest box that maps ports is (RFC 7723), so the route there
// goes by the router to ask. Nothing is sent to it.
var pcpAnycast = net.IPv4(192, 0, 0, 9)

// Router is the address of the box that is asked for a port, "" if there is none.
func Router() string {
	ip, err := gateway()
	if err != nil {
		return ""
	}
	return ip.String()
}

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
