// Package share divides bandwidth among flows: so many bytes per second in all, per
// peer, per flow. It knows nothing of networks; whoever moves bytes asks first and
// is held up until it is his turn.
//
// # Who comes next
//
// A flow waits in one list with one chunk at a time, and can go once each of its
// buckets has something in it. Of those who can go the one who got least lately goes
// first: bytes count less and less as they get older (memory). So flows that want
// more than there is get equal parts of it (max-min fairness, at every bucket that
// several share); and a flow that wants less than its part finds itself at the front,
// however long the line: a key stroke waits for one chunk on the wire, not for
// everybody's.
//
// A flow with small chunks is not in the list at the moment after each of them, while
// it fetches the next. If it got less than the others, they are held for up to a
// millisecond until it is back, on its account; without that, chunks of 1,200 bytes
// beside chunks of 16 KiB got a quarter of their part. Nothing is lost by it: buckets go
// on filling.
package share

import (
	"errors"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// chunk is what is given away at once, in bytes. Larger ones make equal parts less
	// equal, smaller ones cost CPU.
	chunk = 16 << 10
	// A bucket holds this much time's worth of bytes, and eight chunks at least: what a
	// sleeping scheduler misses in a few milliseconds is not lost.
	burstTime = 50 * time.Millisecond
	minBurst  = 8 * chunk
	// memory is after how long bytes count for 1/e. A flow that comes new to a full
	// link of two goes first for about half of it; shorter than some chunks of the
	// slowest link it must not be (16 KiB are 130 ms at 1 Mbit/s).
	memory = 250 * time.Millisecond
	// nap is the shortest sleep, below which timers cost more than they give, and the
	// longest time that a flow is waited for.
	nap = time.Millisecond
)

// ErrClosed is returned by Take after Close of the flow or the Link.
var ErrClosed = errors.New("share: closed")

// Bucket is a limit that one or more flows have. The zero of *Bucket, nil, is none.
type Bucket struct{ l *rate.Limiter }

// NewBucket makes a limit of bytesPerSecond, or none (nil) if that is not positive.
func NewBucket(bytesPerSecond float64) *Bucket {
	if bytesPerSecond <= 0 {
		return nil
	}
	burst := max(minBurst, int(bytesPerSecond*burstTime.Seconds()))
	return &Bucket{rate.NewLimiter(rate.Limit(bytesPerSecond), burst)}
}

// wait is how long until something is in the bucket.
func (b *Bucket) wait(now time.Time) time.Duration {
	missing := 1 - b.l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return max(nap, time.Duration(missing/float64(b.l.Limit())*float64(time.Second)))
}

// take may leave the bucket in debt, by less than a chunk.
func (b *Bucket) take(now time.Time, n int) { b.l.ReserveN(now, n) }

// Link is a set of flows among which bytes are divided. The zero value is ready.
type Link struct {
	mu      sync.Mutex
	closed  bool
	waiting []*Flow // in the order in which they came
	timer   *time.Timer

	last *Flow     // that was served
	held time.Time // since when others are held for it; zero: they are not
}

// Flow is one direction of one circuit.
type Flow struct {
	l       *Link     // static, as buckets
	buckets []*Bucket // none of them nil

	// Guarded by l.mu.
	want   int     // bytes of the chunk that waits, 0: it does not wait
	got    float64 // bytes that count, at the time of at
	at     time.Time
	closed bool

	served chan bool // holds one; false: by a Close
}

// Flow adds a flow under these limits; nil ones are left out.
func (l *Link) Flow(limits ...*Bucket) *Flow {
	f := &Flow{l: l, served: make(chan bool, 1)}
	for _, b := range limits {
		if b != nil {
			f.buckets = append(f.buckets, b)
		}
	}
	return f
}

// Take returns when n bytes are the flow's to move. A flow
// has one caller at a time. The error is ErrClosed.
func (f *Flow) Take(n int) error {
	if len(f.buckets) == 0 {
		return nil
	}
	for n > 0 {
		if err := f.takeChunk(min(n, chunk)); err != nil {
			return err
		}
		n -= chunk
	}
	return nil
}

