package virtual

import (
	"os/exec"
	"syscall"
)

// bind puts a child into a group of its own, out of reach of the terminal's
// Ctrl+C, and has the kernel end it with this process.
func bind(cmd *exec.Cmd, kindly bool) {
	last := syscall.SIGKILL
	if kindly {
		last = syscall.SIGTERM
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: last}
}
