//go:build unix

package virtual

import (
	"os/exec"
	"syscall"
)

// signalGroup ends a child and what it started, kindly or at once.
func signalGroup(cmd *exec.Cmd, now bool) {
	s := syscall.SIGTERM
	if now {
		s = syscall.SIGKILL
	}
	syscall.Kill(-cmd.Process.Pid, s)
}
