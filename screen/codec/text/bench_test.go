package text

import (
	"testing"

	"sightline/screen"
	"sightline/screen/codec/rc"
)

// benchmark codes and decodes steps, from a Coder that knows nothing.
func benchmark(b *testing.B, steps []step) {
	px, bytes := 0, 0
	ref := screen.NewFrame(steps[0].f.Rect)
	c := New()
	var bodies [][]byte
	var e rc.Encoder
	encode := func(keep bool) {
		c.Forget()
		clear(ref.Pix)
		for _, s := range steps {
			e.Reset(e.Finish()[:0])
			for _, r := range s.damage {
				c.Encode(&e, s.f, ref, r)
			}
			if body := e.Finish(); keep {
				bodies = append(bodies, append([]byte(nil), body...))
				bytes += len(body)
				for _, r := range s.damage {
					px += r.Dx() * r.Dy()
				}
			}
		}
	}
	e.Reset(nil)
	encode(true)
	report := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(px), "ns/px")
		b.ReportMetric(float64(bytes)/float64(len(steps)), "B/frame")
		b.ReportMetric(0, "ns/op")
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encode(false)
		}
		report(b)
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		var d rc.Decoder
		for b.Loop() {
			c.Forget()
			clear(ref.Pix)
			for i, s := range steps {
				d.Reset(bodies[i])
				for _, r := range s.damage {
					c.Decode(&d, ref, r)
				}
			}
		}
		report(b)
	})
}
