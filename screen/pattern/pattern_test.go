package pattern

import (
	"context"
	"errors"
	"fmt"
	"image"
	"testing"
	"testing/synctest"
	"time"

	"sightline/screen"
	"sightline/screen/keysym"
)

// typeText presses and lifts the keys of s.
func typeText(t *testing.T, in screen.Injector, s string) {
	t.Helper()
	for _, r := range s {
		press(t, in, keysym.FromRune(r))
	}
}

func press(t *testing.T, in screen.Injector, sym keysym.Sym) {
	t.Helper()
	for _, down := range []bool{true, false} {
		if err := in.Key(screen.Key{Sym: sym, Down: down}); err != nil {
			t.Fatal(err)
		}
	}
}

func click(t *testing.T, in screen.Injector, at image.Point) {
	t.Helper()
	for _, b := range []screen.Buttons{screen.Left, 0} {
		if err := in.Pointer(screen.Pointer{At: at, Buttons: b}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTyping(t *testing.T) {
	d := New(Options{})
	in := d.Injector()
	typeText(t, in, "ls -l\tx\n£0")
	press(t, in, keysym.BackSpace)
	press(t, in, keysym.KP0+7)
	press(t, in, keysym.F1)
	if err := in.Key(screen.Key{Sym: keysym.ControlL, Down: true}); err != nil {
		t.Fatal(err)
	}
	press(t, in, 'c')
	if got, want := d.Typed(), "ls -l\tx\n£7"; got != want {
		t.Errorf("typed %q, want %q", got, want)
	}
	if keys, _ := d.Held(); keys != 1 {
		t.Errorf("%d keys held, want Control", keys)
	}
}

func TestTextStaysBounded(t *testing.T) {
	var s state
	for i := range maxText + 10 {
		s.press(keysym.Sym('a' + i%2))
	}
	if len(s.text) != maxText || s.text[maxText-1] != 'b' {
		t.Errorf("%d runes, last %q", len(s.text), s.text[len(s.text)-1])
	}
}

func TestClickAndWheel(t *testing.T) {
	d := New(Options{})
	in := d.Injector()
	before := d.Snapshot()
	mid := func(r image.Rectangle) image.Point { return r.Min.Add(r.Size().Div(2)) }
	for i := range 3 {
		click(t, in, mid(d.Button(i)))
	}
	if d.Clicks() != 3 {
		t.Errorf("%d clicks", d.Clicks())
	}
	if d.Snapshot().Equal(before) {
		t.Error("clicks changed no pixel")
	}
	before = d.Snapshot()
	for _, far := range []int{3, 1 << 40, -(1 << 40)} {
		if err := in.Pointer(screen.Pointer{At: mid(d.List()), Wheel: image.Pt(0, far)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Pointer(screen.Pointer{At: mid(d.List()), Wheel: image.Pt(0, 3)}); err != nil {
		t.Fatal(err)
	}
	if d.state.scroll != 3 || d.Snapshot().Equal(before) {
		t.Errorf("list at %d", d.state.scroll)
	}
	click(t, in, mid(d.find(partWheel, 0)))
	if d.state.accent == defaultAccent {
		t.Error("the colour wheel does not answer")
	}
}

func TestOutsideIsRefused(t *testing.T) {
	in := New(Options{}).Injector()
	for _, p := range []screen.Pointer{{At: image.Pt(-1, 0)}, {At: image.Pt(1280, 0)}, {Picture: 1}} {
		var refused *screen.Refused
		if err := in.Pointer(p); !errors.As(err, &refused) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if in.Fence([]screen.WindowID{1}) == nil {
		t.Error("a fence of windows that are not there is accepted")
	}
}

// What a watcher puts together is what there is to see, whatever happens.
func TestDamageIsComplete(t *testing.T) {
	for _, size := range []image.Point{{}, {320, 240}, {1, 1}, {801, 333}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			d := New(Options{Size: size})
			src, in := d.Source(), d.Injector()
			defer src.Close()
			box := d.Snapshot().Rect
			mine := screen.NewFrame(box)
			var c screen.Change
			steps := []func(){
				func() {},
				func() { typeText(t, in, "hello\nworld and so on") },
				func() { click(t, in, d.Button(1).Min) },
				func() { click(t, in, box.Max.Sub(image.Pt(1, 1))) },
				func() { click(t, in, image.Pt(0, 0)) },
				func() { in.Pointer(screen.Pointer{At: d.List().Min.Add(image.Pt(9, 9)), Wheel: image.Pt(0, 5)}) },
				func() { press(t, in, keysym.BackSpace) },
			}
			for i, step := range steps {
				step()
				if err := src.Next(context.Background(), &c); err != nil {
					t.Fatal(err)
				}
				for _, r := range c.Damage {
					mine.Copy(c.Frame, r)
				}
				if !mine.Equal(d.Snapshot()) {
					t.Fatalf("step %d: pixels differ", i)
				}
			}
		})
	}
}

// One key damages no more than the place of two characters and the block.
func TestSmallDamage(t *testing.T) {
	d := New(Options{})
	src, in := d.Source(), d.Injector()
	var c screen.Change
	if err := src.Next(context.Background(), &c); err != nil {
		t.Fatal(err)
	}
	press(t, in, 'a')
	if err := src.Next(context.Background(), &c); err != nil {
		t.Fatal(err)
	}
	if got := c.Damage.Area(); got == 0 || got > 2*cellW*cellH {
		t.Errorf("%d px damaged: %v", got, c.Damage)
	}
}

func TestClockTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := New(Options{Clock: true}).Source()
		defer src.Close()
		var c screen.Change
		for range 3 {
			if err := src.Next(t.Context(), &c); err != nil {
				t.Fatal(err)
			}
		}
		if c.Frame == nil {
			t.Error("the clock shows nothing new")
		}
	})
}

func TestIdleIsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := New(Options{}).Source()
		defer src.Close()
		var c screen.Change
		if err := src.Next(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		if err := src.Next(ctx, &c); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after a day: %v", err)
		}
	})
}

func BenchmarkType(b *testing.B) {
	d := New(Options{})
	in := d.Injector()
	b.ReportAllocs()
	for i := range b.N {
		sym := keysym.Sym('a' + i%26)
		if i%70 == 69 {
			sym = keysym.Return
		}
		in.Key(screen.Key{Sym: sym, Down: true})
		in.Key(screen.Key{Sym: sym})
	}
}
