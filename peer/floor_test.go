package peer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/keysym"
)

// TestFloor walks through who has control.
func TestFloor(t *testing.T) {
	press := func(id SeatID, want error) func(*testing.T, *floor) {
		return func(t *testing.T, f *floor) {
			var refused *screen.Refused
			switch err := f.may(id, true); {
			case want == nil && err != nil, want != nil && !errors.As(err, &refused):
				t.Errorf("%d presses: %v", id, err)
			}
		}
	}
	no := errors.New("refused")
	for name, row := range map[string]struct {
		all   bool
		steps []func(*testing.T, *floor)
		want  Control
	}{
		"the first who presses":  {false, []func(*testing.T, *floor){press(2, nil), press(1, no), press(2, nil)}, Control{Holder: 2}},
		"a move takes nothing":   {false, []func(*testing.T, *floor){func(t *testing.T, f *floor) { must(t, f.may(1, false)) }}, Control{}},
		"a move of another":      {false, []func(*testing.T, *floor){press(2, nil), func(t *testing.T, f *floor) { equal(t, f.may(1, false), errNotHeld) }}, Control{Holder: 2}},
		"the first who asks":     {false, []func(*testing.T, *floor){asks(3), press(1, no)}, Control{Holder: 3}},
		"in line":                {false, []func(*testing.T, *floor){asks(3), asks(2), asks(1), asks(2), asks(3)}, Control{Holder: 3, Asks: []SeatID{2, 1}}},
		"the next in line":       {false, []func(*testing.T, *floor){asks(3), asks(2), asks(1), leaves(3)}, Control{Holder: 2, Asks: []SeatID{1}}},
		"nobody in line":         {false, []func(*testing.T, *floor){asks(3), leaves(3), press(1, nil)}, Control{Holder: 1}},
		"who asked goes":         {false, []func(*testing.T, *floor){asks(3), asks(2), asks(1), leaves(2)}, Control{Holder: 3, Asks: []SeatID{1}}},
		"passed past the line":   {false, []func(*testing.T, *floor){asks(3), asks(2), passes(1, 3), press(3, no)}, Control{Holder: 1, Asks: []SeatID{2}}},
		"passed to who asked":    {false, []func(*testing.T, *floor){asks(3), asks(2), passes(2, 3)}, Control{Holder: 2}},
		"passed to the holder":   {false, []func(*testing.T, *floor){asks(3), passes(3, 0)}, Control{Holder: 3}},
		"all: nobody is refused": {true, []func(*testing.T, *floor){press(1, nil), press(2, nil), asks(3), passes(3, 0)}, Control{}},
	} {
		t.Run(name, func(t *testing.T) {
			f := &floor{all: row.all}
			for _, step := range row.steps {
				step(t, f)
			}
			got, news := f.changed()
			if got.Holder != row.want.Holder || !slices.Equal(got.Asks, row.want.Asks) {
				t.Errorf("%+v, want %+v", got, row.want)
			}
			if nothing := row.want.Holder == 0; news == nothing {
				t.Errorf("news: %v", news)
			}
			if _, again := f.changed(); again {
				t.Error("told twice")
			}
		})
	}
}

func asks(id SeatID) func(*testing.T, *floor) { return func(_ *testing.T, f *floor) { f.ask(id) } }
func leaves(id SeatID) func(*testing.T, *floor) {
	return func(_ *testing.T, f *floor) { f.leave(id) }
}
func passes(to, from SeatID) func(*testing.T, *floor) {
	return func(t *testing.T, f *floor) { equal(t, f.pass(to), from) }
}

func equal[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestControlGoesRound: control is asked for, passed on by its holder, by the
// host, and free when its holder goes; everybody is told each time.
func TestControlGoesRound(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Viewers = 3 })
	names := []string{"anna", "bert", "carl"}
	r.viewers = func(o *ViewOptions) { o.Name, names = names[0], names[1:] }
	var v []*viewerRig
	for i := range 3 {
		w := r.join(r.code(1), looks|acts)
		r.sees(w)
		v = append(v, w)
		await[Joined](t, r.ctx, r.events, i+1)
	}
	types := func(i int, s string) {
		for _, c := range s {
			v[i].glass.Send(screen.Key{Sym: keysym.Sym(c), Down: true})
			v[i].glass.Send(screen.Key{Sym: keysym.Sym(c)})
		}
	}
	gone := 0
	stands := func(want string) {
		t.Helper()
		until(t, r, func() bool {
			for _, w := range v[gone:] {
				got := ""
				for _, s := range w.view.Status().Viewers {
					mark := map[bool]string{true: "+"}[s.Acts] + map[bool]string{true: "?"}[s.Asks]
					if mark != "" {
						got += s.Name + mark
					}
				}
				if got != want {
					return false
				}
			}
			return true
		})
	}
	types(0, "a")
	stands("anna+")
	types(1, "nothing")
	until(t, r, func() bool { return count[Denied](r.events) == 1 && r.host.all()[1].input.Waiting() == 0 })
	v[1].view.AskControl()
	stands("anna+bert?")
	v[2].view.AskControl()
	stands("anna+bert?carl?")
	v[0].view.PassControl()
	stands("bert+carl?")
	types(1, "b")
	until(t, r, func() bool { return r.desk.Typed() == "ab" })
	v[0].view.PassControl() // which it has not got
	until(t, r, func() bool { return v[0].view.control.Waiting() == 0 })
	must(t, r.host.Pass(1))
	stands("anna+carl?")
	types(0, "c")
	until(t, r, func() bool { return r.desk.Typed() == "abc" })
	must(t, r.host.Kick(1))
	gone = 1
	stands("carl+")
	v[2].view.PassControl()
	stands("")
	types(1, "d")
	stands("bert+")
	must(t, r.host.Grant(2, looks))
	stands("")
	if err := r.host.Pass(2); ClassOf(err) != ClassUsage {
		t.Errorf("control passed to a viewer without the right: %v", err)
	}
	until(t, r, func() bool { return r.desk.Typed() == "abcd" })
}

