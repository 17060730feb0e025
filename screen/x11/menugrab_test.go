package x11

import (
	"errors"
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

func TestMenuGrab(t *testing.T) {
	first, second := time.Unix(100, 0), time.Unix(200, 0)
	type look struct {
		free, open bool
		since      time.Time
		after      time.Duration // since then
		want       bool
	}
	for name, looks := range map[string][]look{
		"no menu":        {{true, false, first, 0, true}, {false, false, first, 0, false}},
		"a menu's own":   {{false, true, first, 0, true}, {false, true, first, time.Hour, true}},
		"about to grab":  {{true, true, first, menuGrabs - 1, true}, {false, true, first, time.Hour, true}},
		"somebody else":  {{true, true, first, menuGrabs, true}, {false, true, first, time.Hour, false}, {true, true, first, time.Hour, true}},
		"another menu's": {{true, true, first, menuGrabs, true}, {false, true, second, 0, true}},
	} {
		var m menuGrab
		for n, l := range looks {
			if got := m.allows(l.free, l.open, l.since, l.since.Add(l.after)); got != l.want {
				t.Errorf("%s, look %d: %v", name, n, got)
			}
		}
	}
}

// While a list of completions is open, which takes nothing for itself, another program
// takes the pointer and the keyboard: it gets nothing. A menu that takes both gets all. // issue 5
func TestFenceForeignGrab(t *testing.T) {
	t.Parallel()
	x := startX(t, "640x480x24")
	shared := x.victim(t, "shared", image.Rect(100, 100, 400, 300), 0x204060)
	secret := x.victim(t, "secret", image.Rect(450, 100, 600, 300), 0x602040)
	a := x.share(t, "shared")
	i := inject(t, x, InjectorOptions{Group: a.src.Group()})
	a.until("the window", func() bool { return a.pixel(0, 10, 10) == 0x204060 })
	xproto.SetInputFocus(shared.x.Conn, xproto.InputFocusPointerRoot, shared.win, 0)
	open := func(at image.Rectangle) {
		w := shared.raw(t, at, 0x0000aa, true, 0)
		a.until("the fence knows the menu", func() bool { _, ok := a.src.Group().has(w); return ok })
	}
	place := image.Pt(10, 10)
	click := func() error {
		err := i.Pointer(screen.Pointer{At: place, Buttons: screen.Left})
		i.Pointer(screen.Pointer{At: place})
		return err
	}
	key := func() error {
		err := i.Key(screen.Key{Sym: 'a', Down: true})
		i.Key(screen.Key{Sym: 'a'})
		return err
	}
	refused := func(err error, reason string) {
		t.Helper()
		var no *screen.Refused
		if !errors.As(err, &no) || no.Reason != reason {
			t.Errorf("%v, want %q", err, reason)
		}
	}
	grab := func(v *victim, taken bool) {
		t.Helper()
		if !taken {
			xproto.UngrabPointer(v.x.Conn, 0)
			xproto.UngrabKeyboard(v.x.Conn, 0)
			v.x.Sync()
			return
		}
		p, err := xproto.GrabPointer(v.x.Conn, true, v.win, xproto.EventMaskButtonPress, 1, 1, 0, 0, 0).Reply()
		if err != nil || p.Status != xproto.GrabStatusSuccess {
			t.Fatal(p, err)
		}
		k, err := xproto.GrabKeyboard(v.x.Conn, true, v.win, 0, 1, 1).Reply()
		if err != nil || k.Status != xproto.GrabStatusSuccess {
			t.Fatal(k, err)
		}
	}

	open(image.Rect(150, 150, 250, 200))
	waitFor(t, "the list was seen to take nothing", func() bool {
		place.X = 10 + (place.X+1)%5
		i.Pointer(screen.Pointer{At: place})
		if err := key(); err != nil {
			t.Fatal(err)
		}
		return i.fence.pointerGrab.loose != time.Time{} && i.fence.keyGrab.loose != time.Time{}
	})
	grab(secret, true)
	refused(click(), refuseCovered)
	refused(key(), refuseFocus)
	grab(secret, false)
	if err := errors.Join(click(), key()); err != nil {
		t.Errorf("when all is free again: %v", err)
	}

	open(image.Rect(160, 160, 260, 210))
	grab(shared, true)
	before := shared.buttons.Load()
	if err := errors.Join(click(), key()); err != nil {
		t.Errorf("in a menu: %v", err)
	}
	shared.await(t, "the click", func() bool { return shared.buttons.Load() > before })
	secret.x.Sync()
	if b, k := secret.buttons.Load(), secret.typed.Load(); b != 0 || k != 0 {
		t.Errorf("the other program got %d clicks and %d keys", b, k)
	}
}
