package x11

import (
	"image"

	"sightline/screen"
)

// marks are where other viewers of the same host point: an arrow in the viewer's
// colour, with its name in a plate of that colour. They hide the picture where they
// stand, so to draw one twice changes nothing.
type marks struct {
	list  []screen.Mark
	drawn []image.Rectangle // where they stand in the window
	inks  map[uint32]ink    // by colour; made when first needed
}

// ink is what is drawn with in one colour: it fills, and it writes on that.
type ink struct{ plate, words uint32 }

// Marks shows where others point.
func (w *Window) Marks(list []screen.Mark) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		return w.end
	}
	if err := w.pen.settle(); err != nil {
		return w.broken(err)
	}
	m := &w.look.marks
	was := m.drawn
	m.list, m.drawn = append([]screen.Mark(nil), list...), nil
	for _, r := range was {
		w.expose(r)
	}
	if len(was) == 0 {
		w.overlay()
	}
	return w.finish()
}

// Sizes of a mark, in px.
const (
	arrowHeight = 16
	arrowWidth  = 11
	plateMargin = 2
	plateMost   = 16 // characters of a name
)

// drawMarks draws all marks where they belong now.
func (w *Window) drawMarks() {
	m := &w.look.marks
	m.drawn = m.drawn[:0]
	for _, k := range m.list {
		p, ok := w.store.find(k.Picture)
		if !ok || !k.At.In(p.Bounds()) {
			continue
		}
		if tip := w.view.shown(k.At.Add(p.at.Min)); tip.In(image.Rectangle{Max: w.view.window}) {
			m.drawn = append(m.drawn, w.drawMark(tip, k))
		}
	}
}

// drawMark draws one, and returns what it covers.
func (w *Window) drawMark(tip image.Point, k screen.Mark) image.Rectangle {
	in := w.ink(k.Colour)
	var edge, inside []image.Rectangle
	for y := range arrowHeight {
		n := y * arrowWidth / arrowHeight
		edge = append(edge, image.Rect(tip.X, tip.Y+y, tip.X+n+1, tip.Y+y+1))
		if y > 1 && y < arrowHeight-1 {
			inside = append(inside, image.Rect(tip.X+1, tip.Y+y, tip.X+n, tip.Y+y+1))
		}
	}
	win := uint32(w.win)
	w.pen.fill(win, w.gc, edge...)
	w.pen.fill(win, in.plate, inside...)
	covered := image.Rectangle{Min: tip, Max: tip.Add(image.Pt(arrowWidth, arrowHeight))}
	if in.words == 0 {
		return covered
	}
	name := latin1(k.Name)
	name = name[:min(len(name), plateMost)]
	f := w.font
	size := image.Pt(len(name)*f.width+2*plateMargin, f.height+2*plateMargin)
	plate := image.Rectangle{Max: size}.Add(w.platePlace(tip, size))
	w.pen.fill(win, in.plate, plate)
	w.pen.write(win, in.words, plate.Min.X+plateMargin, plate.Min.Y+plateMargin+f.ascent, name)
	return covered.Union(plate)
}

// platePlace is right below the arrow, or where in the window there is room.
func (w *Window) platePlace(tip, size image.Point) image.Point {
	at := tip.Add(image.Pt(arrowWidth-3, arrowHeight-2))
	at.X = max(0, min(at.X, w.view.window.X-size.X))
	if at.Y+size.Y > w.view.window.Y {
		at.Y = max(0, tip.Y-size.Y-1)
	}
	return at
}

// ink makes what is drawn with in a colour.
func (w *Window) ink(colour uint32) ink {
	m := &w.look.marks
	in, ok := m.inks[colour]
	if ok {
		return in
	}
	in.plate = w.pen.gc(uint32(w.win), w.rgb(colour), 0, 0)
	if w.font.ink != 0 {
		in.words = w.pen.gc(uint32(w.win), w.rgb(legible(colour)), w.rgb(colour), w.font.id)
	}
	if m.inks == nil {
		m.inks = map[uint32]ink{}
	}
	m.inks[colour] = in
	return in
}

// legible is the colour of words on a colour: black on what is light, else white.
func legible(colour uint32) uint32 {
	if 299*(colour>>16&0xff)+587*(colour>>8&0xff)+114*(colour&0xff) > 128000 {
		return 0
	}
	return 0xffffff
}
