//go:build linux

package testscripts

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// session is a relay, a host on one X server and a viewer in full screen on
// another one.
type session struct {
	*crew
	there, here         *display // the host's screen, the viewer's
	relay, host, viewer *actor
	code, join          string
}

const screenSize = "1024x768"

// newSession puts two desktops together, the viewer's window in full screen.
// options are for both X servers.
func newSession(t *testing.T, options ...string) *session {
	t.Helper()
	return setting{view: []string{"--fullscreen"}, options: options}.open(t)
}

// setting is what a session may be asked for. Zero: a screen of screenSize on
// both sides, an honest relay, an ordinary window.
type setting struct {
	there, here string   // sizes of the two screens
	join        string   // of the relay
	host, view  []string // more arguments of both
	options     []string // of both X servers
}

func (o setting) open(t *testing.T) *session {
	t.Helper()
	s := &session{crew: newCrew(t)}
	s.there = openDisplay(t, cmp.Or(o.there, screenSize), o.options...).connect()
	s.here = openDisplay(t, cmp.Or(o.here, screenSize), o.options...).connect()
	s.there.run("openbox", "openbox")
	s.here.run("openbox", "openbox")
	if o.join == "" {
		s.relay, o.join = s.crew.relay()
	}
	env := []string{"SIGHTLINE_RELAYS=" + o.join}
	host := append([]string{"host", "--json", "--accept", "--allow", "view,control"}, o.host...)
	s.host = s.start("host", append(env, "DISPLAY="+s.there.name), host...)
	s.code = s.await(s.host, "code").text("code")
	view := append([]string{"view", "--json", "--window", "native", s.code}, o.view...)
	s.viewer = s.start("viewer", append(env, "DISPLAY="+s.here.name), view...)
	s.await(s.viewer, "joined")
	s.await(s.viewer, "stats", "refined=true")
	return s
}

// typewriter starts an xterm on the host's desktop that writes what is typed
// into a file.
func (s *session) typewriter() string {
	s.Helper()
	dir := s.TempDir()
	file, ready := filepath.Join(dir, "typed"), filepath.Join(dir, "ready")
	s.there.run("xterm", "xterm", "-T", "typewriter", "-geometry", "80x24+40+40", "-e", "sh", "-c", "touch "+ready+"; exec cat >"+file)
	eventually(s, "xterm is up", func() bool { _, err := os.Stat(ready); return err == nil })
	s.there.focused("typewriter")
	return file
}

// A desktop is seen pixel for pixel on another one, and what is typed, clicked
// and turned there reaches its programs.
func TestDesktop(t *testing.T) {
	s := newSession(t)
	awaitSame(t, s.there, s.here)

	file := s.typewriter()
	awaitSame(t, s.there, s.here)
	const held = "held: " // a key is, until the viewer's keyboard has repeated it
	s.here.write(held)
	s.here.key('x', true)
	<-time.After(1500 * time.Millisecond)
	s.here.key('x', false)
	s.here.write("\n")
	const text = "Hello, World! 12345 ~/[x]{y}|z: \"quoted\" <&> $HOME\nsecond line\n"
	s.here.write(text)
	s.here.key(controlL, true)
	s.here.write("d")
	s.here.key(controlL, false)
	eventually(t, "the text is in the file", func() bool {
		got, _ := os.ReadFile(file)
		first, rest, _ := strings.Cut(string(got), "\n")
		return rest == text && strings.HasPrefix(first, held+"xxx") && strings.Trim(first[len(held):], "x") == ""
	})
	awaitSame(t, s.there, s.here)

	s.there.pad(600, 500, 200, 150)
	awaitSame(t, s.there, s.here)
	for _, button := range []byte{1, 3, 2, 4, 5, 4} {
		s.here.click(button, 650, 560)
		if e := s.there.pressed(); byte(e.Detail) != button || e.RootX != 650 || e.RootY != 560 {
			t.Errorf("button %d at 650,560 came as %d at %d,%d", button, e.Detail, e.RootX, e.RootY)
		}
	}
	eventually(t, "no key is left down", func() bool { return s.there.keysDown() == 0 })

	// Another size of the host's screen, then of the viewer's.
	s.there.resize(800, 600)
	s.here.resize(800, 600)
	awaitSame(t, s.there, s.here)
	s.there.resize(1024, 768)
	s.here.resize(1024, 768)
	awaitSame(t, s.there, s.here)
}

