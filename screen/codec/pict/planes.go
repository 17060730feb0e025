package pict

import (
	"encoding/binary"
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

// holds tells that w x h samples from (x,y) lie within the plane.
func (p *plane) holds(x, y, w, h int) bool {
	return x|y >= 0 && x+w <= p.stride && y+h <= p.h
}

// patch gives the w x h samples from (x,y), which may lie outside the plane:
// then they are copied into buf, the border repeated.
func (p *plane) patch(x, y, w, h int, buf *[patchSize]byte) ([]byte, int) {
	if p.holds(x, y, w, h) {
		return p.pix[y*p.stride+x:], p.stride
	}
	return p.beyond(x, y, w, h, buf)
}

// beyond is patch where some lie outside.
func (p *plane) beyond(x, y, w, h int, buf *[patchSize]byte) ([]byte, int) {
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
	thin       bool // the planes of chroma have half the resolution
	stale      grid.Set
	behind     grid.Set // now is as it was a body ago: made right when it is needed
	hidden     grid.Set // not shown yet: see Encoder.Show
	tiles      []tile
	frame      uint32 // number of the body, counted from 1
	m          *models
	grid       *grid.Coder

	patch  [patchSize]byte
	pixels [side * side * 4]byte
}

// tilePixels is one tile's worth of samples: Y, Cb, Cr, rows of side; of
// thin chroma the upper left quarter.
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
	p.behind.Size(w, h)
	p.hidden.Size(w, h)
	p.forget()
	return p
}

func (p *picture) forget() {
	p.stale.AddRect(image.Rect(0, 0, p.w, p.h))
	p.behind.Clear()
	p.hidden.Clear()
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
	p.shape()
}

// shape gives the planes of chroma their sides. Their memory is that of full
// resolution in any case.
func (p *picture) shape() {
	for _, set := range [2]*[3]plane{&p.now, &p.old} {
		for c := 1; c < 3 && set[c].pix != nil; c++ {
			set[c].stride, set[c].h = p.cols*p.across(c), p.rows*p.across(c)
		}
	}
}

// across is the side of a tile in component c.
func (p *picture) across(c int) int {
	if p.thin && c > 0 {
		return side / 2
	}
	return side
}

// begin makes chroma thin or full. All planes are stale if it was the other.
func (p *picture) begin(thin bool) {
	if thin == p.thin {
		return
	}
	p.thin = thin
	p.shape()
	p.stale.AddRect(image.Rect(0, 0, p.w, p.h))
}

// spot is where a tile begins in component c of a set of planes.
func (p *picture) spot(set *[3]plane, c, tx, ty int) []byte {
	n := p.across(c)
	return set[c].at(tx*n, ty*n)
}

// copyTile copies a tile's samples of component c.
func (p *picture) copyTile(c int, dst []byte, ds int, src []byte, ss int) {
	if p.across(c) == side {
		kern.Copy16(dst, ds, src, ss)
	} else {
		copy8(dst, ds, src, ss)
	}
}

// copy8 copies 8 x 8 samples.
func copy8(dst []byte, ds int, src []byte, ss int) {
	for y := range 8 {
		binary.LittleEndian.PutUint64(dst[y*ds:], binary.LittleEndian.Uint64(src[y*ss:]))
	}
}

