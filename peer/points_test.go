package peer

import (
	"image"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/screentest"
)

// heard keeps what a guest is told of the others' pointers.
type heard struct {
	mu   sync.Mutex
	list []wire.Points
}

func (g *guest) hearsPoints() *heard {
	h := &heard{}
	go func() {
		for {
			t, _, body, err := g.control.Next()
			if err != nil {
				return
			}
			if t == wire.TypePoints {
				m, _ := wire.ParsePoints(body)
				h.mu.Lock()
				h.list = append(h.list, m)
				h.mu.Unlock()
			}
		}
	}()
	return h
}

// take is what was told since the last call.
func (h *heard) take() []wire.Points {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.list
	h.list = nil
	return was
}

// TestPoints: of a pointer that moves a thousand times a second the others hear ten
// times, the newest place and of nobody else; and nothing while nobody may see.
func TestPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		h.open(3)
		a := h.enter()
		alone := a.hearsPoints()
		eyes := a.looks()
		defer eyes.s.Close()
		synctest.Wait()
		point := func(g *guest, x int) {
			g.say(wire.TypePoint, 0, wire.Point{X: uint16(x), Y: 1}.Append(nil))
		}
		point(a, 1)
		time.Sleep(time.Second)
		if got := alone.take(); got != nil {
			t.Errorf("alone it heard %v", got)
		}
		b := h.enter()
		other := b.hearsPoints()
		for x := range 1000 {
			point(a, x%100)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		got := other.take()
		if len(got) < 9 || len(got) > 12 {
			t.Errorf("told %d times in a second", len(got))
		}
		want := wire.Points{{Seat: uint32(a.seat), Point: wire.Point{X: 99, Y: 1}}}
		if n := len(got); n == 0 || !slices.Equal(got[n-1], want) {
			t.Errorf("%v, want %v at last", got, want)
		}
		if got := alone.take(); got != nil {
			t.Errorf("it heard of itself: %v", got)
		}
		b.say(wire.TypePoint, 0, wire.Point{Picture: 7}.Append(nil))
		point(b, 128) // one beside the picture
		time.Sleep(time.Second)
		if got := alone.take(); got != nil {
			t.Errorf("places that are not there were told: %v", got)
		}
		h.host.Pause(true)
		point(a, 3)
		time.Sleep(time.Second)
		if got := other.take(); got != nil {
			t.Errorf("told while the host is paused: %v", got)
		}
		h.host.Pause(false)
		must(t, h.host.Grant(b.seat, acts))
		point(a, 4)
		point(b, 5)
		time.Sleep(time.Second)
		if got := append(other.take(), alone.take()...); got != nil {
			t.Errorf("one who may not view tells or is told: %v", got)
		}
	})
}

// TestPointsOfHands: the others see where the one points whose hands act, and it
// sees where they point, though nothing of theirs acts.
func TestPointsOfHands(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Viewers = 3 })
	names, grants := []string{"anna", "bert", "carl"}, []Grant{looks | acts, looks | acts, looks}
	r.viewers = func(o *ViewOptions) { o.Name, names = names[0], names[1:] }
	var v []*viewerRig
	for i, g := range grants {
		w := r.join(r.code(1), g)
		r.sees(w)
		v = append(v, w)
		await[Joined](t, r.ctx, r.events, i+1)
	}
	for _, w := range v {
		until(t, r, func() bool { return len(w.view.Status().Viewers) == 3 })
	}
	v[0].glass.Send(screen.Pointer{At: image.Pt(40, 50), Buttons: screen.Left})
	v[0].glass.Send(screen.Pointer{At: image.Pt(40, 50)})
	for _, w := range v[1:] {
		until(t, r, func() bool { return w.glass.Seen().State.ViewOnly })
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() { // marks of a pointer that rests go by themselves, on a slow machine soon
		for i := 0; ; i++ {
			for j, w := range v {
				w.glass.Send(screen.Pointer{At: image.Pt(10*j+i%2, 60)})
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-stop:
				return
			}
		}
	})
	for j, w := range v {
		err := w.glass.Wait(r.ctx, func(s screentest.Seen) bool {
			var got []string
			for _, m := range s.Marks {
				got = append(got, m.Name)
				i := slices.Index([]string{"anna", "bert", "carl"}, m.Name)
				if i < 0 || m.Colour != palette[i] || m.At.Y != 60 || m.At.X/10 != i {
					return false
				}
			}
			slices.Sort(got)
			return slices.Equal(got, slices.Delete([]string{"anna", "bert", "carl"}, j, j+1))
		})
		must(t, err)
	}
	if n := count[Denied](r.events); n != 0 {
		t.Errorf("%d refusals: pointers that only point were taken for input", n)
	}
	must(t, r.host.Kick(1))
	for _, w := range v[1:] {
		must(t, w.glass.Wait(r.ctx, func(s screentest.Seen) bool {
			return !slices.ContainsFunc(s.Marks, func(m screen.Mark) bool { return m.Name == "anna" })
		}))
	}
}

// TestMarksFade: a pointer that is not heard of any more is not shown for long.
func TestMarksFade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		glass := screentest.NewGlass()
		v, err := NewView(ViewOptions{Key: newKey(t), Window: glass, Events: func(Event) {}})
		must(t, err)
		must(t, v.hearRoster(wire.Roster{{Seat: 1, You: true}, {Seat: 2, Name: "bert", Colour: 1}, {Seat: 3, Colour: 2}}.Append(nil)))
		hears := func(seats ...uint32) {
			var m wire.Points
			for _, s := range seats {
				m = append(m, wire.SeatPoint{Seat: s, Point: wire.Point{X: 5, Y: 6}})
			}
			must(t, v.hearPoints(m.Append(nil)))
		}
		shows := func(want ...string) {
			t.Helper()
			synctest.Wait()
			var got []string
			for _, m := range glass.Seen().Marks {
				got = append(got, m.Name)
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		}
		hears(1, 2, 3, 77)
		shows("bert", "viewer")
		time.Sleep(pointFor / 2)
		hears(3)
		time.Sleep(pointFor / 2)
		shows("viewer")
		hears(2)
		must(t, v.hearRoster(wire.Roster{{Seat: 1, You: true}, {Seat: 2, Name: "bert", Away: true}, {Seat: 3}}.Append(nil)))
		shows("viewer")
		time.Sleep(pointFor)
		shows()
	})
}

// TestColours: of as many viewers as there are colours no two have the same, and each
// keeps its own.
func TestColours(t *testing.T) {
	h := &Host{seats: map[SeatID]*seat{}}
	for id := range SeatID(wire.Colours) {
		h.seats[id] = &seat{id: id, colour: h.freeColourLocked()}
	}
	for id, st := range h.seats {
		if st.colour != Colour(id) {
			t.Errorf("viewer %d has colour %d", id, st.colour)
		}
	}
	delete(h.seats, 5)
	if c := h.freeColourLocked(); c != 5 {
		t.Errorf("colour %d for the next", c)
	}
}
