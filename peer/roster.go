package peer

import (
	"slices"

	"sightline/peer/wire"
)

// Watching is one viewer of a host, as every viewer of it is told.
type Watching struct {
	Seat   SeatID // on that host
	Colour Colour // of its pointer
	Name   string
	Grants Grant
	You    bool // the viewer that is told
	Away   bool // its path broke; it may come back
	Acts   bool // its hands act now: it has control
	Asks   bool // it asks for the control that another has
}

// tellRoster tells every viewer who watches now, after a change.
func (h *Host) tellRoster() {
	h.rolls.Lock() // one after the other, so that the newest is told last
	defer h.rolls.Unlock()
	in := h.inside()
	for _, st := range in {
		list := make(wire.Roster, 0, len(in))
		for _, other := range in {
			list = append(list, other.watcher(other == st))
		}
		if body := list.Append(nil); st.isNewRoster(body) {
			st.control.Send(wire.TypeRoster, body)
		}
	}
}

// inside are the viewers who were let in and are not to go, in the order of their seats.
func (h *Host) inside() []*seat {
	h.mu.Lock()
	defer h.mu.Unlock()
	in := []*seat{}
	for _, st := range h.seats {
		if st.admitted && !st.isOver() {
			in = append(in, st)
		}
	}
	slices.SortFunc(in, func(a, b *seat) int { return int(a.id - b.id) })
	return in
}

func (st *seat) watcher(you bool) wire.Watcher {
	acts, asks := st.controls(), st.host.floor.asks(st.id)
	st.mu.Lock()
	defer st.mu.Unlock()
	return wire.Watcher{
		Seat: uint32(st.id), Grants: st.grants, You: you, Away: st.broken, Acts: acts, Asks: asks, Name: st.viewer.Name,
		Colour: uint8(st.colour),
	}
}

// isNewRoster tells whether this viewer has been told anything else before. Guarded by Host.rolls.
func (st *seat) isNewRoster(body []byte) bool {
	if string(body) == st.roster {
		return false
	}
	st.roster = string(body)
	return true
}

// hearRoster keeps what the host tells of its viewers.
func (v *View) hearRoster(body []byte) error {
	m, err := wire.ParseRoster(body)
	if err != nil {
		return err
	}
	list := make([]Watching, 0, len(m))
	for _, w := range m {
		list = append(list, Watching{
			Seat: SeatID(w.Seat), Name: w.Name, Grants: w.Grants, You: w.You, Away: w.Away, Acts: w.Acts, Asks: w.Asks,
			Colour: Colour(w.Colour),
		})
	}
	v.mu.Lock()
	v.roster = list
	v.taken = slices.ContainsFunc(list, func(w Watching) bool { return !w.You && w.Acts }) &&
		!slices.ContainsFunc(list, func(w Watching) bool { return w.You && w.Acts })
	v.mu.Unlock()
	v.o.Events(Roster{Viewers: list})
	v.retitle()
	v.showMarks()
	return nil
}
