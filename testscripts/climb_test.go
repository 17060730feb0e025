//go:build linux

package testscripts

import "testing"

// TestLabClimbs: the host's or the viewer's network first lets nothing but the web out, and
// then all: that side goes over to the relay's own port and its circuit with it, in the
// middle of a session. 1,000 numbered keys are typed one number after another while that
// happens: none is lost, doubled or out of order, and the picture is exact. (D9, T30)
func TestLabClimbs(t *testing.T) {
	for n, row := range []struct{ name, router string }{{"host", "natA"}, {"viewer", "natB"}} {
		if n > 0 && !*rowAll {
			break
		}
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "cone", "cone", "--delay", "20")
			l.sh(row.router, `nft -f - <<N
table inet office { chain f { type filter hook forward priority -10; ip daddr 11.0.0.10 th dport { 4001, 4002 } drop; }; }
N`)
			d := newDesks(t, l, []string{"--no-direct"}, []string{"--no-direct"})
			climber := d.host
			if row.router == "natB" {
				climber = d.viewer
			}
			l.await(climber, "path", "kind=relayed", "transport=wss")
			l.sh(row.router, "nft delete table inet office")
			text := numbers()
			moved := 0
			for end := 5; end <= len(text); end += 5 {
				d.here.write(text[end-5 : end])
				d.typed(text[:end])
				if moved == 0 && climber.lastPath().text("transport") == "quic" {
					moved = end / 5
				}
			}
			awaitSame(t, d.there, d.here)
			if moved == 0 {
				l.await(climber, "path", "kind=relayed", "transport=quic")
			}
			t.Logf("moved after %d of 200 numbers", moved)
			l.never(d.viewer, "joined", "resumed=true")
			if d.host.ended() || d.viewer.ended() {
				t.Error("the session did not last")
			}
		})
	}
}
