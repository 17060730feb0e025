package pict

import (
	"image"

	"sightline/screen"
	"sightline/screen/codec/grid"
	"sightline/screen/codec/kern"
)

// plane is one component; its sides are multiples of 16.
type plane struct {
	pix    []byte
	stride int
	h      int
}

func newPlane(w, h int) plane { return plane{pix: make([]byte, w*h), stride: w, h: h} }

func (p *plane) at(x, y int) []byte { return p.pix[y*p.stride+x:] }

// patch gives the w x h samples from (x,y), which may lie outside the plane:
// then they are copied into buf, the border repeated.
func (p *plane) patch(x, y, w, h int, buf *[patchSize]byte) ([]byte, int) {
	if x >= 0 && y >= 0 && x+w <= p.stride && y+h <= p.h {
		return p.pix[y*p.stride+x:], p.stride
	}
	from := min(max(-x, 0), w)          // the first sample within,
	to := max(min(p.stride-x, w), from) // and the first behind
	for j := range h {
		row := p.pix[min(max(y+j, 0), p.h-1)*p.stride:][:p.stride]
		out := buf[j*patchStride:][:w]
		if from < to {
			copy(out[from:to], row[x+from:])
		}
		for i := range from {
			out[i] = row[0]
		}
		for i := to; i < w; i++ {
			out[i] = row[p.stride-1]
		}
	}
	return buf[:], patchStride
}

const (
	patchStride = 32
	patchSize   = 24 * patchStride
)

// side is the tile's side in samples of any component.
const side = grid.Side

// picture is what both ends keep about one picture. now is what is being
// made; old is the picture before, the source of motion compensation. Between
// two bodies they are alike, but for stale tiles, whose pixels somebody else
// wrote.
type picture struct {
	w, h       int
	cols, rows int
	now, old   [3]plane
	stale      grid.Set
	tiles      []tile
	frame      uint32 // number of the body, counted from 1
	m          *models
	grid       *grid.Coder

	patch  [patchSize]byte
	pixels [side * side * 4]byte
}

// tilePixels is one tile's worth of samples: Y, Cb, Cr.
type tilePixels [3][side * side]byte

// tile is what is remembered about a tile since it was last coded.
type tile struct {
	frame uint32 // the body it was coded in
	mv    vector
	kind  kind
	coded uint16 // bit i: block i has coefficients
	qp    uint8
	full  bool     // chroma has blocks of its own resolution
	modes [4]uint8 // of intra luma blocks
}

type kind uint8

const (
	kindStill kind = iota // nothing changes, not a pixel
	kindSkip              // moved, nothing added
	kindInter             // moved and corrected
	kindIntra
)

type vector struct{ x, y int16 } // quarter luma samples

func newPicture(w, h int) *picture {
	p := &picture{w: w, h: h, cols: (w + side - 1) / side, rows: (h + side - 1) / side, m: new(models), grid: new(grid.Coder)}
	p.tiles = make([]tile, p.cols*p.rows)
	p.stale.Size(w, h)
	p.forget()
	return p
}

func (p *picture) forget() {
	p.stale.AddRect(image.Rect(0, 0, p.w, p.h))
	*p.m = models{}
	p.grid.Forget()
	clear(p.tiles)
	p.frame = 0
}

// alloc makes the planes, which a picture without films never needs.
func (p *picture) alloc() {
	for c := range p.now {
		p.now[c] = newPlane(p.cols*side, p.rows*side)
		p.old[c] = newPlane(p.cols*side, p.rows*side)
	}
}

// fresh makes the planes again from ref wherever set's tiles can refer to.
func (p *picture) fresh(ref *screen.Frame, set *grid.Set) {
	if p.now[0].pix == nil && set.Len() > 0 {
		p.alloc()
	}
	if p.stale.Len() == 0 {
		return
	}
	box := reach(set)
	for ty := box.Min.Y; ty < box.Max.Y; ty++ {
		for tx := p.stale.Next(box.Min.X, ty); tx < box.Max.X; tx = p.stale.Next(tx+1, ty) {
			n, x, y := &p.now, tx*side, ty*side
			p.load(n[0].at(x, y), n[1].at(x, y), n[2].at(x, y), n[0].stride, ref, tx, tx+1, ty)
			p.keepRun(tx, tx+1, ty)
			p.stale.Del(tx, ty)
		}
	}
}

// reach is the box of tiles that vectors from tiles of set can touch.
func reach(set *grid.Set) image.Rectangle {
	var box image.Rectangle
	for y := range set.Rows {
		x := set.Next(0, y)
		if x == set.Cols {
			continue
		}
		last := set.Cols - 1
		for !set.Has(last, y) {
			last--
		}
		box = box.Union(image.Rect(x, y, last+1, y+1))
	}
	if box.Empty() {
		return box
	}
	const n = maxVector/4/side + 2
	return box.Inset(-n).Intersect(image.Rect(0, 0, set.Cols, set.Rows))
}

