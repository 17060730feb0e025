//go:build !windows

package ctl

import (
	"errors"
	"os"
	"syscall"

	"sightline/peer"
)

// checkOwner wants a directory of ours that nobody else may enter.
func checkOwner(dir string, info os.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fail(peer.ClassPermission, "remove it or set XDG_RUNTIME_DIR to a directory of your own", "%s belongs to another user", dir)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fail(peer.ClassPermission, "chmod 700 "+dir, "%s can be entered by other users (mode %o)", dir, mode)
	}
	return nil
}

// processLives asks the kernel with the signal that does nothing.
func processLives(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
