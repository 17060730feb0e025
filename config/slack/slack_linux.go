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

// again tells the program that it was started over: never twice, whatever the
// kernel made of the slack.
const again = "_SIGHTLINE_AGAIN"

// Widen gives all threads of the process a slack of 500 us. It does not return
// if it has to start the program over, so nothing may have been read or begun
// before. Where it may not do so, where the slack is that wide already and where
// there is none (of real-time threads) it does nothing.
func Widen() {
	if _, ok := os.LookupEnv(again); ok {
		os.Unsetenv(again)
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if slackNow() >= wide {
		return
	}
	self, err := os.Executable()
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(wide), 0, 0, 0) != nil || slackNow() < wide {
		return
	}
	syscall.Exec(self, os.Args, append(os.Environ(), again+"=1")) // comes back only if it is not allowed: then all stays as it is
}

// slackNow is the calling thread's; 0 if it has none.
func slackNow() time.Duration {
	ns, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return wide
	}
	return time.Duration(ns)
}
