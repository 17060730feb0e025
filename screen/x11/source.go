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
	"time"

	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// Options of a Source.
type Options struct {
	Display   string // "": DISPLAY
	Authority string // file with the cookie; "": XAUTHORITY, else ~/.Xauthority
	Screen    string // RandR output; "": the whole root window
	MaxFPS    int    // frames per second at most; 0: 60
	NoSHM     bool   // read through the socket even if memory could be shared
	Log       *slog.Logger
}

const defaultFPS = 60

// Source watches a screen of an X server.
//
// One goroutine (pump) waits for events and only notes them; everything is
// read in Next, by whoever calls it, at that caller's pace: damage that comes
// while nobody asks adds up inside the server and costs nothing here.
//
//	damage on the server ─ event ─► damaged ─► Next: Subtract, FetchRegion ─►
//	boxes ─ GetImage ─► differ (last picture) ─► Change
type Source struct {
	// Static after construction.
	x      *client
	opt    Options
	log    *slog.Logger
	gap    time.Duration // between frames, at least
	watch  damage.Damage
	region xfixes.Region
	wake   chan struct{} // of one: something was noted
	ended  chan struct{} // closed by pump when the connection has ended

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
	shot    time.Time // of the last frame
	timer   *time.Timer
	boxes   []image.Rectangle
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
		x.close()
		x.drain()
		return nil, fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
	}
	go s.pump()
	return s, nil
}

func newSource(x *client, o Options) (*Source, error) {
	if o.MaxFPS <= 0 {
		o.MaxFPS = defaultFPS
	}
	s := &Source{
		x: x, opt: o, log: silent(o.Log), gap: time.Second / time.Duration(o.MaxFPS),
		wake: make(chan struct{}, 1), ended: make(chan struct{}), timer: time.NewTimer(time.Hour),
		cursor: cursorWatch{x: x},
	}
	x.use("MIT-SHM", "RANDR") // both can be done without
	if err := x.use("XFIXES", "DAMAGE"); err != nil {
		return nil, err
	}
	if _, err := xfixes.QueryVersion(x.Conn, 4, 0).Reply(); err != nil {
		return nil, err
	}
	if _, err := damage.QueryVersion(x.Conn, 1, 1).Reply(); err != nil {
		return nil, err
	}
	if x.has("MIT-SHM") {
		if _, err := shm.QueryVersion(x.Conn).Reply(); err != nil {
			return nil, err
		}
	}
	if err := s.subscribe(); err != nil {
		return nil, err
	}
	return s, s.measure()
}

// subscribe asks for events before the first picture is read, so that nothing
// falls between. NonEmpty is one event however much is drawn.
func (s *Source) subscribe() error {
	id, err := damage.NewDamageId(s.x.Conn)
	if err != nil {
		return err
	}
	if s.region, err = xfixes.NewRegionId(s.x.Conn); err != nil {
		return err
	}
	s.watch = id
	s.x.watchOutputs()
	xfixes.SelectCursorInput(s.x.Conn, s.x.root, xfixes.CursorNotifyMaskDisplayCursor)
	xfixes.CreateRegion(s.x.Conn, s.region, nil)
	return damage.CreateChecked(s.x.Conn, id, xproto.Drawable(s.x.root), damage.ReportLevelNonEmpty).Check()
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
	s.grab = newGrabber(s.x, f, area.Size(), s.opt.NoSHM, s.log)
	s.diff = newDiffer(area.Size())
	return nil
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
		s.mu.Lock()
		switch ev.(type) {
		case damage.NotifyEvent:
			s.noted.damaged = true
		case xfixes.CursorNotifyEvent:
			s.noted.reshaped = true
		case randr.ScreenChangeNotifyEvent, randr.NotifyEvent, xproto.ConfigureNotifyEvent:
			s.noted.resized = true
		default:
			s.mu.Unlock()
			continue
		}
		s.mu.Unlock()
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// Next waits for a change. The first frame after a quiet time is read at once,
// the following ones at most MaxFPS times a second and only when asked for.
func (s *Source) Next(ctx context.Context, c *screen.Change) error {
	s.busy.Lock()
	defer s.busy.Unlock()
	c.Reset()
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if s.isClosing() {
			return s.fault(nil)
		}
		found, err := s.attempt(c)
		if err != nil {
			return s.fault(err)
		}
		if found {
			return nil
		}
		if err := s.await(ctx); err != nil {
			return err
		}
	}
}

// attempt looks once at everything that may have changed.
func (s *Source) attempt(c *screen.Change) (found bool, err error) {
	s.collect()
	now := time.Now()
	switch {
	case !s.told || s.pending.resized:
		return s.begin(c, now)
	case s.pending.damaged && now.Sub(s.shot) >= s.gap:
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

func (s *Source) collect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending.damaged = s.pending.damaged || s.noted.damaged
	s.pending.reshaped = s.pending.reshaped || s.noted.reshaped
	s.pending.resized = s.pending.resized || s.noted.resized
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
	if _, outside := err.(xproto.MatchError); !outside {
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
	damage.Subtract(s.x.Conn, s.watch, 0, 0)
	s.pending.damaged, s.shot = false, now
	s.boxes = append(s.boxes[:0], s.area)
	if err := s.grab.read(s.boxes, s.take); err != nil {
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

// frame takes the damage from the server and reads these boxes.
func (s *Source) frame(c *screen.Change, now time.Time) (bool, error) {
	s.pending.damaged, s.shot = false, now
	damage.Subtract(s.x.Conn, s.watch, 0, s.region)
	r, err := xfixes.FetchRegion(s.x.Conn, s.region).Reply()
	if err != nil {
		return false, err
	}
	s.boxes = simplify(s.boxes[:0], r.Rectangles, s.area)
	if err := s.grab.read(s.boxes, s.take); err != nil {
		return false, s.shrunk(err)
	}
	c.Damage = s.diff.region(c.Damage)
	if c.Damage.Empty() {
		return false, nil
	}
	s.diff.last.At = now
	c.Frame = s.diff.last
	// What was drawn often follows the pointer, or the pointer it.
	s.cursor.asked = time.Time{}
	return true, nil
}

// simplify cuts boxes to the area, and makes fewer of many: 200 small requests
// cost more than the pixels between them.
func simplify(dst []image.Rectangle, boxes []xproto.Rectangle, area image.Rectangle) []image.Rectangle {
	r := screen.Region(dst)
	for _, b := range boxes {
		at := image.Pt(int(b.X), int(b.Y))
		r = r.Add(image.Rectangle{Min: at, Max: at.Add(image.Pt(int(b.Width), int(b.Height)))}.Intersect(area))
	}
	return r
}

// await sleeps until an event comes or the pointer or a frame is due.
func (s *Source) await(ctx context.Context) error {
	if s.pending.resized {
		return nil
	}
	due := s.cursor.due()
	if next := s.shot.Add(s.gap); s.pending.damaged && next.Before(due) {
		due = next
	}
	s.timer.Reset(time.Until(due))
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.ended:
		return s.fault(nil)
	case <-s.wake:
	case <-s.timer.C:
	}
	return nil
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
	s.x.close()
	<-s.ended
	s.x.drain()
	s.busy.Lock()
	defer s.busy.Unlock()
	s.grab.close()
	s.timer.Stop()
	return nil
}
