package refine

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"sightline/screen"
	"sightline/screen/codec/grid"
	"sightline/screen/codec/rc"
)

// photo makes a picture like a photo's: smooth shapes at many scales, edges,
// and grain.
func photo(w, h int, grain float64, seed uint64) *screen.Frame {
	rnd := rand.New(rand.NewPCG(seed, 1))
	f := screen.NewFrame(image.Rect(0, 0, w, h))
	sum := make([][3]float64, w*h)
	for scale, amp := 256, 60.0; scale >= 2; scale, amp = scale/2, amp*0.62 {
		cols, rows := w/scale+2, h/scale+2
		knots := make([][3]float64, cols*rows)
		for i := range knots {
			l, cb, cr := rnd.NormFloat64(), rnd.NormFloat64()*0.4, rnd.NormFloat64()*0.4
			knots[i] = [3]float64{l - 0.3*cb - 0.3*cr, l + cb, l + cr}
		}
		for y := range h {
			fy := smooth(float64(y%scale) / float64(scale))
			for x := range w {
				fx := smooth(float64(x%scale) / float64(scale))
				k := y/scale*cols + x/scale
				for ch := range 3 {
					a := knots[k][ch]*(1-fx) + knots[k+1][ch]*fx
					b := knots[k+cols][ch]*(1-fx) + knots[k+cols+1][ch]*fx
					sum[y*w+x][ch] += amp * (a*(1-fy) + b*fy)
				}
			}
		}
	}
	for i, v := range sum {
		if v[0] > 40 { // things with an edge
			v[0] += 50
			v[2] -= 30
		}
		for ch := range 3 {
			f.Pix[4*i+[3]int{1, 0, 2}[ch]] = byte(min(max(128+v[ch]+grain*rnd.NormFloat64(), 0), 255))
		}
	}
	return f
}

func smooth(t float64) float64 { return t * t * (3 - 2*t) }

// degrade is a picture coder's work in short: 8 x 8 cosine transform of
// brightness and, at half the resolution, colour, in steps of q.
func degrade(f *screen.Frame, q float64) *screen.Frame {
	w, h := f.Rect.Dx(), f.Rect.Dy()
	var planes [3][]float64
	for i := range planes {
		planes[i] = make([]float64, w*h)
	}
	for i := range w * h {
		b, g, r := float64(f.Pix[4*i]), float64(f.Pix[4*i+1]), float64(f.Pix[4*i+2])
		y := 0.299*r + 0.587*g + 0.114*b
		planes[0][i], planes[1][i], planes[2][i] = y, (b-y)*0.564, (r-y)*0.713
	}
	coarse(planes[0], w, h, 1, q)
	coarse(planes[1], w, h, 2, q)
	coarse(planes[2], w, h, 2, q)
	out := screen.NewFrame(f.Rect)
	for i := range w * h {
		y, cb, cr := planes[0][i], planes[1][i]/0.564, planes[2][i]/0.713
		for ch, v := range [3]float64{y + cb, y - 0.114/0.587*cb - 0.299/0.587*cr, y + cr} {
			out.Pix[4*i+ch] = byte(min(max(math.Round(v), 0), 255))
		}
	}
	return out
}

// coarse quantises a plane, at 1/s of its resolution both ways.
func coarse(p []float64, w, h, s int, q float64) {
	at := func(x, y int) *float64 { return &p[min(y, h-1)*w+min(x, w-1)] }
	for by := 0; by < h; by += 8 * s {
		for bx := 0; bx < w; bx += 8 * s {
			var b [8][8]float64
			for y := range 8 * s {
				for x := range 8 * s {
					b[y/s][x/s] += *at(bx+x, by+y) / float64(s*s)
				}
			}
			transform(&b, false)
			for y := range 8 {
				for x := range 8 {
					step := q * (1 + 0.15*float64(x+y))
					b[y][x] = math.Trunc(math.Abs(b[y][x])/step+0.4) * math.Copysign(step, b[y][x])
				}
			}
			transform(&b, true)
			for y := range min(8*s, h-by) {
				for x := range min(8*s, w-bx) {
					*at(bx+x, by+y) = b[y/s][x/s]
				}
			}
		}
	}
}

