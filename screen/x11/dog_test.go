package x11

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A call that hangs is bitten after its limit, one that takes part of it is not, nor is
// the next one for what the one before took.
func TestDog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bites atomic.Int32
		d := newDog(4*time.Second, func() { bites.Add(1) })
		for range 5 {
			done := d.watch()
			time.Sleep(3 * time.Second)
			done()
		}
		if n := bites.Load(); n != 0 {
			t.Errorf("%d bites for calls of 3 s", n)
		}
		time.Sleep(time.Minute)
		if n := bites.Load(); n != 0 {
			t.Errorf("%d bites while nothing ran", n)
		}
		done := d.watch()
		defer done()
		time.Sleep(4*time.Second - time.Millisecond)
		if n := bites.Load(); n != 0 {
			t.Error("it bit too early")
		}
		time.Sleep(2 * time.Millisecond)
		if n := bites.Load(); n != 1 {
			t.Errorf("%d bites after the limit", n)
		}
	})
}
