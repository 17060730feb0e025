//go:build linux

package testscripts

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

// display is an Xvfb of one test, and a connection to it.
type display struct {
	t      testing.TB
	name   string // ":99"
	server *exec.Cmd
	conn   *xgb.Conn
	root   xproto.Window
	size   [2]uint16
	keys   map[xproto.Keysym]xproto.Keycode
	shifts map[xproto.Keysym]bool // reached with Shift
	modes  map[string]bool        // known to RandR
	gc     xproto.Gcontext        // of put; 0: not made yet
}

// openDisplay starts an X server on a number of its own choice.
func openDisplay(t testing.TB, size string, options ...string) *display {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command(tool(t, "Xvfb", "xvfb"), append([]string{
		"-displayfd", "3", "-screen", "0", size + "x24", "-nolisten", "tcp", "-noreset"}, options...)...)
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	d := &display{t: t, server: cmd, keys: map[xproto.Keysym]xproto.Keycode{}, shifts: map[xproto.Keysym]bool{}, modes: map[string]bool{screenSize: true}}
	t.Cleanup(d.close)
	r.SetReadDeadline(time.Now().Add(patience))
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb did not start: %v", err)
	}
	d.name = ":" + strings.TrimSpace(number)
	return d
}

// connect opens the test's own connection.
func (d *display) connect() *display {
	d.t.Helper()
	xgb.Logger.SetOutput(&quiet) // it would print that a server which the test killed is gone
	var err error
	if d.conn, err = xgb.NewConnDisplay(d.name); err != nil {
		d.t.Fatal(err)
	}
	setup := xproto.Setup(d.conn)
	screen := setup.DefaultScreen(d.conn)
	d.root, d.size = screen.Root, [2]uint16{screen.WidthInPixels, screen.HeightInPixels}
	if err := xtest.Init(d.conn); err != nil {
		d.t.Fatal(err)
	}
	first, last := setup.MinKeycode, setup.MaxKeycode
	all, err := xproto.GetKeyboardMapping(d.conn, first, byte(last-first+1)).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	for i, sym := range all.Keysyms {
		column := i % int(all.KeysymsPerKeycode)
		if _, known := d.keys[sym]; !known && sym != 0 && column < 2 {
			d.keys[sym] = first + xproto.Keycode(i/int(all.KeysymsPerKeycode))
			d.shifts[sym] = column == 1
		}
	}
	return d
}

var quiet bytes.Buffer

// close ends connection and server, by its number.
func (d *display) close() {
	d.kill()
	if d.conn != nil {
		d.conn.Close()
		d.conn = nil
	}
}

func (d *display) kill() {
	if d.server.ProcessState == nil {
		d.server.Process.Kill()
		d.server.Wait()
	}
}

