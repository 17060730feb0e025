package pict

import (
	"image"
	"math/rand/v2"
	"testing"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

// seeds are bodies of a small film, to begin fuzzing from.
func seeds() (bodies [][]byte) {
	rnd := rand.New(rand.NewPCG(3, 4))
	p := newPair(70, 50)
	src := screen.NewFrame(p.ref.Rect)
	for i := range 6 {
		paint(rnd, src, randomRect(rnd, 70, 50))
		p.encode(src, Params{QP: 8 * i})
		bodies = append(bodies, append([]byte(nil), p.body...))
	}
	return bodies
}

// FuzzDecode feeds a decoder with what strangers send: first, as it may be, in
// the middle of a film. It must come back, with an error or without.
func FuzzDecode(f *testing.F) {
	all := seeds()
	for i, b := range all {
		f.Add(uint8(i), b)
	}
	f.Add(uint8(0), []byte{})
	f.Add(uint8(2), []byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, after uint8, body []byte) {
		d := NewDecoder(70, 50)
		seen := screen.NewFrame(image.Rect(0, 0, 70, 50))
		var done grid.Set
		for _, b := range all[:int(after)%len(all)] {
			if err := d.Decode(b, seen, &done); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			_ = d.Decode(body, seen, &done)
			d.Touched(image.Rect(8, 8, 30, 30))
		}
		for i := 3; i < len(seen.Pix); i += 4 {
			if seen.Pix[i] != 0 {
				t.Fatal("the unused byte of a pixel is written")
			}
		}
	})
}

// FuzzBothEnds: what an encoder makes of any pixels, the decoder shows alike.
func FuzzBothEnds(f *testing.F) {
	f.Add(uint8(33), uint8(18), uint8(26), uint16(0), []byte("some pixels"))
	f.Add(uint8(1), uint8(1), uint8(0), uint16(1), []byte{1, 2, 3})
	f.Add(uint8(64), uint8(64), uint8(51), uint16(500), []byte{0, 255})
	f.Fuzz(func(t *testing.T, w8, h8, qp uint8, bytes uint16, pix []byte) {
		w, h := 1+int(w8)%80, 1+int(h8)%80
		p := newPair(w, h)
		src := screen.NewFrame(p.ref.Rect)
		for round := range 3 {
			for i := range src.Pix {
				if i&3 != 3 && len(pix) > 0 {
					src.Pix[i] = pix[(i+round*5)%len(pix)] + byte(i>>9)
				}
			}
			p.encode(src, Params{QP: int(qp) % 60, Bytes: int(bytes)})
			p.decode(t)
			if !p.ref.Equal(p.seen) {
				t.Fatalf("round %d: the two ends differ", round)
			}
			r := image.Rect(int(qp)%w, int(w8)%h, w, h)
			p.ref.Fill(r, uint32(h8)<<8)
			p.seen.Fill(r, uint32(h8)<<8)
			p.e.Touched(r)
			p.d.Touched(r)
		}
	})
}
