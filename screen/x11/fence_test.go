package x11

import (
	"errors"
	"image"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"sightline/screen"
	"sightline/screen/keysym"
)

// victim is a program with one window that counts what it gets.
type victim struct {
	x              *client
	win            xproto.Window
	buttons, typed atomic.Int64
}

func (s *server) victim(t *testing.T, title string, at image.Rectangle, colour uint32) *victim {
	t.Helper()
	x, err := connect(s.display, "")
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{x: x}
	v.win = v.open(t, title, at, colour)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			ev, xerr := x.WaitForEvent()
			switch ev.(type) {
			case xproto.ButtonPressEvent:
				v.buttons.Add(1)
			case xproto.KeyPressEvent:
				v.typed.Add(1)
			case nil:
				if xerr == nil {
					return
				}
			}
		}
	}()
	t.Cleanup(func() { x.close(); <-done })
	return v
}

// open makes one more window of the program, shown.
func (v *victim) open(t *testing.T, title string, at image.Rectangle, colour uint32) xproto.Window {
	t.Helper()
	c := v.x.Conn
	w, err := xproto.NewWindowId(c)
	if err != nil {
		t.Fatal(err)
	}
	xproto.CreateWindow(c, 0, w, v.x.root, int16(at.Min.X), int16(at.Min.Y), uint16(at.Dx()), uint16(at.Dy()), 0,
		xproto.WindowClassInputOutput, 0, xproto.CwBackPixel|xproto.CwEventMask,
		[]uint32{colour, xproto.EventMaskButtonPress | xproto.EventMaskKeyPress})
	xproto.ChangeProperty(c, xproto.PropModeReplace, w, xproto.AtomWmName, xproto.AtomString, 8, uint32(len(title)), []byte(title))
	class := title + "\x00" + title + "\x00"
	xproto.ChangeProperty(c, xproto.PropModeReplace, w, xproto.AtomWmClass, xproto.AtomString, 8, uint32(len(class)), []byte(class))
	// USPosition|USSize|PPosition: the window manager leaves it where it is.
	hints := make([]byte, 18*4)
	hints[0] = 1 | 2 | 4
	xproto.ChangeProperty(c, xproto.PropModeReplace, w, xproto.AtomWmNormalHints, xproto.AtomWmSizeHints, 32, 18, hints)
	v.await(t, title+" on the screen", func() bool {
		xproto.MapWindow(c, w) // again: a window manager that has only just come may miss it
		a, err := xproto.GetWindowAttributes(c, w).Reply()
		return err == nil && a.MapState == xproto.MapStateViewable
	})
	return w
}

func (v *victim) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// put asks for a place and size until they are there, a frame's width aside.
func (v *victim) put(t *testing.T, at image.Rectangle) {
	t.Helper()
	v.await(t, "the window in its place", func() bool {
		xproto.ConfigureWindow(v.x.Conn, v.win, xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
			[]uint32{uint32(at.Min.X), uint32(at.Min.Y), uint32(at.Dx()), uint32(at.Dy())})
		r, _, err := v.x.stands(v.win)
		return err == nil && r.Size() == at.Size()
	})
}

// attack restacks and moves the focus as fast as it can, until the test ends.
func (s *server) attack(t *testing.T, wins ...*victim) (stop func()) {
	x, err := connect(s.display, "")
	if err != nil {
		t.Fatal(err)
	}
	go x.drain()
	var outer []xproto.Window // what the window manager has put around them
	for _, v := range wins {
		outer = append(outer, outermost(t, x, v.win))
	}
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		rng := rand.New(rand.NewPCG(1, 2))
		for {
			select {
			case <-end:
				return
			default:
			}
			n := rng.IntN(len(wins))
			xproto.ConfigureWindow(x.Conn, outer[n], xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
			xproto.SetInputFocus(x.Conn, xproto.InputFocusPointerRoot, wins[rng.IntN(len(wins))].win, 0)
			x.Sync()
			time.Sleep(time.Duration(rng.IntN(200)) * time.Microsecond)
		}
	}()
	stop = sync.OnceFunc(func() { close(end); <-done; x.close() })
	t.Cleanup(stop)
	return stop
}

