package keysym

import (
	"testing"
	"unicode"
)

func TestRunes(t *testing.T) {
	for _, c := range []struct {
		sym  Sym
		name string
		r    rune
	}{
		{'a', "a", 'a'},
		{' ', "space", ' '},
		{0xe9, "eacute", 'é'},
		{0x1b1, "aogonek", 'ą'},
		{0x4b1, "kana_A", 'ア'},
		{0x5c7, "Arabic_alef", 'ا'},
		{0x6c1, "Cyrillic_a", 'а'},
		{0x7e1, "Greek_alpha", 'α'},
		{0xce0, "hebrew_aleph", 'א'},
		{0xda1, "Thai_kokai", 'ก'},
		{0x20ac, "EuroSign", '€'},
		{0x13bd, "oe", 'œ'},
		{unicodeBase + 0x4f60, "U4F60", '你'},
		{unicodeBase + 0x1f600, "U1F600", '😀'},
		{KP0 + 7, "KP_7", '7'},
		{KPAdd, "KP_Add", '+'},
	} {
		if r, ok := c.sym.Rune(); !ok || r != c.r {
			t.Errorf("%x.Rune() = %q, %v; want %q", uint32(c.sym), r, ok, c.r)
		}
		if c.sym.String() != c.name {
			t.Errorf("%x.String() = %q, want %q", uint32(c.sym), c.sym, c.name)
		}
		if s, err := Parse(c.name); err != nil || s != c.sym {
			t.Errorf("Parse(%q) = %x, %v", c.name, uint32(s), err)
		}
	}
	for _, s := range []Sym{NoSymbol, Return, F1, ShiftL, Delete, 0xfe51, 0x1008ff14, 0x7f, unicodeBase, unicodeBase + 0x110000, Void} {
		if r, ok := s.Rune(); ok {
			t.Errorf("%v.Rune() = %q, want none", s, r)
		}
	}
}

func TestFromRuneAndBack(t *testing.T) {
	for r := rune(0x20); r < 0x3000; r++ {
		s := FromRune(r)
		if unicode.IsControl(r) {
			continue
		}
		if back, ok := s.Rune(); !ok || back != r {
			t.Fatalf("FromRune(%U).Rune() = %U, %v", r, back, ok)
		}
		if p, err := Parse(s.String()); err != nil || p.Canonical() != s {
			t.Fatalf("Parse(%q) = %v, %v; want %v", s.String(), p, err, s)
		}
	}
	for r, want := range map[rune]Sym{'\n': Return, '\t': Tab, 0x1b: Escape, 1: NoSymbol, 0xd800: NoSymbol, -1: NoSymbol, 0x85: NoSymbol} {
		if s := FromRune(r); s != want {
			t.Errorf("FromRune(%x) = %v, want %v", r, s, want)
		}
	}
}

func TestParse(t *testing.T) {
	for name, want := range map[string]Sym{
		"Return": Return, "Page_Up": PageUp, "Prior": PageUp, "F8": F8, "Control_L": ControlL, "é": 0xe9,
		"U+20AC": unicodeBase + 0x20ac, "0xff0d": Return, "XF86AudioMute": 0x1008ff12, "ISO_Left_Tab": ISOLeftTab,
	} {
		if s, err := Parse(name); err != nil || s != want {
			t.Errorf("Parse(%q) = %x, %v; want %x", name, uint32(s), err, uint32(want))
		}
	}
	for _, name := range []string{"", "nothing", "U110000", "UD800", "0x", "0xfffffffff", "\xff", "\x01", "ab"} {
		if s, err := Parse(name); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", name, s)
		}
	}
}

func TestCase(t *testing.T) {
	for lower, upper := range map[Sym]Sym{'a': 'A', 0xe9: 0xc9, 0x6c1: 0x6e1, 0x7e1: 0x7c1, unicodeBase + 0x561: unicodeBase + 0x531, 0xff: unicodeBase + 0x178} {
		if got := lower.Upper(); got.Canonical() != upper.Canonical() {
			t.Errorf("%v.Upper() = %v, want %v", lower, got, upper)
		}
		if got := upper.Lower(); got.Canonical() != lower.Canonical() {
			t.Errorf("%v.Lower() = %v, want %v", upper, got, lower)
		}
	}
	if Sym(0x6c1).Upper() != 0x6e1 {
		t.Error("an older alphabet left its block")
	}
	for _, s := range []Sym{'1', Return, KP0, 0x4b1, F1} {
		if s.Upper() != s || s.Lower() != s {
			t.Errorf("%v has no case", s)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, s := range []Sym{ShiftL, ControlR, CapsLock, NumLock, AltL, SuperR, ISOLevel3Shift, ModeSwitch} {
		if !s.IsModifier() {
			t.Errorf("%v is a modifier", s)
		}
	}
	for _, s := range []Sym{'a', Return, F1, Delete, ISOLeftTab, KP0} {
		if s.IsModifier() {
			t.Errorf("%v is no modifier", s)
		}
	}
	if Sym(0x6c1).Canonical() != FromRune('а') || KP0.Canonical() != KP0 || Return.Canonical() != Return {
		t.Error("Canonical is wrong")
	}
	if !KP9.IsKeypad() || !KPHome.IsKeypad() || F1.IsKeypad() || NumLock.IsKeypad() {
		t.Error("IsKeypad is wrong")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a", "Return", "U20AC", "0xff0d", "U+", "\xff", "0x1000010", "0x100d800"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		s, err := Parse(name)
		if err != nil {
			return
		}
		if back, err := Parse(s.String()); err != nil || back.Canonical() != s.Canonical() {
			t.Errorf("Parse(%q) = %v, and back %v, %v", name, s, back, err)
		}
	})
}
