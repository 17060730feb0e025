package x11

import (
	"fmt"
	"image"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// WindowOptions of a Window.
type WindowOptions struct {
	Display   string      // "": DISPLAY
	Authority string      // file with the cookie; "": XAUTHORITY, else ~/.Xauthority
	Title     string      // until State says another
	Size      image.Point // of the inside, px; zero: that of the first layout, if the screen has room
	NoSHM     bool        // send pixels through the socket even if memory could be shared
	Log       *slog.Logger
}

// Window shows pictures in a window of the desktop.
//
// One goroutine (pump) waits for events of the server and handles them; a
// second one hands what a person did to the reader of Events. Draw and the
// other methods come from the caller's goroutine. They meet under mu, which is
// held while the server draws what was drawn before, some milliseconds at most.
type Window struct {
	// Static after construction.
	x            *client
	opt          WindowOptions
	log          *slog.Logger
	win          xproto.Window
	atoms        atoms
	format       pixelFormat
	visualFormat uint32 // RENDER's name of it
	out          *outbox
	pumped       chan struct{} // closed when pump has ended
	pen          *pen          // its connection may be closed by anybody, all else under mu
	gc           uint32        // black; copies pixels
	font         font

	mu     sync.Mutex // guards everything below
	state  screen.State
	end    error // why nothing can be drawn any more
	warned bool
	store  *store
	view   view
	look   look
	hand   hand
	menu   menu
	// What is lent out (lend.go): the store of each frame; whether it is being
	// written to; whether something could not be drawn because of that.
	lenders       []*store
	written, owed bool
	hang          []overhang
	corner        image.Point     // of the window, on the root; known while a menu reaches over the edge
	back          image.Rectangle // where the window was before it filled a screen without a window manager
}

// look is what of the window can be seen, and what is drawn over the pictures.
type look struct {
	mapped, covered bool
	sized           bool // the window has got its size from a layout or from the options
	full            bool
	dimmed          bool
	bare            bool // the host has said that there is no picture
	dimmer          *time.Timer
	exposed         image.Rectangle // of exposures that are still coming in
	cursor          remoteCursor
	marks           marks
	told            screen.Resize
}

// OpenWindow opens a window and shows it. Errors wrap screen.ErrNoDisplay.
func OpenWindow(o WindowOptions) (*Window, error) {
	x, err := connect(o.Display, o.Authority)
	if err != nil {
		return nil, err
	}
	w := &Window{
		x: x, opt: o, log: silent(o.Log), out: newOutbox(), pumped: make(chan struct{}),
	}
	if err := w.build(); err != nil {
		if w.pen != nil {
			w.pen.close()
		}
		x.close()
		x.drain()
		return nil, fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
	}
	go w.pump()
	go w.out.run()
	return w, nil
}

func (w *Window) build() (err error) {
	x := w.x
	if err := x.use("RENDER"); err != nil {
		w.log.Info("pictures are not scaled", "err", err)
	}
	if w.format, err = x.formatOf(x.screen.RootDepth, x.screen.RootVisual); err != nil {
		return err
	}
	if x.has("RENDER") {
		_, f, err := x.pictFormats(x.screen.RootVisual)
		if err != nil {
			return err
		}
		w.visualFormat = uint32(f)
	}
	if w.atoms, err = x.intern(); err != nil {
		return err
	}
	x.useXKB()
	if w.hand.keys, err = x.readKeyboard(); err != nil {
		return err
	}
	if err := w.create(); err != nil {
		return err
	}
	if w.pen, err = newPen(w.opt.Display, w.opt.Authority); err != nil {
		return err
	}
	if w.visualFormat == 0 {
		w.pen.render = 0
	}
	w.equip()
	w.store = &store{}
	w.state.Title = w.opt.Title
	return w.pen.do()
}

// create makes the window and maps it. It has no background: the server would
// clear to it before every redraw, which flickers.
func (w *Window) create() error {
	x := w.x
	id, err := xproto.NewWindowId(x.Conn)
	if err != nil {
		return err
	}
	w.win = id
	size := w.firstSize()
	w.view.window = size
	w.back = image.Rectangle{Max: size}
	xproto.CreateWindow(x.Conn, x.screen.RootDepth, id, x.root, 0, 0, uint16(size.X), uint16(size.Y), 0,
		xproto.WindowClassInputOutput, x.screen.RootVisual, xproto.CwBitGravity|xproto.CwEventMask, []uint32{
			xproto.GravityNorthWest,
			xproto.EventMaskExposure | xproto.EventMaskStructureNotify | xproto.EventMaskVisibilityChange |
				xproto.EventMaskFocusChange | xproto.EventMaskPropertyChange | xproto.EventMaskKeyPress |
				xproto.EventMaskKeyRelease | xproto.EventMaskButtonPress | xproto.EventMaskButtonRelease |
				xproto.EventMaskPointerMotion,
		})
	w.describe(w.opt.Title)
	return xproto.MapWindowChecked(x.Conn, id).Check()
}

// firstSize is what the options say, within the screen.
func (w *Window) firstSize() image.Point {
	room := image.Pt(int(w.x.screen.WidthInPixels), int(w.x.screen.HeightInPixels))
	size := w.opt.Size
	w.look.sized = size.X > 0 && size.Y > 0
	if !w.look.sized {
		size = image.Pt(1024, 640)
	}
	return within(size, room)
}

// within makes a size fit into room, keeping its shape.
func within(size, room image.Point) image.Point {
	if size.X > room.X {
		size = image.Pt(room.X, max(1, size.Y*room.X/size.X))
	}
	if size.Y > room.Y {
		size = image.Pt(max(1, size.X*room.Y/size.Y), room.Y)
	}
	return size
}

// Events tells what the person does; it is closed with the window.
func (w *Window) Events() <-chan screen.Event { return w.out.out }

// Layout makes room for pictures. Those that stay keep their pixels.
func (w *Window) Layout(l *screen.Layout) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		return w.end
	}
	pics, size, err := arrange(l)
	if err != nil {
		return err
	}
	if err := w.pen.settle(); err != nil {
		return w.broken(err)
	}
	w.look.bare = len(pics) == 0
	w.written, w.owed = false, false // all is drawn anew
	old := w.store
	w.store = w.newStore(pics, size)
	w.store.inherit(old)
	old.drop(w.pen)
	w.view.canvas, w.view.lasting, w.view.over = size, lastingOf(pics), overOf(pics)
	w.stand()
	w.view.fit()
	w.hand.forget(w.store)
	if !w.look.sized && size.X > 0 {
		w.look.sized = true
		w.resizeTo(w.view.lasting.Size())
	}
	w.spread()
	w.paint()
	return w.finish()
}

