package screen

import "image"

// Region is a set of pixels as disjoint, non-empty rectangles. The zero value
// is empty. Methods that return a Region may reuse the receiver's memory, as
// append does.
type Region []image.Rectangle

// maxRegion is where a region stops growing in detail: beyond it rectangles
// are merged, because the cost per rectangle begins to outweigh the pixels
// saved. 64 boxes describe a busy desktop; X servers hand out some 200.
const maxRegion = 64

// Add returns r with the pixels of b added.
func (r Region) Add(b image.Rectangle) Region {
	if b.Empty() {
		return r
	}
	for _, a := range r {
		if b.In(a) {
			return r
		}
	}
	r = r.swallow(b)
	overlaps := false
	for _, a := range r {
		if a.Overlaps(b) {
			overlaps = true
			break
		}
	}
	if !overlaps {
		r = append(r, b)
	} else {
		r = r.addPieces(b)
	}
	if len(r) > maxRegion {
		r = r.coarsen()
	}
	return r
}

// swallow drops the rectangles that lie within b.
func (r Region) swallow(b image.Rectangle) Region {
	kept := r[:0]
	for _, a := range r {
		if !a.In(b) {
			kept = append(kept, a)
		}
	}
	return kept
}

// addPieces adds what of b is not covered yet, cut into up to four pieces at
// each rectangle in its way.
func (r Region) addPieces(b image.Rectangle) Region {
	for _, a := range r {
		if !a.Overlaps(b) {
			continue
		}
		for _, piece := range around(b, a.Intersect(b)) {
			if !piece.Empty() {
				r = r.addUncovered(piece)
			}
		}
		return r
	}
	return append(r, b)
}

func (r Region) addUncovered(b image.Rectangle) Region {
	for _, a := range r {
		if b.In(a) {
			return r
		}
	}
	return r.addPieces(b)
}

// coarsen replaces the region by few rectangles that cover it: bands of its
// bounding box, each as wide as what it holds. Disjoint by construction.
func (r Region) coarsen() Region {
	const bands = 16
	box := r.Bounds()
	var wide [bands]image.Rectangle
	h := (box.Dy() + bands - 1) / bands
	for i := range wide {
		band := image.Rectangle{Min: image.Pt(box.Min.X, box.Min.Y+i*h), Max: image.Pt(box.Max.X, box.Min.Y+(i+1)*h)}
		for _, a := range r {
			wide[i] = wide[i].Union(a.Intersect(band))
		}
	}
	out := r[:0]
	for _, w := range wide {
		if !w.Empty() {
			out = append(out, w)
		}
	}
	return out
}

// Union returns r with all of s added.
func (r Region) Union(s Region) Region {
	for _, b := range s {
		r = r.Add(b)
	}
	return r
}

// Cut returns r without the pixels of b.
func (r Region) Cut(b image.Rectangle) Region {
	for i := 0; i < len(r); {
		a := r[i]
		in := a.Intersect(b)
		if in.Empty() {
			i++
			continue
		}
		last := len(r) - 1
		r[i], r = r[last], r[:last] // what is cut off does not overlap b: it is passed over when it comes
		r = r.addAround(a, in)
	}
	return r
}

// addAround appends up to four pieces of a, around in, which lies in it.
func (r Region) addAround(a, in image.Rectangle) Region {
	for _, piece := range around(a, in) {
		if !piece.Empty() {
			r = append(r, piece)
		}
	}
	return r
}

// around is what of a lies above, below, to the left and to the right of in.
func around(a, in image.Rectangle) [4]image.Rectangle {
	return [4]image.Rectangle{
		{Min: a.Min, Max: image.Pt(a.Max.X, in.Min.Y)},
		{Min: image.Pt(a.Min.X, in.Max.Y), Max: a.Max},
		{Min: image.Pt(a.Min.X, in.Min.Y), Max: image.Pt(in.Min.X, in.Max.Y)},
		{Min: image.Pt(in.Max.X, in.Min.Y), Max: image.Pt(a.Max.X, in.Max.Y)},
	}
}

// Clip returns the part of r that lies in b.
func (r Region) Clip(b image.Rectangle) Region {
	kept := r[:0]
	for _, a := range r {
		if a = a.Intersect(b); !a.Empty() {
			kept = append(kept, a)
		}
	}
	return kept
}

// Bounds is the smallest rectangle around the region.
func (r Region) Bounds() image.Rectangle {
	var b image.Rectangle
	for _, a := range r {
		b = b.Union(a)
	}
	return b
}

// Area is the number of pixels in the region.
func (r Region) Area() int {
	n := 0
	for _, a := range r {
		n += a.Dx() * a.Dy()
	}
	return n
}

// Empty tells whether the region holds no pixel.
func (r Region) Empty() bool { return len(r) == 0 }
