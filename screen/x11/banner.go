package x11

import (
	"fmt"
	"image"
	"sync"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// Banner is a Sign: a line of text at the upper edge of the screen, above all
// windows. A click on it moves it to the lower edge, and back. It is part of the
// picture that viewers get.
//
// Whatever covers it is told by VisibilityNotify; where a compositing manager
// draws, which shows every window as a whole to the server, by the changes of
// the windows on the root. Then the banner is raised again, and if others insist
// it gives up and says so. While nothing changes nothing runs.
type Banner struct {
	x      *client
	win    xproto.Window
	gc     xproto.Gcontext // 0: there is no font
	cell   image.Point     // of a character, px
	ascent int
	hidden chan struct{} // of one
	ended  chan struct{} // closed by pump

	mu     sync.Mutex // guards what follows
	words  string     // "": not shown
	low    bool       // at the lower edge
	raised []time.Time
}

var _ screen.Sign = (*Banner)(nil)

// Others may cover the banner so often within insist; then it gives up.
const (
	insist     = 2 * time.Second
	raisesMost = 8
)

// bannerColour behind the text, bannerInk of it: red says that something is on.
const (
	bannerColour = 0xa02020
	bannerInk    = 0xffffff
	bannerMargin = 8 // px beside the text
)

// OpenBanner connects to a display; nothing is shown yet.
func OpenBanner(display, authority string) (*Banner, error) {
	x, err := connect(display, authority)
	if err != nil {
		return nil, err
	}
	b := &Banner{x: x, hidden: make(chan struct{}, 1), ended: make(chan struct{})}
	if err := b.equip(); err != nil {
		x.close()
		x.drain()
		return nil, fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
	}
	go b.pump()
	return b, nil
}

// equip makes the window, unmapped, and what is drawn with.
func (b *Banner) equip() (err error) {
	c := b.x.Conn
	f, err := b.x.formatOf(b.x.screen.RootDepth, b.x.screen.RootVisual)
	if err != nil {
		return err
	}
	colour := func(v uint32) uint32 { return f.pixel(byte(v), byte(v>>8), byte(v>>16)) }
	if b.win, err = xproto.NewWindowId(c); err != nil {
		return err
	}
	err = xproto.CreateWindowChecked(c, b.x.screen.RootDepth, b.win, b.x.root, 0, 0, 1, 1, 0,
		xproto.WindowClassInputOutput, b.x.screen.RootVisual, xproto.CwBackPixel|xproto.CwOverrideRedirect|xproto.CwEventMask,
		[]uint32{colour(bannerColour), 1, xproto.EventMaskExposure | xproto.EventMaskVisibilityChange |
			xproto.EventMaskStructureNotify | xproto.EventMaskButtonPress}).Check()
	if err != nil {
		return err
	}
	const title = "sightline: somebody watches this screen"
	xproto.ChangeProperty(c, xproto.PropModeReplace, b.win, xproto.AtomWmName, xproto.AtomString, 8, uint32(len(title)), []byte(title))
	if err := b.equipText(colour(bannerInk), colour(bannerColour)); err != nil {
		return err
	}
	// Whether the root changes its size.
	return xproto.ChangeWindowAttributesChecked(c, b.x.root, xproto.CwEventMask, []uint32{xproto.EventMaskStructureNotify}).Check()
}

// equipText finds a font. Without one the banner is a bar without words.
func (b *Banner) equipText(ink, paper uint32) error {
	c := b.x.Conn
	b.cell = image.Pt(6, 13)
	font, err := xproto.NewFontId(c)
	if err != nil {
		return err
	}
	const name = "fixed"
	if xproto.OpenFontChecked(c, font, uint16(len(name)), name).Check() != nil {
		return nil
	}
	q, err := xproto.QueryFont(c, xproto.Fontable(font)).Reply()
	if err != nil {
		return err
	}
	b.cell, b.ascent = image.Pt(int(q.MaxBounds.CharacterWidth), int(q.FontAscent+q.FontDescent)), int(q.FontAscent)
	if b.gc, err = xproto.NewGcontextId(c); err != nil {
		return err
	}
	return xproto.CreateGCChecked(c, b.gc, xproto.Drawable(b.win), xproto.GcForeground|xproto.GcBackground|xproto.GcFont|xproto.GcGraphicsExposures,
		[]uint32{ink, paper, uint32(font), 0}).Check()
}

// Show implements screen.Sign.
func (b *Banner) Show(words string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.words
	b.words, b.raised = latin1(words), b.raised[:0]
	if b.words == "" {
		if was != "" {
			xproto.UnmapWindow(b.x.Conn, b.win)
			b.x.Sync()
		}
		return b.alive()
	}
	select {
	case <-b.hidden: // of an earlier Show
	default:
	}
	if err := b.watchRoot(); err != nil {
		return lost(err)
	}
	if err := b.place(); err != nil {
		return lost(err)
	}
	if err := xproto.MapWindowChecked(b.x.Conn, b.win).Check(); err != nil {
		return lost(err)
	}
	b.draw()
	b.x.Sync()
	return b.alive()
}

// Hidden implements screen.Sign.
func (b *Banner) Hidden() <-chan struct{} { return b.hidden }

// Close takes the banner away.
func (b *Banner) Close() error {
	b.x.close() // the server destroys the window
	<-b.ended
	return nil
}

func (b *Banner) alive() error {
	select {
	case <-b.ended:
		return lost(nil)
	default:
		return nil
	}
}

// watchRoot has the server tell of changes among the windows where a compositing
// manager runs (ICCCM: the owner of _NET_WM_CM_Sn, n the number of the screen).
func (b *Banner) watchRoot() error {
	name := "_NET_WM_CM_S0"
	for i := range b.x.setup.Roots {
		if b.x.setup.Roots[i].Root == b.x.root {
			name = fmt.Sprintf("_NET_WM_CM_S%d", i)
		}
	}
	a, err := xproto.InternAtom(b.x.Conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		return err
	}
	o, err := xproto.GetSelectionOwner(b.x.Conn, a.Atom).Reply()
	if err != nil {
		return err
	}
	mask := uint32(xproto.EventMaskStructureNotify)
	if o.Owner != 0 {
		mask |= xproto.EventMaskSubstructureNotify
	}
	return xproto.ChangeWindowAttributesChecked(b.x.Conn, b.x.root, xproto.CwEventMask, []uint32{mask}).Check()
}

// place puts the banner in the middle of its edge, above everything.
func (b *Banner) place() error {
	root, err := b.x.rootSize()
	if err != nil {
		return err
	}
	w, h := min(len(b.words)*b.cell.X+2*bannerMargin, root.X), b.cell.Y+4
	at := image.Pt((root.X-w)/2, 0)
	if b.low {
		at.Y = root.Y - h
	}
	return xproto.ConfigureWindowChecked(b.x.Conn, b.win,
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight|xproto.ConfigWindowStackMode,
		[]uint32{uint32(at.X), uint32(at.Y), uint32(w), uint32(h), xproto.StackModeAbove}).Check()
}

func (b *Banner) draw() {
	if b.gc == 0 {
		return
	}
	s := b.words[:min(len(b.words), 255)]
	xproto.ClearArea(b.x.Conn, false, b.win, 0, 0, 0, 0)
	xproto.ImageText8(b.x.Conn, byte(len(s)), xproto.Drawable(b.win), b.gc, bannerMargin, int16(b.ascent+2), s)
}

// pump sees to the banner until the connection has ended.
func (b *Banner) pump() {
	defer b.tell()
	defer close(b.ended)
	for {
		ev, xerr := b.x.WaitForEvent()
		if ev == nil && xerr == nil {
			return
		}
		b.mu.Lock()
		if b.words != "" {
			b.see(ev)
		}
		b.mu.Unlock()
	}
}

// see handles one event while the banner is shown.
func (b *Banner) see(ev any) {
	switch e := ev.(type) {
	case xproto.ExposeEvent:
		if e.Count == 0 {
			b.draw()
		}
	case xproto.VisibilityNotifyEvent:
		if e.State != xproto.VisibilityUnobscured {
			b.raise()
		}
	case xproto.ButtonPressEvent:
		b.low = !b.low
		b.place()
	case xproto.UnmapNotifyEvent:
		if e.Window == b.win {
			b.again()
		}
	case xproto.DestroyNotifyEvent:
		if e.Window == b.win {
			b.tell()
		}
	case xproto.ConfigureNotifyEvent:
		switch {
		case e.Window == b.x.root:
			b.place()
		case e.Window != b.win:
			b.top()
		}
	case xproto.MapNotifyEvent:
		if e.Window != b.win {
			b.top()
		}
	case xproto.CirculateNotifyEvent:
		b.top()
	}
}

// top raises the banner if another window stands above it.
func (b *Banner) top() {
	t, err := xproto.QueryTree(b.x.Conn, b.x.root).Reply()
	if err != nil || len(t.Children) == 0 || t.Children[len(t.Children)-1] == b.win {
		return
	}
	b.raise()
}

// raise brings the banner up again, unless others insist.
func (b *Banner) raise() {
	if b.patience() {
		xproto.ConfigureWindow(b.x.Conn, b.win, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
	}
}

// again maps the banner that somebody took away.
func (b *Banner) again() {
	if b.patience() {
		xproto.MapWindow(b.x.Conn, b.win)
	}
}

// patience counts how often others had their way of late.
func (b *Banner) patience() bool {
	now := time.Now()
	for len(b.raised) > 0 && now.Sub(b.raised[0]) > insist {
		b.raised = b.raised[1:]
	}
	if b.raised = append(b.raised, now); len(b.raised) > raisesMost {
		b.tell()
		return false
	}
	return true
}

func (b *Banner) tell() {
	select {
	case b.hidden <- struct{}{}:
	default:
	}
}

// latin1 is text as the core fonts write it; what they lack becomes a question mark.
func latin1(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r < ' ' || r > 0xff || r >= 0x7f && r < 0xa0 {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return string(out)
}
