package x11

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// owned is what programs can paste from us.
type owned struct {
	clip  screen.Clip
	since xproto.Timestamp
}

// sending is data on its way to a program in pieces (ICCCM, section 2.7.2): it
// deletes the property when it has read a piece, and gets the next.
type sending struct {
	to       xproto.Window
	property xproto.Atom
	kind     xproto.Atom
	rest     []byte
	last     bool // the empty piece was written
	moved    time.Time
}

const (
	// pieceBytes goes into one request, which has at most 256 KiB.
	pieceBytes = 64 << 10
	maxSends   = 32
	sendWait   = 10 * time.Second // then a program that takes no more is forgotten
)

// own takes a selection. The time of it comes back by XFIXES.
func (c *Clipboard) own(n int, clip screen.Clip) {
	c.sides[n].owned, c.sides[n].dirty = &owned{clip: clip}, false
	delete(c.handed, n)
	xproto.SetSelectionOwner(c.x.Conn, c.win, c.atoms.selections[n], xproto.TimeCurrentTime)
}

// serve answers a program that pastes.
func (c *Clipboard) serve(e xproto.SelectionRequestEvent) {
	property := e.Property
	if property == xproto.AtomNone {
		property = e.Target // clients of before 1988 (ICCCM, section 2.2)
	}
	if !c.answer(e, property) {
		property = xproto.AtomNone
	}
	note := xproto.SelectionNotifyEvent{Time: e.Time, Requestor: e.Requestor, Selection: e.Selection, Target: e.Target, Property: property}
	xproto.SendEvent(c.x.Conn, false, e.Requestor, 0, string(note.Bytes()))
}

// answer writes the property; false: refused.
func (c *Clipboard) answer(e xproto.SelectionRequestEvent, property xproto.Atom) bool {
	n, ok := c.atoms.side(e.Selection)
	if !ok || c.sides[n].owned == nil {
		return false
	}
	o, a := c.sides[n].owned, &c.atoms
	words := func(kind xproto.Atom, v ...xproto.Atom) bool {
		var b []byte
		for _, u := range v {
			b = binary.LittleEndian.AppendUint32(b, uint32(u))
		}
		xproto.ChangeProperty(c.x.Conn, xproto.PropModeReplace, e.Requestor, property, kind, 32, uint32(len(v)), b)
		return true
	}
	text := !o.clip.Picture
	switch {
	case e.Target == a.targets && text:
		return words(xproto.AtomAtom, a.targets, a.timestamp, a.utf8, a.plainUTF8, a.plain, a.text, xproto.AtomString)
	case e.Target == a.targets:
		return words(xproto.AtomAtom, a.targets, a.timestamp, a.png)
	case e.Target == a.timestamp:
		return words(xproto.AtomInteger, xproto.Atom(o.since))
	case text && e.Target == a.text:
		c.send(e.Requestor, property, a.utf8, o.clip.Data)
	case text && e.Target == xproto.AtomString:
		c.send(e.Requestor, property, e.Target, toLatin1(o.clip.Data))
	case text && (e.Target == a.utf8 || e.Target == a.plainUTF8 || e.Target == a.plain), !text && e.Target == a.png:
		c.send(e.Requestor, property, e.Target, o.clip.Data)
	default:
		return false
	}
	return true
}

// send writes data at once, or says that it comes in pieces.
func (c *Clipboard) send(to xproto.Window, property, kind xproto.Atom, data []byte) {
	if len(data) <= pieceBytes {
		xproto.ChangeProperty(c.x.Conn, xproto.PropModeReplace, to, property, kind, 8, uint32(len(data)), data)
		return
	}
	now := time.Now()
	c.sends = slices.DeleteFunc(c.sends, func(s *sending) bool {
		return now.Sub(s.moved) > sendWait || s.to == to && s.property == property
	})
	if len(c.sends) >= maxSends {
		c.sends = slices.Delete(c.sends, 0, 1)
	}
	c.sends = append(c.sends, &sending{to: to, property: property, kind: kind, rest: data, moved: now})
	xproto.ChangeWindowAttributes(c.x.Conn, to, xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange | xproto.EventMaskStructureNotify})
	size := binary.LittleEndian.AppendUint32(nil, uint32(len(data)))
	xproto.ChangeProperty(c.x.Conn, xproto.PropModeReplace, to, property, c.atoms.incr, 32, 1, size)
}

