package peer

import (
	"cmp"
	"slices"

	"sightline/peer/wire"
)

// Refusals counts, for one session, the input that was not acted on and why:
// "covered", "focus", "hot key", "outside", "local hand", "paused", ...
type Refusals map[string]int

// Refusal is one line of Refusals.
type Refusal struct {
	Reason string
	Count  int
}

// List is the refusals, the most frequent first.
func (r Refusals) List() []Refusal {
	var list []Refusal
	for why, n := range r {
		list = append(list, Refusal{why, n})
	}
	slices.SortFunc(list, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

// refused counts an input that was not acted on. The first for each reason is told
// at once, further ones together (tellRefusals). There is a handful of reasons, all
// of them ours.
func (st *seat) refused(reason string) {
	st.mu.Lock()
	if st.refusals == nil {
		st.refusals, st.toldOf = Refusals{}, Refusals{}
	}
	st.refusals[reason]++
	first := st.refusals[reason] == 1
	st.mu.Unlock()
	if first {
		st.tellRefusals()
	}
}

// tellRefusals tells both sides of each reason whose count has grown.
func (st *seat) tellRefusals() {
	var news []Refusal
	st.mu.Lock()
	for _, r := range st.refusals.List() {
		if st.toldOf[r.Reason] != r.Count {
			st.toldOf[r.Reason] = r.Count
			news = append(news, r)
		}
	}
	st.mu.Unlock()
	for _, r := range news {
		st.host.emit(Denied{Seat: st.id, Reason: r.Reason, Count: r.Count})
		st.control.Send(wire.TypeDenied, wire.Denied{Count: uint32(r.Count), Reason: r.Reason}.Append(nil))
	}
}

// mostReasons bounds what a host can make a viewer keep.
const mostReasons = 16

// hearDenied keeps and tells what the host did not do with our input.
func (v *View) hearDenied(body []byte) error {
	m, err := wire.ParseDenied(body)
	if err != nil {
		return err
	}
	v.mu.Lock()
	_, known := v.refusals[m.Reason]
	if known = known || len(v.refusals) < mostReasons; known {
		fresh := Refusals{m.Reason: int(m.Count)} // a new map: Status has handed out the old one
		for why, n := range v.refusals {
			if why != m.Reason {
				fresh[why] = n
			}
		}
		v.refusals = fresh
	}
	v.mu.Unlock()
	if known {
		v.o.Events(Denied{Reason: m.Reason, Count: int(m.Count)})
	}
	return nil
}
