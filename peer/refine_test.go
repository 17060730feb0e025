package peer

import (
	"bytes"
	"context"
	"image"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/codec"
)

// rough is an encoder that sends each change in a few bytes, as a film would
// be, and owes its details.
type rough struct {
	mu     sync.Mutex
	size   int // of a change, bytes
	detail int // owed after a change, bytes
	owed   int
	left   int           // how often an update has no room for all
	young  time.Duration // how long nothing rests
	work   time.Duration // to encode a byte of detail
	at     time.Time     // of the last change
	idle   []time.Time
	news   []time.Time
}

func (e *rough) Encode(dst []byte, c *screen.Change, b codec.Budget) ([]byte, screen.Region, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	if !b.Idle {
		if c.Damage.Empty() {
			return dst, nil, nil // a layout
		}
		e.owed, e.at = e.detail, now
		e.news = append(e.news, now)
		if e.left > 0 {
			e.left--
			return append(dst, make([]byte, e.size)...), c.Damage, nil
		}
		return append(dst, make([]byte, e.size)...), nil, nil
	}
	e.idle = append(e.idle, now)
	if now.Sub(e.at) < e.young {
		return dst, nil, nil
	}
	n := min(b.Bytes, e.owed)
	if e.work > 0 {
		n = min(n, int(b.CPU/e.work))
	}
	e.owed -= n
	e.mu.Unlock()
	time.Sleep(time.Duration(n) * e.work)
	e.mu.Lock()
	return append(dst, make([]byte, n)...), nil, nil
}

func (e *rough) Reset() {}

func (e *rough) Exact(screen.PictureID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.owed == 0
}

// far is a line of a rate and a length, with an honest viewer at its end.
type far struct {
	p    *picture
	rate float64 // bytes per second
	rtt  time.Duration
	draw time.Duration // what the viewer needs for a byte

	mu     sync.Mutex
	drawn  time.Time       // it is busy until then
	gaps   []time.Duration // before each frame, how long nothing was on the line
	busy   time.Time       // until then
	last   wire.FrameHead
	exact  time.Time // when the last exact frame was shown
	frames int
	bytes  int
}

// Write takes one message, sends it when the line is free, and answers as a
// viewer does that merges what it may.
func (l *far) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := wire.NewReader(bytes.NewReader(b), wire.Screen)
	for {
		t, _, body, err := r.Next()
		if err != nil {
			return len(b), nil
		}
		if t != wire.TypeFrame {
			continue
		}
		head, _, _ := wire.ParseFrame(body)
		l.frames++
		l.bytes += len(b)
		now := time.Now()
		l.gaps = append(l.gaps, max(now.Sub(l.busy), 0))
		if l.busy.Before(now) {
			l.busy = now
		}
		l.busy = l.busy.Add(time.Duration(float64(len(b)) / l.rate * 1e9))
		arrives := l.busy.Add(l.rtt / 2)
		if l.drawn.Before(arrives) {
			l.drawn = arrives
		}
		took := time.Duration(len(b)) * l.draw
		l.drawn = l.drawn.Add(took)
		held := time.Duration(0)
		if !head.Ask {
			held = mergeShown
		}
		time.AfterFunc(l.drawn.Sub(now), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.last = head; head.Exact {
				l.exact = time.Now()
			}
		})
		time.AfterFunc(l.drawn.Sub(now)+l.rtt/2+held, func() {
			l.p.heard(wire.TypeShown, wire.ShownFrame{Number: head.Number, Held: held, Took: took}.Append(nil))
			signal(l.p.wake)
		})
	}
}

// onLine plays a seat that shows one picture over a line, until do is over.
func onLine(t *testing.T, e *rough, l *far, do func(paint func())) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		h := &Host{hands: newHands(nil), o: HostOptions{Events: func(Event) {}}}
		st := &seat{host: h, grants: wire.View, traffic: &traffic{}}
		p := &st.picture
		p.init()
		l.p = p
		f := screen.NewFrame(image.Rect(0, 0, 64, 64))
		h.canvas.Update(&screen.Change{Layout: &screen.Layout{Pictures: []screen.Picture{{Rect: f.Rect}}}, Frame: f, Damage: screen.Region{f.Rect}})
		newCast(e, h.canvas.Tap(), nil, p)
		done := make(chan error, 1)
		go func() { done <- st.paint(ctx, l, p) }()
		do(func() { h.canvas.Update(&screen.Change{Frame: f, Damage: screen.Region{image.Rect(0, 0, 8, 8)}}) })
		st.stopCounting(p)
		cancel()
		<-done
	})
}

