package ansi

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"sightline/screen"
)

// openPTY gives both ends of a pseudo terminal.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	absent := func(err error) {
		if os.Getenv("SIGHTLINE_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip("/dev/ptmx: ", err)
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		absent(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		absent(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		absent(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		absent(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// A real terminal: raw mode, size, keys, and everything back on Close.
func TestRealTerminal(t *testing.T) {
	master, slave := openPTY(t)
	size := &unix.Winsize{Row: 12, Col: 50}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, size); err != nil {
		t.Fatal(err)
	}
	before, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}

	tty := newFakeTTY(50, 12) // only its emulator is used
	var all bytes.Buffer
	var reader sync.WaitGroup
	reader.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			tty.mu.Lock()
			all.Write(buf[:n])
			tty.mu.Unlock()
		}
	})
	w, err := Open(Options{In: slave, Out: slave, Title: "real", Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	check(t, w.Layout(one(image.Pt(50, 22))))
	if _, err := master.WriteString("q"); err != nil {
		t.Fatal(err)
	}
	if got, want := next(t, w), (screen.Key{Sym: 'q', Down: true}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	check(t, w.Close())
	after, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal's modes are %+v, were %+v (%v)", after, before, err)
	}
	slave.Close() // the master's Read ends
	reader.Wait()
	if s := all.String(); !strings.HasPrefix(s, enter) || !strings.HasSuffix(s, leave) || !strings.Contains(s, "real") {
		t.Errorf("written: %.200q … %q", s, s[max(0, len(s)-100):])
	}
}
