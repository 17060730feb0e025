package pict

import (
	"image"
	"math/rand/v2"
	"testing"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

// paint fills r of f with one of a few kinds of content.
func paint(rnd *rand.Rand, f *screen.Frame, r image.Rectangle) {
	kind := rnd.IntN(4)
	a, b, c := rnd.IntN(256), rnd.IntN(7)-3, rnd.IntN(7)-3
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := f.Row(y, r.Min.X, r.Max.X)
		for i := 0; i < len(row); i += 4 {
			x := r.Min.X + i/4
			switch kind {
			case 0:
				row[i], row[i+1], row[i+2] = byte(rnd.IntN(256)), byte(rnd.IntN(256)), byte(rnd.IntN(256))
			case 1:
				row[i], row[i+1], row[i+2] = byte(a), byte(a+40), byte(a*3)
			case 2:
				row[i], row[i+1], row[i+2] = byte(a+b*x), byte(a+c*y), byte(a+b*x+c*y)
			default:
				v := byte(((x>>3)^(y>>2))&1) * 200
				row[i], row[i+1], row[i+2] = v, v+byte(rnd.IntN(20)), byte(a)
			}
		}
	}
}

func randomRect(rnd *rand.Rand, w, h int) image.Rectangle {
	x, y := rnd.IntN(w), rnd.IntN(h)
	return image.Rect(x, y, x+1+rnd.IntN(w-x), y+1+rnd.IntN(h-y))
}

// TestRoundTrip: both ends show the same pixels, whatever is coded and in
// whatever order others write between.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		w, h := 1+rnd.IntN(150), 1+rnd.IntN(120)
		rect := image.Rect(0, 0, w, h)
		src, ref, seen := screen.NewFrame(rect), screen.NewFrame(rect), screen.NewFrame(rect)
		e, d := NewEncoder(w, h), NewDecoder(w, h)
		var want, done grid.Set
		var body []byte
		for n := range 12 {
			if rnd.IntN(3) == 0 {
				src.Shift(screen.Move{To: randomRect(rnd, w, h), From: image.Pt(rnd.IntN(w), rnd.IntN(h))})
			}
			paint(rnd, src, randomRect(rnd, w, h))
			if rnd.IntN(3) == 0 {
				r := randomRect(rnd, w, h)
				ref.Copy(src, r)
				seen.Copy(src, r)
				e.Touched(r)
				d.Touched(r)
			}
			if rnd.IntN(10) == 0 {
				e.Forget()
				d.Forget()
			}
			if rnd.IntN(5) == 0 {
				e = e.Clone()
			}
			want.Size(w, h)
			for range rnd.IntN(4) {
				want.AddRect(randomRect(rnd, w, h))
			}
			p := Params{QP: rnd.IntN(52)}
			if rnd.IntN(3) == 0 {
				p.Bytes, p.MaxQP = 1+rnd.IntN(3000), rnd.IntN(60)
			}
			body = e.Encode(body[:0], src, ref, &want, p)
			if err := d.Decode(body, seen, &done); err != nil {
				t.Fatalf("seed %d, body %d: %v", seed, n, err)
			}
			if !ref.Equal(seen) {
				t.Fatalf("seed %d, body %d, %dx%d: the two ends show different pixels", seed, n, w, h)
			}
			for y := range want.Rows {
				for x := range want.Cols {
					if want.Has(x, y) != done.Has(x, y) {
						t.Fatalf("seed %d, body %d: tile %d,%d: coded %v, done %v", seed, n, x, y, want.Has(x, y), done.Has(x, y))
					}
				}
			}
		}
	}
}
