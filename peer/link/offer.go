package link

import (
	"bytes"
	"slices"
)

// Offer is what one side tells the other, over the sealed channel and after
// admission only, about how it can be reached directly.
type Offer struct {
	NAT   NAT
	Addrs [][]byte // multiaddr bytes, at most 32
}

func (o Offer) equal(p Offer) bool {
	return o.NAT == p.NAT && slices.EqualFunc(o.Addrs, p.Addrs, bytes.Equal)
}

func (c *conn) Offer() Offer {
	o := c.offer()
	c.n.mu.Lock()
	c.told = o
	c.n.mu.Unlock()
	return o
}

func (c *conn) Offers() <-chan struct{} { return c.offers }

func (c *conn) offer() Offer {
	o := Offer{NAT: c.n.nat()}
	for _, a := range c.n.candidates(c.r.onLoopback()) {
		o.Addrs = append(o.Addrs, a.Bytes())
	}
	return o
}

// reoffer has the offers sent again that have changed. What the other side will
// try then, this side should try at the same time.
func (n *Node) reoffer() {
	n.mu.Lock()
	var all []*conn
	for _, r := range n.remotes {
		for _, c := range r.conns {
			if c.admitted {
				all = append(all, c)
			}
		}
	}
	n.mu.Unlock()
	for _, c := range all {
		now := c.offer()
		n.mu.Lock()
		if !now.equal(c.told) {
			signal(c.offers)
			c.r.wakeKeeper()
		}
		n.mu.Unlock()
	}
}

// askAgain sends the offers once more, changed or not: the other side takes that
// as the sign to try at the same time as we do.
func (r *remote) askAgain() {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	for _, c := range r.conns {
		if c.admitted {
			signal(c.offers)
		}
	}
}

// signal wakes who waits on a channel of one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
