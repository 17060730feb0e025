package tui

import (
	"fmt"

	"sightline/peer"
)

// The roles whose events are told. The words are the commands.
const (
	RoleHost  = "host"
	RoleView  = "view"
	RoleRelay = "relay"
)

// teller puts events into sentences, the same ones for plain lines and for the
// log of a page. It remembers who sits in which seat, because most events name
// the seat alone. The zero value tells from the host's side.
type teller struct {
	role    string // RoleHost or RoleView
	names   map[peer.SeatID]string
	holds   peer.SeatID                    // has control
	refused map[peer.SeatID]map[string]int // input, as it was told last
}

// meet remembers whom an event introduces, forget lets a seat go that is over:
// who was kicked still leaves.
func (t *teller) meet(ev peer.Event) {
	if t.names == nil {
		t.names = map[peer.SeatID]string{}
	}
	switch ev := ev.(type) {
	case peer.Asks:
		t.names[ev.Seat] = name(ev.Viewer.Name)
	case peer.Joined:
		t.names[ev.Seat] = name(ev.Viewer.Name)
	}
}

func (t *teller) forget(ev peer.Event) {
	if left, ok := ev.(peer.Left); ok {
		delete(t.names, left.Seat)
		delete(t.refused, left.Seat)
	}
}

// tellRefused says that input was refused when that is new, and again when it has
// happened twice as often: a hand that goes on trying must not fill a log.
func (t *teller) tellRefused(whose string, ev peer.Denied) string {
	told := t.refused[ev.Seat]
	if told == nil {
		told = map[string]int{}
		if t.refused == nil {
			t.refused = map[peer.SeatID]map[string]int{}
		}
		t.refused[ev.Seat] = told
	}
	if last := told[ev.Reason]; last > 0 && ev.Count < 2*last {
		return ""
	}
	told[ev.Reason] = ev.Count
	return whose + " " + refusal(peer.Refusal{Reason: ev.Reason, Count: ev.Count})
}

// who names a seat: "anna", or "viewer 3" if it was never introduced.
func (t *teller) who(s peer.SeatID) string {
	if n, ok := t.names[s]; ok {
		return n
	}
	return fmt.Sprintf("viewer %d", s)
}

// tell is one line about an event, "" for those that are not news (stats).
func (t *teller) tell(ev peer.Event) string {
	t.meet(ev)
	defer t.forget(ev)
	if t.role == RoleView {
		return t.tellViewer(ev)
	}
	return t.tellHost(ev)
}

func (t *teller) tellHost(ev peer.Event) string {
	switch ev := ev.(type) {
	case peer.Asks:
		return fmt.Sprintf("%s asks for %s, %s", t.who(ev.Seat), asked(ev.Wants), route(ev.Path))
	case peer.Joined:
		if ev.Resumed {
			return fmt.Sprintf("%s is back, may: %s", t.who(ev.Seat), ev.Grants)
		}
		return fmt.Sprintf("%s joined, may: %s", t.who(ev.Seat), ev.Grants)
	case peer.PathChanged:
		return fmt.Sprintf("%s is connected %s", t.who(ev.Seat), route(ev.Path))
	case peer.Granted:
		return fmt.Sprintf("%s may now: %s", t.who(ev.Seat), ev.Grants)
	case peer.Sharing:
		return "sharing " + clean(ev.What)
	case peer.Control:
		return t.tellControl(ev)
	case peer.Denied:
		if ev.Count > 0 {
			return t.tellRefused("input of "+t.who(ev.Seat), ev)
		}
		if ev.Seat == 0 {
			return because("denied", ev.Reason)
		}
		return because("denied to "+t.who(ev.Seat), ev.Reason)
	case peer.Left:
		return because(t.who(ev.Seat)+" left", ev.Reason)
	case peer.Kicked:
		return because(t.who(ev.Seat)+" was kicked", ev.Reason)
	}
	return t.tellBoth(ev)
}

// tellControl says who has control, or who asks for it.
func (t *teller) tellControl(ev peer.Control) string {
	was := t.holds
	t.holds = ev.Holder
	switch n := len(ev.Asks); {
	case ev.Holder == 0:
		return "control is free"
	case ev.Holder != was:
		return t.who(ev.Holder) + " has control"
	case n > 0:
		return fmt.Sprintf("%s asks for the control that %s has", t.who(ev.Asks[n-1]), t.who(ev.Holder))
	}
	return "" // somebody asks no more
}

func (t *teller) tellViewer(ev peer.Event) string {
	switch ev := ev.(type) {
	case peer.Joined:
		if ev.Resumed {
			return fmt.Sprintf("connected to %s again, rights: %s", t.who(ev.Seat), ev.Grants)
		}
		return fmt.Sprintf("connected to %s, rights: %s", t.who(ev.Seat), ev.Grants)
	case peer.PathChanged:
		return "connected " + route(ev.Path)
	case peer.Granted:
		return fmt.Sprintf("your rights are now: %s", ev.Grants)
	case peer.Roster:
		return others(ev.Viewers, nil)
	case peer.Denied:
		if ev.Count > 0 {
			return t.tellRefused("your input", ev)
		}
		return because("the host denied it", ev.Reason)
	case peer.Left:
		return because("the session is over", ev.Reason)
	case peer.Kicked:
		return because("the host ended your session", ev.Reason)
	}
	return t.tellBoth(ev)
}

// tellBoth has the events that read the same on either side.
func (t *teller) tellBoth(ev peer.Event) string {
	switch ev := ev.(type) {
	case peer.Code: // never the secret part: this line goes to logs
		return fmt.Sprintf("session %s is open until %s", clean(ev.Number), ev.Expires.Format("15:04"))
	case peer.Waiting:
		return "waiting for " + clean(ev.For)
	case peer.Relay:
		if ev.Up {
			return "relay " + clean(ev.Name) + " reached"
		}
		return because("relay "+clean(ev.Name)+" lost", ev.Why)
	case peer.Failed:
		return Explain(ev.Err).Sentence
	case peer.Ended:
		if ev.Err == nil {
			return because("ended", ev.Reason)
		}
		return because("ended", Explain(ev.Err).Sentence)
	}
	return ""
}

// because joins what happened and why.
func because(what, why string) string {
	if why = clean(why); why == "" {
		return what
	}
	return what + ": " + why
}
