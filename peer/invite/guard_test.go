package invite

import (
	"errors"
	"sync"
	"testing"
	"time"
)

// clock is a hand that only the test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) forward(d time.Duration) { c.now = c.now.Add(d) }

func newClock() *clock { return &clock{now: time.Unix(1_000_000, 0)} }

func begin(t *testing.T, b interface{ Begin() (*Attempt, error) }) *Attempt {
	t.Helper()
	a, err := b.Begin()
	if err != nil {
		t.Fatal("Begin:", err)
	}
	return a
}

func wantWait(t *testing.T, err error, want time.Duration) {
	t.Helper()
	var wait *WaitError
	if !errors.As(err, &wait) || wait.For != want {
		t.Errorf("%v, want a wait of %v", err, want)
	}
}

// TestBurn: five failures, waits of 1, 2, 4 and 8 s, then never again.
func TestBurn(t *testing.T) {
	c := newClock()
	g := NewGuard(GuardOptions{Clock: c.Now})
	for n, wait := range []time.Duration{1, 2, 4, 8} {
		begin(t, g).Fail()
		_, err := g.Begin()
		wantWait(t, err, wait*time.Second)
		c.forward(wait*time.Second - 1)
		_, err = g.Begin() // asking does not extend the wait
		wantWait(t, err, 1)
		c.forward(1)
		if g.Failures() != n+1 || g.Burnt() {
			t.Errorf("after %d: %d failures, burnt %v", n+1, g.Failures(), g.Burnt())
		}
	}
	last := begin(t, g)
	if g.Burnt() {
		t.Error("burnt while the fifth may still be right")
	}
	last.Fail()
	c.forward(24 * time.Hour)
	if _, err := g.Begin(); !errors.Is(err, ErrBurnt) || !g.Burnt() {
		t.Error("after five failures:", err)
	}
}

// TestSuccessGivesBackItsOwn: the failures of others stay on the code's account.
func TestSuccessGivesBackItsOwn(t *testing.T) {
	c := newClock()
	g := NewGuard(GuardOptions{Clock: c.Now})
	for range 4 {
		begin(t, g).Fail()
		c.forward(time.Minute)
		a := begin(t, g)
		if err := a.Success(); err != nil {
			t.Fatal(err)
		}
		a.Fail() // deferred by the caller: no effect
		if err := a.Success(); err == nil {
			t.Error("two successes of one attempt")
		}
		if err := g.Check(); err != nil {
			t.Error("a wait after a success:", err)
		}
	}
	begin(t, g).Fail()
	if !g.Burnt() {
		t.Error("five failures with successes in between did not burn the code")
	}
}

// TestParallelGuesses: 200 at once, one is charged, the others wait uncharged.
func TestParallelGuesses(t *testing.T) {
	g := NewGuard(GuardOptions{Clock: newClock().Now})
	var wg sync.WaitGroup
	charged := make(chan *Attempt, 200)
	for range 200 {
		wg.Go(func() {
			a, err := g.Begin()
			var wait *WaitError
			switch {
			case err == nil:
				charged <- a
			case !errors.As(err, &wait):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(charged) != 1 || g.Failures() != 1 {
		t.Errorf("%d attempts, %d failures, want 1", len(charged), g.Failures())
	}
}

// TestOneAtATime: a slow guesser does not let a second one in beside him, also
// when the wait is over.
func TestOneAtATime(t *testing.T) {
	c := newClock()
	g := NewGuard(GuardOptions{Clock: c.Now})
	slow := begin(t, g)
	c.forward(time.Minute)
	_, err := g.Begin()
	wantWait(t, err, time.Second)
	slow.Fail()
	begin(t, g)
	if g.Failures() != 2 {
		t.Errorf("%d failures", g.Failures())
	}
}

func TestDoor(t *testing.T) {
	c := newClock()
	open := func(o DoorOptions) *Door { o.Clock = c.Now; return NewDoor(48291, o) }
	isClosed := func(d *Door) bool {
		select {
		case <-d.Closed():
			return true
		default:
			return false
		}
	}
	t.Run("single use", func(t *testing.T) {
		d := open(DoorOptions{})
		if err := begin(t, d).Success(); err != nil || !isClosed(d) {
			t.Error(err)
		}
		if _, err := d.Begin(); !errors.Is(err, ErrUsed) || !errors.Is(d.Check(), ErrUsed) {
			t.Error(err)
		}
	})
	t.Run("two uses", func(t *testing.T) {
		d := open(DoorOptions{Uses: 2})
		begin(t, d).Success()
		if d.Err() != nil || isClosed(d) {
			t.Error("closed after the first")
		}
		c.forward(time.Hour) // used: it lives with its session
		begin(t, d).Success()
		if !errors.Is(d.Err(), ErrUsed) {
			t.Error(d.Err())
		}
	})
	t.Run("expiry", func(t *testing.T) {
		d := open(DoorOptions{})
		if got := d.Expires().Sub(c.now); got != 15*time.Minute {
			t.Errorf("expires in %v", got)
		}
		c.forward(15*time.Minute - 1)
		inTime := begin(t, d)
		c.forward(time.Minute)
		if !errors.Is(d.Check(), ErrExpired) {
			t.Error(d.Check())
		}
		if err := inTime.Success(); err != nil {
			t.Error("a guess begun in time:", err)
		}
	})
	t.Run("failures", func(t *testing.T) {
		d := open(DoorOptions{Failures: 1})
		begin(t, d).Fail()
		if !errors.Is(d.Err(), ErrBurnt) || !isClosed(d) || d.Failures() != 1 {
			t.Error(d.Err())
		}
	})
	t.Run("burnt under way", func(t *testing.T) {
		d := open(DoorOptions{})
		a := begin(t, d)
		d.Burn()
		d.Burn()
		if err := a.Success(); !errors.Is(err, ErrBurnt) || !isClosed(d) {
			t.Error(err)
		}
	})
}
