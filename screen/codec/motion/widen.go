package motion

import (
	"image"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

// widen moves the edges of r, which lie between tiles, out to where the moved
// content ends, at most a tile less one pixel. Each edge goes where most pixels
// are mended, and never where a tile that is equal would be spoilt.
func (c *check) widen(r image.Rectangle, moves []screen.Move) image.Rectangle {
	for side := range 4 {
		sum, best, out := 0, 0, 0
		for n := 1; n < grid.Side; n++ {
			line := edge(r, side, n)
			if !line.In(c.src.Rect) || !line.Add(c.by).In(c.ref.Rect) || touched(moves, line) {
				break
			}
			gain, ok := c.gain(line)
			if !ok {
				break
			}
			if sum += gain; sum > best {
				best, out = sum, n
			}
		}
		if out > 0 {
			r = r.Union(edge(r, side, out))
		}
	}
	return r
}

// edge is the n-th line of pixels outside r: above, below, left, right.
func edge(r image.Rectangle, side, n int) image.Rectangle {
	switch side {
	case 0:
		return image.Rect(r.Min.X, r.Min.Y-n, r.Max.X, r.Min.Y-n+1)
	case 1:
		return image.Rect(r.Min.X, r.Max.Y+n-1, r.Max.X, r.Max.Y+n)
	case 2:
		return image.Rect(r.Min.X-n, r.Min.Y, r.Min.X-n+1, r.Max.Y)
	default:
		return image.Rect(r.Max.X+n-1, r.Min.Y, r.Max.X+n, r.Max.Y)
	}
}

func touched(moves []screen.Move, r image.Rectangle) bool {
	for i := range moves {
		if moves[i].To.Overlaps(r) {
			return true
		}
	}
	return false
}

// gain is how many more pixels of line are mended than spoilt; not ok if one of
// an equal tile is spoilt.
func (c *check) gain(line image.Rectangle) (gain int, ok bool) {
	for y := line.Min.Y; y < line.Max.Y; y++ {
		now := c.src.Row(y, line.Min.X, line.Max.X)
		old := c.ref.Row(y, line.Min.X, line.Max.X)
		moved := c.ref.Row(y+c.by.Y, line.Min.X+c.by.X, line.Max.X+c.by.X)
		for i := 0; i < len(now); i += screen.BytesPerPixel {
			was := pixel(now, i) == pixel(old, i)
			will := pixel(now, i) == pixel(moved, i)
			switch {
			case will && !was:
				gain++
			case was && !will:
				if !c.dirty.Has((line.Min.X+i/screen.BytesPerPixel)/grid.Side, y/grid.Side) {
					return 0, false
				}
				gain--
			}
		}
	}
	return gain, true
}

func pixel(b []byte, i int) uint32 {
	b = b[i : i+4]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
