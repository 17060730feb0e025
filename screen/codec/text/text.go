// Package text is the lossless coder of what programs draw: letters, lines,
// flat areas. It learns which colour followed which neighbourhood, so that a
// letter seen once costs next to nothing the second time, wherever it stands.
//
// The body of a rectangle is nothing but decisions of package rc, in the order
//
//	rectangle  parts of 256 px from the left, each in rows from the top down
//	row        as it was | as the row above | mixed (if wider than a segment)
//	mixed      segments of 16 px, each: as it was | as the row above | coded
//	coded      pixels from the left, each: a run | a guess | a literal
//	run        where all around is one colour: does it go on as far as that
//	           can be said, and if not, where does it end
//	guess      is it the colour that was learned here? or the next likely?
//	literal    green as a difference to what MED says, then: the colour that had
//	           this green last time? or the differences of red and blue
//
// What both ends know is used throughout: the pixels left and above, which are
// coded already, those around the rectangle, and what the viewer saw at the
// place until now.
//
// MED is the predictor of LOCO-I (Weinberger, Seroussi, Sapiro, 2000); the
// guessing goes back to PPM (Cleary and Witten, 1984), with the widest
// neighbourhood first and narrower ones when it is not known.
package text

import (
	"image"

	"sightline/screen"
	"sightline/screen/codec/rc"
)

// Coder is what was learned in a session, about 2 MB. Both ends keep one, and
// as long as both code the same rectangles in the same order the two are alike.
type Coder struct {
	tables
	model
	rows
	look look
	enc  encoding
}

// New makes a Coder that knows nothing.
func New() *Coder { return new(Coder) }

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
// larger rectangle: a run of tiles costs fewer bytes and less time as one
// rectangle than one by one.
func (c *Coder) Encode(e *rc.Encoder, src, ref *screen.Frame, r image.Rectangle) {
	for x := r.Min.X; x < r.Max.X; x += part {
		p := image.Rect(x, r.Min.Y, min(x+part, r.Max.X), r.Max.Y)
		c.begin(ref, p)
		for y := p.Min.Y; y < p.Max.Y; y++ {
			c.rowBegins(ref, y)
			c.enc.row = src.Row(y, p.Min.X, p.Max.X)
			c.encodeRow(e)
			c.rowEnds()
		}
	}
	c.release()
}

// Decode reads what Encode coded into ref. From a stranger anything may come:
// it writes within r and nothing else, and takes no longer than for an honest
// body; once that is read beyond its end (Overrun) it leaves the rest as it is.
func (c *Coder) Decode(d *rc.Decoder, ref *screen.Frame, r image.Rectangle) {
	for x := r.Min.X; x < r.Max.X && !d.Overrun(); x += part {
		p := image.Rect(x, r.Min.Y, min(x+part, r.Max.X), r.Max.Y)
		c.begin(ref, p)
		for y := p.Min.Y; y < p.Max.Y && !d.Overrun(); y++ {
			c.rowBegins(ref, y)
			c.decodeRow(d)
			c.rowEnds()
		}
	}
	c.release()
}
