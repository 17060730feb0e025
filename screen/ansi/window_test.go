package ansi

import (
	"errors"
	"image"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"sightline/screen"
	"sightline/screen/screentest"
)

// fakeTTY is a terminal made of a pipe for the keys and an emulator.
type fakeTTY struct {
	keys    *io.PipeReader
	typed   *io.PipeWriter
	winch   chan struct{}
	written chan struct{} // one token for each Write that may go on; nil: all may

	mu       sync.Mutex
	emu      *emulator
	writes   int
	broken   error
	restored int
	changed  chan struct{}
}

func newFakeTTY(cols, rows int) *fakeTTY {
	r, w := io.Pipe()
	return &fakeTTY{keys: r, typed: w, winch: make(chan struct{}, 1), emu: newEmulator(cols, rows)}
}

func (f *fakeTTY) Read(b []byte) (int, error) { return f.keys.Read(b) }

func (f *fakeTTY) Write(b []byte) (int, error) {
	if f.written != nil {
		<-f.written
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return 0, f.broken
	}
	f.writes++
	f.emu.feed(string(b))
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
	return len(b), nil
}

func (f *fakeTTY) size() (int, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.emu.cols, f.emu.rows
}
func (f *fakeTTY) resized() <-chan struct{} { return f.winch }
func (f *fakeTTY) cancel()                  { f.keys.CloseWithError(io.ErrClosedPipe) }
func (f *fakeTTY) restore() error           { f.restored++; return nil }

// until waits until ok is true of the emulator.
func (f *fakeTTY) until(t *testing.T, ok func(*emulator) bool) {
	t.Helper()
	ctx := screentest.Context(t)
	for {
		f.mu.Lock()
		if ok(f.emu) {
			f.mu.Unlock()
			return
		}
		if f.changed == nil {
			f.changed = make(chan struct{})
		}
		changed := f.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("never came; the terminal shows:\n%s", f.emu.text())
		}
	}
}

func TestWindowSuite(t *testing.T) {
	screentest.TestWindow(t, func(*testing.T) screen.Window {
		return newWindow(newFakeTTY(80, 24), trueColour, "test")
	})
}