// tilePix gives the tile's 16 x 16 pixels of f; where the picture ends the
// last row and column go on.
func (p *picture) tilePix(f *screen.Frame, tx, ty int) ([]byte, int) {
	x, y := tx*side, ty*side
	if x+side <= p.w && y+side <= p.h {
		return f.Pix[f.Offset(f.Rect.Min.X+x, f.Rect.Min.Y+y):], f.Stride
	}
	for j := range side {
		row := f.Row(f.Rect.Min.Y+min(y+j, p.h-1), f.Rect.Min.X+x, f.Rect.Min.X+min(x+side, p.w))
		out := p.pixels[j*side*4:][:side*4]
		n := copy(out, row)
		for ; n < len(out); n += 4 {
			copy(out[n:], row[len(row)-4:])
		}
	}
	return p.pixels[:], side * 4
}

// showRun writes tiles side by side to f as the viewer sees them.
func (p *picture) showRun(f *screen.Frame, from, to, ty int) {
	if to*side > p.w || (ty+1)*side > p.h {
		if to-1 > from {
			p.showRun(f, from, to-1, ty)
		}
		p.showEdge(f, to-1, ty)
		return
	}
	p.convert(f.Pix[f.Offset(f.Rect.Min.X+from*side, f.Rect.Min.Y+ty*side):], f.Stride, from, to, ty)
}

// showEdge writes a tile that the picture's end cuts.
func (p *picture) showEdge(f *screen.Frame, tx, ty int) {
	x, y := tx*side, ty*side
	p.convert(p.pixels[:], side*4, tx, tx+1, ty)
	for j := range min(side, p.h-y) {
		copy(f.Row(f.Rect.Min.Y+y+j, f.Rect.Min.X+x, f.Rect.Min.X+min(x+side, p.w)), p.pixels[j*side*4:])
	}
}

func (p *picture) convert(px []byte, stride, from, to, ty int) {
	n := &p.now
	x, y := from*side, ty*side
	kern.FromYCC444(px, stride, n[0].at(x, y), n[0].stride, n[1].at(x, y), n[2].at(x, y), n[1].stride, (to-from)*side, side)
}

// keepRun makes tiles of now those of old.
func (p *picture) keepRun(from, to, ty int) {
	for c := range p.now {
		n, o, stride := p.now[c].pix, p.old[c].pix, p.now[c].stride
		for y := ty * side; y < (ty+1)*side; y++ {
			copy(o[y*stride+from*side:y*stride+to*side], n[y*stride+from*side:])
		}
	}
}

// load converts tiles side by side of f into three planes of the stride of
// now; where the picture ends the last column and row go on.
func (p *picture) load(y, cb, cr []byte, stride int, f *screen.Frame, from, to, ty int) {
	whole := to
	if (ty+1)*side > p.h {
		whole = from
	} else if to*side > p.w {
		whole--
	}
	if whole > from {
		px := f.Pix[f.Offset(f.Rect.Min.X+from*side, f.Rect.Min.Y+ty*side):]
		kern.ToYCC444(y, stride, cb, cr, stride, px, f.Stride, (whole-from)*side, side)
	}
	for tx := whole; tx < to; tx++ {
		at := (tx - from) * side
		px, ps := p.tilePix(f, tx, ty)
		kern.ToYCC444(y[at:], stride, cb[at:], cr[at:], stride, px, ps, side, side)
	}
}

// finish filters, shows and keeps the tiles that the body has changed.
func (p *picture) finish(ref *screen.Frame, set *grid.Set) {
	for ty := range set.Rows {
		for from, to := p.run(set, 0, ty); from < to; from, to = p.run(set, to, ty) {
			for tx := from; tx < to; tx++ {
				p.deblock(tx, ty, &p.tiles[ty*p.cols+tx])
			}
		}
	}
	for ty := range set.Rows {
		for from, to := p.run(set, 0, ty); from < to; from, to = p.run(set, to, ty) {
			p.showRun(ref, from, to, ty)
			p.keepRun(from, to, ty)
		}
	}
}

// run finds the next tiles side by side, from tx on, that the body has changed.
func (p *picture) run(set *grid.Set, tx, ty int) (from, to int) {
	tx = set.Next(tx, ty)
	for tx < set.Cols && !p.live(&p.tiles[ty*p.cols+tx]) {
		tx = set.Next(tx+1, ty)
	}
	from = tx
	for tx < set.Cols && set.Has(tx, ty) && p.live(&p.tiles[ty*p.cols+tx]) {
		tx++
	}
	return from, tx
}

// live tells that the body changes the tile.
func (p *picture) live(t *tile) bool { return t.frame == p.frame && t.kind != kindStill }

// lately gives the tile if this body has coded it, else nil.
func (p *picture) lately(tx, ty int) *tile {
	if tx < 0 || ty < 0 || tx >= p.cols {
		return nil
	}
	if t := &p.tiles[ty*p.cols+tx]; t.frame == p.frame {
		return t
	}
	return nil
}
