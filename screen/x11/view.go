package x11

import (
	"image"

	"sightline/screen"
)

// view says where the store stands in the window.
type view struct {
	window image.Point // size of the window, px
	canvas image.Point // size of the store, px
	scale  screen.Scale
	pan    image.Point // OneToOne: what of a larger store is left of and above the window

	// A menu over the edge of a picture moves and scales nothing of it, as long as it
	// has room beside: in the store, the part that place and scale go by (empty: all),
	// and what is to be seen besides; and what of the screen there is for that, in the
	// window's coordinates.
	lasting, over image.Rectangle
	room          image.Rectangle

	at image.Rectangle // the whole store, in the window's coordinates
}

// fit computes at: whole and centred, or pixel by pixel. A store of the
// window's size stands exactly, at the top left corner.
func (v *view) fit() {
	lasting := v.lasting
	if lasting.Empty() {
		lasting = image.Rectangle{Max: v.canvas}
	}
	v.place(lasting)
	if v.over.Empty() {
		return
	}
	seen := v.covers(lasting).Union(v.covers(v.over))
	if room := v.room.Size(); v.scale == screen.Fit && (seen.Dx() > room.X || seen.Dy() > room.Y) {
		v.place(lasting.Union(v.over))
		return
	}
	v.at = v.at.Add(push(seen, v.room))
}

// place gives a part of the store the whole window.
func (v *view) place(part image.Rectangle) {
	size := part.Size()
	if v.scale == screen.Fit && size.X > 0 && size.Y > 0 && size != v.window {
		if v.window.X*size.Y < v.window.Y*size.X {
			size = image.Pt(v.window.X, max(1, v.window.X*size.Y/size.X))
		} else {
			size = image.Pt(max(1, v.window.Y*size.X/size.Y), v.window.Y)
		}
	}
	v.pan.X = min(max(v.pan.X, 0), max(0, size.X-v.window.X))
	v.pan.Y = min(max(v.pan.Y, 0), max(0, size.Y-v.window.Y))
	corner := image.Pt(max(0, (v.window.X-size.X)/2), max(0, (v.window.Y-size.Y)/2)).Sub(v.pan)
	if size == part.Size() {
		v.at = image.Rectangle{Max: v.canvas}.Add(corner.Sub(part.Min))
		return
	}
	scaled := func(p image.Point) image.Point { return image.Pt(p.X*size.X/part.Dx(), p.Y*size.Y/part.Dy()) }
	v.at.Min = corner.Sub(scaled(part.Min))
	v.at.Max = v.at.Min.Add(scaled(v.canvas))
}

// push is by how much r must move to be in room: by no more than is needed.
func push(r, room image.Rectangle) image.Point {
	along := func(from, to, first, last int) int { return max(min(0, last-to), first-from) }
	return image.Pt(along(r.Min.X, r.Max.X, room.Min.X, room.Max.X), along(r.Min.Y, r.Max.Y, room.Min.Y, room.Max.Y))
}

// covers is where a part of the store appears.
func (v *view) covers(r image.Rectangle) image.Rectangle {
	return image.Rectangle{Min: v.shown(r.Min), Max: v.shown(r.Max)}
}

// exact tells whether pixels stand for pixels.
func (v *view) exact() bool { return v.at.Size() == v.canvas }

// covering is the part of the window that r of the store appears in, with the
// pixels around that a filter mixes it into.
func (v *view) covering(r image.Rectangle) image.Rectangle {
	if v.exact() {
		return r.Add(v.at.Min)
	}
	to, from := v.at.Size(), v.canvas
	// One source pixel reaches so far.
	m := image.Pt((to.X+from.X-1)/from.X+1, (to.Y+from.Y-1)/from.Y+1)
	return image.Rect(
		r.Min.X*to.X/from.X-m.X, r.Min.Y*to.Y/from.Y-m.Y,
		(r.Max.X*to.X+from.X-1)/from.X+m.X, (r.Max.Y*to.Y+from.Y-1)/from.Y+m.Y,
	).Add(v.at.Min).Intersect(v.at)
}

// source is the pixel of the store under a point of the window; it may lie
// outside of the store.
func (v *view) source(p image.Point) image.Point {
	p = p.Sub(v.at.Min)
	if v.exact() || v.at.Empty() {
		return p
	}
	// The middle of the window's pixel, as RENDER samples it; of two that meet
	// there the first.
	return image.Pt(floorDiv((2*p.X+1)*v.canvas.X-1, 2*v.at.Dx()), floorDiv((2*p.Y+1)*v.canvas.Y-1, 2*v.at.Dy()))
}

// shown is where a pixel of the store appears.
func (v *view) shown(p image.Point) image.Point {
	if v.canvas.X == 0 || v.canvas.Y == 0 {
		return v.at.Min
	}
	return image.Pt(p.X*v.at.Dx()/v.canvas.X, p.Y*v.at.Dy()/v.canvas.Y).Add(v.at.Min)
}

func floorDiv(a, b int) int {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

// bars are the four strips of the window beside the store.
func (v *view) bars() [4]image.Rectangle {
	w, a := v.window, v.at
	return [4]image.Rectangle{
		image.Rect(0, 0, w.X, max(0, a.Min.Y)),
		image.Rect(0, min(w.Y, max(0, a.Max.Y)), w.X, w.Y),
		image.Rect(0, max(0, a.Min.Y), max(0, a.Min.X), min(w.Y, max(0, a.Max.Y))),
		image.Rect(min(w.X, max(0, a.Max.X)), max(0, a.Min.Y), w.X, min(w.Y, max(0, a.Max.Y))),
	}
}