// overlap is the part of the window's inside where another one stands too.
func (v *victim) overlap(t *testing.T, other *victim) (both image.Rectangle) {
	t.Helper()
	v.await(t, "the windows over each other", func() bool {
		mine, _, err := v.x.stands(v.win)
		if err != nil {
			t.Fatal(err)
		}
		theirs, _, err := v.x.stands(other.win)
		if err != nil {
			t.Fatal(err)
		}
		if both = mine.Intersect(theirs).Sub(mine.Min); both.Dx() < 50 || both.Dy() < 50 { // the manager placed them
			at := mine.Min.Add(image.Pt(50, 20))
			xproto.ConfigureWindow(other.x.Conn, other.win, xproto.ConfigWindowX|xproto.ConfigWindowY, []uint32{uint32(at.X), uint32(at.Y)})
			return false
		}
		return true
	})
	return both
}

func outermost(t *testing.T, x *client, w xproto.Window) xproto.Window {
	t.Helper()
	for {
		tree, err := xproto.QueryTree(x.Conn, w).Reply()
		if err != nil {
			t.Fatal(err)
		}
		if tree.Parent == x.root {
			return w
		}
		w = tree.Parent
	}
}

// Whoever restacks windows and steals the focus at random, nothing that a remote
// hand does reaches a window that is not shared. // issue 5
func TestFenceAgainstHostileWindows(t *testing.T) {
	for _, wm := range []string{"", "openbox", "jwm", "metacity", "icewm", "fluxbox", "i3"} {
		t.Run("manager "+wm, func(t *testing.T) {
			if _, err := exec.LookPath(wm); err != nil && !slices.Contains([]string{"", "openbox", "jwm"}, wm) {
				t.Skipf("%s is not installed; two others are enough", wm)
			}
			t.Parallel()
			x := startX(t, "640x480x24")
			if wm != "" {
				x.manage(t, wm)
			}
			shared := x.victim(t, "shared", image.Rect(100, 100, 400, 300), 0x204060)
			secret := x.victim(t, "secret", image.Rect(150, 120, 450, 320), 0x602040)
			if wm == "i3" { // it puts windows of its own sizes into the middle
				shared.put(t, image.Rect(100, 100, 400, 300))
				secret.put(t, image.Rect(150, 120, 450, 320))
			}
			i := inject(t, x, InjectorOptions{})
			if err := i.Fence([]screen.WindowID{screen.WindowID(shared.win)}); err != nil {
				t.Fatal(err)
			}
			// While nobody interferes a click gives the focus, as at the display itself.
			shared.await(t, "a click", func() bool {
				i.Pointer(screen.Pointer{At: image.Pt(10, 10), Buttons: screen.Left})
				i.Pointer(screen.Pointer{At: image.Pt(10, 10)})
				return shared.buttons.Load() > 0
			})
			shared.buttons.Store(0)
			both := shared.overlap(t, secret)
			stop := x.attack(t, shared, secret)
			refused := map[string]int{}
			try := func(err error) {
				var no *screen.Refused
				if errors.As(err, &no) {
					refused[no.Reason]++
				} else if err != nil {
					t.Fatal(err)
				}
			}
			for n := range hostileTries {
				at := both.Min.Add(image.Pt(n%both.Dx(), n%both.Dy()))
				try(i.Pointer(screen.Pointer{At: at, Buttons: screen.Left}))
				try(i.Pointer(screen.Pointer{At: at}))
				try(i.Key(screen.Key{Sym: 'a', Down: true}))
				try(i.Key(screen.Key{Sym: 'a'}))
			}
			stop()
			for _, v := range []*victim{shared, secret} {
				v.x.Sync()
			}
			shared.await(t, "keys at the shared window", func() bool { return shared.typed.Load() > 0 })
			if b, k := secret.buttons.Load(), secret.typed.Load(); b != 0 || k != 0 {
				t.Errorf("the foreign window got %d clicks and %d keys", b, k)
			}
			if refused[refuseCovered] == 0 && wm != "metacity" || refused[refuseFocus] == 0 { // metacity undoes the restacking
				t.Errorf("the attack did nothing: %v", refused)
			}
			if shared.buttons.Load() == 0 || shared.typed.Load() == 0 {
				t.Error("the fence lets nothing through")
			}
			t.Logf("shared: %d clicks, %d keys; refused: %v", shared.buttons.Load(), shared.typed.Load(), refused)
		})
	}
}

