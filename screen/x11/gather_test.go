package x11

import (
	"testing"
	"time"
)

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
		{"after a quiet time", at(-1000), time.Time{}, at(2), at(2)},
		{"in a stream of frames", at(-10), time.Time{}, at(6), at(7)},
		{"just after the gap", at(-17), time.Time{}, at(-1), at(0)},
		{"somebody acts", at(-1000), at(100), at(-1000), at(0)},
		{"somebody acted long ago", at(-1000), at(-100), at(2), at(2)},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &Source{gap: gap, shot: row.shot, first: at(0)}
			if !row.hurry.IsZero() {
				s.hurry.Store(row.hurry.UnixNano())
			}
			if due := s.frameDue(); due.Before(row.due) || due.After(row.late) {
				t.Errorf("due %v after the damage", due.Sub(at(0)))
			}
		})
	}
}
