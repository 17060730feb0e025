package peer

import (
	"testing"
	"testing/synctest"
	"time"

	"sightline/peer/link"
	"sightline/screen"
	"sightline/screen/screentest"
)

// The first picture is not split between two paths: its channel stays where it is for a
// second, or for three round trips of a long line, unless it is exact before.
func TestSettling(t *testing.T) {
	for _, row := range []struct {
		name        string
		trip, stays time.Duration
	}{
		{"not measured", 0, time.Second},
		{"a short line", 80 * time.Millisecond, time.Second},
		{"a long line", time.Second, 3 * time.Second},
		{"no line that anybody works on", 4 * time.Second, 5 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &View{glass: newGlass(screentest.NewGlass(), screen.State{}), board: &board{}, since: time.Now()}
				v.o.Events = func(Event) {}
				v.notePath(Path{Kind: link.Relayed, RTT: row.trip})
				v.notePath(Path{Kind: link.Direct}) // the better one, not measured yet
				time.Sleep(row.stays - time.Millisecond)
				if !v.settling() {
					t.Error("it moved too early")
				}
				v.glass.sharp = true
				if v.settling() {
					t.Error("it stays though the picture is exact")
				}
				v.glass.sharp = false
				time.Sleep(time.Millisecond)
				if v.settling() {
					t.Error("it stays too long")
				}
			})
		})
	}
}
