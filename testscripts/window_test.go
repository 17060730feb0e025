//go:build linux

package testscripts

import (
	"fmt"
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
)

// board is what a host's screen shows here: squares of one colour each, with a
// mark in each corner, so that a picture can be recognised at any scale by the
// middles and is told from one that is nearly right by the marks.
type board struct {
	cols, rows int
	turn       int // the colours are another set in each turn
}

const square = 40 // px, side of a board's square

// colour is 0xRRGGBB, of 8 levels per channel: a slip of a few units shows.
func (b board) colour(col, row int) uint32 {
	n := uint32(col*7 + row*13 + b.turn*29)
	return n*36%256<<16&0xff0000 | n*84%256<<8 | n*148%256
}

// pixels is the board as B G R 0.
func (b board) pixels() []byte {
	w, h := b.cols*square, b.rows*square
	pix := make([]byte, 4*w*h)
	for y := range h {
		for x := range w {
			c := b.colour(x/square, y/square)
			if x%square < 3 && y%square < 3 && (x+y)%2 == 0 {
				c ^= 0xffffff
			}
			pix[4*(y*w+x)], pix[4*(y*w+x)+1], pix[4*(y*w+x)+2] = byte(c), byte(c>>8), byte(c>>16)
		}
	}
	return pix
}

