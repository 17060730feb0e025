package share

import (
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	mbit  = 1e6 / 8
	large = 64 << 10 // what a relay copies at once
)

// run lets each flow ask for chunk bytes again and again for d, and returns what each
// got in Mbit/s.
func run(d time.Duration, chunk []int, flows ...*Flow) []float64 {
	got := make([]float64, len(flows))
	var work sync.WaitGroup
	end := time.Now().Add(d)
	for i, f := range flows {
		work.Go(func() {
			for time.Now().Before(end) && f.Take(chunk[i%len(chunk)]) == nil {
				got[i] += float64(chunk[i%len(chunk)])
			}
		})
	}
	work.Wait()
	for i := range got {
		got[i] /= d.Seconds() * mbit
	}
	return got
}

func near(got, want float64) bool { return math.Abs(got-want) <= 0.05*want }

// TestShares: who gets how much, in Mbit/s, when everybody wants all he can get.
func TestShares(t *testing.T) {
	for _, row := range []struct {
		name  string
		total float64
		peers []float64 // per peer; a flow names its peer by index
		flows []struct {
			own  float64
			peer int
		}
		chunk []int
		want  []float64
	}{
		{name: "one below its own limit", total: 100, peers: []float64{0}, flows: []struct {
			own  float64
			peer int
		}{{20, 0}}, chunk: []int{large}, want: []float64{20}},
		{name: "equal parts whatever the chunk", total: 30, peers: []float64{0}, flows: []struct {
			own  float64
			peer int
		}{{0, 0}, {0, 0}, {0, 0}}, chunk: []int{large, 1200, 16 << 10}, want: []float64{10, 10, 10}},
		{name: "who cannot use his part leaves it", total: 30, peers: []float64{0}, flows: []struct {
			own  float64
			peer int
		}{{4, 0}, {0, 0}, {0, 0}}, chunk: []int{large, large, 1200}, want: []float64{4, 13, 13}},
		{name: "a peer with many flows has one peer's limit", total: 100, peers: []float64{12, 0}, flows: []struct {
			own  float64
			peer int
		}{{20, 0}, {20, 0}, {20, 0}, {20, 1}}, chunk: []int{large, 1200, large, 4096}, want: []float64{4, 4, 4, 20}},
		{name: "nine of 20 in 100", total: 100, peers: []float64{0}, flows: []struct {
			own  float64
			peer int
		}{{20, 0}, {20, 0}, {20, 0}, {20, 0}, {20, 0}, {20, 0}, {20, 0}, {20, 0}, {20, 0}},
			chunk: []int{large}, want: []float64{11.1, 11.1, 11.1, 11.1, 11.1, 11.1, 11.1, 11.1, 11.1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l Link
				total := NewBucket(row.total * mbit)
				var peers []*Bucket
				for _, p := range row.peers {
					peers = append(peers, NewBucket(p*mbit))
				}
				var flows []*Flow
				for _, f := range row.flows {
					flows = append(flows, l.Flow(NewBucket(f.own*mbit), peers[f.peer], total))
				}
				got := run(20*time.Second, row.chunk, flows...)
				for i := range got {
					if !near(got[i], row.want[i]) {
						t.Errorf("flow %d: %.2f Mbit/s, want %.2f", i, got[i], row.want[i])
					}
				}
			})
		})
	}
}

// TestSmallOnesDoNotWait: key strokes of 200 bytes through a link that 20 flows fill
// with large chunks. Each waits for what is on the wire, not for the whole line.
func TestSmallOnesDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Link
		total := NewBucket(100 * mbit)
		var flows []*Flow
		for range 20 {
			flows = append(flows, l.Flow(total))
		}
		var greedy sync.WaitGroup
		greedy.Go(func() { run(10*time.Second, []int{large}, flows...) })
		time.Sleep(time.Second) // simulated
		small := l.Flow(total)
		var worst time.Duration
		for range 200 {
			at := time.Now()
			if err := small.Take(200); err != nil {
				t.Fatal(err)
			}
			worst = max(worst, time.Since(at))
			time.Sleep(33 * time.Millisecond)
		}
		// One chunk takes 5.2 ms at 100 Mbit/s; twenty of them would be 105.
		if limit := 8 * time.Millisecond; worst > limit {
			t.Errorf("a key stroke waited for %s", worst)
		}
		greedy.Wait()
	})
}

// TestNewcomer: a flow that had the link alone for a minute does not starve when a
// second one comes.
func TestNewcomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Link
		total := NewBucket(20 * mbit)
		first, second := l.Flow(total), l.Flow(total)
		run(time.Minute, []int{large}, first)
		got := run(5*time.Second, []int{large}, first, second)
		if !near(got[0], 10) || !near(got[1], 10) {
			t.Errorf("%.2f and %.2f Mbit/s", got[0], got[1])
		}
	})
}

// TestClose: whoever waits is woken, by his own Close or the Link's, and nothing is
// left running (synctest fails on a leaked goroutine).
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Link
		slow := NewBucket(1000) // bytes per second
		one, two := l.Flow(slow), l.Flow(slow)
		one.Take(minBurst) // in debt for a minute
		one.Take(large)
		errs := make(chan error, 2)
		for _, f := range []*Flow{one, two} {
			go func() { errs <- f.Take(1) }()
		}
		synctest.Wait()
		two.Close()
		if err := <-errs; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		l.Close()
		if err := <-errs; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		for _, f := range []*Flow{one, two} {
			if err := f.Take(1); !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
			f.Close()
		}
	})
}

// TestNoLimit: without a bucket nobody is held up.
func TestNoLimit(t *testing.T) {
	var l Link
	f := l.Flow(NewBucket(0), NewBucket(-1), nil)
	for range 1000 {
		if err := f.Take(1 << 30); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	var l Link
	f := l.Flow(NewBucket(1e12), NewBucket(1e12), NewBucket(1e12))
	for b.Loop() {
		f.Take(large)
	}
}

// TestGoneWhileHeld: who leaves while the others are held for him is not charged to
// one of them later.
func TestGoneWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Link
		total := NewBucket(10 * mbit)
		a, gone, c := l.Flow(total), l.Flow(total), l.Flow(total)
		a.Take(20 * large)
		time.Sleep(time.Second) // the debt is paid
		gone.Take(1)            // the last one served, and behind a: a is held for it …
		taken := make(chan error, 1)
		go func() { taken <- a.Take(1000) }()
		time.Sleep(500 * time.Microsecond)
		gone.Close() // … until now
		if err := <-taken; err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := run(2*time.Second, []int{large}, a, c); !near(got[0], 5.25) && !near(got[0], 5) {
			t.Errorf("%.2f and %.2f Mbit/s", got[0], got[1])
		}
	})
}
