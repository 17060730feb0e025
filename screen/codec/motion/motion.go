// Package motion finds what only moved: a scrolled page, a dragged window. It
// compares the new picture with the one the viewer has and answers with copies
// that, applied to the old picture, bring it nearer to the new one, so that
// only the rest needs coding.
//
// How: of the old picture, windows of 32 x 1 px on a lattice of 8 x 8 px are
// hashed into a table. In the new picture each probed tile looks up all 64
// alignments of such a window, so exactly one of them is on the lattice of
// where the content came from, whatever the distance. A hit votes for a vector.
// The vectors with most votes are then checked pixel by pixel, tile by tile,
// and the tiles that agree are gathered in rectangles:
//
//	votes -> vector -> tiles that match under it -> rectangle with the best
//	balance of tiles mended and tiles spoilt -> edges moved out to the pixel
//
// It is only an encoder's affair: the viewer copies what it is told to, and a
// copy missed or badly chosen costs bytes, never correctness.
package motion

import (
	"image"
	"slices"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

const (
	// maxMoves of one call. A move costs some 12 bytes on the wire; a desktop
	// with more moving parts than this is better coded anew.
	maxMoves = 64
	// minGain in tiles is what a move must win: below it the move's own bytes
	// and the risk of a chance hit outweigh it.
	minGain = 4
	// minVotes for a vector to be checked. Two windows agree by chance when a
	// page repeats a word; three seldom do.
	minVotes = 3
	// maxTries bounds the vectors checked in one call; a check of the whole of
	// a 1080p picture that fails costs some 0.1 ms.
	maxTries = 24
	// maxLately vectors of earlier calls are checked before anything is looked up:
	// what scrolls goes on at its pace, or at one of a few.
	maxLately = 4
	// maxMisses is how many vectors may fail in a call before it gives up.
	maxMisses = 5
)

// Finder finds moves. The zero value is ready; it keeps its scratch memory and
// where searching was in vain, so use one per picture. Not for concurrent use.
type Finder struct {
	size   image.Point
	calls  uint32
	vain   []uint8       // per tile: calls in a row in which it was dirty and nothing moved there
	lately []image.Point // vectors that were good for a move, the last one first

	// Scratch of one call.
	near  grid.Set // dirty tiles and their neighbours: where sources can be
	left  grid.Set // dirty tiles that no move has mended yet
	table table
	hits  []hit
	votes ballot
	check check
}

// Find appends the moves that make ref more like src to dst. They are to be
// applied in order with Frame.Shift; ref itself is not changed. Both frames
// have the same size and begin at (0,0); dirty names the tiles in which they
// differ. The moves together mend more dirty tiles than they spoil equal ones.
func (f *Finder) Find(dst []screen.Move, src, ref *screen.Frame, dirty *grid.Set) []screen.Move {
	if src.Rect != ref.Rect || src.Rect.Min != (image.Point{}) || dirty.Len() < minGain {
		return dst
	}
	f.begin(src.Rect.Max, dirty)
	base := len(dst)
	dst = f.again(dst, base, src, ref, dirty)
	if f.left.Len() >= minGain && f.look(src, ref) {
		dst = f.elect(dst, base, src, ref, dirty)
	}
	f.remember(dirty)
	return dst
}

// Mended tells that a tile which was dirty in the last Find is equal once its
// moves are made. What is not told may be equal all the same, where moves meet.
func (f *Finder) Mended(moves []screen.Move, x, y int) bool {
	if f.left.Has(x, y) {
		return false
	}
	t, by := f.left.Tile(x, y), 0
	for i := range moves {
		if moves[i].To.Overlaps(t) {
			if by++; by > 1 || !t.In(moves[i].To) {
				return false
			}
		}
	}
	return by == 1
}

// begin fits the scratch memory to the picture and takes the dirty tiles in.
func (f *Finder) begin(size image.Point, dirty *grid.Set) {
	f.calls++
	if f.size != size {
		f.size = size
		f.vain = make([]uint8, dirty.Cols*dirty.Rows)
		f.near.Size(size.X, size.Y)
		f.left.Size(size.X, size.Y)
		f.check.fit(dirty.Cols, dirty.Rows)
	}
	f.left.Clear()
	f.near.Clear()
	const s = grid.Side
	for y := range dirty.Rows {
		for x := dirty.Next(0, y); x < dirty.Cols; {
			from := x
			for ; x < dirty.Cols && dirty.Has(x, y); x++ {
				f.left.Add(x, y)
			}
			// A tile wider on each side, or the edges of what moved lack their source.
			f.near.AddRect(image.Rect((from-1)*s, (y-1)*s, (x+1)*s, (y+2)*s))
			x = dirty.Next(x, y)
		}
	}
}

// again checks the vectors of late, for moves that mend most of what is left.
func (f *Finder) again(dst []screen.Move, base int, src, ref *screen.Frame, dirty *grid.Set) []screen.Move {
	for i := 0; i < len(f.lately) && f.left.Len() >= minGain; i++ {
		v := f.lately[i]
		// One that is good for little only takes away from the right one.
		if f.check.begin(src, ref, dirty, &f.left, v, dst[base:]) >= f.left.Len()/2 {
			dst, _ = f.follow(dst, base, v)
		}
	}
	return dst
}

// elect checks the vectors in the order of their votes and appends the moves
// that they are good for.
func (f *Finder) elect(dst []screen.Move, base int, src, ref *screen.Frame, dirty *grid.Set) []screen.Move {
	misses := 0
	for range maxTries {
		v, n := f.votes.best(f.hits, &f.left)
		if n < minVotes {
			break
		}
		var found bool
		f.check.begin(src, ref, dirty, &f.left, v, dst[base:])
		dst, found = f.follow(dst, base, v)
		f.votes.done(v)
		if !found {
			if misses++; misses == maxMisses {
				break
			}
		}
	}
	return dst
}

// follow appends the moves that the vector which the check has begun with is good for.
func (f *Finder) follow(dst []screen.Move, base int, v image.Point) ([]screen.Move, bool) {
	found := false
	for len(dst)-base < maxMoves {
		m, ok := f.check.move(dst[base:])
		if !ok {
			break
		}
		at, ok := place(dst[base:], m)
		if !ok {
			break
		}
		dst = append(dst, screen.Move{})
		copy(dst[base+at+1:], dst[base+at:])
		dst[base+at] = m
		f.check.settle(m)
		found = true
	}
	if found {
		f.keep(v)
	}
	return dst, found
}

// keep puts a vector at the head of those of late.
func (f *Finder) keep(v image.Point) {
	i := slices.Index(f.lately, v)
	if i < 0 {
		if len(f.lately) < maxLately {
			f.lately = append(f.lately, v)
		}
		i = len(f.lately) - 1
	}
	copy(f.lately[1:], f.lately[:i])
	f.lately[0] = v
}

// place finds where among the moves m can be applied: before those whose target
// would overwrite its source, after those whose source it overwrites. There may
// be no such place.
func place(moves []screen.Move, m screen.Move) (int, bool) {
	first, last := 0, len(moves)
	source := sourceOf(m)
	for i, o := range moves {
		if sourceOf(o).Overlaps(m.To) {
			first = i + 1
		}
		if o.To.Overlaps(source) {
			last = min(last, i)
		}
	}
	return last, first <= last
}

func sourceOf(m screen.Move) image.Rectangle {
	return image.Rectangle{Min: m.From, Max: m.From.Add(m.To.Size())}
}

// remember counts for each dirty tile whether searching it was in vain, so
// that look leaves out most tiles of a playing video.
func (f *Finder) remember(dirty *grid.Set) {
	for y := range dirty.Rows {
		for x := dirty.Next(0, y); x < dirty.Cols; x = dirty.Next(x+1, y) {
			v := &f.vain[y*dirty.Cols+x]
			if !f.left.Has(x, y) {
				*v = 0
			} else if *v < 255 {
				*v++
			}
		}
	}
}