// TestRefinement: details follow when a picture rests, fill the line, end with
// an exact picture, and then nothing runs any more.
func TestRefinement(t *testing.T) {
	for _, row := range []struct {
		name string
		rate float64
		rtt  time.Duration
		size int
	}{
		{"20 Mbit/s, 40 ms", 20e6 / 8, 40 * time.Millisecond, 1500e3},
		{"5 Mbit/s, 100 ms", 5e6 / 8, 100 * time.Millisecond, 500e3},
		{"100 Mbit/s, 1 ms", 100e6 / 8, time.Millisecond, 1500e3},
		{"256 kbit/s, 500 ms", 256e3 / 8, 500 * time.Millisecond, 100e3},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := &rough{size: 30e3, detail: row.size}
			l := &far{rate: row.rate, rtt: row.rtt}
			onLine(t, e, l, func(func()) {
				began := time.Now()
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if l.exact.IsZero() || !l.last.Exact {
					t.Fatalf("not exact after 2 min: %d frames, %d of %d bytes are owed", l.frames, e.owed, row.size)
				}
				if first := e.idle[0].Sub(began); first > row.rtt+time.Duration(float64(e.size+100)/row.rate*1e9) {
					t.Errorf("the first picture's details waited for %v", first)
				}
				took, least := l.exact.Sub(began), time.Duration(float64(row.size+e.size)/row.rate*1e9)
				if most := least*11/10 + quiet + 3*row.rtt; took > most {
					t.Errorf("took %v, the line needs %v", took, least)
				}
				t.Logf("exact after %v in %d frames; the line alone needs %v", took, l.frames, least)
				calls := len(e.idle)
				time.Sleep(time.Hour)
				synctest.Wait()
				if len(e.idle) != calls {
					t.Error("an exact picture is refined")
				}
			})
		})
	}
}

// TestFirstDetails: a first picture that comes in pieces is refined at once, and
// before the first of them is acknowledged.
func TestFirstDetails(t *testing.T) {
	const pieces = 3
	e := &rough{size: 4e3, detail: 8e3, left: pieces - 1}
	onLine(t, e, &far{rate: 20e6 / 8, rtt: 500 * time.Millisecond}, func(func()) {
		began := time.Now()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(e.news) != pieces || len(e.idle) == 0 || !e.idle[0].Equal(began) {
			t.Errorf("began at %v, pieces %v, details %v", began, e.news, e.idle)
		}
	})
}

// TestDetailsWait: what changed later is refined when the picture has rested.
func TestDetailsWait(t *testing.T) {
	e := &rough{size: 300, detail: 10e3}
	onLine(t, e, &far{rate: 20e6 / 8, rtt: time.Millisecond}, func(paint func()) {
		time.Sleep(time.Minute)
		synctest.Wait()
		before, at := len(e.idle), time.Now()
		paint()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(e.idle) == before {
			t.Fatal("not refined")
		}
		if first := e.idle[before].Sub(at); first < quiet {
			t.Errorf("refined %v after the change", first)
		}
	})
}

