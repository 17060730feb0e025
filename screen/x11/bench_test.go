package x11

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sightline/screen"
)

// BenchmarkCapture draws, waits for the change and reads it. "ms/capture" is
// the part spent in Next after the server has drawn.
func BenchmarkCapture(b *testing.B) {
	for _, c := range []struct {
		name  string
		noSHM bool
		draw  func(p *painter, n int)
	}{
		{"typing", false, drawGlyph},
		{"typing by socket", true, drawGlyph},
		{"full frame", false, drawAll},
		{"full frame by socket", true, drawAll},
		{"scattered", false, drawScattered},
		{"redrawn, equal", false, func(p *painter, n int) {
			p.fill(image.Rect(0, 0, 1920, 1080), 0x334455)
			drawGlyph(p, n)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			x := startX(b, "1920x1080x24")
			p := x.painter(b)
			p.fill(image.Rect(0, 0, 1920, 1080), 0x334455)
			src, err := OpenSource(Options{Display: x.display, NoSHM: c.noSHM, MaxFPS: 100000})
			if err != nil {
				b.Fatal(err)
			}
			defer src.Close()
			var ch screen.Change
			next := func() {
				for {
					if err := src.Next(context.Background(), &ch); err != nil {
						b.Fatal(err)
					}
					if ch.Frame != nil {
						return
					}
				}
			}
			next()
			b.ReportAllocs()
			var spent time.Duration
			for n := 0; b.Loop(); n++ {
				c.draw(p, n)
				p.x.Sync()
				start := time.Now()
				next()
				spent += time.Since(start)
			}
			b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "ms/capture")
		})
	}
}

func drawGlyph(p *painter, n int) {
	at := image.Pt(8*(n%200), 16*(n/200%60))
	p.fill(image.Rectangle{Min: at, Max: at.Add(image.Pt(8, 16))}, uint32(n)*0x010307+1)
}

func drawAll(p *painter, n int) {
	p.fill(image.Rect(0, 0, 1920, 1080), uint32(n)*0x010307+1)
}

// drawScattered changes 200 places all over the screen.
func drawScattered(p *painter, n int) {
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	for range 200 {
		at := image.Pt(rng.IntN(1900), rng.IntN(1060))
		p.fill(image.Rectangle{Min: at, Max: at.Add(image.Pt(8, 16))}, rng.Uint32())
	}
}

// BenchmarkIdle is what a 4K screen costs on which nothing happens: the pointer
// is looked for four times a second. One op is a second of it.
func BenchmarkIdle(b *testing.B) {
	x := startX(b, "3840x2160x24")
	src, err := OpenSource(Options{Display: x.display})
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close()
	var ch screen.Change
	settle := func(d time.Duration) {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		for src.Next(ctx, &ch) == nil {
		}
	}
	settle(2 * time.Second) // the first picture; a pointer at rest is asked for less often
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		settle(time.Second)
	}
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-us/s")
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var total time.Duration
	tasks, err := filepath.Glob("/proc/self/task/*/schedstat") // each begins with nanoseconds on a processor
	if err != nil || len(tasks) == 0 {
		b.Skip("needs Linux's /proc")
	}
	for _, task := range tasks {
		var ns int64
		if text, err := os.ReadFile(task); err == nil {
			fmt.Sscan(string(text), &ns)
			total += time.Duration(ns)
		}
	}
	return total
}

// TestNextDoesNotAllocate: nothing is left for the collector by a frame that is
// captured, neither by its pixels nor by the events and replies that brought it.
func TestNextDoesNotAllocate(t *testing.T) {
	for _, c := range []struct {
		name, size string
		noSHM      bool
	}{{"shared memory", "640x480x24", false}, {"socket", "640x480x24", true}, {"16 bits", "640x480x16", false}} {
		t.Run(c.name, func(t *testing.T) {
			x := startX(t, c.size)
			src, err := OpenSource(Options{Display: x.display, NoSHM: c.noSHM, MaxFPS: 1e6})
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			p, err := newPen(x.display, "")
			if err != nil {
				t.Fatal(err)
			}
			defer p.close()
			root := uint32(src.x.root)
			gcs := [2]uint32{p.gc(root, 0x112233, 0, 0), p.gc(root, 0x445566, 0, 0)}
			ctx, n := deadline(t), 0
			var ch screen.Change
			turn := func() {
				n++
				p.fill(root, gcs[n%2], image.Rect(10, 10, 200, 90), image.Rect(400, 300, 401, 302))
				p.fill(root, gcs[n%2], image.Rect(600, 20, 610, 300))
				if err := p.do(); err != nil {
					t.Fatal(err)
				}
				for {
					if err := src.Next(ctx, &ch); err != nil {
						t.Fatal(err)
					}
					if ch.Frame != nil {
						return
					}
				}
			}
			turn()
			if got := testing.AllocsPerRun(200, turn); got != 0 {
				t.Errorf("%v allocations per frame", got)
			}
		})
	}
}

