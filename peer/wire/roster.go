package wire

import (
	"encoding/binary"
	"fmt"
)

// Roster tells a viewer who watches beside it, after each change. The host sends
// it to everybody whom it has let in; the last one counts.
//
//	u8 count | count times: u32 seat | u32 grants | u8 flags | u8 n, name
type Roster []Watcher

// Watcher is one viewer of a host, as the others see it: no key, no address.
type Watcher struct {
	Seat   uint32 // on that host, from 1 on
	Grants Grant
	You    bool  // the receiver itself
	Away   bool  // its path broke; it may come back
	Acts   bool  // its hands act now: it has control
	Asks   bool  // it asks for the control that another has
	Colour uint8 // of its pointer, less than Colours; the host gives each its own
	Name   string
}

// MaxWatchers bounds a Roster; a host serves 16.
const MaxWatchers = 64

// Flags of a Watcher.
const (
	watcherYou = 1 << iota
	watcherAway
	watcherActs
	watcherAsks
	watcherColour // the lowest bit of it; it takes the rest of the byte
)

// Colours that pointers can be told apart by.
const Colours = 16

// Append adds the body of the message; what is over the limit is left out.
func (m Roster) Append(dst []byte) []byte {
	m = m[:min(len(m), MaxWatchers)]
	dst = append(dst, byte(len(m)))
	for _, w := range m {
		dst = binary.BigEndian.AppendUint32(dst, w.Seat)
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(w.Grants)), w.flags())
		dst = appendText(dst, w.Name, MaxName)
	}
	return dst
}

func (w Watcher) flags() (flags byte) {
	for i, set := range []bool{w.You, w.Away, w.Acts, w.Asks} {
		if set {
			flags |= 1 << i
		}
	}
	return flags | w.Colour%Colours*watcherColour
}

// ParseRoster reads the body of a Roster. Names are cleaned; rights of a later
// version are ignored.
func ParseRoster(b []byte) (Roster, error) {
	p := parser{b: b}
	n := int(p.u8())
	if n > MaxWatchers {
		return nil, fmt.Errorf("%w: a roster of %d", ErrMalformed, n)
	}
	m := Roster{}
	for range n {
		w := Watcher{Seat: p.u32(), Grants: Grant(p.u32()) & allGrants}
		flags := p.u8()
		w.You, w.Away = flags&watcherYou != 0, flags&watcherAway != 0
		w.Acts, w.Asks = flags&watcherActs != 0, flags&watcherAsks != 0
		w.Colour = flags / watcherColour
		w.Name = p.text(MaxName)
		m = append(m, w)
	}
	return m, p.end("roster")
}
