//go:build linux

package testscripts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// crew starts actors for tests that are written in Go. Each has a home of its
// own and is ended, by its number, when the test ends.
type crew struct {
	testing.TB
	bin string
	all []*actor
}

func newCrew(t testing.TB) *crew {
	c := &crew{TB: t, bin: program(t)}
	t.Cleanup(func() {
		for _, a := range c.all {
			a.kill()
			if t.Failed() {
				t.Log(a.told())
			}
		}
	})
	return c
}

// home makes the directories of a user.
func (c *crew) home(name string) string {
	c.Helper()
	dir := filepath.Join(c.TempDir(), name)
	if err := os.MkdirAll(filepath.Join(dir, "run"), 0o700); err != nil {
		c.Fatal(err)
	}
	return dir
}

// start runs `sightline ARG…` with more environment.
func (c *crew) start(name string, env []string, args ...string) *actor {
	c.Helper()
	return c.startWith(name, func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, env...) }, args...)
}

func (c *crew) startWith(name string, change func(*exec.Cmd), args ...string) *actor {
	c.Helper()
	cmd := exec.Command(c.bin, args...)
	cmd.Dir = c.TempDir()
	cmd.Env = cleanEnv(c.home(name))
	change(cmd)
	a, err := spawn(name, cmd)
	if err != nil {
		c.Fatal(err)
	}
	c.all = append(c.all, a)
	return a
}

// await waits for the next event `EVENT FIELD=VALUE…` of a.
func (c *crew) await(a *actor, words ...string) event {
	c.Helper()
	return c.awaitFor(patience, a, words...)
}

func (c *crew) awaitFor(limit time.Duration, a *actor, words ...string) event {
	c.Helper()
	w, err := parseWant(words)
	if err != nil {
		c.Fatal(err)
	}
	e, err := a.await(limit, w)
	if err != nil {
		c.Fatal(err)
	}
	return e
}

// never fails if a has said such an event.
func (c *crew) never(a *actor, words ...string) {
	c.Helper()
	w, err := parseWant(words)
	if err != nil {
		c.Fatal(err)
	}
	if a.saw(w) > 0 {
		c.Errorf("%s said %s", a.name, w.text)
	}
}

// exits waits for the end of a with that exit code.
func (c *crew) exits(a *actor, code int) {
	c.Helper()
	got, err := a.exit(patience)
	if err != nil {
		c.Fatal(err)
	}
	if got != code {
		c.Errorf("%s ended with %d instead of %d", a.name, got, code)
	}
}

// relay starts a relay and returns it with its string.
func (c *crew) relay(args ...string) (*actor, string) {
	c.Helper()
	r := c.start("relay", []string{"SIGHTLINE_DEBUG=1"}, append([]string{"relay", "--json", "--listen", "127.0.0.1:0"}, args...)...)
	return r, c.await(r, "ready").text("join")
}

// skip ends a test that needs a program which is not here; with SIGHTLINE_CI=1
// it fails instead.
func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("SIGHTLINE_CI") == "1" {
		t.Fatalf("%s, and SIGHTLINE_CI=1 demands it", why)
	}
	t.Skip(why)
}

// namespaces ends a test that needs a process, mount and network namespace of
// its own where none can be made: without root, in most containers, in a chroot.
// ./run looks for that, too, and says with SIGHTLINE_NAMESPACES=no that these
// tests are not to be demanded.
func namespaces(t testing.TB) {
	t.Helper()
	err := makeNamespaces()
	switch {
	case err == nil:
	case os.Getenv("SIGHTLINE_NAMESPACES") == "no":
		t.Skip(err)
	default:
		skip(t, err.Error())
	}
}

var makeNamespaces = sync.OnceValue(func() error {
	if os.Geteuid() != 0 {
		return errors.New("namespaces need root")
	}
	if out, err := exec.Command("unshare", "-mpfn", "--mount-proc", "true").CombinedOutput(); err != nil {
		return fmt.Errorf("no namespaces can be made here: %w: %s", err, out)
	}
	return nil
})

// tool finds a program; pkg is the Debian package that has it.
func tool(t testing.TB, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		skip(t, name+" is not here (Debian package "+pkg+")")
	}
	return path
}

// eventually polls what sends no event: pixels, files, the state of a key.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
		<-tick.C
	}
}