// TestRefinementFillsTheLine: from the first slice until the picture is exact
// there is always something on the line, also while the next slice is encoded
// and the last ones are decoded.
func TestRefinementFillsTheLine(t *testing.T) {
	for _, row := range []struct {
		name       string
		work, draw time.Duration // per byte; the line needs 400 ns
	}{
		{"machines without work", 0, 0},
		{"a core for each end", 100, 110},
		{"one core for both ends", 200, 190},
		{"a slow host", 330, 110},
		{"a slow viewer", 110, 330},
	} {
		t.Run(row.name, func(t *testing.T) {
			const size = 2800e3
			e := &rough{size: 300, work: row.work}
			l := &far{rate: 20e6 / 8, rtt: 40 * time.Millisecond, draw: row.draw}
			onLine(t, e, l, func(paint func()) {
				for range 20 { // somebody types
					time.Sleep(100 * time.Millisecond)
					paint()
				}
				time.Sleep(time.Second)
				e.mu.Lock()
				e.size, e.detail = 50e3, size
				e.mu.Unlock()
				for range 6 { // and opens a photo
					paint()
					time.Sleep(20 * time.Millisecond)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if !l.last.Exact {
					t.Fatal("not exact after a minute")
				}
				needs, empty := time.Duration(size/l.rate*1e9), time.Duration(0)
				for _, g := range l.gaps[len(l.gaps)-len(e.idle)+1:] {
					empty += g
				}
				if empty > needs/25 {
					t.Errorf("the line was empty for %v of %v", empty, needs)
				}
				t.Logf("%d slices; the line was empty for %v of %v", len(e.idle), empty, needs)
			})
		})
	}
}

// TestNewsGoFirst: what changes while details are sent is held up by no more
// than a slice or two.
func TestNewsGoFirst(t *testing.T) {
	e := &rough{size: 300, detail: 10e6}
	l := &far{rate: 20e6 / 8, rtt: 40 * time.Millisecond}
	onLine(t, e, l, func(paint func()) {
		time.Sleep(time.Second)
		for i := range 50 {
			synctest.Wait()
			before := len(e.news)
			at := time.Now()
			paint()
			time.Sleep(300*time.Millisecond + time.Duration(i)*time.Millisecond)
			synctest.Wait()
			if len(e.news) == before {
				t.Fatal("the change was not sent")
			}
			if late := e.news[before].Sub(at); late > 25*time.Millisecond {
				t.Errorf("a change waited for %v", late)
			}
		}
		if l.bytes < 1e6 {
			t.Errorf("only %d bytes of details were sent between the changes", l.bytes)
		}
	})
}

// TestRestBesideFilm: what rests is refined although something else never
// does, by a slice after each of its frames; and an encoder whose tiles are all too young is not asked all
// the time.
func TestRestBesideFilm(t *testing.T) {
	e := &rough{size: 300, detail: 100e3}
	l := &far{rate: 20e6 / 8, rtt: 40 * time.Millisecond}
	onLine(t, e, l, func(paint func()) {
		for range 30 * 10 {
			paint()
			time.Sleep(time.Second / 30)
		}
		synctest.Wait()
		if n := len(e.idle); n < 200 || n > 310 {
			t.Errorf("%d slices in 10 s of film", n)
		}
	})
	e = &rough{size: 300, detail: 100e3, young: time.Hour}
	onLine(t, e, &far{rate: 20e6 / 8, rtt: 40 * time.Millisecond}, func(func()) {
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(e.idle); n < 10 || n > 50 {
			t.Errorf("an encoder that found nothing was asked %d times in a minute", n)
		}
	})
}

// TestRestIsNoNews: what an update had no room for does not make the details of a picture wait
// again, nor does what is small; the next picture does.
func TestRestIsNoNews(t *testing.T) {
	c := &cast{enc: &rough{owed: 1}, detail: []detail{{id: 3, whole: true}}}
	first := time.Now()
	f := screen.NewFrame(image.Rect(0, 0, 640, 480))
	for _, row := range []struct {
		name   string
		at     int // ms, when it was captured; taken up 5 ms later
		damage image.Rectangle
		want   int
	}{
		{"a picture", 0, f.Rect, 5},
		{"what it left over", 0, f.Rect, 5},
		{"a letter", 60, image.Rect(0, 0, 16, 16), 5},
		{"the next picture", 80, f.Rect, 85},
	} {
		f.At = first.Add(time.Duration(row.at) * time.Millisecond)
		c.changed(&screen.Change{Picture: 3, Frame: f, Damage: screen.Region{row.damage}}, f.At.Add(5*time.Millisecond))
		if got := c.detail[0].changed.Sub(first); got != time.Duration(row.want)*time.Millisecond {
			t.Errorf("after %s it rests since %v", row.name, got)
		}
	}
}
