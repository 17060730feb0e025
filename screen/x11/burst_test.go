package x11

import (
	"testing"
	"time"
)

// readings plays a program that draws pictures in pieces, each at its time after
// the picture's first, and counts how often it is read.
func readings(b *burst, frames int, period time.Duration, pieces ...time.Duration) (reads int) {
	const gap = time.Second / 60
	start := time.Unix(1, 0)
	var drawn []time.Time
	for i := range frames {
		for _, p := range pieces {
			drawn = append(drawn, start.Add(time.Duration(i)*period+p))
		}
	}
	shot := time.Time{}
	for i := 0; i < len(drawn); {
		first := drawn[i]
		b.begin(first)
		due := b.whole(first)
		if earliest := shot.Add(gap); due.Before(earliest) {
			due = earliest
		}
		for i < len(drawn) && !drawn[i].After(due) {
			i++
		}
		b.end(first, due)
		shot = due
		reads++
	}
	return reads
}

func TestBurst(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name   string
		period time.Duration
		pieces []time.Duration
		most   int // readings of 100 pictures
	}{
		{"one piece", 33 * ms, []time.Duration{0}, 100},
		{"film in three pieces", 33 * ms, []time.Duration{0, 3 * ms, 4 * ms}, 103},
		{"in a row of pieces", 33 * ms, []time.Duration{0, ms, 2 * ms, 3 * ms, 4 * ms, 5 * ms}, 106},
		{"now and then", 500 * ms, []time.Duration{0, ms}, 100},
		{"two pictures", 33 * ms, []time.Duration{0, 15 * ms}, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b burst
			if n := readings(&b, 100, test.period, test.pieces...); n > test.most {
				t.Errorf("read %d times, want at most %d", n, test.most)
			}
		})
	}
}

// A program that draws in one piece is waited for no longer than a few seconds
// after one that drew in several; after a pause not at all.
func TestBurstForgets(t *testing.T) {
	var b burst
	readings(&b, 100, 33*time.Millisecond, 0, 5*time.Millisecond)
	if b.lasts < 5*time.Millisecond {
		t.Fatalf("a burst of 5 ms lasts %v", b.lasts)
	}
	paused := b
	readings(&b, 4*trust, 33*time.Millisecond, 0)
	if b.lasts > time.Millisecond {
		t.Errorf("%d whole pictures later a burst lasts %v", 4*trust, b.lasts)
	}
	if paused.begin(paused.read.Add(over)); paused.lasts != 0 {
		t.Errorf("after a pause a burst lasts %v", paused.lasts)
	}
}

// TestGather: what is read when, of damage that was noticed at 10 s.
func TestGather(t *testing.T) {
	at := func(ms float64) time.Time { return time.Unix(10, int64(ms*1e6)) }
	gap := time.Second / 60
	for _, row := range []struct {
		name      string
		shot      time.Time // the frame before
		hurry     time.Time // until then
		due, late time.Time
	}{
		{"after a quiet time", at(-1000), time.Time{}, at(1), at(1)},
		{"in a stream of frames", at(-10), time.Time{}, at(6), at(7)},
		{"just after the gap", at(-17), time.Time{}, at(-1), at(0)},
		{"somebody acts", at(-1000), at(100), at(-1000), at(0)},
		{"somebody acted long ago", at(-1000), at(-100), at(1), at(1)},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &Source{gap: gap, shot: row.shot, first: at(0), burst: burst{read: row.shot}}
			if !row.hurry.IsZero() {
				s.hurry.Store(row.hurry.UnixNano())
			}
			if due := s.frameDue(); due.Before(row.due) || due.After(row.late) {
				t.Errorf("due %v after the damage", due.Sub(at(0)))
			}
		})
	}
}