// put draws pixels of the width of the screen on it, from the top.
func (d *display) put(pix []byte) {
	d.t.Helper()
	if d.gc == 0 {
		var err error
		if d.gc, err = xproto.NewGcontextId(d.conn); err != nil {
			d.t.Fatal(err)
		}
		xproto.CreateGC(d.conn, d.gc, xproto.Drawable(d.root), xproto.GcSubwindowMode, []uint32{xproto.SubwindowModeIncludeInferiors})
	}
	const rows = 32 // in one request, which has at most 256 KiB
	stride := 4 * int(d.size[0])
	for y := 0; y*stride < len(pix); y += rows {
		part := pix[y*stride : min(len(pix), (y+rows)*stride)]
		err := xproto.PutImageChecked(d.conn, xproto.ImageFormatZPixmap, xproto.Drawable(d.root), d.gc,
			d.size[0], uint16(len(part)/stride), 0, int16(y), 0, 24, part).Check()
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// frame asks the window manager for a place and size, as a person's hand does.
func (d *display) frame(w xproto.Window, r image.Rectangle) {
	d.t.Helper()
	err := xproto.ConfigureWindowChecked(d.conn, w, xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight,
		[]uint32{uint32(r.Min.X), uint32(r.Min.Y), uint32(r.Dx()), uint32(r.Dy())}).Check()
	if err != nil {
		d.t.Fatal(err)
	}
}

// inside is where the inside of a window is on the screen.
func (d *display) inside(w xproto.Window) (image.Rectangle, error) {
	g, err := xproto.GetGeometry(d.conn, xproto.Drawable(w)).Reply()
	if err != nil {
		return image.Rectangle{}, err
	}
	at, err := xproto.TranslateCoordinates(d.conn, w, d.root, 0, 0).Reply()
	if err != nil {
		return image.Rectangle{}, err
	}
	min := image.Pt(int(at.DstX), int(at.DstY))
	return image.Rectangle{Min: min, Max: min.Add(image.Pt(int(g.Width), int(g.Height)))}, nil
}

// fitted is where a picture appears in a window that has another size: whole,
// in its shape, in the middle.
func fitted(picture, window image.Point) image.Rectangle {
	size := image.Pt(window.X, window.X*picture.Y/picture.X)
	if size.Y > window.Y {
		size = image.Pt(window.Y*picture.X/picture.Y, window.Y)
	}
	corner := window.Sub(size).Div(2)
	return image.Rectangle{Min: corner, Max: corner.Add(size)}
}

// looksLike tells whether a window of a size shows the board, scaled to fit,
// black beside it, and exact where pixels stand for pixels.
func (d *display) looksLike(w xproto.Window, size image.Point, b board) error {
	at, err := d.inside(w)
	if err != nil {
		return err
	}
	if at.Size() != size {
		return fmt.Errorf("the window has %v instead of %v", at.Size(), size)
	}
	pix, err := d.shotOf(w, uint16(size.X), uint16(size.Y))
	if err != nil {
		return err
	}
	picture := image.Pt(b.cols*square, b.rows*square)
	if size == picture {
		if string(pix) != string(b.pixels()) {
			return fmt.Errorf("the picture is not exact")
		}
		return nil
	}
	shown := fitted(picture, size)
	for row := range b.rows {
		for col := range b.cols {
			x := shown.Min.X + (2*col+1)*shown.Dx()/(2*b.cols)
			y := shown.Min.Y + (2*row+1)*shown.Dy()/(2*b.rows)
			if err := pixelIs(pix, size, x, y, b.colour(col, row)); err != nil {
				return fmt.Errorf("square %d,%d: %w", col, row, err)
			}
		}
	}
	for _, p := range []image.Point{{0, 0}, {size.X - 1, 0}, {0, size.Y - 1}, {size.X - 1, size.Y - 1}} {
		if !p.In(shown) {
			if err := pixelIs(pix, size, p.X, p.Y, 0); err != nil {
				return fmt.Errorf("beside the picture: %w", err)
			}
		}
	}
	return nil
}

func pixelIs(pix []byte, size image.Point, x, y int, want uint32) error {
	o := 4 * (y*size.X + x)
	if got := uint32(pix[o]) | uint32(pix[o+1])<<8 | uint32(pix[o+2])<<16; got != want {
		return fmt.Errorf("%06x instead of %06x at %d,%d", got, want, x, y)
	}
	return nil
}

// showsBoard waits until the viewer's window shows the board.
func (s *session) showsBoard(w xproto.Window, size image.Point, b board) {
	s.Helper()
	var last error
	defer func() {
		if s.Failed() {
			s.Logf("window of %v, turn %d: %v", size, b.turn, last)
		}
	}()
	eventually(s, "the window shows the board", func() bool { last = s.here.looksLike(w, size, b); return last == nil })
}

// An ordinary window, outside of full screen, is made smaller, larger and of
// another shape: the picture is scaled to fit it, what changes meanwhile shows,
// a click lands where it was aimed, and at the picture's own size it is exact
// again.
func TestWindowIsResized(t *testing.T) {
	s := setting{there: "640x480"}.open(t)
	b := board{cols: 16, rows: 12}
	picture := image.Pt(640, 480)
	s.there.put(b.pixels())
	w := s.here.named("sightline")
	s.showsBoard(w, picture, b)
	for _, size := range []image.Point{{320, 240}, {800, 660}, {300, 500}, {640, 480}, {611, 479}, {640, 480}} {
		s.here.frame(w, image.Rectangle{Min: image.Pt(20, 30), Max: image.Pt(20, 30).Add(size)})
		s.showsBoard(w, size, b)
		b.turn++
		s.there.put(b.pixels())
		s.showsBoard(w, size, b)
	}

	const x, y = 420, 300 // the middle of a square, on the host
	s.there.pad(x-60, y-60, 120, 120)
	for _, size := range []image.Point{{320, 240}, {800, 660}} {
		s.here.frame(w, image.Rectangle{Min: image.Pt(20, 30), Max: image.Pt(20, 30).Add(size)})
		var at image.Rectangle
		eventually(t, "the window has its size", func() bool {
			var err error
			at, err = s.here.inside(w)
			return err == nil && at.Size() == size && s.viewerKnows(w, size)
		})
		shown := fitted(picture, size).Add(at.Min)
		s.here.click(1, int16(shown.Min.X+x*shown.Dx()/picture.X), int16(shown.Min.Y+y*shown.Dy()/picture.Y))
		if e := s.there.pressed(); abs(int(e.RootX)-x) > 2 || abs(int(e.RootY)-y) > 2 {
			t.Errorf("a click at %d,%d in a window of %v came at %d,%d", x, y, size, e.RootX, e.RootY)
		}
	}
}

func abs(n int) int { return max(n, -n) }

// viewerKnows tells whether the viewer has drawn its window at this size: the
// pad, which is one colour, is where it belongs.
func (s *session) viewerKnows(w xproto.Window, size image.Point) bool {
	pix, err := s.here.shotOf(w, uint16(size.X), uint16(size.Y))
	if err != nil {
		return false
	}
	shown := fitted(image.Pt(640, 480), size)
	return pixelIs(pix, size, shown.Min.X+400*shown.Dx()/640, shown.Min.Y+280*shown.Dy()/480, 0x3366aa) == nil
}

// A window that is put away costs nothing: the host sends no picture, however
// much its screen moves. Brought back it shows the screen as it is now.
func TestWindowIsMinimised(t *testing.T) {
	s := setting{there: "640x480"}.open(t)
	b := board{cols: 16, rows: 12}
	picture := image.Pt(640, 480)
	s.there.put(b.pixels())
	w := s.here.named("sightline")
	s.showsBoard(w, picture, b)

	s.here.iconify(w, true)
	play := func(ok func() bool) { // the host's screen never rests
		t.Helper()
		eventually(t, "the host has stopped sending", func() bool {
			b.turn++
			s.there.put(b.pixels())
			return ok()
		})
	}
	s.host.skim()
	play(func() bool { return s.host.heard("stats", "fps=0") })
	said, sent := s.host.tally()
	until := time.Now().Add(3 * time.Second) // stats come each second while anything is sent
	play(func() bool { return time.Now().After(until) })
	if n, _ := s.host.tally(); n != said {
		t.Errorf("%d times pictures were sent to a window that nobody sees", n-said)
	}

	s.here.iconify(w, false)
	s.showsBoard(w, picture, b)
	if e := s.await(s.host, "stats", "fps~[1-9]"); e.number("bytes_out") <= sent {
		t.Errorf("%.0f bytes sent, %.0f before", e.number("bytes_out"), sent)
	}
	if s.host.ended() || s.viewer.ended() {
		t.Error("the session did not last")
	}
}

// skim passes over what was said so far.
func (a *actor) skim() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = len(a.events)
}

// heard tells, without waiting, whether the next such event has come.
func (a *actor) heard(words ...string) bool {
	w, err := parseWant(words)
	if err != nil {
		panic(err) // a test's own words
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, e := range a.events[a.next:] {
		if w.fits(e) {
			a.next += i + 1
			return true
		}
	}
	return false
}

// tally is how often stats were told, and the last count of bytes in them.
func (a *actor) tally() (n int, sent float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events {
		if e.text("event") == "stats" {
			n, sent = n+1, e.number("bytes_out")
		}
	}
	return n, sent
}

func (e event) number(field string) float64 { v, _ := e[field].(float64); return v }
