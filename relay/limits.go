package relay

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	circuit "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"

	"sightline/relay/rendezvous"
)

// Limits of a relay. Zero means the default in brackets, negative no limit.
type Limits struct {
	Directory         rendezvous.Limits
	Circuits          int // open at a time, in all [64]
	CircuitsPerViewer int // … from one peer [4]
	CircuitsPerHost   int // … to one peer [16]
	// ReservationsPerIP is how many peers of one IP address may wait for circuits
	// [8, or Directory.LivePerSource if that is more].
	ReservationsPerIP int

	// Bandwidth, in bytes per second of what the circuits carry.
	CircuitRate int // of one circuit, each way [20 Mbit/s]
	PeerRate    int // of all circuits of one viewer or one host, both ways together [50 Mbit/s]
	Rate        int // of all circuits, both ways together [100 Mbit/s]

	// Idle is how long a circuit may carry nothing before it is ended [2 min]. libp2p's
	// yamux inside a live one says a word every 30 s, also where a direct path has taken
	// the session over and the circuit waits for its end.
	Idle   time.Duration
	Age    time.Duration // … and one that is so old [24 h]; its session comes back on a new one
	Volume int64         // bytes in a calendar month (UTC), both ways together; then no circuits are left [none]
}

// Unlimited lifts every limit of the relay but those on connections; for tests.
var Unlimited = Limits{
	Directory: rendezvous.Unlimited, Circuits: -1, CircuitsPerViewer: -1, CircuitsPerHost: -1, ReservationsPerIP: -1,
	CircuitRate: -1, PeerRate: -1, Rate: -1, Idle: -1, Age: -1,
}

// Mbit is a megabit per second in the unit of Limits.
const Mbit = 1_000_000 / 8

const (
	// Per direction and circuit. 64 KiB instead of libp2p's 2 KiB carries 1.4 to 1.75
	// times as much at 38 to 46 % less CPU per bit (measured over QUIC, TCP and WSS).
	circuitBuffer = 64 << 10
	// How long a host may take to accept a circuit; libp2p would wait 30 s and then 60 s.
	connectTime = 3 * time.Second
	// What stands for "no limit" where libp2p wants a number.
	plenty = 1 << 20

	connections      = 1024 // in all: 128 hosts and their viewers, several connections each
	connectionsPerIP = 64   // and per IPv6 /64: an office, not a flood
	newPerIP         = 2    // new connections per second and address …
	newPerIPBurst    = 64   // … after this many at once
)

func (l Limits) withDefaults() Limits {
	if l.ReservationsPerIP == 0 && l.Directory.LivePerSource < 0 {
		l.ReservationsPerIP = -1
	} else if l.ReservationsPerIP == 0 {
		l.ReservationsPerIP = max(8, l.Directory.LivePerSource)
	}
	for _, d := range []struct {
		field *int
		value int
	}{
		{&l.Circuits, 64}, {&l.CircuitsPerViewer, 4}, {&l.CircuitsPerHost, 16}, {&l.ReservationsPerIP, 8},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
		if *d.field < 0 {
			*d.field = plenty
		}
	}
	// Negative means none to package share and to the timers as well.
	l.CircuitRate = cmp.Or(l.CircuitRate, 20*Mbit)
	l.PeerRate = cmp.Or(l.PeerRate, 50*Mbit)
	l.Rate = cmp.Or(l.Rate, 100*Mbit)
	l.Idle = cmp.Or(l.Idle, 2*time.Minute)
	l.Age = cmp.Or(l.Age, 24*time.Hour)
	return l
}

// resources are libp2p's own circuit limits. Who may reserve is decided by acl, and
// how many circuits by gate, so most of these are only a second wall.
func (l Limits) resources(trusted bool) circuit.Resources {
	rc := circuit.DefaultResources()
	rc.Limit = nil // neither 2 min nor 128 KiB
	rc.BufferSize = circuitBuffer
	rc.MaxCircuits = max(l.CircuitsPerHost, l.CircuitsPerViewer)
	rc.MaxReservations = plenty
	rc.MaxReservationsPerASN = plenty
	rc.MaxReservationsPerIP = l.ReservationsPerIP
	if trusted { // a trusted address stands for many people, and libp2p has no exceptions
		rc.MaxReservationsPerIP = plenty
	}
	return rc
}

