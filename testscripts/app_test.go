//go:build linux

package testscripts

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// appHost starts a host of one program on a machine without a display. The
// program writes what is typed into a file, and its own number and the display's
// name into another.
func appHost(s *session, options ...string) (typed string, facts func() (pid int, display string)) {
	s.Helper()
	dir := s.TempDir()
	typed = filepath.Join(dir, "typed")
	about := filepath.Join(dir, "about")
	app := fmt.Sprintf("xterm -e sh -c 'echo $$ $DISPLAY >%s.new; mv %[1]s.new %[1]s; exec cat >%s'", about, typed)
	var join string
	s.relay, join = s.crew.relay()
	env := []string{"SIGHTLINE_RELAYS=" + join}
	tool(s, "xterm", "xterm")
	args := append([]string{"host", "--json", "--accept", "--allow", "view,control", "--app", app}, options...)
	s.host = s.start("host", env, args...)
	code := s.await(s.host, "code")
	if !strings.Contains(code.text("sharing"), "display of its own") {
		s.Errorf("it shares %q", code.text("sharing"))
	}
	s.viewer = s.start("viewer", append(env, "DISPLAY="+s.here.name), "view", "--json", "--window", "native", "--fullscreen", code.text("code"))
	s.await(s.viewer, "stats", "refined=true")
	return typed, func() (pid int, display string) {
		eventually(s, "the program says who it is", func() bool {
			b, _ := os.ReadFile(about)
			n, _ := fmt.Sscan(string(b), &pid, &display)
			return n == 2
		})
		return pid, display
	}
}

func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// One program on a display of its own: it has the keyboard without a click, and
// ends, with its display, when the session does.
func TestAppAlone(t *testing.T) {
	t.Parallel()
	for _, kill := range []bool{false, true} {
		t.Run(map[bool]string{false: "the viewer leaves", true: "kill -9 of the host"}[kill], func(t *testing.T) {
			t.Parallel()
			s := &session{crew: newCrew(t)}
			s.here = openDisplay(t, screenSize).connect()
			s.here.run("openbox", "openbox")
			typed, facts := appHost(s, "--once", "--virtual", screenSize)
			pid, display := facts()
			eventually(t, "what is typed arrives", func() bool {
				s.here.write("x\n") // the window may not have the focus yet
				b, _ := os.ReadFile(typed)
				return len(b) > 0
			})
			socket := "/tmp/.X11-unix/X" + strings.TrimPrefix(display, ":")
			if _, err := os.Stat(socket); err != nil || !alive(pid) {
				t.Fatalf("program %d on %s: %v", pid, socket, err)
			}
			if kill {
				s.host.cmd.Process.Kill()
			} else {
				s.viewer.kill()
				s.await(s.host, "waiting") // for the viewer to come back
				s.host.cmd.Process.Signal(os.Interrupt)
			}
			eventually(t, "program and display are gone", func() bool {
				_, err := os.Stat(socket)
				return err != nil && !alive(pid)
			})
		})
	}
}

// A program that ends ends the host; one that cannot be run is said to be so.
func TestAppEnds(t *testing.T) {
	t.Parallel()
	tool(t, "Xvfb", "xvfb")
	c := newCrew(t)
	for app, code := range map[string]int{"true": 0, "no-such-program-here": 2} {
		a := c.start("host", nil, "host", "--json", "--accept", "--relay", "none", "--app", app)
		c.exits(a, code)
	}
	// The kernel and the C library of a path without an X server are there; it is not.
	empty := c.start("host", []string{"PATH=" + t.TempDir()}, "host", "--json", "--accept", "--relay", "none", "--app", "true")
	c.exits(empty, 5)
	if words := empty.stderr.String(); !strings.Contains(words, "Xvfb") || !strings.Contains(words, "hint: install one") {
		t.Errorf("without a server it said %q", words)
	}
}

// The display of a program is as large as the window of the viewer who controls it,
// also when that changes; a host may say no.
func TestAppFollowsWindow(t *testing.T) {
	t.Parallel()
	s := &session{crew: newCrew(t)}
	s.here = openDisplay(t, screenSize).connect()
	s.here.run("openbox", "openbox")
	appHost(s, "--virtual", "640x480")
	is := func(size string) {
		t.Helper()
		eventually(t, "the picture is "+size, func() bool { return s.picture() == size })
	}
	is(screenSize)
	s.here.resize(800, 600)
	is("800x600")
	s.here.resize(1024, 768)
	is(screenSize)
	s.await(s.viewer, "stats", "refined=true")

	fixed := s.start("fixed", nil, "host", "--json", "--accept", "--relay", "none", "--app", "sleep 100", "--virtual", "640x480", "--follow-size=false")
	if what := s.await(fixed, "code").text("sharing"); !strings.Contains(what, ", 640x480)") {
		t.Errorf("it shares %q", what)
	}
}

// picture is the size of what the viewer shows, as its ctl tells.
func (s *session) picture() string {
	cmd := exec.Command(s.bin, "ctl", "status", "--json")
	cmd.Env = s.viewer.cmd.Env
	out, err := cmd.Output()
	var report struct {
		Status struct{ View struct{ Picture string } }
	}
	if err != nil || json.Unmarshal(out, &report) != nil {
		return ""
	}
	return report.Status.View.Picture
}
