//go:build linux

package peer

import (
	"bufio"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
	"sightline/screen/screentest"
	"sightline/screen/x11"
)

// witness is a viewer's window that looks at every frame that was decoded.
type witness struct {
	*screentest.Glass
	mu      sync.Mutex
	frames  int
	foreign int // of them showed a pixel of the colour that is not shared
	sizes   map[image.Point]bool
}

// foreignColour is what all windows show that are not shared. The codec may change
// it a little where it is not exact yet, so anything near it counts.
const foreignColour = 0xff00ff

func isForeign(b, g, r byte) bool { return b > 190 && g < 70 && r > 190 }

func (w *witness) Draw(id screen.PictureID, f *screen.Frame, damage screen.Region) error {
	w.mu.Lock()
	w.frames++
	w.sizes[f.Rect.Size()] = true
	if showsForeign(f) {
		w.foreign++
	}
	w.mu.Unlock()
	return w.Glass.Draw(id, f, damage)
}

// showsForeign looks at the whole frame, whatever the damage.
func showsForeign(f *screen.Frame) bool {
	for y := f.Rect.Min.Y; y < f.Rect.Max.Y; y++ {
		row := f.Row(y, f.Rect.Min.X, f.Rect.Max.X)
		for i := 0; i+3 < len(row); i += 4 {
			if isForeign(row[i], row[i+1], row[i+2]) {
				return true
			}
		}
	}
	return false
}

func (w *witness) saw() (frames, foreign, sizes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.frames, w.foreign, len(w.sizes)
}

// desk is an X server with programs on it.
type desk struct {
	t    *testing.T
	name string
	root xproto.Window
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		if os.Getenv("SIGHTLINE_CI") == "1" {
			t.Fatal("Xvfb is not installed")
		}
		t.Skip("Xvfb is not installed")
	}
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	server := exec.Command(path, "-displayfd", "3", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset")
	server.ExtraFiles = []*os.File{w}
	must(t, server.Start())
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	w.Close()
	r.SetReadDeadline(time.Now().Add(time.Minute))
	number, err := bufio.NewReader(r).ReadString('\n')
	must(t, err)
	return &desk{t: t, name: ":" + strings.TrimSpace(number)}
}

// program is one connection to the desk, as every program has its own.
func (d *desk) program() *xgb.Conn {
	d.t.Helper()
	xgb.Logger.SetOutput(io.Discard)
	c, err := xgb.NewConnDisplay(d.name)
	must(d.t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if ev, xerr := c.WaitForEvent(); ev == nil && xerr == nil {
				return
			}
		}
	}()
	d.t.Cleanup(func() { c.Close(); <-done })
	d.root = xproto.Setup(c).DefaultScreen(c).Root
	return c
}

// show makes a window of one colour.
func (d *desk) show(c *xgb.Conn, title string, at image.Rectangle, colour uint32) xproto.Window {
	d.t.Helper()
	w, err := xproto.NewWindowId(c)
	must(d.t, err)
	xproto.CreateWindow(c, 0, w, d.root, int16(at.Min.X), int16(at.Min.Y), uint16(at.Dx()), uint16(at.Dy()), 0,
		xproto.WindowClassInputOutput, 0, xproto.CwBackPixel, []uint32{colour})
	class := title + "\x00" + title + "\x00"
	xproto.ChangeProperty(c, xproto.PropModeReplace, w, xproto.AtomWmName, xproto.AtomString, 8, uint32(len(title)), []byte(title))
	xproto.ChangeProperty(c, xproto.PropModeReplace, w, xproto.AtomWmClass, xproto.AtomString, 8, uint32(len(class)), []byte(class))
	must(d.t, xproto.MapWindowChecked(c, w).Check())
	return w
}

func place(c *xgb.Conn, w xproto.Window, at image.Rectangle) {
	const all = xproto.ConfigWindowX | xproto.ConfigWindowY | xproto.ConfigWindowWidth | xproto.ConfigWindowHeight | xproto.ConfigWindowStackMode
	xproto.ConfigureWindow(c, w, all, []uint32{uint32(at.Min.X), uint32(at.Min.Y), uint32(at.Dx()), uint32(at.Dy()), xproto.StackModeAbove})
}

// Whatever stands over a shared window, moves with it, or belongs to the same
// program: not one of its pixels is in any frame that the host sends, as its viewer
// decodes them. That the witness would see one is shown by sharing the whole
// screen. // issue 5
func TestNoForeignPixelIsSent(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{false, true} {
		t.Run(map[bool]string{false: "one window", true: "the whole screen"}[whole], func(t *testing.T) {
			t.Parallel()
			d := openDesk(t)
			mine, other := d.program(), d.program()
			must(t, xproto.ChangeWindowAttributesChecked(other, d.root, xproto.CwBackPixel, []uint32{foreignColour}).Check())
			must(t, xproto.ClearAreaChecked(other, false, d.root, 0, 0, 0, 0).Check()) // what new memory is made of
			shared := d.show(mine, "shared", image.Rect(100, 100, 300, 250), 0x204060)
			second := d.show(mine, "second", image.Rect(150, 120, 350, 300), foreignColour)
			foreign := d.show(other, "foreign", image.Rect(120, 150, 280, 240), foreignColour)
			src, err := openSource(d.name, whole)
			must(t, err)
			t.Cleanup(func() { src.Close() })
			r := newRig(t, func(o *HostOptions) { o.Source, o.Injector = src, nil })
			w := &witness{Glass: screentest.NewGlass(), sizes: map[image.Point]bool{}}
			r.viewers = func(o *ViewOptions) { o.Window = w }
			v := r.join(r.code(1), looks)
			await[Joined](t, r.ctx, v.events, 1)

			rng := rand.New(rand.NewPCG(5, 5))
			somewhere := func() image.Rectangle {
				at := image.Pt(rng.IntN(400), rng.IntN(300))
				return image.Rectangle{Min: at, Max: at.Add(image.Pt(60+rng.IntN(180), 60+rng.IntN(120)))}
			}
			for n := range 60 {
				seen, _, _ := w.saw()
				place(other, foreign, somewhere())
				place(mine, second, somewhere())
				switch n % 6 {
				case 1, 3:
					place(mine, shared, somewhere()) // moved, resized, raised
				case 4:
					xproto.UnmapWindow(mine, shared)
					mine.Sync()
					xproto.MapWindow(mine, shared)
				case 5:
					xproto.DestroyWindow(mine, shared)
					shared = d.show(mine, "shared", somewhere(), 0x204060)
				}
				colour := 0x204060 + uint32(n)*0x000103
				xproto.ChangeWindowAttributes(mine, shared, xproto.CwBackPixel, []uint32{colour})
				xproto.ClearArea(mine, false, shared, 0, 0, 0, 0)
				mine.Sync()
				other.Sync()
				until(t, r, func() bool { now, _, _ := w.saw(); return now > seen })
			}
			frames, bad, sizes := w.saw()
			t.Logf("%d frames of %d sizes, %d with a foreign pixel", frames, sizes, bad)
			switch {
			case whole && bad == 0:
				t.Error("the witness sees nothing")
			case !whole && bad > 0:
				t.Errorf("%d of %d frames showed a foreign pixel", bad, frames)
			case !whole && sizes < 10:
				t.Errorf("only %d sizes were seen", sizes)
			}
		})
	}
}

func openSource(display string, whole bool) (screen.Source, error) {
	if whole {
		return x11.OpenSource(x11.Options{Display: display})
	}
	return x11.OpenWindows(x11.WindowsOptions{Display: display, Windows: []string{"shared"}})
}
