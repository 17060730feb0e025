//go:build linux

package testscripts

import (
	"strings"
	"testing"
)

// TestLabTwoRelays: a host behind a NAT box is registered at two relays in two places,
// and the machine of one of them falls off the network without a word. Whichever it is,
// the session goes on, and the code still works without saying where it lives, for a
// viewer who asks both. (T1)
func TestLabTwoRelays(t *testing.T) {
	for _, row := range []struct {
		name    string
		carrier bool // the one through which the session runs falls off
	}{{"the one that carries", true}, {"the other one", false}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "cone", "cone", "--delay", "20")
			nodes := []string{"relay", "relay2"}
			var relays []*actor
			var joins []string
			for i, addr := range []string{"11.0.0.10:4001", "11.0.2.10:4001"} {
				r := l.on(nodes[i], nodes[i], nil, "relay", "--json", "--listen", addr)
				relays, joins = append(relays, r), append(joins, l.await(r, "ready").text("join"))
			}
			l.join = strings.Join(joins, ",")
			host, code := l.host("--relay-only", "--viewers", "2")
			first := l.view(code, "--relay-only")
			l.await(first, "stats", "refined=true")
			carries, err := parseWant([]string{"load", "circuits=1"})
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "a relay carries the session", func() bool { return relays[0].saw(carries)+relays[1].saw(carries) > 0 })
			victim := 0
			if (relays[0].saw(carries) > 0) != row.carrier {
				victim = 1
			}
			l.sh(nodes[victim], "ip link set eth0 down")
			if row.carrier {
				l.await(first, "joined", "resumed=true")
			}
			second := l.view(code, "--relay-only")
			l.await(second, "stats", "refined=true")
			if !row.carrier {
				l.never(first, "waiting", "for~come back")
				l.never(first, "joined", "resumed=true")
			}
			if first.ended() || second.ended() || host.ended() {
				t.Error("a session did not last")
			}
		})
	}
}