// BenchmarkDraw shows a picture that was decoded into memory of its own
// ("copied") or into the window's ("lent"). Each turn waits until the one before
// is on the screen, so the time is that of the slower of the two.
func BenchmarkDraw(b *testing.B) {
	full := []image.Rectangle{image.Rect(0, 0, 1920, 1080)}
	small := []image.Rectangle{image.Rect(800, 500, 816, 516), image.Rect(10, 20, 26, 36)}
	for _, c := range []struct {
		name   string
		window image.Point
		noSHM  bool
		damage []image.Rectangle
	}{
		{"full", image.Pt(1920, 1080), false, full},
		{"small", image.Pt(1920, 1080), false, small},
		{"full by socket", image.Pt(1920, 1080), true, full},
		{"full scaled", image.Pt(1280, 720), false, full},
		{"small scaled", image.Pt(1280, 720), false, small},
	} {
		for _, lent := range []bool{false, true} {
			b.Run(c.name+map[bool]string{false: "/copied", true: "/lent"}[lent], func(b *testing.B) {
				w, f := openBench(b, c.window, c.noSHM, full[0].Max, lent)
				before := w.store.copied
				b.ReportAllocs()
				for b.Loop() {
					if err := w.Begin(); err != nil {
						b.Fatal(err)
					}
					if err := w.Draw(0, f, c.damage); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(w.store.copied-before)/1e6/float64(b.N), "MB-copied/op")
			})
		}
	}
}

// openBench shows a window with noise in it, and returns the frame that it is
// drawn from.
func openBench(b testing.TB, window image.Point, noSHM bool, size image.Point, lent bool) (*Window, *screen.Frame) {
	b.Helper()
	x := startX(b, "1920x1080x24")
	w, err := OpenWindow(WindowOptions{Display: x.display, Size: window, NoSHM: noSHM})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	go func() {
		for range w.Events() {
		}
	}()
	f := screen.NewFrame(image.Rectangle{Max: size})
	if err := w.Layout(&screen.Layout{Pictures: []screen.Picture{{Rect: f.Rect}}}); err != nil {
		b.Fatal(err)
	}
	if lent {
		f = w.Frame(0, size)
		if err := w.Begin(); err != nil { // the window is being exposed meanwhile
			b.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range f.Pix {
		if i%4 != 3 {
			f.Pix[i] = byte(rng.Uint32())
		}
	}
	for visible := false; !visible; {
		w.mu.Lock()
		visible = w.visible() && w.view.window == window
		w.mu.Unlock()
	}
	if err := w.Draw(0, f, []image.Rectangle{f.Rect}); err != nil {
		b.Fatal(err)
	}
	return w, f
}

// TestDrawDoesNotAllocate: nothing is left for the collector by a frame that is
// shown, however it gets to the server.
func TestDrawDoesNotAllocate(t *testing.T) {
	parts := []image.Rectangle{image.Rect(0, 0, 300, 200), image.Rect(400, 300, 401, 301), image.Rect(10, 400, 630, 470)}
	for _, c := range []struct {
		name   string
		window image.Point
		noSHM  bool
		lent   bool
	}{
		{"copied", image.Pt(640, 480), false, false},
		{"lent", image.Pt(640, 480), false, true},
		{"socket", image.Pt(640, 480), true, true},
		{"scaled", image.Pt(500, 400), false, true},
		{"scaled by socket", image.Pt(500, 400), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := openBench(t, c.window, c.noSHM, image.Pt(640, 480), c.lent)
			n := testing.AllocsPerRun(50, func() {
				if err := w.Begin(); err != nil {
					t.Fatal(err)
				}
				if err := w.Draw(0, f, parts); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%v allocations per frame", n)
			}
		})
	}
}

// BenchmarkDiffer compares frames without any server.
func BenchmarkDiffer(b *testing.B) {
	for _, name := range []string{"equal", "all new"} {
		b.Run(name, func(b *testing.B) {
			d := newDiffer(image.Pt(1920, 1080))
			f := [2]*screen.Frame{screen.NewFrame(d.last.Rect), screen.NewFrame(d.last.Rect)}
			if name == "all new" {
				f[1].Fill(f[1].Rect, 0xffffff)
			}
			var r screen.Region
			b.SetBytes(int64(len(f[0].Pix)))
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				d.take(d.last.Rect, f[n%2].Pix, f[0].Stride)
				r = d.region(r[:0])
			}
		})
	}
}

// BenchmarkConvert brings a 1080p frame of another depth to 8 bits a colour
// and back.
func BenchmarkConvert(b *testing.B) {
	for _, c := range []struct {
		name string
		f    pixelFormat
	}{
		{"16", pixelFormat{depth: 16, bytes: 2, rowPad: 4, order: binary.LittleEndian, r: channelOf(0xf800), g: channelOf(0x7e0), b: channelOf(0x1f)}},
		{"30", pixelFormat{depth: 30, bytes: 4, rowPad: 4, order: binary.LittleEndian, r: channelOf(0x3ff << 20), g: channelOf(0x3ff << 10), b: channelOf(0x3ff)}},
	} {
		const n = 1920 * 1080
		c.f.tabulate()
		theirs, ours := make([]byte, c.f.bytes*n), make([]byte, 4*n)
		b.Run(c.name+" bits/read", func(b *testing.B) {
			b.SetBytes(4 * n)
			for b.Loop() {
				c.f.convert(ours, theirs, n)
			}
		})
		b.Run(c.name+" bits/shown", func(b *testing.B) {
			b.SetBytes(4 * n)
			for b.Loop() {
				c.f.put(theirs, ours, n)
			}
		})
	}
}

// BenchmarkInject presses and lifts a key and waits until the server has it.
func BenchmarkInject(b *testing.B) {
	x := startX(b, "640x480x24")
	i := inject(b, x, InjectorOptions{})
	b.ReportAllocs()
	for b.Loop() {
		i.tap(b, 'a')
		i.x.Sync()
	}
}
