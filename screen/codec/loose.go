package codec

import (
	"encoding/binary"
	"image"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

// What the tiles of a film are meant to show is worth nothing: it is compared with
// the next frame, which differs, and costs as much memory traffic as coding
// takes in. So the encoder lets go of it (loosen) where tiles change all the time, and
// marks the place with pixels like which there are none: whoever compares it
// finds a difference. A tile that the next message's damage leaves out still is what
// it was; then it is taken down after all (tighten).

// unknown is a pixel that no frame has: its last byte is not zero.
const unknown = 0xff_000000

// loosen lets go of what a tile is meant to show, which is coded with loss.
func (v *view) loosen(x, y int) {
	v.lossy.Add(x, y)
	v.rough.Del(x, y)
	if v.loose.Has(x, y) {
		return
	}
	v.loose.Add(x, y)
	r := v.loose.Tile(x, y)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		// One pixel in each row: none that has moved is found here, either.
		binary.LittleEndian.PutUint32(v.meant.Row(y, r.Min.X, r.Max.X), unknown)
	}
}

// tighten takes down what the loose tiles are meant to show that c leaves alone.
func (m *message) tighten(c *screen.Change) {
	v := m.v
	if v.loose.Len() == 0 {
		return
	}
	changed := &m.set.done
	changed.Clear()
	for _, r := range c.Damage {
		changed.AddRect(r)
	}
	for _, mv := range c.Moves {
		changed.AddRect(mv.To)
	}
	for y := range v.loose.Rows {
		for x := v.loose.Next(0, y); x < v.loose.Cols; x = v.loose.Next(x+1, y) {
			if !changed.Has(x, y) {
				v.meant.Copy(m.src, v.loose.Tile(x, y))
				v.loose.Del(x, y)
			}
		}
	}
}

// light makes sure that shown is what the viewer sees in r, and beside it as far as
// any coder looks.
func (v *view) light(r image.Rectangle) {
	if v.film != nil {
		v.film.Show(v.shown, r.Inset(-grid.Side))
	}
}

// loosing gives those of the tiles that are about to be coded with loss which may be
// loose afterwards: none while something moves, for what is meant is where moves are found. A
// photograph in a page that scrolls changes all the time, too.
func (m *message) loosing(tiles *grid.Set) *grid.Set {
	loose := &m.set.loose
	if m.scrolls() {
		loose.Clear()
		return loose
	}
	loose.Copy(tiles)
	for y := range tiles.Rows {
		for x := tiles.Next(0, y); x < tiles.Cols; x = tiles.Next(x+1, y) {
			if !m.v.history(x, y).moving() || m.turn(x, y) {
				loose.Del(x, y)
			}
		}
	}
	return loose
}

// filmed notes that tiles were coded with loss, so that it shows or not, some of them to be loose.
func (m *message) filmed(tiles, loose *grid.Set, rough bool) {
	s, v := m.set, m.v
	if rough { // it is owed, and so comes as damage again
		loose.Clear()
		v.light(m.src.Rect)
	}
	for y := range tiles.Rows {
		for x := tiles.Next(0, y); x < tiles.Cols; x = tiles.Next(x+1, y) {
			s.films.Del(x, y)
			if loose.Has(x, y) {
				v.loosen(x, y)
				tiles.Del(x, y)
			}
		}
		for run := range runs(tiles, 0, tiles.Cols, y) {
			v.meant.Copy(m.src, tiles.Tile(run.Min.X, y).Union(tiles.Tile(run.Max.X-1, y)))
			for x := run.Min.X; x < run.Max.X; x++ {
				v.loose.Del(x, y)
				m.mark(x, y)
				if rough && v.lossy.Has(x, y) {
					v.rough.Add(x, y)
				}
			}
		}
	}
}
