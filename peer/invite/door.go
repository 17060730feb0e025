package invite

import (
	"errors"
	"sync"
	"time"
)

// Reasons why a door is shut, beside ErrBurnt.
var (
	ErrExpired = errors.New("the code has expired")
	ErrUsed    = errors.New("the code has been used")
)

// DoorOptions of an open code. The zero value is a code for one viewer that
// expires after 15 min unused.
type DoorOptions struct {
	Uses     int              // viewers it admits; 0 means 1
	Life     time.Duration    // of an unused code; 0 means 15 min
	Failures int              // that burn it; 0 means 5
	Clock    func() time.Time // nil means time.Now
}

// Door is one open code on the host: its number, how long and how often it may
// be used, and the Guard that counts guesses. It does not hold the secret: what
// a secret is checked against stays in package secure.
//
//	open ──► ErrUsed     the last use was taken
//	     ──► ErrBurnt    five failures, or Burn
//	     ──► ErrExpired  nobody came in for Life; a code that has let somebody
//	                     in lives on until its session ends and Burn is called
//
// A shut door never opens again. All methods may be called at the same time.
type Door struct {
	// Static after construction.
	number  uint64
	guard   *Guard
	clock   func() time.Time
	expires time.Time
	closed  chan struct{}

	mu     sync.Mutex
	uses   int // left
	used   bool
	reason error // once closed
}

// NewDoor opens a door for this session number.
func NewDoor(number uint64, o DoorOptions) *Door {
	if o.Uses <= 0 {
		o.Uses = 1
	}
	if o.Life <= 0 {
		o.Life = 15 * time.Minute
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Door{
		number:  number,
		guard:   NewGuard(GuardOptions{Failures: o.Failures, Clock: o.Clock}),
		clock:   o.Clock,
		expires: o.Clock().Add(o.Life),
		closed:  make(chan struct{}),
		uses:    o.Uses,
	}
}

// Number of the session.
func (d *Door) Number() uint64 { return d.number }

// Expires tells when an unused code expires.
func (d *Door) Expires() time.Time { return d.expires }

// Used tells whether somebody came in by this code.
func (d *Door) Used() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used
}

// Failures so far, a pending attempt among them.
func (d *Door) Failures() int { return d.guard.Failures() }

// Closed is closed when the code is used up or burnt. It does not tell of
// expiry, which is a matter of the clock: keep a timer on Expires and ask Err.
func (d *Door) Closed() <-chan struct{} { return d.closed }

// Err tells why the door is shut: nil, ErrUsed, ErrBurnt or ErrExpired.
func (d *Door) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.errLocked()
}

func (d *Door) errLocked() error {
	switch {
	case d.reason != nil:
		return d.reason
	case !d.used && !d.clock().Before(d.expires):
		return ErrExpired
	}
	return nil
}

// Check tells what Begin would answer now, and charges nothing.
func (d *Door) Check() error {
	if err := d.Err(); err != nil {
		return err
	}
	return d.guard.Check()
}

// Begin charges an attempt before the host answers it. Errors: *WaitError,
// uncharged; ErrUsed, ErrBurnt, ErrExpired.
func (d *Door) Begin() (*Attempt, error) {
	if err := d.Err(); err != nil {
		return nil, err
	}
	a, err := d.guard.Begin()
	if err != nil {
		return nil, err
	}
	a.door = d
	return a, nil
}

// Burn shuts the door for good, also for an attempt that is under way.
func (d *Door) Burn() {
	d.guard.Burn()
	d.shut(ErrBurnt)
}

// use takes one use and shuts the door after the last one.
func (d *Door) use() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reason != nil {
		return d.reason
	}
	d.used = true
	d.uses--
	if d.uses == 0 {
		d.shutLocked(ErrUsed)
	}
	return nil
}

func (d *Door) shut(reason error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shutLocked(reason)
}

func (d *Door) shutLocked(reason error) {
	if d.reason != nil {
		return
	}
	d.reason = reason
	close(d.closed)
}
