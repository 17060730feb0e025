package pict

import (
	"math"
	"slices"

	"sightline/screen/codec/kern"
)

// mvBits is about what a vector costs.
func mvBits(v, guess vector) int {
	if v == guess {
		return 0
	}
	return 3 + partBits(int(v.x)-int(guess.x)) + partBits(int(v.y)-int(guess.y))
}

func partBits(d int) int { return 2 * bitLen(max(d, -d)) }

// searcher finds a vector for one tile.
type searcher struct {
	e      *Encoder
	tx, ty int
	guess  vector
	// The best so far: its vector, its sum of absolute luma differences, and
	// that with the bits of the vector, in 1/16 units.
	at   vector
	sad  int
	cost int
	// Sums of the vectors that are cheap to code.
	guessed, still int
	// Luma as moved by the best vector, in bufs[best], if that is kept: vectors
	// of whole samples make none.
	bufs [2][side * side]byte
	best int
	kept bool
}

func (s *searcher) search(tx, ty int, a *around) {
	s.tx, s.ty, s.guess, s.cost = tx, ty, a.guess, math.MaxInt
	s.still = s.try(vector{})
	s.guessed = s.still
	if a.guess != (vector{}) {
		s.guessed = s.try(a.guess)
	}
	if s.settled(a) {
		s.note()
		return
	}
	s.tryNear(a)
	if !s.settled(a) {
		// The vector foretold is mostly right: then a look around is enough.
		before := s.at
		s.fine(1)
		if s.at != before || s.sad > farOff {
			s.diamond()
			s.fine(2)
			s.fine(1)
		}
	}
	s.note()
}

// tryNear tries what moves the tiles around, each vector once: most move alike.
func (s *searcher) tryNear(a *around) {
	tried, n := [5]vector{1: s.guess}, 2
	for i, t := range [3]*tile{a.left, a.up, a.was} {
		if t == nil || i == 2 && !a.recent || slices.Contains(tried[:n], t.mv) {
			continue
		}
		s.try(t.mv)
		tried[n] = t.mv
		n++
	}
}

// settled tells that a search would hardly pay: nothing is left to gain, or
// the tile fits as well as its neighbours do with a vector of theirs. That is
// where noise alone is left. (To be content with a fourth of the step, too, doubled
// the bytes of a pan: a vector that is a little wrong is inherited.)
func (s *searcher) settled(a *around) bool {
	if s.sad <= s.e.lam.calm[0] {
		return true
	}
	i := s.ty*s.e.cols + s.tx
	least := uint32(1 << 31)
	if a.left != nil && a.left.mv == s.at && a.left.kind != kindIntra {
		least = s.e.sads[i-1]
	}
	if a.up != nil && a.up.mv == s.at && a.up.kind != kindIntra {
		least = min(least, s.e.sads[i-s.e.cols])
	}
	return least != 1<<31 && s.sad <= int(least+least>>4)
}

func (s *searcher) note() { s.e.sads[s.ty*s.e.cols+s.tx] = uint32(s.sad) }

// try gives the sum of absolute differences at v.
func (s *searcher) try(v vector) int {
	if v.x < -maxVector || v.y < -maxVector || v.x > maxVector || v.y > maxVector {
		return 1 << 30
	}
	var sad int
	whole := (v.x|v.y)&3 == 0
	buf := &s.bufs[1-s.best]
	if whole {
		src, ss := s.e.old[0].patch(s.tx*side+int(v.x>>2), s.ty*side+int(v.y>>2), side, side, &s.e.picture.patch)
		sad = kern.SAD16(s.e.src[0], s.e.ss, src, ss)
	} else {
		s.e.move(buf[:], side, 0, s.tx, s.ty, v)
		sad = kern.SAD16(s.e.src[0], s.e.ss, buf[:], side)
	}
	if cost := 16*sad + s.e.lam.sad*mvBits(v, s.guess); cost < s.cost {
		s.cost, s.at, s.sad = cost, v, sad
		if s.kept = !whole; s.kept {
			s.best = 1 - s.best
		}
	}
	return sad
}

// diamond goes downhill over whole samples, in smaller and smaller steps; the
// large ones are for what is far off.
func (s *searcher) diamond() {
	s.try(vector{(s.at.x + 2) &^ 3, (s.at.y + 2) &^ 3})
	step := int16(16)
	if s.sad < farOff {
		step = 4
	}
	for ; step >= 4; step /= 2 {
		for range 16 {
			c := s.at
			s.try(vector{c.x - step, c.y})
			s.try(vector{c.x + step, c.y})
			s.try(vector{c.x, c.y - step})
			s.try(vector{c.x, c.y + step})
			if s.at == c {
				break
			}
		}
	}
}

// farOff is a sum of absolute differences of 2 a sample.
const farOff = 2 * side * side

// fine tries the neighbours at a distance, then the corner between the best
// two sides.
func (s *searcher) fine(d int16) {
	c := s.at
	l, r := s.try(vector{c.x - d, c.y}), s.try(vector{c.x + d, c.y})
	u, o := s.try(vector{c.x, c.y - d}), s.try(vector{c.x, c.y + d})
	x, y := c.x+d, c.y+d
	if l < r {
		x = c.x - d
	}
	if u < o {
		y = c.y - d
	}
	s.try(vector{x, y})
}
