package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/codec"
)

// watcher is a seat whose viewer decodes, and acknowledges after a while.
type watcher struct {
	st *seat

	mu     sync.Mutex
	lag    time.Duration
	bytes  int
	frames int
	fresh  int // of them that began the picture
	frame  *screen.Frame
	dec    *codec.TilesDecoder
	err    error
}

// Write is the line: what arrives is decoded at once and acknowledged later.
func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes += len(b)
	r := wire.NewReader(bytes.NewReader(b), wire.Screen)
	for {
		kind, _, body, err := r.Next()
		if err == io.EOF {
			return len(b), nil
		}
		if err != nil {
			w.err = err
			return 0, err
		}
		if kind != wire.TypeFrame {
			continue
		}
		head, msg, err := wire.ParseFrame(body)
		if err != nil {
			w.err = err
			return 0, err
		}
		if msg[0]&1 != 0 {
			w.fresh++
		}
		if _, f, _, err := w.dec.Decode(msg); err != nil {
			w.err = err
			return 0, err
		} else if w.frame, w.frames = f, w.frames+1; w.lag == 0 {
			w.acknowledge(head.Number)
		} else {
			time.AfterFunc(w.lag, func() { w.acknowledge(head.Number) })
		}
	}
}

func (w *watcher) acknowledge(number uint8) {
	p := &w.st.picture
	p.heard(wire.TypeShown, wire.ShownFrame{Number: number}.Append(nil))
	signal(p.wake)
}

func (w *watcher) slowDown(lag time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lag = lag
}

func (w *watcher) begun() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fresh
}

func (w *watcher) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.frames
}

func (w *watcher) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *watcher) sees() *screen.Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.frame == nil {
		return nil
	}
	f := screen.NewFrame(w.frame.Rect)
	f.Copy(w.frame, f.Rect)
	return f
}

// theatre is a host with a canvas and watchers of it.
type theatre struct {
	h    *Host
	all  []*watcher
	wg   sync.WaitGroup
	ctx  context.Context
	stop context.CancelFunc
	f    *screen.Frame
	rng  *rand.Rand
}

func newTheatre(ctx context.Context, size image.Point) *theatre {
	h := &Host{hands: newHands(nil), o: HostOptions{Events: func(Event) {}}, seats: map[SeatID]*seat{}}
	th := &theatre{h: h, f: screen.NewFrame(image.Rectangle{Max: size}), rng: rand.New(rand.NewPCG(5, 5))}
	th.ctx, th.stop = context.WithCancel(ctx)
	h.canvas.Update(&screen.Change{Layout: &screen.Layout{Pictures: []screen.Picture{{Rect: th.f.Rect}}}, Frame: th.f, Damage: screen.Region{th.f.Rect}})
	return th
}

// enter adds a watcher whose acknowledgements take lag.
func (th *theatre) enter(lag time.Duration) *watcher {
	st := &seat{host: th.h, id: SeatID(len(th.all) + 1), grants: wire.View, traffic: &traffic{}}
	w := &watcher{st: st, lag: lag, dec: codec.NewDecoder()}
	st.picture.init()
	newCast(codec.NewEncoder(), th.h.canvas.Tap(), nil, &st.picture)
	th.h.mu.Lock()
	th.h.seats[st.id] = st
	th.h.mu.Unlock()
	th.all = append(th.all, w)
	th.wg.Go(func() {
		st.paint(th.ctx, w, &st.picture)
		st.stopCounting(&st.picture)
	})
	return w
}

func (th *theatre) end() {
	th.stop()
	th.wg.Wait()
	for _, w := range th.all {
		w.st.picture.leaveForGood()
	}
}

// scribble changes a line of text, and once in a while everything below it.
func (th *theatre) scribble() {
	r := image.Rect(0, 0, 200, 16).Add(image.Pt(th.rng.IntN(100), th.rng.IntN(th.f.Rect.Dy()-16))).Intersect(th.f.Rect)
	for x := r.Min.X; x < r.Max.X; x += 1 + th.rng.IntN(5) {
		y := r.Min.Y + th.rng.IntN(r.Dy())
		th.f.Fill(image.Rect(x, y, x+2, y+3).Intersect(r), uint32(th.rng.IntN(4))*0x555555)
	}
	if th.rng.IntN(10) == 0 {
		for y := range 64 {
			row := th.f.Row(y, 0, 64)
			for i := range row {
				if i&3 != 3 {
					row[i] = byte(th.rng.IntN(256))
				}
			}
		}
		r = r.Union(image.Rect(0, 0, 64, 64))
	}
	th.h.canvas.Update(&screen.Change{Frame: th.f, Damage: screen.Region{r}})
}

