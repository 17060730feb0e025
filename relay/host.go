package relay

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"
)

// userAgent is what identify tells everybody: no version, no system.
const userAgent = "sightline"

// newHost makes the libp2p host, without listeners yet. announce is all that it
// tells others about its addresses.
func newHost(o Options, announce []ma.Multiaddr, udp *udpSockets) (host.Host, error) {
	resources, err := resourceManager(o.Limits, slices.Concat(o.Trusted, o.ForwardedFrom))
	if err != nil {
		return nil, err
	}
	// Trimming hits idle strangers first: reservations and circuits weigh more.
	conns, err := connmgr.NewConnManager(connections*3/4, connections*7/8, connmgr.WithGracePeriod(time.Minute))
	if err != nil {
		return nil, err
	}
	secure, err := o.tlsConfig()
	if err != nil {
		return nil, err
	}
	return libp2p.New(
		libp2p.Identity(o.Key),
		libp2p.UserAgent(userAgent),
		libp2p.NoListenAddrs, // start adds them, one by one, so that each failure is seen
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(func(u transport.Upgrader, r network.ResourceManager) *webTransport {
			return &webTransport{upgrader: u, resources: r, tls: secure, proxies: o.ForwardedFrom, page: o.page()}
		}),
		libp2p.QUICReuse(udp.manager),
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(conns),
		libp2p.ConnectionGater(gater{}),
		libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr { return announce }),
		libp2p.DisableIdentifyAddressDiscovery(), // the relay knows its addresses
		libp2p.ForceReachabilityPublic(),         // and asks nobody whether they work
		libp2p.DisableRelay(),                    // it is not reached through others
		libp2p.Ping(false),
		libp2p.DisableMetrics(),
	)
}

// udpSockets gives the sockets of QUIC to others on the same port.
type udpSockets struct{ cm *quicreuse.ConnManager }

// manager is libp2p's constructor of the QUIC socket manager, kept for share. Who
// makes it himself must do by hand what libp2p does for its own: ask the resource
// manager about each connection before the handshake, and close it (see close). The
// keys come from the relay's identity, so that a restarted relay can tell its old
// peers at once (stateless reset) that their connections are gone.
func (u *udpSockets) manager(reset quic.StatelessResetKey, token quic.TokenGeneratorKey,
	resources network.ResourceManager) (*quicreuse.ConnManager, error) {
	var err error
	u.cm, err = quicreuse.NewConnManager(reset, token,
		quicreuse.VerifySourceAddress(resources.VerifySourceAddress),
		quicreuse.ConnContext(func(ctx context.Context, from *quic.ClientInfo) (context.Context, error) {
			// An address that cannot be written is counted as one without an IP.
			addr, _ := quicreuse.ToQuicMultiaddr(from.RemoteAddr, quic.Version1)
			scope, err := resources.OpenConnection(network.DirInbound, false, addr)
			if err != nil {
				return ctx, err
			}
			ctx = network.WithConnManagementScope(ctx, scope)
			context.AfterFunc(ctx, scope.Done)
			return ctx, nil
		}))
	return u.cm, err
}

// close frees the ports. libp2p does that only for a manager that it made itself.
func (u *udpSockets) close() error {
	if u.cm == nil {
		return nil
	}
	return u.cm.Close()
}

// share returns what arrives on a QUIC listener's socket and is not QUIC.
func (u *udpSockets) share(addr *net.UDPAddr) (net.PacketConn, error) {
	if u.cm == nil {
		return nil, errors.New("no QUIC socket")
	}
	return u.cm.SharedNonQUICPacketConn("", addr)
}
