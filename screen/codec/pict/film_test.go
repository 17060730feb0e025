package pict

import (
	"image"
	"testing"
	"time"

	"sightline/screen"
)

// TestWorth: bytes and likeness of small films stay about what they were. The
// numbers are of the day they were written, with a tenth of room.
func TestWorth(t *testing.T) {
	for _, c := range []struct {
		clip  string
		qp    int
		bytes int     // of six frames, at most
		db    float64 // of the last, at least
	}{
		{"camera", 24, 8500, 38.4},
		{"camera-grain", 26, 9900, 32.9},
		{"panned", 24, 15700, 37.3},
		{"synthetic", 24, 32300, 38.2},
	} {
		t.Run(c.clip, func(t *testing.T) {
			frames := footage(t, c.clip, 320, 180, 6)
			p := newPair(320, 180)
			bytes := 0
			for _, f := range frames {
				p.encode(f, Params{QP: c.qp})
				p.decode(t)
				bytes += len(p.body)
			}
			if !p.ref.Equal(p.seen) {
				t.Fatal("the two ends differ")
			}
			db := psnr(frames[5], p.seen)
			t.Logf("%d bytes, %.2f dB", bytes, db)
			if bytes > c.bytes || db < c.db {
				t.Errorf("%d bytes, %.2f dB; wanted at most %d and at least %.2f", bytes, db, c.bytes, c.db)
			}
		})
	}
}

// TestBytes: the rate control meets its aim once it has seen a frame.
func TestBytes(t *testing.T) {
	frames := footage(t, "camera", 320, 180, 12)
	free := newPair(320, 180)
	for _, f := range frames[:2] {
		free.encode(f, Params{QP: 16})
	}
	aim := len(free.body) / 2
	p := newPair(320, 180)
	sum := 0
	for i, f := range frames {
		p.encode(f, Params{QP: 16, Bytes: aim})
		t.Logf("frame %d: %d of %d bytes, QP %.1f, %d tiles", i, len(p.body), aim, p.e.Stats().MeanQP, p.want.Len())
		if len(p.body) > 2*aim+aim/2 {
			t.Errorf("frame %d: %d bytes where %d were aimed at", i, len(p.body), aim)
		}
		if i >= 4 {
			sum += len(p.body)
		}
	}
	if mean := sum / 8; mean > aim*5/4 {
		t.Errorf("%d bytes a frame where %d were aimed at", mean, aim)
	}
}

// TestUntil: an encoder that is out of time leaves everything as it is.
func TestUntil(t *testing.T) {
	frames := footage(t, "camera", 320, 180, 1)
	p := newPair(320, 180)
	p.encode(frames[0], Params{QP: 20, Until: time.Now().Add(-time.Second)})
	p.decode(t)
	if p.want.Len() != 0 || p.done.Len() != 0 || p.e.Stats().Tiles != 0 {
		t.Errorf("%d tiles wanted, %d done after no time", p.want.Len(), p.done.Len())
	}
	p.encode(frames[0], Params{QP: 20, Until: time.Now().Add(time.Hour)})
	p.decode(t)
	if p.want.Len() != p.e.Stats().Tiles || !p.ref.Equal(p.seen) {
		t.Error("an hour was not enough")
	}
}

// TestStillStaysExact: a tile that others made exact and that does not change
// is left exact.
func TestStillStaysExact(t *testing.T) {
	frames := footage(t, "synthetic", 128, 96, 1)
	p := newPair(128, 96)
	p.ref.Copy(frames[0], p.ref.Rect)
	p.seen.Copy(frames[0], p.ref.Rect)
	p.e.Touched(p.ref.Rect)
	p.d.Touched(p.ref.Rect)
	p.encode(frames[0], Params{QP: 20})
	p.decode(t)
	if !p.seen.Equal(frames[0]) || len(p.body) > 40 {
		t.Errorf("%d bytes for nothing new, %.1f dB", len(p.body), psnr(frames[0], p.seen))
	}
}

// TestNoGarbage: neither end allocates from the second film on.
func TestNoGarbage(t *testing.T) {
	frames := footage(t, "camera", 160, 90, 3)
	p := newPair(160, 90)
	i := 0
	step := func() {
		if i++; i%7 == 0 {
			p.e.Touched(image.Rect(5, 5, 60, 60))
			p.d.Touched(image.Rect(5, 5, 60, 60))
		}
		p.encode(frames[i%3], Params{QP: 20, Bytes: 900})
		p.decode(t)
	}
	for range 6 {
		step()
	}
	if n := testing.AllocsPerRun(20, step); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// TestClone: a copy goes on as the original does, and apart from it.
func TestClone(t *testing.T) {
	frames := footage(t, "camera", 160, 90, 4)
	p := newPair(160, 90)
	for _, f := range frames[:2] {
		p.encode(f, Params{QP: 22})
		p.decode(t)
	}
	q := *p
	q.e, q.body = p.e.Clone(), nil
	q.ref = screen.NewFrame(p.ref.Rect)
	q.ref.Copy(p.ref, p.ref.Rect)
	q.encode(frames[2], Params{QP: 22})
	p.encode(frames[3], Params{QP: 30}) // must not disturb the copy
	first := string(q.body)
	q.decode(t)
	if !q.ref.Equal(q.seen) {
		t.Fatal("the copy is out of step")
	}
	q.encode(frames[3], Params{QP: 22})
	q.decode(t)
	if !q.ref.Equal(q.seen) || first == "" {
		t.Fatal("the copy fell out of step")
	}
}
