//go:build unix

package keyring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SECURITY-DESIGN, section 12: a 0644 key file or a foreign owner: start refused.
func TestKeyFileModes(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o400, 0o700} {
		path := keyFile(t, mode)
		if _, err := LoadOrCreate(path); err != nil {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	for _, mode := range []fs.FileMode{0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o666} {
		path := keyFile(t, mode)
		_, err := LoadOrCreate(path)
		var bad *ModeError
		if !errors.As(err, &bad) {
			t.Errorf("mode %o: error %v, want a ModeError", mode, err)
			continue
		}
		if !strings.Contains(err.Error(), path) || bad.Hint() != "run: chmod 600 "+path {
			t.Errorf("mode %o: %q, hint %q", mode, err, bad.Hint())
		}
	}
}

func TestForeignOwner(t *testing.T) {
	path := keyFile(t, 0o600)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	var bad *ModeError
	if err := checkFile(path, info, os.Geteuid()+1); !errors.As(err, &bad) || !strings.Contains(bad.Reason, "belongs to user") {
		t.Errorf("foreign file: %v", err)
	}
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Skipf("chown: %v", err)
	}
	if _, err := LoadOrCreate(path); !errors.As(err, &bad) || !strings.Contains(bad.Reason, "user 12345") {
		t.Errorf("a file of user 12345 on disk: %v", err)
	}
}

func TestSymlinkIsNotFollowed(t *testing.T) {
	target := keyFile(t, 0o600)
	link := filepath.Join(t.TempDir(), "host.key")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(t.TempDir(), "relay.key")
	if err := os.Symlink(filepath.Join(t.TempDir(), "nothing"), dangling); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, dangling} {
		var bad *ModeError
		if _, err := LoadOrCreate(path); !errors.As(err, &bad) || !strings.Contains(bad.Reason, "symbolic link") {
			t.Errorf("error %v, want a ModeError about the link", err)
		}
	}
}

func TestOddFiles(t *testing.T) {
	dir := t.TempDir()
	fifo, folder := filepath.Join(dir, "fifo"), filepath.Join(dir, "folder")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("mkfifo: %v", err)
	}
	os.Mkdir(folder, 0o700)
	for _, path := range []string{fifo, folder} {
		done := make(chan error, 1)
		go func() { _, err := LoadOrCreate(path); done <- err }()
		select {
		case err := <-done:
			var bad *ModeError
			if !errors.As(err, &bad) {
				t.Errorf("%s: %v, want a ModeError", path, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: opening it hangs", path)
		}
	}
}

func TestDirectoryModes(t *testing.T) {
	made := filepath.Join(t.TempDir(), "a", "b", "host.key")
	if _, err := LoadOrCreate(made); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{filepath.Dir(made): 0o700, made: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want mode %o", path, info.Mode(), err, want)
		}
	}
	for mode, refused := range map[fs.FileMode]bool{0o755: false, 0o777: true, 0o770: true, 0o1777: true} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		var bad *ModeError
		_, err := LoadOrCreate(filepath.Join(dir, "host.key"))
		if errors.As(err, &bad) != refused {
			t.Errorf("directory %o: %v, want refused %v", mode, err, refused)
		}
	}
}

func TestHintIsOneShellWord(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's mine")
	os.Mkdir(dir, 0o700)
	path := filepath.Join(dir, "k")
	os.WriteFile(path, nil, 0o644)
	var bad *ModeError
	if _, err := LoadOrCreate(path); !errors.As(err, &bad) || !strings.Contains(bad.Mend, `'\''s mine/k'`) {
		t.Errorf("mend %q, %v", bad.Mend, err)
	}
}

// keyFile makes a valid key file with the given mode.
func keyFile(t *testing.T, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "host.key")
	if err := os.WriteFile(path, format(kindEd25519, make([]byte, 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}
