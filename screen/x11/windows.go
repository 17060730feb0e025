package x11

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// WindowsOptions of a Windows.
type WindowsOptions struct {
	Display   string   // "": DISPLAY
	Authority string   // file with the cookie; "": XAUTHORITY, else ~/.Xauthority
	Windows   []string // which: a part of the title, the class, or the ID as 0x…
	MaxFPS    int      // frames per second at most; 0: 60
	NoSHM     bool     // read through the socket even if memory could be shared
	Log       *slog.Logger
}

// Windows is a Source of single windows, one picture each, where they stand on
// the display: their own pixels whatever covers them, with the menus and dialogs
// that belong to them, and nothing else.
//
//	structure events ─ pump ─► noted ─► Next: survey ─► Layout, Group (the fence)
//	damage events    ─ pump ─► noted ─► Next: member.look ─► share.compose ─► Change
//
// As with Source, events are only noted; everything else is done by Next, so
// nothing runs while nobody watches.
type Windows struct {
	// Static after construction.
	x     *client
	a     *asker // Next's
	opt   WindowsOptions
	log   *slog.Logger
	names names
	group *Group
	gap   time.Duration
	wake  chan struct{} // of one
	ended chan struct{} // closed by pump

	mu      sync.Mutex // guards what follows
	noted   sights
	sizes   map[xproto.Window]sized         // of the windows that are watched
	menus   map[xproto.Window]xproto.Window // menus without a word of whose they are, and the shared window
	mains   []xproto.Window
	closing bool

	busy sync.Mutex // held by Next; Close takes it
	turn sync.Mutex // guards what follows: held while Next looks, and by Share and Unshare; taken after busy, before mu

	shares   []*share
	next     screen.PictureID // of the next share
	told     bool
	pending  sights
	first    time.Time // when damage was noticed that was not read yet
	shot     time.Time
	surveyed time.Time
	burst    burst
	cursor   cursorWatch
	over     screen.PictureID // where the pointer was seen
	timer    *time.Timer
}

// sights are what events told since they were last looked at.
type sights struct {
	drew     map[xproto.Window]bool
	stale    map[xproto.Window]bool // their memory is another one
	moved    bool                   // something came, went or is elsewhere
	reshaped bool                   // the pointer
}

type sized struct {
	outer         xproto.Window
	w, h, borders uint16
}

// OpenWindows opens windows for watching. Errors are *NoWindow, or wrap
// screen.ErrNoDisplay.
func OpenWindows(o WindowsOptions) (*Windows, error) {
	x, err := connect(o.Display, o.Authority)
	if err != nil {
		return nil, err
	}
	if o.MaxFPS <= 0 {
		o.MaxFPS = defaultFPS
	}
	s := &Windows{
		x: x, opt: o, log: silent(o.Log), group: &Group{}, gap: time.Second / time.Duration(o.MaxFPS),
		wake: make(chan struct{}, 1), ended: make(chan struct{}), timer: time.NewTimer(time.Hour),
		sizes: map[xproto.Window]sized{}, menus: map[xproto.Window]xproto.Window{}, noted: noSights(), pending: noSights(),
	}
	if err := s.prepare(); err != nil {
		s.hangUp()
		x.drain()
		return nil, err
	}
	go s.pump()
	return s, nil
}

// Wake is that of a Source: a screen saver's window covers all others.
func (s *Windows) Wake() { s.x.wakeUp() }

func noSights() sights {
	return sights{drew: map[xproto.Window]bool{}, stale: map[xproto.Window]bool{}}
}

func (s *Windows) prepare() (err error) {
	if err := s.x.use("XFIXES", "DAMAGE", "Composite"); err != nil {
		return fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
	}
	s.x.use("DPMS") // can be done without
	if err := s.agree(); err != nil {
		return fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
	}
	if s.a, err = newAsker(s.opt.Display, s.opt.Authority); err != nil {
		return fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
	}
	s.cursor = cursorWatch{x: s.x, a: s.a}
	if s.names, err = s.x.internNames(); err != nil {
		return err
	}
	all, err := s.x.toplevels(s.names)
	if err != nil {
		return err
	}
	for _, pattern := range s.opt.Windows {
		t, err := pick(all, pattern)
		if err != nil {
			return err
		}
		if err := s.add(*t, pattern); err != nil {
			return err
		}
	}
	return s.survey(time.Now())
}

