package x11

import (
	"github.com/jezek/xgb/xproto"

	"sightline/screen/keysym"
)

// keyboard is a server's map from key codes to keysyms, and which keys are
// which modifier. Levels are numbered 0 plain, 1 Shift, 2 AltGr, 3 both. Of a server
// without XKB, which has no groups, there is the core protocol's table alone: its
// columns 0 and 1 are plain and Shift, 4 and 5 those with AltGr.
type keyboard struct {
	first byte // lowest key code
	width int  // columns of a key
	syms  []keysym.Sym
	keys  []xkbKey // by code, from first; nil: the server has no XKB

	codes  [8][]byte // key codes of Shift, Lock, Control, Mod1..Mod5
	alt    uint16    // modifier bits, 0 if the map has none
	super  uint16
	num    uint16
	level3 uint16
}

// state bits that every map has.
const (
	shiftBit   = xproto.ModMaskShift
	lockBit    = xproto.ModMaskLock
	controlBit = xproto.ModMaskControl
	groupShift = 13 // of the active group in an event's state
	groupBits  = 3 << groupShift
)

// readKeyboard asks the server for its map as it is now.
func (c *client) readKeyboard() (*keyboard, error) {
	first, last := c.setup.MinKeycode, c.setup.MaxKeycode
	syms := xproto.GetKeyboardMapping(c.Conn, first, byte(int(last)-int(first)+1))
	mods := xproto.GetModifierMapping(c.Conn)
	s, err := syms.Reply()
	if err != nil {
		return nil, err
	}
	m, err := mods.Reply()
	if err != nil {
		return nil, err
	}
	k := &keyboard{first: byte(first), width: int(s.KeysymsPerKeycode), syms: make([]keysym.Sym, len(s.Keysyms))}
	for i, v := range s.Keysyms {
		k.syms[i] = keysym.Sym(v)
	}
	if c.has(xkbName) {
		if k.keys, err = c.readKeys(byte(first), byte(last)); err != nil {
			return nil, err
		}
	}
	k.readModifiers(m)
	return k, nil
}

func (k *keyboard) readModifiers(m *xproto.GetModifierMappingReply) {
	per := int(m.KeycodesPerModifier)
	for i := range k.codes {
		for _, code := range m.Keycodes[i*per : (i+1)*per] {
			if code == 0 {
				continue
			}
			k.codes[i] = append(k.codes[i], byte(code))
			// In another layout it may be AltGr, as Alt on the right is with "us,de":
			// then XKB gives it that effect, but not in this table.
			k.nameModifier(k.at(byte(code), 0, 0), 1<<i)
		}
	}
}

func (k *keyboard) nameModifier(s keysym.Sym, bit uint16) {
	if bit < xproto.ModMask1 {
		return
	}
	switch s {
	case keysym.AltL, keysym.AltR:
		k.alt |= bit
	case keysym.SuperL, keysym.SuperR:
		k.super |= bit
	case keysym.NumLock:
		k.num |= bit
	case keysym.ISOLevel3Shift:
		k.level3 |= bit
	}
}

// key is the row of a key code, empty if there is none.
func (k *keyboard) key(code byte) []keysym.Sym {
	i := (int(code) - int(k.first)) * k.width
	if i < 0 || i+k.width > len(k.syms) {
		return nil
	}
	return k.syms[i : i+k.width]
}

// codesOf calls f with every key code until it returns false.
func (k *keyboard) each(f func(code byte) bool) {
	for i := 0; i < len(k.syms)/max(k.width, 1); i++ {
		if !f(k.first + byte(i)) {
			return
		}
	}
}

// at is the keysym of a key on a level of a group.
func (k *keyboard) at(code byte, group, level int) keysym.Sym {
	if k.keys != nil {
		if n := int(code) - int(k.first); n >= 0 && n < len(k.keys) {
			return k.keys[n].at(group, level)
		}
		return keysym.NoSymbol
	}
	row := k.key(code)
	col := func(i int) keysym.Sym {
		if i < len(row) {
			return row[i]
		}
		return keysym.NoSymbol
	}
	s := col(level&1 + level&2*2)
	if s == keysym.NoSymbol && level == 1 {
		// A letter alone in its row stands for both of its cases (X protocol,
		// "Keyboards").
		return col(0).Upper()
	}
	if level == 0 && col(1) == keysym.NoSymbol {
		return s.Lower()
	}
	return s
}

// groups is how many layouts the map has.
func (k *keyboard) groups() int {
	most := 1
	for n := range k.keys {
		most = max(most, k.keys[n].groups)
	}
	return most
}

// caseful tells whether Lock turns the levels of a key around: its levels are
// a letter's two cases.
func (k *keyboard) caseful(code byte, group, level int) bool {
	small, big := k.at(code, group, level&^1), k.at(code, group, level|1)
	return small != big && small.Upper().Canonical() == big.Canonical()
}

// padlike tells whether NumLock turns the levels of a key around.
func (k *keyboard) padlike(code byte, group int) bool {
	s := k.at(code, group, 1)
	return s.IsKeypad() && s != k.at(code, group, 0)
}

// locked tells whether a lock that is on turns Shift around for a key.
func (k *keyboard) locked(code byte, group, level int, state uint16) bool {
	return state&lockBit != 0 && k.caseful(code, group, level) ||
		state&k.num != 0 && k.padlike(code, group)
}

// groupOf is the active group of a state, 0 to 3.
func groupOf(state uint16) int { return int(state >> groupShift & 3) }

// lookup tells what a key means in a state.
func (k *keyboard) lookup(code byte, state uint16) keysym.Sym {
	group, level := groupOf(state), 0
	if k.level3 != 0 && state&k.level3 != 0 && k.at(code, group, 2) != keysym.NoSymbol {
		level = 2
	}
	if (state&shiftBit != 0) != k.locked(code, group, level, state) {
		level |= 1
	}
	s := k.at(code, group, level)
	if s == keysym.NoSymbol {
		s = k.at(code, group, level&1)
	}
	if s == keysym.NoSymbol {
		s = k.at(code, group, 0)
	}
	return k.raised(s, code, group, level, state)
}

// raised is a symbol under CapsLock on a key whose levels it does not turn
// around, such as the French key of é and 2: programs make a capital of what the
// key means (XKB specification, "Interpreting the Lock Modifier").
func (k *keyboard) raised(s keysym.Sym, code byte, group, level int, state uint16) keysym.Sym {
	if state&lockBit == 0 || k.caseful(code, group, level) {
		return s
	}
	return s.Upper()
}
