package x11

import (
	"iter"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
	"sightline/screen/keysym"
)

// choice is a key that types a symbol, and what must be done to Shift and
// AltGr for it: 0 nothing, +1 press, -1 lift.
type choice struct {
	code          byte
	shift, level3 int
	spoils        uint16 // Control, Alt, Super that somebody else holds: to be lifted
	group         int    // of the host's layouts, from 1, that must be active; 0: the one that is
}

func (c *choice) cost() int {
	n := 0
	if c.shift != 0 {
		n++
	}
	if c.level3 != 0 {
		n++
	}
	return n
}

// choose finds the key that types s with the fewest changes in the present
// state; a symbol that the map has not gets a spare key.
func (i *Injector) choose(s keysym.Sym, state uint16) (choice, error) {
	c, ok := i.keys.choose(s, state)
	if !ok {
		c, ok = i.keys.elsewhere(s, state)
	}
	if ok {
		ok, err := i.possible(c)
		if ok || err != nil {
			return c, err
		}
	}
	code, err := i.lend(s)
	if err != nil {
		return choice{}, err
	}
	if c, ok = i.keys.chooseOn(code, s, state&^groupBits); !ok {
		c = choice{code: code}
	}
	return c, nil
}

// possible tells whether the modifiers that a choice lifts are held by keys;
// those that are latched or locked stay whatever we do.
func (i *Injector) possible(c choice) (bool, error) {
	if c.shift >= 0 && c.level3 >= 0 {
		return true, nil
	}
	down, err := xproto.QueryKeymap(i.x.Conn).Reply()
	if err != nil {
		return false, err
	}
	if c.shift < 0 && len(pressedOf(i.keys.codes[0], down.Keys)) == 0 {
		return false, nil
	}
	return c.level3 >= 0 || len(pressedOf(i.keys.modifier(i.keys.level3), down.Keys)) > 0, nil
}

func pressedOf(codes []byte, keys []byte) (down []byte) {
	for _, c := range codes {
		if int(c/8) < len(keys) && keys[c/8]&(1<<(c%8)) != 0 {
			down = append(down, c)
		}
	}
	return down
}

// choose looks through the whole map for the cheapest key.
func (k *keyboard) choose(s keysym.Sym, state uint16) (best choice, found bool) {
	k.each(func(code byte) bool {
		c, ok := k.chooseOn(code, s, state)
		if ok && (!found || c.cost() < best.cost()) {
			best, found = c, true
		}
		return !found || best.cost() > 0
	})
	return best, found
}

// chooseOn finds the cheapest level of one key.
func (k *keyboard) chooseOn(code byte, s keysym.Sym, state uint16) (best choice, found bool) {
	group, want := groupOf(state), s.Canonical()
	if s.IsModifier() {
		return choice{code: code}, k.at(code, group, 0) == s
	}
	for level := range 4 {
		if k.raised(k.at(code, group, level), code, group, level, state).Canonical() != want {
			continue
		}
		c := choice{code: code}
		c.shift = change((level&1 != 0) != k.locked(code, group, level, state), state&shiftBit != 0)
		if k.level3 != 0 && (level >= 2 || k.at(code, group, 2) != keysym.NoSymbol || k.at(code, group, 3) != keysym.NoSymbol) {
			c.level3 = change(level >= 2, state&k.level3 != 0)
		}
		if level >= 2 && k.level3 == 0 {
			continue
		}
		if !found || c.cost() < best.cost() {
			best, found = c, true
		}
	}
	return best, found
}

func change(want, is bool) int {
	switch {
	case want && !is:
		return 1
	case !want && is:
		return -1
	}
	return 0
}

// modifier is the key codes of a modifier bit.
func (k *keyboard) modifier(bit uint16) []byte {
	for i := range k.codes {
		if bit&(1<<i) != 0 {
			return k.codes[i]
		}
	}
	return nil
}

// after is the state in which the key of a choice goes down.
func (i *Injector) after(c choice, state uint16) uint16 {
	if c.shift > 0 {
		state |= shiftBit
	}
	if c.shift < 0 {
		state &^= shiftBit
	}
	return state
}

// spoilers are the modifiers in a state that would make a command of what the
// remote hand types, and that it does not hold itself.
func (i *Injector) spoilers(s keysym.Sym, state uint16) uint16 {
	if s.IsModifier() {
		return 0
	}
	spoils := state & (controlBit | i.keys.alt | i.keys.super)
	for bit := range bitsOf(spoils) {
		if slices.ContainsFunc(i.keys.modifier(bit), i.holds) {
			spoils &^= bit
		}
	}
	return spoils
}

// bitsOf goes through the modifier bits of a mask.
func bitsOf(mask uint16) iter.Seq[uint16] {
	return func(yield func(uint16) bool) {
		for n := range 8 {
			if bit := uint16(1) << n; mask&bit != 0 && !yield(bit) {
				return
			}
		}
	}
}

// step is one event of XTEST.
type step struct{ kind, code byte }

// arrange puts the layout, Shift and AltGr as a choice needs them and returns the
// steps that undo the last two, to be made in reverse. What the person at the host holds down
// counts as well: XTEST shares one state with the real keyboard.
func (i *Injector) arrange(c choice) (undo []step, err error) {
	if c.group > 0 {
		if err := i.layout.switchTo(byte(c.group - 1)); err != nil {
			return nil, err
		}
	}
	if c.cost() == 0 && c.spoils == 0 {
		return nil, nil
	}
	var down []byte
	if c.shift < 0 || c.level3 < 0 || c.spoils != 0 {
		r, err := xproto.QueryKeymap(i.x.Conn).Reply()
		if err != nil {
			return nil, err
		}
		down = r.Keys
	}
	for bit := range bitsOf(c.spoils) {
		undo = i.turnModifier(undo, -1, i.keys.modifier(bit), keysym.NoSymbol, down)
	}
	undo = i.turnModifier(undo, c.shift, i.keys.codes[0], keysym.ShiftL, down)
	return i.turnModifier(undo, c.level3, i.keys.modifier(i.keys.level3), keysym.ISOLevel3Shift, down), nil
}

