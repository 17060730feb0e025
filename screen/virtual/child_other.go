//go:build !unix

package virtual

import "os/exec"

func bind(*exec.Cmd, bool) {}

func signalGroup(cmd *exec.Cmd, now bool) { cmd.Process.Kill() }
