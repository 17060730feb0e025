package pict

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is what this goroutine's thread has used: on a busy machine the wall
// clock tells of others. The caller stays on its thread from now on.
func cpuTime() time.Duration {
	runtime.LockOSThread()
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