// run starts an X program, which ends with the test.
func (d *display) run(program, pkg string, args ...string) {
	d.t.Helper()
	cmd := exec.Command(tool(d.t, program, pkg), args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.name)
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// must runs a program and waits for it.
func (d *display) must(program, pkg string, args ...string) {
	d.t.Helper()
	cmd := exec.Command(tool(d.t, program, pkg), args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.name)
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}

// shot reads the top left of the screen as it is seen, pointer left out.
func (d *display) shot(width, height uint16) ([]byte, error) {
	return d.shotOf(d.root, width, height)
}

// shotOf reads the top left of a window, all of which must be on the screen.
func (d *display) shotOf(w xproto.Window, width, height uint16) ([]byte, error) {
	return d.pixels(w, image.Rect(0, 0, int(width), int(height)))
}

// shotAt reads a part of the screen as it is seen.
func (d *display) shotAt(r image.Rectangle) ([]byte, error) { return d.pixels(d.root, r) }

func (d *display) pixels(w xproto.Window, at image.Rectangle) ([]byte, error) {
	r, err := xproto.GetImage(d.conn, xproto.ImageFormatZPixmap, xproto.Drawable(w), int16(at.Min.X), int16(at.Min.Y),
		uint16(at.Dx()), uint16(at.Dy()), 0xffffff).Reply()
	if err != nil {
		return nil, err
	}
	for i := 3; i < len(r.Data); i += 4 {
		r.Data[i] = 0 // the unused byte may hold anything
	}
	return r.Data, nil
}

// resize changes the size of the screen with RandR, by a mode made for it.
func (d *display) resize(w, h uint16) {
	d.t.Helper()
	mode := fmt.Sprintf("%dx%d", w, h)
	if !d.modes[mode] {
		line := fmt.Sprintf("--newmode %s 10 %d %d %d %d %d %d %d %d", mode, w, w+8, w+16, w+24, h, h+3, h+6, h+9)
		d.must("xrandr", "x11-xserver-utils", strings.Fields(line)...)
		d.must("xrandr", "x11-xserver-utils", "--addmode", "screen", mode)
		d.modes[mode] = true
	}
	d.must("xrandr", "x11-xserver-utils", "--output", "screen", "--mode", mode)
	d.size = [2]uint16{w, h}
}

// same tells whether two screens of one size show the same pixels, and where
// they differ first.
func same(a, b *display) (bool, error) {
	if a.size != b.size {
		return false, errors.New("the screens have different sizes")
	}
	x, err := a.shot(a.size[0], a.size[1])
	if err != nil {
		return false, err
	}
	y, err := b.shot(b.size[0], b.size[1])
	if err != nil {
		return false, err
	}
	for i := range x {
		if x[i] != y[i] {
			w := int(a.size[0])
			return false, fmt.Errorf("pixel %d,%d is % x there and % x here", i/4%w, i/4/w, x[i&^3:i&^3+3], y[i&^3:i&^3+3])
		}
	}
	return true, nil
}

// awaitSame waits until the viewer's screen shows the host's.
func awaitSame(t testing.TB, host, viewer *display) {
	t.Helper()
	var last error
	defer func() {
		if t.Failed() {
			t.Logf("last difference: %v", last)
		}
	}()
	eventually(t, "the viewer's screen shows the host's", func() bool {
		var ok bool
		ok, last = same(host, viewer)
		return ok
	})
}

func (d *display) fake(kind byte, detail byte, x, y int16) {
	d.t.Helper()
	if err := xtest.FakeInputChecked(d.conn, kind, detail, 0, d.root, x, y, 0).Check(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *display) key(sym xproto.Keysym, down bool) {
	d.t.Helper()
	code, ok := d.keys[sym]
	if !ok {
		d.t.Fatalf("%s has no key for keysym %#x", d.name, sym)
	}
	kind := byte(xproto.KeyRelease)
	if down {
		kind = xproto.KeyPress
	}
	d.fake(kind, byte(code), 0, 0)
}

const (
	shiftL   = 0xffe1
	controlL = 0xffe3
	enter    = 0xff0d
)

// write types text as a person with ten fingers does.
func (d *display) write(text string) {
	d.t.Helper()
	for _, r := range text {
		sym := xproto.Keysym(r)
		if r == '\n' {
			sym = enter
		}
		if d.shifts[sym] {
			d.key(shiftL, true)
		}
		d.key(sym, true)
		d.key(sym, false)
		if d.shifts[sym] {
			d.key(shiftL, false)
		}
	}
}

func (d *display) click(button byte, x, y int16) {
	d.t.Helper()
	d.fake(xproto.MotionNotify, 0, x, y)
	d.fake(xproto.ButtonPress, button, 0, 0)
	d.fake(xproto.ButtonRelease, button, 0, 0)
}

// keysDown counts the keys that the server believes to be pressed.
func (d *display) keysDown() int {
	r, err := xproto.QueryKeymap(d.conn).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	n := 0
	for _, b := range r.Keys {
		for ; b != 0; b &= b - 1 {
			n++
		}
	}
	return n
}

// named finds a window by the end of its title, anywhere in the tree.
func (d *display) named(title string) xproto.Window {
	d.t.Helper()
	var found xproto.Window
	var search func(w xproto.Window)
	search = func(w xproto.Window) {
		p, err := xproto.GetProperty(d.conn, false, w, xproto.AtomWmName, xproto.GetPropertyTypeAny, 0, 256).Reply()
		if err == nil && strings.Contains(string(p.Value), title) {
			found = w
			return
		}
		if tree, err := xproto.QueryTree(d.conn, w).Reply(); err == nil {
			for _, child := range tree.Children {
				search(child)
			}
		}
	}
	eventually(d.t, "there is a window called "+title, func() bool { search(d.root); return found != 0 })
	return found
}

// focused waits until a window with this in its title has the keys: what is typed
// before that goes to nobody. A window that was there before the window manager is
// not given them, so they are taken as by a click.
func (d *display) focused(title string) {
	d.t.Helper()
	eventually(d.t, "the keys go to "+title, func() bool {
		f, err := xproto.GetInputFocus(d.conn).Reply()
		if err != nil {
			return false
		}
		p, err := xproto.GetProperty(d.conn, false, f.Focus, xproto.AtomWmName, xproto.GetPropertyTypeAny, 0, 256).Reply()
		if err == nil && strings.Contains(string(p.Value), title) {
			return true
		}
		xproto.SetInputFocus(d.conn, xproto.InputFocusParent, d.named(title), xproto.TimeCurrentTime)
		return false
	})
}

// iconify puts a window away, or brings it back, as ICCCM 4.1.4 says.
func (d *display) iconify(w xproto.Window, away bool) {
	d.t.Helper()
	if !away {
		if err := xproto.MapWindowChecked(d.conn, w).Check(); err != nil {
			d.t.Fatal(err)
		}
		return
	}
	const name = "WM_CHANGE_STATE"
	atom, err := xproto.InternAtom(d.conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	const iconic = 3
	e := xproto.ClientMessageEvent{Format: 32, Window: w, Type: atom.Atom, Data: xproto.ClientMessageDataUnionData32New([]uint32{iconic, 0, 0, 0, 0})}
	mask := uint32(xproto.EventMaskSubstructureNotify | xproto.EventMaskSubstructureRedirect)
	if err := xproto.SendEventChecked(d.conn, false, d.root, mask, string(e.Bytes())).Check(); err != nil {
		d.t.Fatal(err)
	}
}

// pad is a window above all others that notes which buttons are pressed where.
func (d *display) pad(x, y int16, w, h uint16) xproto.Window {
	d.t.Helper()
	id, err := xproto.NewWindowId(d.conn)
	if err != nil {
		d.t.Fatal(err)
	}
	err = xproto.CreateWindowChecked(d.conn, 0, id, d.root, x, y, w, h, 0, xproto.WindowClassInputOutput, 0,
		xproto.CwBackPixel|xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{0x3366aa, 1, xproto.EventMaskButtonPress}).Check()
	if err == nil {
		err = xproto.MapWindowChecked(d.conn, id).Check()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// pressed waits for the next button that was pressed on a pad.
func (d *display) pressed() xproto.ButtonPressEvent {
	d.t.Helper()
	var got xproto.ButtonPressEvent
	eventually(d.t, "a button is pressed on "+d.name, func() bool {
		e, _ := d.conn.PollForEvent()
		var ok bool
		got, ok = e.(xproto.ButtonPressEvent)
		return ok
	})
	return got
}
