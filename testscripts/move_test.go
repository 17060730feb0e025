//go:build linux

package testscripts

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// desks puts an X desktop on each side of a lab, with a typewriter on the host's.
type desks struct {
	*session
	lab  *lab
	file string // what was typed
}

// newDesks opens a session in a lab; it is on the relay or already direct.
func newDesks(t *testing.T, l *lab, hostArgs, viewArgs []string) *desks {
	t.Helper()
	s := &session{crew: l.crew}
	s.there, s.here = openDisplay(t, screenSize).connect(), openDisplay(t, screenSize).connect()
	s.there.run("openbox", "openbox")
	s.here.run("openbox", "openbox")
	s.relay = l.startRelay()
	env := []string{"SIGHTLINE_RELAYS=" + l.join, "SIGHTLINE_DEBUG=1"}
	d := &desks{session: s, lab: l}
	d.file = s.typewriter()
	s.host = l.on("hostA", "host", append(env, "DISPLAY="+s.there.name), append([]string{"host", "--json", "--accept", "--allow", "view,control"}, hostArgs...)...)
	s.code = l.await(s.host, "code").text("code")
	s.viewer = l.on("hostB", "viewer", append(env, "DISPLAY="+s.here.name), append([]string{"view", "--json", "--window", "native", "--fullscreen", s.code}, viewArgs...)...)
	l.await(s.viewer, "joined")
	l.await(s.viewer, "stats", "refined=true")
	s.viewer.rewind()
	return d
}

// rewind looks at all events once more.
func (a *actor) rewind() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = 0
}

// numbers are 1,000 keys: 200 numbers of four digits and a return, so that one
// that is missing, doubled or at a wrong place is seen.
func numbers() string {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "%04d\n", i)
	}
	return b.String()
}

// typed waits until the whole text is in the typewriter's file, and nothing else.
func (d *desks) typed(text string) {
	d.Helper()
	var got []byte
	defer func() {
		if string(got) != text {
			d.Errorf("typed %q, arrived %q", text, got)
		}
	}()
	eventually(d, "the text is in the file", func() bool {
		got, _ = os.ReadFile(d.file)
		return len(got) >= len(text)
	})
}

// cut swallows what goes straight between the two sides; what goes to the relay
// passes. heal lets it pass again.
func (l *lab) cut() {
	l.Helper()
	l.sh("inet", `nft -f - <<N
table inet cut { chain f { type filter hook forward priority -10; iifname "wA" oifname "wB" drop; iifname "wB" oifname "wA" drop; }; }
N`)
}

func (l *lab) heal() { l.sh("inet", "nft delete table inet cut") }

// A session goes from the direct path to the relay and back five times while 1,000
// numbered keys are typed: none is lost, doubled or out of order, and the picture
// is exact afterwards. (D9, T30)
func TestLabMoves(t *testing.T) {
	l := newLab(t, "cone", "cone", "--delay", "20")
	d := newDesks(t, l, nil, nil)
	l.await(d.viewer, "path", "kind=direct")
	text := numbers()
	rest, part := text, len(text)/10
	typeSome := func() {
		d.here.write(rest[:part])
		rest = rest[part:]
	}
	var noticed, moved []time.Duration
	for range 5 {
		l.cut()
		began := time.Now()
		typeSome()
		l.await(d.viewer, "path", "kind=relayed")
		noticed = append(noticed, time.Since(began).Round(time.Millisecond))
		d.typed(text[:len(text)-len(rest)])
		awaitSame(t, d.there, d.here)
		moved = append(moved, time.Since(began).Round(time.Millisecond))
		l.heal()
		typeSome()
		l.await(d.viewer, "path", "kind=direct")
	}
	d.typed(text)
	awaitSame(t, d.there, d.here)
	t.Logf("cut -> on the relay: %v; -> the keys' picture there: %v", noticed, moved)
	if d.host.ended() || d.viewer.ended() {
		t.Error("the session did not last")
	}
}
