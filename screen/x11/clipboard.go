package x11

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// ClipboardOptions of a Clipboard.
type ClipboardOptions struct {
	Display   string // "": DISPLAY
	Authority string // file with the cookie; "": XAUTHORITY, else ~/.Xauthority
	// Group is the list of shared windows, of a Windows: only what is copied there is
	// told. nil: everything is.
	Group *Group
	Log   *slog.Logger
}

// Clipboard is the two selections of a display, CLIPBOARD and PRIMARY (ICCCM,
// section 2), as they change while Listen is on.
//
//	a program copies ──► XFIXES tells ──► TARGETS? ──► text or PNG? ──► Clips
//	Put ──► we own the selection ──► a program asks ──► property, or INCR in pieces
//
// Selections live in the programs that own them, and all talk about them is
// asynchronous: one goroutine (run) keeps the state, another (pump) reads events.
type Clipboard struct {
	// Static after construction.
	x      *client
	log    *slog.Logger
	fence  *fence // nil: everything is told
	win    xproto.Window
	atoms  clipAtoms
	events chan xgb.Event
	wake   chan struct{} // of one: there are orders
	out    chan screen.Clip
	quit   chan struct{} // closed by Close
	ended  chan struct{} // closed when run has ended
	pumped chan struct{}

	mu sync.Mutex
	// Guarded by mu: what the next turn of run does. Nobody waits for it, since
	// a server that is stopped must not stop the session with it.
	listen bool
	puts   [2]*screen.Clip

	// Owned by run.
	hears  bool
	fetch  *fetch              // what is being read now; nil: nothing
	sides  [2]side             // CLIPBOARD, PRIMARY
	rings  int                 // of the next property to read into
	sends  []*sending          // pieces that we owe
	handed map[int]screen.Clip // not taken from out yet
	timer  *time.Timer         // of fetch, or of the next one
}

// side is one selection.
type side struct {
	owned *owned           // what Put brought and nobody has replaced; nil: nothing
	dirty bool             // changed and not read yet
	since xproto.Timestamp // of that change
	next  time.Time        // not to be read before
}

// fetchEach is how often a selection is read at most: PRIMARY changes with
// every move of a hand that marks text, and 5 a second are allowed on the wire.
const fetchEach = 200 * time.Millisecond

// OpenClipboard opens the clipboard of a display. Errors wrap screen.ErrNoDisplay.
func OpenClipboard(o ClipboardOptions) (*Clipboard, error) {
	x, err := connect(o.Display, o.Authority)
	if err != nil {
		return nil, err
	}
	c := &Clipboard{
		x: x, log: silent(o.Log), events: make(chan xgb.Event, 64), wake: make(chan struct{}, 1), out: make(chan screen.Clip),
		quit: make(chan struct{}), ended: make(chan struct{}), pumped: make(chan struct{}),
		handed: map[int]screen.Clip{}, timer: time.NewTimer(time.Hour),
	}
	if o.Group != nil {
		c.fence = &fence{x: x, group: o.Group}
	}
	if err := c.prepare(); err != nil {
		x.close()
		x.drain()
		return nil, fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
	}
	go c.pump()
	go c.run()
	return c, nil
}

