package link

import (
	"math"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/core/transport"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/x/rate"
)

// newHost makes a libp2p host that says and opens as little as possible. It
// listens on nothing yet but the circuit; listen does the rest.
//
// Left out on purpose: AutoNAT (the ambient client is pinned by
// ForceReachabilityPrivate), ping, the observed-address manager (candidates.go
// keeps the few addresses we need) and libp2p's own hole punching, which runs
// when a circuit comes in, before anybody is admitted.
func (n *Node) newHost() (host.Host, error) {
	limits, err := newLimits()
	if err != nil {
		return nil, err
	}
	opts := []libp2p.Option{
		libp2p.Identity(n.o.Key),
		libp2p.UserAgent("sightline"),
		libp2p.NoListenAddrs,
		libp2p.DisableRelay(), // startCircuits takes its place
		libp2p.Transport(n.newWeb),
		libp2p.Transport(func() secondCircuit { return secondCircuit{n} }),
		libp2p.AddrsFactory(n.announced),
		libp2p.ConnectionGater(&n.gate),
		libp2p.ResourceManager(limits),
		libp2p.ConnectionManager(connmgr.NullConnMgr{}),
		libp2p.SwarmOpts(swarm.WithDialRanker(n.rankDials), swarm.WithDialTimeout(rungTime)),
		libp2p.ForceReachabilityPrivate(),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.Ping(false),
		libp2p.DisableMetrics(),
		// A person who dials a dozen dead addresses must not be told that UDP
		// does not exist: no black hole detection.
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
	}
	if n.o.Listen == "none" {
		opts = append(opts, libp2p.Transport(newTCP(tcp.DisableReuseport())))
	} else {
		opts = append(opts, libp2p.Transport(newTCP()), libp2p.Transport(n.newQUIC))
	}
	// A port is of use to who may come directly from elsewhere.
	if n.o.MapPorts && n.o.Listen != "none" && !n.o.NoDirect && !n.o.RelayOnly && !n.o.LANOnly {
		opts = append(opts, libp2p.NATManager(func(net network.Network) basichost.NATManager {
			n.maps = newMapper(net)
			return n.maps
		}))
	}
	return libp2p.New(opts...)
}

// newQUIC keeps hold of the sockets, from which we ask by STUN and probe.
func (n *Node) newQUIC(key crypto.PrivKey, cm *quicreuse.ConnManager, psk pnet.PSK, gater connmgr.ConnectionGater,
	limits network.ResourceManager) (transport.Transport, error) {
	n.udp = cm
	return quic.NewTransport(key, cm, psk, gater, limits)
}

// newWeb is libp2p's constructor of the transport of the higher rungs.
func (n *Node) newWeb(u transport.Upgrader, resources network.ResourceManager) *webTransport {
	n.web.upgrader, n.web.resources = u, resources
	return n.web
}

// Limits on what all peers together, and one peer, may take from this process.
// A host serves a handful of viewers; strangers at the door are 64 (SECURITY-
// DESIGN, section 4). A circuit counts as one connection and one stream.
const (
	maxConns        = 192
	maxConnsPerPeer = 16
	maxStreams      = 1024
	maxStreamsPeer  = 96
	maxMemory       = 256 << 20 // bytes of buffers; a QUIC connection may take 15 MiB of window
	maxMemoryPeer   = 96 << 20
)

func newLimits() (network.ResourceManager, error) {
	all := rcmgr.ResourceLimits{
		Conns: maxConns, ConnsInbound: maxConns, ConnsOutbound: maxConns, FD: maxConns,
		Streams: maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams,
		Memory: maxMemory,
	}
	one := rcmgr.ResourceLimits{
		Conns: maxConnsPerPeer, ConnsInbound: maxConnsPerPeer, ConnsOutbound: maxConnsPerPeer, FD: maxConnsPerPeer,
		Streams: maxStreamsPeer, StreamsInbound: maxStreamsPeer, StreamsOutbound: maxStreamsPeer,
		Memory: maxMemoryPeer,
	}
	cfg := rcmgr.PartialLimitConfig{
		System: all, Transient: all,
		ServiceDefault: all, ServicePeerDefault: one,
		ProtocolDefault: all, ProtocolPeerDefault: one,
		PeerDefault: one,
	}
	// One address is a whole office behind a NAT, or a relay with all its
	// circuits: libp2p's default of 8 connections and one new one in 5 s per
	// IPv4 address would refuse the ninth viewer.
	perIP4 := []rcmgr.ConnLimitPerSubnet{{ConnCount: maxConns, PrefixLength: 32}}
	perIP6 := []rcmgr.ConnLimitPerSubnet{{ConnCount: maxConns, PrefixLength: 64}}
	return rcmgr.NewResourceManager(
		rcmgr.NewFixedLimiter(cfg.Build(rcmgr.DefaultLimits.AutoScale())),
		rcmgr.WithLimitPerSubnet(perIP4, perIP6),
		rcmgr.WithNetworkPrefixLimit(unlimited("127.0.0.0/8"), unlimited("::1/128")),
		rcmgr.WithConnRateLimiters(newRates()),
		rcmgr.WithMetricsDisabled(),
	)
}

func unlimited(prefix string) []rcmgr.NetworkPrefixLimit {
	return []rcmgr.NetworkPrefixLimit{{Network: netip.MustParsePrefix(prefix), ConnCount: math.MaxInt}}
}

// newRates bounds new connections per address: 5 a second, 128 at once. With
// strangerStay that is less than maxConns, so one address cannot fill the door.
func newRates() *rate.Limiter {
	limit := rate.Limit{RPS: 5, Burst: 128}
	return &rate.Limiter{
		SubnetRateLimiter: rate.SubnetLimiter{
			IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: limit}},
			IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 64, Limit: limit}},
			GracePeriod:      time.Minute,
		},
		NetworkPrefixLimits: []rate.PrefixLimit{
			{Prefix: netip.MustParsePrefix("127.0.0.0/8")},
			{Prefix: netip.MustParsePrefix("::1/128")},
		},
	}
}
