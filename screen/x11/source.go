package x11

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb/dpms"
	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// Options of a Source.
type Options struct {
	Display   string // "": DISPLAY
	Authority string // file with the cookie; "": XAUTHORITY, else ~/.Xauthority
	Screen    string // RandR output, or a region as 1280x720+100+50; "" or "all": the whole root window
	MaxFPS    int    // frames per second at most; 0: 60
	NoSHM     bool   // read through the socket even if memory could be shared
	Log       *slog.Logger
}

const defaultFPS = 60

// Source watches a screen of an X server.
//
// Two goroutines wait for events and only note them, hear those of damage, of
// which there are many, and pump all others; everything is read in Next, by
// whoever calls it, at that caller's pace: damage that comes while nobody asks
// adds up inside the server and costs nothing here.
//
//	damage on the server ─ event ─► damaged ─► Next: Subtract, FetchRegion ─►
//	few boxes ─ GetImage ─► differ (last picture) ─► Change
type Source struct {
	// Static after construction.
	x     *client
	a     *asker // Next's, after construction
	ear   *asker // hear's
	opt   Options
	log   *slog.Logger
	gap   time.Duration // between frames, at least
	wake  chan struct{} // of one: something was noted
	ended chan struct{} // closed by pump when the connection has ended
	deaf  chan struct{} // closed by hear

	hurry atomic.Int64 // no damage is gathered until then, UnixNano

	mu      sync.Mutex // guards noted and closing
	noted   noted
	closing bool

	busy sync.Mutex // held by Next; Close takes it before it frees the memory

	// Owned by Next.
	told    bool            // the layout and picture of this area were handed out
	area    image.Rectangle // of the root window
	grab    *grabber
	diff    *differ
	cursor  cursorWatch
	pending noted
	shot    time.Time // of the last frame, or shortly before: see shoot
	first   time.Time // when damage was noticed that was not read yet
	burst   burst
	timer   *time.Timer
	read    taker // take
}

// noted is what events told since it was last looked at.
type noted struct{ damaged, reshaped, resized bool }

// OpenSource opens a screen for watching. Errors wrap screen.ErrNoDisplay.
func OpenSource(o Options) (*Source, error) {
	x, err := connect(o.Display, o.Authority)
	if err != nil {
		return nil, err
	}
	s, err := newSource(x, o)
	if err != nil {
		s.hangUp()
		x.drain()
		return nil, fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
	}
	go s.pump()
	go s.hear()
	return s, nil
}

func newSource(x *client, o Options) (*Source, error) {
	if o.MaxFPS <= 0 {
		o.MaxFPS = defaultFPS
	}
	s := &Source{
		x: x, opt: o, log: silent(o.Log), gap: time.Second / time.Duration(o.MaxFPS),
		wake: make(chan struct{}, 1), ended: make(chan struct{}), deaf: make(chan struct{}), timer: time.NewTimer(time.Hour),
	}
	s.read = s.take        // made once: a method value is an object
	x.use("RANDR", "DPMS") // can be done without
	if err := x.use("XFIXES"); err != nil {
		return s, err
	}
	if _, err := xfixes.QueryVersion(x.Conn, 4, 0).Reply(); err != nil {
		return s, err
	}
	var err error
	if s.a, err = newAsker(o.Display, o.Authority); err != nil {
		return s, err
	}
	if s.ear, err = newAsker(o.Display, o.Authority); err != nil {
		return s, err
	}
	s.cursor = cursorWatch{x: x, a: s.a}
	if err := s.subscribe(); err != nil {
		return s, err
	}
	return s, s.measure()
}

// subscribe asks for events before the first picture is read, so that nothing
// falls between.
func (s *Source) subscribe() error {
	s.x.watchOutputs()
	err := xfixes.SelectCursorInputChecked(s.x.Conn, s.x.root, xfixes.CursorNotifyMaskDisplayCursor).Check()
	if err != nil {
		return err
	}
	return s.ear.attend(uint32(s.x.root))
}

// hangUp ends all connections. What waits for the server goes on with an error.
func (s *Source) hangUp() {
	s.x.close()
	for _, a := range []*asker{s.a, s.ear} {
		if a != nil {
			a.close()
		}
	}
}

