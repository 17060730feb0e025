package peer

import (
	"errors"
	"testing"
	"time"

	"sightline/peer/invite"
	"sightline/peer/secure"
	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/keysym"
)

// Rights in the tests' words.
const (
	looks = wire.View
	acts  = wire.HandsOn
)

func TestSession(t *testing.T) {
	r := newRig(t, nil)
	v := r.join(r.code(1), looks|acts)
	r.sees(v)
	for _, c := range "hello" {
		v.glass.Send(screen.Key{Sym: keysym.Sym(c), Down: true})
		v.glass.Send(screen.Key{Sym: keysym.Sym(c)})
	}
	at := r.desk.Button(0)
	p := screen.Pointer{At: at.Min.Add(at.Size().Div(2))}
	v.glass.Send(p)
	p.Buttons = screen.Left
	v.glass.Send(p)
	p.Buttons = 0
	v.glass.Send(p)
	until(t, r, func() bool { return r.desk.Typed() == "hello" && r.desk.Clicks() == 1 })
	r.sees(v)
	v.view.End()
	if err := r.result(v); err != nil {
		t.Errorf("viewer ended with %v", err)
	}
	await[Left](t, r.ctx, r.events, 1)
	if second := r.code(2); second == r.code(1) {
		t.Error("the second code is the first one")
	}
}

// until polls: what it waits for happens in other goroutines, without events.
func until(t *testing.T, r *rig, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-r.ctx.Done():
			t.Fatal("never came true")
		}
	}
}

func TestWrongCode(t *testing.T) {
	r := newRig(t, nil)
	good := r.code(1)
	bad := other(t, good)
	if err := r.result(r.join(bad, looks)); !errors.Is(err, secure.ErrWrongCode) || ClassOf(err) != ClassAuth {
		t.Errorf("wrong code: %v", err)
	}
	v := r.join(good, looks) // told to wait 1 s, does, and gets in
	r.sees(v)
}

// other is another code with the same number and a right check digit.
func other(t *testing.T, good invite.Code) invite.Code {
	t.Helper()
	first := (good.Secret[0]-'0'+1)%10 + '0'
	for digit := byte('0'); digit <= '9'; digit++ {
		if c, err := invite.Join(good.Number, string(first)+good.Secret[1:7]+string(digit)); err == nil {
			return c
		}
	}
	t.Fatal("no check digit fits")
	return invite.Code{}
}

func TestUsedAndUnknownCode(t *testing.T) {
	r := newRig(t, nil)
	code := r.code(1)
	v := r.join(code, looks)
	r.sees(v)
	err := r.result(r.join(code, looks))
	if ClassOf(err) != ClassNoSession {
		t.Errorf("second viewer on a used code: %v (class %d)", err, ClassOf(err))
	}
}

func TestKickBurnsCode(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Viewers = 2 })
	code := r.code(1)
	v := r.join(code, looks)
	r.sees(v)
	if err := r.host.Kick(await[Joined](t, r.ctx, r.events, 1).Seat); err != nil {
		t.Fatal(err)
	}
	if err := r.result(v); !errors.Is(err, ErrKicked) {
		t.Errorf("the kicked viewer ended with %v", err)
	}
	if err := r.result(r.join(code, looks)); ClassOf(err) != ClassNoSession {
		t.Errorf("the old code after a kick, by a new peer: %v", err)
	}
	r.sees(r.join(r.code(2), looks))
}

func TestConsent(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer Grant
		class  Class
	}{
		{"refused", 0, ClassRefused},
		{"view only", looks, ClassOK},
		{"view and control", looks | acts, ClassOK},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, func(o *HostOptions) { o.Accept = false })
			v := r.join(r.code(1), looks|acts)
			ask := await[Asks](t, r.ctx, r.events, 1)
			if ask.Viewer.Name != "viewer" || ask.Wants != looks|acts {
				t.Errorf("asked %+v", ask)
			}
			if v.glass.Frame(0) != nil {
				t.Error("a picture before anybody was asked")
			}
			if err := r.host.Admit(ask.Seat, row.answer); err != nil {
				t.Fatal(err)
			}
			if row.class != ClassOK {
				if err := r.result(v); ClassOf(err) != row.class {
					t.Errorf("ended with %v", err)
				}
				return
			}
			r.sees(v)
			if g := await[Joined](t, r.ctx, v.events, 1).Grants; g != row.answer {
				t.Errorf("granted %v", g)
			}
		})
	}
}

