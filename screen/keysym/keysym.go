// Package keysym names keys by what they mean, with the numbers of the X
// Window System (X.Org, "X11 keysyms", keysymdef.h): Latin-1 characters are
// their own code, every other Unicode character is 0x01000000 + code point, and
// keys without a character (Return, F1, Shift_L) have numbers from 0xff00 on.
//
//	0x00000020..0x000000ff   Latin-1, the code point itself
//	0x000001a1..0x000020ff   older alphabets, block by block (table.go)
//	0x0000fe01..0x0000ffff   keys of a keyboard: Return, F1, dead accents
//	0x01000100..0x0110ffff   Unicode, 0x01000000 + code point
//	0x10080000..0x1008ffff   vendor keys: sound, brightness, launchers
//
// The package is pure tables: no platform, no state that changes.
package keysym

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:generate go run gen.go -o table.go /usr/include/X11/keysymdef.h /usr/include/X11/XF86keysym.h

// Sym is an X11 keysym. Zero (NoSymbol) is no key.
type Sym uint32

// Keys that back ends name. Letters and digits are their own code: Sym('a').
const (
	NoSymbol Sym = 0

	BackSpace  Sym = 0xff08
	Tab        Sym = 0xff09
	Linefeed   Sym = 0xff0a
	Clear      Sym = 0xff0b
	Return     Sym = 0xff0d
	Pause      Sym = 0xff13
	ScrollLock Sym = 0xff14
	SysReq     Sym = 0xff15
	Escape     Sym = 0xff1b
	Delete     Sym = 0xffff

	Home     Sym = 0xff50
	Left     Sym = 0xff51
	Up       Sym = 0xff52
	Right    Sym = 0xff53
	Down     Sym = 0xff54
	PageUp   Sym = 0xff55
	PageDown Sym = 0xff56
	End      Sym = 0xff57
	Begin    Sym = 0xff58

	Select  Sym = 0xff60
	Print   Sym = 0xff61
	Insert  Sym = 0xff63
	Menu    Sym = 0xff67
	Help    Sym = 0xff6a
	Break   Sym = 0xff6b
	NumLock Sym = 0xff7f

	KPSpace     Sym = 0xff80
	KPTab       Sym = 0xff89
	KPEnter     Sym = 0xff8d
	KPHome      Sym = 0xff95
	KPLeft      Sym = 0xff96
	KPUp        Sym = 0xff97
	KPRight     Sym = 0xff98
	KPDown      Sym = 0xff99
	KPPageUp    Sym = 0xff9a
	KPPageDown  Sym = 0xff9b
	KPEnd       Sym = 0xff9c
	KPBegin     Sym = 0xff9d
	KPInsert    Sym = 0xff9e
	KPDelete    Sym = 0xff9f
	KPEqual     Sym = 0xffbd
	KPMultiply  Sym = 0xffaa
	KPAdd       Sym = 0xffab
	KPSeparator Sym = 0xffac
	KPSubtract  Sym = 0xffad
	KPDecimal   Sym = 0xffae
	KPDivide    Sym = 0xffaf
	KP0         Sym = 0xffb0 // KP0+1 is KP1, and so on to 9
	KP9         Sym = 0xffb9

	F1  Sym = 0xffbe // F1+1 is F2, and so on to F35
	F8  Sym = F1 + 7
	F12 Sym = F1 + 11
	F35 Sym = 0xffe0

	ShiftL    Sym = 0xffe1
	ShiftR    Sym = 0xffe2
	ControlL  Sym = 0xffe3
	ControlR  Sym = 0xffe4
	CapsLock  Sym = 0xffe5
	ShiftLock Sym = 0xffe6
	MetaL     Sym = 0xffe7
	MetaR     Sym = 0xffe8
	AltL      Sym = 0xffe9
	AltR      Sym = 0xffea
	SuperL    Sym = 0xffeb
	SuperR    Sym = 0xffec
	HyperL    Sym = 0xffed
	HyperR    Sym = 0xffee

	ModeSwitch     Sym = 0xff7e
	ISOLevel3Shift Sym = 0xfe03
	ISOLevel5Shift Sym = 0xfe11
	ISOLeftTab     Sym = 0xfe20
)

const (
	unicodeBase Sym = 0x01000000
	// Void is XK_VoidSymbol, the only name outside the blocks above.
	Void Sym = 0xffffff
)

