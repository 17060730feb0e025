package rendezvous

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// proposals is how many numbers Publish tries. One is free with a probability of
// at least 0.999 per relay unless the relay is short of them; twenty failures mean
// something else.
const proposals = 20

// releaseTime is how long giving a number back may hold up the end of a program.
const releaseTime = time.Second

// Lease is a number that this client keeps alive at its relays.
type Lease struct {
	Number string // may differ from the proposal

	client *Client
	posts  []*post
	cancel context.CancelCauseFunc
	done   chan struct{} // closed as the last act of the last goroutine

	mu  sync.Mutex
	err error
}

// Done is closed when the lease has ended and all its goroutines with it.
func (l *Lease) Done() <-chan struct{} { return l.done }

// Err says why the lease ended: the cause of the context given to Publish,
// ErrTaken if no relay holds the number any more, ErrReplaced, or nil after
// Release or Close. It is nil while the lease lives.
func (l *Lease) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Expires is until when the number lives if no renewal succeeds any more, on this
// machine's clock.
func (l *Lease) Expires() time.Time {
	var last time.Time
	for _, p := range l.posts {
		if t := p.expiry(); t.After(last) {
			last = t
		}
	}
	return last
}

// Release gives the number back at the relays that are connected and waits until
// the lease is done. It may be called more than once.
func (l *Lease) Release() { l.end(errReleased) }

func (l *Lease) end(cause error) {
	l.cancel(cause)
	<-l.done
}

// Publish claims one number at every relay that can be reached within
// Options.Timeout (and not more than a second after the first one), and keeps it
// until ctx ends or Release is called. It proposes proposal (empty: a
// random number); if a relay refuses that or wants more digits, a new random one.
// It returns when each of the relays that accepted has passed Options.Admitted.
//
// A relay that cannot be reached is tried again in the background for as long as
// the lease lives, and so is one that is lost later; after a restart of a relay
// the number is claimed again by its lease.
//
// A client has one number: an earlier lease ends with ErrReplaced. With no relay
// at all the error is ErrNoRelay; with none reached it names each and why, and
// wraps what they said (ErrRefused, *LimitError, ErrWrongRelay, …).
func (c *Client) Publish(ctx context.Context, proposal string) (*Lease, error) {
	if proposal != "" && !ValidNumber(proposal) {
		return nil, fmt.Errorf("propose a session number: %q is not one", proposal)
	}
	if len(c.relays) == 0 {
		return nil, ErrNoRelay
	}
	c.publishing.Lock()
	defer c.publishing.Unlock()
	old := c.current()
	if old != nil {
		old.end(ErrReplaced)
	}
	life, cancel := context.WithCancelCause(ctx)
	l := &Lease{client: c, cancel: cancel, done: make(chan struct{})}
	for _, r := range c.relays {
		l.posts = append(l.posts, newPost(c, r))
	}
	if err := c.swap(l); err != nil {
		cancel(err)
		return nil, err
	}
	if err := l.open(life, proposal); err != nil {
		if old != nil { // it was to be replaced; now nobody will
			l.each(old.posts, func(p *post) { c.release(life, p.relay, old.Number) })
		}
		cancel(err)
		l.finish(life)
		return nil, err
	}
	l.start(life)
	return l, nil
}

// start hands the posts to their goroutines.
func (l *Lease) start(life context.Context) {
	var wg sync.WaitGroup
	for _, p := range l.posts {
		wg.Go(func() { p.keep(life, l.Number, l.lost) })
	}
	go func() {
		wg.Wait()
		l.finish(life)
	}()
}

// finish runs when the posts have ended: it gives the number back and records why.
func (l *Lease) finish(life context.Context) {
	cause := context.Cause(life)
	if !errors.Is(cause, ErrReplaced) { // a replaced number ends with the next REGISTER
		l.giveBack(life)
	}
	l.mu.Lock()
	if !errors.Is(cause, errReleased) && !errors.Is(cause, errClosed) {
		l.err = cause
	}
	l.mu.Unlock()
	l.client.forget(l)
	l.cancel(nil) // frees the context when its parent lives on
	close(l.done)
}

// lost is called by a post that was told TAKEN: when none is left that could hold
// the number, the lease is over.
func (l *Lease) lost() {
	for _, p := range l.posts {
		if !p.isLost() {
			return
		}
	}
	l.cancel(ErrTaken)
}

func (l *Lease) giveBack(ctx context.Context) {
	l.each(l.posts, func(p *post) {
		if p.held() {
			p.client.release(ctx, p.relay, l.Number)
		}
	})
}

// open finds a number that all reachable relays accept.
func (l *Lease) open(ctx context.Context, proposal string) error {
	up, want := l.reach(ctx)
	l.Number = proposal
	if len(proposal) < want {
		l.Number = randomNumber(want)
	}
	for range proposals {
		if len(up) == 0 || ctx.Err() != nil {
			break
		}
		again, more := false, 0
		if up, again, more = l.claim(ctx, up); !again {
			l.admit(ctx, up)
			break
		}
		want = max(want, more)
		l.Number = randomNumber(want)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return l.verdict()
}

// reach says hello everywhere and returns who answered and how many digits all of
// them together want.
func (l *Lease) reach(ctx context.Context) (up []*post, want int) {
	digits := make([]int, len(l.posts))
	race(ctx, len(l.posts), func(ctx context.Context, i int) error {
		p := l.posts[i]
		w, _, err := p.client.hello(ctx, p.relay)
		p.set(err)
		digits[i] = w.digits
		return err
	})
	for i, p := range l.posts {
		if p.why() == nil {
			up = append(up, p)
			want = max(want, digits[i])
		}
	}
	return up, want
}

// claim proposes l.Number to posts. again: a relay wants another number, of at
// least more digits. Who failed for another reason is left out of rest.
func (l *Lease) claim(ctx context.Context, posts []*post) (rest []*post, again bool, more int) {
	l.each(posts, func(p *post) { p.set(p.claim(ctx, p.client.o.Timeout, l.Number)) })
	for _, p := range posts {
		var d *digitsError
		switch err := p.why(); {
		case errors.As(err, &d):
			more, again = max(more, d.digits), true
		case errors.Is(err, ErrTaken):
			again = true
		case err != nil:
			continue
		}
		rest = append(rest, p)
	}
	return rest, again, more
}

func (l *Lease) admit(ctx context.Context, posts []*post) {
	l.each(posts, func(p *post) { p.set(p.admit(ctx)) })
}

// verdict is nil if at least one relay holds the number and has been admitted.
func (l *Lease) verdict() error {
	errs := make([]error, len(l.posts))
	for i, p := range l.posts {
		if errs[i] = p.why(); errs[i] == nil {
			return nil
		}
	}
	return l.client.joined(errs)
}

// each runs f for all posts at the same time and waits.
func (l *Lease) each(posts []*post, f func(*post)) {
	var wg sync.WaitGroup
	for _, p := range posts {
		wg.Go(func() { f(p) })
	}
	wg.Wait()
}

// randomNumber draws one of d digits whose first digit is not 0, so that it is the
// same as a number and as a string.
func randomNumber(d int) string {
	d = min(max(d, MinDigits), MaxDigits)
	low := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d-1)), nil)
	n, err := rand.Int(rand.Reader, new(big.Int).Mul(low, big.NewInt(9)))
	if err != nil {
		panic(err) // crypto/rand never fails (it ends the program instead)
	}
	return n.Add(n, low).String()
}
