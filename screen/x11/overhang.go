package x11

import (
	"image"
	"slices"

	"github.com/jezek/xgb/xproto"
)

// overhang is a window of ours in which a menu is seen that reaches over the edge of
// the viewer's: no window manager cares for it, it stands just before the viewer's
// window and goes with it. What is done in it counts as done in the viewer's window.
// It is kept for the next menu: the pen may still draw on it.
type overhang struct {
	win   xproto.Window
	part  image.Rectangle // of the store
	at    image.Rectangle // in the coordinates of the viewer's window
	shown bool
	pic   uint32 // RENDER's name of it; 0: not made yet
}

// lastingOf and overOf are the parts of a store that its view goes by.
func lastingOf(pics []place) (r image.Rectangle) {
	for _, p := range pics {
		r = r.Union(p.Lasting().Add(p.at.Min))
	}
	return r
}

func overOf(pics []place) (r image.Rectangle) {
	for _, p := range pics {
		if !p.Over.Empty() {
			r = r.Union(p.Over.Intersect(p.Bounds()).Add(p.at.Min))
		}
	}
	return r
}

// stand finds out where the window is and what room there is around it for a menu.
func (w *Window) stand() {
	w.view.room = image.Rectangle{Max: w.view.window}
	if w.view.over.Empty() || w.look.full {
		return
	}
	size, err := w.x.rootSize()
	if err != nil {
		return
	}
	at, err := xproto.TranslateCoordinates(w.x.Conn, w.win, w.x.root, 0, 0).Reply()
	if err != nil {
		return
	}
	w.corner = image.Pt(int(at.DstX), int(at.DstY))
	w.view.room = w.view.room.Union(image.Rectangle{Max: size}.Sub(w.corner))
}

// spread shows the menus that do not fit into the window beside it, and takes those
// away that do, or are gone.
func (w *Window) spread() {
	var parts []image.Rectangle
	if w.visible() && !w.look.full && !w.look.dimmed && w.end == nil && !w.view.over.Empty() {
		for _, p := range w.store.pics {
			part := p.Over.Intersect(p.Bounds()).Add(p.at.Min)
			if !p.Over.Empty() && !w.view.covers(part).In(image.Rectangle{Max: w.view.window}) {
				parts = append(parts, part)
			}
		}
	}
	for i, part := range parts {
		if i == len(w.hang) {
			h, err := w.newOverhang()
			if err != nil {
				w.log.Debug("a menu is seen in part", "err", err)
				return
			}
			w.hang = append(w.hang, h)
		}
		w.putUp(&w.hang[i], part)
	}
	for i := len(parts); i < len(w.hang); i++ {
		if h := &w.hang[i]; h.shown {
			h.shown = false
			xproto.UnmapWindow(w.x.Conn, h.win)
		}
	}
}

// spreads tells whether a menu is shown beside the window.
func (w *Window) spreads() bool {
	return slices.ContainsFunc(w.hang, func(h overhang) bool { return h.shown })
}

func (w *Window) newOverhang() (overhang, error) {
	x := w.x
	id, err := xproto.NewWindowId(x.Conn)
	if err != nil {
		return overhang{}, err
	}
	err = xproto.CreateWindowChecked(x.Conn, x.screen.RootDepth, id, x.root, 0, 0, 1, 1, 0, xproto.WindowClassInputOutput, x.screen.RootVisual,
		xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{1, xproto.EventMaskExposure |
			xproto.EventMaskButtonPress | xproto.EventMaskButtonRelease | xproto.EventMaskPointerMotion}).Check()
	return overhang{win: id}, err
}

// putUp gives an overhang its place, just before the window and what is around it.
func (w *Window) putUp(h *overhang, part image.Rectangle) {
	at := w.view.covers(part)
	on := at.Add(w.corner)
	h.part, h.at = part, at
	xproto.ConfigureWindow(w.x.Conn, h.win, xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight|
		xproto.ConfigWindowSibling|xproto.ConfigWindowStackMode,
		[]uint32{uint32(on.Min.X), uint32(on.Min.Y), uint32(max(1, on.Dx())), uint32(max(1, on.Dy())), uint32(w.frame()), xproto.StackModeAbove})
	if !h.shown {
		h.shown = true
		w.wearCursor()
		xproto.MapWindow(w.x.Conn, h.win) // its exposure has it drawn
	}
}

// frame is the window that stands on the root for ours: a window manager's, or itself.
func (w *Window) frame() xproto.Window {
	win := w.win
	for range treeDeep {
		t, err := xproto.QueryTree(w.x.Conn, win).Reply()
		if err != nil || t.Parent == w.x.root || t.Parent == 0 {
			break
		}
		win = t.Parent
	}
	return win
}

// showOver draws r of the store on the overhangs.
func (w *Window) showOver(r image.Rectangle) {
	for i := range w.hang {
		h := &w.hang[i]
		part := r.Intersect(h.part)
		if !h.shown || part.Empty() {
			continue
		}
		if w.view.exact() || w.pen.render == 0 {
			w.note(w.upload(w.store, uint32(h.win), part, part.Sub(h.part.Min).Min))
			continue
		}
		to := w.view.covering(part).Intersect(h.at)
		w.pen.composite(opSrc, w.store.pic, w.picOf(h), to.Min.Sub(w.view.at.Min), to.Sub(h.at.Min))
	}
}

// picOf is RENDER's name of an overhang, made when first needed.
func (w *Window) picOf(h *overhang) uint32 {
	if h.pic == 0 {
		h.pic = w.pen.picture(uint32(h.win), w.visualFormat)
	}
	return h.pic
}

// exposeOver draws an overhang that was uncovered.
func (w *Window) exposeOver(win xproto.Window) {
	if i := slices.IndexFunc(w.hang, func(h overhang) bool { return h.win == win }); i >= 0 && w.hang[i].shown {
		w.show(w.hang[i].part)
		w.eraseCursor()
		w.overlay()
	}
}

// within is a point of one of our windows in the coordinates of the viewer's.
func (w *Window) within(win xproto.Window, x, y int16) image.Point {
	p := image.Pt(int(x), int(y))
	for _, h := range w.hang {
		if h.win == win {
			return p.Add(h.at.Min)
		}
	}
	return p
}

// wear gives all our windows a pointer.
func (w *Window) wear(c xproto.Cursor) {
	xproto.ChangeWindowAttributes(w.x.Conn, w.win, xproto.CwCursor, []uint32{uint32(c)})
	for _, h := range w.hang {
		xproto.ChangeWindowAttributes(w.x.Conn, h.win, xproto.CwCursor, []uint32{uint32(c)})
	}
}