// OpenClipboard opens that of the display on which the window is.
func (w *Window) OpenClipboard() (screen.Clipboard, error) {
	c, err := OpenClipboard(ClipboardOptions{Display: w.opt.Display, Authority: w.opt.Authority, Log: w.log})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// prepare makes the window that owns and asks, and watches both selections.
func (c *Clipboard) prepare() (err error) {
	if err := c.x.use("XFIXES"); err != nil {
		return err
	}
	if _, err := xfixes.QueryVersion(c.x.Conn, 4, 0).Reply(); err != nil {
		return err
	}
	if c.atoms, err = c.x.internClip(); err != nil {
		return err
	}
	if c.win, err = xproto.NewWindowId(c.x.Conn); err != nil {
		return err
	}
	xproto.CreateWindow(c.x.Conn, 0, c.win, c.x.root, -1, -1, 1, 1, 0, xproto.WindowClassInputOnly, 0,
		xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{1, xproto.EventMaskPropertyChange})
	for _, sel := range c.atoms.selections {
		xfixes.SelectSelectionInput(c.x.Conn, c.win, sel, xfixes.SelectionEventMaskSetSelectionOwner)
	}
	_, err = xproto.GetInputFocus(c.x.Conn).Reply() // all of it has been done
	return err
}

// pump hands events to run until the connection ends. Errors are dropped: they
// tell of windows that closed while we answered them.
func (c *Clipboard) pump() {
	defer close(c.pumped)
	defer close(c.events)
	for {
		ev, xerr := c.x.WaitForEvent()
		switch {
		case ev == nil && xerr == nil:
			return
		case ev == nil:
			continue
		}
		select {
		case c.events <- ev:
		case <-c.quit:
			c.x.drain()
			return
		}
	}
}

func (c *Clipboard) run() {
	defer close(c.ended)
	defer close(c.out)
	for {
		out, n, clip := c.offer()
		select {
		case ev, ok := <-c.events:
			if !ok {
				return
			}
			c.handle(ev)
		case <-c.wake:
			c.obey()
		case out <- clip:
			delete(c.handed, n)
		case <-c.timer.C:
			if c.fetch != nil {
				c.log.Debug("the owner of a selection does not answer")
				c.finish(screen.Clip{})
			}
		case <-c.quit:
			return
		}
		c.begin()
	}
}

// offer is what the reader of Clips gets next; a nil channel if there is nothing.
func (c *Clipboard) offer() (chan screen.Clip, int, screen.Clip) {
	for n, clip := range c.handed {
		return c.out, n, clip
	}
	return nil, 0, screen.Clip{}
}

func (c *Clipboard) handle(ev xgb.Event) {
	switch e := ev.(type) {
	case xfixes.SelectionNotifyEvent:
		if n, ok := c.atoms.side(e.Selection); ok {
			c.changed(n, e)
		}
	case xproto.SelectionNotifyEvent:
		c.converted(e)
	case xproto.SelectionRequestEvent:
		c.serve(e)
	case xproto.SelectionClearEvent:
		if n, ok := c.atoms.side(e.Selection); ok {
			c.sides[n].owned = nil
		}
	case xproto.PropertyNotifyEvent:
		switch {
		case e.Window == c.win && e.State == xproto.PropertyNewValue:
			c.arrived(e.Atom)
		case e.Window != c.win && e.State == xproto.PropertyDelete:
			c.more(e.Window, e.Atom)
		}
	case xproto.DestroyNotifyEvent:
		c.forget(e.Window)
	}
}

// Clips tells what programs copy.
func (c *Clipboard) Clips() <-chan screen.Clip { return c.out }

// Listen has what programs copy from now on read, or nothing.
func (c *Clipboard) Listen(on bool) {
	c.order(func() { c.listen = on })
}

// Put gives the programs of the display something to paste.
func (c *Clipboard) Put(clip screen.Clip) error {
	n := 0
	if clip.Primary {
		n = 1
	}
	c.order(func() { c.puts[n] = &clip })
	select {
	case <-c.ended:
		return lost(nil)
	default:
		return nil
	}
}

func (c *Clipboard) order(what func()) {
	c.mu.Lock()
	what()
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// obey does what was ordered.
func (c *Clipboard) obey() {
	c.mu.Lock()
	listen, puts := c.listen, c.puts
	c.puts = [2]*screen.Clip{}
	c.mu.Unlock()
	if listen != c.hears {
		c.hears, c.fetch = listen, nil
		c.sides[0].dirty, c.sides[1].dirty = false, false
		clear(c.handed)
	}
	for n, clip := range puts {
		if clip != nil {
			c.own(n, *clip)
		}
	}
}

// Close ends Clips. What Put brought cannot be pasted any more.
func (c *Clipboard) Close() error {
	select {
	case <-c.quit:
	default:
		close(c.quit)
	}
	c.x.close()
	<-c.pumped
	<-c.ended
	return nil
}