// casts are how many there are.
func (th *theatre) casts() int {
	set := map[*cast]bool{}
	for _, w := range th.all {
		set[w.st.picture.cast.Load()] = true
	}
	return len(set)
}

func (th *theatre) everybodySees(t *testing.T) {
	t.Helper()
	for i, w := range th.all {
		if err := w.failed(); err != nil {
			t.Fatalf("watcher %d: %v", i, err)
		}
		if f := w.sees(); f == nil || !f.Equal(th.f) {
			t.Errorf("watcher %d sees another picture", i)
		}
	}
}

// TestStep: viewers that come one after the other share one encoder once they
// have seen all, one that falls behind goes by itself, and joins later; nobody
// ever sees a wrong picture in the end.
func TestStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t.Context(), image.Pt(320, 200))
		defer th.end()
		for range 3 {
			th.enter(5 * time.Millisecond)
			for range 5 {
				th.scribble()
				time.Sleep(20 * time.Millisecond)
			}
		}
		time.Sleep(3 * time.Second)
		th.everybodySees(t)
		if n := th.casts(); n != 1 {
			t.Fatalf("%d casts after everything has settled", n)
		}
		for range 30 {
			th.scribble()
			time.Sleep(20 * time.Millisecond)
		}
		if n := th.casts(); n != 1 {
			t.Errorf("%d casts of viewers who keep in step", n)
		}
		slow := th.all[1]
		slow.slowDown(3 * time.Second)
		for range 100 {
			th.scribble()
			time.Sleep(20 * time.Millisecond)
		}
		if n := th.casts(); n != 2 {
			t.Errorf("%d casts while one is slow", n)
		}
		slow.slowDown(5 * time.Millisecond)
		time.Sleep(keepApart + 5*time.Second)
		th.everybodySees(t)
		th.scribble()
		time.Sleep(5 * time.Second)
		if n := th.casts(); n != 1 {
			t.Errorf("%d casts after it has caught up", n)
		}
		th.scribble()
		time.Sleep(5 * time.Second)
		th.everybodySees(t)
	})
}

// playFilm changes all pixels of a box.
func (th *theatre) playFilm(r image.Rectangle, n int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := th.f.Row(y, r.Min.X, r.Max.X)
		for i := range row {
			if i&3 != 3 {
				row[i] = byte(y) + byte(i+n)*3 + byte(th.rng.IntN(24))
			}
		}
	}
	th.h.canvas.Update(&screen.Change{Frame: th.f, Damage: screen.Region{r}})
}

// TestMeetFilm: who comes while a film plays shares the encoder of those who watch
// it within seconds, whether it fills the picture or a part of it, and whether
// somebody types beside it; who is slow does not.
func TestMeetFilm(t *testing.T) {
	for _, row := range []struct {
		name string
		size image.Point
		film image.Rectangle
	}{{"window", image.Pt(112, 80), image.Rect(16, 32, 96, 64)}, {"full screen", image.Pt(96, 64), image.Rect(0, 0, 96, 64)}} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newTheatre(t.Context(), row.size)
				defer th.end()
				n := 0
				play := func(span time.Duration) {
					for began := time.Now(); time.Since(began) < span; time.Sleep(33 * time.Millisecond) {
						if n++; n%5 == 0 {
							th.scribble()
						}
						th.playFilm(row.film, n)
					}
				}
				th.enter(5 * time.Millisecond)
				play(time.Second)
				for range 2 {
					th.enter(8 * time.Millisecond)
					play(200 * time.Millisecond)
				}
				play(2500 * time.Millisecond)
				if n := th.casts(); n != 1 {
					t.Errorf("%d casts of three viewers of a film", n)
				}
				slow := th.enter(3 * time.Second)
				play(2 * time.Second)
				if n := th.casts(); n != 2 || slow.st.picture.cast.Load() == th.all[0].st.picture.cast.Load() {
					t.Errorf("%d casts with a slow viewer", n)
				}
				slow.slowDown(5 * time.Millisecond)
				time.Sleep(keepApart)
				play(2 * time.Second)
				if n := th.casts(); n != 1 {
					t.Errorf("%d casts once the slow one is fast", n)
				}
				time.Sleep(10 * time.Second)
				th.everybodySees(t)
			})
		})
	}
}