// kill -9 of the host while a key is held: its guardian lifts the key.
func TestNoKeyStaysDown(t *testing.T) {
	s := newSession(t)
	awaitSame(t, s.there, s.here)
	s.here.key('a', true)
	eventually(t, "the key is down on the host", func() bool { return s.there.keysDown() == 1 })
	if err := s.host.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key is up again", func() bool { return s.there.keysDown() == 0 })
	s.exits(s.host, -1)
}

// The same when it is the viewer that dies.
func TestViewerDiesWithKeyDown(t *testing.T) {
	s := newSession(t)
	awaitSame(t, s.there, s.here)
	s.here.key('a', true)
	s.here.key(shiftL, true)
	eventually(t, "the keys are down on the host", func() bool { return s.there.keysDown() == 2 })
	if err := s.viewer.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the keys are up again", func() bool { return s.there.keysDown() == 0 })
	if s.host.ended() {
		t.Error("the host ended, too")
	}
}

// The host's X server goes away: exit code 5 and a sentence on both sides.
func TestHostsServerDies(t *testing.T) {
	s := newSession(t)
	s.there.kill()
	s.exits(s.host, 5)
	s.await(s.host, "end", "exit=5")
	code, err := s.viewer.exit(patience)
	if err != nil {
		t.Fatal(err)
	}
	if code == 0 || code == 2 || code < 0 {
		t.Errorf("the viewer ended with %d", code)
	}
	s.await(s.viewer, "end", "reason~.")
}

// The viewer's X server goes away: the viewer says so, the host goes on.
func TestViewersServerDies(t *testing.T) {
	s := newSession(t)
	s.here.kill()
	s.exits(s.viewer, 5)
	s.await(s.host, "left")
	if s.host.ended() {
		t.Error("the host ended, too")
	}
}

// X servers without shared memory: slower, and right.
func TestWithoutSharedMemory(t *testing.T) {
	s := newSession(t, "-extension", "MIT-SHM")
	awaitSame(t, s.there, s.here)
	s.typewriter()
	s.here.write("no shared memory")
	awaitSame(t, s.there, s.here)
}

// A viewer's window that is made smaller, put away and brought back shows the
// right picture when it is in full screen again.
func TestViewerWindowMoves(t *testing.T) {
	s := newSession(t)
	awaitSame(t, s.there, s.here)
	window := s.here.named("sightline")
	s.here.iconify(window, true)
	s.typewriter()
	s.here.iconify(window, false)
	awaitSame(t, s.there, s.here)
	s.here.resize(640, 480)
	s.here.resize(1024, 768)
	awaitSame(t, s.there, s.here)
	if s.host.ended() || s.viewer.ended() {
		t.Error("the session did not last")
	}
}

// A display whose cookie cannot be had: exit code 5 and a sentence.
func TestNoCookie(t *testing.T) {
	namespaces(t) // of processes: it hides where the server has its cookie
	unshare := tool(t, "unshare", "util-linux")
	xauth := tool(t, "xauth", "xauth")
	secret := filepath.Join(t.TempDir(), "cookie")
	if out, err := exec.Command(xauth, "-f", secret, "add", ":0", ".", "0123456789abcdef0123456789abcdef").CombinedOutput(); err != nil {
		t.Fatalf("xauth: %v: %s", err, out)
	}
	d := openDisplay(t, screenSize, "-auth", secret)
	c := newCrew(t)
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, noise(500), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{garbage, filepath.Join(t.TempDir(), "absent"), t.TempDir()} {
		for _, role := range [][]string{
			{"host", "--json", "--accept", "--relay", "none"}, {"view", "--window", "native", "--relay", "none", "72510-4281-9448"},
		} {
			a := c.startWith("hidden", func(cmd *exec.Cmd) {
				cmd.Env = append(cmd.Env, "DISPLAY="+d.name, "XAUTHORITY="+file)
				cmd.Args = append([]string{unshare, "-pf", "--mount-proc", cmd.Path}, cmd.Args[1:]...)
				cmd.Path = unshare
			}, role...)
			c.exits(a, 5)
			if words := a.stderr.String(); !strings.Contains(words, "sightline: error: ") || !strings.Contains(words, "sightline: hint: ") {
				t.Errorf("%s with XAUTHORITY=%s said %q", role[0], file, words)
			}
		}
	}
}
