//go:build linux

package testscripts

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
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
	s.here.focused("sightline")
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

// host starts one that shows the built-in desktop, at the relay that runs.
func (l *lab) host(args ...string) (host *actor, code string) {
	l.Helper()
	host = l.on("hostA", "host", []string{"SIGHTLINE_RELAYS=" + l.join, "SIGHTLINE_DEBUG=1"},
		append([]string{"host", "--json", "--accept", "--source", "pattern", "--allow", "view,control"}, args...)...)
	return host, l.await(host, "code").text("code")
}

// view starts a viewer without a window and waits until it is let in.
func (l *lab) view(code string, args ...string) *actor {
	l.Helper()
	v := l.on("hostB", "viewer", []string{"SIGHTLINE_RELAYS=" + l.join, "SIGHTLINE_DEBUG=1"},
		append([]string{"view", "--json", "--window", "none", code}, args...)...)
	l.await(v, "joined")
	return v
}

// A relay is killed and started again: a direct session does not notice, a relayed
// one comes back without a code, and new viewers come in. (T2, D18)
func TestLabRelayRestart(t *testing.T) {
	t.Parallel()
	l := newLab(t, "cone", "cone", "--delay", "20")
	state := []string{"XDG_STATE_HOME=" + t.TempDir()}
	start := func() *actor {
		r := l.on("relay", "relay", state, "relay", "--json", "--listen", "11.0.0.10:4001")
		l.join = l.await(r, "ready").text("join")
		return r
	}
	relay := start()
	host, code := l.host("--viewers", "3")
	direct, relayed := l.view(code), l.view(code, "--no-direct")
	l.await(direct, "path", "kind=direct")
	l.await(relayed, "path", "kind=relayed")
	relay.kill()
	l.await(relayed, "waiting")
	start()
	began := time.Now()
	l.await(relayed, "joined", "resumed=true")
	t.Logf("relay is back -> the relayed session is: %s", time.Since(began).Round(time.Millisecond))
	l.await(relayed, "stats", "refined=true")
	l.view(code)
	l.never(direct, "waiting", "for~come back")
	l.never(direct, "joined", "resumed=true")
	l.never(direct, "path", "reason~broke")
	if host.ended() || direct.ended() {
		t.Error("the direct session did not last")
	}
}

// The viewer's computer gets another address, as from Wi-Fi to a cable, and later
// is suspended for longer than a path lives and wakes at a third one: the session goes
// on without a code.
func TestLabNewNetwork(t *testing.T) {
	t.Parallel()
	l := newLab(t, "cone", "cone", "--delay", "20")
	l.startRelay()
	host, code := l.host()
	v := l.view(code)
	l.await(v, "path", "kind=direct")
	l.await(v, "stats", "refined=true")
	l.readdress("192.168.2.10", "192.168.2.20")
	began := time.Now()
	err := v.until(patience, func() bool {
		return v.tellsLocked("joined", "resumed", "true") || v.tellsLocked("path", "reason", "broke")
	})
	if err != nil {
		t.Fatal(err, v.told())
	}
	t.Logf("another address -> noticed: %s", time.Since(began).Round(time.Millisecond))
	l.await(v, "path", "kind=direct")
	t.Logf("-> direct again: %s", time.Since(began).Round(time.Millisecond))

	host.skim()
	if err := v.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	l.await(host, "waiting", "for~come back")
	v.skim()
	l.readdress("192.168.2.20", "192.168.2.30")
	if err := v.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	l.await(v, "joined", "resumed=true")
	l.await(v, "path", "kind=direct")
}

// readdress gives the viewer's computer another address in its LAN.
func (l *lab) readdress(from, to string) {
	l.Helper()
	l.sh("hostB", "ip addr add "+to+"/24 dev eth0 && ip addr del "+from+"/24 dev eth0; ip addr replace "+to+"/24 dev eth0 && ip route replace default via 192.168.2.1")
}

// tellsLocked looks through the events that await has not passed over.
func (a *actor) tellsLocked(name, field, part string) bool {
	for _, e := range a.events[a.next:] {
		if e.text("event") == name && strings.Contains(e.text(field), part) {
			return true
		}
	}
	return false
}

// Each policy holds on either side, and both sides say why. (D16, D20, D26)
func TestLabPolicies(t *testing.T) {
	t.Parallel()
	l := newLab(t, "sym", "cone", "--delay", "20")
	l.startRelay()
	atHost, atViewer := l.capture("hostA"), l.capture("hostB")
	for _, row := range []struct {
		name         string
		host, view   []string
		atHost, here string // the reasons told
	}{
		{"host through the relay only", []string{"--relay-only"}, nil, "only the relay is allowed here", "the other side allows no direct path"},
		{"viewer through the relay only", nil, []string{"--relay-only"}, "the other side allows no direct path", "only the relay is allowed here"},
		{"no direct path", nil, []string{"--no-direct"}, "the other side allows no direct path", "switched off here"},
		{"quiet viewer", nil, []string{"--quiet-network"}, "this side's NAT gives each destination its own port", "the other side's NAT gives each destination its own port"},
		{"quiet host", []string{"--quiet-network"}, nil, "this side's NAT gives each destination its own port", "the other side's NAT gives each destination its own port"},
	} {
		t.Run(row.name, func(t *testing.T) {
			host, code := l.host(row.host...)
			v := l.view(code, row.view...)
			l.await(host, "path", "reason~"+regexp.QuoteMeta(row.atHost))
			l.await(v, "path", "reason~"+regexp.QuoteMeta(row.here))
			l.never(v, "path", "kind=direct")
			v.kill()
			host.kill()
		})
	}
	if a, b := atHost.probed(), atViewer.probed(); a.count+b.count > 0 {
		t.Errorf("%d and %d probes of birthday punches", a.count, b.count)
	}
	host, code := l.host("--udp-ports", "40000-40299")
	v := l.view(code, "--udp-ports", "41000-41009")
	l.await(v, "path", "kind=direct")
	for node, first := range map[string]string{"hostA": "40", "hostB": "41"} {
		out, err := l.natlab("exec", node, "ss", "-Hlnu")
		if err != nil {
			t.Fatal(err, out)
		}
		for line := range strings.Lines(out) {
			f := strings.Fields(line)
			if port := f[3][strings.LastIndex(f[3], ":")+1:]; !strings.HasPrefix(port, first) || len(port) != 5 {
				t.Errorf("%s has a socket outside of its range: %s", node, line)
			}
		}
	}
	if host.ended() {
		t.Error("the host did not last")
	}
}
