package peer

import (
	"fmt"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
)

// What a person or ctl can do to a running host.

// Admit lets a viewer that asks in, with these rights.
func (h *Host) Admit(id SeatID, g Grant) error {
	st, err := h.find(id)
	if err != nil {
		return err
	}
	return st.reply(g)
}

// Refuse sends a viewer that asks away.
func (h *Host) Refuse(id SeatID) error { return h.Admit(id, 0) }

// Kick ends a viewer's session, burns the code that let it in, and denies that
// peer until this host is started again.
func (h *Host) Kick(id SeatID) error {
	st, err := h.find(id)
	if err != nil {
		return err
	}
	st.forgetKey()
	if st.door != nil {
		st.door.Burn()
	}
	st.end(wire.Farewell{Reason: wire.ByKick})
	h.emit(Kicked{Seat: id, Reason: "kicked by the host"})
	return nil
}

// Grant changes a seated viewer's rights at once.
func (h *Host) Grant(id SeatID, g Grant) error {
	st, err := h.find(id)
	if err != nil {
		return err
	}
	if wish := st.standing(); wish != nil && wish.Stop() {
		return st.answerWish(g)
	}
	return st.grant(g)
}

// WouldWiden tells whether g gives the viewer more than it has, while somebody
// holds the keyboard: such a request must be confirmed by the person at the
// host and not by a program that a remote hand may have started.
func (h *Host) WouldWiden(id SeatID, g Grant) error {
	st, err := h.find(id)
	if err != nil {
		return err
	}
	if st.rights().Has(g) {
		return nil
	}
	return h.freeOfHands()
}

// WouldAdmit tells whether a further code would let somebody in unasked, while
// somebody holds the keyboard (WouldWiden).
func (h *Host) WouldAdmit() error {
	if !h.o.Accept {
		return nil // the person here is asked
	}
	return h.freeOfHands()
}

// freeOfHands is an error while any viewer holds the keyboard.
func (h *Host) freeOfHands() error {
	for _, other := range h.all() {
		if other.rights().Has(wire.Keyboard) {
			return &Error{Class: ClassPermission, Msg: fmt.Sprintf(
				"viewer %d holds the keyboard, so this can only be done on the host's own page", other.id),
				Fix: "take the keyboard back first: Esc Esc on that page, or `sightline ctl grant`"}
		}
	}
	return nil
}

// Pause holds back pictures and input of all viewers, or lets them go on.
func (h *Host) Pause(on bool) {
	h.mu.Lock()
	h.paused = on
	h.mu.Unlock()
	if on {
		h.hands.lift()
	} else {
		h.follow()
	}
	h.holdAll()
	signal(h.signs)
}

// holdAll lets pictures go on or holds them back, as things stand.
func (h *Host) holdAll() {
	on := h.withheld()
	for _, st := range h.all() {
		st.picture.hold(on)
	}
	signal(h.watch)
}

// Stop ends everything; Run returns.
func (h *Host) Stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.stop:
	default:
		close(h.stop)
	}
}

// Renew burns the code that is on show; a fresh one follows.
func (h *Host) Renew() {
	h.mu.Lock()
	door := h.door
	h.mu.Unlock()
	if door != nil {
		door.Burn()
	}
}

// Status is a snapshot.
func (h *Host) Status() HostStatus {
	h.mu.Lock()
	s := HostStatus{Name: h.o.Name, Sharing: h.sharing, Route: h.route, Allow: h.o.Allow, Once: h.o.Once, Paused: h.paused, All: h.floor.all}
	_, s.Picks = h.o.Source.(screen.Chooser)
	if h.door != nil && h.door.Err() == nil {
		s.Number, s.Code, s.Admits, s.Expires, s.Failed = h.door.number, h.door.code, h.door.admits, h.door.Expires(), h.door.Failures()
	}
	h.mu.Unlock()
	for _, st := range h.all() {
		s.Seats = append(s.Seats, st.status())
	}
	return s
}

// obeys tells whether input may act now: not while a question of ours is on
// the local screen and one second after, so that a remote hand cannot answer it.
func (h *Host) obeys() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.paused && h.asking == 0 && time.Since(h.asked) >= freeze
}

// freeze is how long input stays dropped after a question (SECURITY-DESIGN, section 7).
const freeze = time.Second
