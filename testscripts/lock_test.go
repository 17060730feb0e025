//go:build linux

package testscripts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The host's screen is locked when the last viewer has left, and not before. // L22
func TestLockOnEnd(t *testing.T) {
	t.Parallel()
	c := newCrew(t)
	_, join := c.relay()
	locked := filepath.Join(t.TempDir(), "locked")
	env := []string{"SIGHTLINE_RELAYS=" + join}
	host := c.start("host", append(env, "SIGHTLINE_HOST_LOCK_COMMAND=echo locked >>"+locked),
		"host", "--json", "--source", "pattern", "--accept", "--viewers", "2", "--lock-on-end")
	code := c.await(host, "code").text("code")
	var viewers []*actor
	for _, name := range []string{"anna", "ben"} {
		viewers = append(viewers, c.start(name, env, "view", "--json", "--window", "none", code))
		c.await(host, "joined")
	}
	times := func() int {
		b, _ := os.ReadFile(locked)
		return strings.Count(string(b), "locked\n")
	}
	for n, v := range viewers {
		v.cmd.Process.Signal(os.Interrupt)
		c.await(host, "left")
		if n == 0 && times() != 0 {
			t.Error("locked while somebody still looks")
		}
	}
	eventually(t, "the screen is locked", func() bool { return times() == 1 })

	// Nothing to lock with is said at once.
	bare := c.start("bare", []string{"PATH=" + t.TempDir()}, "host", "--json", "--source", "pattern", "--accept", "--relay", "none", "--lock-on-end")
	c.exits(bare, 2)
	if words := bare.stderr.String(); !strings.Contains(words, "lock_command") {
		t.Errorf("it said %q", words)
	}
}
