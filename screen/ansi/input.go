package ansi

import (
	"bytes"
	"image"
	"strconv"
	"unicode/utf8"

	"sightline/screen/keysym"
)

// mods are the modifiers a terminal names, in the bits of its parameters
// (xterm, "Control Sequences", modifiers are sent as bits + 1).
type mods uint8

const (
	shift mods = 1 << iota
	alt
	control
	super
)

// token is one thing that a terminal said.
type token struct {
	kind tokenKind
	sym  keysym.Sym // of a key
	mods mods       // of a key or the mouse

	// Of the mouse: the button code and the cell, counted from 0.
	code int
	up   bool
	cell image.Point
}

type tokenKind uint8

const (
	tokenNone  tokenKind = iota // understood, of no interest
	tokenKey                    // pressed; terminals do not tell of releases
	tokenMouse                  // pressed, released, moved or wheel
	tokenFocusIn
	tokenFocusOut
	tokenPaste    // pasted text begins
	tokenPasteEnd // and ends
)

// maxSequence in bytes: the longest sequence that terminals send in the modes
// we set is a mouse report of some 20.
const maxSequence = 64

// parser turns the bytes of a terminal into tokens. What it does not know is
// skipped; it keeps at most maxSequence bytes between calls.
type parser struct{ pend []byte }

// feed takes bytes and calls emit for each token in them.
func (p *parser) feed(b []byte, emit func(token)) {
	p.pend = append(p.pend, b...)
	rest := p.pend
	for len(rest) > 0 {
		t, n := decode(rest, false)
		if n == 0 && len(rest) < maxSequence {
			break
		}
		if n == 0 { // no sequence is this long
			t, n = decode(rest, true)
		}
		if t.kind != tokenNone {
			emit(t)
		}
		rest = rest[n:]
	}
	p.pend = p.pend[:copy(p.pend, rest)]
}

// waiting tells whether there is the beginning of a sequence, which may also
// be the Escape key.
func (p *parser) waiting() bool { return len(p.pend) > 0 }

// flush takes what waits for what it is so far.
func (p *parser) flush(emit func(token)) {
	for len(p.pend) > 0 {
		t, n := decode(p.pend, true)
		if t.kind != tokenNone {
			emit(t)
		}
		p.pend = p.pend[:copy(p.pend, p.pend[n:])]
	}
}

// decode reads one token from the start of b, which is not empty, and how many
// bytes it took; 0: it may go on. If final, nothing follows and n is above 0.
func decode(b []byte, final bool) (t token, n int) {
	if b[0] != 0x1b {
		return decodeText(b, final)
	}
	if len(b) == 1 {
		if final {
			return key(keysym.Escape, 0), 1
		}
		return t, 0
	}
	switch b[1] {
	case '[':
		if t, n = decodeCSI(b); n > 0 {
			return t, n
		}
	case 'O':
		if t, n = decodeSS3(b); n > 0 {
			return t, n
		}
	case 0x1b:
		return key(keysym.Escape, 0), 1
	}
	if (b[1] == '[' || b[1] == 'O') && len(b) == 2 && !final {
		return token{}, 0
	}
	if b[1] == '[' && len(b) > 2 {
		if !final {
			return token{}, 0
		}
		return token{}, len(b) // a sequence that never ended
	}
	if t, n = decodeText(b[1:], final); n > 0 {
		t.mods |= alt
		n++
	}
	return t, n
}

func key(sym keysym.Sym, m mods) token { return token{kind: tokenKey, sym: sym, mods: m} }

// decodeText reads one character or control character.
func decodeText(b []byte, final bool) (token, int) {
	switch c := b[0]; {
	case c == 0x7f || c == 0x08:
		return key(keysym.BackSpace, 0), 1
	case c == '\t', c == '\r', c == '\n':
		return key(keysym.FromRune(rune(c)), 0), 1
	case c == 0:
		return key(' ', control), 1
	case c < 0x1b:
		return key(keysym.Sym('a'+c-1), control), 1
	case c == 0x1b:
		return key(keysym.Escape, 0), 1
	case c < 0x20:
		return key(keysym.Sym('\\'+c-0x1c), control), 1
	case c < utf8.RuneSelf:
		return key(keysym.Sym(c), 0), 1
	}
	if !utf8.FullRune(b) && !final {
		return token{}, 0
	}
	r, n := utf8.DecodeRune(b)
	sym := keysym.FromRune(r)
	if r == utf8.RuneError && n == 1 || sym == keysym.NoSymbol {
		return token{}, n
	}
	return key(sym, 0), n
}