// TestControlEndsInAPress: whatever ends a viewer's control in the middle of a press,
// what it held comes up, and nothing of it goes down until it has control again.
func TestControlEndsInAPress(t *testing.T) {
	for name, ends := range map[string]func(*testing.T, *hall, *guest, *guest){
		"passed by the host": func(t *testing.T, h *hall, a, b *guest) { must(t, h.host.Pass(b.seat)) },
		"passed by itself": func(_ *testing.T, _ *hall, a, b *guest) {
			a.say(wire.TypePass, 1, wire.AppendPass(nil, uint32(b.seat)))
		},
		"kicked":            func(t *testing.T, h *hall, a, _ *guest) { must(t, h.host.Kick(a.seat)) },
		"the right is lost": func(t *testing.T, h *hall, a, _ *guest) { must(t, h.host.Grant(a.seat, looks)) },
		"its path breaks for good": func(_ *testing.T, _ *hall, a, _ *guest) {
			a.conn.Close()
			time.Sleep(keepSeat + time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(t)
				h.open(2)
				a, b := h.enter(), h.enter()
				go a.hears()
				go b.hears()
				ours, theirs := a.hands(), b.hands()
				a.press(ours, 1, 'a', true)
				synctest.Wait()
				ends(t, h, a, b)
				synctest.Wait()
				a.press(ours, 2, 'x', true)
				synctest.Wait()
				b.press(theirs, 1, 'b', true)
				b.press(theirs, 2, 'b', false)
				synctest.Wait()
				got := fmt.Sprint(strokes(h))
				if want := "[+a -a +b -b]"; got != want {
					t.Errorf("%s, want %s", got, want)
				}
			})
		})
	}
}

func (g *guest) press(s interface{ Write([]byte) (int, error) }, seq uint32, sym rune, down bool) {
	s.Write(wire.Append(nil, wire.Input, wire.TypeKey, seq, wire.KeyInput{Sym: uint32(sym), Down: down}.Append(nil)))
}

// strokes are the keys that went down and came up.
func strokes(h *hall) (list []string) {
	for _, e := range h.hands.Events() {
		if k, ok := e.(screen.Key); ok {
			list = append(list, map[bool]string{true: "+", false: "-"}[k.Down]+string(rune(k.Sym)))
		}
	}
	return list
}

// TestFloorAtRandom: however control goes round, at most one viewer has it, it
// has the right to, and never two hold keys down.
func TestFloorAtRandom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		h.open(4)
		rnd := rand.New(rand.NewPCG(5, 7))
		type player struct {
			*guest
			input interface{ Write([]byte) (int, error) }
			seq   uint32
			ctl   uint32
		}
		var all []*player
		for range 4 {
			g := h.enter()
			go g.hears()
			all = append(all, &player{guest: g, input: g.hands()})
		}
		for step := range 2000 {
			p := all[rnd.IntN(len(all))]
			switch rnd.IntN(8) {
			case 0:
				h.host.Pass(p.seat)
			case 1:
				p.ctl++
				p.say(wire.TypeWant, p.ctl, wire.AppendGrants(nil, acts))
			case 2:
				p.ctl++
				p.say(wire.TypePass, p.ctl, wire.AppendPass(nil, uint32(all[rnd.IntN(len(all))].seat)))
			case 3:
				h.host.Grant(p.seat, []Grant{looks, looks | acts}[rnd.IntN(2)])
			default:
				p.seq++
				p.press(p.input, p.seq, rune('a'+p.seat), rnd.IntN(2) == 0)
			}
			synctest.Wait()
			holders := 0
			for _, st := range h.host.all() {
				if h.host.floor.holder == st.id && st.rights().Any(acts) {
					holders++
				}
			}
			down := 0
			h.host.hands.mu.Lock()
			for id := range h.host.hands.keys {
				if h.host.hands.holdsLocked(id) {
					down++
					if id != h.host.floor.holder {
						t.Fatalf("step %d: viewer %d holds keys down, %d has control", step, id, h.host.floor.holder)
					}
				}
			}
			h.host.hands.mu.Unlock()
			if holders > 1 || down > 1 || h.host.floor.holder != 0 && holders == 0 {
				t.Fatalf("step %d: %d holders, %d hold keys down", step, holders, down)
			}
		}
	})
}
