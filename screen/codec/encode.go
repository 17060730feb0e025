package codec

import (
	"fmt"
	"image"
	"time"

	"sightline/screen"
	"sightline/screen/codec/grid"
	"sightline/screen/codec/kern"
	"sightline/screen/codec/motion"
	"sightline/screen/codec/pict"
	"sightline/screen/codec/rc"
	"sightline/screen/codec/refine"
	"sightline/screen/codec/text"
)

// TilesEncoder is the Encoder of this package.
type TilesEncoder struct {
	views  map[screen.PictureID]*view
	text   *text.Coder
	exact  *refine.Coder
	forget bool                 // the next message says that all was forgotten
	now    func() time.Duration // since the encoder's birth
	over   time.Duration        // of it, what its own work took beyond workMost a message

	scratch
}

// scratch of one Encode, kept to allocate nothing.
type scratch struct {
	rc      rc.Encoder
	moves   []screen.Move
	rest    screen.Region
	whole   [1]image.Rectangle
	message message
	tiles   tileSets
}

// tileSets sort the tiles of one message.
type tileSets struct {
	dirty grid.Set // differ from what the viewer was given
	words grid.Set // of them: to be coded as text
	films grid.Set // with loss
	later grid.Set // there was no time to sort
	small grid.Set // photographs so few that they go without loss at once
	again grid.Set // do not differ, but were coded so coarsely that it shows
	done  grid.Set // of one section
	loose grid.Set // of those of the film which are loose afterwards
}

// size makes all sets those of a picture.
func (s *tileSets) size(p image.Point) {
	for _, set := range [...]*grid.Set{&s.dirty, &s.words, &s.films, &s.small, &s.later, &s.again, &s.done, &s.loose} {
		set.Size(p.X, p.Y)
	}
}

// view is one picture as the viewer has it.
type view struct {
	shown *screen.Frame // the viewer's pixels
	meant *screen.Frame // what they stand for: shown itself, or with the originals of what was coded with loss
	spare *screen.Frame // meant's memory while it is not needed; nil before it first was
	lossy grid.Set      // tiles in which the two differ
	rough grid.Set      // of those the ones in which it shows
	loose grid.Set      // and those of which meant is not kept; see loosen
	tiles []history     // row by row

	fresh         bool // the viewer has not been told of it
	seq           byte // of the next message
	band          bandTurn
	summed        int           // rows of it, since it last changed; see Sum
	film          *pict.Encoder // nil until something was coded with loss
	finder        motion.Finder
	moved         time.Duration // when a message last had moves
	films         bool          // tiles of films were asked whether they are some,
	usual         float32       // and this part of them says no each time; see ended
	next, filmRow int           // rows of tiles with which the next message begins, if time is short
	apart         grid.Set      // see Apart
	cover         []screen.Move // what the next message begins with; see Meet
	// What was learned of where tiles lie.
	textTiles, exactTiles grid.Coder
}

var _ Encoder = (*TilesEncoder)(nil)

// NewEncoder makes an encoder for viewers that have nothing yet.
func NewEncoder() *TilesEncoder {
	birth := time.Now()
	return &TilesEncoder{
		views: make(map[screen.PictureID]*view), text: text.New(), exact: refine.New(), forget: true,
		now: func() time.Duration { return time.Since(birth) },
	}
}

// Reset implements Encoder.
func (e *TilesEncoder) Reset() {
	clear(e.views)
	e.Forget()
}

// Forget makes the next message begin to learn anew, with the pixels that the
// viewer has: a decoder whose pixels are the same can go on from there,
// whatever it learned before.
func (e *TilesEncoder) Forget() {
	e.forget = true
	e.text.Forget()
	e.exact.Forget()
	for _, v := range e.views {
		v.textTiles.Forget()
		v.exactTiles.Forget()
		v.light(v.shown.Rect)
		v.film = nil
	}
}

// Clone gives an encoder for a viewer that was in step until now.
func (e *TilesEncoder) Clone() *TilesEncoder {
	c := &TilesEncoder{
		views: make(map[screen.PictureID]*view, len(e.views)),
		text:  e.text.Clone(), exact: e.exact.Clone(), forget: e.forget, now: e.now, over: e.over,
	}
	for id, v := range e.views {
		c.views[id] = v.clone()
	}
	return c
}

