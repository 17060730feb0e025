package motion

import (
	"image"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

// What a tile adds to the balance of a rectangle that holds it.
const (
	mended  = 4  // was dirty, will be equal
	wasted  = -1 // dirty and stays so: copying there is of no use
	spoilt  = -5 // was equal, will be dirty
	taboo   = -1 << 12
	minimum = minGain * mended
)

// check holds one vector against the pictures.
type check struct {
	src, ref    *screen.Frame
	dirty, left *grid.Set
	by          image.Point // from the new picture to the old
	cols, rows  int
	box         image.Rectangle // of tiles that matter
	score       []int16         // per tile
	sums        []int32         // per row or column of the box
}

func (c *check) fit(cols, rows int) {
	c.cols, c.rows = cols, rows
	c.score = make([]int16, cols*rows)
	c.sums = make([]int32, max(cols, rows))
}

// begin scores the tiles under vector by and counts those that it would mend.
func (c *check) begin(src, ref *screen.Frame, dirty, left *grid.Set, by image.Point, moves []screen.Move) (n int) {
	c.src, c.ref, c.dirty, c.left, c.by = src, ref, dirty, left, by
	c.box = image.Rectangle{}
	for y := range c.rows {
		first, last := c.cols, -1
		for x := left.Next(0, y); x < c.cols; x = left.Next(x, y) {
			// Long compares are fast ones: a run of tiles at once, if it agrees.
			from := x
			for x < c.cols && x < from+8 && left.Has(x, y) {
				x++
			}
			run := left.Tile(from, y).Union(left.Tile(x-1, y))
			all := c.same(run) && !touched(moves, run)
			for i := from; i < x; i++ {
				s := int16(wasted)
				if t := left.Tile(i, y); all || c.same(t) && !touched(moves, t) {
					s = mended
					first, last = min(first, i), i
					n++
				}
				c.score[y*c.cols+i] = s
			}
		}
		if last >= 0 {
			c.box = c.box.Union(image.Rect(first, y, last+1, y+1))
		}
	}
	if n < minGain {
		c.box = image.Rectangle{}
		return 0
	}
	c.scoreEqual(moves)
	return n
}

// scoreEqual scores the tiles within the box that are equal now, runs of them at
// once where they stay equal.
func (c *check) scoreEqual(moves []screen.Move) {
	for y := c.box.Min.Y; y < c.box.Max.Y; y++ {
		for x := c.box.Min.X; x < c.box.Max.X; {
			if c.left.Has(x, y) {
				x++
				continue
			}
			from := x
			for x < c.box.Max.X && x < from+8 && !c.left.Has(x, y) {
				x++
			}
			run := c.left.Tile(from, y).Union(c.left.Tile(x-1, y))
			all := c.same(run) && !touched(moves, run)
			for i := from; i < x; i++ {
				c.score[y*c.cols+i] = c.scoreOf(i, y, all, moves)
			}
		}
	}
}

// scoreOf is the score of a tile that is not left; stays: it is equal with the
// move as well as without.
func (c *check) scoreOf(x, y int, stays bool, moves []screen.Move) int16 {
	t := c.left.Tile(x, y)
	switch {
	case c.dirty.Has(x, y) || !stays && touched(moves, t): // another move's affair
		return taboo
	case stays || c.same(t):
		return 0
	}
	return spoilt
}

// same tells whether r of the new picture is what the old one has at the other
// end of the vector.
func (c *check) same(r image.Rectangle) bool {
	from := r.Add(c.by)
	if !from.In(c.ref.Rect) {
		return false
	}
	n := r.Dx() * screen.BytesPerPixel
	a, b := c.src.Offset(r.Min.X, r.Min.Y), c.ref.Offset(from.Min.X, from.Min.Y)
	for range r.Dy() {
		if string(c.src.Pix[a:a+n]) != string(c.ref.Pix[b:b+n]) {
			return false
		}
		a += c.src.Stride
		b += c.ref.Stride
	}
	return true
}

// move returns the best rectangle under the vector, to the pixel, if it is
// worth a move besides those given.
func (c *check) move(moves []screen.Move) (screen.Move, bool) {
	tiles, gain := c.rectangle()
	if gain < minimum {
		return screen.Move{}, false
	}
	r := c.dirty.Tile(tiles.Min.X, tiles.Min.Y).Union(c.dirty.Tile(tiles.Max.X-1, tiles.Max.Y-1))
	// A rectangle may hold tiles without a source (wasted).
	r = r.Intersect(c.ref.Rect.Sub(c.by))
	r = c.widen(r, moves)
	return screen.Move{To: r, From: r.Min.Add(c.by)}, true
}

// rectangle finds a rectangle of tiles with a high balance: the best rows of
// the columns, the best columns of those rows, and so on until nothing changes.
// Looking at all rectangles would cost rows² x columns, 3 ms at 4K, for little.
func (c *check) rectangle() (best image.Rectangle, gain int32) {
	best = c.box
	for range 4 {
		before := best
		best.Min.Y, best.Max.Y, _ = c.bestRows(best)
		best.Min.X, best.Max.X, gain = c.bestColumns(best)
		if best == before {
			break
		}
	}
	return best, gain
}

func (c *check) bestRows(r image.Rectangle) (from, to int, gain int32) {
	for y := c.box.Min.Y; y < c.box.Max.Y; y++ {
		sum := int32(0)
		for _, s := range c.score[y*c.cols+r.Min.X : y*c.cols+r.Max.X] {
			sum += int32(s)
		}
		c.sums[y-c.box.Min.Y] = sum
	}
	from, to, gain = span(c.sums[:c.box.Dy()])
	return from + c.box.Min.Y, to + c.box.Min.Y, gain
}

func (c *check) bestColumns(r image.Rectangle) (from, to int, gain int32) {
	sums := c.sums[:c.box.Dx()]
	clear(sums)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for i, s := range c.score[y*c.cols+c.box.Min.X : y*c.cols+c.box.Max.X] {
			sums[i] += int32(s)
		}
	}
	from, to, gain = span(sums)
	return from + c.box.Min.X, to + c.box.Min.X, gain
}

