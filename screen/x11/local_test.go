package x11

import (
	"errors"
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"sightline/screen"
)

// The person at the display takes over: what the remote hand holds comes up and
// it rests; afterwards it goes on, but a drag that was cut off does not.
func TestLocalHandWins(t *testing.T) {
	x := startX(t, "640x480x24")
	p := x.painter(t)
	if err := p.x.use("XTEST"); err != nil {
		t.Fatal(err)
	}
	person := func(kind, detail byte, at image.Point) {
		xtest.FakeInput(p.x.Conn, kind, detail, 0, p.x.root, int16(at.X), int16(at.Y), 0)
		p.x.Sync()
	}
	i := inject(t, x, InjectorOptions{LocalPause: 2 * time.Second})
	clock := time.Unix(1000, 0)
	i.local.now = func() time.Time { return clock }
	rests := func() bool {
		t.Helper()
		clock = clock.Add(lookEach)
		err := i.Key(screen.Key{Sym: 'a', Down: true})
		var refused *screen.Refused
		if err != nil && (!errors.As(err, &refused) || refused.Reason != "local hand") {
			t.Fatal(err)
		}
		if err == nil {
			i.Key(screen.Key{Sym: 'a'})
			i.x.Sync()
		}
		return err != nil
	}
	point := func(q screen.Pointer) error {
		clock = clock.Add(lookEach)
		err := i.Pointer(q)
		i.x.Sync()
		return err
	}
	pressed := func() bool {
		q, err := xproto.QueryPointer(p.x.Conn, p.x.root).Reply()
		if err != nil {
			t.Fatal(err)
		}
		return q.Mask&xproto.KeyButMaskButton1 != 0
	}

	for range 2 {
		if rests() {
			t.Fatal("nobody has touched anything")
		}
	}
	// Our own hand moves, drags, and pushes against the edge.
	for n := range 20 {
		if err := point(screen.Pointer{At: image.Pt(10*n, 3*n), Buttons: screen.Left}); err != nil {
			t.Fatalf("our own move %d: %v", n, err)
		}
	}
	if !pressed() {
		t.Fatal("the button is not down")
	}
	if rests() {
		t.Fatal("our own hand passes for another")
	}

	person(xproto.MotionNotify, 0, image.Pt(333, 222))
	if !rests() || pressed() {
		t.Fatalf("the person moves the pointer: button down %v", pressed())
	}
	if err := point(screen.Pointer{At: image.Pt(1, 1), Buttons: screen.Left}); err == nil {
		t.Error("the remote hand moves on")
	}
	clock = clock.Add(stale - 2*lookEach)
	person(xproto.MotionNotify, 0, image.Pt(334, 222)) // goes on
	if !rests() {
		t.Error("the person goes on")
	}
	clock = clock.Add(2*time.Second - 2*lookEach)
	if !rests() {
		t.Error("not 2 s yet")
	}
	clock = clock.Add(2 * lookEach)
	if rests() {
		t.Error("2 s are over")
	}
	// The drag that was cut off goes on at the viewer's: no press here.
	if err := point(screen.Pointer{At: image.Pt(50, 50), Buttons: screen.Left}); err != nil || pressed() {
		t.Errorf("a drag from before: %v, button down %v", err, pressed())
	}
	point(screen.Pointer{At: image.Pt(50, 50)})
	if err := point(screen.Pointer{At: image.Pt(50, 50), Buttons: screen.Left}); err != nil || !pressed() {
		t.Errorf("a new press: %v, button down %v", err, pressed())
	}
	point(screen.Pointer{At: image.Pt(50, 50)})

	// A key and a button of the person.
	code := byte(p.x.setup.MinKeycode) + 30
	person(xproto.KeyPress, code, image.Point{})
	if !rests() {
		t.Error("the person types")
	}
	person(xproto.KeyRelease, code, image.Point{})
	clock = clock.Add(3 * time.Second)
	person(xproto.ButtonPress, 3, image.Point{})
	if !rests() {
		t.Error("the person clicks")
	}
	person(xproto.ButtonRelease, 3, image.Point{})

	// What happened long ago does not count.
	clock = clock.Add(time.Minute)
	person(xproto.MotionNotify, 0, image.Pt(9, 9))
	clock = clock.Add(time.Minute)
	if rests() {
		t.Error("the pointer was moved a minute ago")
	}

	i.local.pause = 0
	person(xproto.MotionNotify, 0, image.Pt(99, 9))
	if rests() {
		t.Error("switched off")
	}
}