// inherit copies the pictures that both have.
func (s *store) inherit(old *store) {
	for _, p := range s.pics {
		q, ok := old.find(p.ID)
		if !ok {
			continue
		}
		r := p.Bounds().Intersect(q.Bounds())
		for y := range r.Dy() {
			copy(s.row(y+p.at.Min.Y, p.at.Min.X, p.at.Min.X+r.Dx()), old.row(y+q.at.Min.Y, q.at.Min.X, q.at.Min.X+r.Dx()))
		}
	}
}

// Draw shows the damaged part of a picture. It returns when the pixels are on
// their way to the server; the next Draw waits until they are shown.
func (w *Window) Draw(id screen.PictureID, f *screen.Frame, damage screen.Region) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		return w.end
	}
	p, ok := w.store.find(id)
	if !ok {
		return nil // drawn before the layout that took it away was known
	}
	if err := w.pen.settle(); err != nil {
		return w.broken(err)
	}
	w.written = false
	bounds := p.Bounds().Intersect(f.Rect)
	if !w.store.owns(f) {
		for _, r := range damage {
			w.store.keep(p, f, r.Intersect(bounds))
		}
	}
	if w.look.dimmed || w.owed {
		w.look.dimmed, w.owed = false, false
		w.spread()
		w.paint()
		return w.finish()
	}
	under := false
	for _, r := range damage {
		r = r.Intersect(bounds).Add(p.at.Min)
		w.show(r)
		under = under || w.view.covering(r).Overlaps(w.look.cursor.drawn)
	}
	if under {
		w.eraseCursor()
	}
	w.overlay()
	return w.finish()
}

