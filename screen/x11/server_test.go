package x11

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
	"sightline/screen/codec/kern"
)

// patience bounds every wait of a test for another process.
const patience = 30 * time.Second

// need skips, or under CI fails, a test whose program is not installed.
func need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("SIGHTLINE_CI") == "1" {
			t.Fatalf("%s is not installed", program)
		}
		t.Skipf("%s is not installed", program)
	}
	return path
}

// server is an Xvfb of one test.
type server struct {
	display string
	cmd     *exec.Cmd
}

// startX starts an X server without access control, of a size like
// "640x480x24", on a number that it chooses itself.
func startX(t testing.TB, size string, args ...string) *server {
	t.Helper()
	return startServer(t, []string{need(t, "Xvfb")}, size, args...)
}

// startOtherX starts one of another user, who cannot attach our memory.
func startOtherX(t testing.TB, size string) *server {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can start a server as another user")
	}
	return startServer(t, []string{need(t, "setpriv"), "--reuid=65534", "--clear-groups", need(t, "Xvfb")}, size)
}

func startServer(t testing.TB, command []string, size string, args ...string) *server {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	args = append([]string{"-displayfd", "3", "-screen", "0", size, "-nolisten", "tcp", "-noreset"}, args...)
	cmd := exec.Command(command[0], append(command[1:], args...)...)
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	s := &server{cmd: cmd}
	t.Cleanup(s.stop)
	r.SetReadDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb did not start: %v", err)
	}
	s.display = ":" + strings.TrimSpace(line)
	return s
}

func (s *server) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// run starts a client program on the display, ended with the test.
func (s *server) run(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	need(t, program)
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+s.display)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

// painter draws on a display as any program would.
type painter struct {
	t  testing.TB
	x  *client
	on xproto.Drawable
	gc xproto.Gcontext
}

func (s *server) painter(t testing.TB) *painter {
	t.Helper()
	x, err := connect(s.display, "")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { x.drain(); close(done) }()
	t.Cleanup(func() { x.close(); <-done })
	p := &painter{t: t, x: x, on: xproto.Drawable(x.root)}
	p.gc, _ = xproto.NewGcontextId(x.Conn)
	xproto.CreateGC(x.Conn, p.gc, p.on, xproto.GcSubwindowMode|xproto.GcGraphicsExposures, []uint32{xproto.SubwindowModeIncludeInferiors, 0})
	return p
}

func (p *painter) fill(r image.Rectangle, colour uint32) {
	xproto.ChangeGC(p.x.Conn, p.gc, xproto.GcForeground, []uint32{colour})
	xproto.PolyFillRectangle(p.x.Conn, p.on, p.gc, []xproto.Rectangle{{X: int16(r.Min.X), Y: int16(r.Min.Y), Width: uint16(r.Dx()), Height: uint16(r.Dy())}})
}

// noise draws pixels of every colour.
func (p *painter) noise(rng *rand.Rand, r image.Rectangle) {
	data := make([]byte, 4*r.Dx()*r.Dy())
	for i := 0; i < len(data); i += 4 {
		binary.LittleEndian.PutUint32(data[i:], rng.Uint32())
	}
	xproto.PutImage(p.x.Conn, xproto.ImageFormatZPixmap, p.on, p.gc, uint16(r.Dx()), uint16(r.Dy()), int16(r.Min.X), int16(r.Min.Y), 0, 24, data)
}

// shot reads pixels back in the plainest way there is.
func (p *painter) shot(d xproto.Drawable, r image.Rectangle) *screen.Frame {
	p.t.Helper()
	f := screen.NewFrame(r)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row, err := xproto.GetImage(p.x.Conn, xproto.ImageFormatZPixmap, d, int16(r.Min.X), int16(y), uint16(r.Dx()), 1, 0xffffff).Reply()
		if err != nil {
			p.t.Fatal(err)
		}
		kern.CopyColours(f.Row(y, r.Min.X, r.Max.X), row.Data)
	}
	return f
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// resize changes the size of the screen, by a mode made for it.
func (s *server) resize(t *testing.T, size image.Point) {
	t.Helper()
	need(t, "xrandr")
	w, h := size.X, size.Y
	mode := fmt.Sprintf("%dx%d", w, h)
	if out, _ := s.output("xrandr"); !strings.Contains(out, mode) {
		s.must(t, "xrandr", append([]string{"--newmode", mode}, strings.Fields(fmt.Sprintf("10 %d %d %d %d %d %d %d %d", w, w+8, w+16, w+24, h, h+3, h+6, h+9))...)...)
		s.must(t, "xrandr", "--addmode", "screen", mode)
	}
	s.must(t, "xrandr", "--output", "screen", "--mode", mode)
}

func (s *server) output(program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+s.display)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *server) must(t testing.TB, program string, args ...string) string {
	t.Helper()
	need(t, program)
	out, err := s.output(program, args...)
	if err != nil {
		t.Fatalf("%s %q: %v: %s", program, args, err, out)
	}
	return out
}

// cursor makes a cursor of a shape.
func (p *painter) cursor(s *screen.CursorShape) xproto.Cursor {
	p.t.Helper()
	if err := p.x.use("RENDER"); err != nil {
		p.t.Fatal(err)
	}
	c, err := p.x.newCursor(s)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// manage starts a window manager.
func (s *server) manage(t testing.TB, wm string) {
	t.Helper()
	if wm == "i3" { // it tiles, and asks questions when it has no configuration
		config := filepath.Join(t.TempDir(), "i3")
		if err := os.WriteFile(config, []byte("# i3 config file (v4)\nfor_window [class=\".*\"] floating enable\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.run(t, wm, "-c", config)
	} else {
		s.run(t, wm)
	}
	p := s.painter(t)
	a, err := p.x.intern()
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); !p.x.managed(a); {
		if time.Now().After(end) {
			t.Fatalf("%s does not start", wm)
		}
	}
}
