package codec

import (
	"cmp"
	"image"
	"slices"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

// Viewers of two encoders can go on with one of them as soon as they see the
// same pixels; what they learned is forgotten. While a film plays they never do:
// it is coded with loss, by each in another way. Then what differs is made the
// same by force: covered, by moves, with pixels that are the same for all, and
// coded anew on top of that, which no viewer sees half done.
//
//	e.Apart(o) ──► how much differs ──► e.Meet() ──► Encode each picture ──► o's viewers go on with e

// Apart finds the tiles in which the viewers of the two see different pixels, and
// tells how many there are. ok is false if they were not sent the same pictures.
func (e *TilesEncoder) Apart(o *TilesEncoder) (tiles int, ok bool) {
	if len(e.views) != len(o.views) {
		return 0, false
	}
	for id, v := range e.views {
		w := o.views[id]
		if w == nil || w.fresh || v.fresh || w.shown.Rect != v.shown.Rect {
			return 0, false
		}
		v.light(v.shown.Rect)
		w.light(w.shown.Rect)
		unlike(&v.apart, v.shown, w.shown)
		tiles += v.apart.Len()
	}
	return tiles, true
}

// ApartIn is where a picture differed when Apart was last asked.
func (e *TilesEncoder) ApartIn(id screen.PictureID) screen.Region {
	if v := e.views[id]; v != nil {
		return v.apart.AppendRegion(nil)
	}
	return nil
}

// Meet makes the next message of each picture in which something was apart begin
// by making that the same, and forgets what was learned. Until they are all made,
// no other picture's message may be. A picture of which too much was apart is
// started afresh.
func (e *TilesEncoder) Meet() {
	e.Forget()
	for id, v := range e.views {
		if v.apart.Len() == 0 {
			continue
		}
		if v.cover = cover(&v.apart); v.cover == nil {
			delete(e.views, id)
		}
	}
}

// unlike puts the tiles into s in which two frames differ.
func unlike(s *grid.Set, a, b *screen.Frame) {
	s.Size(a.Rect.Dx(), a.Rect.Dy())
	for y := range s.Rows {
		row := image.Rect(0, y*grid.Side, a.Rect.Dx(), min((y+1)*grid.Side, a.Rect.Dy()))
		if same(a, b, row) {
			continue
		}
		for x := range s.Cols {
			if !same(a, b, s.Tile(x, y)) {
				s.Add(x, y)
			}
		}
	}
}

// cover gives moves that cover the tiles of a set with what lies outside it; nil
// if it needs too many, or there is nothing outside.
func cover(s *grid.Set) []screen.Move {
	from := outside(s)
	if from.Empty() {
		return nil
	}
	if moves := spread(from, s.AppendRegion(nil)); len(moves) <= maxMoves {
		return moves
	}
	var box image.Rectangle
	for _, r := range s.AppendRegion(nil) {
		box = box.Union(r)
	}
	s.AddRect(box)
	if from = outside(s); from.Empty() {
		return nil
	}
	return spread(from, screen.Region{box})
}

// outside is a tile that is not in the set, the largest of those at the edges;
// empty if all are in it.
func outside(s *grid.Set) (best image.Rectangle) {
	for y := range s.Rows {
		for x := range s.Cols {
			if r := s.Tile(x, y); !s.Has(x, y) && area(r) > area(best) {
				best = r
			}
		}
	}
	return best
}

// spread copies from over each rectangle of a region: what is done already is
// copied on, so that each step doubles it.
func spread(from image.Rectangle, region screen.Region) (moves []screen.Move) {
	slices.SortFunc(region, func(a, b image.Rectangle) int { return cmp.Compare(area(b), area(a)) })
	for _, r := range region {
		done := image.Rectangle{Min: r.Min, Max: r.Min.Add(image.Pt(min(from.Dx(), r.Dx()), min(from.Dy(), r.Dy())))}
		moves = append(moves, screen.Move{To: done, From: from.Min})
		for done.Max.X < r.Max.X {
			to := done.Add(image.Pt(done.Dx(), 0)).Intersect(r)
			moves = append(moves, screen.Move{To: to, From: r.Min})
			done.Max.X = to.Max.X
		}
		for done.Max.Y < r.Max.Y {
			to := done.Add(image.Pt(0, done.Dy())).Intersect(r)
			moves = append(moves, screen.Move{To: to, From: r.Min})
			done.Max.Y = to.Max.Y
		}
		if area(r) > area(from) {
			from = r
		}
	}
	return moves
}

// meet covers what was apart, and looks at it.
func (m *message) meet() {
	moves := m.v.cover
	m.v.cover = nil
	for _, mv := range moves {
		m.move(mv)
	}
	m.section(kindMoves)
	m.msg = appendMoves(m.msg, moves)
	for _, r := range m.v.apart.AppendRegion(nil) {
		m.lookAt(r)
	}
}
