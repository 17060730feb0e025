package peer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"sightline/peer/link"
	"sightline/screen"
	"sightline/screen/keysym"
	"sightline/screen/screentest"
)

func (v *viewerRig) typeText(s string) {
	for _, c := range s {
		v.glass.Send(screen.Key{Sym: keysym.Sym(c), Down: true})
		v.glass.Send(screen.Key{Sym: keysym.Sym(c)})
	}
}

// desktopTypes draws on the desktop without a viewer's hand.
func (r *rig) desktopTypes(s string) {
	r.t.Helper()
	hand := r.desk.Injector()
	for _, c := range s {
		must(r.t, errors.Join(hand.Key(screen.Key{Sym: keysym.Sym(c), Down: true}), hand.Key(screen.Key{Sym: keysym.Sym(c)})))
	}
}

// TestInputReplayAfterMove: 1,000 numbered keys are typed while the session goes
// from the direct path to the relay and back, and every now and then loses all
// paths: each key is applied once, in order, and the picture is exact.
func TestInputReplayAfterMove(t *testing.T) {
	r := newRig(t, nil)
	v := r.joinRelayed(r.code(1), looks|acts)
	r.sees(v)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%d keys typed; %d messages wait of %d; the viewer is %s, channels %v",
				len(r.desk.Typed()), v.view.input.Waiting(), v.view.input.sent(), v.view.Status().State, v.view.on)
			for _, st := range r.host.all() {
				t.Logf("the host has applied %d, serves %v", st.input.in.Last(), st.input.current)
			}
		}
	})
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "%04d,", i)
	}
	want, rnd, cuts := text.String(), rand.New(rand.NewPCG(1, 8)), 0
	for i, c := range want {
		v.typeText(string(c))
		if i%90 != 35 {
			continue
		}
		cuts++
		if rnd.IntN(2) == 0 { // in the middle of what is on its way, or just after
			until(t, r, func() bool { return len(r.desk.Typed()) > i-20 })
		}
		all := cuts%4 == 0
		if !all {
			until(t, r, func() bool { return v.view.Status().Path.Kind == link.LAN })
		}
		for _, conn := range v.node.Host().Network().ConnsToPeer(r.node.ID()) {
			if _, err := conn.RemoteMultiaddr().ValueForProtocol(ma.P_CIRCUIT); all || err != nil {
				conn.Close()
			}
		}
	}
	until(t, r, func() bool { return len(r.desk.Typed()) >= len(want) })
	if got := r.desk.Typed(); got != want {
		t.Errorf("%d cuts, typed\n%s, want\n%s", cuts, got, want)
	}
	if n := count[PathChanged](v.events); n < 10 {
		t.Errorf("only %d changes of path", n)
	}
	until(t, r, func() bool { keys, _ := r.desk.Held(); return keys == 0 })
	r.sees(v)
}

// TestTwoViewers: both see the same; one that never answers delays nobody; one
// is kicked and the other sees no gap.
func TestTwoViewers(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Viewers = 3 })
	code := r.code(1)
	first, second := r.join(code, looks|acts), r.join(code, looks)
	r.sees(first)
	r.sees(second)
	slow := r.mallory(code, looks)
	eye := slow.watch()
	eye.mute = true
	if _, _, err := eye.next(); err != nil { // it is served, and answers nothing
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two", "three"} {
		first.typeText(text)
		until(t, r, func() bool { return strings.HasSuffix(r.desk.Typed(), text) })
		r.sees(first)
		r.sees(second)
	}
	if !first.glass.Frame(0).Equal(second.glass.Frame(0)) {
		t.Error("two viewers see different pictures")
	}
	joined := await[Joined](t, r.ctx, second.events, 1)
	for _, st := range r.host.all() {
		if st.peer == second.node.ID() {
			must(t, r.host.Kick(st.id))
		}
	}
	if err := r.result(second); !errors.Is(err, ErrKicked) || joined.Grants != looks {
		t.Errorf("the kicked viewer ended with %v", err)
	}
	first.typeText("four")
	until(t, r, func() bool { return strings.HasSuffix(r.desk.Typed(), "four") })
	r.sees(first)
	if count[Joined](first.events) != 1 {
		t.Error("the other viewer had to come back")
	}
}

// TestHiddenWindow: a minimised window is sent nothing, and everything once it
// is back.
func TestHiddenWindow(t *testing.T) {
	r := newRig(t, nil)
	v := r.join(r.code(1), looks)
	r.sees(v)
	p := &r.host.all()[0].picture
	hidden := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.hidden
	}
	for range 3 {
		v.glass.Send(screen.Resize{Visible: false})
		until(t, r, hidden)
		r.desktopTypes("a") // one frame may be under way: the change that Take waited for
		v.glass.Send(screen.Resize{Visible: false})
		frames := func() int {
			n := 0
			v.glass.Wait(r.ctx, func(s screentest.Seen) bool { n = s.Draws; return true })
			return n
		}
		until(t, r, func() bool { n, _ := inFlight(p); return n == 0 })
		before := frames()
		r.desktopTypes("bcdefgh")
		if n := frames(); n > before+1 {
			t.Errorf("%d frames for a window that nobody sees", n-before)
		}
		v.glass.Send(screen.Resize{Visible: true})
		r.sees(v)
	}
}

