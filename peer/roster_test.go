package peer

import (
	"testing"
	"testing/synctest"

	"sightline/peer/wire"
)

// TestRoster: every viewer is told who watches, with which rights, at each change,
// and nothing when nothing changed.
func TestRoster(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Viewers = 2 })
	names := []string{"an\x1b[31mna", "bert"}
	r.viewers = func(o *ViewOptions) { o.Name, names = names[0], names[1:] }
	a := r.join(r.code(1), looks|acts)
	r.sees(a)
	b := r.join(r.code(1), looks)
	first := await[Joined](t, r.ctx, r.events, 1).Seat
	second := await[Joined](t, r.ctx, r.events, 2).Seat
	told := func(v *viewerRig, want ...Watching) {
		t.Helper()
		until(t, r, func() bool {
			got := v.view.Status().Viewers
			if len(got) != len(want) {
				return false
			}
			for i := range got {
				if got[i] != want[i] {
					return false
				}
			}
			return true
		})
	}
	anna := Watching{Seat: first, Name: "an[31mna", Grants: looks | acts}
	bert := Watching{Seat: second, Colour: 1, Name: "bert", Grants: looks}
	you := func(w Watching) Watching { w.You = true; return w }
	told(a, you(anna), bert)
	told(b, anna, you(bert))
	must(t, r.host.Grant(first, looks))
	must(t, r.host.Grant(second, looks|acts))
	anna.Grants, bert.Grants = looks, looks|acts
	told(a, you(anna), bert)
	told(b, anna, you(bert))
	must(t, r.host.Kick(first))
	told(b, you(bert))
	n := count[Roster](b.events)
	must(t, r.host.Grant(second, looks|acts)) // as it was
	await[Granted](t, r.ctx, b.events, 2)
	if again := count[Roster](b.events) - n; again != 0 {
		t.Errorf("told %d times of no change", again)
	}
}

// TestRosterAway: the others hear that a viewer's path broke, and that it left.
func TestRosterAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		h.open(2)
		stays, goes := h.enter(), h.enter()
		last := wire.Roster{}
		go func() {
			for {
				kind, _, body, err := stays.control.Next()
				if err != nil {
					return
				}
				if kind == wire.TypeRoster {
					last, _ = wire.ParseRoster(body)
				}
			}
		}()
		go goes.hears()
		synctest.Wait()
		if len(last) != 2 || last[1].Away || !last[0].You {
			t.Errorf("at first %+v", last)
		}
		goes.conn.Close()
		synctest.Wait()
		if len(last) != 2 || !last[1].Away {
			t.Errorf("after its path broke %+v", last)
		}
		must(t, h.host.Kick(goes.seat))
		synctest.Wait()
		if len(last) != 1 {
			t.Errorf("after it left %+v", last)
		}
	})
}
