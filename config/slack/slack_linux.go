package slack

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// wide is how late a timer may be. Go's own have a resolution of 1 ms.
const wide = 500 * time.Microsecond

// Widen gives all threads of the process a slack of 500 us. It does not return
// if it has to start the program over, so nothing may have been read or begun
// before. Where it may not do so, and where the slack is that wide already, it
// does nothing.
func Widen() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err != nil || now >= int(wide) {
		return
	}
	self, err := os.Executable()
	if err != nil {
		return
	}
	if unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(wide), 0, 0, 0) == nil {
		syscall.Exec(self, os.Args, os.Environ()) // comes back only if it is not allowed: then all stays as it is
	}
}
