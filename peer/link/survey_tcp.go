package link

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"sightline/peer/netcheck"
)

// surveyTCPTime is what the second connection of a TCP survey may take.
const surveyTCPTime = 3 * time.Second

// surveyTCP finds out what a NAT box does with TCP, where UDP does not come through: a
// connection to the relay's second port, from the port that the one to its first port
// came from, is compared with that.
//
// It begins as soon as UDP is thought silent: when it waited for the last answer by UDP,
// who was admitted within 2 s tried to punch towards a port that nobody knows, and
// called where it could a second and a half later.
func (n *Node) surveyTCP(relay p2p.ID) {
	n.surveyingTCP.Lock() // a second one finds what the first one found out
	defer n.surveyingTCP.Unlock()
	n.mu.Lock()
	first, to := n.tcpToRelayLocked(relay)
	wanted := n.natLocked() == NATNoUDP && n.tcpMapping == ""
	n.mu.Unlock()
	if !wanted || to == nil {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, surveyTCPTime)
	defer cancel()
	second, err := netcheck.Observe(ctx, n.h.Network(), relay, to)
	if err != nil {
		n.log.Debug("survey by TCP", "to", to, "err", err)
		return
	}
	defer second.Close()
	m, err := netcheck.CompareMappings(first, *second)
	if err != nil {
		n.log.Debug("survey by TCP", "to", to, "err", err)
		return
	}
	n.mu.Lock()
	n.tcpMapping = m
	n.mu.Unlock()
	n.log.Debug("survey by TCP", "nat", n.nat(), "mapping", m)
	n.reoffer()
}

// tcpToRelayLocked is how the relay sees our TCP connection to its own port, and the
// second port beside that; nil if there is none.
func (n *Node) tcpToRelayLocked(relay p2p.ID) (netcheck.Observation, ma.Multiaddr) {
	for c, seen := range n.observed {
		ip, ok := ipOf(c.RemoteMultiaddr())
		if c.RemotePeer() != relay || !ok || !ip.Is4() || c.Stat().Direction != network.DirOutbound {
			continue
		}
		if second, ok := netcheck.Second(c.RemoteMultiaddr()); ok && transportOf(second) == "tcp" {
			return netcheck.Observation{Seen: seen, Local: c.LocalMultiaddr()}, second
		}
	}
	return netcheck.Observation{}, nil
}
