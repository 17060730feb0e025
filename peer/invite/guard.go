package invite

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrBurnt: the code has seen all the failures it may see, or its host burnt
// it (a kick does). It will never be good again.
var ErrBurnt = errors.New("the code is burnt")

// WaitError tells that no guess is allowed yet. Nothing was counted and the
// wait did not grow; ask again after For.
type WaitError struct {
	For time.Duration
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("too many attempts, wait %s", e.For.Round(time.Second))
}

// GuardOptions of a Guard. The zero value is what SECURITY-DESIGN section 6
// asks for.
type GuardOptions struct {
	Failures int              // that burn the code; 0 means 5
	Clock    func() time.Time // nil means time.Now; only differences matter
}

// pendingWait is what a second guesser is told while the first one is still
// at it: the handshake ends within 20 s, usually within one.
const pendingWait = time.Second

// Guard is the ledger of a one-off code: it counts failures over the whole
// life of the code and makes guessers wait in between.
//
// An attempt is charged before the answer that lets the guesser test a secret
// (Begin), so whoever hangs up on a bad answer has paid. Only one attempt is
// open at a time.
//
//	         Begin                    Fail
//	idle ───────────► one pending ───────────► waiting 1, 2, 4, 8 s ──► idle
//	  ▲    fails+1         │                        └─ 5th: burnt, for ever
//	  └────────────────────┘
//	     Success: fails-1, as if it had not been
//
// It lives in memory, for the code dies with the process. All methods may be
// called at the same time.
type Guard struct {
	// Static after construction.
	limit int
	clock func() time.Time

	mu      sync.Mutex
	fails   int
	next    time.Time // no attempt before
	pending *Attempt
	burnt   bool
}

// NewGuard returns a Guard that has seen no failure.
func NewGuard(o GuardOptions) *Guard {
	if o.Failures <= 0 {
		o.Failures = 5
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Guard{limit: o.Failures, clock: o.Clock}
}

// Attempt is one charged guess. Success or Fail ends it; the first call counts.
type Attempt struct {
	guard *Guard
	door  *Door     // nil for a guard without a door
	wait  time.Time // next, as it was before the charge
}

// Begin charges an attempt. Errors: *WaitError, uncharged; ErrBurnt.
func (g *Guard) Begin() (*Attempt, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.checkLocked(); err != nil {
		return nil, err
	}
	a := &Attempt{guard: g, wait: g.next}
	g.fails++
	g.next = g.clock().Add(waitAfter(g.fails))
	g.pending = a
	return a, nil
}

// Check tells what Begin would answer now, and charges nothing.
func (g *Guard) Check() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.checkLocked()
}

func (g *Guard) checkLocked() error {
	left := g.next.Sub(g.clock())
	switch {
	case g.burnt:
		return ErrBurnt
	case g.pending != nil:
		return &WaitError{For: max(left, pendingWait)}
	case left > 0:
		return &WaitError{For: left}
	}
	return nil
}

// Burn ends the code for good. A pending attempt will not succeed any more.
func (g *Guard) Burn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.burnt = true
}

// Burnt tells whether the code is dead. While the last allowed attempt is
// still pending it is not: that one may be right.
func (g *Guard) Burnt() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.burnt
}

// Failures so far, the pending attempt among them.
func (g *Guard) Failures() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fails
}

// Fail ends an attempt whose charge stays. After a Success it does nothing,
// so it can be deferred.
func (a *Attempt) Fail() {
	a.guard.mu.Lock()
	ended := a.guard.pending == a
	if ended {
		a.guard.pending = nil
		a.guard.burnt = a.guard.burnt || a.guard.fails >= a.guard.limit
	}
	burnt := a.guard.burnt
	a.guard.mu.Unlock()
	if ended && burnt && a.door != nil {
		a.door.shut(ErrBurnt)
	}
}

// Success gives back this attempt's own charge and nothing more: a right
// secret does not wash off the failures of others. For the code of a Door it
// takes one use. It fails with ErrBurnt or ErrUsed if the code died meanwhile;
// then the viewer must not be let in.
func (a *Attempt) Success() error {
	if err := a.settle(); err != nil {
		return err
	}
	if a.door == nil {
		return nil
	}
	return a.door.use()
}

func (a *Attempt) settle() error {
	g := a.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pending != a {
		return errors.New("attempt is already ended")
	}
	g.pending = nil
	if g.burnt {
		return ErrBurnt
	}
	g.fails--
	g.next = a.wait
	return nil
}

// waitAfter n failures: 1, 2, 4, 8 s …; the fifth burns the code.
func waitAfter(n int) time.Duration { return time.Second << min(n-1, 12) }