var cosines = func() (c [8][8]float64) {
	for k := range 8 {
		for n := range 8 {
			c[k][n] = math.Cos(math.Pi*(float64(n)+0.5)*float64(k)/8) / 2
			if k == 0 {
				c[k][n] /= math.Sqrt2
			}
		}
	}
	return c
}()

func transform(b *[8][8]float64, back bool) {
	for range 2 {
		var o [8][8]float64
		for y := range 8 {
			for k := range 8 {
				for n := range 8 {
					if back {
						o[n][y] += b[y][k] * cosines[k][n]
					} else {
						o[k][y] += b[y][n] * cosines[k][n]
					}
				}
			}
		}
		*b = o
	}
}

// encodeAll codes every tile of src over ref and returns the body.
func encodeAll(c *Coder, buf []byte, src, ref *screen.Frame, lossy bool) []byte {
	var e rc.Encoder
	e.Reset(buf[:0])
	var s grid.Set
	s.Size(src.Rect.Dx(), src.Rect.Dy())
	for y := range s.Rows {
		for x := range s.Cols {
			c.Encode(&e, src, ref, s.Tile(x, y), lossy)
		}
	}
	return e.Finish()
}

func decodeAll(c *Coder, body []byte, ref *screen.Frame, lossy bool) {
	var d rc.Decoder
	d.Reset(body)
	var s grid.Set
	s.Size(ref.Rect.Dx(), ref.Rect.Dy())
	for y := range s.Rows {
		for x := range s.Cols {
			c.Decode(&d, ref, s.Tile(x, y), lossy)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {16, 16}, {17, 5}, {5, 33}, {100, 61}, {160, 96}} {
		enc, dec := New(), New()
		for i := range 6 {
			src := photo(size.X, size.Y, 3, uint64(i))
			ref, lossy := screen.NewFrame(src.Rect), i%2 == 1
			if lossy {
				ref = degrade(src, 12)
			}
			there := screen.NewFrame(src.Rect)
			there.Copy(ref, ref.Rect)
			body := encodeAll(enc, nil, src, ref, lossy)
			decodeAll(dec, body, there, lossy)
			if !ref.Equal(src) || !there.Equal(src) {
				t.Fatalf("%v, %d: not exact", size, i)
			}
			if i == 3 {
				enc, dec = enc.Clone(), dec.Clone()
			}
			if i == 4 {
				enc.Forget()
				dec.Forget()
			}
		}
	}
}

// TestBytes: what a photo with grain may cost, coded directly and over a lossy
// version; the grain of 2.5 alone is worth some 10 bits a pixel.
func TestBytes(t *testing.T) {
	const w, h = 432, 240
	for _, c := range []struct {
		grain          float64
		direct, lossy  float64 // bits per pixel
		quantiser, max float64 // of the lossy version; refined bytes over direct ones
	}{
		{0, 6.9, 7.0, 12, 1.04},
		{1, 9.3, 9.3, 12, 1.02},
		{2.5, 11.9, 11.7, 12, 1.0},
	} {
		src := photo(w, h, c.grain, 7)
		direct := len(encodeAll(New(), nil, src, screen.NewFrame(src.Rect), false))
		lossy := len(encodeAll(New(), nil, src, degrade(src, c.quantiser), true))
		d, l := float64(8*direct)/w/h, float64(8*lossy)/w/h
		t.Logf("grain %v: direct %.2f bits/px, refined %.2f", c.grain, d, l)
		if d > c.direct || l > c.lossy || l > c.max*d {
			t.Errorf("grain %v: direct %.2f bits/px, refined %.2f", c.grain, d, l)
		}
	}
}

// TestSplit: tiles in any order and of both kinds, as long as both ends agree.
func TestSplit(t *testing.T) {
	src := photo(200, 120, 2, 5)
	ref := degrade(src, 20)
	there := screen.NewFrame(src.Rect)
	there.Copy(ref, ref.Rect)
	enc, dec := New(), New()
	var e rc.Encoder
	var d rc.Decoder
	var s grid.Set
	s.Size(200, 120)
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, i := range rnd.Perm(s.Cols * s.Rows) {
		r, lossy := s.Tile(i%s.Cols, i/s.Cols), rnd.IntN(3) > 0
		e.Reset(nil)
		enc.Encode(&e, src, ref, r, lossy)
		d.Reset(e.Finish())
		dec.Decode(&d, there, r, lossy)
		if !there.Equal(ref) {
			t.Fatalf("tile %v", r)
		}
	}
	if !there.Equal(src) {
		t.Fatal("not exact")
	}
}

// TestExtremes: pictures that no prediction fits.
func TestExtremes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for name, draw := range map[string]func(i int) byte{
		"noise":   func(int) byte { return byte(rnd.Uint32()) },
		"bits":    func(int) byte { return -byte(rnd.Uint32() & 1) },
		"checker": func(i int) byte { return -byte((i/4 + i/4/50) & 1) },
		"white":   func(int) byte { return 255 },
	} {
		src, ref := screen.NewFrame(image.Rect(0, 0, 50, 40)), screen.NewFrame(image.Rect(0, 0, 50, 40))
		for i := range src.Pix {
			if i%4 < 3 {
				src.Pix[i] = draw(i)
				ref.Pix[i] = byte(rnd.Uint32())
			}
		}
		enc, dec := New(), New()
		for _, lossy := range []bool{false, true} {
			here, there := screen.NewFrame(src.Rect), screen.NewFrame(src.Rect)
			here.Copy(ref, ref.Rect)
			there.Copy(ref, ref.Rect)
			body := encodeAll(enc, nil, src, here, lossy)
			decodeAll(dec, body, there, lossy)
			if !there.Equal(src) || !here.Equal(src) {
				t.Errorf("%s, lossy %v: not exact", name, lossy)
			}
			if len(body) > 50*40*3*12/8 {
				t.Errorf("%s, lossy %v: %d bytes", name, lossy, len(body))
			}
		}
	}
}

