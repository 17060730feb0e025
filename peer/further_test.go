package peer

import (
	"strings"
	"testing"
)

// TestFurtherCodes: each viewer comes by a code of its own, one after the other;
// an old one opens nothing, a kick ends one viewer, and when all have left a
// fresh number comes.
func TestFurtherCodes(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Viewers = 3 })
	first := r.code(1)
	if n := r.host.Status().Admits; n != 3 {
		t.Errorf("the first code admits %d", n)
	}
	if _, err := r.host.AnotherCode(); ClassOf(err) != ClassUsage {
		t.Fatalf("a further code beside one that nobody used: %v", err)
	}
	a := r.join(first, looks|acts)
	r.sees(a)
	shown, err := r.host.AnotherCode()
	must(t, err)
	second := r.code(2)
	if second.String() != shown || second.Number != first.Number || second.Secret == first.Secret {
		t.Fatalf("%q after %q, told %q", second, first, shown)
	}
	if got := r.host.Status(); got.Code != shown || got.Admits != 1 || await[Code](t, r.ctx, r.events, 2).Admits != 1 {
		t.Errorf("on show: %q, for %d", got.Code, got.Admits)
	}
	if err := r.result(r.join(first, looks)); ClassOf(err) != ClassAuth {
		t.Errorf("the used code led to %v", err)
	}
	b := r.join(second, looks)
	r.sees(b)

	kicked := await[Joined](t, r.ctx, r.events, 1).Seat
	must(t, r.host.Kick(kicked))
	if err := r.result(a); ClassOf(err) != ClassKicked {
		t.Errorf("the kicked viewer ended with %v", err)
	}
	r.desktopTypes("on")
	r.sees(b) // no gap for the other
	_, err = r.host.AnotherCode()
	must(t, err)
	third := r.code(3)
	b.view.End()
	await[Left](t, r.ctx, r.events, 2)
	c := r.join(third, looks) // outlives those who came before
	r.sees(c)
	c.view.End()
	if fresh := r.code(4); fresh.Number == first.Number {
		t.Errorf("the number %s goes on when all have left", fresh.Number)
	}
}

// TestFurtherCodeUnasked: where nobody is asked, whoever holds the keyboard could
// type the command itself, and is not to let others in.
func TestFurtherCodeUnasked(t *testing.T) {
	r := newRig(t, nil)
	v := r.join(r.code(1), looks|acts)
	r.sees(v)
	if err := r.host.WouldAdmit(); ClassOf(err) != ClassPermission || !strings.Contains(err.Error(), "keyboard") {
		t.Errorf("a further code while a viewer types: %v", err)
	}
	must(t, r.host.Grant(await[Joined](t, r.ctx, r.events, 1).Seat, looks))
	must(t, r.host.WouldAdmit())
}

// TestOneSession: --once has one code.
func TestOneSession(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Once = true })
	r.sees(r.join(r.code(1), looks))
	if _, err := r.host.AnotherCode(); ClassOf(err) != ClassUsage {
		t.Errorf("a further code for one session: %v", err)
	}
}
