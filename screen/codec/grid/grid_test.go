package grid

import (
	"image"
	"math/rand/v2"
	"testing"

	"sightline/screen/codec/rc"
)

func random(rnd *rand.Rand, w, h int) *Set {
	var s Set
	s.Size(w, h)
	for range rnd.IntN(5) {
		r := image.Rect(rnd.IntN(w), rnd.IntN(h), rnd.IntN(w+40), rnd.IntN(h+40))
		s.AddRect(r)
	}
	for range rnd.IntN(5) {
		s.DelRect(image.Rect(rnd.IntN(w), rnd.IntN(h), rnd.IntN(w+40), rnd.IntN(h+40)))
	}
	return &s
}

func TestSet(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		w, h := 1+rnd.IntN(2200), 1+rnd.IntN(300)
		s := random(rnd, w, h)
		n := 0
		for y := range s.Rows {
			for x := range s.Cols {
				if s.Has(x, y) {
					n++
				}
			}
		}
		if n != s.Len() {
			t.Fatalf("seed %d: %d tiles counted, Len %d", seed, n, s.Len())
		}
		region := s.AppendRegion(nil)
		var again Set
		again.Size(w, h)
		area := 0
		for _, r := range region {
			if r.Empty() || !r.In(image.Rect(0, 0, w, h)) {
				t.Fatalf("seed %d: rectangle %v", seed, r)
			}
			again.AddRect(r)
			area += (r.Dx() + Side - 1) / Side * ((r.Dy() + Side - 1) / Side)
		}
		if again.Len() != n || area != n {
			t.Fatalf("seed %d: region has %d tiles, %d with overlaps, set %d", seed, again.Len(), area, n)
		}
	}
}

func TestCoder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var out, in Coder
	var e rc.Encoder
	var d rc.Decoder
	for i := range 300 {
		w, h := 1920, 1080
		if i%50 > 40 {
			w, h = 1+rnd.IntN(100), 1+rnd.IntN(100)
		}
		s := random(rnd, w, h)
		e.Reset(nil)
		out.Encode(&e, s)
		d.Reset(e.Finish())
		var got Set
		got.Size(w, h)
		in.Decode(&d, &got)
		for y := range s.Rows {
			for x := range s.Cols {
				if s.Has(x, y) != got.Has(x, y) {
					t.Fatalf("%d: tile %d,%d", i, x, y)
				}
			}
		}
		if got.Len() != s.Len() {
			t.Fatal("Len")
		}
	}
}

// TestTyping: one more tile of a large picture costs a few bytes.
func TestTyping(t *testing.T) {
	var c Coder
	var e rc.Encoder
	var s Set
	bytes := 0
	for i := range 100 {
		s.Size(1920, 1080)
		s.Add(i, 30)
		e.Reset(nil)
		c.Encode(&e, &s)
		bytes += len(e.Finish())
	}
	if bytes > 100*6 {
		t.Errorf("%d bytes for 100 sets of one tile", bytes)
	}
}