// undo makes the steps back, the last one first.
func (i *Injector) undo(steps []step) {
	for _, s := range slices.Backward(steps) {
		i.fake(s.kind, s.code)
		if s.kind == xproto.KeyRelease {
			i.guard.tell("-k", s.code)
		}
	}
}

// turnModifier presses or lifts one modifier.
func (i *Injector) turnModifier(undo []step, turn int, codes []byte, name keysym.Sym, down []byte) []step {
	do := func(kind, code, back byte) {
		if kind == xproto.KeyPress {
			i.guard.tell("+k", code)
		}
		i.fake(kind, code)
		undo = append(undo, step{back, code})
	}
	if turn < 0 {
		for _, code := range pressedOf(codes, down) {
			do(xproto.KeyRelease, code, xproto.KeyPress)
		}
	}
	if turn > 0 && len(codes) > 0 {
		code := codes[0]
		for _, c := range codes {
			if i.keys.at(c, 0, 0) == name {
				code = c
				break
			}
		}
		do(xproto.KeyPress, code, xproto.KeyRelease)
	}
	return undo
}

// Times of borrowing a key code. Programs read the map when they hear that it
// changed; measured with xterm: with no wait the text is garbled, 2 ms are
// enough. A code that meant something else a moment ago must not come again
// while a slow program still looks up the former key: on a machine seven times as
// busy as it can be, xterm took 250 ms and more (5 of 6 runs of TestLayoutMatrix had
// wrong letters), a second never. Nobody types 19 such characters in a second.
const (
	mapWait  = 10 * time.Millisecond
	mapReuse = time.Second
)

// spare is a key code that the host's map leaves empty.
type spare struct {
	code byte
	sym  keysym.Sym // what we put there; NoSymbol: nothing
	last time.Time  // of its last press or release
}

type spares []spare

// look finds the spare codes of a map. Codes that we filled and that no longer
// hold what we put there belong to somebody else now.
func (s *spares) look(k *keyboard) {
	old := *s
	*s = nil
	k.each(func(code byte) bool {
		ours := spare{code: code}
		for _, o := range old {
			if o.code == code {
				ours = o
			}
		}
		filled := false
		for _, v := range k.key(code) {
			filled = filled || v != keysym.NoSymbol
		}
		switch {
		case !filled:
			ours.sym = keysym.NoSymbol
			*s = append(*s, ours)
		case ours.sym != keysym.NoSymbol && k.at(code, 0, 0).Canonical() == ours.sym.Lower().Canonical():
			*s = append(*s, ours)
		}
		return true
	})
}

func (s spares) used(code byte, at time.Time) {
	for n := range s {
		if s[n].code == code {
			s[n].last = at
		}
	}
}

// settle waits for other programs to take over a new keyboard map. X has no
// message that tells when they have; the times are measured (see mapWait).
func settle(d time.Duration) { <-time.After(d) }

// ssharp is the one small letter whose capital some X servers do not know: a key
// with both is not turned around by CapsLock, and xterm typed the small one.
const ssharp = keysym.Sym('ß')

// lend puts a symbol on the spare code that was unused for longest.
func (i *Injector) lend(s keysym.Sym) (byte, error) {
	var best *spare
	for n := range i.spares {
		sp := &i.spares[n]
		if !i.holds(sp.code) && (best == nil || sp.last.Before(best.last)) {
			best = sp
		}
	}
	if best == nil {
		return 0, &screen.Refused{Reason: "keymap"}
	}
	if best.sym != keysym.NoSymbol {
		settle(time.Until(best.last.Add(mapReuse)))
	}
	i.guard.tell("+m", best.code)
	row := []xproto.Keysym{xproto.Keysym(s), xproto.Keysym(s)}
	if s.Lower() != s.Upper() && s.Lower() != ssharp {
		// Both cases, or CapsLock would turn a lone letter around.
		row = []xproto.Keysym{xproto.Keysym(s.Lower()), xproto.Keysym(s.Upper())}
	}
	if err := xproto.ChangeKeyboardMappingChecked(i.x.Conn, 1, xproto.Keycode(best.code), byte(len(row)), row).Check(); err != nil {
		return 0, err
	}
	best.sym, best.last = s, time.Now()
	code := best.code
	settle(mapWait)
	i.remap.Store(false)
	return code, i.readMap()
}

// giveBack empties the codes that we filled, once nobody looks them up any more.
func (i *Injector) giveBack() {
	if err := i.refresh(); err != nil {
		return
	}
	var latest time.Time
	for _, sp := range i.spares {
		if sp.sym != keysym.NoSymbol && sp.last.After(latest) {
			latest = sp.last
		}
	}
	settle(time.Until(latest.Add(mapReuse)))
	for _, sp := range i.spares {
		if sp.sym != keysym.NoSymbol {
			emptyCode(i.x, sp.code)
			i.guard.tell("-m", sp.code)
		}
	}
	i.x.Sync()
}

func emptyCode(x *client, code byte) {
	xproto.ChangeKeyboardMapping(x.Conn, 1, xproto.Keycode(code), 1, []xproto.Keysym{0})
}
