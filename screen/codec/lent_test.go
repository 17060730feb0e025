package codec

import (
	"bytes"
	"errors"
	"image"
	"testing"
	"time"

	"sightline/screen"
)

// TestLentFilm: a film is decoded while the window may still read what it showed
// before: its memory is asked for once all is decoded, and not at all for a body
// that turns out to be wrong or writes nothing.
func TestLentFilm(t *testing.T) {
	r := newRig(t, 42)
	shop := &pawnshop{out: map[*screen.Frame]bool{}}
	r.dec = NewLentDecoder(shop)
	f := screen.NewFrame(image.Rect(0, 0, 256, 128))
	var shown *screen.Frame
	var first []byte
	for n := range 4 {
		for i := range f.Pix {
			if i&3 != 3 {
				f.Pix[i] = byte(r.rng.Uint32())
			}
		}
		msg, _, err := r.enc.Encode(nil, &screen.Change{Frame: f, Damage: screen.Region{f.Rect}}, Budget{})
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			first = msg
		}
		if kind := msg[headerSize] &^ lastKind; n > 0 && kind != kindFilm {
			t.Fatalf("section %d and not a film", kind)
		}
		before := []byte(nil)
		if shown != nil {
			before = bytes.Clone(shown.Pix)
			shop.begin = func() {
				if !bytes.Equal(shown.Pix, before) {
					t.Error("the memory was written to while the window could read it")
				}
			}
		}
		shop.begun = 0
		if _, shown, _, err = r.dec.Decode(msg); err != nil {
			t.Fatal(err)
		}
		if shop.begun != 1 {
			t.Errorf("message %d asked %d times for the memory", n, shop.begun)
		}
	}
	shop.begin = nil
	refused := 0
	for fill := 0; fill < 256; fill += 17 {
		d := NewLentDecoder(shop)
		if _, _, _, err := d.Decode(first); err != nil {
			t.Fatal(err)
		}
		shop.begun = 0
		film := append([]byte{0, 0, 1, kindFilm | lastKind}, bytes.Repeat([]byte{byte(fill)}, 9)...)
		if _, _, _, err := d.Decode(film); errors.Is(err, ErrMalformed) {
			if refused++; shop.begun != 0 {
				t.Errorf("a film of bytes %d: the memory was asked for, then %v", fill, err)
			}
		}
	}
	if refused == 0 {
		t.Error("no spoilt film was refused")
	}
}

// BenchmarkLentOverlap shows how much of the 4 ms that a window needs to show a frame is lost to
// the decoder of the next one.
func BenchmarkLentOverlap(b *testing.B) {
	film := movingFilm(b, image.Pt(1280, 720), 16)
	for _, row := range []struct {
		name string
		late bool
	}{{"asked late", true}, {"asked first", false}} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			var waited time.Duration
			for b.Loop() {
				w := &slowWindow{pawnshop: pawnshop{out: map[*screen.Frame]bool{}}}
				d := NewDecoder()
				if row.late {
					d = NewLentDecoder(w)
				}
				for _, msg := range film {
					if !row.late {
						w.Begin()
					}
					if _, _, _, err := d.Decode(msg); err != nil {
						b.Fatal(err)
					}
					w.draw()
				}
				waited += w.waited
			}
			b.ReportMetric(float64(waited.Microseconds())/float64(b.N*len(film)), "us-waited/frame")
		})
	}
}

// slowWindow needs 4 ms to read a frame.
type slowWindow struct {
	pawnshop
	until  time.Time
	waited time.Duration
}

func (w *slowWindow) draw() { w.until = time.Now().Add(4 * time.Millisecond) }

func (w *slowWindow) Begin() error {
	began := time.Now()
	time.Sleep(time.Until(w.until))
	w.waited += time.Since(began)
	return nil
}

// movingFilm codes n frames of noise on a gradient that moves.
func movingFilm(tb testing.TB, size image.Point, n int) (messages [][]byte) {
	r := newRig(tb, 43)
	f := screen.NewFrame(image.Rectangle{Max: size})
	for k := range n {
		for y := range size.Y {
			row := f.Row(y, 0, size.X)
			for x := range size.X {
				v := byte(x+3*k) ^ byte(y) + byte(r.rng.IntN(24))
				row[4*x], row[4*x+1], row[4*x+2] = v, v/2+40, 255-v
			}
		}
		msg, _, err := r.enc.Encode(nil, &screen.Change{Frame: f, Damage: screen.Region{f.Rect}}, Budget{})
		if err != nil {
			tb.Fatal(err)
		}
		messages = append(messages, msg)
	}
	return messages
}
