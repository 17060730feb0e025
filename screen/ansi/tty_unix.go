//go:build unix

package ansi

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// rawOutput: nothing to do, raw input is all a terminal here needs.
func rawOutput(*os.File) (undo func(), err error) { return func() {}, nil }

// watchSize tells of each SIGWINCH until stop, which waits for its goroutine.
func watchSize() (changed chan struct{}, stop func()) {
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, syscall.SIGWINCH)
	changed, done := make(chan struct{}, 1), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-sig:
				select {
				case changed <- struct{}{}:
				default:
				}
			case <-done:
				return
			}
		}
	})
	return changed, func() {
		signal.Stop(sig)
		close(done)
		wg.Wait()
	}
}