// span is the run with the highest sum.
func span(v []int32) (from, to int, best int32) {
	start, sum := 0, int32(0)
	for i, x := range v {
		if sum <= 0 {
			start, sum = i, 0
		}
		if sum += x; sum > best {
			from, to, best = start, i+1, sum
		}
	}
	return from, to, best
}

// settle takes the tiles that m makes equal out of those that are left and of
// what further rectangles can win.
func (c *check) settle(m screen.Move) {
	t := c.dirty.Touch(m.To)
	for y := t.Min.Y; y < t.Max.Y; y++ {
		for x := t.Min.X; x < t.Max.X; x++ {
			if c.left.Has(x, y) && c.equalAfter(c.left.Tile(x, y), m.To) {
				c.left.Del(x, y)
			}
			c.score[y*c.cols+x] = taboo
		}
	}
}

// equalAfter tells whether tile is equal when the move to r was made: within r
// by the vector, outside as it is.
func (c *check) equalAfter(tile, r image.Rectangle) bool {
	in := tile.Intersect(r)
	if in == tile {
		return c.score[tile.Min.Y/grid.Side*c.cols+tile.Min.X/grid.Side] == mended
	}
	if !c.same(in) {
		return false
	}
	for y := tile.Min.Y; y < tile.Max.Y; y++ {
		left, right := tile.Min.X, tile.Max.X // of what is not moved
		if y >= in.Min.Y && y < in.Max.Y {
			if !c.still(y, left, in.Min.X) {
				return false
			}
			left = in.Max.X
		}
		if !c.still(y, left, right) {
			return false
		}
	}
	return true
}

// still tells whether the pixels are equal without any move.
func (c *check) still(y, x0, x1 int) bool {
	return string(c.src.Row(y, x0, x1)) == string(c.ref.Row(y, x0, x1))
}
