//go:build unix

package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openNoFollow opens for reading. O_NONBLOCK: opening a FIFO that somebody put
// there must not hang; it is refused after fstat.
func openNoFollow(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if !errors.Is(err, unix.ELOOP) {
		return f, err
	}
	info, lerr := os.Lstat(path)
	if lerr != nil || info.Mode()&fs.ModeSymlink == 0 {
		return nil, err // a loop further up in the path
	}
	return nil, &ModeError{Path: path, Mode: info.Mode(), Reason: "it is a symbolic link, which is not followed for a secret"}
}

func checkFile(path string, info fs.FileInfo, uid int) error {
	bad := &ModeError{Path: path, Mode: info.Mode()}
	owner := ownerOf(info)
	switch {
	case !info.Mode().IsRegular():
		bad.Reason = "it is not a regular file"
	case owner != uid:
		bad.Reason = fmt.Sprintf("it belongs to user %d, and you are user %d", owner, uid)
		bad.Mend = fmt.Sprintf("sudo chown %d %s", uid, quote(path))
	case info.Mode().Perm()&0o077 != 0:
		bad.Reason = "others can read or change it, and it holds a secret"
		bad.Mend = "chmod 600 " + quote(path)
	default:
		return nil
	}
	return bad
}

// checkDir lets root own the directory: root can read everything anyway.
func checkDir(path string, info fs.FileInfo, uid int) error {
	bad := &ModeError{Path: path, Mode: info.Mode()}
	owner := ownerOf(info)
	switch {
	case !info.IsDir():
		bad.Reason = "it is not a directory"
	case owner != uid && owner != 0:
		bad.Reason = fmt.Sprintf("it belongs to user %d, who could change the secrets in it", owner)
		bad.Mend = fmt.Sprintf("sudo chown %d %s", uid, quote(path))
	case info.Mode().Perm()&0o022 != 0:
		bad.Reason = "others can put files into it, and it holds secrets"
		bad.Mend = "chmod 700 " + quote(path)
	default:
		return nil
	}
	return bad
}

func ownerOf(info fs.FileInfo) int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}

// syncDir makes a new name in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: a file system that cannot
		return err
	}
	return nil
}
