package codec_test

import (
	"image"
	"math"
	"testing"
	"time"

	"sightline/screen"
	"sightline/screen/codec"
	"sightline/screen/codec/clips"
)

// BenchmarkClips plays each clip once through both ends, as a fast line would:
// no limit of bytes, one message per frame. Times are of CPU. B/frame leaves out the first frame,
// which is reported on its own, and what refinement costs after the end.
// dB is the mean RGB PSNR of the frames that were not exact.
func BenchmarkClips(b *testing.B) {
	for _, c := range clips.All() {
		b.Run(c.Name, func(b *testing.B) { playClip(b, c) })
	}
}

func playClip(b *testing.B, c *clips.Clip) {
	rec, err := c.Head(20).Record()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		p := player{b: b, enc: codec.NewEncoder(), dec: codec.NewDecoder()}
		b.StopTimer()
		if err := rec.Play(p.show); err != nil {
			b.Fatal(err)
		}
		p.rest()
		p.report(float64(p.frames - 1))
		b.StartTimer()
	}
}

// player is both ends, and what they cost.
type player struct {
	b   *testing.B
	enc *codec.TilesEncoder
	dec *codec.TilesDecoder
	got *screen.Frame
	src *screen.Frame
	msg []byte

	frames, first, bytes, rested int
	coding, decoding, begin      time.Duration
	noise                        float64
	lossy                        int
}

func (p *player) show(f *screen.Frame, damage screen.Region) error {
	p.src = f
	n := p.step(&screen.Change{Frame: f, Damage: damage}, codec.Budget{})
	if p.frames++; p.frames == 1 {
		p.first, p.begin, p.coding, p.decoding = n, p.coding, 0, 0
	} else {
		p.bytes += n
	}
	if !p.enc.Exact(0) {
		p.noise += psnr(f, p.got)
		p.lossy++
	}
	return nil
}

// step sends one message.
func (p *player) step(c *screen.Change, budget codec.Budget) int {
	began := cpuTime()
	msg, _, err := p.enc.Encode(p.msg[:0], c, budget)
	if err != nil {
		p.b.Fatal(err)
	}
	p.msg = msg
	coded := cpuTime()
	p.coding += coded - began
	if len(msg) > 0 {
		if _, p.got, _, err = p.dec.Decode(msg); err != nil {
			p.b.Fatal(err)
		}
		p.decoding += cpuTime() - coded
	}
	return len(msg)
}

// rest waits until the last frame is exact.
func (p *player) rest() {
	coding, decoding := p.coding, p.decoding
	for !p.enc.Exact(0) {
		n := p.step(&screen.Change{Frame: p.src}, codec.Budget{Idle: true})
		if p.rested += n; n == 0 {
			time.Sleep(20 * time.Millisecond) // too early to refine
		}
	}
	p.coding, p.decoding = coding, decoding
	if !p.src.Equal(p.got) {
		p.b.Error("not exact in the end")
	}
}

func (p *player) report(frames float64) {
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 / frames }
	p.b.ReportMetric(0, "ns/op")
	p.b.ReportMetric(float64(p.first), "B/first")
	p.b.ReportMetric(float64(p.bytes)/frames, "B/frame")
	p.b.ReportMetric(float64(p.rested), "B/refined")
	p.b.ReportMetric(ms(p.coding), "enc-ms/frame")
	p.b.ReportMetric(ms(p.decoding), "dec-ms/frame")
	p.b.ReportMetric(p.begin.Seconds()*1e3, "enc-ms/first")
	if p.lossy > 0 {
		p.b.ReportMetric(p.noise/float64(p.lossy), "dB")
	}
}

// psnr of two frames in RGB.
func psnr(a, b *screen.Frame) float64 {
	sum := 0
	for i := range a.Pix {
		d := int(a.Pix[i]) - int(b.Pix[i])
		sum += d * d
	}
	if sum == 0 {
		return 99
	}
	return 10 * math.Log10(255*255/(float64(sum)/(float64(len(a.Pix))*3/4)))
}

// BenchmarkFirstFrame is what a viewer waits for.
func BenchmarkFirstFrame(b *testing.B) {
	photo := screen.NewFrame(image.Rect(0, 0, 1920, 1080))
	clips.Photo(photo, 0, 1)
	enc := codec.NewEncoder()
	c := &screen.Change{Frame: photo}
	var msg []byte
	b.ReportAllocs()
	for b.Loop() {
		enc.Reset()
		var err error
		if msg, _, err = enc.Encode(msg[:0], c, codec.Budget{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(msg)), "B/update")
}
