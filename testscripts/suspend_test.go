//go:build linux

package testscripts

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// How long the computers of TestLabSuspended sleep: longer than a silent path is kept,
// and within the time in which a session may be resumed.
var (
	asleep = flag.Duration("asleep", 25*time.Second, "how long the computers of TestLabSuspended sleep")
	rowAll = flag.Bool("rows", false, "play each row of TestLabSuspended and TestLabClimbs, not the first alone")
)

// TestLabSuspended: the host's computer, the viewer's or both are suspended in the middle
// of a session. Numbered keys are typed before, meanwhile and afterwards: the session goes
// on without a code, no key is lost, doubled or out of order, and the picture is exact.
// (D9)
//
//	go test ./testscripts -run 'TestLabSuspended|TestLabClimbs' -v -args -rows
func TestLabSuspended(t *testing.T) {
	for n, row := range []struct {
		name         string
		host, viewer bool
	}{{"both", true, true}, {"host", true, false}, {"viewer", false, true}} {
		if n > 0 && !*rowAll {
			break
		}
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "cone", "cone", "--delay", "20")
			d := newDesks(t, l, nil, nil)
			l.await(d.viewer, "path", "kind=direct")
			text := numbers()
			before, rest := text[:60*5], text[60*5:]
			meanwhile, after := rest[:70*5], rest[70*5:]
			d.here.write(before[:50*5])
			d.typed(before[:50*5])

			// The last ones are on their way when the lid closes.
			d.here.write(before[50*5:])
			if row.host {
				suspend(t, d.host, syscall.SIGSTOP)
			}
			if row.viewer {
				suspend(t, d.viewer, syscall.SIGSTOP)
			}
			d.here.write(meanwhile)
			<-time.After(*asleep)
			began := time.Now()
			if row.viewer {
				suspend(t, d.viewer, syscall.SIGCONT)
			}
			if row.host {
				suspend(t, d.host, syscall.SIGCONT)
			}
			d.typed(before + meanwhile)
			t.Logf("awake -> what was typed meanwhile has arrived: %s", time.Since(began).Round(time.Millisecond))
			d.here.write(after)
			d.typed(text)
			awaitSame(t, d.there, d.here)
			t.Logf("-> the exact picture of all: %s", time.Since(began).Round(time.Millisecond))
			eventually(t, "the session is direct", func() bool { return d.viewer.lastPath().text("kind") == "direct" })
			t.Logf("-> direct again: %s", time.Since(began).Round(time.Millisecond))
			if d.host.ended() || d.viewer.ended() {
				t.Error("the session did not last")
			}
		})
	}
}

// lastPath is the path that an actor told of last.
func (a *actor) lastPath() (p event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events {
		if e.text("event") == "path" {
			p = e
		}
	}
	return p
}

// suspend stops or continues an actor with all of its helpers, as a computer that sleeps
// does.
func suspend(t *testing.T, a *actor, sig syscall.Signal) {
	t.Helper()
	pids := []int{a.cmd.Process.Pid}
	for i := 0; i < len(pids); i++ {
		if err := syscall.Kill(pids[i], sig); err != nil {
			t.Fatalf("%s: %v", a.name, err)
		}
		lists, err := filepath.Glob("/proc/" + strconv.Itoa(pids[i]) + "/task/*/children")
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range lists {
			text, _ := os.ReadFile(list) // a thread that has ended has none
			for _, word := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(word); err == nil {
					pids = append(pids, pid)
				}
			}
		}
	}
}
