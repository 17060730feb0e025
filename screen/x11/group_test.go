package x11

import (
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"testing"
	"time"

	"sightline/screen"
	"sightline/screen/keysym"
)

// twoGroups is a host whose person has switched from the first of two layouts to the
// second, with a program that writes down what is typed.
func twoGroups(t *testing.T) (*server, *paper) {
	t.Helper()
	os.Setenv("LC_ALL", "C.UTF-8")
	x := startX(t, "640x480x24")
	x.must(t, "setxkbmap", "-layout", "us,ru", "-option", "grp:menu_toggle")
	w := x.paper(t)
	w.p.focus(w.win)
	if !w.p.x.useXKB() {
		t.Fatal("no XKB")
	}
	w.p.play([]stroke{{codeMenu, nil}})
	w.awaitGroup(1)
	return x, w
}

func (w *paper) awaitGroup(want byte) {
	w.t.Helper()
	waitFor(w.t, "the layout that was chosen", func() bool {
		g, err := w.p.x.groupState()
		return err == nil && g == groupState{active: want, locked: want}
	})
}

// Where two layouts are in use, what is typed is looked for in both: no key code is
// borrowed, of which every program would have to learn, and afterwards the person
// finds the layout that was chosen before.
func TestInjectorSecondGroup(t *testing.T) {
	t.Parallel()
	x, w := twoGroups(t)
	i := inject(t, x, InjectorOptions{})
	before, err := w.p.x.readKeyboard()
	if err != nil {
		t.Fatal(err)
	}
	const text = "The quick brown fox jumps over the lazy dog 0123456789 !\"#$%&'()*+,-./:;<=>?@[]^_`{|}~ Съешь же ещё этих мягких французских булок"
	begun := time.Now()
	for _, r := range text {
		i.tap(t, keysym.FromRune(r))
		w.awaitGroup(1)
	}
	t.Logf("%d characters in %s", len([]rune(text)), time.Since(begun))
	i.tap(t, keysym.Return)
	if got := w.line(); got != text {
		t.Errorf("typed %q, got %q", text, got)
	}
	after, err := w.p.x.readKeyboard()
	if err != nil {
		t.Fatal(err)
	}
	borrowed := 0
	for n := range after.syms {
		if after.syms[n] != before.syms[n] {
			borrowed++
		}
	}
	if borrowed > 0 {
		t.Errorf("%d symbols were put on borrowed key codes", borrowed)
	}
}

// A key that is held in another layout is repeated as what it is, and the layout
// comes back with its release, whatever was typed in between; not if the person has
// changed it meanwhile.
func TestInjectorHoldsGroup(t *testing.T) {
	t.Parallel()
	x, w := twoGroups(t)
	i := inject(t, x, InjectorOptions{})
	key := func(r rune, down bool) {
		t.Helper()
		if err := i.Key(screen.Key{Sym: keysym.FromRune(r), Down: down}); err != nil {
			t.Fatal(err)
		}
	}
	key('a', true)
	w.awaitGroup(0)
	key('ж', true)
	w.awaitGroup(1)
	key('b', true)
	w.awaitGroup(0)
	key('a', false)
	key('b', false)
	i.x.Sync()
	w.awaitGroup(0) // one of them is still down
	key('ж', false)
	w.awaitGroup(1)

	i.tap(t, keysym.Return)
	w.line()
	for range 4 { // the viewer's keyboard repeats it
		key('a', true)
	}
	key('a', false)
	i.tap(t, keysym.Return)
	if got := w.line(); got != "aaaa" {
		t.Errorf("a key that is held types %q", got)
	}

	key('a', true)
	w.awaitGroup(0)
	w.p.play([]stroke{{codeMenu, nil}}) // to the second, and
	w.p.play([]stroke{{codeMenu, nil}}) // back to the first
	w.p.play([]stroke{{codeMenu, nil}})
	w.awaitGroup(1)
	key('a', false)
	i.x.Sync()
	w.awaitGroup(1)
}

// What each key means in each group, as the server writes it down.
func TestParseKeys(t *testing.T) {
	key := func(groups, levels byte, syms ...uint32) []byte {
		b := []byte{0, 0, 0, 0, groups, levels, byte(len(syms)), 0}
		for _, s := range syms {
			b = binary.LittleEndian.AppendUint32(b, s)
		}
		return b
	}
	answer := func(keys ...[]byte) []byte {
		head := make([]byte, 40)
		head[20] = byte(len(keys))
		return append(head, bytes.Join(keys, nil)...)
	}
	keys, err := parseKeys(answer(
		key(2, 2, 'a', 'A', 0x6c6, 0x6e6), // wraps
		key(2|1<<6, 1, 'b', 'c'),          // clamps
		key(2|2<<6|1<<4, 1, 'd', 'e'),     // redirects to the second
		key(2|2<<6|3<<4, 1, 'f', 'g'),     // to one that there is not
		key(0, 0), key(1, 1, 'h', 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key, group, level int
		want              keysym.Sym
	}{
		{0, 0, 1, 'A'}, {0, 1, 0, 0x6c6}, {0, 3, 1, 0x6e6}, {0, 2, 0, 'a'}, {0, 0, 2, 0},
		{1, 3, 0, 'c'}, {2, 2, 0, 'e'}, {2, 0, 0, 'd'}, {3, 3, 0, 'f'}, {4, 0, 0, 0}, {5, 3, 0, 'h'},
	} {
		if got := keys[c.key].at(c.group, c.level); got != c.want {
			t.Errorf("key %d, group %d, level %d is %v, want %v", c.key, c.group, c.level, got, c.want)
		}
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "a head that promises": answer(nil), "half a key": answer(key(1, 1, 'a')[:9]),
		"five groups": answer(key(5, 1, 1, 2, 3, 4, 5)), "symbols that are not there": answer(key(4, 4, 'a')),
	} {
		if _, err := parseKeys(b); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

// FuzzKeys feeds what a server may answer: no panic, whatever is asked about it.
func FuzzKeys(f *testing.F) {
	f.Add(append(append(make([]byte, 20), 1), append(make([]byte, 19), 0, 0, 0, 0, 0xb2, 1, 2, 0, 'a', 0, 0, 0, 'b', 0, 0, 0)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := parseKeys(b)
		if err != nil {
			return
		}
		for n := range keys {
			for group := range 4 {
				for level := range 5 {
					keys[n].at(group, level)
				}
			}
		}
	})
}

// A viewer types in whichever of four layouts is active.
func TestWindowGroups(t *testing.T) {
	t.Parallel()
	x := startX(t, "640x480x24")
	x.must(t, "setxkbmap", "-layout", "us,de,ru,fr", "-option", "grp:menu_toggle")
	s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
	hands := s.hands(t)
	const q, altGr = 24, 92 // the latter has no other meaning in any of them
	for range 4 {
		hands.play([]stroke{{q, nil}, {q, []byte{altGr}}, {codeMenu, nil}})
	}
	s.await("what was typed", func() bool { return s.typed() == "qqq@ййaæ" })
}
