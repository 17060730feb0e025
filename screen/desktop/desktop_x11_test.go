//go:build linux

package desktop

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sightline/screen"
)

// startX starts an Xvfb on a number that it chooses itself.
func startX(t *testing.T, args ...string) (display string) {
	t.Helper()
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		if os.Getenv("SIGHTLINE_CI") == "1" {
			t.Fatal("Xvfb is not installed")
		}
		t.Skip("Xvfb is not installed")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command(path, append([]string{"-displayfd", "3", "-screen", "0", "320x200x24", "-nolisten", "tcp", "-noreset"}, args...)...)
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	r.SetReadDeadline(time.Now().Add(30 * time.Second))
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb did not start: %v", err)
	}
	return ":" + strings.TrimSpace(line)
}

func environment(kv ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(kv); i += 2 {
			if kv[i] == name {
				return kv[i+1]
			}
		}
		return ""
	}
}

func TestHostSharesADisplay(t *testing.T) {
	display := startX(t)
	s, err := OpenHost(Options{Source: "auto", Env: environment("DISPLAY", display)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Source.Close()
	defer s.Injector.Close()
	if want := "display " + display + " (320x200), found through the environment"; s.What != want {
		t.Errorf("What is %q, want %q", s.What, want)
	}
	if s.Panic == nil {
		t.Error("there is no panic key")
	}
	if _, err := OpenHost(Options{Source: "screen:DP-9", Env: environment("DISPLAY", display)}); !errors.Is(err, screen.ErrNoDisplay) ||
		!strings.Contains(err.Error(), "there are: screen") {
		t.Errorf("an output that does not exist: %v", err)
	}
	w, kind, err := OpenWindow(WindowOptions{Env: environment("DISPLAY", display)})
	if err != nil || kind != KindNative {
		t.Fatal(kind, err)
	}
	w.Close()
}

// An Xvfb with the extension that Xwayland has is not to be had; names of
// outputs and the environment are what tells.
func TestHostRefusesWayland(t *testing.T) {
	display := startX(t)
	wayland := fstest.MapFS{"proc/812/environ": {Data: []byte("WAYLAND_DISPLAY=wayland-0\x00XDG_SESSION_TYPE=wayland\x00")}}
	for name, c := range map[string]struct {
		env  func(string) string
		root fstest.MapFS
	}{
		"in our environment": {environment("WAYLAND_DISPLAY", "wayland-0"), fstest.MapFS{}},
		"in a process":       {environment("SSH_CONNECTION", "x"), wayland},
	} {
		_, err := find(c.env, c.root)
		if !errors.Is(err, screen.ErrNoDisplay) || !strings.Contains(err.Error(), "Wayland") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A display that is named and is none of Wayland's counts all the same.
	if a, err := find(environment("WAYLAND_DISPLAY", "wayland-0", "DISPLAY", display), wayland); err != nil || a.Display != display {
		t.Errorf("a display of its own: %+v, %v", a, err)
	}
}

func TestDescribeDisplay(t *testing.T) {
	display := startX(t)
	for _, f := range describeDisplays(environment("DISPLAY", display)) {
		if f.What == "display "+display {
			if !f.OK || !strings.Contains(f.Detail, "320x200, 24 bits; found in the environment") {
				t.Errorf("%+v", f)
			}
			return
		}
	}
	t.Error("the display is not told of")
}
