package pict

import "sightline/screen/codec/kern"

// mvBits is about what a vector costs.
func mvBits(v, guess vector) int {
	if v == guess {
		return 0
	}
	return 3 + partBits(int(v.x)-int(guess.x)) + partBits(int(v.y)-int(guess.y))
}

func partBits(d int) int { return 2 * bitLen(max(d, -d)) }

// search finds a vector for the tile, and what it costs in 1/16 units of
// absolute difference.
func (e *Encoder) search(tx, ty int, a *around) (vector, int) {
	s := searcher{e: e, tx: tx, ty: ty, guess: a.guess, best: -1}
	s.try(a.guess)
	s.try(vector{})
	if a.left != nil {
		s.try(a.left.mv)
	}
	if a.up != nil {
		s.try(a.up.mv)
	}
	if a.recent {
		s.try(a.was.mv)
	}
	if s.cost > 16*side*side/2 {
		s.diamond()
	}
	s.fine(2)
	s.fine(1)
	return s.at, s.cost
}

type searcher struct {
	e      *Encoder
	tx, ty int
	guess  vector
	at     vector
	cost   int
	best   int
	tried  [5]vector
	n      int
	buf    [side * side]byte
}

func (s *searcher) try(v vector) bool {
	if v.x < -maxVector || v.y < -maxVector || v.x > maxVector || v.y > maxVector {
		return false
	}
	var sad int
	if (v.x|v.y)&3 == 0 {
		src, ss := s.e.old[0].patch(s.tx*side+int(v.x>>2), s.ty*side+int(v.y>>2), side, side, &s.e.picture.patch)
		sad = kern.SAD16(s.e.src[0][:], side, src, ss)
	} else {
		s.e.move(s.buf[:], side, 0, s.tx, s.ty, v)
		sad = kern.SAD16(s.e.src[0][:], side, s.buf[:], side)
	}
	cost := 16*sad + s.e.lam.sad*mvBits(v, s.guess)
	if s.best < 0 || cost < s.cost {
		s.best, s.cost, s.at = 0, cost, v
		return true
	}
	return false
}

// diamond goes downhill over whole samples.
func (s *searcher) diamond() {
	s.at = vector{s.at.x &^ 3, s.at.y &^ 3}
	for step := int16(16); step >= 4; step /= 2 {
		for range 16 {
			c := s.at
			moved := s.try(vector{c.x - step, c.y})
			moved = s.try(vector{c.x + step, c.y}) || moved
			moved = s.try(vector{c.x, c.y - step}) || moved
			moved = s.try(vector{c.x, c.y + step}) || moved
			if !moved {
				break
			}
		}
	}
}

// fine tries the eight neighbours at a distance.
func (s *searcher) fine(d int16) {
	c := s.at
	for y := -d; y <= d; y += d {
		for x := -d; x <= d; x += d {
			if x != 0 || y != 0 {
				s.try(vector{c.x + x, c.y + y})
			}
		}
	}
}