// fresh makes the planes again from ref wherever set's tiles can refer to.
func (p *picture) fresh(ref *screen.Frame, set *grid.Set) {
	if p.now[0].pix == nil && set.Len() > 0 {
		p.alloc()
	}
	p.catchUp(set)
	if p.stale.Len() == 0 {
		return
	}
	box := reach(set)
	for ty := box.Min.Y; ty < box.Max.Y; ty++ {
		for tx := p.stale.Next(box.Min.X, ty); tx < box.Max.X; tx = p.stale.Next(tx+1, ty) {
			n := &p.now
			p.load(p.spot(n, 0, tx, ty), n[0].stride, p.spot(n, 1, tx, ty), p.spot(n, 2, tx, ty), n[1].stride, ref, tx, tx+1, ty)
			p.place(&p.old, &p.now, tx, ty)
			p.behind.Del(tx, ty)
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

// showRun writes tiles side by side of a set of planes to f as the viewer sees them.
func (p *picture) showRun(f *screen.Frame, set *[3]plane, from, to, ty int) {
	if to*side > p.w || (ty+1)*side > p.h {
		if to-1 > from {
			p.showRun(f, set, from, to-1, ty)
		}
		p.showEdge(f, set, to-1, ty)
		return
	}
	p.convert(f.Pix[f.Offset(f.Rect.Min.X+from*side, f.Rect.Min.Y+ty*side):], f.Stride, set, from, to, ty)
}

// showBut is showRun but for the tiles of hide, which may be nil.
func (p *picture) showBut(hide *grid.Set, f *screen.Frame, from, to, ty int) {
	for first := from; from < to; from++ {
		skip := hide != nil && hide.Has(from, ty)
		if skip {
			p.hidden.Add(from, ty)
		} else {
			p.hidden.Del(from, ty)
		}
		if last := from == to-1; skip || last {
			end := from + b2i(!skip)
			if end > first {
				p.showRun(f, &p.now, first, end, ty)
			}
			first = from + 1
		}
	}
}

// showEdge writes a tile that the picture's end cuts.
func (p *picture) showEdge(f *screen.Frame, set *[3]plane, tx, ty int) {
	x, y := tx*side, ty*side
	p.convert(p.pixels[:], side*4, set, tx, tx+1, ty)
	for j := range min(side, p.h-y) {
		copy(f.Row(f.Rect.Min.Y+y+j, f.Rect.Min.X+x, f.Rect.Min.X+min(x+side, p.w)), p.pixels[j*side*4:])
	}
}

func (p *picture) convert(px []byte, stride int, n *[3]plane, from, to, ty int) {
	show := kern.FromYCC444
	if p.thin {
		show = kern.FromYCC
	}
	show(px, stride, p.spot(n, 0, from, ty), n[0].stride, p.spot(n, 1, from, ty), p.spot(n, 2, from, ty), n[1].stride, (to-from)*side, side)
}

// place copies a tile from one set of planes to the other.
func (p *picture) place(to, from *[3]plane, tx, ty int) {
	for c := range to {
		p.copyTile(c, p.spot(to, c, tx, ty), to[c].stride, p.spot(from, c, tx, ty), from[c].stride)
	}
}

// keep leaves a tile as it was.
func (p *picture) keep(tx, ty int) {
	p.place(&p.now, &p.old, tx, ty)
	p.behind.Del(tx, ty)
}

// catchUp makes right what is behind, but for tiles of a set: those are about to
// be made.
func (p *picture) catchUp(but *grid.Set) {
	if p.behind.Len() == 0 {
		return
	}
	for ty := range p.behind.Rows {
		for tx := p.behind.Next(0, ty); tx < p.behind.Cols; tx = p.behind.Next(tx+1, ty) {
			if but == nil || !but.Has(tx, ty) {
				p.keep(tx, ty)
			}
		}
	}
}

// load converts tiles side by side of f into three planes; where the picture
// ends the last column and row go on.
func (p *picture) load(y []byte, ys int, cb, cr []byte, cs int, f *screen.Frame, from, to, ty int) {
	convert, k := kern.ToYCC444, side
	if p.thin {
		convert, k = kern.ToYCC, side/2
	}
	whole := to
	if (ty+1)*side > p.h {
		whole = from
	} else if to*side > p.w {
		whole--
	}
	if whole > from {
		px := f.Pix[f.Offset(f.Rect.Min.X+from*side, f.Rect.Min.Y+ty*side):]
		convert(y, ys, cb, cr, cs, px, f.Stride, (whole-from)*side, side)
	}
	for tx := whole; tx < to; tx++ {
		at := (tx - from) * k
		px, ps := p.tilePix(f, tx, ty)
		convert(y[(tx-from)*side:], ys, cb[at:], cr[at:], cs, px, ps, side, side)
	}
}

// finish filters the tiles that the body has changed, and shows them but for those of hide. What is now
// becomes old; the old of those tiles is left for the next body to write over, for
// in a film it writes nearly all.
func (p *picture) finish(ref *screen.Frame, set, hide *grid.Set) {
	for ty := range set.Rows {
		for from, to := p.run(set, 0, ty); from < to; from, to = p.run(set, to, ty) {
			for tx := from; tx < to; tx++ {
				p.deblock(tx, ty, &p.tiles[ty*p.cols+tx])
			}
		}
	}
	for ty := range set.Rows {
		for from, to := p.run(set, 0, ty); from < to; from, to = p.run(set, to, ty) {
			p.showBut(hide, ref, from, to, ty)
		}
	}
	p.catchUp(nil)
	p.now, p.old = p.old, p.now
	for ty := range set.Rows {
		for from, to := p.run(set, 0, ty); from < to; from, to = p.run(set, to, ty) {
			for tx := from; tx < to; tx++ {
				p.behind.Add(tx, ty)
			}
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
