package x11

import "sightline/screen/keysym"

// layout switches between the layouts of the host ("us,ru"), the groups of its
// keyboard, for keys that only another one has: no key code needs to be borrowed, so
// no program must learn a new map. Another group stays until the last key that went
// down in it is up, or that key would be repeated as another letter; then the
// one that the person at the host has chosen is back.
//
// Owned by the Injector's caller.
type layout struct {
	x          *client
	guard      *guard
	away       bool // the group is ours
	home, ours byte // what was locked, and what we locked
}

// elsewhere finds a symbol in a group that is not the active one.
func (k *keyboard) elsewhere(s keysym.Sym, state uint16) (choice, bool) {
	for group := range k.groups() {
		if group == groupOf(state) {
			continue
		}
		if c, ok := k.choose(s, state&^groupBits|uint16(group)<<groupShift); ok {
			c.group = group + 1
			return c, true
		}
	}
	return choice{}, false
}

// switchTo makes a group the active one. What a key that is held adds to it stays:
// only the locked group is changed.
func (l *layout) switchTo(group byte) error {
	g, err := l.x.groupState()
	if err != nil {
		return err
	}
	if !l.away {
		l.home, l.away = g.locked, true
		l.guard.tell("+g", l.home+1)
	}
	l.ours = (g.locked + group - g.active) & 3
	l.x.lockGroup(l.ours)
	return nil
}

// back restores the person's group, unless the person has changed it meanwhile.
func (l *layout) back() error {
	if !l.away {
		return nil
	}
	l.away = false
	g, err := l.x.groupState()
	if err != nil {
		return err
	}
	if g.locked == l.ours {
		l.x.lockGroup(l.home)
	}
	l.guard.tell("-g", l.home+1)
	return nil
}
