package x11

import (
	"image"
	"time"

	"github.com/jezek/xgb/render"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// All of this is called under Window.mu; finish sends it.

// font is what words over the picture are written with: one that every X
// server has built in.
type font struct {
	ink, mark     uint32 // graphics contexts: normal, and of the chosen line; 0: there is no font
	paper, bar    uint32 // the same, filling with the colour behind
	width, height int    // of a character, px
	ascent        int
	id            uint32
}

// Colours of words over the picture, of 8 bits each.
const (
	inkColour   = 0xf0f0f0
	paperColour = 0x202020
	markColour  = 0x3060a0
)

// equip makes what is drawn with.
func (w *Window) equip() {
	p, win := w.pen, uint32(w.win)
	w.gc = p.gc(win, w.rgb(0), w.rgb(0), 0)
	id, err := xproto.NewFontId(w.x.Conn)
	if err != nil {
		return
	}
	const name = "fixed"
	if err := xproto.OpenFontChecked(w.x.Conn, id, uint16(len(name)), name).Check(); err != nil {
		w.log.Info("no words over the picture", "err", err)
		return
	}
	q, err := xproto.QueryFont(w.x.Conn, xproto.Fontable(id)).Reply()
	if err != nil {
		return
	}
	w.font = font{
		ink: p.gc(win, w.rgb(inkColour), w.rgb(paperColour), uint32(id)), mark: p.gc(win, w.rgb(inkColour), w.rgb(markColour), uint32(id)),
		paper: p.gc(win, w.rgb(paperColour), 0, 0), bar: p.gc(win, w.rgb(markColour), 0, 0),
		width: int(q.MaxBounds.CharacterWidth), height: int(q.FontAscent + q.FontDescent), ascent: int(q.FontAscent), id: uint32(id),
	}
}

// rgb is a colour as the window's pixel.
func (w *Window) rgb(c uint32) uint32 {
	return w.format.pixel(byte(c), byte(c>>8), byte(c>>16))
}

// paint draws the whole window.
func (w *Window) paint() {
	if !w.visible() {
		return
	}
	bars := w.view.bars()
	w.pen.fill(uint32(w.win), w.gc, bars[:]...)
	w.show(w.store.bounds())
	w.look.cursor.drawn = image.Rectangle{}
	w.overlay()
}

// show draws r of the store where it appears in the window.
func (w *Window) show(r image.Rectangle) {
	s := w.store
	if !w.visible() || r.Empty() {
		return
	}
	if w.written { // half decoded: Draw will come
		w.owed = true
		return
	}
	if w.view.exact() || w.pen.render == 0 {
		from := r.Intersect(image.Rectangle{Max: w.view.window}.Sub(w.view.at.Min))
		if !from.Empty() {
			w.note(w.upload(s, uint32(w.win), from, from.Min.Add(w.view.at.Min)))
		}
		w.showOver(r)
		return
	}
	if s.pixmap == 0 {
		if err := w.makePixmap(s); err != nil {
			w.note(err)
			return
		}
		w.aim()
	} else if !s.shared {
		w.note(w.upload(s, s.pixmap, r, r.Min))
	}
	to := w.view.covering(r)
	w.pen.composite(opSrc, s.pic, uint32(w.winPicture()), to.Min.Sub(w.view.at.Min), to)
	w.showOver(r)
}

// note keeps an error of drawing for the next settle.
func (w *Window) note(err error) {
	if err != nil && w.pen.fault == nil {
		w.pen.fault = err
	}
}

// aim tells the server how the picture is scaled now.
func (w *Window) aim() {
	if w.store.pic != 0 && !w.view.exact() && !w.view.at.Empty() {
		w.pen.transform(w.store.pic, w.view.canvas, w.view.at.Size(), "bilinear")
	}
}

// winPicture is RENDER's name of the window, made when first needed.
func (w *Window) winPicture() uint32 {
	if w.look.cursor.window == 0 {
		w.look.cursor.window = w.pen.picture(uint32(w.win), w.visualFormat)
	}
	return w.look.cursor.window
}

// expose draws what was uncovered.
func (w *Window) expose(r image.Rectangle) {
	if w.look.dimmed {
		w.paint()
		return
	}
	var bars [4]image.Rectangle
	for i, b := range w.view.bars() {
		bars[i] = b.Intersect(r)
	}
	w.pen.fill(uint32(w.win), w.gc, bars[:]...)
	from := image.Rectangle{Min: w.view.source(r.Min), Max: w.view.source(r.Max).Add(image.Pt(1, 1))}
	w.show(from.Intersect(w.store.bounds()))
	if r.Overlaps(w.look.cursor.drawn) {
		w.eraseCursor()
	}
	w.overlay()
}

// overlay draws what stands over the pictures. The remote pointer is drawn
// when it does not stand there already: its edges let the picture through, and
// would grow darker each time.
func (w *Window) overlay() {
	if !w.visible() {
		return
	}
	if w.look.dimmed {
		w.drawDim()
	} else if w.look.bare {
		w.label(bareWords)
	}
	w.drawCursor()
	w.drawMarks()
	if w.menu.open {
		w.drawMenu()
	}
}

// bareWords stand in a window whose host shares no window now.
const bareWords = "nothing is shared now"

// dimAfter is how old a picture is when it is shown as old.
const dimAfter = 3 * time.Second

// setDim darkens the picture when it is older than dimAfter. Between the
// moments a timer of one shot waits; there is none while the picture is live.
func (w *Window) setDim(since time.Time) {
	if w.look.dimmer != nil {
		w.look.dimmer.Stop()
		w.look.dimmer = nil
	}
	old := !since.IsZero() && time.Since(since) >= dimAfter
	if !since.IsZero() && !old {
		w.look.dimmer = time.AfterFunc(time.Until(since.Add(dimAfter)), w.dimNow)
	}
	if old != w.look.dimmed {
		w.look.dimmed = old
		w.spread()
		w.paint()
	}
}

func (w *Window) dimNow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end == nil && !w.state.DimmedSince.IsZero() && !w.look.dimmed && time.Since(w.state.DimmedSince) >= dimAfter {
		w.look.dimmed = true
		w.spread()
		w.paint()
		w.finish()
	}
}