// hostileTries with the pointer, and as many with keys.
var hostileTries = func() int {
	if os.Getenv("SIGHTLINE_CI") == "1" {
		return 3000
	}
	return 600
}()

// Each reason for which the fence refuses.
func TestFenceRefuses(t *testing.T) {
	x := startX(t, "640x480x24")
	shared := x.victim(t, "shared", image.Rect(100, 100, 400, 300), 0x204060)
	secret := x.victim(t, "secret", image.Rect(300, 100, 500, 300), 0x602040)
	i := inject(t, x, InjectorOptions{})
	if err := i.Fence([]screen.WindowID{screen.WindowID(shared.win)}); err != nil {
		t.Fatal(err)
	}
	focus := func(w xproto.Window) {
		xproto.SetInputFocus(shared.x.Conn, xproto.InputFocusPointerRoot, w, 0)
		shared.x.Sync()
	}
	where := func() image.Point {
		q, err := xproto.QueryPointer(shared.x.Conn, shared.x.root).Reply()
		if err != nil {
			t.Fatal(err)
		}
		return image.Pt(int(q.RootX), int(q.RootY))
	}
	is := func(what string, err error, reason string) {
		t.Helper()
		var no *screen.Refused
		if reason == "" && err != nil || reason != "" && (!errors.As(err, &no) || no.Reason != reason) {
			t.Errorf("%s: %v, want %q", what, err, reason)
		}
	}
	press := func(at image.Point) error { return i.Pointer(screen.Pointer{At: at, Buttons: screen.Left}) }
	up := func(at image.Point) { is("release", i.Pointer(screen.Pointer{At: at}), "") }

	is("a click", press(image.Pt(10, 10)), "")
	is("a drag out of the window", press(image.Pt(-50, 500)), "")
	if at := where(); at != image.Pt(100, 299) {
		t.Errorf("a held button let the pointer out to %v", at)
	}
	up(image.Pt(10, 10))
	is("a place beside", press(image.Pt(-5, 10)), refuseOutside)
	is("a covered place", press(image.Pt(250, 10)), refuseCovered)
	if at := where(); at != image.Pt(110, 110) {
		t.Errorf("the pointer left to %v", at)
	}
	is("another picture", i.Pointer(screen.Pointer{Picture: 1, At: image.Pt(1, 1)}), refuseOutside)

	focus(secret.win)
	is("a key for another window", i.Key(screen.Key{Sym: 'a', Down: true}), refuseFocus)
	focus(shared.win)
	is("a key", i.Key(screen.Key{Sym: 'a', Down: true}), "")
	focus(secret.win)
	is("its release", i.Key(screen.Key{Sym: 'a'}), "")
	focus(shared.win)

	// F5 is somebody's hot key, with Control too.
	var f5 xproto.Keycode
	for code := range 256 {
		if c, ok := i.keys.choose(0xffc2, 0); ok && int(c.code) == code {
			f5 = xproto.Keycode(code)
		}
	}
	if err := xproto.GrabKeyChecked(secret.x.Conn, false, secret.x.root, xproto.ModMaskAny, f5, xproto.GrabModeAsync, xproto.GrabModeAsync).Check(); err != nil {
		t.Fatal(err)
	}
	is("a hot key", i.Key(screen.Key{Sym: 0xffc2, Down: true}), refuseHotKey)
	is("no hot key", i.Key(screen.Key{Sym: 0xffc3, Down: true}), "")
	i.Key(screen.Key{Sym: 0xffc3})

	// Somebody has taken the pointer and the keyboard for himself.
	if r, err := xproto.GrabPointer(secret.x.Conn, false, secret.win, xproto.EventMaskButtonPress, 1, 1, 0, 0, 0).Reply(); err != nil || r.Status != 0 {
		t.Fatal(r, err)
	}
	is("a click while the pointer is grabbed", press(image.Pt(10, 10)), refuseCovered)
	xproto.UngrabPointer(secret.x.Conn, 0)
	if r, err := xproto.GrabKeyboard(secret.x.Conn, false, secret.win, 0, 1, 1).Reply(); err != nil || r.Status != 0 {
		t.Fatal(r, err)
	}
	is("a key while the keyboard is grabbed", i.Key(screen.Key{Sym: 'a', Down: true}), refuseFocus)
	xproto.UngrabKeyboard(secret.x.Conn, 0)
	secret.x.Sync()

	// With Alt, the window manager takes clicks.
	alt := i.keys.modifier(i.keys.alt)
	if len(alt) == 0 {
		t.Fatal("there is no Alt")
	}
	xtest.FakeInput(i.x.Conn, xproto.KeyPress, alt[0], 0, i.x.root, 0, 0, 0)
	is("a click with Alt", press(image.Pt(10, 10)), refuseHotKey)
	xtest.FakeInput(i.x.Conn, xproto.KeyRelease, alt[0], 0, i.x.root, 0, 0, 0)

	// On any error: no.
	xproto.DestroyWindow(shared.x.Conn, shared.win)
	shared.x.Sync()
	is("a window that is gone", press(image.Pt(10, 10)), refuseOutside)
	is("a key for it", i.Key(screen.Key{Sym: 'a', Down: true}), refuseFocus)
	if secret.buttons.Load() != 0 || secret.typed.Load() != 0 {
		t.Errorf("the foreign window got %d clicks and %d keys", secret.buttons.Load(), secret.typed.Load())
	}
}