func (v *view) clone() *view {
	v.light(v.shown.Rect)
	shown := cloneFrame(v.shown)
	c := &view{
		shown: shown, meant: shown, tiles: append([]history(nil), v.tiles...),
		fresh: v.fresh, seq: v.seq, band: v.band, moved: v.moved, films: v.films, usual: v.usual, summed: v.summed, textTiles: *v.textTiles.Clone(), exactTiles: *v.exactTiles.Clone(),
	}
	if v.meant != v.shown {
		c.meant = cloneFrame(v.meant)
	}
	c.lossy.Copy(&v.lossy)
	c.rough.Copy(&v.rough)
	c.loose.Copy(&v.loose)
	if v.film != nil {
		c.film = v.film.Clone()
	}
	return c
}

// part gives meant memory of its own: something is about to be coded with loss.
func (v *view) part() {
	if v.meant != v.shown {
		return
	}
	if v.spare == nil {
		v.spare = screen.NewFrame(v.shown.Rect)
	}
	v.spare.Copy(v.shown, v.shown.Rect)
	v.meant, v.spare = v.spare, nil
}

// unite makes meant and shown one again once all is exact: text alone needs
// half the memory traffic.
func (v *view) unite() {
	if v.meant != v.shown && v.lossy.Len() == 0 {
		v.meant, v.spare = v.shown, v.meant
	}
}

func cloneFrame(f *screen.Frame) *screen.Frame {
	c := screen.NewFrame(f.Rect)
	c.Copy(f, f.Rect)
	return c
}

// Exact implements Encoder.
func (e *TilesEncoder) Exact(id screen.PictureID) bool {
	v := e.views[id]
	return v == nil || v.lossy.Len() == 0
}

// Encode implements Encoder.
func (e *TilesEncoder) Encode(dst []byte, c *screen.Change, b Budget) ([]byte, screen.Region, error) {
	if c.Layout != nil {
		e.keep(c.Layout)
	}
	if c.Frame == nil {
		return dst, nil, nil
	}
	v, err := e.view(c)
	if err != nil {
		return dst, nil, err
	}
	began := e.now()
	defer func() { e.over += max(e.now()-began-workMost, 0) }()
	m := &e.message
	m.begin(e, v, c, b, dst)
	m.look(c)
	if v.cover != nil {
		m.meet()
	} else {
		m.follow(c.Moves)
	}
	m.sort()
	m.send()
	if b.Idle && m.quiet() {
		m.refine()
	}
	return m.end(), e.rest, nil
}

// workMost is how much of the time that a message takes to encode counts in the
// history of tiles: where it takes longer than a film's frame is shown, the film must
// not pass for slides, which take longer still.
const workMost = 30 * time.Millisecond

// keep drops the pictures that are no longer there.
func (e *TilesEncoder) keep(l *screen.Layout) {
	for id := range e.views {
		if _, ok := l.Find(id); !ok {
			delete(e.views, id)
		}
	}
}

// view finds or makes what the viewer has of the picture in c.
func (e *TilesEncoder) view(c *screen.Change) (*view, error) {
	box := c.Frame.Rect
	if box.Min != (image.Point{}) {
		return nil, fmt.Errorf("encode picture %d: frame begins at %v", c.Picture, box.Min)
	}
	if v := e.views[c.Picture]; v != nil && v.shown.Rect == box {
		return v, nil
	}
	if err := screen.CheckSize(box.Dx(), box.Dy()); err != nil {
		return nil, fmt.Errorf("encode picture %d: %w", c.Picture, err)
	}
	delete(e.views, c.Picture)
	total := box.Dx() * box.Dy()
	for _, other := range e.views {
		total += other.shown.Rect.Dx() * other.shown.Rect.Dy()
	}
	if len(e.views) >= screen.MaxPictures || total > screen.MaxPixels {
		return nil, fmt.Errorf("encode picture %d: more pictures than a session holds", c.Picture)
	}
	shown := screen.NewFrame(box)
	v := &view{shown: shown, meant: shown, fresh: true, moved: -filmOver}
	v.lossy.Size(box.Dx(), box.Dy())
	v.rough.Size(box.Dx(), box.Dy())
	v.loose.Size(box.Dx(), box.Dy())
	v.tiles = make([]history, v.lossy.Cols*v.lossy.Rows)
	e.views[c.Picture] = v
	return v, nil
}

// history of the tile in column x and row y.
func (v *view) history(x, y int) *history { return &v.tiles[y*v.lossy.Cols+x] }

// same tells whether two frames are alike within r.
func same(a, b *screen.Frame, r image.Rectangle) bool {
	return kern.EqualRows(a.Pix[a.Offset(r.Min.X, r.Min.Y):], a.Stride, b.Pix[b.Offset(r.Min.X, r.Min.Y):], b.Stride, 4*r.Dx(), r.Dy())
}