// resourceManager bounds memory, connections and streams of the whole process.
func resourceManager(l Limits, trusted []netip.Prefix) (network.ResourceManager, error) {
	scaled := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaled)
	circuits := min(l.Circuits, 4096)
	limits := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: connections, ConnsInbound: connections, FD: connections,
			Streams: 16 * connections, StreamsInbound: 8 * connections, StreamsOutbound: 8 * connections,
		},
		Transient: rcmgr.ResourceLimits{Conns: 256, ConnsInbound: 256, FD: 256, Streams: 512, StreamsInbound: 512},
		Service: map[string]rcmgr.ResourceLimits{
			// Each circuit is a stream in and one out and two buffers; the rest is
			// for reservations and handshakes under way.
			circuit.ServiceName: {
				Streams: rcmgr.LimitVal(2*circuits + 512), StreamsInbound: rcmgr.LimitVal(circuits + 512),
				StreamsOutbound: rcmgr.LimitVal(circuits + 64),
				Memory:          rcmgr.LimitVal64(circuits*2*circuitBuffer + 8<<20),
			},
		},
	}
	prefix4, prefix6, rates := trustedLimits(trusted)
	return rcmgr.NewResourceManager(
		rcmgr.NewFixedLimiter(limits.Build(scaled.AutoScale())),
		rcmgr.WithMetricsDisabled(),
		rcmgr.WithNetworkPrefixLimit(prefix4, prefix6),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: connectionsPerIP}},
			[]rcmgr.ConnLimitPerSubnet{
				{PrefixLength: 64, ConnCount: connectionsPerIP},
				{PrefixLength: 48, ConnCount: 4 * connectionsPerIP},
			}),
		rcmgr.WithConnRateLimiters(&rate.Limiter{
			NetworkPrefixLimits: rates,
			SubnetRateLimiter: rate.SubnetLimiter{
				IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: rate.Limit{RPS: newPerIP, Burst: newPerIPBurst}}},
				IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 64, Limit: rate.Limit{RPS: newPerIP, Burst: newPerIPBurst}}},
				GracePeriod:      time.Minute,
			},
		}))
}

// trustedLimits exempts trusted networks and this machine itself from the limits
// per address.
func trustedLimits(trusted []netip.Prefix) (v4, v6 []rcmgr.NetworkPrefixLimit, rates []rate.PrefixLimit) {
	v4 = append(v4, rcmgr.DefaultNetworkPrefixLimitV4...)
	v6 = append(v6, rcmgr.DefaultNetworkPrefixLimitV6...)
	for _, p := range trusted {
		l := rcmgr.NetworkPrefixLimit{Network: p, ConnCount: connections}
		if p.Addr().Is4() {
			v4 = append(v4, l)
		} else {
			v6 = append(v6, l)
		}
	}
	for _, l := range append(append([]rcmgr.NetworkPrefixLimit(nil), v4...), v6...) {
		rates = append(rates, rate.PrefixLimit{Prefix: l.Network}) // a zero Limit is none
	}
	return v4, v6, rates
}

// acl lets only registered hosts wait for circuits, and circuits lead only to them.
type acl struct{ dir *rendezvous.Server }

func (a acl) AllowReserve(p p2p.ID, _ ma.Multiaddr) bool              { return a.dir.Live(p) }
func (a acl) AllowConnect(_ p2p.ID, _ ma.Multiaddr, dest p2p.ID) bool { return a.dir.Live(dest) }

// gater refuses every identity that is not Ed25519: RSA keys of a stranger's choice
// cost CPU to verify, and our wire formats hold peer IDs of 38 bytes. It also keeps
// the relay from ever dialling: it is called, it does not call.
type gater struct{}

func (gater) InterceptPeerDial(p2p.ID) bool               { return false }
func (gater) InterceptAddrDial(p2p.ID, ma.Multiaddr) bool { return false }
func (gater) InterceptAccept(network.ConnMultiaddrs) bool { return true }
func (gater) InterceptSecured(_ network.Direction, p p2p.ID, _ network.ConnMultiaddrs) bool {
	key, err := p.ExtractPublicKey()
	return err == nil && key.Type() == crypto.Ed25519
}
func (gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
