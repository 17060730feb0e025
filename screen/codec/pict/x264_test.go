package pict

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"testing"
	"time"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

// quality is one point of a coder on a clip.
type quality struct {
	bytes float64 // per frame
	db    float64 // RGB, over all frames
}

// BenchmarkAgainstX264 compares bytes at equal RGB PSNR with ffmpeg's libx264,
// preset ultrafast, tune zerolatency, crf 18, 23 and 28, in the chroma format that people
// use (4:2:0) and the one that ffmpeg takes for RGB by itself (4:4:4). It reports
// our bytes over x264's, each the mean of the three. Run it with -benchtime 1x.
//
// Beside them stands what a frame costs in ms of CPU time, from RGB to bytes: ours at
// QP 26, and ffmpeg's at crf 23 and 4:2:0 on one thread, without its start. The first
// frame counts for neither.
func BenchmarkAgainstX264(b *testing.B) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("SIGHTLINE_CI") == "1" {
			b.Fatal("ffmpeg is missing")
		}
		b.Skip("ffmpeg is missing")
	}
	for _, name := range []string{"camera", "camera-tripod", "camera-grain", "panned", "synthetic", "mandelbrot"} {
		b.Run(name, func(b *testing.B) {
			frames := footage(b, name, 1920, 1080, 10)
			for b.Loop() {
				var ours []quality
				for qp := 16; qp <= 36; qp += 2 {
					ours = append(ours, pictQuality(b, frames, qp))
				}
				ours1, ffmpeg1 := pictTime(frames), x264Time(b, frames)
				b.ReportMetric(ours1, "ms/frame")
				b.ReportMetric(ffmpeg1, "ms/frame-ffmpeg")
				for _, format := range []string{"yuv420p", "yuv444p"} {
					b.ReportMetric(ratio(b, ours, x264Qualities(b, frames, format)), "ratio-"+format)
				}
			}
		})
	}
}

func pictQuality(b *testing.B, frames []*screen.Frame, qp int) quality {
	size := frames[0].Rect.Size()
	p := newPair(size.X, size.Y)
	n, sum := 0, 0
	for _, f := range frames {
		p.encode(f, Params{QP: qp})
		n += len(p.body)
		sum += squares(f, p.ref)
	}
	return quality{float64(n) / float64(len(frames)), decibels(sum, size.X*size.Y*3*len(frames))}
}

// pictTime is what a frame costs us, in ms.
func pictTime(frames []*screen.Frame) float64 {
	size := frames[0].Rect.Size()
	e := NewEncoder(size.X, size.Y)
	ref := screen.NewFrame(frames[0].Rect)
	var all grid.Set
	var body []byte
	var began time.Duration
	for i, f := range frames {
		if i == 1 {
			began = cpuTime()
		}
		all.Size(size.X, size.Y)
		all.AddRect(f.Rect)
		body = e.Encode(body[:0], f, ref, &all, Params{QP: 26})
	}
	return (cpuTime() - began).Seconds() * 1000 / float64(len(frames)-1)
}

// x264Time is what a frame costs ffmpeg, in ms: the time of all of them less that of
// one.
func x264Time(b *testing.B, frames []*screen.Frame) float64 {
	size := frames[0].Rect.Size()
	took := func(frames []*screen.Frame) time.Duration {
		var raw bytes.Buffer
		for _, f := range frames {
			raw.Write(f.Pix)
		}
		cmd := exec.Command("ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "bgr0", "-s", fmt.Sprintf("%dx%d", size.X, size.Y), "-r", "30",
			"-i", "-", "-c:v", "libx264", "-threads", "1", "-preset", "ultrafast", "-tune", "zerolatency", "-crf", "23", "-pix_fmt", "yuv420p",
			"-f", "h264", os.DevNull, "-y")
		cmd.Stdin = &raw
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Skipf("ffmpeg: %v: %s", err, out)
		}
		return cmd.ProcessState.UserTime()
	}
	return (took(frames) - took(frames[:1])).Seconds() * 1000 / float64(len(frames)-1)
}

func x264Qualities(b *testing.B, frames []*screen.Frame, format string) (q []quality) {
	size := frames[0].Rect.Size()
	var raw bytes.Buffer
	for _, f := range frames {
		raw.Write(f.Pix)
	}
	video := []string{"-f", "rawvideo", "-pix_fmt", "bgr0"}
	geometry := []string{"-s", fmt.Sprintf("%dx%d", size.X, size.Y), "-r", "30"}
	for _, crf := range []string{"18", "23", "28"} {
		coder := []string{"-i", "-", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-crf", crf, "-pix_fmt", format, "-f", "h264", "-"}
		stream := ffmpeg(b, raw.Bytes(), append(append(append([]string{}, video...), geometry...), coder...))
		back := ffmpeg(b, stream, append([]string{"-f", "h264", "-i", "-"}, append(video, "-")...))
		if len(back) != raw.Len() {
			b.Fatalf("%d bytes of pixels come back, not %d", len(back), raw.Len())
		}
		shown := screen.Frame{Pix: back}
		sum := squares(&screen.Frame{Pix: raw.Bytes()}, &shown)
		q = append(q, quality{float64(len(stream)) / float64(len(frames)), decibels(sum, len(back)/4*3)})
	}
	return q
}

func ffmpeg(b *testing.B, in []byte, args []string) []byte {
	cmd := exec.Command("ffmpeg", append([]string{"-v", "error", "-threads", "1"}, args...)...)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		b.Skipf("ffmpeg %v: %v", args, err)
	}
	return out
}

// ratio is the geometric mean of our bytes over theirs at their qualities. A
// quality that we do not reach, or that is below all of ours, is compared with
// the nearest of ours.
func ratio(b *testing.B, ours, theirs []quality) float64 {
	sum := 0.0
	for _, t := range theirs {
		i := 0
		for i < len(ours)-2 && ours[i+1].db > t.db {
			i++
		}
		fine, coarse := ours[i], ours[i+1]
		share := min(max((t.db-coarse.db)/(fine.db-coarse.db), 0), 1)
		logBytes := math.Log(coarse.bytes) + share*math.Log(fine.bytes/coarse.bytes)
		sum += logBytes - math.Log(t.bytes)
		b.Logf("theirs %8.0f bytes %.2f dB, ours %8.0f", t.bytes, t.db, math.Exp(logBytes))
	}
	return math.Exp(sum / float64(len(theirs)))
}
