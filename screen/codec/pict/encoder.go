package pict

import (
	"image"
	"time"

	"sightline/screen"
	"sightline/screen/codec/grid"
	"sightline/screen/codec/kern"
	"sightline/screen/codec/rc"
)

// Params say how well and how dearly one body is coded.
type Params struct {
	QP    int       // 0 (finest) to 51: the quantiser's step is 2^((QP-4)/6)
	Bytes int       // aimed at for the body; 0: no aim. QP is raised on the way, up to MaxQP
	MaxQP int       // 0: 51
	Until time.Time // rows of tiles not begun by then are left out; zero: no limit
	Hide  *grid.Set // tiles that are not shown in ref until Show asks for them; nil: none
}

// Stats tell about the last body.
type Stats struct {
	Tiles  int     // coded
	Still  int     // of them left as they were
	Intra  int     // of them coded without the picture before
	MeanQP float64 // of the tiles
}

// Encoder codes tiles of one picture. Not safe for concurrent use.
type Encoder struct {
	*picture
	rc    rc.Encoder
	stats Stats
	hasty bool // much to do: see manyTiles
	rate  rate

	line  [3][]byte // a row of tiles of the source
	src   [3][]byte // a tile's part of it
	ss    int       // stride of both
	sads  []uint32  // of the tiles as last searched
	near  around
	find  searcher
	ahead [3]samples // what motion foretells of the tile
	moved tilePixels // where it does not stand in old as it is
	off   offness    // how far the two are apart
	slate tilePixels // a prediction of chroma in place

	tries  [2]trial
	best   *trial // of tries
	spare  *trial // the other
	halves halves
	lam    lambdas
}

// samples are a tile's of one component, wherever they stand.
type samples struct {
	pix    []byte
	stride int
}

// offness is how far a tile is from what was foretold.
type offness struct {
	luma   kern.Quarters
	chroma [2]int // sums of absolute differences; of thin chroma only
}

// NewEncoder makes the encoder of a picture of w x h px, 1 to 16384 each.
func NewEncoder(w, h int) *Encoder {
	e := &Encoder{picture: newPicture(w, h)}
	e.rate.took = make([]float32, e.cols*e.rows)
	e.sads = make([]uint32, e.cols*e.rows)
	e.ss = e.cols * side
	for c := range e.line {
		e.line[c] = make([]byte, e.ss*side)
	}
	e.find.e = e
	return e
}

// Show writes to ref what the viewer sees in the tiles that r touches and that
// were hidden. It must be asked before anybody else reads or writes ref there, and before
// Forget and Clone.
func (e *Encoder) Show(ref *screen.Frame, r image.Rectangle) {
	if e.hidden.Len() == 0 {
		return
	}
	t := e.hidden.Touch(r)
	for ty := t.Min.Y; ty < t.Max.Y; ty++ {
		for tx := e.hidden.Next(t.Min.X, ty); tx < t.Max.X; {
			from := tx
			for ; tx < t.Max.X && e.hidden.Has(tx, ty); tx++ {
				e.hidden.Del(tx, ty)
			}
			e.showRun(ref, &e.old, from, tx, ty)
			tx = e.hidden.Next(tx, ty)
		}
	}
}

// Hidden is how many tiles are not shown.
func (e *Encoder) Hidden() int { return e.hidden.Len() }

// Touched tells that somebody else wrote ref's pixels in r.
func (e *Encoder) Touched(r image.Rectangle) { e.stale.AddRect(r) }

// Forget starts afresh: nothing that was learned or shown counts any more.
// The decoder must do the same.
func (e *Encoder) Forget() {
	e.forget()
	clear(e.rate.took)
}

// Stats tells about the last body.
func (e *Encoder) Stats() Stats { return e.stats }

// Clone makes an encoder that goes on from the same state, independently.
func (e *Encoder) Clone() *Encoder {
	c := NewEncoder(e.w, e.h)
	c.thin = e.thin
	if e.now[0].pix != nil {
		c.alloc()
	}
	for i := range e.now {
		copy(c.now[i].pix, e.now[i].pix)
		copy(c.old[i].pix, e.old[i].pix)
	}
	c.stale.Copy(&e.stale)
	c.behind.Copy(&e.behind)
	copy(c.tiles, e.tiles)
	copy(c.sads, e.sads)
	copy(c.rate.took, e.rate.took)
	c.frame, *c.m, c.grid = e.frame, *e.m, e.grid.Clone()
	return c
}

