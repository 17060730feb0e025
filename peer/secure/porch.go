package secure

import (
	"sync"

	p2p "github.com/libp2p/go-libp2p/core/peer"
)

// Porch limits how many strangers may stand before a host's door: those who
// have not sent a guess yet are cheap and may be many, those who have cost
// some point arithmetic and may be few. The zero value has the limits of
// SECURITY-DESIGN section 4. One Porch serves one host.
type Porch struct {
	Before  int // handshakes that have not come to M3; 0 means 64
	After   int // handshakes that have; 0 means 8
	PerPeer int // of one peer ID, in all; 0 means 2

	mu            sync.Mutex
	before, after int
	peers         map[p2p.ID]int
}

// place is one handshake's place. Owned by that handshake.
type place struct {
	porch  *Porch
	peer   p2p.ID
	inside bool
}

func (p *Porch) enter(peer p2p.ID) (*place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.before >= orDefault(p.Before, 64) || p.peers[peer] >= orDefault(p.PerPeer, 2) {
		return nil, false
	}
	if p.peers == nil {
		p.peers = make(map[p2p.ID]int)
	}
	p.before++
	p.peers[peer]++
	return &place{porch: p, peer: peer}, true
}

// advance moves on from before M3 to after it, if there is a place.
func (pl *place) advance() bool {
	p := pl.porch
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.after >= orDefault(p.After, 8) {
		return false
	}
	p.before--
	p.after++
	pl.inside = true
	return true
}

func (pl *place) leave() {
	p := pl.porch
	p.mu.Lock()
	defer p.mu.Unlock()
	if pl.inside {
		p.after--
	} else {
		p.before--
	}
	if p.peers[pl.peer]--; p.peers[pl.peer] <= 0 {
		delete(p.peers, pl.peer)
	}
}

func orDefault(n, d int) int {
	if n > 0 {
		return n
	}
	return d
}
