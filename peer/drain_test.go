package peer

import (
	"testing"
	"testing/synctest"
	"time"

	"sightline/peer/wire"
)

// TestDrainOverMove: the last word is waited for also if its stream ends just
// then, because the channel moves to a better path. (A viewer that was kicked
// in that moment waited for minutes for the host to come back.)
func TestDrainOverMove(t *testing.T) {
	for name, row := range map[string]struct {
		acked bool
		took  time.Duration
	}{
		"the next stream acknowledges": {true, 100 * time.Millisecond},
		"no stream comes":              {false, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan struct{})
				close(ended)
				l := newLine(wire.Control)
				l.current = &turn{done: ended}
				must(t, l.Send(wire.TypeBye, wire.Farewell{Reason: wire.ByKick}.Append(nil)))
				if row.acked {
					go func() {
						time.Sleep(100 * time.Millisecond)
						l.take(wire.TypeAck, 0, wire.AppendAck(nil, 1), nil)
					}()
				}
				began := time.Now()
				l.Drain(time.Second)
				if took := time.Since(began); took != row.took {
					t.Errorf("it took %v, not %v", took, row.took)
				}
			})
		})
	}
}
