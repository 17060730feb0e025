//go:build unix

package x11

import (
	"errors"
	"os/exec"
	"syscall"
)

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// apart puts a child into a process group of its own, out of reach of the
// terminal's Ctrl+C.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
