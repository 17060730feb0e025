package peer

import (
	"testing"

	"sightline/peer/link"
	"sightline/peer/wire"
)

// TestLastWordIsAnswered: who says the last word hears that it arrived, and so
// hangs up at once. (Each end of a session took the second that Drain waits.)
func TestLastWordIsAnswered(t *testing.T) {
	t.Run("the viewer leaves", func(t *testing.T) {
		r := newRig(t, nil)
		v := r.join(r.code(1), looks)
		r.sees(v)
		v.view.End()
		must(t, r.result(v))
		if n := v.view.control.Waiting(); n > 0 {
			t.Errorf("%d messages of the viewer without an answer", n)
		}
	})
	t.Run("the host kicks", func(t *testing.T) {
		r := newRig(t, nil)
		r.sees(r.join(r.code(1), looks))
		st := r.host.all()[0]
		must(t, r.host.Kick(st.id))
		await[Left](t, r.ctx, r.events, 1)
		if n := st.control.Waiting(); n > 0 {
			t.Errorf("%d messages of the host without an answer", n)
		}
	})
}

// changing is a connection of which only the changes of path are asked.
type changing struct {
	link.Conn
	paths chan link.Path
}

func (c changing) Paths() <-chan link.Path { return c.paths }

// TestNoPathAfterTheKick: the steps down to the last path are no news of a viewer
// that was sent away. (The host's page said that it was connected, once more.)
func TestNoPathAfterTheKick(t *testing.T) {
	for name, row := range map[string]struct {
		kicked bool
		news   int
	}{"seated": {false, 1}, "kicked": {true, 0}} {
		t.Run(name, func(t *testing.T) {
			told := newRecord()
			h := &Host{o: HostOptions{Events: told.add}, hands: newHands(nil)}
			st := &seat{host: h, control: newLine(wire.Control), clips: newClips(&board{}), bye: make(chan wire.Farewell, 1)}
			if row.kicked {
				st.end(wire.Farewell{Reason: wire.ByKick})
			}
			c := changing{paths: make(chan link.Path, 1)}
			c.paths <- link.Path{Kind: link.LAN, Transport: "quic"}
			close(c.paths)
			st.paths(t.Context(), c)
			if n := count[PathChanged](told); n != row.news {
				t.Errorf("%d paths told, want %d", n, row.news)
			}
		})
	}
}
