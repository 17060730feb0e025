package peer

import (
	"errors"
	"sync"
	"testing"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/keysym"
)

// scriptedSign notes what it is told to show, and fails on demand.
type scriptedSign struct {
	mu     sync.Mutex
	words  []string
	fails  error
	hidden chan struct{}
}

func (s *scriptedSign) Show(words string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	s.words = append(s.words, words)
	return nil
}

func (s *scriptedSign) Hidden() <-chan struct{} { return s.hidden }
func (s *scriptedSign) Close() error            { return nil }

func (s *scriptedSign) now() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.words) == 0 {
		return ""
	}
	return s.words[len(s.words)-1]
}

func (s *scriptedSign) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = err
}

// The sign says who watches and who controls, as long as somebody does.
func TestSign(t *testing.T) {
	sign := &scriptedSign{hidden: make(chan struct{}, 1)}
	r := newRig(t, func(o *HostOptions) { o.Viewers, o.Sign = 2, sign })
	code := r.code(1)
	const ends = " - Ctrl+Alt+Shift+Q ends it"
	says := func(want string) {
		t.Helper()
		defer func() {
			if t.Failed() {
				t.Logf("the sign says %q, not %q", sign.now(), want)
			}
		}()
		until(t, r, func() bool { return sign.now() == want })
	}
	v := r.join(code, looks)
	r.sees(v)
	first := await[Joined](t, r.ctx, r.events, 1)
	says(first.Viewer.Name + " watches" + ends)
	must(t, r.host.Grant(first.Seat, wire.View|wire.Keyboard))
	says(first.Viewer.Name + " controls" + ends)
	r.viewers = func(o *ViewOptions) { o.Name = "another" }
	r.join(code, looks)
	second := await[Joined](t, r.ctx, r.events, 2)
	says(first.Viewer.Name + " controls, " + second.Viewer.Name + " watches" + ends)
	must(t, r.host.Grant(second.Seat, wire.View|wire.Keyboard))
	says("2 control" + ends) // whoever presses first
	must(t, r.host.Pass(second.Seat))
	says(second.Viewer.Name + " controls, " + first.Viewer.Name + " watches" + ends)
	must(t, r.host.Grant(second.Seat, wire.View))
	says(first.Viewer.Name + " controls, " + second.Viewer.Name + " watches" + ends)
	must(t, r.host.Grant(first.Seat, wire.View))
	says("2 watch" + ends)
	must(t, r.host.Kick(second.Seat))
	says(first.Viewer.Name + " watches" + ends)
	must(t, r.host.Kick(first.Seat))
	says("")
}

// What cannot be shown ends the sharing until somebody at the host has seen to it;
// no picture and no key gets through.
func TestSignThatCannotBeSeen(t *testing.T) {
	sign := &scriptedSign{hidden: make(chan struct{}, 1), fails: errors.New("no room")}
	r := newRig(t, func(o *HostOptions) { o.Viewers, o.Sign = 2, sign })
	code := r.code(1)
	m := r.mallory(code, looks|acts)
	eye := m.watch()
	input := m.open(wire.Input)
	await[Failed](t, r.ctx, r.events, 1)
	must(t, m.keys(input, 1, "a"))
	until(t, r, func() bool { return count[Denied](r.events) > 0 }) // the key has come
	eye.s.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if frame, _, _ := eye.next(); frame || r.desk.Typed() != "" || !r.host.Status().Paused {
		t.Fatalf("without a sign: a frame %v, typed %q, paused %v", frame, r.desk.Typed(), r.host.Status().Paused)
	}
	v := r.join(code, looks|acts) // one that comes to old pictures
	await[Joined](t, r.ctx, r.events, 2)

	sign.fail(nil)
	r.host.Pause(false)
	r.sees(v)
	v.glass.Send(screen.Key{Sym: keysym.Sym('b'), Down: true})
	until(t, r, func() bool { return r.desk.Typed() == "b" })

	sign.hidden <- struct{}{}
	await[Failed](t, r.ctx, r.events, 2)
	until(t, r, func() bool { return r.host.Status().Paused })
	r.host.Pause(false)
	until(t, r, func() bool { sign.mu.Lock(); defer sign.mu.Unlock(); return len(sign.words) >= 2 })
	r.sees(v)
}
