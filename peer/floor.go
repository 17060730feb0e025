package peer

import (
	"errors"
	"slices"
	"sync"

	"sightline/peer/wire"
	"sightline/screen"
)

// floor says whose hands act where several viewers have the right to (floor
// control, as in a conference: RFC 4376). Either all of them at once, or one:
//
//	free ──a viewer presses something, or asks──► held ──the holder leaves,──► free
//	                                              │ ▲    or loses the right
//	                                 others ask,  ▼ │  the person at the host or
//	                                 and stand in line  the holder passes it on
//
// Whoever asked first gets it when the holder goes. A holder whose path broke
// keeps it for as long as its seat is kept, unless the host passes it on.
type floor struct {
	all bool // static: everybody with the right acts at once

	mu     sync.Mutex
	holder SeatID   // 0: free
	line   []SeatID // who asked, the first one first; never the holder
	news   bool     // since the last call of changed
}

// holds tells whether the hands of a viewer with the right act now.
func (f *floor) holds(id SeatID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all || f.holder == id
}

// open tells whether a viewer with the right acts as soon as it presses something.
func (f *floor) open(id SeatID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all || f.holder == 0 || f.holder == id
}

func (f *floor) asks(id SeatID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.line, id)
}

// may is asked in one step with each act of a viewer with the right. To press
// something takes a free floor; to move the pointer over it does not.
func (f *floor) may(id SeatID, press bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.all || f.holder == id:
	case f.holder != 0 && press:
		return &screen.Refused{Reason: "another viewer has control"}
	case f.holder != 0:
		return errNotHeld
	case press:
		f.passLocked(id)
	}
	return nil
}

// errNotHeld: a pointer moves whose viewer has not got control. It is no news.
var errNotHeld = errors.New("another viewer has control")

// ask takes a free floor, or stands in line.
func (f *floor) ask(id SeatID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.all || f.holder == id:
	case f.holder == 0:
		f.passLocked(id)
	case !slices.Contains(f.line, id):
		f.line = append(f.line, id)
		f.news = true
	}
}

// pass hands the floor to a viewer who may have it, and tells who had it: what
// that one holds down is the caller's to lift.
func (f *floor) pass(to SeatID) (from SeatID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all || f.holder == to {
		return 0
	}
	from = f.holder
	f.passLocked(to)
	return from
}

// leave takes a viewer out, for it left or lost the right, or lets the floor
// go. The next in line follows.
func (f *floor) leave(id SeatID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.Index(f.line, id); i >= 0 {
		f.line, f.news = slices.Delete(f.line, i, i+1), true
	}
	if f.holder != id || id == 0 {
		return
	}
	next := SeatID(0)
	if len(f.line) > 0 {
		next = f.line[0]
	}
	f.passLocked(next)
}

func (f *floor) passLocked(to SeatID) {
	f.line = slices.DeleteFunc(f.line, func(id SeatID) bool { return id == to })
	f.holder, f.news = to, true
}

// changed tells once of each change, and how things stand after it.
func (f *floor) changed() (Control, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.news
	f.news = false
	return Control{Holder: f.holder, Asks: slices.Clone(f.line)}, was
}

// first in line; 0: nobody asks.
func (f *floor) first() SeatID {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.line) == 0 {
		return 0
	}
	return f.line[0]
}

// tellFloor tells everybody who has control, after a change of that.
func (h *Host) tellFloor() {
	if e, news := h.floor.changed(); news {
		h.emit(e)
		h.tellRoster()
		h.follow()
		signal(h.signs)
	}
}

// Pass hands control to a viewer who may have it. Keys and buttons that the one
// before held down come up.
func (h *Host) Pass(id SeatID) error {
	st, err := h.find(id)
	if err != nil {
		return err
	}
	switch {
	case h.floor.all:
		return &Error{Class: ClassUsage, Msg: "every viewer with the right to controls at once here",
			Fix: "--control one has one viewer control at a time"}
	case !st.rights().Any(wire.HandsOn):
		return &Error{Class: ClassUsage, Msg: "this viewer has no right to control", Fix: "`sightline ctl grant` gives it"}
	}
	if from := h.floor.pass(id); from != 0 {
		h.hands.release(from)
	}
	if !st.rights().Any(wire.HandsOn) { // it went meanwhile
		h.floor.leave(id)
	}
	h.tellFloor()
	return nil
}

// askFloor is a viewer with rights g that wants to act.
func (st *seat) askFloor(g Grant) {
	if g.Any(wire.HandsOn) {
		st.host.floor.ask(st.id)
		st.host.tellFloor()
	}
}

// leaveFloor takes a viewer off the floor that may not act any more.
func (st *seat) leaveFloor() {
	st.host.floor.leave(st.id)
	st.host.tellFloor()
}

// passOn is a viewer that passes control on: to another, or, with 0, to the
// first who asks, or to nobody.
func (st *seat) passOn(to SeatID) {
	f := &st.host.floor
	if f.all || !f.holds(st.id) {
		return
	}
	st.host.hands.release(st.id)
	if to == 0 {
		to = f.first()
	}
	if to == 0 || st.host.Pass(to) != nil {
		f.leave(st.id)
		st.host.tellFloor()
	}
}
