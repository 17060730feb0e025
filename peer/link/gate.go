package link

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// gate is asked by libp2p before and during each connection, before any code
// of ours runs for it. It implements connmgr.ConnectionGater.
type gate struct {
	relayOnly, lanOnly bool // static

	mu     sync.Mutex
	denied map[p2p.ID]bool
	relays map[p2p.ID]bool // peers we use as servers: direct to them is always right
}

func (g *gate) deny(p p2p.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.denied == nil {
		g.denied = make(map[p2p.ID]bool)
	}
	g.denied[p] = true
}

func (g *gate) addRelay(p p2p.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.relays == nil {
		g.relays = make(map[p2p.ID]bool)
	}
	g.relays[p] = true
}

func (g *gate) isRelay(p p2p.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.relays[p]
}

func (g *gate) isDenied(p p2p.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.denied[p]
}

// InterceptPeerDial implements connmgr.ConnectionGater.
func (g *gate) InterceptPeerDial(p p2p.ID) bool { return !g.isDenied(p) && isEd25519(p) }

// InterceptAddrDial implements connmgr.ConnectionGater.
func (g *gate) InterceptAddrDial(p p2p.ID, a ma.Multiaddr) bool {
	if again := (secondCircuit{}).CanDial(a); again {
		return !g.lanOnly
	}
	if g.relayOnly && !isCircuit(a) && !g.isRelay(p) {
		return false
	}
	return !g.lanOnly || isNear(a)
}

// InterceptAccept implements connmgr.ConnectionGater. The peer is not known yet.
func (g *gate) InterceptAccept(addrs network.ConnMultiaddrs) bool {
	a := addrs.RemoteMultiaddr()
	if g.relayOnly && !isCircuit(a) {
		return false
	}
	return !g.lanOnly || isNear(a)
}

// InterceptSecured implements connmgr.ConnectionGater. Only Ed25519 identities
// pass: IDs of one length, and no RSA key that costs us work.
func (g *gate) InterceptSecured(_ network.Direction, p p2p.ID, _ network.ConnMultiaddrs) bool {
	return !g.isDenied(p) && isEd25519(p)
}

// InterceptUpgraded implements connmgr.ConnectionGater.
func (g *gate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }

// isEd25519 tells whether the peer ID carries an Ed25519 key in itself.
func isEd25519(p p2p.ID) bool {
	key, err := p.ExtractPublicKey()
	return err == nil && key.Type() == crypto.Ed25519
}
