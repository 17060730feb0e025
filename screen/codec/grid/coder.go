package grid

import "sightline/screen/codec/rc"

// Coder codes sets: for each row whether it has any, and in a row that has,
// each tile, in the light of its neighbours and of the set before. Both ends
// keep one and give it the same sets. The zero value is ready.
type Coder struct {
	row  [4]rc.Prob
	tile [16]rc.Prob
	last Set // the set before, of the same picture size
}

// Encode codes s.
func (c *Coder) Encode(e *rc.Encoder, s *Set) {
	c.fit(s)
	above := false
	for y := range s.Rows {
		any := s.Next(0, y) < s.Cols
		e.Bit(c.rowProb(y, above), any)
		if any {
			for x := range s.Cols {
				e.Bit(c.tileProb(s, x, y), s.Has(x, y))
			}
		}
		above = any
	}
	c.keep(s)
}

// Decode reads a set into s, which has been Sized.
func (c *Coder) Decode(d *rc.Decoder, s *Set) {
	c.fit(s)
	s.Clear()
	above := false
	for y := range s.Rows {
		any := d.Bit(c.rowProb(y, above))
		if any {
			for x := range s.Cols {
				if d.Bit(c.tileProb(s, x, y)) {
					s.Add(x, y)
				}
			}
		}
		above = any
	}
	c.keep(s)
}

// fit forgets the set before if it was of another grid.
func (c *Coder) fit(s *Set) {
	if c.last.size != s.size {
		c.last.Size(s.size.X, s.size.Y)
	}
}

func (c *Coder) keep(s *Set) {
	copy(c.last.bits, s.bits)
	c.last.n = s.n
}

func (c *Coder) rowProb(y int, above bool) *rc.Prob {
	return &c.row[b2i(above)|b2i(c.last.Next(0, y) < c.last.Cols)<<1]
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