// measure finds the picture's place and size, and makes memory for it.
func (s *Source) measure() error {
	area, err := s.x.area(s.opt.Screen)
	if err != nil {
		return err
	}
	if err := screen.CheckSize(area.Dx(), area.Dy()); err != nil {
		return err
	}
	f, err := s.x.formatOf(s.x.screen.RootDepth, s.x.screen.RootVisual)
	if err != nil {
		return err
	}
	s.grab.close()
	s.area = area
	s.grab = newGrabber(s.a, uint32(s.x.root), f, area.Size(), s.opt.NoSHM, s.log)
	s.diff = newDiffer(area.Size())
	return nil
}

// Wake switches the monitors on and ends the screen saver, if they sleep: a viewer
// that came must see something. It waits for no answer, so a server that hangs
// holds up nobody. It may be called by any goroutine. A screen that is locked
// stays so.
func (s *Source) Wake() { s.x.wakeUp() }

func (c *client) wakeUp() {
	xproto.ForceScreenSaver(c.Conn, xproto.ScreenSaverReset)
	if c.has("DPMS") {
		dpms.ForceLevel(c.Conn, dpms.DPMSModeOn) // refused where power saving is switched off
	}
}

// Size is that of the picture when the Source was opened, in px.
func (s *Source) Size() image.Point { return s.area.Size() }

// pump notes events until the connection ends.
func (s *Source) pump() {
	defer close(s.ended)
	for {
		ev, xerr := s.x.WaitForEvent()
		if ev == nil && xerr == nil {
			return
		}
		switch ev.(type) {
		case xfixes.CursorNotifyEvent:
			s.note(noted{reshaped: true})
		case randr.ScreenChangeNotifyEvent, randr.NotifyEvent, xproto.ConfigureNotifyEvent:
			s.note(noted{resized: true})
		}
	}
}

// hear notes damage until its connection ends.
func (s *Source) hear() {
	defer close(s.deaf)
	s.ear.hear(func() { s.note(noted{damaged: true}) })
}

