package codec

import (
	"image"
	"testing"
	"time"

	"sightline/screen"
)

// TestLookInTime: of a picture that is large and all new a message looks at no more
// than it has time for, and sorts no more; the next ones go on, also below something
// that changes with each of them.
func TestLookInTime(t *testing.T) {
	r := newRig(t, 61)
	f := screen.NewFrame(image.Rect(0, 0, 2064, 640))
	r.host[0] = f
	for i := range f.Pix {
		if i&3 != 3 {
			f.Pix[i] = byte(r.rng.Uint32())
		}
	}
	const rows, cols = 40, 129
	b := Budget{CPU: time.Nanosecond, Bytes: 1 << 20}
	sorted := func() (n int) {
		for i := range r.enc.views[0].tiles {
			n += b2i(r.enc.views[0].tiles[i].heat > 0)
		}
		return n
	}
	r.step(0, b)
	if n := sorted(); n == 0 || n > cols {
		t.Fatalf("%d tiles were sorted in no time", n)
	}
	if n := len(r.owed[0]); n == 0 {
		t.Fatal("nothing is left to do")
	}
	steps := 1
	for ; steps < 4*rows && sorted() < rows*cols; steps++ {
		f.Fill(image.Rect(0, 0, 2064, 16), uint32(steps)<<10)
		r.owed[0] = r.owed[0].Add(image.Rect(0, 0, 2064, 16))
		r.step(0, b)
	}
	if n := sorted(); n < rows*cols {
		t.Errorf("%d of %d tiles after %d messages", n, rows*cols, steps)
	}
	r.feedAll(t)
	r.equal(0)
}

// feedAll goes on without a limit until nothing is owed and all is exact.
func (r *rig) feedAll(t *testing.T) {
	t.Helper()
	for i := 0; len(r.owed[0]) > 0 || !r.enc.Exact(0); i++ {
		if i == 200 {
			t.Fatal("it does not end")
		}
		r.step(0, Budget{Idle: i > 0})
		r.clock += time.Second
	}
}

// TestFilmInParts: of a film larger than any screen each message codes a part, the
// next one another.
func TestFilmInParts(t *testing.T) {
	r := newRig(t, 62)
	r.host[0] = screen.NewFrame(image.Rect(0, 0, 160, 160))
	v, err := r.enc.view(&screen.Change{Frame: r.host[0]})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]int{}
	for range 5 {
		v.apart.Size(160, 160)
		v.apart.AddRect(r.host[0].Rect)
		v.filmRow = first(&v.apart, v.filmRow, 38)
		if v.apart.Len() > 48 || v.apart.Len() == 0 {
			t.Fatalf("%d tiles of at most 38 and a row", v.apart.Len())
		}
		for y := range v.apart.Rows {
			if v.apart.Has(0, y) {
				seen[y]++
			}
		}
	}
	for y := range 10 {
		if seen[y] < 1 {
			t.Errorf("row %d was never coded", y)
		}
	}
}