func TestForget(t *testing.T) {
	src := photo(64, 48, 2, 1)
	c := New()
	first := encodeAll(c, nil, src, degrade(src, 10), true)
	if bytes.Equal(first, encodeAll(c, nil, src, degrade(src, 10), true)) {
		t.Error("nothing was learned")
	}
	c.Forget()
	if !bytes.Equal(first, encodeAll(c, nil, src, degrade(src, 10), true)) {
		t.Error("something was not forgotten")
	}
}

func TestNoAllocs(t *testing.T) {
	src := photo(100, 60, 2, 1)
	base, ref := degrade(src, 10), screen.NewFrame(src.Rect)
	enc, dec := New(), New()
	var e rc.Encoder
	var d rc.Decoder
	r, buf := image.Rect(32, 16, 48, 32), make([]byte, 0, 4096)
	n := testing.AllocsPerRun(20, func() {
		for _, lossy := range []bool{false, true} {
			ref.Copy(base, base.Rect)
			e.Reset(buf)
			enc.Encode(&e, src, ref, r, lossy)
			d.Reset(e.Finish())
			dec.Decode(&d, ref, r, lossy)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// plain makes a picture with whole numbers only, so that it is the same on
// every machine; the one that stands for a lossy version is that with less.
func plain(w, h int, lossy bool) *screen.Frame {
	f := screen.NewFrame(image.Rect(0, 0, w, h))
	seed := uint32(1)
	for i := range w * h {
		x, y := i%w, i/w
		for ch := range 3 {
			seed = seed*1664525 + 1013904223
			v := 60 + (x*(ch+2)+y*3)%190 + (x/9*y/7)%11*5
			if !lossy {
				v += int(seed>>29) - 3
			}
			f.Pix[4*i+ch] = byte(min(max(v, 0), 255))
		}
	}
	return f
}

var update = flag.Bool("update", false, "write testdata anew")

// TestGolden: the bytes do not change unless the version of the codec does. It
// also holds machines to the same arithmetic.
func TestGolden(t *testing.T) {
	for _, lossy := range []bool{false, true} {
		src, ref := plain(70, 50, false), plain(70, 50, lossy)
		if !lossy {
			ref = screen.NewFrame(src.Rect)
		}
		there := screen.NewFrame(src.Rect)
		there.Copy(ref, ref.Rect)
		body := encodeAll(New(), nil, src, ref, lossy)
		file := filepath.Join("testdata", "v1-"+[]string{"direct", "lossy"}[b2i(lossy)]+".body")
		if *update {
			if err := os.WriteFile(file, body, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(body, want) {
			t.Errorf("%s: the body has changed (%d bytes, were %d)", file, len(body), len(want))
		}
		decodeAll(New(), want, there, lossy)
		if !there.Equal(src) {
			t.Errorf("%s: does not decode to the picture", file)
		}
	}
}

// FuzzDecode: a stranger's body gives wrong pixels at worst, and never one
// with a fourth byte.
func FuzzDecode(f *testing.F) {
	src := photo(40, 24, 3, 1)
	f.Add(encodeAll(New(), nil, src, screen.NewFrame(src.Rect), false), false, uint8(40), uint8(24))
	f.Add(encodeAll(New(), nil, src, degrade(src, 10), true), true, uint8(40), uint8(24))
	f.Add(bytes.Repeat([]byte{0xff}, 300), true, uint8(33), uint8(1))
	f.Add(bytes.Repeat([]byte{0x55, 0xaa, 0}, 200), false, uint8(1), uint8(64))
	f.Fuzz(func(t *testing.T, body []byte, lossy bool, w, h uint8) {
		ref := screen.NewFrame(image.Rect(0, 0, int(w%64)+1, int(h%64)+1))
		for i := range ref.Pix {
			if i%4 < 3 && len(body) > 0 {
				ref.Pix[i] = body[i%len(body)]
			}
		}
		c := New()
		for range 2 {
			decodeAll(c, body, ref, lossy)
		}
		for i := 3; i < len(ref.Pix); i += 4 {
			if ref.Pix[i] != 0 {
				t.Fatal("fourth byte")
			}
		}
	})
}

// BenchmarkPhoto codes four kinds of photos, by their grain, directly and over
// lossy versions.
func BenchmarkPhoto(b *testing.B) {
	const w, h = 480, 272
	for _, kind := range []struct{ grain, quantiser float64 }{{0, 8}, {1, 12}, {2.5, 12}, {6, 20}} {
		src := photo(w, h, kind.grain, 1)
		for _, lossy := range []bool{false, true} {
			name, base := fmt.Sprintf("grain=%v/direct", kind.grain), screen.NewFrame(src.Rect)
			if lossy {
				name, base = fmt.Sprintf("grain=%v/lossy", kind.grain), degrade(src, kind.quantiser)
			}
			ref := screen.NewFrame(src.Rect)
			body := encodeAll(New(), make([]byte, 0, 4*w*h), src, ref, lossy)
			c := New()
			measure := func(name string, code func()) {
				b.Run(name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						c.Forget()
						ref.Copy(base, base.Rect)
						code()
					}
					b.ReportMetric(float64(len(body)), "bytes")
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/w/h, "ns/px")
				})
			}
			measure(name+"/encode", func() { body = encodeAll(c, body, src, ref, lossy) })
			measure(name+"/decode", func() { decodeAll(c, body, ref, lossy) })
		}
	}
}
