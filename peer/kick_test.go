package peer

import (
	"testing"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/keysym"
)

// TestKick: frames after the kick do not reach the kicked viewer, its keys do
// nothing, even if it does not answer; it cannot resume; others see no gap.
func TestKick(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Viewers = 2 })
	code := r.code(1)
	other := r.join(code, looks|acts)
	r.sees(other)
	m := r.mallory(code, looks|acts)
	eye := m.watch()
	eye.settle(t)
	input := m.open(wire.Input)
	must(t, m.keys(input, 1, "m"))
	until(t, r, func() bool { return r.desk.Typed() == "m" })
	must(t, r.host.Kick(await[Joined](t, r.ctx, r.events, 2).Seat))
	type end struct {
		t wire.Type
		f wire.Farewell
	}
	last := make(chan end, 1)
	go func() { // hears, and acknowledges nothing
		t, f := m.ends()
		last <- end{t, f}
	}()
	kicked := eye.frames
	for _, c := range "secret" { // the other viewer goes on; mallory says nothing
		other.glass.Send(screen.Key{Sym: keysym.Sym(c), Down: true})
		other.glass.Send(screen.Key{Sym: keysym.Sym(c)})
	}
	m.keys(input, 3, "x")
	until(t, r, func() bool { return len(r.desk.Typed()) >= len("msecret") })
	r.sees(other)
	if n, _ := eye.rest(); n > 1 { // one may have been on its way: the key m
		t.Errorf("%d frames after the kick (%d before)", n, kicked)
	}
	if got := r.desk.Typed(); got != "msecret" {
		t.Errorf("typed %q: a kicked viewer's key", got)
	}
	if e := <-last; e.t != wire.TypeBye || e.f.Reason != wire.ByKick {
		t.Errorf("the last word: type %d, %+v", e.t, e.f)
	}
	if r.host.resumable(m.node.ID()) != nil {
		t.Error("the kicked viewer could resume")
	}
	if _, ok := r.host.resumeKey(m.accept.Session, m.node.ID()); ok {
		t.Error("the resume key of the kicked viewer lives on")
	}
}
