package clips

import (
	"context"
	"errors"
	"image"
	"math"
	"os"
	"testing"

	"sightline/screen"
)

func TestPSNR(t *testing.T) {
	a, b := screen.NewFrame(image.Rect(0, 0, 5, 4)), screen.NewFrame(image.Rect(7, 7, 12, 11))
	if got := RGBPSNR(a, b); !math.IsInf(got, 1) {
		t.Errorf("equal frames: %g dB", got)
	}
	b.Fill(b.Rect, 0x0a0a0a)
	if got, want := RGBPSNR(a, b), 20*math.Log10(25.5); math.Abs(got-want) > 1e-9 {
		t.Errorf("%g dB, want %g", got, want)
	}
	var q Quality
	q.Add(a, a)
	q.Add(a, b)
	if want := 20*math.Log10(25.5) + 10*math.Log10(2); math.Abs(q.PSNR()-want) > 1e-9 || math.Abs(q.Worst()-RGBPSNR(a, b)) > 1e-9 {
		t.Errorf("%g dB, worst %g", q.PSNR(), q.Worst())
	}
	b.Pix[3] = 9 // no colour
	if sum := squares(b, b); sum != 0 {
		t.Error(sum)
	}
}

func TestRatio(t *testing.T) {
	theirs := []Point{{100, 30}, {200, 35}, {400, 40}}
	mine := []Point{{320, 41}, {160, 36}, {80, 31}} // other order
	// At 36 dB theirs are 200*2^0.2 bytes, mine 160.
	want := 160 / (200 * math.Pow(2, 0.2))
	got, ok := Ratio(mine, theirs)
	if !ok || math.Abs(got-want) > 1e-9 {
		t.Errorf("%g %v, want %g", got, ok, want)
	}
	if b, ok := BytesAt(theirs, 37.5); !ok || math.Abs(b-200*math.Sqrt2) > 1e-9 {
		t.Errorf("%g bytes %v", b, ok)
	}
	if _, ok := BytesAt(theirs, 41); ok {
		t.Error("beyond the curve")
	}
	if _, ok := Ratio(mine[:1], theirs); ok {
		t.Error("one point is no curve")
	}
	if _, ok := Ratio([]Point{{1, 50}, {2, 51}}, theirs); ok {
		t.Error("curves that do not meet")
	}
}

// BenchmarkX264 tells what the peer takes. No -short, no CI: it needs ffmpeg.
func BenchmarkX264(b *testing.B) {
	for _, name := range []string{"camera", "camera-tripod", "camera-grain", "panned", "synthetic", "mandelbrot", "video-window", "slides"} {
		b.Run(name, func(b *testing.B) { benchmarkX264(b, name) })
	}
}

func benchmarkX264(b *testing.B, name string) {
	c, err := Load(name)
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		peers, err := X264(context.Background(), c.Head(30))
		if errors.Is(err, ErrNoFFmpeg) {
			b.Skip(err)
		} else if err != nil {
			b.Fatal(err)
		}
		for i, p := range peers {
			b.Logf("crf %d: %7.0f B/frame, first %6d, %.2f dB, worst %.2f, %.1f ms/frame", CRFs[i], float64(p.Bytes)/30, p.Key, p.PSNR, p.Worst, p.CPU.Seconds()*1000/30)
		}
	}
}

func TestPlayerNeedsFFmpeg(t *testing.T) {
	t.Setenv("PATH", os.DevNull)
	if _, err := Player(t.Context(), All()[0], t.TempDir()); !errors.Is(err, ErrNoFFmpeg) {
		t.Error(err)
	}
	if _, err := X264(t.Context(), All()[0]); !errors.Is(err, ErrNoFFmpeg) {
		t.Error(err)
	}
}
