package rendezvous

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

const (
	// The back-off after a lost relay. The first try is at once: mostly it was a
	// restart or a change of network, and a person may be waiting.
	backoffMin = 250 * time.Millisecond
	backoffMax = 5 * time.Second
	lostPause  = 50 * time.Millisecond
	shortTry   = 1500 * time.Millisecond
	// A relay that answers but refuses (token, number taken) is asked this seldom.
	refusedWait = time.Minute
	// How often a quiet connection is tried. A relay that was killed sends nothing,
	// and QUIC would notice after 30 s only; a question to its successor is answered
	// by a stateless reset at once.
	beatEvery = 4 * time.Second
	// A relay that is silent for so long on an open connection is given up. Longer
	// than reachTime because a relayed session may fill the same connection.
	beatTime = 10 * time.Second
	// admitTime bounds Options.Admitted.
	admitTime = 10 * time.Second
)

// post is one relay's part in one lease.
//
//	down ── claimed and admitted ──► up
//	down ◄── connection lost, renewal or heartbeat failed ── up
type post struct {
	client *Client
	relay  relay

	mu      sync.Mutex // guards all below
	err     error      // nil: up
	lease   []byte     // the last one that the relay gave; nil: none yet
	expires time.Time  // of lease
	renew   time.Time  // when half of it is over
}

var errNotYet = errors.New("not tried yet")

func newPost(c *Client, r relay) *post { return &post{client: c, relay: r, err: errNotYet} }

func (p *post) set(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func (p *post) why() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *post) isLost() bool { return errors.Is(p.why(), ErrTaken) }

func (p *post) held() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lease != nil
}

func (p *post) expiry() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.expires
}

// claim registers or renews number within limit, with the lease if there is one.
func (p *post) claim(ctx context.Context, limit time.Duration, number string) error {
	p.mu.Lock()
	lease := p.lease
	p.mu.Unlock()
	now := time.Now()
	g, err := p.client.register(ctx, limit, p.relay, number, lease)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lease, p.expires, p.renew = g.lease, now.Add(g.ttl), now.Add(g.ttl/2)
	return nil
}

func (p *post) admit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, admitTime)
	defer cancel()
	return p.client.o.Admitted(ctx, p.relay.info)
}

// keep holds number at the relay until ctx ends. It is the only one that changes
// the post from now on.
func (p *post) keep(ctx context.Context, number string, lost func()) {
	w := p.watch()
	defer w.stop()
	conns := p.client.o.Host.ConnManager()
	conns.Protect(p.relay.info.ID, service)
	defer conns.Unprotect(p.relay.info.ID, service)
	p.client.o.Changed(p.client.status(p.relay, p.why()))
	backoff := time.Duration(0)
	for {
		intact := false
		if err := p.why(); err == nil {
			intact = w.sleep(ctx, beatEvery)
		} else {
			var wait time.Duration
			wait, backoff = p.delay(err, backoff)
			pause(ctx, wait)
		}
		if ctx.Err() == nil && !intact && p.why() == nil && !p.connected() {
			p.change(errLost) // told at once, because getting it back may take a while
		}
		err := p.tend(ctx, number, intact, backoff)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			backoff = 0
		}
		p.change(err)
		if errors.Is(err, ErrTaken) {
			lost()
		}
	}
}

// change records how the relay is and tells if it came or went.
func (p *post) change(err error) {
	was := p.why()
	p.set(err)
	if (was == nil) != (err == nil) {
		p.client.o.Changed(p.client.status(p.relay, err))
	}
}

func (p *post) connected() bool {
	return p.client.o.Host.Network().Connectedness(p.relay.info.ID) == network.Connected
}

// tend does what is due: a heartbeat or a renewal while the relay is up, a new
// claim and admission when it was lost. A connection lost in the act is claimed
// anew at once, so that a restart of the relay costs one heartbeat at most.
//
// The first tries are short and grow with the back-off. A relay that is just being
// restarted refuses TCP while QUIC waits for an answer that does not come; sitting
// through the whole timeout would miss the moment it is back.
func (p *post) tend(ctx context.Context, number string, up bool, backoff time.Duration) error {
	if up && p.beat(ctx, number) == nil {
		return nil
	}
	limit := min(max(4*backoff, shortTry), p.client.o.Timeout)
	err := p.claim(ctx, limit, number)
	if err == nil {
		return p.admit(ctx)
	}
	if isSilence(err) && limit >= p.client.o.Timeout {
		p.hangUp()
	}
	return err
}

// hangUp breaks a connection that no longer answers, as after a sleep of the
// computer or a change of network; the next try makes a new one.
func (p *post) hangUp() { _ = p.client.o.Host.Network().ClosePeer(p.relay.info.ID) }

// beat renews what is due, or only asks whether the relay is still there.
func (p *post) beat(ctx context.Context, number string) error {
	p.mu.Lock()
	due := !time.Now().Before(p.renew)
	p.mu.Unlock()
	err := error(nil)
	if due {
		err = p.claim(ctx, beatTime, number)
	} else {
		err = p.client.knock(ctx, p.relay, beatTime)
	}
	if isSilence(err) {
		p.hangUp()
	}
	if due && err == nil {
		return p.admit(ctx)
	}
	return err
}

// delay is the pause before the next try after err, and the back-off to remember.
func (p *post) delay(err error, last time.Duration) (wait, backoff time.Duration) {
	var limit *LimitError
	switch {
	case errors.As(err, &limit):
		return limit.Wait, last
	case errors.Is(err, ErrRefused), errors.Is(err, ErrTaken), errors.Is(err, ErrNotRelay):
		return refusedWait, last
	}
	backoff = min(max(2*last, backoffMin), backoffMax)
	// A fifth more or less, so that the hosts of a restarted relay do not come in step.
	return backoff*4/5 + rand.N(backoff*2/5), backoff
}

// watcher tells of lost connections to one relay.
type watcher struct {
	lost   chan struct{} // of one
	net    network.Network
	notify *network.NotifyBundle
}

func (p *post) watch() *watcher {
	w := &watcher{lost: make(chan struct{}, 1), net: p.client.o.Host.Network()}
	w.notify = &network.NotifyBundle{DisconnectedF: func(_ network.Network, c network.Conn) {
		if c.RemotePeer() != p.relay.info.ID {
			return
		}
		select {
		case w.lost <- struct{}{}:
		default:
		}
	}}
	w.net.Notify(w.notify)
	return w
}

func (w *watcher) stop() { w.net.StopNotify(w.notify) }

// sleep waits for d; false: a connection was lost meanwhile, or ctx ended. A relay
// that takes every claim and then hangs up must not make us spin: after a loss
// there is always a short pause.
func (w *watcher) sleep(ctx context.Context, d time.Duration) (intact bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-w.lost:
		pause(ctx, lostPause)
		return false
	case <-t.C:
		return true
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