// TestLeaveCast: who leaves, or asks for everything afresh, takes nothing away
// from the others.
func TestLeaveCast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t.Context(), image.Pt(320, 200))
		defer th.end()
		for range 4 {
			th.enter(time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		th.all[0].st.picture.leaveForGood()
		th.all = th.all[1:]
		for i := range 40 {
			if i == 20 {
				th.all[0].st.picture.heard(wire.TypeReset, nil)
			}
			th.scribble()
			time.Sleep(30 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		th.everybodySees(t)
		if n := th.casts(); n != 1 {
			t.Errorf("%d casts", n)
		}
	})
}

// TestStillIsChecked: a fault in a picture that nobody touches any more is found out
// once it stands still, by one message and no more.
func TestStillIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t.Context(), image.Pt(320, 200))
		defer th.end()
		w := th.enter(time.Millisecond)
		time.Sleep(5 * time.Second)
		before := w.count()
		line := func(y int) {
			th.f.Fill(image.Rect(10, y, 60, y+2), 0x336699)
			th.h.canvas.Update(&screen.Change{Frame: th.f, Damage: screen.Region{image.Rect(10, y, 60, y+2)}})
		}
		line(20)
		time.Sleep(10 * time.Second)
		if n := w.count() - before; n != 2 {
			t.Errorf("%d messages for a change and its check", n)
		}
		line(40)
		time.Sleep(sumAfter / 2)
		w.mu.Lock()
		w.frame.Row(199, 0, 320)[1] ^= 1
		w.mu.Unlock()
		time.Sleep(sumAfter)
		if err := w.failed(); !errors.Is(err, codec.ErrDesync) {
			t.Errorf("a wrong pixel: %v", err)
		}
	})
}

// TestResizeOwed: pictures change their size while something of them is still owed,
// and is being refined; nobody ever sees anything else than the new one in the end.
func TestResizeOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t.Context(), image.Pt(320, 200))
		defer th.end()
		for _, lag := range []time.Duration{time.Millisecond, 200 * time.Millisecond, 2 * time.Second} {
			th.enter(lag)
		}
		for n, size := range []image.Point{{400, 120}, {33, 500}, {320, 200}, {321, 201}, {16, 16}, {500, 300}} {
			th.f = screen.NewFrame(image.Rectangle{Max: size})
			th.h.canvas.Update(&screen.Change{Layout: &screen.Layout{Pictures: []screen.Picture{{Rect: th.f.Rect}}}, Frame: th.f, Damage: screen.Region{th.f.Rect}})
			for i := range 4 {
				th.playFilm(th.f.Rect, i)
				time.Sleep(time.Duration(20+90*n) * time.Millisecond)
			}
		}
		owes := 0
		for _, w := range th.all {
			c := w.st.picture.cast.Load()
			c.mu.Lock()
			owes += b2i(!c.isExact() || c.tap.Owes())
			c.mu.Unlock()
		}
		if owes == 0 {
			t.Error("nothing was owed: there is nothing to test")
		}
		time.Sleep(time.Minute)
		th.everybodySees(t)
	})
}

// TestResets: a viewer that needs everything afresh again and again is given it a
// few times, then waits its turn; and has the picture in the end.
func TestResets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t.Context(), image.Pt(320, 200))
		defer th.end()
		w := th.enter(time.Millisecond)
		time.Sleep(5 * time.Second)
		before := w.begun()
		for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(50 * time.Millisecond) {
			w.st.picture.heard(wire.TypeReset, nil)
			signal(w.st.picture.wake)
		}
		if n := w.begun() - before; n < 6 || n > 20 {
			t.Errorf("began afresh %d times for 1200 resets in a minute", n)
		}
		time.Sleep(10 * time.Second)
		th.everybodySees(t)
	})
}

// silent is a line whose viewer only acknowledges.
type silent struct {
	st  *seat
	out *behind
}

func (w *silent) Write(b []byte) (int, error) {
	r := wire.NewReader(bytes.NewReader(b), wire.Screen)
	for {
		kind, _, body, err := r.Next()
		if err != nil {
			return len(b), nil
		}
		if kind == wire.TypeFrame {
			head, _, _ := wire.ParseFrame(body)
			w.st.picture.heard(wire.TypeShown, wire.ShownFrame{Number: head.Number}.Append(nil))
		}
	}
}

// BenchmarkViewersInStep is a terminal that scrolls by a line, or a film in a
// window, for so many viewers: encoded once, numbered for each. Sealing is not in
// it.
func BenchmarkViewersInStep(b *testing.B) {
	for _, n := range []int{1, 4, 16} {
		b.Run(fmt.Sprint("scroll/", n), func(b *testing.B) { showTo(b, n, scrollOn) })
	}
	for _, n := range []int{1, 4, 16} {
		b.Run(fmt.Sprint("film/", n), func(b *testing.B) { showTo(b, n, filmOn) })
	}
}

