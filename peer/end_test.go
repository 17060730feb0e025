package peer

import (
	"testing"
	"time"

	"sightline/screen"
)

// TestEndWhileAsking: the person at the viewer gives up while the host's
// person is asked; nobody has to wait for that answer.
func TestEndWhileAsking(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Accept = false })
	v := r.join(r.code(1), looks)
	await[Asks](t, r.ctx, r.events, 1)
	v.view.End()
	select {
	case err := <-v.end:
		if v.end <- err; err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("End does nothing while the host asks")
		r.host.Stop()
	}
}

// TestEndWhileBroken: the person ends a session whose host does not answer.
func TestEndWhileBroken(t *testing.T) {
	r := newRig(t, nil)
	v := r.join(r.code(1), looks)
	r.sees(v)
	r.node.Close()
	until(t, r, func() bool { return v.view.Status().State == "reconnecting" })
	v.view.End()
	select {
	case err := <-v.end:
		if v.end <- err; err != nil {
			t.Errorf("ended with %v (class %d)", err, ClassOf(err))
		}
	case <-time.After(10 * time.Second):
		t.Error("End does nothing while the path is broken")
	}
}

// TestUnhiddenWhileBroken: a window that was minimised comes back while no
// path lives: the picture goes on after the session has resumed.
func TestUnhiddenWhileBroken(t *testing.T) {
	r := newRig(t, nil)
	v := r.join(r.code(1), looks)
	r.sees(v)
	p := &r.host.all()[0].picture
	v.glass.Send(screen.Resize{Visible: false})
	until(t, r, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.hidden })
	for _, c := range v.node.Host().Network().Conns() {
		c.Close()
	}
	v.glass.Send(screen.Resize{Visible: true})
	await[Joined](t, r.ctx, v.events, 2)
	r.desktopTypes("back")
	r.sees(v)
}

// TestKickWhileAsking: a viewer that asks is sent away with words on both sides.
func TestKickWhileAsking(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Accept = false })
	v := r.join(r.code(1), looks)
	ask := await[Asks](t, r.ctx, r.events, 1)
	must(t, r.host.Kick(ask.Seat))
	if err := r.result(v); ClassOf(err) != ClassKicked {
		t.Errorf("the viewer ended with %v", err)
	}
	if d := await[Denied](t, r.ctx, r.events, 1); d.Reason == "" {
		t.Errorf("%+v without a word", d)
	}
}

// TestPauseHoldsPictures: what changes after Pause is not sent.
func TestPauseHoldsPictures(t *testing.T) {
	r := newRig(t, nil)
	m := r.mallory(r.code(1), looks)
	eye := m.watch()
	eye.settle(t)
	r.host.Pause(true)
	eye.calm() // what was on its way already
	r.desktopTypes("secret")
	if frames := eye.calm(); frames > 0 {
		t.Fatal("a picture of what was done during the pause")
	}
	r.host.Pause(false)
	eye.s.SetReadDeadline(time.Now().Add(20 * time.Second))
	eye.settle(t) // now it comes
}
