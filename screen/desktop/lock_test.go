package desktop

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// L22
func TestLocker(t *testing.T) {
	dir := t.TempDir()
	said := filepath.Join(dir, "said")
	script := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	lock := func(command string) error {
		t.Helper()
		os.Remove(said)
		l, err := NewLocker(command, []string{"DISPLAY=:77"})
		if err != nil {
			return err
		}
		return l.Lock(t.Context())
	}
	log := func() string { b, _ := os.ReadFile(said); return string(b) }

	if err := lock("echo mine on $DISPLAY >" + said); err != nil || log() != "mine on :77\n" {
		t.Errorf("a command of one's own: %v, %q", err, log())
	}
	if err := lock("exit 3"); err == nil || !strings.Contains(err.Error(), "not locked") {
		t.Errorf("one that fails: %v", err)
	}
	sh := os.Getenv("PATH")
	t.Setenv("PATH", dir)
	if err := lock(""); !errors.Is(err, ErrNoLocker) {
		t.Errorf("nothing installed: %v", err)
	}
	t.Setenv("PATH", dir+":"+sh)
	script("xscreensaver-command", "echo asleep >>"+said+"; exit 1")
	script("light-locker-command", "echo light $1 >>"+said)
	script("loginctl", "echo session >>"+said)
	if err := lock(""); err != nil || log() != "asleep\nlight -l\n" {
		t.Errorf("the first that does it: %v, %q", err, log())
	}
}
