package virtual

import (
	"errors"
	"image"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait of a test for another process.
const patience = 30 * time.Second

func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("SIGHTLINE_CI") == "1" {
			t.Fatalf("%s is not installed", program)
		}
		t.Skipf("%s is not installed", program)
	}
}

func open(t *testing.T, o Options) *Display {
	t.Helper()
	need(t, "Xvfb")
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestDisplay(t *testing.T) {
	t.Setenv("WAYLAND_DISPLAY", "wayland-7")
	t.Setenv("SIGHTLINE_CODE", "12345-1234-1234")
	d := open(t, Options{Size: image.Pt(400, 300)})
	if info, err := os.Stat(d.Authority); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the cookie: %v, %v", info, err)
	}
	// Who has no cookie is refused: byte order, protocol 11.0, no authorization.
	c, err := net.Dial("unix", "/tmp/.X11-unix/X"+strings.TrimPrefix(d.Name, ":"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write([]byte{'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	answer := make([]byte, 1)
	c.SetReadDeadline(time.Now().Add(patience))
	if _, err := c.Read(answer); err != nil || answer[0] != 0 {
		t.Errorf("without a cookie the server answers %d, %v", answer[0], err)
	}

	file := filepath.Join(t.TempDir(), "env")
	if d.Ended() != nil {
		t.Error("something ended before it began")
	}
	if err := d.Run("env >" + file + ".new && mv " + file + ".new " + file + "; exec sleep 100"); err != nil {
		t.Fatal(err)
	}
	var env []string
	for end := time.Now().Add(patience); env == nil; time.Sleep(5 * time.Millisecond) {
		if b, err := os.ReadFile(file); err == nil {
			env = strings.Split(string(b), "\n")
		} else if time.Now().After(end) {
			t.Fatal("the program does not run")
		}
	}
	if !slices.Contains(env, "DISPLAY="+d.Name) || !slices.Contains(env, "XAUTHORITY="+d.Authority) {
		t.Errorf("its environment leads to another display: %q", env)
	}
	for _, v := range env {
		if strings.HasPrefix(v, "WAYLAND_DISPLAY=") || strings.HasPrefix(v, "SIGHTLINE_") {
			t.Errorf("it inherits %s", v)
		}
	}
	program, server := d.program.cmd.Process, d.server.cmd.Process
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	<-d.Ended()
	if program.Signal(os.Kill) == nil || server.Signal(os.Kill) == nil {
		t.Error("something lives on")
	}
	if _, err := os.Stat(d.dir); err == nil {
		t.Error("the cookie stays")
	}
}

func TestProgramEnds(t *testing.T) {
	d := open(t, Options{})
	if d.Size != DefaultSize {
		t.Errorf("%v", d.Size)
	}
	if err := d.Run("exit 3"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-d.Ended():
	case <-time.After(patience):
		t.Fatal("its end is not told")
	}
	if err := d.Fault(); err != nil {
		t.Errorf("a program that ran: %v", err)
	}
}

func TestNoServer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Open(Options{}); !errors.Is(err, ErrNoServer) {
		t.Errorf("%v", err)
	}
	// One that does not start is quoted.
	fake := filepath.Join(os.Getenv("PATH"), "Xvfb")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\necho 'cannot open fonts' >&2\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{}); err == nil || !strings.Contains(err.Error(), "cannot open fonts") {
		t.Errorf("%v", err)
	}
}
