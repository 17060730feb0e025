package peer

import (
	"bytes"
	"context"
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

// narrow is a line of so many bytes a second with a long round trip, whose writer
// sees nothing of what queues in it.
type narrow struct {
	st     *seat
	rate   int
	rtt    time.Duration
	mu     sync.Mutex    // what follows
	free   time.Time     // when all that was written has gone through
	queue  time.Duration // the longest
	shape  *screen.CursorShape
	at     image.Point
	places int
	pixels int // frames that brought some
	dec    *codec.TilesDecoder
	frame  *screen.Frame

	watched image.Rectangle
	filmed  int // frames that brought some there
}

func (l *narrow) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(len(b)+40) * time.Second / time.Duration(l.rate)) // 40: a record and a packet
	l.queue = max(l.queue, l.free.Sub(now))
	r := wire.NewReader(bytes.NewReader(b), wire.Screen)
	for {
		kind, _, body, err := r.Next()
		if err == io.EOF {
			return len(b), nil
		}
		switch kind {
		case wire.TypeCursor:
			m, err := wire.ParseCursor(body)
			if err != nil {
				return 0, err
			}
			l.places, l.at = l.places+1, image.Pt(int(m.X), int(m.Y))
			if len(m.Shape) > 0 {
				if l.shape, err = codec.ParseCursor(m.Shape); err != nil {
					return 0, err
				}
			}
		case wire.TypeFrame:
			head, msg, _ := wire.ParseFrame(body)
			_, f, region, err := l.dec.Decode(msg)
			l.frame, l.filmed = f, l.filmed+b2i(touches(region, l.watched))
			if err != nil {
				return 0, err
			}
			l.pixels += b2i(!region.Empty())
			time.AfterFunc(time.Until(l.free)+l.rtt, func() {
				l.st.picture.heard(wire.TypeShown, wire.ShownFrame{Number: head.Number}.Append(nil))
				signal(l.st.picture.wake)
			})
		}
	}
}

// watch adds a viewer on such a line. leave takes it away again.
func (th *theatre) watch(rate int, rtt time.Duration) (l *narrow, leave func()) {
	st := &seat{host: th.h, id: 1, grants: wire.View, traffic: &traffic{}}
	st.picture.init()
	newCast(codec.NewEncoder(), th.h.canvas.Tap(), nil, &st.picture)
	th.h.seats[1] = st
	l = &narrow{st: st, rate: rate, rtt: rtt, dec: codec.NewDecoder()}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- st.paint(ctx, l, &st.picture) }()
	return l, func() {
		stop()
		<-done
		st.stopCounting(&st.picture)
		st.picture.leaveForGood()
	}
}

// The packer and unpacker that all share are made outside of any test's bubble.
var _, _ = codec.ParseCursor(codec.AppendCursor(nil, &screen.CursorShape{Size: image.Pt(32, 32), Pix: make([]byte, 4096)}))

func noisyShape(side int, rng *rand.Rand) *screen.CursorShape {
	s := &screen.CursorShape{Size: image.Pt(side, side), Pix: make([]byte, side*side*4)}
	for i := range s.Pix {
		s.Pix[i] = byte(rng.Uint32())
		if i&3 == 3 {
			s.Pix[i] = 255
		}
	}
	return s
}

// TestCursorPaced: shapes of the cursor that change all the time, and places, take
// no more of a slow line than it has; what is drawn meanwhile comes through, and the
// latest of all in the end.
func TestCursorPaced(t *testing.T) {
	for _, row := range []struct {
		name  string
		side  int // of a shape, 0: places alone
		whole bool
	}{{"places", 0, true}, {"arrows", 24, true}, {"icons", 60, true}, {"pictures", 256, false}} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newTheatre(t.Context(), image.Pt(320, 200))
				defer th.end()
				line, leave := th.watch(32000, 500*time.Millisecond)
				defer leave()
				time.Sleep(5 * time.Second)
				line.mu.Lock()
				line.queue, line.places = 0, 0
				line.mu.Unlock()
				var last *screen.Cursor
				var shapes []*screen.CursorShape
				for range 3 {
					shapes = append(shapes, noisyShape(max(row.side, 1), th.rng))
				}
				for n := range 1000 {
					last = &screen.Cursor{At: image.Pt(n%300, 9)}
					if row.side > 0 {
						last.Shape = shapes[n%len(shapes)]
					}
					th.h.canvas.Update(&screen.Change{Cursor: last})
					if n%50 == 0 {
						th.f.Fill(image.Rect(n%280, 100, n%280+20, 120), uint32(n))
						th.h.canvas.Update(&screen.Change{Frame: th.f, Damage: screen.Region{image.Rect(n%280, 100, n%280+20, 120)}})
					}
					time.Sleep(20 * time.Millisecond)
				}
				line.mu.Lock()
				if line.queue > 700*time.Millisecond {
					t.Errorf("%v of the line queued up", line.queue)
				}
				if line.pixels < 10 || line.places < 10 {
					t.Errorf("%d frames and %d places in 20 s", line.pixels, line.places)
				}
				line.mu.Unlock()
				time.Sleep(5 * time.Second)
				line.mu.Lock()
				defer line.mu.Unlock()
				if line.at != last.At {
					t.Errorf("the cursor is at %v instead of %v", line.at, last.At)
				}
				if row.whole && last.Shape != nil && !bytes.Equal(line.shape.Pix, last.Shape.Pix) {
					t.Error("another shape")
				}
				if line.shape != nil && !row.whole && line.shape.Size.X >= row.side {
					t.Errorf("a shape of %v on a slow line", line.shape.Size)
				}
			})
		})
	}
}
