package peer

import (
	"sync"
	"time"
)

// load tells whether a host has much to do. Letters that somebody types are no work to
// speak of: what they cost is waking up one goroutine after another, and where the Go
// runtime may use several processors it wakes another one each time, which then looks for
// work in vain. Whoever starts the host may spare that; see HostOptions.Busy.
type load struct {
	tell func(busy bool) // nil: nobody asks

	mu    sync.Mutex
	calm  bool // was told last
	ended bool
	last  time.Time   // that there was much to do
	timer *time.Timer // runs unless calm

	since time.Time     // the share began
	area  int           // px of the updates in it
	spent time.Duration // on encoding them
}

const (
	// muchArea, in px, and muchTime, of encoding, are what the updates within one share must
	// exceed to be much: a page that is new, a small film. The time of a single update is no
	// measure, where other programs keep the machine busy.
	muchArea = 512 << 10
	muchTime = 50 * time.Millisecond
	share    = time.Second
	// calmAfter is how long there must not have been much to do: the change itself costs
	// some 0.1 ms.
	calmAfter = 2 * time.Second
)

// note notes an update: how many px it has, and the time that encoding it took, each 0
// while it is not known.
func (l *load) note(area int, took time.Duration) {
	if l == nil || l.tell == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.since) > share {
		l.since, l.area, l.spent = now, 0, 0
	}
	l.area += area
	l.spent += took
	much := l.area > muchArea || l.spent > muchTime
	if l.ended || l.calm && !much {
		return
	}
	if much {
		l.last = now
	}
	if l.calm {
		l.calm = false
		l.tell(true)
	}
	if l.timer == nil {
		l.timer = time.AfterFunc(calmAfter, l.look)
	}
}

// look finds out whether it has become calm.
func (l *load) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	if left := calmAfter - time.Since(l.last); left > 0 {
		l.timer.Reset(left)
		return
	}
	l.timer, l.calm = nil, true
	l.tell(false)
}

// end leaves everything as it was before.
func (l *load) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.calm {
		l.calm = false
		l.tell(true)
	}
}
