package x11

import (
	"sync"
	"time"
)

// dog bounds the calls of an Injector: a server that is stopped must not stop the
// session with it. Keys that a call did not lift are the guardian's.
//
// It barks before it bites. When this very process was stopped in the middle of a call,
// all timers are over once it goes on, and the server's answer is there, not yet read.
type dog struct {
	patience time.Duration // from the call to the bark, and from there to the bite
	bite     func()

	mu     sync.Mutex
	timer  *time.Timer
	call   uint64 // counts them; the one that runs now, or that ran last
	runs   bool
	barked uint64 // the call at which it barked last
}

func newDog(limit time.Duration, bite func()) *dog {
	d := &dog{patience: limit / 2, bite: bite}
	d.timer = time.AfterFunc(time.Hour, d.bark)
	d.timer.Stop()
	return d
}

// watch is called when a call begins; what it returns, when the call is over.
func (d *dog) watch() (done func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.call++
	d.runs = true
	d.timer.Reset(d.patience)
	return d.rest
}

func (d *dog) rest() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.runs = false
	d.timer.Stop()
}

// bark bites if it has barked at this call before.
func (d *dog) bark() {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !d.runs: // it ended in this moment
	case d.barked == d.call:
		d.bite()
	default:
		d.barked = d.call
		d.timer.Reset(d.patience)
	}
}