func inFlight(p *picture) (int, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pacer.InFlight()
}

// TestRevokedView: the right to look is taken back while pictures come: the
// stream ends at once, a new one is refused, and given back it starts afresh.
func TestRevokedView(t *testing.T) {
	r := newRig(t, nil)
	m := r.mallory(r.code(1), looks)
	eye := m.watch()
	eye.settle(t)
	seat := await[Joined](t, r.ctx, r.events, 1).Seat
	must(t, r.host.Grant(seat, acts))
	r.desktopTypes("secret")
	if n, err := eye.rest(); n > 0 || err == nil {
		t.Errorf("%d frames without the right to look, %v", n, err)
	}
	again := m.watch()
	if n, _ := again.rest(); n > 0 {
		t.Errorf("%d frames on a stream without the right to look", n)
	}
	must(t, r.host.Grant(seat, looks))
	fresh := m.watch()
	fresh.settle(t)
}

// TestStopWhileAsking: the host stops while its person is asked.
func TestStopWhileAsking(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Accept = false })
	v := r.join(r.code(1), looks)
	await[Asks](t, r.ctx, r.events, 1)
	until(t, r, func() bool { return count[Waiting](v.events) > 1 })
	r.host.Stop()
	if err := r.result(v); !errors.Is(err, ErrHostGone) {
		t.Errorf("the viewer ended with %v", err)
	}
	if err := <-r.hostEnd; err != nil {
		t.Errorf("the host ended with %v", err)
	}
	r.hostEnd <- nil
}

// TestViewerGoesWhileAsked: the viewer's machine goes away while the host's
// person is asked: the question is over.
func TestViewerGoesWhileAsked(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Accept = false })
	m := r.newMallory(r.code(1), looks)
	ask := await[Asks](t, r.ctx, r.events, 1)
	m.node.Close()
	if d := await[Denied](t, r.ctx, r.events, 1); d.Reason == "" || d.Seat != ask.Seat {
		t.Errorf("%+v", d)
	}
	until(t, r, func() bool { return len(r.host.Status().Seats) == 0 })
	if err := r.host.Admit(ask.Seat, looks); ClassOf(err) != ClassUsage {
		t.Errorf("an answer that comes too late: %v", err)
	}
	r.code(2)
}

// TestLeavesBeforeAccept: a viewer that goes between its proof and ACCEPT says so:
// nobody waits for it to come back.
func TestLeavesBeforeAccept(t *testing.T) {
	came := make(chan *viewerRig, 1)
	r := newRig(t, func(o *HostOptions) {
		add := o.Events
		o.Events = func(e Event) {
			if _, ok := e.(Joined); ok { // ACCEPT is written after this
				v := <-came
				v.view.End()
				select {
				case err := <-v.end:
					v.end <- err // it did not wait to be heard
				case <-time.After(200 * time.Millisecond):
				}
			}
			add(e)
		}
	})
	came <- r.join(r.code(1), looks)
	if l := await[Left](t, r.ctx, r.events, 1); l.Reason != "the viewer left" {
		t.Errorf("left because of %q", l.Reason)
	}
	if n := count[Waiting](r.events); n > 0 {
		t.Errorf("the host waited %d times for somebody who has gone", n)
	}
}

// TestManyStreamsInARow: a viewer whose path flaps opens its screen several
// times before the first one has been handed over; the last one shows.
func TestManyStreamsInARow(t *testing.T) {
	r := newRig(t, nil)
	m := r.mallory(r.code(1), looks)
	var eyes []*eye
	for range 5 {
		e := m.watch()
		if len(eyes) > 0 {
			e.dec = eyes[0].dec // one picture, wherever its frames come
		}
		eyes = append(eyes, e)
	}
	last := eyes[4]
	for _, e := range eyes[:4] { // a viewer reads them in the order it opened them in
		e.rest()
		e.s.Close()
	}
	key := screen.Key{Sym: keysym.FromRune('x'), Down: true} // all may have been shown by now
	must(t, r.desk.Injector().Key(key))
	last.s.SetReadDeadline(time.Now().Add(20 * time.Second))
	last.settle(t)
	m.s.Close()
}

// TestNoGoroutineStays: after a whole session everything that was started has
// ended.
func TestNoGoroutineStays(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("session", func(t *testing.T) {
		r := newRig(t, nil)
		v := r.join(r.code(1), looks|acts)
		r.sees(v)
		v.typeText("x")
		until(t, r, func() bool { return r.desk.Typed() == "x" })
		v.view.End()
		if err := r.result(v); err != nil {
			t.Error(err)
		}
	})
	tick, late := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for runtime.NumGoroutine() > before+2 { // libp2p keeps one or two for the process
		select {
		case <-tick.C:
		case <-late:
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines instead of %d\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}
