// Package keyring keeps the few secrets that outlive a process: the identity
// key of each role and the relay's token and lease key. Each is one file, made
// on first use, that nobody but its owner can read (SECURITY-DESIGN, section 8).
//
// It is no credential store of the operating system, and it knows nothing of
// codes or passwords: those are never written.
//
// A file is one line of ASCII, so that a damaged one is told from a valid one
// and a secret can be moved with copy and paste:
//
//	sightline-key 1 ed25519 HEX CHECK LF
//	              |    |     |    `--- first 8 hex digits of SHA-256 over all before the space
//	              |    |     `-------- the 32-byte seed (RFC 8032) or the secret, lower case
//	              |    `-------------- what HEX is: "ed25519" or "secret"
//	              `------------------- version of this format
//
// Rules, the same as SSH has for its keys: a file that others can read, that
// belongs to somebody else or that is a symbolic link is refused with a
// *ModeError; a file that cannot be parsed is an error and is never replaced,
// because replacing an identity silently looks like an attack to every peer
// that knew it.
package keyring

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

const (
	magic = "sightline-key 1"
	// maxSecret bounds what LoadOrCreateSecret makes and reads, in bytes.
	maxSecret = 1024
	// maxFile bounds what is read of a key file: the longest secret in hex
	// with room for the words around it.
	maxFile = 2*maxSecret + 128
	// checkLen is the length of CHECK in hex digits. It tells a slip from a
	// key, it does not authenticate.
	checkLen = 8
)

// kind is the third word of a key file.
type kind string

const (
	kindEd25519 kind = "ed25519"
	kindSecret  kind = "secret"
)

// ErrDamaged is wrapped by the error for a file that is not a key file of the
// kind and length asked for. The file stays as it is.
var ErrDamaged = errors.New("damaged or not a sightline key file")

// LoadOrCreate returns the identity key in the file at path and makes file and
// directory (0600, 0700) if there is none. Two processes that make it at the
// same time end with the same key. Errors: *ModeError for a file or directory
// that others could read or change, ErrDamaged, and those of the file system.
func LoadOrCreate(path string) (ed25519.PrivateKey, error) {
	seed, err := loadOrCreate(path, kindEd25519, ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("identity key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// LoadOrCreateSecret returns the n random bytes (1..1024) kept in the file at
// path, made on first use. Promises and errors are those of LoadOrCreate.
func LoadOrCreateSecret(path string, n int) ([]byte, error) {
	if n < 1 || n > maxSecret {
		return nil, fmt.Errorf("secret of %d bytes: 1 to %d are possible", n, maxSecret)
	}
	secret, err := loadOrCreate(path, kindSecret, n)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	return secret, nil
}

// loadOrCreate reads first: the usual case touches nothing on disk. Losing the
// race to create is no error, it only means that there is something to read.
func loadOrCreate(path string, k kind, n int) ([]byte, error) {
	if err := privateDir(path); err != nil {
		return nil, err
	}
	secret, err := load(path, k, n)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	secret = make([]byte, n)
	rand.Read(secret) // never fails (crypto/rand, since Go 1.24)
	err = create(path, format(k, secret))
	if errors.Is(err, fs.ErrExist) {
		return load(path, k, n)
	}
	if err != nil {
		return nil, err
	}
	return secret, nil
}

func load(path string, k kind, n int) ([]byte, error) {
	text, err := ReadFile(path, maxFile)
	if err != nil {
		return nil, err
	}
	secret, err := parse(text, k, n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return secret, nil
}

func format(k kind, secret []byte) []byte {
	line := fmt.Sprintf("%s %s %x", magic, k, secret)
	return []byte(line + " " + check(line) + "\n")
}

func check(line string) string {
	sum := sha256.Sum256([]byte(line))
	return hex.EncodeToString(sum[:])[:checkLen]
}

// parse is strict: one spelling for each secret. Its errors never quote the
// file, which may hold most of a secret.
func parse(text []byte, k kind, n int) ([]byte, error) {
	line, ok := strings.CutSuffix(string(text), "\n")
	if !ok || len(line) < checkLen+1 {
		return nil, fmt.Errorf("%w: it is cut short", ErrDamaged)
	}
	line, sum := line[:len(line)-checkLen-1], line[len(line)-checkLen-1:]
	digits, ok := strings.CutPrefix(line, magic+" "+string(k)+" ")
	if !ok {
		return nil, fmt.Errorf("%w: it does not begin with %q", ErrDamaged, magic+" "+string(k))
	}
	if subtle.ConstantTimeCompare([]byte(sum), []byte(" "+check(line))) == 0 {
		return nil, fmt.Errorf("%w: its check sum is wrong", ErrDamaged)
	}
	secret, err := hex.DecodeString(digits)
	if err != nil || len(secret) != n || digits != hex.EncodeToString(secret) {
		return nil, fmt.Errorf("%w: it does not hold %d bytes", ErrDamaged, n)
	}
	return secret, nil
}
