package x11

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"sightline/screen"
	"sightline/screen/keysym"
)

// A key that the remote hand holds is repeated as often as the viewer's keyboard says so
// and never by the server, as long as the Injector lives. (D9)
func TestInjectorRepeats(t *testing.T) {
	t.Parallel()
	x := startX(t, "640x480x24")
	c, err := connect(x.display, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.use("XTEST"); err != nil {
		t.Fatal(err)
	}
	xproto.ChangeWindowAttributes(c.Conn, c.root, xproto.CwEventMask, []uint32{xproto.EventMaskKeyPress})
	var presses atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			ev, xerr := c.WaitForEvent()
			if ev == nil && xerr == nil {
				return
			}
			if _, ok := ev.(xproto.KeyPressEvent); ok {
				presses.Add(1)
			}
		}
	}()
	t.Cleanup(func() { c.close(); <-done })

	i := inject(t, x, InjectorOptions{})
	if !i.plays {
		t.Fatal("the server repeats by itself")
	}
	i.Key(screen.Key{Sym: 'a', Down: true})
	// Twice as long as a server waits before it repeats.
	<-time.After(1500 * time.Millisecond)
	for range 3 {
		i.Key(screen.Key{Sym: 'a', Down: true})
	}
	i.Key(screen.Key{Sym: 'a'})
	// A modifier has no repetitions.
	for range 2 {
		i.Key(screen.Key{Sym: keysym.ShiftL, Down: true})
	}
	i.ReleaseAll()
	waitFor(t, "the keys", func() bool { return presses.Load() >= 5 })
	if n := presses.Load(); n != 5 {
		t.Errorf("%d presses, want 1 and 3 repetitions, and Shift", n)
	}

	// The keyboard of the person at the display repeats, also while the Injector lives.
	before := presses.Load()
	k, err := c.readKeyboard()
	if err != nil {
		t.Fatal(err)
	}
	a, ok := k.choose('a', 0)
	if !ok {
		t.Fatal("no key for a")
	}
	xtest.FakeInput(c.Conn, xproto.KeyPress, a.code, 0, c.root, 0, 0, 0)
	waitFor(t, "the server's own repetitions", func() bool { return presses.Load() >= before+3 })
	xtest.FakeInput(c.Conn, xproto.KeyRelease, a.code, 0, c.root, 0, 0, 0)
}
