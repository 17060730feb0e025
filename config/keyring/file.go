package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ModeError says that a file or directory of secrets is open to others. The
// exit code for it is 14, local permission.
type ModeError struct {
	Path   string
	Mode   fs.FileMode // as found, permission bits and type
	Reason string      // "others can read it"
	Mend   string      // the command that mends it, "" if none does
}

func (e *ModeError) Error() string {
	return fmt.Sprintf("%s (mode %04o): %s", e.Path, e.Mode.Perm(), e.Reason)
}

// Hint is what the person can do.
func (e *ModeError) Hint() string {
	if e.Mend == "" {
		return "move it away, or make it a file of your own"
	}
	return "run: " + e.Mend
}

// ReadFile returns a file of at most limit bytes that must be private to the
// user: a regular file (never a symbolic link), owned by the user, readable by
// nobody else. What was checked is what is read: the checks are made on the
// open file. Errors: *ModeError, fs.ErrNotExist and others of the file system.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := openNoFollow(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkFile(path, info, os.Geteuid()); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return text, nil
}

// WriteFile puts data at path with mode 0600, all or nothing: after a crash the
// file is the old one or the new one. A missing directory is made with 0700. A
// symbolic link at path is replaced, not followed.
func WriteFile(path string, data []byte) error {
	if err := privateDir(path); err != nil {
		return err
	}
	temp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// create is WriteFile for a file that must not exist yet; fs.ErrExist if it
// does. The link makes name and content appear in one step, so whoever finds
// the file finds all of it: O_EXCL alone would show an empty file for a moment.
func create(path string, data []byte) error {
	temp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	if err := os.Link(temp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// writeTemp leaves data, synced to disk, in a new 0600 file beside path.
func writeTemp(path string, data []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return "", err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

// privateDir makes the directory of path, or checks the one that is there. It
// may be readable (a service manager often makes it 0755), since the files
// are not; it must not be writable, or others could put a key of theirs there.
func privateDir(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		info, err = os.Stat(dir)
	}
	if err != nil {
		return err
	}
	return checkDir(dir, info, os.Geteuid())
}

// quote makes a path one word of a shell command.
func quote(path string) string {
	if strings.ContainsAny(path, " \t\n'\"\\$&;|<>()*?[]#~`!") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
