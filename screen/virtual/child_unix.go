//go:build unix && !linux

package virtual

import (
	"os/exec"
	"syscall"
)

// bind puts a child into a group of its own. Here nothing ends it when this
// process is killed.
func bind(cmd *exec.Cmd, _ bool) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
