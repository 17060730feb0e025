package text

import (
	"image"

	"sightline/screen"
)

// Foreign estimates from a sample how many of 256 pixels of src in r would be
// literals if they were coded now: 0 for what is flat or known, near 256 for a
// photo. It changes nothing.
func (c *Coder) Foreign(src *screen.Frame, r image.Rectangle) int {
	n, foreign := 0, 0
	for y := max(r.Min.Y+1, src.Rect.Min.Y+3); y < r.Max.Y; y += 3 {
		// Every other row looks at other columns.
		first := max(r.Min.X+1+y&1, src.Rect.Min.X+4)
		for x := first; x < min(r.Max.X, src.Rect.Max.X-3); x += 2 {
			n++
			foreign += b2i(c.strange(src, x, y))
		}
	}
	if n == 0 {
		return 0
	}
	return foreign * 256 / n
}

// strange tells whether nothing foretells the pixel at (x,y), which has three
// rows above it, four pixels left of it and three on its right.
func (c *Coder) strange(src *screen.Frame, x, y int) bool {
	var q0 [4]uint32
	var q1 [7]uint32
	px := at(src, x, y)
	load(q0[:], src.Row(y, x-4, x))
	load(q1[:], src.Row(y-1, x-3, x+4))
	if px == q0[3] || px == q1[3] || px == q1[2] || px == q1[4] {
		return false
	}
	var q2 [5]uint32
	var q3 [3]uint32
	load(q2[:], src.Row(y-2, x-2, x+3))
	load(q3[:], src.Row(y-3, x-1, x+2))
	p := find(&q0, &q1, &q2, &q3)
	l := look{
		w: px ^ 1, n: px ^ 1, nw: px ^ 1, ne: px ^ 1, was: px ^ 1, // asked above
		deep: c.deep[p.deep].of(p.deepCheck),
		wide: c.wide[p.wide].of(p.wideCheck),
		near: c.near[p.near].of(p.nearCheck),
		pair: c.pair[p.pair&(1<<pairBits-1)],
	}
	return !l.foretold(px)
}

// Colours counts the colours of src in r, up to limit, at most 32, where it stops.
func Colours(src *screen.Frame, r image.Rectangle, limit int) int {
	var seen [32]uint32
	limit = min(limit, len(seen))
	n := 0
	for y := r.Min.Y; y < r.Max.Y && n < limit; y++ {
		row := src.Row(y, r.Min.X, r.Max.X)
		last := ^uint32(0)
		for ; len(row) >= 4 && n < limit; row = row[4:] {
			px := uint32(row[0]) | uint32(row[1])<<8 | uint32(row[2])<<16
			if px == last {
				continue
			}
			last = px
			if !among(seen[:n], px) {
				seen[n] = px
				n++
			}
		}
	}
	return n
}

func among(list []uint32, px uint32) bool {
	for _, v := range list {
		if v == px {
			return true
		}
	}
	return false
}