// drawDim darkens the window by half and says since when.
func (w *Window) drawDim() {
	if w.pen.render != 0 {
		w.pen.shade(w.winPicture(), 0x8000, image.Rectangle{Max: w.view.window})
	}
	w.label("no picture since " + w.state.DimmedSince.Local().Format("15:04:05"))
}

// label writes a line in the middle of the window.
func (w *Window) label(s string) {
	f := w.font
	if f.ink == 0 {
		return
	}
	size := image.Pt((len(s)+4)*f.width, 3*f.height)
	corner := w.view.window.Sub(size).Div(2)
	w.pen.fill(uint32(w.win), f.paper, image.Rectangle{Min: corner, Max: corner.Add(size)})
	w.pen.write(uint32(w.win), f.ink, corner.X+2*f.width, corner.Y+f.height+f.ascent, s)
}

// remoteCursor is the host's pointer. While the person here has the controls
// it is the shape of the local pointer, which never lags; a mere viewer sees
// it drawn into the picture, where the host's pointer is.
type remoteCursor struct {
	now    screen.Cursor
	shape  *screen.CursorShape
	id     xproto.Cursor // of shape, for the local pointer
	pic    render.Picture
	drawn  image.Rectangle // where it stands in the window; empty if not drawn
	window uint32          // RENDER's name of the window
}

// Cursor shows the host's pointer.
func (w *Window) Cursor(c *screen.Cursor) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		return w.end
	}
	if err := w.pen.settle(); err != nil {
		return w.broken(err)
	}
	k := &w.look.cursor
	hid := k.now.Hidden
	if c.Shape != nil && c.Shape != k.shape {
		if err := w.reshape(c.Shape); err != nil {
			return err
		}
	}
	k.now = *c
	if c.Shape != nil || hid != c.Hidden {
		w.wearCursor()
	}
	w.eraseCursor()
	w.overlay()
	return w.finish()
}

// reshape makes the server's objects of a shape.
func (w *Window) reshape(s *screen.CursorShape) error {
	k := &w.look.cursor
	if w.pen.render == 0 {
		return nil
	}
	id, err := w.x.newCursor(s)
	if err != nil {
		return lost(err)
	}
	var pic render.Picture
	if n := s.Size; n.X > 0 && n.Y > 0 && n.X <= screen.MaxCursor && n.Y <= screen.MaxCursor && len(s.Pix) >= 4*n.X*n.Y {
		if pic, err = w.x.argbPicture(n, s.Pix); err != nil {
			return lost(err)
		}
	}
	if k.id != 0 {
		xproto.FreeCursor(w.x.Conn, k.id)
	}
	if k.pic != 0 {
		render.FreePicture(w.x.Conn, k.pic)
	}
	k.shape, k.id, k.pic = s, id, pic
	return nil
}

// wearCursor gives the local pointer the shape it should have.
func (w *Window) wearCursor() {
	k := &w.look.cursor
	cursor := k.id
	if w.state.ViewOnly || w.menu.open {
		cursor = 0 // the desktop's arrow
	} else if k.now.Hidden && w.pen.render != 0 {
		if id, err := w.x.newCursor(&screen.CursorShape{}); err == nil {
			w.wear(id)
			xproto.FreeCursor(w.x.Conn, id) // lives on in the window
			return
		}
	}
	w.wear(cursor)
}

// eraseCursor draws the picture where the remote pointer stood.
func (w *Window) eraseCursor() {
	k := &w.look.cursor
	if k.drawn.Empty() {
		return
	}
	r := k.drawn
	k.drawn = image.Rectangle{}
	from := image.Rectangle{Min: w.view.source(r.Min), Max: w.view.source(r.Max).Add(image.Pt(1, 1))}
	w.show(from.Intersect(w.store.bounds()))
}

// drawCursor draws the remote pointer for one who only looks.
func (w *Window) drawCursor() {
	k := &w.look.cursor
	p, ok := w.store.find(k.now.Picture)
	if !w.state.ViewOnly || k.now.Hidden || k.pic == 0 || !ok || !k.drawn.Empty() {
		return
	}
	at := w.view.shown(k.now.At.Add(p.at.Min)).Sub(k.shape.Hot)
	k.drawn = image.Rectangle{Min: at, Max: at.Add(k.shape.Size)}
	w.pen.composite(opOver, uint32(k.pic), w.winPicture(), image.Point{}, k.drawn)
	for i := range w.hang {
		if h := &w.hang[i]; h.shown {
			w.pen.composite(opOver, uint32(k.pic), w.picOf(h), image.Point{}, k.drawn.Sub(h.at.Min))
		}
	}
}

func (w *Window) setViewOnly(bool) {
	w.eraseCursor()
	w.wearCursor()
	w.liftAll()
	w.overlay()
}