// TestGrantMatrix: each message type against each missing right.
func TestGrantMatrix(t *testing.T) {
	r := newRig(t, nil)
	v := r.join(r.code(1), looks|acts)
	r.sees(v)
	seat := await[Joined](t, r.ctx, r.events, 1).Seat
	r.host.Grant(seat, looks)
	until(t, r, func() bool { return v.view.rights() == looks })
	// A viewer that ignores its rights.
	v.view.act(wire.TypeKey, wire.KeyInput{Sym: 'x', Down: true}.Append(nil))
	await[Denied](t, r.ctx, r.events, 1)
	v.view.act(wire.TypePointer, wire.PointerInput{X: 1, Y: 1, Buttons: 1}.Append(nil))
	await[Denied](t, r.ctx, r.events, 2)
	if r.desk.Typed() != "" || r.desk.Clicks() != 0 {
		t.Error("input without a right reached the desktop")
	}
	r.host.Grant(seat, acts) // no view
	until(t, r, func() bool { return v.view.rights() == acts })
	v.glass.Send(screen.Key{Sym: 'y', Down: true})
	v.glass.Send(screen.Key{Sym: 'y'})
	until(t, r, func() bool { return r.desk.Typed() == "y" })
}

func TestNoKeyStaysDown(t *testing.T) {
	r := newRig(t, nil)
	v := r.join(r.code(1), looks|acts)
	r.sees(v)
	v.glass.Send(screen.Key{Sym: keysym.ShiftL, Down: true})
	until(t, r, func() bool { keys, _ := r.desk.Held(); return keys == 1 })
	v.node.Close() // as if the viewer was killed
	until(t, r, func() bool { keys, _ := r.desk.Held(); return keys == 0 })
}

func TestResume(t *testing.T) {
	r := newRig(t, nil)
	v := r.join(r.code(1), looks|acts)
	r.sees(v)
	for i := range 3 {
		for _, c := range v.node.Host().Network().Conns() {
			c.Close() // every path dies
		}
		v.glass.Send(screen.Key{Sym: keysym.Sym('a' + i), Down: true})
		v.glass.Send(screen.Key{Sym: keysym.Sym('a' + i)})
		if j := await[Joined](t, r.ctx, v.events, i+2); !j.Resumed {
			t.Error("joined anew instead of resuming")
		}
		want := "abc"[:i+1]
		until(t, r, func() bool { return r.desk.Typed() == want })
		r.sees(v)
	}
	if n := count[Code](r.events); n != 1 {
		t.Errorf("%d codes were shown for one session", n)
	}
}

func TestHostGone(t *testing.T) {
	r := newRig(t, nil)
	v := r.join(r.code(1), looks)
	r.sees(v)
	r.host.Stop()
	if err := r.result(v); err != nil {
		t.Errorf("a host that says goodbye: %v", err)
	}
}

func TestOnce(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Once = true })
	v := r.join(r.code(1), looks)
	r.sees(v)
	v.view.End()
	if err := <-r.hostEnd; err != nil {
		t.Errorf("host ended with %v", err)
	}
	r.hostEnd <- nil
}

func TestOnceExpired(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Once, o.Expire = true, 300*time.Millisecond })
	err := <-r.hostEnd
	if ClassOf(err) != ClassNoSession {
		t.Errorf("host ended with %v", err)
	}
	r.hostEnd <- err
}

func TestSourceDies(t *testing.T) {
	src := &dying{Source: nil}
	r := newRig(t, func(o *HostOptions) { src.Source = o.Source; src.die = make(chan struct{}); o.Source = src })
	v := r.join(r.code(1), looks)
	r.sees(v)
	close(src.die)
	if err := <-r.hostEnd; ClassOf(err) != ClassNoDisplay {
		t.Errorf("host ended with %v", err)
	} else {
		r.hostEnd <- err
	}
	if err := r.result(v); ClassOf(err) != ClassFault {
		t.Errorf("viewer ended with %v", err)
	}
}

// TestWindowClosedWhileAsking: whoever closes the window while the host is
// still asked has ended it, and that is no error.
func TestWindowClosedWhileAsking(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Accept = false })
	v := r.join(r.code(1), looks)
	await[Asks](t, r.ctx, r.events, 1)
	v.glass.Close()
	if err := r.result(v); err != nil {
		t.Errorf("viewer ended with %v", err)
	}
	await[Denied](t, r.ctx, r.events, 1)
}
