package ctl

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"sightline/peer"
)

// maxSocketPath is what every system takes: sun_path has 104 bytes on macOS and
// 108 on Linux and Windows, and the longest name here is some 25 bytes.
const maxSocketPath = 100

// youth protects a socket that was bound and does not listen yet from being
// taken for a dead one. The two calls are microseconds apart.
const youth = 10 * time.Second

// socketDir is where the sockets of dir are: dir itself, or, where its name is
// too long for a socket address, a short place that is found from its name.
func socketDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the control directory: %w", err)
	}
	if len(dir)+len("/relay-4294967295.sock") <= maxSocketPath {
		return dir, nil
	}
	sum := sha256.Sum256([]byte(dir))
	base := "/tmp"
	if runtime.GOOS == "windows" {
		base = os.TempDir()
	}
	return filepath.Join(base, fmt.Sprintf("sightline-%d-%x", os.Geteuid(), sum[:6])), nil
}

// openDir makes the directory if it is absent and checks that nobody else can
// enter it. In /tmp somebody else may have made it: then it is refused.
func openDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the control directory: %w", err)
	}
	return checkDir(dir)
}

// checkDir refuses a link, a file, and a directory that others own or may enter.
func checkDir(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("look at the control directory: %w", err)
	case !info.IsDir():
		return fail(peer.ClassPermission, "remove it, sightline makes a new one", "%s is no directory", dir)
	}
	return checkOwner(dir, info)
}

// Instance is a running role.
type Instance struct {
	ID   string // "host-4711"
	Role string // "host", "view" or "relay"
	PID  int
	path string
}

var socketName = regexp.MustCompile(`^([a-z]{1,16})-([1-9][0-9]{0,9})\.sock$`)

// List finds the running roles of this user and removes the sockets of those
// that died. An absent directory is an empty one.
func List(dir string) ([]Instance, error) {
	dir, err := socketDir(dir)
	if err != nil {
		return nil, err
	}
	if err := checkDir(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the control directory: %w", err)
	}
	running := []Instance{}
	for _, e := range entries {
		m := socketName.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		pid, _ := strconv.Atoi(m[2]) // at most 10 digits
		i := Instance{ID: m[1] + "-" + m[2], Role: m[1], PID: pid, path: filepath.Join(dir, e.Name())}
		if i.alive() {
			running = append(running, i)
		}
	}
	return running, nil
}

// alive knocks. A socket that nobody listens on any more is removed.
func (i Instance) alive() bool {
	c, err := net.DialTimeout("unix", i.path, time.Second)
	if err == nil {
		c.Close()
		return true
	}
	dead, refused := !processLives(i.PID), errors.Is(err, syscall.ECONNREFUSED)
	if info, err := os.Lstat(i.path); err == nil && (dead || refused && time.Since(info.ModTime()) > youth) {
		os.Remove(i.path)
	}
	// A full queue or a time-out is a busy role, not a dead one.
	return !dead && !refused
}

// listen binds the socket of this process.
func listen(ctx context.Context, dir, role string) (*net.UnixListener, error) {
	dir, err := socketDir(dir)
	if err != nil {
		return nil, err
	}
	if err := openDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%d.sock", role, os.Getpid()))
	if !socketName.MatchString(filepath.Base(path)) || len(path) > maxSocketPath {
		return nil, fmt.Errorf("no control socket can have the name %s", path)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && !answers(path) {
		// A process with our number died here: the name is ours now.
		os.Remove(path)
		l, err = (&net.ListenConfig{}).Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("close the control socket to others: %w", err)
	}
	return l.(*net.UnixListener), nil
}

// answers tells whether somebody listens there now.
func answers(path string) bool {
	c, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}
