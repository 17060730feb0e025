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

// What a person sets stands, whenever it was set: our own settings go in between.
func TestInjectorLeavesRepeats(t *testing.T) {
	t.Parallel()
	x := startX(t, "640x480x24")
	person, err := connect(x.display, "")
	if err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() { person.drain(); close(drained) }()
	t.Cleanup(func() { person.close(); <-drained })
	if !person.useXKB() {
		t.Fatal("no XKB")
	}
	stands := func(what string, want repeats) {
		t.Helper()
		if got, err := person.repeats(); err != nil || got != want {
			t.Errorf("%s: %v (%v), want %v", what, got, err, want)
		}
	}
	set := func(r repeats) { person.setRepeats(r); person.Sync() }

	set(repeats{431, 41})
	i := inject(t, x, InjectorOptions{})
	press := func() { i.Key(screen.Key{Sym: 'a', Down: true}) }
	lift := func() { i.Key(screen.Key{Sym: 'a'}); i.x.Sync() }
	press()
	if i.repeater.found == nil {
		t.Error("the press waited for the server's answer")
	}
	lift()
	stands("nobody changed it", repeats{431, 41})
	set(repeats{432, 42})
	press()
	lift()
	stands("before a press", repeats{432, 42})
	press()
	i.x.Sync()
	set(repeats{433, 43})
	lift()
	stands("before a release", repeats{433, 43})
	press()
	set(repeats{434, 44})
	press() // a repetition
	i.x.Sync()
	set(repeats{435, 45})
	i.ReleaseAll()
	stands("before and after a repetition", repeats{435, 45})
	set(repeats{436, 46})
	press()
	i.x.Sync()
	set(repeats{437, 47}) // before the server's answer about 436 was looked at
	lift()
	stands("twice", repeats{437, 47})

	// Without any order, as it is in life.
	var last repeats
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range uint16(200) {
			last = repeats{200 + n, 20 + n}
			set(last)
		}
	}()
	for going := true; going; {
		press()
		lift()
		select {
		case <-done:
			going = false
		default:
		}
	}
	press()
	lift()
	stands("in any order", last)
}

// A press is one piece: another program sees the settings from before or after it.
func TestInjectorHidesRepeats(t *testing.T) {
	t.Parallel()
	x := startX(t, "640x480x24")
	other, err := connect(x.display, "")
	if err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() { other.drain(); close(drained) }()
	t.Cleanup(func() { other.close(); <-drained })
	if !other.useXKB() {
		t.Fatal("no XKB")
	}
	i := inject(t, x, InjectorOptions{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 600 {
			if err := i.Key(screen.Key{Sym: 'a', Down: n&1 == 0}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for seen := 0; ; seen++ {
		if r, err := readRepeats(other.askRepeats()); err != nil || r.delay == neverRepeat {
			t.Fatalf("after %d looks: %v, %v", seen, r, err)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
