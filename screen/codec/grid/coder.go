package grid

import "sightline/screen/codec/rc"

// Coder codes sets: for each row whether it has any, and in a row that has,
// each tile, in the light of its neighbours and of the set before. Both ends
// keep one and give it the same sets. The zero value is ready.
type Coder struct {
	row  [4]rc.Prob
	tile [16]rc.Prob
	last Set // the set before, of the same picture size

	above bool // whether the row above has tiles
}

// Encode codes the whole of s.
func (c *Coder) Encode(e *rc.Encoder, s *Set) {
	c.Begin(s)
	for y := range s.Rows {
		if c.PutRow(e, y, s.Next(0, y) < s.Cols) {
			for x := range s.Cols {
				c.PutTile(e, s, x, y, s.Has(x, y))
			}
		}
	}
	c.End(s)
}

// Decode reads a whole set into s, which has been Sized.
func (c *Coder) Decode(d *rc.Decoder, s *Set) {
	s.Clear()
	c.Begin(s)
	for y := range s.Rows {
		if c.TakeRow(d, y) {
			for x := range s.Cols {
				c.TakeTile(d, s, x, y)
			}
		}
	}
	c.End(s)
}

// Begin starts a set that is coded piece by piece, with what each tile holds in
// between: for each row PutRow and, if that says true, PutTile for each of its
// columns; then End. So an encoder can stop adding tiles whenever its budget is
// spent. The decoder does the same with TakeRow and TakeTile. s is empty, or
// already what it will be.
func (c *Coder) Begin(s *Set) {
	c.fit(s)
	c.above = false
}

// PutRow says whether row y may have tiles, and gives that back.
func (c *Coder) PutRow(e *rc.Encoder, y int, any bool) bool {
	e.Bit(c.rowProb(y), any)
	c.above = any
	return any
}

// PutTile says whether a tile is in the set, and puts it there.
func (c *Coder) PutTile(e *rc.Encoder, s *Set, x, y int, in bool) {
	e.Bit(c.tileProb(s, x, y), in)
	if in {
		s.Add(x, y)
	}
}

// TakeRow reads what PutRow wrote.
func (c *Coder) TakeRow(d *rc.Decoder, y int) bool {
	c.above = d.Bit(c.rowProb(y))
	return c.above
}

// TakeTile reads what PutTile wrote.
func (c *Coder) TakeTile(d *rc.Decoder, s *Set, x, y int) bool {
	in := d.Bit(c.tileProb(s, x, y))
	if in {
		s.Add(x, y)
	}
	return in
}

// End keeps the set as the context of the next one.
func (c *Coder) End(s *Set) {
	copy(c.last.bits, s.bits)
	c.last.n = s.n
}

// Forget makes the coder what it was at first.
func (c *Coder) Forget() {
	c.row, c.tile = [4]rc.Prob{}, [16]rc.Prob{}
	c.last.Clear()
}

// Clone gives a coder that goes on from here by itself.
func (c *Coder) Clone() *Coder {
	d := *c
	d.last.bits = append([]uint64(nil), c.last.bits...)
	return &d
}

// fit forgets the set before if it was of another grid.
func (c *Coder) fit(s *Set) {
	if c.last.size != s.size {
		c.last.Size(s.size.X, s.size.Y)
	}
}

func (c *Coder) rowProb(y int) *rc.Prob {
	return &c.row[b2i(c.above)|b2i(c.last.Next(0, y) < c.last.Cols)<<1]
}

func (c *Coder) tileProb(s *Set, x, y int) *rc.Prob {
	return &c.tile[b2i(s.Has(x-1, y))|b2i(s.Has(x, y-1))<<1|b2i(c.last.Has(x, y))<<2|b2i(s.Has(x+1, y-1))<<3]
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
