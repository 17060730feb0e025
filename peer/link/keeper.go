package link

import (
	"context"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// theirOffer is an Offer as far as it is usable.
type theirOffer struct {
	nat   NAT
	addrs []ma.Multiaddr
}

// keeperPauses are the waits between two rounds that found no direct path, the
// last one for ever. A round is some packets; what stood in the way (another
// program's VPN, a box that was full, a Wi-Fi at its edge) may go away at any time.
var keeperPauses = [...]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second,
	15 * time.Second, 15 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute}

func (c *conn) Upgrade(theirs Offer) error {
	if err := c.admit(); err != nil {
		return err
	}
	n, r := c.n, c.r
	if n.noDirect() != "" {
		return nil // Path says so
	}
	addrs := n.parseCandidates(theirs.Addrs, r.onLoopback())
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.isClosed || r.measure == nil {
		return ErrClosed
	}
	r.shown = true
	r.theirs = theirOffer{nat: theirs.NAT, addrs: addrs}
	r.wakeKeeper()
	if r.keeping {
		return nil
	}
	ctx := r.measure
	r.keeping = n.runLocked(func() { r.keepDirect(ctx) })
	return nil
}

// wakeKeeper has the next round begin now.
func (r *remote) wakeKeeper() { signal(r.news) }

// keepDirect tries to have a direct path for as long as somebody is admitted.
func (r *remote) keepDirect(ctx context.Context) {
	defer func() {
		r.n.mu.Lock()
		r.keeping = false
		r.n.mu.Unlock()
	}()
	for round := 0; ctx.Err() == nil; round++ {
		if r.hasDirect() {
			r.setWhy("the direct path broke, another is looked for") // what to say should it come to that
			if !r.waitLost(ctx) {
				return
			}
			round = 0
		}
		r.drainNews()
		if round > 0 {
			r.n.surveyAgain()
		}
		if round > 0 && r.circuitCameIn() {
			r.askAgain() // both at the same time is what opens NAT boxes
		}
		r.tryDirect(ctx, round)
		if r.hasDirect() || ctx.Err() != nil {
			continue
		}
		r.n.mu.Lock()
		theirs := r.theirs
		r.n.mu.Unlock()
		r.setWhy(whyRelayed(r.n.nat(), theirs.nat, len(theirs.addrs) > 0))
		if theirs.nat == NATOff {
			r.waitNews(ctx, -1)
			continue
		}
		r.waitNews(ctx, keeperPauses[min(round, len(keeperPauses)-1)])
	}
}

func (r *remote) drainNews() {
	select {
	case <-r.news:
	default:
	}
}

// hasDirect tells whether a direct connection stands, also one in doubt: that is
// decided within seconds, and a second one beside it would go the same way.
func (r *remote) hasDirect() bool {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	for _, p := range r.paths {
		if p.kind > Relayed && !p.failed.Load() && !p.conn.IsClosed() {
			return true
		}
	}
	return false
}

// waitLost waits until no direct connection stands. It is false if ctx ended.
func (r *remote) waitLost(ctx context.Context) bool {
	for {
		r.n.mu.Lock()
		changed := r.changed
		r.n.mu.Unlock()
		if !r.hasDirect() {
			return ctx.Err() == nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// waitNews waits so long (negative: for ever), or until there is something new to
// try, or a direct path came by the other side's doing.
func (r *remote) waitNews(ctx context.Context, pause time.Duration) {
	var over <-chan time.Time
	if pause >= 0 {
		t := time.NewTimer(pause)
		defer t.Stop()
		over = t.C
	}
	for {
		r.n.mu.Lock()
		changed := r.changed
		r.n.mu.Unlock()
		if r.hasDirect() {
			return
		}
		select {
		case <-over:
			return
		case <-r.news:
			return
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// tryDirect is one round: dial what the peer told, look for its port if one side
// has another for each destination, then punch.
func (r *remote) tryDirect(ctx context.Context, round int) {
	r.n.mu.Lock()
	theirs := r.theirs
	r.n.mu.Unlock()
	mine := r.n.nat()
	if theirs.nat == NATOff {
		return
	}
	if round == 0 {
		r.setWhy("trying a direct path")
	}
	probed := make(chan struct{})
	if !r.n.run(func() {
		defer close(probed)
		r.birthday(ctx, mine, theirs)
	}) {
		return
	}
	if len(theirs.addrs) > 0 {
		within := plainDial
		if (mine.noUDP() || theirs.nat.noUDP()) && theirs.nat != NATOpen && !plainTCP(mine, theirs.nat) {
			within = lanDial
		}
		if mine == NATNoUDPEach && !r.circuitCameIn() {
			r.letOpen(ctx)
		}
		r.dialDirect(ctx, r.dialable(theirs.addrs, mine, theirs.nat), within)
	}
	<-probed
	if mine == NATSame && theirs.nat == NATEach && r.n.mayProbe() {
		r.waitProbed(ctx)
	}
	if r.isDirect() || ctx.Err() != nil || hopeless(mine, theirs.nat) {
		return
	}
	if err := r.punchHole(ctx); err != nil {
		r.n.log.Debug("hole punch", "peer", r.id, "err", err)
	}
}

// plainTCP: TCP is all that can come about, and one side's NAT gives each destination
// its own port. The other cannot punch towards a port that nobody knows, and two SYNs
// never meet: what gets through, if anything does, is a call of this side to a box that
// lets it in, because it lets in anybody or whoever was called from behind it.
func plainTCP(mine, theirs NAT) bool { return mine == NATNoUDPEach || theirs == NATNoUDPEach }

// openLeast is how long letOpen waits while the round trip is not known.
const openLeast = 150 * time.Millisecond

// letOpen gives the other side, which hears half a round trip later of our offer, the
// time to call us and open its box: a SYN that comes too early is sent again after a
// second only.
func (r *remote) letOpen(ctx context.Context) {
	r.n.mu.Lock()
	rtt := r.relayedTripLocked()
	r.n.mu.Unlock()
	if rtt == 0 {
		rtt = openLeast
	}
	sleep(ctx, rtt)
}

// hopeless: both sides have another port for each destination, so that neither knows
// where to punch to.
func hopeless(mine, theirs NAT) bool {
	return mine == theirs && (mine == NATEach || mine == NATNoUDPEach)
}

// probeComes is how long the hard side may take until its stream is here.
const probeComes = 1500 * time.Millisecond

// waitProbed gives way to a birthday punch that the other side begins: a hole
// punch at the same time would take over the dial to the port that was found.
func (r *remote) waitProbed(ctx context.Context) {
	began := time.Now()
	for !r.waitDirect(ctx, 100*time.Millisecond) && ctx.Err() == nil {
		r.n.mu.Lock()
		probing := r.probing
		r.n.mu.Unlock()
		if !probing && time.Since(began) > probeComes {
			return
		}
	}
}