// decodeCSI reads ESC [ parameters final (ECMA-48, section 5.4). 0: not
// complete.
func decodeCSI(b []byte) (token, int) {
	for i := 2; i < len(b); i++ {
		c := b[i]
		switch {
		case c >= 0x20 && c <= 0x3f: // parameters and intermediates
		case c >= 0x40 && c <= 0x7e:
			return csi(b[2:i], c), i + 1
		default: // no sequence after all: drop it up to here
			return token{}, i
		}
	}
	return token{}, 0
}

// csi is the meaning of one sequence.
func csi(params []byte, final byte) token {
	if len(params) > 0 && params[0] == '<' {
		return mouse(params[1:], final)
	}
	var v [3]int
	if !numbers(params, v[:]) {
		return token{}
	}
	m := mods(0)
	if v[1] > 1 && v[1] <= 16 {
		m = mods(v[1]-1) & (shift | alt | control | super)
	}
	switch final {
	case 'I':
		return token{kind: tokenFocusIn}
	case 'O':
		return token{kind: tokenFocusOut}
	case 'Z':
		return key(keysym.Tab, m|shift)
	case '~':
		switch v[0] {
		case 200:
			return token{kind: tokenPaste}
		case 201:
			return token{kind: tokenPasteEnd}
		}
		if sym := tildeKeys[v[0]]; sym != 0 {
			return key(sym, m)
		}
	default:
		if sym := letterKeys[final]; sym != 0 {
			return key(sym, m)
		}
	}
	return token{}
}

// numbers reads parameters separated by ';' into v; missing ones are 0. False:
// there is something else in them, or a number of more than five digits.
func numbers(params []byte, v []int) bool {
	for i := 0; len(params) > 0; i++ {
		field, rest, _ := bytes.Cut(params, []byte{';'})
		params = rest
		if len(field) == 0 {
			continue
		}
		n, err := strconv.ParseUint(string(field), 10, 16)
		if err != nil {
			return false
		}
		if i < len(v) {
			v[i] = int(n)
		}
	}
	return true
}

// mouse reads an SGR report: code ; column ; row, M or m.
func mouse(params []byte, final byte) token {
	var v [3]int
	if final != 'M' && final != 'm' || !numbers(params, v[:]) || v[1] < 1 || v[2] < 1 {
		return token{}
	}
	// Bits 4, 8 and 16 are Shift, Alt and Control: our mods, two up.
	m := mods(v[0]>>2) & (shift | alt | control)
	return token{kind: tokenMouse, code: v[0] &^ (7 << 2), up: final == 'm', mods: m, cell: image.Pt(v[1]-1, v[2]-1)}
}

// decodeSS3 reads ESC O and one character: keypad and function keys. 0: not
// complete.
func decodeSS3(b []byte) (token, int) {
	if len(b) < 3 {
		return token{}, 0
	}
	if sym := letterKeys[b[2]]; sym != 0 {
		return key(sym, 0), 3
	}
	switch c := b[2]; {
	case c < ' ':
		return key('O', alt), 2 // no sequence: Alt+O and then that
	case c == 'M':
		return key(keysym.KPEnter, 0), 3
	case c >= 'j' && c <= 'y':
		return key(keysym.KPMultiply+keysym.Sym(c-'j'), 0), 3
	}
	return token{}, 3
}

// Keys by the last byte of CSI and SS3 sequences, and by the number before ~
// (xterm, "Control Sequences", PC-Style Function Keys).
var (
	letterKeys = map[byte]keysym.Sym{
		'A': keysym.Up, 'B': keysym.Down, 'C': keysym.Right, 'D': keysym.Left,
		'E': keysym.Begin, 'F': keysym.End, 'H': keysym.Home,
		'P': keysym.F1, 'Q': keysym.F1 + 1, 'R': keysym.F1 + 2, 'S': keysym.F1 + 3,
	}
	tildeKeys = map[int]keysym.Sym{
		1: keysym.Home, 2: keysym.Insert, 3: keysym.Delete, 4: keysym.End, 5: keysym.PageUp, 6: keysym.PageDown,
		7: keysym.Home, 8: keysym.End,
		11: keysym.F1, 12: keysym.F1 + 1, 13: keysym.F1 + 2, 14: keysym.F1 + 3, 15: keysym.F1 + 4,
		17: keysym.F1 + 5, 18: keysym.F1 + 6, 19: keysym.F1 + 7, 20: keysym.F1 + 8, 21: keysym.F1 + 9,
		23: keysym.F1 + 10, 24: keysym.F1 + 11, 25: keysym.F1 + 12, 26: keysym.F1 + 13, 28: keysym.F1 + 14,
		29: keysym.Menu, 31: keysym.F1 + 16, 32: keysym.F1 + 17, 33: keysym.F1 + 18, 34: keysym.F1 + 19,
	}
)
