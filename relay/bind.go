package relay

import (
	"net"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// bindError is the system's own word on why a cannot be listened on. libp2p hands
// it on as text, and whoever gives advice has to tell a port that is taken from
// one that is not permitted. It is err if the address turns out to be free.
func bindError(a ma.Multiaddr, err error) error {
	network, addr, bad := manet.DialArgs(a)
	if bad != nil {
		return err
	}
	var open interface{ Close() error }
	if strings.HasPrefix(network, "udp") {
		open, bad = net.ListenPacket(network, addr)
	} else {
		open, bad = net.Listen(network, addr)
	}
	if bad != nil {
		return bad
	}
	open.Close()
	return err
}