// The hot keys that window managers come with do nothing for a remote hand: the shared
// window stays open, has the keyboard, and the keys that are none arrive. // issue 5
func TestFenceHotKeysOfManagers(t *testing.T) {
	t.Parallel()
	for _, wm := range []string{"openbox", "jwm"} {
		t.Run(wm, func(t *testing.T) {
			t.Parallel()
			x := startX(t, "640x480x24")
			x.manage(t, wm)
			shared := x.victim(t, "shared", image.Rect(100, 100, 400, 300), 0x204060)
			i := inject(t, x, InjectorOptions{})
			if err := i.Fence([]screen.WindowID{screen.WindowID(shared.win)}); err != nil {
				t.Fatal(err)
			}
			press := func(s keysym.Sym) error {
				defer i.Key(screen.Key{Sym: s})
				return i.Key(screen.Key{Sym: s, Down: true})
			}
			shared.await(t, "the keyboard", func() bool {
				i.Pointer(screen.Pointer{At: image.Pt(10, 10), Buttons: screen.Left})
				i.Pointer(screen.Pointer{At: image.Pt(10, 10)})
				return press('a') == nil
			})
			if err := i.Key(screen.Key{Sym: keysym.AltL, Down: true}); err != nil {
				t.Fatal(err)
			}
			const tab, f3 = 0xff09, 0xffc0
			for _, s := range []keysym.Sym{tab, f3 + 1} { // the next window, close this one
				var no *screen.Refused
				if err := press(s); !errors.As(err, &no) || no.Reason != refuseHotKey {
					t.Errorf("Alt and %v: %v", s, err)
				}
			}
			if err := press('q'); err != nil {
				t.Errorf("Alt and q, which is no hot key: %v", err)
			}
			i.ReleaseAll()
			if err := press('a'); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}