// BenchmarkViewersApart is a film for viewers who came while it played, before they
// meet and after: what each costs of the host's time, encoding and all.
func BenchmarkViewersApart(b *testing.B) {
	for _, row := range []struct {
		name string
		meet bool
	}{{"apart", false}, {"met", true}} {
		b.Run(row.name, func(b *testing.B) {
			th := newTheatre(context.Background(), image.Pt(1920, 1080))
			lines := []*silent{th.sit(b)}
			show := func(n int) {
				filmOn(th, n)
				paintAll(b, lines)
			}
			n := 0
			for ; n < 10; n++ {
				show(n)
				time.Sleep(20 * time.Millisecond)
			}
			for len(lines) < 4 {
				lines = append(lines, th.sit(b))
			}
			for _, w := range lines {
				if !row.meet {
					w.st.picture.apart.Store(time.Now().Add(time.Hour).UnixNano())
				}
			}
			for ; n < 20; n++ {
				show(n)
				time.Sleep(20 * time.Millisecond)
				for _, w := range lines {
					w.st.picture.sought = time.Time{}
				}
			}
			met := 0
			for b.Loop() {
				n++
				show(n)
			}
			first := lines[0].st.picture.cast.Load()
			for _, w := range lines {
				met += b2i(w.st.picture.cast.Load() == first)
			}
			b.ReportMetric(float64(met), "of-4-in-step")
		})
	}
}

// paintAll sends to all until nothing is left to say.
func paintAll(b *testing.B, lines []*silent) {
	for more := true; more; {
		more = false
		for _, w := range lines {
			did, _, err := w.st.paintOnce(w.out, &w.st.picture)
			if err != nil {
				b.Fatal(err)
			}
			more = more || did
		}
	}
}

// sit adds a viewer who came just now and only acknowledges.
func (th *theatre) sit(b *testing.B) *silent {
	st := &seat{host: th.h, id: SeatID(len(th.h.seats) + 1), grants: wire.View, traffic: &traffic{}}
	st.picture.init()
	w := &silent{st: st}
	w.out = newBehind(w)
	b.Cleanup(func() { st.stopCounting(&st.picture); w.out.Close() })
	newCast(codec.NewEncoder(), th.h.canvas.Tap(), nil, &st.picture)
	th.h.seats[st.id] = st
	return w
}

// scrollOn scrolls by a line of text.
func scrollOn(th *theatre, _ int) {
	const line = 18
	th.f.Shift(screen.Move{To: image.Rect(100, 60, 1400, 900), From: image.Pt(100, 60+line)})
	th.f.Fill(image.Rect(100, 900-line, 1400, 900), 0xffffff)
	for x := 100; x < 1300; x += 9 {
		for k, glyph := range [6]int{th.rng.IntN(80)} {
			th.f.Fill(image.Rect(x+(glyph+k)%7, 900-line+glyph%14, x+(glyph+k)%7+2, 900-line+glyph%14+3), 0)
		}
	}
	th.h.canvas.Update(&screen.Change{Frame: th.f, Damage: screen.Region{image.Rect(100, 60, 1400, 900)}})
}

// filmOn plays a frame of a film of 640 x 360 px.
func filmOn(th *theatre, n int) {
	r := image.Rect(100, 60, 740, 420)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := th.f.Row(y, r.Min.X, r.Max.X)
		for x := range r.Dx() {
			v := byte(x+2*n)/2 + byte(y)/3 + byte(x*y>>7)&15 + byte(th.rng.IntN(6))
			row[4*x], row[4*x+1], row[4*x+2] = v, 255-v, v/2+byte(y)/4
		}
	}
	th.h.canvas.Update(&screen.Change{Frame: th.f, Damage: screen.Region{r}})
}

func showTo(b *testing.B, viewers int, change func(*theatre, int)) {
	th := newTheatre(context.Background(), image.Pt(1920, 1080))
	lines := make([]*silent, viewers)
	for i := range lines {
		st := &seat{host: th.h, id: SeatID(i + 1), grants: wire.View, traffic: &traffic{}}
		st.picture.init()
		lines[i] = &silent{st: st}
		lines[i].out = newBehind(lines[i])
		defer lines[i].out.Close()
		defer st.stopCounting(&st.picture)
	}
	first := &lines[0].st.picture
	c := newCast(codec.NewEncoder(), th.h.canvas.Tap(), nil, first)
	for _, w := range lines[1:] {
		w.st.picture.cast.Store(c)
		c.members[&w.st.picture] = &member{bytes: behindAtFirst}
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		b.StopTimer()
		n++
		change(th, n)
		b.StartTimer()
		paintAll(b, lines)
	}
	if len(c.members) != viewers {
		b.Errorf("%d of %d viewers in step", len(c.members), viewers)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(viewers), "us/viewer")
}
