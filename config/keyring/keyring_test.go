package keyring

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestLoadOrCreateKeepsTheKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "sightline", "host.key")
	first, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Equal(second) {
		t.Error("the second load gave another key")
	}
	if !ed25519.Verify(first.Public().(ed25519.PublicKey), []byte("m"), ed25519.Sign(second, []byte("m"))) {
		t.Error("the key does not sign for itself")
	}
	noLeftovers(t, filepath.Dir(path), "host.key")
}

func TestLoadOrCreateSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "relay.token")
	first, err := LoadOrCreateSecret(path, 32)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := LoadOrCreateSecret(path, 32); err != nil || !bytes.Equal(first, second) {
		t.Errorf("second load: %x, %v; want %x", second, err, first)
	}
	if _, err := LoadOrCreateSecret(path, 16); !errors.Is(err, ErrDamaged) {
		t.Errorf("another length: %v, want ErrDamaged", err)
	}
	if _, err := LoadOrCreate(path); !errors.Is(err, ErrDamaged) {
		t.Errorf("a secret read as identity: %v, want ErrDamaged", err)
	}
	for _, n := range []int{-1, 0, maxSecret + 1} {
		if _, err := LoadOrCreateSecret(path+"x", n); err == nil {
			t.Errorf("%d bytes were accepted", n)
		}
	}
}

// Many at once stand for two processes: nothing is shared but the directory.
func TestCreateAtOnceGivesOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sightline", "relay.key")
	const n = 16
	var wg sync.WaitGroup
	keys, errs := make([]ed25519.PrivateKey, n), make([]error, n)
	for i := range n {
		wg.Go(func() { keys[i], errs[i] = LoadOrCreate(path) })
	}
	wg.Wait()
	for i := range n {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if !keys[i].Equal(keys[0]) {
			t.Fatalf("process %d ended with a key of its own", i)
		}
	}
	noLeftovers(t, filepath.Dir(path), "relay.key")
}

func TestDamagedKeyIsNeverReplaced(t *testing.T) {
	good := string(format(kindEd25519, make([]byte, 32)))
	cases := map[string]string{
		"empty":         "",
		"cut short":     good[:40],
		"no newline":    strings.TrimSuffix(good, "\n"),
		"garbage":       "\x00\xff\x7fELF",
		"one digit off": strings.Replace(good, "0000", "0001", 1),
		"another kind":  string(format(kindSecret, make([]byte, 32))),
		"16 bytes":      string(format(kindEd25519, make([]byte, 16))),
		"upper case":    string(format(kindEd25519, make([]byte, 31))) + "A\n",
		"too long":      good + strings.Repeat("0", maxFile),
		"second line":   good + good,
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "host.key")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := LoadOrCreate(path); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want one that names %s", err, path)
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != text {
				t.Errorf("the file was changed: %q, %v", now, err)
			}
		})
	}
}

func TestErrorsDoNotShowTheSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.key")
	text := string(format(kindEd25519, bytes.Repeat([]byte{0xab}, 32)))
	os.WriteFile(path, []byte(text[:len(text)-4]+"\n"), 0o600)
	if _, err := LoadOrCreate(path); err == nil || strings.Contains(err.Error(), "abab") {
		t.Errorf("error %v", err)
	}
}

func TestWriteFileReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sightline", "config.toml")
	for _, text := range []string{"one", "two"} {
		if err := WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadFile(path, 3); err != nil || string(got) != text {
			t.Errorf("read %q, %v; want %q", got, err, text)
		}
	}
	if _, err := ReadFile(path, 2); err == nil {
		t.Error("a file longer than the limit was read")
	}
	noLeftovers(t, filepath.Dir(path), "config.toml")
}

func TestMissingFile(t *testing.T) {
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none"), 9); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
}

func FuzzKeyFile(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("\n"))
	f.Add(format(kindEd25519, make([]byte, 32)))
	f.Add(format(kindSecret, []byte{1}))
	f.Fuzz(func(t *testing.T, text []byte) {
		secret, err := parse(text, kindEd25519, 32)
		if err != nil {
			return
		}
		if !bytes.Equal(format(kindEd25519, secret), text) {
			t.Errorf("two spellings of one key: %q", text)
		}
	})
}

func noLeftovers(t *testing.T, dir, want string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != want {
		t.Errorf("directory holds %v, %v; want only %s", entries, err, want)
	}
}
