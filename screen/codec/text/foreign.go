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
	for y := r.Min.Y + 1; y < r.Max.Y; y += 3 {
		if y < src.Rect.Min.Y+2 {
			continue
		}
		// Every other row looks at other columns.
		for x := r.Min.X + 1 + y&1; x < r.Max.X; x += 2 {
			if x < src.Rect.Min.X+3 || x+2 >= src.Rect.Max.X {
				continue
			}
			n++
			if c.strange(src, x, y) {
				foreign++
			}
		}
	}
	if n == 0 {
		return 0
	}
	return foreign * 256 / n
}

// strange tells whether nothing foretells the pixel at (x,y), which has two
// rows above it, three pixels left of it and two on its right.
func (c *Coder) strange(src *screen.Frame, x, y int) bool {
	var q0 [4]uint32
	var q1 [5]uint32
	load(q0[:], src.Row(y, x-3, x+1))
	load(q1[:], src.Row(y-1, x-2, x+3))
	px := q0[3]
	if px == q0[2] || px == q1[2] || px == q1[1] || px == q1[3] {
		return false
	}
	var q2 [3]uint32
	load(q2[:], src.Row(y-2, x-1, x+2))
	p := find((*[3]uint32)(q0[:3]), &q1, &q2)
	return !c.near[p.near].foretells(p.nearCheck, px) && !c.pair[p.pair].foretells(0, px) &&
		!c.wide[p.wide].foretells(p.wideCheck, px)
}

func (s slot) foretells(check uint64, px uint32) bool {
	return s.is(check) && s.sure() > 0 && (s.first() == px || s.second() == px)
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