func one(size image.Point) *screen.Layout {
	return &screen.Layout{Pictures: []screen.Picture{{Name: "test", Rect: image.Rectangle{Max: size}}}}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// next waits for the next event that is none of focus and size.
func next(t *testing.T, w *Window) screen.Event {
	t.Helper()
	ctx := screentest.Context(t)
	for {
		select {
		case e := <-w.Events():
			if _, ok := e.(screen.Resize); !ok {
				return e
			}
		case <-ctx.Done():
			t.Fatal("no event came")
		}
	}
}

func TestShowsAndRestores(t *testing.T) {
	tty := newFakeTTY(40, 11)
	w := newWindow(tty, trueColour, "a\x1b]0;evil\x07title")
	size := image.Pt(80, 40) // half the dots' size: each dot is 2 x 2 px
	f := screen.NewFrame(image.Rectangle{Max: size})
	f.Fill(f.Rect, 0x112233)
	f.Fill(image.Rect(10, 10, 12, 14), 0xff0000)
	check(t, w.Layout(one(size)))
	check(t, w.Draw(0, f, screen.Region{f.Rect}))
	tty.until(t, func(e *emulator) bool {
		c, d := e.at(5, 2), e.at(5, 3)
		return e.at(0, 0) == cell{fg: 0x112233, bg: 0x112233} &&
			c == cell{fg: 0x112233, bg: 0xff0000} && d == cell{fg: 0xff0000, bg: 0x112233} &&
			strings.Contains(e.line(10), "a]0;eviltitle")
	})
	if !tty.emu.altScreen || tty.emu.cursorShown {
		t.Error("not on the other screen, or the cursor is shown")
	}
	check(t, w.Close())
	if tty.emu.altScreen || !tty.emu.cursorShown || len(tty.emu.modes) != 0 || tty.restored != 1 {
		t.Errorf("not restored: %+v, %d", tty.emu.modes, tty.restored)
	}
	if err := w.Draw(0, f, screen.Region{f.Rect}); err == nil {
		t.Error("Draw after Close")
	}
}

func TestDimmedInWords(t *testing.T) {
	tty := newFakeTTY(60, 10)
	w := newWindow(tty, trueColour, "")
	defer w.Close()
	size := image.Pt(10, 10)
	f := screen.NewFrame(image.Rectangle{Max: size})
	f.Fill(f.Rect, 0x808080)
	check(t, w.Layout(one(size)))
	check(t, w.Draw(0, f, screen.Region{f.Rect}))
	since := f.At.AddDate(2020, 1, 1)
	check(t, w.State(screen.State{Title: "box", DimmedSince: since}))
	tty.until(t, func(e *emulator) bool {
		return strings.Contains(e.line(9), "box · no picture since "+since.Local().Format("15:04:05")) && e.at(30, 4).fg == 0x404040
	})
	check(t, w.State(screen.State{Title: "box"}))
	tty.until(t, func(e *emulator) bool { return !strings.Contains(e.line(9), "since") && e.at(30, 4).fg == 0x808080 })
}

// While the terminal takes nothing, any number of draws make one write.
func TestNothingIsQueued(t *testing.T) {
	tty := newFakeTTY(40, 11)
	tty.written = make(chan struct{})
	w := newWindow(tty, trueColour, "")
	size := image.Pt(80, 40)
	f := screen.NewFrame(image.Rectangle{Max: size})
	check(t, w.Layout(one(size)))
	for i := range 1000 {
		f.Fill(f.Rect, uint32(i))
		check(t, w.Draw(0, f, screen.Region{f.Rect}))
	}
	close(tty.written)
	tty.until(t, func(e *emulator) bool { return e.at(0, 0).fg == 999 })
	check(t, w.Close())
	if tty.writes > 6 {
		t.Errorf("%d writes", tty.writes)
	}
}

func TestTerminalGone(t *testing.T) {
	tty := newFakeTTY(40, 11)
	w := newWindow(tty, trueColour, "")
	defer w.Close()
	tty.until(t, func(e *emulator) bool { return e.altScreen })
	tty.mu.Lock()
	tty.broken = errors.New("hung up")
	tty.mu.Unlock()
	tty.typed.Close()
	if e := next(t, w); e != screen.AskEnd {
		t.Errorf("got %v", e)
	}
	ctx := screentest.Context(t)
	for n := 0; ctx.Err() == nil; n++ {
		if err := w.State(screen.State{Title: strings.Repeat("x", n%30)}); errors.Is(err, screen.ErrDisplayLost) {
			return
		}
	}
	t.Error("nobody is told")
}

func TestPointerAndZoom(t *testing.T) {
	tty := newFakeTTY(100, 51)
	w := newWindow(tty, trueColour, "")
	defer w.Close()
	size := image.Pt(1000, 1000)
	f := screen.NewFrame(image.Rectangle{Max: size})
	f.Fill(image.Rect(500, 500, 501, 501), 0xffffff)
	check(t, w.Layout(one(size)))
	check(t, w.Draw(0, f, screen.Region{f.Rect}))
	tty.until(t, func(e *emulator) bool {
		return strings.Contains(e.line(50), "Ctrl+]") && !strings.Contains(e.line(50), "waiting")
	})

	io.WriteString(tty.typed, "\x1b[<0;51;26M") // cell 50,25 is dot 50,51
	if got, want := next(t, w), (screen.Pointer{At: image.Pt(505, 515), Buttons: screen.Left}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	io.WriteString(tty.typed, "\x1b[<32;200;60M") // dragged out: stays at the edge
	if got, want := next(t, w), (screen.Pointer{At: image.Pt(995, 995), Buttons: screen.Left}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	io.WriteString(tty.typed, "\x1b[<0;51;26m")
	if got, want := next(t, w), (screen.Pointer{At: image.Pt(505, 515)}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	io.WriteString(tty.typed, "\x1d"+strings.Repeat("+", 20)) // one to one around it
	tty.until(t, func(e *emulator) bool { return strings.Contains(e.line(50), "e end") })
	io.WriteString(tty.typed, "\x1b")
	tty.until(t, func(e *emulator) bool {
		return strings.Contains(e.line(50), "zoomed to 100 x 100 px") && e.count(0xffffff) == 1
	})
}

// Near an edge, too, what is under the pointer stays there.
func TestZoomKeepsThePlace(t *testing.T) {
	w := &Window{size: image.Pt(160, 51), layout: one(image.Pt(1600, 1000)), wake: make(chan struct{}, 1)}
	w.placeLocked()
	for _, at := range []image.Point{{75, 50}, {1590, 990}, {800, 3}} {
		w.zoom, w.centre = 0, image.Point{}
		w.placeLocked()
		dot, _ := w.view.dotOf(at)
		w.hand.at, w.hand.seen = at, true
		for range 10 {
			w.obey(cmdZoomIn)
			if now, ok := w.view.dotOf(at); !ok || now.Sub(dot).X < -9 || now.Sub(dot).X > 9 {
				t.Fatalf("%v went from %v to %v", at, dot, now)
			}
		}
		if w.view.src.Dx() != 160 {
			t.Errorf("%v: shows %v", at, w.view.src)
		}
	}
}

func TestResizeTells(t *testing.T) {
	tty := newFakeTTY(40, 11)
	w := newWindow(tty, trueColour, "")
	defer w.Close()
	ctx := screentest.Context(t)
	want := []screen.Resize{{Size: image.Pt(40, 20), Visible: true}, {Size: image.Pt(20, 8), Visible: true}}
	for i, r := range want {
		select {
		case got := <-w.Events():
			if got != r {
				t.Errorf("got %+v, want %+v", got, r)
			}
		case <-ctx.Done():
			t.Fatal("no event")
		}
		if i == 0 {
			tty.until(t, func(e *emulator) bool { return e.line(10) != "" })
			tty.mu.Lock()
			tty.emu.resize(20, 5)
			tty.mu.Unlock()
			tty.winch <- struct{}{}
		}
	}
	tty.until(t, func(e *emulator) bool { return strings.HasPrefix(e.line(4), " waiting") })
}

func TestSecondScreen(t *testing.T) {
	tty := newFakeTTY(60, 6)
	w := newWindow(tty, trueColour, "")
	defer w.Close()
	box := image.Rect(0, 0, 60, 10)
	check(t, w.Layout(&screen.Layout{Pictures: []screen.Picture{{ID: 2, Rect: box}, {ID: 5, Rect: box}}}))
	f := screen.NewFrame(box)
	f.Fill(box, 0xff)
	check(t, w.Draw(5, f, screen.Region{box}))
	tty.until(t, func(e *emulator) bool { return strings.Contains(e.line(5), "screen 1 of 2") && e.count(0xff) == 0 })
	io.WriteString(tty.typed, "\x1dn\r")
	tty.until(t, func(e *emulator) bool { return strings.Contains(e.line(5), "screen 2 of 2") && e.count(0xff) == 600 })
}

// A menu over the window's edge is seen as long as it is there; then the window fills
// the terminal again, though its picture stays larger for a while.
func TestMenuOverTheEdge(t *testing.T) {
	tty := newFakeTTY(60, 6)
	w := newWindow(tty, trueColour, "")
	defer w.Close()
	f := screen.NewFrame(image.Rect(0, 0, 60, 20))
	p := screen.Picture{Rect: f.Rect, Main: image.Rect(0, 10, 60, 20), Over: image.Rect(0, 0, 60, 15)}
	f.Fill(p.Main, 0xff)
	for _, c := range []struct {
		over  image.Rectangle
		cells int
	}{{p.Over, 150}, {image.Rectangle{}, 600}} {
		p.Over = c.over
		check(t, w.Layout(&screen.Layout{Pictures: []screen.Picture{p}}))
		check(t, w.Draw(0, f, screen.Region{f.Rect}))
		tty.until(t, func(e *emulator) bool { return e.count(0xff) == c.cells })
	}
}

// A panic puts the terminal back before anybody prints.
func TestRestoreOnPanic(t *testing.T) {
	tty := newFakeTTY(40, 11)
	w := newWindow(tty, trueColour, "")
	defer w.Close()
	tty.until(t, func(e *emulator) bool { return e.altScreen })
	defer func() {
		if recover() == nil || tty.emu.altScreen {
			t.Error("the panic was swallowed, or the terminal is not back")
		}
	}()
	w.guarded(func() { panic("test") })()
}

func TestColoursOf(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want colours
	}{
		"nothing":   {nil, palette256},
		"24bit":     {map[string]string{"COLORTERM": "24bit"}, trueColour},
		"truecolor": {map[string]string{"COLORTERM": "TrueColor"}, trueColour},
		"direct":    {map[string]string{"TERM": "xterm-direct"}, trueColour},
		"no color":  {map[string]string{"COLORTERM": "24bit", "NO_COLOR": "1"}, greys},
	} {
		if got := coloursOf(func(k string) string { return tc.env[k] }); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestOpenNeedsATerminal(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	defer w.Close()
	if _, err := Open(Options{In: devNull(t), Out: devNull(t)}); !errors.Is(err, screen.ErrNoDisplay) {
		t.Errorf("got %v", err)
	}
}

// TestMarks: another viewer's pointer is a letter in its colour, and the picture is
// back when it goes.
func TestMarks(t *testing.T) {
	w := &Window{frames: map[screen.PictureID]*screen.Frame{}, done: make(chan struct{}), wake: make(chan struct{}, 1), size: image.Pt(20, 6)}
	f := screen.NewFrame(image.Rect(0, 0, 20, 10))
	f.Fill(f.Rect, 0x404040)
	w.Layout(&screen.Layout{Pictures: []screen.Picture{{Rect: f.Rect}}})
	w.Draw(0, f, screen.Region{f.Rect})
	w.cursor.Hidden = true
	w.refreshLocked()
	plain := slices.Clone(w.grid.want)
	anna := screen.Mark{At: image.Pt(7, 4), Colour: 0xff8c1a, Name: "änna"}
	w.Marks([]screen.Mark{anna, {Picture: 3, Colour: 1}, {At: image.Pt(500, 500)}})
	w.refreshLocked()
	if got, want := w.grid.row(2)[7], (cell{fg: 0, bg: 0xff8c1a, ch: 'Ä'}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	anna.At.X = 3
	w.Marks([]screen.Mark{anna})
	w.refreshLocked()
	if w.grid.row(2)[7] != plain[2*20+7] || w.grid.row(2)[3].ch != 'Ä' {
		t.Error("the mark did not move")
	}
	w.Marks(nil)
	w.refreshLocked()
	if !slices.Equal(w.grid.want, plain) {
		t.Error("the picture is not as before")
	}
}
