package refine

import (
	"image"
	"image/draw"
	_ "image/jpeg"
	_ "image/png"
	"math"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

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

func psnr(a, b *screen.Frame) float64 {
	sum := 0.0
	for i := range a.Pix {
		d := float64(a.Pix[i]) - float64(b.Pix[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a.Pix)/4*3)/sum)
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

// TestTrial is for looking at real photos: SIGHTLINE_PHOTO=file.
func TestTrial(t *testing.T) {
	file := os.Getenv("SIGHTLINE_PHOTO")
	if file == "" {
		t.Skip("no SIGHTLINE_PHOTO")
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	img, _, err := image.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	rgba := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(rgba, rgba.Rect, img, img.Bounds().Min, draw.Src)
	src := screen.NewFrame(rgba.Rect)
	for i := 0; i < len(rgba.Pix); i += 4 {
		src.Pix[i], src.Pix[i+1], src.Pix[i+2] = rgba.Pix[i+2], rgba.Pix[i+1], rgba.Pix[i]
	}
	start := cpu()
	direct := len(encodeAll(New(), nil, src, screen.NewFrame(src.Rect), false))
	t.Logf("direct %d cpu %v", direct, cpu()-start)
	for _, q := range []float64{16} {
		ref := degrade(src, q)
		db := psnr(src, ref)
		start := cpu()
		refined := len(encodeAll(New(), nil, src, ref, true))
		t.Logf("cpu %v; q %v %.1f dB refined %d (%.3f)", cpu()-start, q, db, refined, float64(refined)/float64(direct))
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(0, &u)
	return time.Duration(u.Utime.Nano())
}

func BenchmarkPhoto(b *testing.B) {
	const w, h = 1920, 1080
	src := photo(w, h, 2.5, 1)
	for _, lossy := range []bool{false, true} {
		name, base := "direct", screen.NewFrame(src.Rect)
		if lossy {
			name, base = "lossy", degrade(src, 12)
		}
		ref := screen.NewFrame(src.Rect)
		var body []byte
		b.Run(name+"/encode", func(b *testing.B) {
			c := New()
			b.ReportAllocs()
			for b.Loop() {
				ref.Copy(base, base.Rect)
				body = encodeAll(c, body, src, ref, lossy)
			}
			b.ReportMetric(float64(len(body)), "bytes")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/w/h, "ns/px")
		})
		ref.Copy(base, base.Rect)
		body = encodeAll(New(), body, src, ref, lossy)
		b.Run(name+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ref.Copy(base, base.Rect)
				decodeAll(New(), body, ref, lossy)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/w/h, "ns/px")
		})
	}
}
