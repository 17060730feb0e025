package screen

import (
	"bytes"
	"image"
	"math/rand/v2"
	"testing"
)

func noise(rnd *rand.Rand, r image.Rectangle) *Frame {
	f := NewFrame(r)
	for i := range f.Pix {
		if i%BytesPerPixel != 3 {
			f.Pix[i] = byte(rnd.Uint32())
		}
	}
	return f
}

func pixel(f *Frame, x, y int) []byte { return f.Row(y, x, x+1) }

// shiftNaive is what Shift means: each pixel of To that has a source within the
// frame becomes what stood there before.
func shiftNaive(f *Frame, m Move) *Frame {
	out := NewFrame(f.Rect)
	copy(out.Pix, f.Pix)
	for y := f.Rect.Min.Y; y < f.Rect.Max.Y; y++ {
		for x := f.Rect.Min.X; x < f.Rect.Max.X; x++ {
			from := image.Pt(x, y).Sub(m.To.Min).Add(m.From)
			if image.Pt(x, y).In(m.To) && from.In(f.Rect) {
				copy(pixel(out, x, y), pixel(f, from.X, from.Y))
			}
		}
	}
	return out
}

func TestShiftAgainstNaive(t *testing.T) {
	for seed := range uint64(2000) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		at := image.Pt(rnd.IntN(7)-3, rnd.IntN(7)-3)
		f := noise(rnd, image.Rectangle{Max: image.Pt(1+rnd.IntN(20), 1+rnd.IntN(20))}.Add(at))
		x, y := rnd.IntN(30)-8, rnd.IntN(30)-8
		m := Move{To: image.Rect(x, y, x+rnd.IntN(25), y+rnd.IntN(25)), From: image.Pt(rnd.IntN(30)-8, rnd.IntN(30)-8)}
		if rnd.IntN(3) == 0 { // a scroll: overlapping, by a few lines or columns
			m.From = m.To.Min.Add(image.Pt(rnd.IntN(5)-2, rnd.IntN(5)-2))
		}
		want := shiftNaive(f, m)
		f.Shift(m)
		if !f.Equal(want) {
			t.Fatalf("seed %d: %v in %v", seed, m, f.Rect)
		}
	}
}

// TestShiftFar: a move with any numbers leaves the frame's memory alone.
func TestShiftFar(t *testing.T) {
	const far = 1 << 30
	f := noise(rand.New(rand.NewPCG(1, 1)), image.Rect(0, 0, 8, 8))
	before := bytes.Clone(f.Pix)
	for _, m := range []Move{
		{},
		{To: image.Rect(0, 0, 8, 8)},
		{To: image.Rect(0, 0, 8, 8), From: image.Pt(far, far)},
		{To: image.Rect(-far, -far, far, far), From: image.Pt(-far, -far)},
		{To: image.Rect(far, far, far+4, far+4)},
		{To: image.Rectangle{Min: image.Pt(5, 5), Max: image.Pt(1, 1)}},
	} {
		f.Shift(m)
		if !bytes.Equal(f.Pix, before) {
			t.Errorf("%v changed pixels", m)
		}
	}
}

func TestCopyClips(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		src := noise(rnd, image.Rect(0, 0, 1+rnd.IntN(12), 1+rnd.IntN(12)))
		dst := noise(rnd, image.Rect(0, 0, 1+rnd.IntN(12), 1+rnd.IntN(12)))
		r := image.Rect(rnd.IntN(20)-5, rnd.IntN(20)-5, rnd.IntN(20)-5, rnd.IntN(20)-5)
		old := NewFrame(dst.Rect)
		copy(old.Pix, dst.Pix)
		dst.Copy(src, r)
		for y := range dst.Rect.Dy() {
			for x := range dst.Rect.Dx() {
				want := old
				if p := image.Pt(x, y); p.In(r) && p.In(src.Rect) {
					want = src
				}
				if !bytes.Equal(pixel(dst, x, y), pixel(want, x, y)) {
					t.Fatalf("pixel %d,%d of %v from %v", x, y, r, src.Rect)
				}
			}
		}
	}
}

func TestFill(t *testing.T) {
	f := NewFrame(image.Rect(2, 3, 6, 7))
	f.Fill(image.Rect(0, 0, 4, 5), 0xff112233)
	if !bytes.Equal(pixel(f, 3, 4), []byte{0x33, 0x22, 0x11, 0}) || !bytes.Equal(pixel(f, 4, 4), make([]byte, 4)) {
		t.Errorf("%x", f.Pix)
	}
	g := NewFrame(image.Rect(0, 0, 4, 4))
	if f.Equal(g) || !g.Equal(NewFrame(image.Rect(9, 9, 13, 13))) || g.Equal(NewFrame(image.Rect(0, 0, 2, 8))) {
		t.Error("Equal")
	}
}

func TestCheckSize(t *testing.T) {
	for _, row := range []struct {
		w, h int
		ok   bool
	}{
		{1, 1, true}, {16384, 4096, true}, {16384, 4097, false}, {4096, 16384, true}, {16385, 1, false},
		{1, 16385, false}, {0, 5, false}, {5, 0, false}, {-1, -1, false}, {8192, 8192, true}, {8193, 8192, false},
	} {
		if err := CheckSize(row.w, row.h); (err == nil) != row.ok {
			t.Errorf("%d x %d: %v", row.w, row.h, err)
		}
	}
}
