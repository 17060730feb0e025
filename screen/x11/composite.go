package x11

import (
	"errors"
	"image"
	"log/slog"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/composite"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
	"sightline/screen/codec/kern"
)

// member is one window of a picture: the shared one, a menu, a dialog. The server
// keeps its pixels apart from the screen (COMPOSITE, redirected automatically: it
// still draws them there), so nothing that covers it is ever read.
//
// Memory that the server makes for a window it fills with what stood on the screen
// there, and that may be foreign. So it is painted black before anybody reads it,
// and the program is asked to draw everything again, in one step with taking it.
type member struct {
	x     *client
	win   xproto.Window
	outer xproto.Window   // its frame on the root, or itself
	rect  image.Rectangle // on the root window
	popup bool            // no window manager cares for it
	tip   bool            // and it is no menu: it never takes the pointer

	watch  damage.Damage
	pixmap xproto.Pixmap // 0: none was taken yet
	border int           // px around the window in pixmap
	grab   *grabber
	frame  *screen.Frame // what was read last, from (0,0)
	read   taker         // keep, made once
}

// errNotShown means that a window has no pixels: it is not on the screen.
var errNotShown = errors.New("the window is not shown")

// newMember begins to watch a window. It is not redirected before take.
func newMember(x *client, win, outer xproto.Window) (*member, error) {
	m := &member{x: x, win: win, outer: outer}
	m.read = m.keep
	err := xproto.ChangeWindowAttributesChecked(x.Conn, win, xproto.CwEventMask, []uint32{xproto.EventMaskStructureNotify}).Check()
	if err != nil {
		return nil, err
	}
	if err := composite.RedirectWindowChecked(x.Conn, win, composite.RedirectAutomatic).Check(); err != nil {
		return nil, err
	}
	if m.watch, err = damage.NewDamageId(x.Conn); err != nil {
		return nil, err
	}
	return m, damage.CreateChecked(x.Conn, m.watch, xproto.Drawable(win), damage.ReportLevelNonEmpty).Check()
}

// take takes the window's memory as it is now, clean, and has the program draw
// into it. It must be called again whenever the server has made it anew: after a
// change of size and after the window was shown.
func (m *member) take(a *asker, noSHM bool, log *slog.Logger) error {
	m.drop()
	f, size, err := m.takeClean()
	if err != nil {
		return err
	}
	m.grab = newGrabber(a, uint32(m.pixmap), f, size, noSHM, log)
	m.frame = screen.NewFrame(image.Rectangle{Max: size})
	return nil
}

// takeClean is the part that nobody may come between.
func (m *member) takeClean() (f pixelFormat, size image.Point, err error) {
	c := m.x.Conn
	xproto.GrabServer(c)
	defer func() {
		xproto.UngrabServer(c)
		c.Sync()
	}()
	attr, err := xproto.GetWindowAttributes(c, m.win).Reply()
	if err != nil {
		return f, size, err
	}
	if attr.MapState != xproto.MapStateViewable {
		return f, size, errNotShown
	}
	g, err := xproto.GetGeometry(c, xproto.Drawable(m.win)).Reply()
	if err != nil {
		return f, size, err
	}
	size = image.Pt(int(g.Width), int(g.Height))
	if err := screen.CheckSize(size.X, size.Y); err != nil {
		return f, size, err
	}
	if f, err = m.x.formatOf(g.Depth, attr.Visual); err != nil {
		return f, size, err
	}
	if m.pixmap, err = xproto.NewPixmapId(c); err != nil {
		return f, size, err
	}
	if err := composite.NameWindowPixmapChecked(c, m.win, m.pixmap).Check(); err != nil {
		m.pixmap = 0
		return f, size, err
	}
	m.border = int(g.BorderWidth)
	if err := m.blacken(size.Add(image.Pt(2*m.border, 2*m.border))); err != nil {
		return f, size, err
	}
	damage.Subtract(c, m.watch, 0, 0)
	redraw(c, m.win, framesDeep*4, new(int))
	return f, size, nil
}

// blacken paints the memory, whatever the window's own ways to be drawn on are.
func (m *member) blacken(size image.Point) error {
	c := m.x.Conn
	gc, err := xproto.NewGcontextId(c)
	if err != nil {
		return err
	}
	xproto.CreateGC(c, gc, xproto.Drawable(m.pixmap), xproto.GcForeground, []uint32{0})
	defer xproto.FreeGC(c, gc)
	return xproto.PolyFillRectangleChecked(c, xproto.Drawable(m.pixmap), gc, []xproto.Rectangle{{Width: uint16(size.X), Height: uint16(size.Y)}}).Check()
}

// mostParts of a window are asked to draw themselves; others stay black until they do.
const mostParts = 2000

// redraw has the server paint the background of a window and all in it, and
// tells the program that all is to be drawn.
func redraw(c *xgb.Conn, w xproto.Window, deep int, parts *int) {
	if *parts++; *parts > mostParts || deep == 0 {
		return
	}
	xproto.ClearArea(c, true, w, 0, 0, 0, 0)
	tree, err := xproto.QueryTree(c, w).Reply()
	if err != nil {
		return
	}
	for _, child := range tree.Children {
		redraw(c, child, deep-1, parts)
	}
}

// look reads what was drawn since the last look. The boxes are in the window's
// coordinates and valid until the next call.
func (m *member) look(a *asker, root xproto.Window) ([]image.Rectangle, error) {
	boxes, err := a.take(uint32(m.watch), uint32(root), m.frame.Rect)
	if err != nil {
		return nil, err
	}
	in := image.Pt(m.border, m.border)
	for i := range boxes {
		boxes[i] = boxes[i].Add(in)
	}
	if err := m.grab.read(boxes, m.read); err != nil {
		return nil, err
	}
	for i := range boxes {
		boxes[i] = boxes[i].Sub(in)
	}
	return boxes, nil
}

// keep copies a box of the pixmap.
func (m *member) keep(box image.Rectangle, pix []byte, stride int) {
	box = box.Sub(image.Pt(m.border, m.border))
	for y := box.Min.Y; y < box.Max.Y; y++ {
		kern.CopyColours(m.frame.Row(y, box.Min.X, box.Max.X), pix[(y-box.Min.Y)*stride:][:4*box.Dx()])
	}
}

// drop frees the memory; the window stays watched.
func (m *member) drop() {
	m.grab.close()
	m.grab, m.frame = nil, nil
	if m.pixmap != 0 {
		xproto.FreePixmap(m.x.Conn, m.pixmap)
		m.pixmap = 0
	}
}

// close ends the watch. Errors tell of a window that has gone.
func (m *member) close() {
	m.drop()
	damage.Destroy(m.x.Conn, m.watch)
	composite.UnredirectWindow(m.x.Conn, m.win, composite.RedirectAutomatic)
	xproto.ChangeWindowAttributes(m.x.Conn, m.win, xproto.CwEventMask, []uint32{0})
}
