//go:build darwin || freebsd

package ctl

import (
	"net"

	"golang.org/x/sys/unix"
)

// callerUID asks the kernel who is at the other end (LOCAL_PEERCRED, unix(4)),
// which is what getpeereid(3) does.
func callerUID(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *unix.Xucred
	var inner error
	if err := raw.Control(func(fd uintptr) {
		cred, inner = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	}); err != nil {
		return -1, err
	}
	if inner != nil {
		return -1, inner
	}
	return int(cred.Uid), nil
}