// visible tells whether anything need be drawn.
func (w *Window) visible() bool { return w.look.mapped && !w.look.covered }

// finish sends what was drawn.
func (w *Window) finish() error {
	if w.end != nil {
		return w.end
	}
	if len(w.pen.buf) == 0 {
		return nil
	}
	if err := w.pen.mark(); err != nil {
		return w.broken(err)
	}
	return nil
}

// broken notes why the window cannot go on. X errors of drawing are faults of
// ours and told to the caller once.
func (w *Window) broken(err error) error {
	if w.end != nil {
		return w.end
	}
	return err
}

// State applies what the session wants. Full screen, scale and grab count
// when they differ from the State before: the person may have chosen otherwise.
func (w *Window) State(s screen.State) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		return w.end
	}
	was := w.state
	w.state = s
	if s.Title != was.Title {
		w.setTitle(s.Title)
	}
	if s.FullScreen != was.FullScreen && s.FullScreen != w.look.full {
		w.setFull(s.FullScreen)
	}
	if s.Scale != was.Scale {
		w.setScale(s.Scale)
	}
	if s.Grab != was.Grab {
		w.setGrab(s.Grab)
	}
	if s.ViewOnly != was.ViewOnly {
		w.setViewOnly(s.ViewOnly)
	}
	w.setDim(s.DimmedSince)
	return w.finish()
}

// Close takes the window away and ends Events.
func (w *Window) Close() error {
	w.pen.close() // ends a Draw that waits for a server that hangs
	w.x.close()
	w.out.drop()
	<-w.pumped
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end = fmt.Errorf("x11 window: %w", net.ErrClosed)
	if w.look.dimmer != nil {
		w.look.dimmer.Stop()
	}
	w.store.dropped = true
	w.store.release()
	return nil
}

// leave ends the window from the inside: the person closed it, or the server
// has gone. Called under mu.
func (w *Window) leave(err error) {
	if w.end == nil {
		w.end = err
	}
	w.out.end()
}

// describe sets the properties that window managers read.
func (w *Window) describe(title string) {
	x, a := w.x, w.atoms
	set := func(property, kind xproto.Atom, b []byte) {
		xproto.ChangeProperty(x.Conn, xproto.PropModeReplace, w.win, property, kind, 8, uint32(len(b)), b)
	}
	words := func(property, kind xproto.Atom, v ...uint32) {
		var b []byte
		for _, u := range v {
			b = append(b, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
		}
		xproto.ChangeProperty(x.Conn, xproto.PropModeReplace, w.win, property, kind, 32, uint32(len(v)), b)
	}
	set(xproto.AtomWmClass, xproto.AtomString, []byte("sightline\x00Sightline\x00"))
	words(a.protocols, xproto.AtomAtom, uint32(a.deleteWindow))
	words(a.pid, xproto.AtomCardinal, uint32(os.Getpid()))
	// WM_HINTS (ICCCM 4.1.2.4): flags InputHint, input true.
	words(xproto.AtomWmHints, xproto.AtomWmHints, 1, 1, 0, 0, 0, 0, 0, 0, 0)
	w.setTitle(title)
}

// maxTitle is how long a title may be, in bytes; it comes from the other side.
const maxTitle = 256

func (w *Window) setTitle(s string) {
	b := []byte(s)
	b = b[:min(len(b), maxTitle)]
	xproto.ChangeProperty(w.x.Conn, xproto.PropModeReplace, w.win, w.atoms.netName, w.atoms.utf8, 8, uint32(len(b)), b)
	xproto.ChangeProperty(w.x.Conn, xproto.PropModeReplace, w.win, xproto.AtomWmName, w.atoms.utf8, 8, uint32(len(b)), b)
}