// Encode appends a body that codes the tiles of want as src has them, and
// writes to ref what the viewer will see. Tiles that it had to leave out are
// taken out of want. src and ref have the picture's size.
func (e *Encoder) Encode(dst []byte, src, ref *screen.Frame, want *grid.Set, p Params) []byte {
	e.rc.Reset(dst)
	e.grid.Encode(&e.rc, want)
	e.frame++
	thin := e.thinEnough(src, want, p.QP)
	if thin != e.thin {
		e.Show(ref, ref.Rect) // the planes are about to be made again from it
	}
	e.rc.Raw(uint32(b2i(thin)), 1)
	e.begin(thin)
	e.fresh(ref, want)
	e.stats = Stats{}
	e.hasty = want.Len() > manyTiles
	qp := e.rate.begin(e.picture, want, p)
	e.rc.Raw(uint32(qp), 6)
	for ty := range want.Rows {
		if want.Next(0, ty) == want.Cols {
			continue
		}
		stop := e.late(p)
		e.rc.Bit(&e.m.end, stop)
		if stop {
			want.DelRect(image.Rect(0, ty*side, e.w, e.h))
			break
		}
		next := e.rate.next(e.picture, want, ty, qp, e.rc.Len())
		e.m.qp.Encode(&e.rc, int32(next-qp))
		qp = next
		e.row(src, want, ty, qp)
		e.rate.end(qp, e.rc.Len())
	}
	if e.stats.Tiles > 0 {
		e.stats.MeanQP /= float64(e.stats.Tiles)
	}
	body := e.rc.Finish()
	e.finish(ref, want, p.Hide)
	return body
}

// manyTiles is from how many tiles on only what gains most is tried: a picture
// that fills the screen, or comes first, must be there soon.
const manyTiles = 2000

// row codes the tiles of a row.
func (e *Encoder) row(src *screen.Frame, want *grid.Set, ty, qp int) {
	e.lam.set(qp)
	e.loadRow(src, want, ty)
	for tx := want.Next(0, ty); tx < want.Cols; tx = want.Next(tx+1, ty) {
		before := e.rc.Len()
		e.tile(tx, ty, qp)
		e.rate.note(ty*e.cols+tx, e.rc.Len()-before, e.best.kind)
	}
}

// late tells that the rest of the tiles must be left out.
func (e *Encoder) late(p Params) bool {
	if p.Bytes > 0 && e.rc.Len() > 2*p.Bytes {
		return true
	}
	return !p.Until.IsZero() && !time.Now().Before(p.Until)
}

// loadRow converts the source of a row's tiles.
func (e *Encoder) loadRow(src *screen.Frame, want *grid.Set, ty int) {
	for tx := want.Next(0, ty); tx < want.Cols; {
		from := tx
		for tx < want.Cols && want.Has(tx, ty) {
			tx++
		}
		at := from * e.across(1)
		e.load(e.line[0][from*side:], e.ss, e.line[1][at:], e.line[2][at:], e.ss, src, from, tx, ty)
		tx = want.Next(tx, ty)
	}
}

// tile codes one tile.
func (e *Encoder) tile(tx, ty, qp int) {
	for c := range e.src {
		e.src[c] = e.line[c][tx*e.across(c):]
	}
	a := &e.near
	e.around(a, tx, ty)
	e.decide(tx, ty, a, qp)
	t := e.best
	encodeInfo(&e.rc, e.m, a, &t.info)
	for b := range blockCount(t.full) {
		if t.coded>>b&1 == 1 {
			if p := e.m.smallProb(&t.info, b); p != nil {
				e.rc.Bit(p, t.small>>b&1 == 1)
			}
			encodeBlock(&e.rc, e.m.blockModel(&t.info, b), &t.level[b], t.last[b])
		}
	}
	if t.kind != kindStill {
		for c := range t.pix {
			from := samples{t.pix[c][:], side}
			if t.plain {
				from = e.ahead[c]
			}
			e.copyTile(c, e.picture.spot(&e.now, c, tx, ty), e.now[c].stride, from.pix, from.stride)
		}
		e.behind.Del(tx, ty)
	} else if e.behind.Has(tx, ty) {
		e.keep(tx, ty)
	}
	e.note(tx, ty, &t.info, qp)
	e.stats.Tiles++
	e.stats.Still += b2i(t.kind == kindStill)
	e.stats.Intra += b2i(t.kind == kindIntra)
	e.stats.MeanQP += float64(qp)
}