func (f *Flow) takeChunk(n int) error {
	l := f.l
	l.mu.Lock()
	if l.closed || f.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	now := time.Now()
	if f == l.last {
		l.releaseLocked(now)
	}
	f.want = n
	l.waiting = append(l.waiting, f)
	l.serveLocked(now) // perhaps it is our turn at once
	l.mu.Unlock()
	if !<-f.served {
		return ErrClosed
	}
	return nil
}

// Close ends a Take that waits, and all later ones.
func (f *Flow) Close() {
	f.l.mu.Lock()
	defer f.l.mu.Unlock()
	f.closed = true
	for i, w := range f.l.waiting {
		if w == f {
			f.l.removeLocked(i)
			f.served <- false
			break
		}
	}
}

// Close ends the Takes of all flows.
func (l *Link) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, f := range l.waiting {
		f.served <- false
	}
	l.waiting = nil
	if l.timer != nil {
		l.timer.Stop()
	}
}

func (l *Link) removeLocked(i int) {
	l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
}

// serveLocked lets everybody go who can, who got least first, and sets the timer for
// the next one who could.
func (l *Link) serveLocked(now time.Time) {
	for len(l.waiting) > 0 {
		next, sleep := l.nextLocked(now)
		if next < 0 {
			l.sleepLocked(sleep)
			return
		}
		f := l.waiting[next]
		if rest := l.holdLocked(f, now); rest > 0 {
			l.sleepLocked(rest)
			return
		}
		l.last, l.held = f, time.Time{}
		l.removeLocked(next)
		for _, b := range f.buckets {
			b.take(now, f.want)
		}
		f.countLocked(now, float64(f.want))
		f.want = 0
		f.served <- true
	}
}

// holdLocked tells how long f, whose turn it is, waits yet for the flow that was
// served last to come back.
func (l *Link) holdLocked(f *Flow, now time.Time) time.Duration {
	if l.last == nil || l.last.closed || l.last.want > 0 || l.last.lately(now) >= f.lately(now) {
		return 0
	}
	if l.held.IsZero() {
		l.held = now
	}
	rest := l.held.Add(nap).Sub(now)
	if rest <= 0 {
		l.releaseLocked(now)
	}
	return rest
}

// releaseLocked ends the holding of others for the last flow, and charges it what
// they could have moved: who dawdles has his part all the same, and no more.
func (l *Link) releaseLocked(now time.Time) {
	if l.held.IsZero() {
		return
	}
	var most rate.Limit
	for _, b := range l.last.buckets {
		most = max(most, b.l.Limit())
	}
	l.last.countLocked(now, float64(most)*now.Sub(l.held).Seconds())
	l.held = time.Time{}
}

// nextLocked finds who goes first of those whose buckets have something, -1 for none; sleep is then the time until the first one has.
func (l *Link) nextLocked(now time.Time) (next int, sleep time.Duration) {
	next, sleep = -1, time.Hour
	for i, f := range l.waiting {
		var wait time.Duration
		for _, b := range f.buckets {
			wait = max(wait, b.wait(now))
		}
		switch {
		case wait > 0:
			sleep = min(sleep, wait)
		case next < 0 || f.lately(now) < l.waiting[next].lately(now):
			next = i
		}
	}
	return next, sleep
}

// lately is what f got, older bytes counting less.
func (f *Flow) lately(now time.Time) float64 {
	return f.got * math.Exp(-now.Sub(f.at).Seconds()/memory.Seconds())
}

func (f *Flow) countLocked(now time.Time, n float64) {
	f.got, f.at = f.lately(now)+n, now
}

func (l *Link) sleepLocked(d time.Duration) {
	if l.timer == nil {
		l.timer = time.AfterFunc(d, l.serve)
		return
	}
	l.timer.Reset(d)
}

func (l *Link) serve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serveLocked(time.Now())
}