// FromRune gives the keysym of a character. Line feed and carriage return are
// the Return key, tab, backspace, escape and delete theirs; other control
// characters have none (NoSymbol).
func FromRune(r rune) Sym {
	switch {
	case r == '\n' || r == '\r':
		return Return
	case r == '\t':
		return Tab
	case r == '\b':
		return BackSpace
	case r == 0x1b:
		return Escape
	case r == 0x7f:
		return Delete
	case r >= 0x20 && r <= 0x7e, r >= 0xa0 && r <= 0xff:
		return Sym(r)
	case r < 0xa0 || !utf8.ValidRune(r):
		return NoSymbol
	}
	return unicodeBase + Sym(r)
}

// Rune gives the character that a key types, if it types one. Keypad digits
// and operators type theirs; Return, Tab and the like are no characters here,
// neither are dead accents.
func (s Sym) Rune() (rune, bool) {
	switch {
	case s >= 0x20 && s <= 0x7e, s >= 0xa0 && s <= 0xff:
		return rune(s), true
	case s >= unicodeBase+0xa0 && s <= unicodeBase+utf8.MaxRune, s >= unicodeBase+0x20 && s <= unicodeBase+0x7e:
		r := rune(s - unicodeBase)
		return r, utf8.ValidRune(r)
	case s >= KPMultiply && s <= KP9:
		return rune(s - 0xff80), true
	case s == KPEqual:
		return '=', true
	case s == KPSpace:
		return ' ', true
	}
	r, ok := tables().runes[s]
	return r, ok
}

// Canonical gives the one keysym by which two symbols for the same character
// are equal: older alphabets become Unicode keysyms, all others stay.
func (s Sym) Canonical() Sym {
	if s >= 0xff00 && s <= 0xffff {
		return s
	}
	if r, ok := s.Rune(); ok {
		return FromRune(r)
	}
	return s
}

// Upper gives the capital of a letter, s itself if it has none. Older
// alphabets stay in their block.
func (s Sym) Upper() Sym { return s.fold(capital) }

// capital is unicode.ToUpper and, as X.Org's libraries have it since 2020, the
// capital of ß: a German keyboard under CapsLock types it.
func capital(r rune) rune {
	if r == 'ß' {
		return 'ẞ'
	}
	return unicode.ToUpper(r)
}

// Lower gives the small form of a letter, s itself if it has none.
func (s Sym) Lower() Sym { return s.fold(unicode.ToLower) }

func (s Sym) fold(to func(rune) rune) Sym {
	if s >= 0xff00 && s <= 0xffff {
		return s
	}
	r, ok := s.Rune()
	if !ok || to(r) == r {
		return s
	}
	if s < 0xff00 && s > 0xff {
		if old, ok := tables().legacy[to(r)]; ok {
			return old
		}
	}
	return FromRune(to(r))
}

// IsModifier tells whether the key changes what others mean and types nothing
// itself: Shift, Control, Alt, the locks, AltGr.
func (s Sym) IsModifier() bool {
	switch {
	case s >= ShiftL && s <= HyperR, s == ModeSwitch, s == NumLock, s == ScrollLock:
		return true
	case s >= 0xfe01 && s <= 0xfe0f, s >= 0xfe11 && s <= 0xfe13: // ISO_Lock .. ISO_Level5_Lock
		return true
	}
	return false
}

// IsKeypad tells whether the key belongs to the number block.
func (s Sym) IsKeypad() bool { return s >= KPSpace && s <= KPEqual }

// String is the name without XK_: "Return", "a", "Cyrillic_ya"; characters
// that have no name are "U20AC", numbers without either "0x1008ffff".
func (s Sym) String() string {
	if name, ok := tables().names[s]; ok {
		return name
	}
	if r := rune(s - unicodeBase); s > unicodeBase && s <= unicodeBase+utf8.MaxRune && r >= 0x20 && FromRune(r) != NoSymbol {
		return fmt.Sprintf("U%04X", r)
	}
	return fmt.Sprintf("0x%x", uint32(s))
}

// Parse reads what String writes, any other name of the X headers, "0x" and a
// number, "U+" and a code point, or a single character.
func Parse(name string) (Sym, error) {
	if s, ok := tables().syms[name]; ok {
		return s, nil
	}
	if r, n := utf8.DecodeRuneInString(name); n == len(name) && n > 0 && r != utf8.RuneError {
		if s := FromRune(r); s != NoSymbol {
			return s, nil
		}
	}
	if hex, ok := strings.CutPrefix(name, "0x"); ok {
		if v, err := strconv.ParseUint(hex, 16, 29); err == nil {
			return Sym(v), nil
		}
	}
	if hex, ok := strings.CutPrefix(name, "U"); ok {
		v, err := strconv.ParseUint(strings.TrimPrefix(hex, "+"), 16, 21)
		if s := FromRune(rune(v)); err == nil && v >= 0x20 && s != NoSymbol {
			return s, nil
		}
	}
	return NoSymbol, fmt.Errorf("%.40q is no name of a key", name)
}