// Group is what an Injector's fence goes by.
func (s *Windows) Group() *Group { return s.group }

// Shared tells what is shared, for a person.
func (s *Windows) Shared() string {
	s.turn.Lock()
	defer s.turn.Unlock()
	var list []string
	for _, sh := range s.shares {
		list = append(list, fmt.Sprintf("%s %dx%d", sh.class, sh.rect.Dx(), sh.rect.Dy()))
	}
	if len(list) == 0 {
		return "none now"
	}
	return strings.Join(list, ", ")
}

// pump notes events until the connection ends.
func (s *Windows) pump() {
	defer close(s.ended)
	for {
		ev, xerr := s.x.WaitForEvent()
		if ev == nil && xerr == nil {
			return
		}
		if m, ok := ev.(xproto.MapNotifyEvent); ok && m.OverrideRedirect && m.Event == s.x.root {
			s.judge(m.Window) // now: what has the focus changes
		}
		s.note(ev)
	}
}

func (s *Windows) note(ev any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := ev.(type) {
	case damage.NotifyEvent:
		s.noted.drew[xproto.Window(e.Drawable)] = true
	case xfixes.CursorNotifyEvent:
		s.noted.reshaped = true
	case xproto.ConfigureNotifyEvent:
		s.noteSizeLocked(e)
	case xproto.MapNotifyEvent:
		s.noteShownLocked(e.Window)
	case xproto.UnmapNotifyEvent:
		delete(s.menus, e.Window)
		s.noteShownLocked(e.Window)
	case xproto.DestroyNotifyEvent, xproto.ReparentNotifyEvent, xproto.GravityNotifyEvent:
		s.noted.moved = true
	default:
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// noteSizeLocked: a size that is new means new memory.
func (s *Windows) noteSizeLocked(e xproto.ConfigureNotifyEvent) {
	s.noted.moved = true
	was, ok := s.sizes[e.Window]
	if !ok || e.Event != e.Window || was.w == e.Width && was.h == e.Height && was.borders == e.BorderWidth {
		return
	}
	s.sizes[e.Window] = sized{was.outer, e.Width, e.Height, e.BorderWidth}
	s.noted.stale[e.Window] = true
}

// noteShownLocked: what is shown, itself or its frame, has new memory.
func (s *Windows) noteShownLocked(w xproto.Window) {
	s.noted.moved = true
	for win, is := range s.sizes {
		if win == w || is.outer == w {
			s.noted.stale[win] = true
		}
	}
}

// Next waits for a change; see screen.Source.
func (s *Windows) Next(ctx context.Context, c *screen.Change) error {
	s.busy.Lock()
	defer s.busy.Unlock()
	return nextChange(ctx, s, bell{s.wake, s.ended, s.timer}, c)
}

func (s *Windows) attempt(c *screen.Change) (bool, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	now := time.Now()
	s.collect(now)
	if s.pending.moved && !now.Before(s.surveyDue()) || !s.told || s.narrows(now) {
		if err := s.survey(now); err != nil {
			return false, err
		}
		if !s.told {
			s.told = true
			c.Layout = s.layout()
		}
	}
	if s.anyWhole() || len(s.pending.drew) > 0 && !now.Before(s.frameDue()) {
		if err := s.look(now); err != nil {
			return false, err
		}
	}
	if s.handOut(c, now) || c.Layout != nil {
		return true, nil
	}
	return s.point(c, now)
}

func (s *Windows) collect(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.noted.drew) > 0 && len(s.pending.drew) == 0 {
		s.first = now
		s.burst.begin(now)
	}
	for w := range s.noted.drew {
		s.pending.drew[w] = true
	}
	for w := range s.noted.stale {
		s.pending.stale[w] = true
	}
	s.pending.moved = s.pending.moved || s.noted.moved
	s.pending.reshaped = s.pending.reshaped || s.noted.reshaped
	clear(s.noted.drew)
	clear(s.noted.stale)
	s.noted.moved, s.noted.reshaped = false, false
}

func (s *Windows) frameDue() time.Time {
	due := s.shot.Add(s.gap)
	if whole := s.burst.whole(s.first); whole.After(due) {
		return whole
	}
	return due
}

// surveyDue is when what moved is looked at: a dragged window moves with each
// turn of the mouse.
func (s *Windows) surveyDue() time.Time { return s.surveyed.Add(s.gap) }

// anyWhole tells whether a picture is to be told in full.
func (s *Windows) anyWhole() bool {
	for _, sh := range s.shares {
		if sh.all {
			return true
		}
	}
	return false
}

// look reads what all windows drew.
func (s *Windows) look(now time.Time) error {
	for _, sh := range s.shares {
		if err := sh.look(s.a, s.x.root, s.pending.drew); err != nil {
			return err
		}
	}
	clear(s.pending.drew) // of windows that are gone, too
	s.shot = now
	s.burst.end(s.first, now)
	return nil
}

// handOut tells of one picture that changed; the others come with the next calls.
func (s *Windows) handOut(c *screen.Change, now time.Time) bool {
	for _, sh := range s.shares {
		if c.Damage = sh.changed(c.Damage); !c.Damage.Empty() {
			sh.diff.last.At = now
			c.Picture, c.Frame = sh.id, sh.diff.last
			return true
		}
	}
	return false
}

// point tells of the pointer, in the picture that it is in.
func (s *Windows) point(c *screen.Change, now time.Time) (bool, error) {
	if len(s.shares) == 0 || !s.pending.reshaped && now.Before(s.cursor.due()) {
		return false, nil
	}
	reshaped := s.pending.reshaped
	s.pending.reshaped = false
	where, err := s.a.pointer(uint32(s.x.root))
	if err != nil {
		return false, err
	}
	var shape *screen.CursorShape
	if reshaped || !s.cursor.known {
		if shape, err = s.cursor.shape(); err != nil {
			return false, err
		}
	}
	at := s.shares[0]
	for _, sh := range s.shares {
		if where.at.In(sh.rect) {
			at = sh
		}
	}
	if at.id != s.over {
		s.over, s.cursor.at = at.id, where.at.Sub(at.rect.Min).Add(where.at) // somewhere else for certain
	}
	if c.Cursor = s.cursor.see(where, at.rect, shape, now); c.Cursor != nil {
		c.Cursor.Picture = at.id
	}
	return c.Cursor != nil, nil
}

// due is when the pointer or a frame is, or a look at what moved.
func (s *Windows) due() time.Time {
	s.turn.Lock()
	defer s.turn.Unlock()
	due := s.cursor.due()
	if next := s.frameDue(); len(s.pending.drew) > 0 && next.Before(due) {
		due = next
	}
	if next := s.surveyDue(); s.pending.moved && next.Before(due) {
		due = next
	}
	for _, sh := range s.shares {
		if next := sh.narrowing(); !next.IsZero() && next.Before(due) {
			due = next
		}
	}
	return due
}

func (s *Windows) narrows(now time.Time) bool {
	for _, sh := range s.shares {
		if due := sh.narrowing(); !due.IsZero() && !now.Before(due) {
			return true
		}
	}
	return false
}

func (s *Windows) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

func (s *Windows) fault(err error) error {
	if s.isClosing() {
		return fmt.Errorf("x11 windows: %w", net.ErrClosed)
	}
	return lost(err)
}

func (s *Windows) hangUp() {
	s.x.close()
	if s.a != nil {
		s.a.close()
	}
}

// Close ends a Next that runs, and frees everything. It may be called from
// another goroutine and more than once. The server forgets the rest with the
// connection.
func (s *Windows) Close() error {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.hangUp()
	<-s.ended
	s.x.drain()
	s.busy.Lock()
	defer s.busy.Unlock()
	s.turn.Lock()
	defer s.turn.Unlock()
	for _, sh := range s.shares {
		for _, m := range sh.members() {
			m.grab.close()
		}
	}
	s.timer.Stop()
	return nil
}
