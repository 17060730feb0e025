package x11

import (
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
	"sightline/screen/keysym"
)

// layouts of people who work with each other.
var layouts = []string{"us", "de", "fr", "ch", "it", "br", "ru"}

// Key codes that every PC keyboard has in the same place (xkeyboard-config,
// keycodes/evdev).
const (
	codeShift = 50
	codeCaps  = 66
	codeAltGr = 108
	codeSpace = 65
	codeEnter = 36
	codeA     = 38
	codeMenu  = 135
)

// stroke is a key that goes down and up, with others held.
type stroke struct {
	code  byte
	holds []byte
}

// everyKey is every key of the typing area on all of its levels, with and
// without CapsLock; a dead key is followed by a blank and by a letter.
func everyKey(k *keyboard) (all []stroke) {
	var codes []byte
	for _, r := range [][2]byte{{49, 49}, {10, 21}, {24, 35}, {38, 48}, {51, 61}, {94, 94}, {97, 97}} {
		for c := r[0]; c <= r[1]; c++ {
			codes = append(codes, c)
		}
	}
	levels := [][]byte{nil, {codeShift}}
	if k.at(codeAltGr, 0, 0) == keysym.ISOLevel3Shift {
		levels = append(levels, []byte{codeAltGr}, []byte{codeShift, codeAltGr})
	}
	for n, holds := range levels {
		for _, c := range codes {
			s := k.at(c, 0, n)
			if s == keysym.NoSymbol {
				continue
			}
			all = append(all, stroke{c, holds})
			if strings.HasPrefix(s.String(), "dead_") {
				all = append(all, stroke{codeSpace, nil}, stroke{c, holds}, stroke{codeA, nil})
			}
		}
	}
	all = append(all, stroke{codeCaps, nil})
	for _, holds := range levels[:2] {
		for _, c := range codes {
			// Programs do not agree on the capital of the micro sign.
			if r, ok := k.at(c, 0, len(holds)).Rune(); ok && r != 'µ' {
				all = append(all, stroke{c, holds})
			}
		}
	}
	return append(all, stroke{codeCaps, nil}, stroke{codeEnter, nil})
}

// play presses keys as a person's hands do.
func (p *painter) play(all []stroke) {
	for _, s := range all {
		for _, c := range s.holds {
			p.fake(xproto.KeyPress, c, image.Point{})
		}
		p.fake(xproto.KeyPress, s.code, image.Point{})
		p.fake(xproto.KeyRelease, s.code, image.Point{})
		for _, c := range slices.Backward(s.holds) {
			p.fake(xproto.KeyRelease, c, image.Point{})
		}
	}
	p.x.Sync()
}

// paper is an xterm that has the focus and writes down what it understands: what
// a program that uses Xlib makes of keys.
type paper struct {
	t    testing.TB
	file string
	win  xproto.Window
	p    *painter
	read int
}

func (s *server) paper(t testing.TB) *paper {
	t.Helper()
	w := &paper{t: t, file: filepath.Join(t.TempDir(), "typed"), p: s.painter(t)}
	if err := w.p.x.use("XTEST"); err != nil {
		t.Fatal(err)
	}
	before := w.p.children()
	s.run(t, "xterm", "-u8", "-e", "sh", "-c", "stty -icanon -echo; echo >"+w.file+".ready; exec cat >"+w.file)
	waitFor(t, "xterm", func() bool { _, err := os.Stat(w.file + ".ready"); return err == nil })
	waitFor(t, "xterm's window", func() bool {
		for _, c := range w.p.children() {
			a, err := xproto.GetWindowAttributes(w.p.x.Conn, c).Reply()
			if err == nil && a.MapState == xproto.MapStateViewable && !slices.Contains(before, c) {
				w.win = c
			}
		}
		return w.win != 0
	})
	return w
}

func (p *painter) children() []xproto.Window {
	r, err := xproto.QueryTree(p.x.Conn, p.x.root).Reply()
	if err != nil {
		p.t.Fatal(err)
	}
	return r.Children
}

func (p *painter) focus(w xproto.Window) {
	p.t.Helper()
	if err := xproto.SetInputFocusChecked(p.x.Conn, xproto.InputFocusPointerRoot, w, xproto.TimeCurrentTime).Check(); err != nil {
		p.t.Fatal(err)
	}
}

// line is the next line that was typed.
func (w *paper) line() string {
	w.t.Helper()
	var text string
	waitFor(w.t, "a line on "+w.file, func() bool {
		b, _ := os.ReadFile(w.file)
		var whole bool
		text, _, whole = strings.Cut(string(b[w.read:]), "\n")
		return whole
	})
	w.read += len(text) + 1
	return text
}

