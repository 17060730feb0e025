package x11

import (
	"bytes"
	"image"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jezek/xgb/dpms"
	"github.com/jezek/xgb/screensaver"
	"github.com/jezek/xgb/xproto"
)

// sleeper is what shows a display and can wake it.
type sleeper interface {
	Wake()
	Close() error
}

// sleepers opens a screen and a window of one.
func sleepers(t *testing.T, display string) map[string]sleeper {
	t.Helper()
	s, err := OpenSource(Options{Display: display})
	if err != nil {
		t.Fatal(err)
	}
	w, err := OpenWindows(WindowsOptions{Display: display, Windows: []string{"shared"}})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]sleeper{"screen": s, "window": w}
	for _, s := range all {
		t.Cleanup(func() { s.Close() })
	}
	return all
}

// A display whose screen saver is on shows what it has for a viewer that comes. // issue 5
func TestWake(t *testing.T) {
	t.Parallel()
	x := startX(t, "320x240x24")
	x.victim(t, "shared", image.Rect(0, 0, 50, 50), 1)
	p := x.painter(t)
	if err := p.x.use("MIT-SCREEN-SAVER"); err != nil {
		t.Fatal(err)
	}
	if _, err := screensaver.QueryVersion(p.x.Conn, 1, 0).Reply(); err != nil {
		t.Fatal(err)
	}
	saves := func() bool {
		q, err := screensaver.QueryInfo(p.x.Conn, xproto.Drawable(p.x.root)).Reply()
		if err != nil {
			t.Fatal(err)
		}
		return q.State == screensaver.StateOn
	}
	for name, s := range sleepers(t, x.display) {
		xproto.ForceScreenSaver(p.x.Conn, xproto.ScreenSaverActive)
		waitFor(t, "the display sleeps", saves)
		s.Wake()
		waitFor(t, "the display is awake for a "+name, func() bool { return !saves() })
	}
}

// A monitor that is switched off is switched on. No X server that runs without a
// monitor knows DPMS, so the question whether there is one is changed on its way to
// that for SYNC, and what is then asked of it is looked at on the wire; SYNC refuses
// it, as a server with power saving switched off does. // issue 5
func TestWakeMonitor(t *testing.T) {
	t.Parallel()
	x := startX(t, "320x240x24")
	x.victim(t, "shared", image.Rect(0, 0, 50, 50), 1)
	stand, err := xproto.QueryExtension(x.painter(t).x.Conn, 4, "SYNC").Reply()
	if err != nil || !stand.Present {
		t.Fatal("no SYNC", err)
	}
	display, heard := listenIn(t, x.display, []byte("DPMS"), []byte("SYNC"))
	const forceLevel = 6 // DPMS protocol 1.1
	on := []byte{stand.MajorOpcode, forceLevel, 2, 0, dpms.DPMSModeOn, 0, 0, 0}
	n := 0
	for name, s := range sleepers(t, display) {
		if got := heard(on); got != n {
			t.Errorf("a %s switched on %d times before anybody came", name, got-n)
		}
		s.Wake()
		n++
		waitFor(t, "the monitor is switched on for a "+name, func() bool { return heard(on) == n })
	}
}

// listenIn stands between a display and its clients, changes a word of theirs for
// another and counts what they say. It returns the display to be used instead.
func listenIn(t *testing.T, display string, from, to []byte) (name string, heard func([]byte) int) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "x:0")
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	var all [][]byte // of each connection
	heard = func(word []byte) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, said := range all {
			n += bytes.Count(said, word)
		}
		return n
	}
	pass := func(client net.Conn) {
		a, _ := parseDisplay(display)
		server, err := a.dial()
		if err != nil {
			t.Error(err)
			client.Close()
			return
		}
		go func() { io.Copy(client, server); client.Close() }()
		mu.Lock()
		mine := len(all)
		all = append(all, nil)
		mu.Unlock()
		b := make([]byte, 1<<16)
		for {
			n, err := client.Read(b)
			if err != nil {
				server.Close()
				return
			}
			said := bytes.ReplaceAll(b[:n], from, to)
			mu.Lock()
			all[mine] = append(all[mine], said...)
			mu.Unlock()
			server.Write(said)
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go pass(c)
		}
	}()
	return name, heard
}