// more writes the next piece to a program that has read the one before.
func (c *Clipboard) more(to xproto.Window, property xproto.Atom) {
	n := slices.IndexFunc(c.sends, func(s *sending) bool { return s.to == to && s.property == property })
	if n < 0 {
		return
	}
	s := c.sends[n]
	if s.last {
		c.sends = slices.Delete(c.sends, n, n+1)
		c.unwatch(to)
		return
	}
	piece := s.rest[:min(len(s.rest), pieceBytes)]
	s.rest, s.last, s.moved = s.rest[len(piece):], len(piece) == 0, time.Now()
	xproto.ChangeProperty(c.x.Conn, xproto.PropModeReplace, to, property, s.kind, 8, uint32(len(piece)), piece)
}

// forget drops what a window that closed was owed.
func (c *Clipboard) forget(to xproto.Window) {
	c.sends = slices.DeleteFunc(c.sends, func(s *sending) bool { return s.to == to })
}

// unwatch asks for no more events of a window that is owed nothing.
func (c *Clipboard) unwatch(to xproto.Window) {
	if !slices.ContainsFunc(c.sends, func(s *sending) bool { return s.to == to }) {
		xproto.ChangeWindowAttributes(c.x.Conn, to, xproto.CwEventMask, []uint32{0})
	}
}

// clipAtoms are the names of selections and of what can be in them.
type clipAtoms struct {
	selections            [2]xproto.Atom
	targets, timestamp    xproto.Atom
	utf8, text, incr, png xproto.Atom
	plainUTF8, plain      xproto.Atom
	rings                 [propertyRings]xproto.Atom
	secrets               []xproto.Atom
}

// secretMarks are formats by which password managers and others say that what
// they copied is nobody else's: KeePassXC, KDE and Firefox' private windows;
// the marks of Windows and macOS, which some toolkits carry over.
var secretMarks = []string{
	"x-kde-passwordManagerHint", "application/x-kde-passwordManagerHint",
	"ExcludeClipboardContentFromMonitorProcessing", "Clipboard Viewer Ignore",
	"org.nspasteboard.ConcealedType", "org.nspasteboard.TransientType",
}

func (c *client) internClip() (clipAtoms, error) {
	a := clipAtoms{secrets: make([]xproto.Atom, len(secretMarks))}
	names := []string{"CLIPBOARD", "PRIMARY", "TARGETS", "TIMESTAMP", "UTF8_STRING", "TEXT", "INCR", "image/png", "text/plain;charset=utf-8", "text/plain"}
	into := []*xproto.Atom{&a.selections[0], &a.selections[1], &a.targets, &a.timestamp, &a.utf8, &a.text, &a.incr, &a.png, &a.plainUTF8, &a.plain}
	for n := range a.rings {
		names, into = append(names, "SIGHTLINE_CLIP_"+string(rune('0'+n))), append(into, &a.rings[n])
	}
	for n, name := range secretMarks {
		names, into = append(names, name), append(into, &a.secrets[n])
	}
	asked := make([]xproto.InternAtomCookie, len(names))
	for n, name := range names {
		asked[n] = xproto.InternAtom(c.Conn, false, uint16(len(name)), name)
	}
	for n := range names {
		r, err := asked[n].Reply()
		if err != nil {
			return a, err
		}
		*into[n] = r.Atom
	}
	return a, nil
}

// side is the selection of a name.
func (a *clipAtoms) side(selection xproto.Atom) (int, bool) {
	n := slices.Index(a.selections[:], selection)
	return n, n >= 0
}
