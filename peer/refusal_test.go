package peer

import (
	"maps"
	"testing"

	"sightline/peer/wire"
)

// Input that is not acted on is counted by its reason, and both sides get to know
// the same numbers; at the end of a wave too. // issue 5
func TestRefusedInputIsCounted(t *testing.T) {
	r := newRig(t, nil)
	v := r.join(r.code(1), looks|acts)
	r.sees(v)
	seat := await[Joined](t, r.ctx, r.events, 1).Seat
	must(t, r.host.Grant(seat, looks))
	until(t, r, func() bool { return v.view.rights() == looks })
	v.view.act(wire.TypeKey, wire.KeyInput{Sym: 'x', Down: true}.Append(nil)) // a viewer that ignores its rights
	for n := range 5 {
		v.view.act(wire.TypePointer, wire.PointerInput{X: 1, Y: uint16(n), Buttons: 1}.Append(nil))
	}
	want := Refusals{"no right to the keyboard": 1, "no right to the pointer": 5}
	until(t, r, func() bool {
		return maps.Equal(r.host.Status().Seats[0].Refused, want) && maps.Equal(v.view.Status().Refused, want)
	})
	if n := count[Denied](r.events); n < 2 || n > 4 {
		t.Errorf("told %d times of two reasons", n)
	}
	if d := await[Denied](t, r.ctx, v.events, 1); d.Reason != "no right to the keyboard" || d.Count != 1 {
		t.Errorf("the viewer was told %+v", d)
	}
}

// A host cannot make its viewer keep any number of reasons.
func TestReasonsAreBounded(t *testing.T) {
	v := &View{o: ViewOptions{Events: func(Event) {}}}
	for n := range 100 {
		if err := v.hearDenied(wire.Denied{Count: 1, Reason: string(rune('a' + n))}.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(v.refusals); n != mostReasons {
		t.Errorf("it keeps %d", n)
	}
	if list := (Refusals{"a": 1, "b": 3, "c": 1}).List(); list[0] != (Refusal{"b", 3}) || list[1] != (Refusal{"a", 1}) {
		t.Errorf("sorted as %v", list)
	}
}
