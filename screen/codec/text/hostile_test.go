package text

import (
	"bytes"
	"flag"
	"hash/crc32"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"sightline/screen"
	"sightline/screen/codec/rc"
)

var update = flag.Bool("update", false, "write testdata/v1.body anew: the format changed")

// goldenSum is that of the picture after the golden body.
const goldenSum = 0x80e93dd9

// golden codes a fixed sequence into one body; what it draws has nothing but
// whole numbers in it.
func golden() (body []byte, rects []image.Rectangle, size image.Point) {
	rnd := rand.New(rand.NewPCG(20, 26))
	size = image.Pt(301, 77)
	src, ref := screen.NewFrame(image.Rectangle{Max: size}), screen.NewFrame(image.Rectangle{Max: size})
	c := New()
	var e rc.Encoder
	e.Reset(nil)
	for i := range 60 {
		scribble(rnd, src, within(rnd, size.X, size.Y, 40))
		r := within(rnd, size.X, size.Y, 30)
		if i%20 == 0 {
			r = src.Rect
		}
		c.Encode(&e, src, ref, r)
		rects = append(rects, r)
	}
	return e.Finish(), rects, size
}

// TestGolden: the format stays what it is. A change of it is a new version of
// the codec.
func TestGolden(t *testing.T) {
	name := filepath.Join("testdata", "v1.body")
	body, rects, size := golden()
	if *update {
		if err := os.WriteFile(name, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(body, want) {
		t.Errorf("the encoder writes another body of %d bytes, not %d", len(body), len(want))
	}
	ref := screen.NewFrame(image.Rectangle{Max: size})
	c := New()
	var d rc.Decoder
	d.Reset(want)
	for _, r := range rects {
		c.Decode(&d, ref, r)
	}
	if sum := crc32.ChecksumIEEE(ref.Pix); sum != goldenSum {
		t.Errorf("the picture's sum is %#x, not %#x", sum, uint32(goldenSum))
	}
}

// TestAllocs: nothing is allocated once the buffers have grown.
func TestAllocs(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	src := screen.NewFrame(image.Rect(0, 0, 300, 40))
	scribble(rnd, src, src.Rect)
	ref, got := screen.NewFrame(src.Rect), screen.NewFrame(src.Rect)
	c, v := New(), New()
	var e rc.Encoder
	var d rc.Decoder
	buf := make([]byte, 0, 1<<20)
	n := testing.AllocsPerRun(20, func() {
		clear(ref.Pix)
		e.Reset(buf)
		c.Encode(&e, src, ref, src.Rect)
		d.Reset(e.Finish())
		v.Decode(&d, got, src.Rect)
		c.Foreign(src, src.Rect)
		Colours(src, src.Rect, 32)
		c.Forget()
		v.Forget()
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// rectsOf makes rectangles within w x h px of foreign bytes.
func rectsOf(b []byte, w, h int) (rs []image.Rectangle) {
	for ; len(b) >= 4 && len(rs) < 20; b = b[4:] {
		x, y := int(b[0])%w, int(b[1])%h
		rs = append(rs, image.Rect(x, y, min(x+1+int(b[2])%40, w), min(y+1+int(b[3])%40, h)))
	}
	return rs
}

// FuzzDecode: no body makes the decoder panic or write outside the rectangles,
// and no colour is made that has more than 24 bits.
func FuzzDecode(f *testing.F) {
	body, _, _ := golden()
	f.Add([]byte{}, []byte{0, 0, 15, 15})
	f.Add(body[:200], []byte{0, 0, 15, 15, 16, 0, 15, 15, 3, 9, 40, 40})
	f.Add(bytes.Repeat([]byte{255}, 300), []byte{0, 0, 40, 40})
	f.Add(bytes.Repeat([]byte{0x55, 0}, 300), []byte{5, 1, 40, 40, 60, 40, 9, 9})
	f.Fuzz(func(t *testing.T, body, where []byte) {
		const w, h = 61, 43
		ref := screen.NewFrame(image.Rect(0, 0, w, h))
		c := New()
		var d rc.Decoder
		d.Reset(body)
		var touched [h][w]bool
		for _, r := range rectsOf(where, w, h) {
			c.Decode(&d, ref, r)
			for y := r.Min.Y; y < r.Max.Y; y++ {
				for x := r.Min.X; x < r.Max.X; x++ {
					touched[y][x] = true
				}
			}
		}
		for y := range h {
			for x := range w {
				px := ref.Row(y, x, x+1)
				if px[3] != 0 || !touched[y][x] && (px[0]|px[1]|px[2]) != 0 {
					t.Fatalf("pixel %d,%d is %v", x, y, px)
				}
			}
		}
	})
}

// FuzzRoundTrip: whatever the picture, it comes out as it was, twice in turn.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7}, []byte{0, 0, 15, 15, 16, 0, 15, 15}, uint8(3))
	f.Add([]byte{0, 0, 0, 255, 255, 255, 0, 0, 0}, []byte{3, 9, 40, 40, 0, 0, 40, 40}, uint8(1))
	f.Add([]byte("the same again and again, the same again"), []byte{0, 0, 39, 39}, uint8(2))
	f.Fuzz(func(t *testing.T, pix, where []byte, colours uint8) {
		const w, h = 45, 37
		p := newPair(t, w, h)
		src := screen.NewFrame(p.ref.Rect)
		for turn := range 2 {
			for i := range w * h {
				if len(pix) == 0 {
					break
				}
				v := pix[(i+i/w*turn)%len(pix)]
				if colours > 0 {
					v = v % colours * 50
				}
				src.Pix[4*i], src.Pix[4*i+1], src.Pix[4*i+2] = v, v^pix[i*3%len(pix)]&1, v<<(colours&1)
			}
			p.send(src, rectsOf(where, w, h)...)
		}
	})
}
