// Package text is the lossless coder of what programs draw: letters, lines,
// flat areas. It learns which colour followed which neighbourhood, so that a
// letter seen once costs next to nothing the second time, wherever it stands.
//
// The body of a tile is nothing but decisions of package rc, in the order
//
//	rectangle  rows from the top down, cut into parts of 256 px
//	row        segments of 16 px, each: as it was | as the row above | coded
//	coded      pixels from the left, each: a run | a guess | a literal
//	run        where all around is one colour: does it go on as far as that
//	           can be said, and if not, where does it end
//	guess      is it the colour that was learned here? or the next likely?
//	literal    one of the colours of late, or what MED says, and the difference
//
// What both ends know is used throughout: the pixels left and above, which are
// coded already, those around the rectangle, and what the viewer saw at the
// place until now.
//
// MED is the predictor of LOCO-I (Weinberger, Seroussi, Sapiro, 2000); the
// guessing goes back to PPM (Cleary and Witten, 1984), with the wide
// neighbourhood first and narrower ones when it is not known.
package text

import (
	"encoding/binary"
	"image"

	"sightline/screen"
	"sightline/screen/codec/rc"
)

const (
	segment = 16  // px, what a row is cut into
	part    = 256 // px, the widest rectangle coded in one go
	pad     = 4   // px on either side of a row in memory
)

// line is one row of the rectangle at hand; its pixel x is at pad+x.
type line [part + 2*pad]uint32

// Coder is what was learned in a session. Both ends keep one, and as long as
// both code the same rectangles in the same order the two are alike.
type Coder struct {
	tables
	model

	// Scratch of one rectangle.
	lines    [3]line            // the row at hand and the two above
	was      line               // what the viewer saw in the row at hand
	want     line               // encoder: what shall be there
	fresh    [2][part + 2]uint8 // 1 where a pixel of the row at hand, of that above, is not what it was; x is at x+1
	kindLeft int
	kinds    [part / segment]int // of the segments of the row above
}

// New makes a Coder that knows nothing.
func New() *Coder {
	c := new(Coder)
	c.Forget()
	return c
}

// Forget makes c as New.
func (c *Coder) Forget() { *c = Coder{} }

// Clone is a Coder that knows what c knows.
func (c *Coder) Clone() *Coder {
	d := new(Coder)
	*d = *c
	return d
}

// Encode codes the pixels of src in r, which lies within both pictures, and
// writes them into ref, the picture as the viewer has it. r is a tile or any
// larger rectangle: runs of tiles cost fewer bytes as one rectangle.
func (c *Coder) Encode(e *rc.Encoder, src, ref *screen.Frame, r image.Rectangle) {
	for x := r.Min.X; x < r.Max.X; x += part {
		p := image.Rect(x, r.Min.Y, min(x+part, r.Max.X), r.Max.Y)
		c.begin(ref, p)
		for y := p.Min.Y; y < p.Max.Y; y++ {
			load(c.want[pad:], src.Row(y, p.Min.X, p.Max.X))
			c.rowBegins(ref, p, y)
			for at := 0; at < p.Dx(); at += segment {
				c.encodeSegment(e, at, min(at+segment, p.Dx()))
			}
			c.rowEnds(ref, p, y)
		}
	}
}

// Decode reads what Encode coded into ref. From a stranger anything may come:
// it writes r and nothing else, and takes no longer than for an honest body;
// whether the body was long enough the Decoder tells (Overrun).
func (c *Coder) Decode(d *rc.Decoder, ref *screen.Frame, r image.Rectangle) {
	for x := r.Min.X; x < r.Max.X; x += part {
		p := image.Rect(x, r.Min.Y, min(x+part, r.Max.X), r.Max.Y)
		c.begin(ref, p)
		for y := p.Min.Y; y < p.Max.Y; y++ {
			c.rowBegins(ref, p, y)
			for at := 0; at < p.Dx(); at += segment {
				c.decodeSegment(d, at, min(at+segment, p.Dx()))
			}
			c.rowEnds(ref, p, y)
		}
	}
}

// begin takes what stands above p.
func (c *Coder) begin(ref *screen.Frame, p image.Rectangle) {
	c.surround(&c.lines[2], ref, p, p.Min.Y-2, true)
	c.surround(&c.lines[1], ref, p, p.Min.Y-1, true)
	for i := range c.fresh[1] {
		c.fresh[1][i] = 1
	}
	c.fresh[0][0] = 1
	c.kinds = [part / segment]int{}
}

// rowBegins takes what stands in row y and left of it.
func (c *Coder) rowBegins(ref *screen.Frame, p image.Rectangle, y int) {
	c.surround(&c.lines[0], ref, p, y, false)
	load(c.was[pad:], ref.Row(y, p.Min.X, p.Max.X))
	c.kindLeft = kindCoded
}

// rowEnds writes row y and makes it the one above.
func (c *Coder) rowEnds(ref *screen.Frame, p image.Rectangle, y int) {
	store(ref.Row(y, p.Min.X, p.Max.X), c.lines[0][pad:])
	c.lines[2] = c.lines[1]
	c.lines[1] = c.lines[0]
	c.fresh[1] = c.fresh[0]
	c.fresh[1][p.Dx()+1] = 1
}

// surround fills l with row y of ref from pad px left of p to pad px right of
// it, the middle only if it is asked for. Outside the picture all is black.
func (c *Coder) surround(l *line, ref *screen.Frame, p image.Rectangle, y int, middle bool) {
	if y < ref.Rect.Min.Y {
		clear(l[:p.Dx()+2*pad])
		return
	}
	for i := 1; i <= pad; i++ {
		l[pad-i] = at(ref, p.Min.X-i, y)
		l[pad+p.Dx()+i-1] = at(ref, p.Max.X+i-1, y)
	}
	if middle {
		load(l[pad:], ref.Row(y, p.Min.X, p.Max.X))
	}
}

func at(f *screen.Frame, x, y int) uint32 {
	if x < f.Rect.Min.X || x >= f.Rect.Max.X {
		return 0
	}
	return binary.LittleEndian.Uint32(f.Pix[f.Offset(x, y):])
}

func load(dst []uint32, row []byte) {
	for len(row) >= 4 && len(dst) > 0 {
		dst[0] = binary.LittleEndian.Uint32(row)
		dst, row = dst[1:], row[4:]
	}
}

func store(row []byte, src []uint32) {
	for len(row) >= 4 && len(src) > 0 {
		binary.LittleEndian.PutUint32(row, src[0])
		src, row = src[1:], row[4:]
	}
}
