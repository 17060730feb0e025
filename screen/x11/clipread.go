package x11

import (
	"bytes"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// fetch is the reading of one selection: first what its owner can give, then
// one of that.
type fetch struct {
	side   int
	since  xproto.Timestamp
	target xproto.Atom
	into   xproto.Atom // property of our window
	pieces bool        // it comes by INCR
	data   []byte
}

// Bounds of reading from a program that may do anything.
const (
	fetchWait  = 3 * time.Second // for each answer, and each piece
	maxTargets = 1024            // formats of one selection that are looked at
	// propertyRings properties are used in turn, so that what a slow owner
	// still writes after we gave up does not meet the next reading.
	propertyRings = 8
)

// changed notes that a program owns a selection now. Our own Put comes this
// way too, and tells the time of it.
func (c *Clipboard) changed(n int, e xfixes.SelectionNotifyEvent) {
	s := &c.sides[n]
	switch {
	case e.Owner == c.win:
		if s.owned != nil {
			s.owned.since = e.SelectionTimestamp
		}
		s.dirty = false
	case c.hears && e.Owner != xproto.WindowNone:
		s.dirty, s.since = c.isShared(e.Owner), e.SelectionTimestamp
		if f := c.fetch; f != nil && f.side == n && !s.dirty {
			c.fetch = nil // what is on its way may be somebody else's
		}
	}
}

// isShared tells whether something is copied in a shared window: its program owns
// the selection, and that window has the keyboard, so that it was not copied in
// another window of the same program.
func (c *Clipboard) isShared(owner xproto.Window) bool {
	if c.fence == nil {
		return true
	}
	_, on, ok := c.fence.focus()
	return ok && c.x.sameClient(owner, c.fence.group.main(on))
}

// ask has the owner of a selection write it into a property of ours. With single
// windows shared it is looked at once more who that is, and nobody can become the
// owner before he has been asked.
func (c *Clipboard) ask(sel, target, into xproto.Atom, since xproto.Timestamp) bool {
	if c.fence != nil {
		defer c.fence.enter()()
		r, err := xproto.GetSelectionOwner(c.x.Conn, sel).Reply()
		if err != nil || r.Owner == xproto.WindowNone || !c.isShared(r.Owner) {
			return false
		}
	}
	xproto.ConvertSelection(c.x.Conn, c.win, sel, target, into, since)
	return true
}

// begin reads the next selection that has changed, if none is being read.
func (c *Clipboard) begin() {
	if c.fetch != nil {
		return
	}
	now, wait := time.Now(), time.Hour
	for n := range c.sides {
		s := &c.sides[n]
		if !s.dirty {
			continue
		}
		if d := s.next.Sub(now); d > 0 {
			wait = min(wait, d)
			continue
		}
		s.dirty, s.next = false, now.Add(fetchEach)
		c.fetch = &fetch{side: n, since: s.since}
		if c.convert(c.atoms.targets); c.fetch != nil {
			return
		}
	}
	c.timer.Reset(wait)
}

// convert asks the owner for one format.
func (c *Clipboard) convert(target xproto.Atom) {
	f := c.fetch
	f.target, f.into = target, c.atoms.rings[c.rings]
	c.rings = (c.rings + 1) % propertyRings
	xproto.DeleteProperty(c.x.Conn, c.win, f.into)
	if !c.ask(c.atoms.selections[f.side], target, f.into, f.since) {
		c.fetch = nil
		return
	}
	c.timer.Reset(fetchWait)
}

// converted is the owner's answer.
func (c *Clipboard) converted(e xproto.SelectionNotifyEvent) {
	f := c.fetch
	if f == nil || e.Selection != c.atoms.selections[f.side] || e.Target != f.target {
		return
	}
	if e.Property != f.into {
		c.finish(screen.Clip{}) // refused
		return
	}
	r, err := c.read(f.into)
	switch {
	case err != nil:
		c.finish(screen.Clip{})
	case r.Type == c.atoms.incr && f.target != c.atoms.targets:
		f.pieces = true
		c.timer.Reset(fetchWait)
	case f.target == c.atoms.targets:
		c.choose(r)
	case r.BytesAfter > 0:
		c.finish(screen.Clip{Withheld: "too large"})
	default:
		f.data = r.Value
		c.complete()
	}
}

// read takes a property of our window, as far as it is not too long.
func (c *Clipboard) read(name xproto.Atom) (*xproto.GetPropertyReply, error) {
	return xproto.GetProperty(c.x.Conn, true, c.win, name, xproto.GetPropertyTypeAny, 0, screen.MaxClip/4).Reply()
}

// arrived takes one piece of INCR; an empty one is the end.
func (c *Clipboard) arrived(name xproto.Atom) {
	f := c.fetch
	if f == nil || !f.pieces || name != f.into {
		return
	}
	r, err := c.read(name)
	switch {
	case err != nil:
		c.finish(screen.Clip{})
	case len(r.Value) == 0:
		c.complete()
	case r.BytesAfter > 0 || len(f.data)+len(r.Value) > screen.MaxClip:
		c.finish(screen.Clip{Withheld: "too large"})
	default:
		f.data = append(f.data, r.Value...)
		c.timer.Reset(fetchWait)
	}
}

// choose looks at what the owner offers: text before a picture, nothing of what
// a password manager marks.
func (c *Clipboard) choose(r *xproto.GetPropertyReply) {
	var offered []xproto.Atom
	for v := r.Value; r.Format == 32 && len(v) >= 4 && len(offered) < maxTargets; v = v[4:] {
		offered = append(offered, xproto.Atom(uint32(v[0])|uint32(v[1])<<8|uint32(v[2])<<16|uint32(v[3])<<24))
	}
	has := func(a xproto.Atom) bool { return slices.Contains(offered, a) }
	if slices.ContainsFunc(c.atoms.secrets, has) {
		c.finish(screen.Clip{Withheld: "marked secret"})
		return
	}
	for _, a := range []xproto.Atom{c.atoms.utf8, c.atoms.plainUTF8, xproto.AtomString, c.atoms.png} {
		if has(a) {
			c.convert(a)
			return
		}
	}
	c.finish(screen.Clip{})
}

// complete makes a Clip of what was read.
func (c *Clipboard) complete() {
	f := c.fetch
	clip := screen.Clip{Picture: f.target == c.atoms.png, Data: f.data}
	if !clip.Picture {
		clip.Data, _, _ = bytes.Cut(clip.Data, []byte{0}) // some programs end text as C does
		if f.target == xproto.AtomString && !utf8.Valid(clip.Data) {
			clip.Data = fromLatin1(clip.Data)
		}
		if !utf8.Valid(clip.Data) {
			clip.Data = bytes.ToValidUTF8(clip.Data, []byte("\ufffd"))
		}
	}
	if len(clip.Data) > screen.MaxClip {
		clip.Data, clip.Withheld = nil, "too large"
	}
	if len(clip.Data) == 0 {
		clip.Data = nil
	}
	c.finish(clip)
}

// finish hands over what was read and ends the reading. What changed again
// meanwhile comes at once.
func (c *Clipboard) finish(clip screen.Clip) {
	f := c.fetch
	c.fetch = nil
	if c.sides[f.side].dirty || c.sides[f.side].owned != nil {
		return // old already
	}
	clip.Primary = f.side == 1
	c.handed[f.side] = clip
}

// fromLatin1 is what STRING means (ICCCM, section 2.6.2).
func fromLatin1(b []byte) []byte {
	var text []byte
	for _, v := range b {
		text = utf8.AppendRune(text, rune(v))
	}
	return text
}

// toLatin1 writes ? for what the old encoding has not.
func toLatin1(text []byte) []byte {
	var b []byte
	for _, r := range string(text) {
		if r > 0xff {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return b
}
