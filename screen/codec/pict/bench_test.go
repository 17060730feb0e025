package pict

import (
	"fmt"
	"image"
	"math"
	"testing"

	"sightline/screen"
	"sightline/screen/codec/clips"
	"sightline/screen/codec/grid"
)

// footage paints the first n frames of a clip.
func footage(tb testing.TB, name string, w, h, n int) []*screen.Frame {
	tb.Helper()
	c, err := clips.Load(name)
	if err == nil {
		c, err = c.Sized(w, h)
	}
	if err != nil {
		tb.Fatal(err)
	}
	var frames []*screen.Frame
	err = c.Long(n).Play(func(f *screen.Frame, _ screen.Region) error {
		g := screen.NewFrame(f.Rect)
		g.Copy(f, f.Rect)
		frames = append(frames, g)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return frames
}

// swing goes through n frames and back, so that there is no cut.
func swing(i, n int) int {
	i %= max(2*n-2, 1)
	return min(i, 2*n-2-i)
}

// psnr is the likeness of two frames over all three colours, dB.
func psnr(a, b *screen.Frame) float64 { return decibels(squares(a, b), len(a.Pix)/4*3) }

func squares(a, b *screen.Frame) (sum int) {
	for i := 0; i < len(a.Pix); i += 4 {
		for k := range 3 {
			d := int(a.Pix[i+k]) - int(b.Pix[i+k])
			sum += d * d
		}
	}
	return sum
}

func decibels(sum, n int) float64 {
	return 10 * math.Log10(255*255*float64(n)/math.Max(float64(sum), 1e-9))
}

// pair is an encoder, its decoder and what the two ends show.
type pair struct {
	e         *Encoder
	d         *Decoder
	ref, seen *screen.Frame
	want      grid.Set
	done      grid.Set
	body      []byte
}

func newPair(w, h int) *pair {
	r := image.Rect(0, 0, w, h)
	return &pair{e: NewEncoder(w, h), d: NewDecoder(w, h), ref: screen.NewFrame(r), seen: screen.NewFrame(r)}
}

// encode codes the whole of src.
func (p *pair) encode(src *screen.Frame, params Params) {
	p.want.Size(src.Rect.Dx(), src.Rect.Dy())
	p.want.AddRect(src.Rect)
	p.body = p.e.Encode(p.body[:0], src, p.ref, &p.want, params)
}

func (p *pair) decode(tb testing.TB) {
	if err := p.d.Decode(p.body, p.seen, &p.done); err != nil {
		tb.Fatal(err)
	}
}

const benchFrames = 8

func BenchmarkVideo(b *testing.B) {
	for _, name := range []string{"camera", "camera-grain", "panned", "synthetic", "mandelbrot"} {
		var frames []*screen.Frame
		for _, qp := range []int{22, 28} {
			b.Run(fmt.Sprintf("%s/qp%d", name, qp), func(b *testing.B) {
				if frames == nil {
					frames = footage(b, name, 1920, 1080, benchFrames)
				}
				p := newPair(1920, 1080)
				p.encode(frames[0], Params{QP: qp})
				bytes, db, i := 0, 0.0, 0
				b.ReportAllocs()
				for b.Loop() {
					i++
					src := frames[swing(i, benchFrames)]
					p.encode(src, Params{QP: qp})
					bytes += len(p.body)
					if i == 1 || i == benchFrames {
						b.StopTimer()
						db = psnr(src, p.ref)
						b.StartTimer()
					}
				}
				b.ReportMetric(float64(bytes)/float64(i), "bytes/frame")
				b.ReportMetric(db, "dB")
				b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(i), "ms/frame")
			})
		}
	}
}

func BenchmarkIntra(b *testing.B) {
	frames := footage(b, "slides", 1920, 1080, 1)
	p := newPair(1920, 1080)
	bytes, i := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		p.e.Forget()
		p.ref.Fill(p.ref.Rect, 0)
		b.StartTimer()
		p.encode(frames[0], Params{QP: 26})
		bytes += len(p.body)
		i++
	}
	b.ReportMetric(float64(bytes)/float64(i), "bytes/frame")
	b.ReportMetric(psnr(frames[0], p.ref), "dB")
	b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(i), "ms/frame")
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"camera", "camera-grain", "synthetic"} {
		b.Run(name, func(b *testing.B) {
			frames := footage(b, name, 1920, 1080, benchFrames)
			p := newPair(1920, 1080)
			p.encode(frames[0], Params{QP: 26})
			p.decode(b)
			var bodies [][]byte // there and back
			for i := 1; i <= 2*benchFrames-2; i++ {
				p.encode(frames[swing(i, benchFrames)], Params{QP: 26})
				bodies = append(bodies, append([]byte(nil), p.body...))
			}
			bytes, i := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				// The second time round the models have learned other things
				// than the encoder's had: what is decoded is of the same sort,
				// but not the film. So begin again from a copy.
				if i%len(bodies) == 0 {
					b.StopTimer()
					q := newPair(1920, 1080)
					q.encode(frames[0], Params{QP: 26})
					p.d, p.body = q.d, q.body
					p.decode(b)
					b.StartTimer()
				}
				p.body = bodies[i%len(bodies)]
				p.decode(b)
				bytes += len(p.body)
				i++
			}
			b.ReportMetric(float64(bytes)/float64(i), "bytes/frame")
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(i), "ms/frame")
		})
	}
}