// Every key of every layout, typed in a viewer's window, makes the same text on
// a host of every layout as it makes on the viewer's own desktop; also on one that
// has two layouts.
func TestLayoutMatrix(t *testing.T) {
	t.Parallel()
	need(t, "xterm")
	os.Setenv("LC_ALL", "C.UTF-8") // of this whole process: t.Setenv and t.Parallel exclude each other
	wants := make([]string, len(layouts))
	events := make([][]screen.Key, len(layouts))
	t.Run("from", func(t *testing.T) {
		for n, v := range layouts {
			t.Run(v, func(t *testing.T) {
				t.Parallel()
				wants[n], events[n] = typedOn(t, v)
			})
		}
	})
	// All hosts at once: they mostly wait for key codes that were lent, the Russian one,
	// which has no Latin letters, for more than a minute.
	t.Run("to", func(t *testing.T) {
		var hosts sync.WaitGroup
		defer hosts.Wait()
		for _, h := range append(slices.Clone(layouts), "us,de", "fr,ru") {
			hosts.Go(func() {
				t.Run(h, func(t *testing.T) { typeOn(t, h, events, wants) })
			})
		}
	})
}

// typeOn types what each layout's keys were on a host, and looks whether they make the
// same text there.
func typeOn(t *testing.T, host string, events [][]screen.Key, wants []string) {
	there := startX(t, "640x480x24")
	there.must(t, "setxkbmap", host)
	w := there.paper(t)
	w.p.focus(w.win)
	i := inject(t, there, InjectorOptions{})
	for n, v := range layouts {
		for _, e := range events[n] {
			if err := i.Key(e); err != nil {
				t.Errorf("%v: %v", e, err)
			}
		}
		if got := w.line(); got != wants[n] {
			t.Errorf("%s on %s:\n got %s\nwant %s", v, host, got, wants[n])
		}
		waitFor(t, "all keys up", func() bool { return w.p.allUp(t) })
	}
}

// typedOn plays every key of a layout twice: into a program of the viewer's own
// desktop, which says what the keys mean, and into a window of ours.
func typedOn(t *testing.T, layout string) (text string, keys []screen.Key) {
	t.Helper()
	x := startX(t, "640x480x24")
	x.must(t, "setxkbmap", layout)
	w := x.paper(t)
	k, err := w.p.x.readKeyboard()
	if err != nil {
		t.Fatal(err)
	}
	all := everyKey(k)
	w.p.focus(w.win)
	w.p.play(all)
	text = w.line()
	if len(text) < 150 {
		t.Fatalf("%s types only %q", layout, text)
	}
	s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
	w.p.focus(s.win)
	s.hands(t).play(all)
	s.await("Enter", func() bool {
		e, ok := last[screen.Key](s.seen)
		return ok && e == screen.Key{Sym: keysym.Return}
	})
	return text, keysOf(s.seen)
}

// In a third and fourth group the core protocol does not say what keys mean: what
// is typed there goes through spare keys, and keys that mean the same in all
// groups stay what they are.
func TestInjectorThirdGroup(t *testing.T) {
	t.Parallel()
	os.Setenv("LC_ALL", "C.UTF-8")
	x := startX(t, "640x480x24")
	x.must(t, "setxkbmap", "-layout", "us,de,ru,fr", "-option", "grp:menu_toggle")
	w := x.paper(t)
	w.p.focus(w.win)
	i := inject(t, x, InjectorOptions{})

	for group := range 4 {
		for _, text := range []string{"aZ1!zyя", "@ßÜqфQ"} {
			for _, r := range text {
				i.tap(t, keysym.FromRune(r))
			}
			i.tap(t, keysym.Return)
			if got := w.line(); got != text {
				t.Errorf("in group %d %q came as %q", group+1, text, got)
			}
		}
		w.p.play([]stroke{{codeMenu, nil}})
	}
}

// The compose key and what follows make one character on the host, also where its
// keyboard has no such key and, as a Russian one, not the letters. // issue 5
func TestCompose(t *testing.T) {
	t.Parallel()
	need(t, "xterm")
	os.Setenv("LC_ALL", "C.UTF-8")
	here := startX(t, "640x480x24")
	here.must(t, "setxkbmap", "us", "-option", "compose:ralt")
	s := show(t, here, WindowOptions{Size: image.Pt(300, 200)})
	const apostrophe, e, minus, three, less = 48, 26, 20, 12, 59
	s.hands(t).play([]stroke{
		{codeAltGr, nil}, {apostrophe, nil}, {e, nil}, // é
		{codeAltGr, nil}, {minus, nil}, {minus, nil}, {minus, nil}, // an em dash
		{codeAltGr, nil}, {less, []byte{codeShift}}, {three, nil}, // ♥
		{codeA, nil}, {codeEnter, nil},
	})
	s.await("Enter", func() bool {
		k, ok := last[screen.Key](s.seen)
		return ok && k == screen.Key{Sym: keysym.Return}
	})
	for _, host := range []string{"us", "de", "ru", "ru,us"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			there := startX(t, "640x480x24")
			there.must(t, "setxkbmap", host)
			w := there.paper(t)
			w.p.focus(w.win)
			i := inject(t, there, InjectorOptions{})
			for _, k := range keysOf(s.seen) {
				if err := i.Key(k); err != nil {
					t.Errorf("%v: %v", k, err)
				}
			}
			if got := w.line(); got != "é—♥a" {
				t.Errorf("got %q", got)
			}
			waitFor(t, "all keys up", func() bool { return w.p.allUp(t) })
		})
	}
}
