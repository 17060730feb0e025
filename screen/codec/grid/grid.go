// Package grid is the lattice of 16 x 16 px tiles that the screen codec works
// on, and sets of its tiles.
package grid

import (
	"image"
	"math/bits"

	"sightline/screen"
)

// Side of a tile in px. Tiles at the right and lower edge are as small as the
// picture makes them.
const Side = 16

// Set is a set of tiles of one picture. The zero value must be Sized.
type Set struct {
	Cols, Rows int // of the grid, tiles
	size       image.Point
	words      int // per row
	bits       []uint64
	n          int
}

// Size makes the set that of a picture of w x h px, and empty. It allocates
// only if the picture is larger than any before.
func (s *Set) Size(w, h int) {
	s.size = image.Pt(w, h)
	s.Cols, s.Rows = (w+Side-1)/Side, (h+Side-1)/Side
	s.words = (s.Cols + 63) / 64
	if n := s.words * s.Rows; cap(s.bits) < n {
		s.bits = make([]uint64, n)
	} else {
		s.bits = s.bits[:n]
	}
	s.Clear()
}

// Clear empties the set.
func (s *Set) Clear() {
	clear(s.bits)
	s.n = 0
}

// Copy makes the set equal to t.
func (s *Set) Copy(t *Set) {
	b := append(s.bits[:0], t.bits...)
	*s = *t
	s.bits = b
}

// Len is the number of tiles in the set.
func (s *Set) Len() int { return s.n }

// Has tells whether the tile in column x and row y is in the set; outside the
// grid none is.
func (s *Set) Has(x, y int) bool {
	return x >= 0 && y >= 0 && x < s.Cols && y < s.Rows && s.bits[y*s.words+x>>6]>>(x&63)&1 == 1
}

// Add puts a tile of the grid into the set.
func (s *Set) Add(x, y int) {
	w := &s.bits[y*s.words+x>>6]
	if *w>>(x&63)&1 == 0 {
		*w |= 1 << (x & 63)
		s.n++
	}
}

// Del takes a tile of the grid out of the set.
func (s *Set) Del(x, y int) {
	w := &s.bits[y*s.words+x>>6]
	if *w>>(x&63)&1 == 1 {
		*w &^= 1 << (x & 63)
		s.n--
	}
}

// Tile is the place of a tile in px, cut to the picture.
func (s *Set) Tile(x, y int) image.Rectangle {
	return image.Rect(x*Side, y*Side, min((x+1)*Side, s.size.X), min((y+1)*Side, s.size.Y))
}

// Touch gives the columns and rows of tiles that r, in px, touches, cut to the grid.
func (s *Set) Touch(r image.Rectangle) image.Rectangle {
	r = r.Intersect(image.Rectangle{Max: s.size})
	if r.Empty() {
		return image.Rectangle{}
	}
	return image.Rect(r.Min.X/Side, r.Min.Y/Side, (r.Max.X+Side-1)/Side, (r.Max.Y+Side-1)/Side)
}

// AddRect puts all tiles into the set that r, in px, touches.
func (s *Set) AddRect(r image.Rectangle) {
	t := s.Touch(r)
	for y := t.Min.Y; y < t.Max.Y; y++ {
		for x := t.Min.X; x < t.Max.X; x++ {
			s.Add(x, y)
		}
	}
}

// DelRect takes all tiles out of the set that r, in px, touches.
func (s *Set) DelRect(r image.Rectangle) {
	t := s.Touch(r)
	for y := t.Min.Y; y < t.Max.Y; y++ {
		for x := t.Min.X; x < t.Max.X; x++ {
			s.Del(x, y)
		}
	}
}

// Next finds the first tile of row y at column x or later, Cols if there is none.
func (s *Set) Next(x, y int) int {
	for x < s.Cols {
		w := s.bits[y*s.words+x>>6] >> (x & 63)
		if w != 0 {
			return x + bits.TrailingZeros64(w)
		}
		x = (x | 63) + 1
	}
	return s.Cols
}

// AppendRegion adds the tiles of the set to dst as disjoint rectangles in px:
// runs of a row, joined downwards with equal runs of the row above.
func (s *Set) AppendRegion(dst screen.Region) screen.Region {
	above, end := len(dst), len(dst) // the runs of the row above are dst[above:end]
	for y := range s.Rows {
		begin := end
		for x := s.Next(0, y); x < s.Cols; {
			from := x
			for x < s.Cols && s.Has(x, y) {
				x++
			}
			dst = joinDown(dst, above, end, image.Rect(from*Side, y*Side, min(x*Side, s.size.X), min((y+1)*Side, s.size.Y)))
			x = s.Next(x, y)
		}
		if len(dst) > end {
			above, end = begin, len(dst)
		}
	}
	return dst
}

// joinDown grows the run above r to r's foot, or adds r.
func joinDown(dst screen.Region, from, to int, r image.Rectangle) screen.Region {
	for i := from; i < to; i++ {
		if d := &dst[i]; d.Min.X == r.Min.X && d.Max.X == r.Max.X && d.Max.Y == r.Min.Y {
			d.Max.Y = r.Max.Y
			return dst
		}
	}
	return append(dst, r)
}
