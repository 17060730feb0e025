package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	pbv2 "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	ma "github.com/multiformats/go-multiaddr"
)

// reservation is our place at one relay.
type reservation struct {
	relay    p2p.AddrInfo
	circuits []ma.Multiaddr // where we can be met: what we announce
	cancel   context.CancelFunc
}

const (
	reserveTimeout = 15 * time.Second
	// reserveEarly is how long before its end a reservation is asked for again
	// (a relay gives one hour), reserveSoonest the least pause between two.
	reserveEarly   = 5 * time.Minute
	reserveSoonest = 30 * time.Second
	reserveAgain   = 10 * time.Second // after a refresh that failed
	// pokeEvery is how often a waiting host sends its relay one small packet.
	// A relay that was restarted answers it with a QUIC stateless reset, so
	// the host knows within seconds and can register again; by itself QUIC
	// speaks every 15 s only.
	pokeEvery = 4 * time.Second
)

// Connect connects to a server of ours, a relay, by the first rung of the ladder
// that leads there (ladder.go). What it tells of our address as it sees it is
// believed and becomes a candidate.
func (n *Node) Connect(ctx context.Context, info p2p.AddrInfo) error {
	if err := n.connect(ctx, p2p.AddrInfo{ID: info.ID, Addrs: withProxy(n.web.proxies, info.Addrs)}); err != nil {
		return err
	}
	n.startClimb(info)
	return nil
}

// connect uses these addresses and no others.
func (n *Node) connect(ctx context.Context, info p2p.AddrInfo) error {
	n.gate.addRelay(info.ID)
	n.forgetFailures(info.ID)
	// The host's Connect would wait until the relay has introduced itself: a round
	// trip that nobody needs.
	n.h.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.TempAddrTTL)
	if _, err := n.h.Network().DialPeer(ctx, info.ID); err != nil {
		return n.dialError(ctx, err)
	}
	if n.onFirstRung(info.ID) {
		n.web.forget(info.ID)
	}
	info.Addrs = slices.DeleteFunc(slices.Clone(info.Addrs), isProxied)
	n.mu.Lock()
	_, known := n.servers[info.ID]
	n.servers[info.ID] = info
	n.mu.Unlock()
	if !known {
		n.run(func() { n.survey(info) })
	}
	return nil
}

// Reserve takes a place at a relay, so that others can come to us through it,
// and returns after the first success. The place is kept until ctx ends, the
// connection to the relay ends or the Node is closed; whoever connects again
// reserves again. Errors: ErrRefusedByRelay, ErrNoPath, ErrClosed, ctx.
func (n *Node) Reserve(ctx context.Context, relay p2p.AddrInfo) error {
	if err := n.Connect(ctx, relay); err != nil {
		return err
	}
	end, err := n.reserve(ctx, relay)
	if err != nil {
		return err
	}
	life, cancel := context.WithCancel(ctx)
	r := &reservation{relay: relay, cancel: cancel, circuits: circuitsOf(relay)}

	n.mu.Lock()
	defer n.mu.Unlock()
	if old := n.reserved[relay.ID]; old != nil {
		old.cancel()
	}
	started := n.runLocked(func() {
		defer cancel()
		defer context.AfterFunc(n.ctx, cancel)()
		n.keepReserved(life, r, end)
	})
	if !started {
		cancel()
		return ErrClosed
	}
	n.reserved[relay.ID] = r
	return nil
}

// circuitsOf are the addresses at which a relay passes on to us.
func circuitsOf(relay p2p.AddrInfo) []ma.Multiaddr {
	tail := ma.StringCast("/p2p/" + relay.ID.String() + "/p2p-circuit")
	var out []ma.Multiaddr
	for _, a := range relay.Addrs {
		out = append(out, ma.Join(a, tail))
	}
	return out
}

// reserve asks once; end is when the place is lost.
func (n *Node) reserve(ctx context.Context, relay p2p.AddrInfo) (end time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, reserveTimeout)
	defer cancel()
	got, err := client.Reserve(ctx, n.h, relay)
	var refused client.ReservationError
	switch {
	case err == nil:
		return got.Expiration, nil
	case errors.As(err, &refused) && (refused.Status == pbv2.Status_RESERVATION_REFUSED || refused.Status == pbv2.Status_PERMISSION_DENIED || refused.Status == pbv2.Status_RESOURCE_LIMIT_EXCEEDED):
		return time.Time{}, fmt.Errorf("%w: no place there (%s)", ErrRefusedByRelay, refused.Status)
	}
	return time.Time{}, fmt.Errorf("reserve a place at the relay: %w", n.dialError(ctx, err))
}

// keepReserved asks again before the end, and gives up with the connection.
func (n *Node) keepReserved(ctx context.Context, r *reservation, end time.Time) {
	defer n.unreserve(r)
	poke := time.NewTicker(pokeEvery)
	defer poke.Stop()
	next := time.NewTimer(refreshIn(end))
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-poke.C:
			n.poke(ctx, r.relay.ID)
		case <-next.C:
			got, err := n.reserve(ctx, r.relay)
			if err == nil {
				next.Reset(refreshIn(got))
				continue
			}
			n.log.Debug("reservation not renewed", "relay", r.relay.ID, "err", err)
			if time.Now().After(end) {
				return
			}
			next.Reset(reserveAgain)
		}
	}
}

func refreshIn(end time.Time) time.Duration {
	left := time.Until(end)
	return max(left-reserveEarly, left/2, reserveSoonest)
}

// poke makes QUIC send one packet: a stream that is thrown away before a byte
// was written. TCP needs none, the kernel hears of a process that ended.
func (n *Node) poke(ctx context.Context, relay p2p.ID) {
	for _, c := range n.h.Network().ConnsToPeer(relay) {
		if transportOf(c.RemoteMultiaddr()) != "quic" || isCircuit(c.RemoteMultiaddr()) {
			continue
		}
		if s, err := c.NewStream(ctx); err == nil {
			s.Reset()
		}
	}
}

// relayLostLocked ends the reservation when the last connection to the relay is gone.
func (n *Node) relayLostLocked(id p2p.ID) {
	r := n.reserved[id]
	if r == nil || n.h.Network().Connectedness(id) == network.Connected {
		return
	}
	delete(n.reserved, id)
	r.cancel()
}

func (n *Node) unreserve(r *reservation) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.reserved[r.relay.ID] == r {
		delete(n.reserved, r.relay.ID)
	}
}