func (s *Source) note(n noted) {
	s.mu.Lock()
	s.noted.add(n)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (n *noted) add(m noted) {
	n.damaged = n.damaged || m.damaged
	n.reshaped = n.reshaped || m.reshaped
	n.resized = n.resized || m.resized
}

// hurry is how long after Hurry nothing is gathered.
const hurry = 250 * time.Millisecond

// Hurry tells that somebody is about to act on this display: what changes
// within the next 250 ms is read at once. It may be called by any goroutine.
func (s *Source) Hurry() { s.hurry.Store(time.Now().Add(hurry).UnixNano()) }

// frameDue is when damage that was noticed is read.
func (s *Source) frameDue() time.Time {
	due := s.shot.Add(s.gap)
	if s.first.UnixNano() < s.hurry.Load() {
		return due
	}
	if whole := s.burst.whole(s.first); whole.After(due) {
		return whole
	}
	return due
}

// Next waits for a change. What is drawn is read when it is whole, within 7 ms,
// at most MaxFPS times a second and only when asked for.
func (s *Source) Next(ctx context.Context, c *screen.Change) error {
	s.busy.Lock()
	defer s.busy.Unlock()
	return nextChange(ctx, s, bell{s.wake, s.ended, s.timer}, c)
}

// attempt looks once at everything that may have changed.
func (s *Source) attempt(c *screen.Change) (found bool, err error) {
	now := time.Now()
	s.collect(now)
	switch {
	case !s.told || s.pending.resized:
		return s.begin(c, now)
	case s.pending.damaged && !now.Before(s.frameDue()):
		if found, err = s.frame(c, now); found || err != nil {
			return found, err
		}
	}
	if s.pending.reshaped || !now.Before(s.cursor.due()) {
		reshaped := s.pending.reshaped
		s.pending.reshaped = false
		c.Cursor, err = s.cursor.look(s.area, reshaped, now)
	}
	return c.Cursor != nil, err
}

func (s *Source) collect(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noted.damaged && !s.pending.damaged {
		s.first = now
		s.burst.begin(now)
	}
	s.pending.add(s.noted)
	s.noted = noted{}
}

// begin reads everything: at the start and after a change of size. RandR sends
// several events for one change; those that changed nothing end here.
func (s *Source) begin(c *screen.Change, now time.Time) (bool, error) {
	s.pending.resized = false
	if err := s.locate(); err != nil || s.told {
		return false, err
	}
	if err := s.readAll(now); err != nil {
		return false, s.shrunk(err)
	}
	s.told = true
	c.Layout = &screen.Layout{Pictures: []screen.Picture{{Name: s.name(), Rect: s.area}}}
	c.Frame, c.Damage = s.diff.last, append(c.Damage, s.diff.last.Rect)
	return true, nil
}

// name is what a viewer's list of pictures shows.
func (s *Source) name() string {
	name := s.opt.Screen
	if name == "" {
		name = "display " + cmp.Or(s.opt.Display, os.Getenv("DISPLAY"))
	}
	return name[:min(len(name), screen.MaxName)]
}

// locate measures again if the picture's place or size has changed.
func (s *Source) locate() error {
	area, err := s.x.area(s.opt.Screen)
	var gone *errNoOutput
	if errors.As(err, &gone) {
		return fmt.Errorf("%w: %w", screen.ErrDisplayLost, err)
	}
	if err != nil || area == s.area {
		return err
	}
	s.told = false
	s.cursor.known = false
	return s.measure()
}

// shrunk turns the error of reading outside a screen that has just become
// smaller into one more look at its size.
func (s *Source) shrunk(err error) error {
	var x *xError
	if !errors.As(err, &x) || !x.outside() {
		return err
	}
	area, sizeErr := s.x.area(s.opt.Screen)
	if sizeErr != nil {
		return sizeErr
	}
	if area == s.area {
		return err
	}
	s.pending.resized = true
	return nil
}

func (s *Source) readAll(now time.Time) error {
	s.a.empty(s.ear.watch)
	s.pending.damaged, s.shot = false, now
	if err := s.grab.read([]image.Rectangle{s.area}, s.read); err != nil {
		return err
	}
	s.diff.region(nil) // everything is told anyway
	s.diff.last.At = now
	return nil
}

// take is in coordinates of the root window, the picture in its own.
func (s *Source) take(box image.Rectangle, pix []byte, stride int) {
	s.diff.take(box.Sub(s.area.Min), pix, stride)
}

// shoot notes that a frame is read at now. One that came late does not delay
// the next: what is drawn as often as may be read would from then on be read a
// moment before it is drawn again, and where drawing is not quite regular every
// tenth frame be lost.
func (s *Source) shoot(now time.Time) {
	s.shot = s.shot.Add(s.gap)
	if late := now.Add(-s.gap / 2); s.shot.Before(late) {
		s.shot = late
	}
}

// frame takes the damage from the server and reads these boxes.
func (s *Source) frame(c *screen.Change, now time.Time) (found bool, err error) {
	s.pending.damaged = false
	s.shoot(now)
	s.burst.end(s.first, now)
	boxes, err := s.a.take(s.ear.watch, uint32(s.x.root), s.area)
	if err != nil {
		return false, err
	}
	if err := s.grab.read(boxes, s.read); err != nil {
		return false, s.shrunk(err)
	}
	c.Damage = s.diff.region(c.Damage)
	if c.Damage.Empty() {
		return false, nil
	}
	s.diff.last.At = now
	c.Frame = s.diff.last
	if s.cursor.known {
		c.Cursor = s.cursor.see(s.a.at, s.area, nil, now)
	}
	return true, nil
}

// due is when the pointer or a frame is.
func (s *Source) due() time.Time {
	if s.pending.resized {
		return time.Time{}
	}
	due := s.cursor.due()
	if next := s.frameDue(); s.pending.damaged && next.Before(due) {
		due = next
	}
	return due
}

func (s *Source) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// fault tells an end that we caused from one that the server did.
func (s *Source) fault(err error) error {
	if s.isClosing() {
		return fmt.Errorf("x11 source: %w", net.ErrClosed)
	}
	return lost(err)
}

// Close ends a Next that runs, and frees everything. It may be called from
// another goroutine and more than once.
func (s *Source) Close() error {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.hangUp()
	<-s.ended
	<-s.deaf
	s.x.drain()
	s.busy.Lock()
	defer s.busy.Unlock()
	s.grab.close()
	s.timer.Stop()
	return nil
}
