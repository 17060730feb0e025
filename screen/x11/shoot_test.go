package x11

import (
	"math/rand/v2"
	"testing"
	"time"
)

// What is drawn sixty times a second, each time a little early or late, is read
// as often, and in any second no more often than it may be.
func TestShoot(t *testing.T) {
	const gap, draws = time.Second / 60, 6000
	rnd := rand.New(rand.NewPCG(1, 2))
	s := &Source{gap: gap}
	birth := time.Unix(1000, 0)
	var reads []time.Time
	lost, pending := 0, time.Time{}
	for n := range draws {
		drawn := birth.Add(time.Duration(n)*gap + time.Duration(rnd.Int64N(int64(gap/2))))
		if !pending.IsZero() {
			due := pending
			if d := s.frameDue(); d.After(due) {
				due = d
			}
			due = due.Add(time.Duration(rnd.Int64N(int64(time.Millisecond)))) // a timer is never early
			if due.After(drawn) {                                             // read together with this one
				lost++
				continue
			}
			s.shoot(due)
			reads = append(reads, due)
		}
		pending, s.first = drawn, drawn
		s.burst = burst{read: drawn} // nothing to gather
	}
	if lost > draws/100 {
		t.Errorf("%d of %d pictures were never read by themselves", lost, draws)
	}
	for i := 61; i < len(reads); i++ {
		if d := reads[i].Sub(reads[i-61]); d < time.Second {
			t.Fatalf("62 readings within %v", d)
		}
	}
}
