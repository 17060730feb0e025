// Package refine codes tiles of photo-like content exactly: either in the light
// of a lossy version that the viewer has already ("refinement"), or from
// nothing but the pixels around.
//
// A tile is coded colour by colour (green, blue, red), row by row. Every value
// is predicted as a weighted sum of pixels known to both ends: exact ones
// before it, the lossy ones all around it, and the colours coded before. The
// weights are those that would have served the last tiles best: both ends
// gather the same sums of products after each tile and solve the same
// equations (solve.go), so no weight is ever sent. What is left is coded with
// binary decisions whose probabilities depend on how large the errors nearby
// were (residual.go).
//
//	tile body = 256 residuals of G, 256 of B, 256 of R     (fewer at the picture's edge)
//	residual  = quotient (unary), remainder (k bits), sign; k follows from the context
//
// A colour is coded for the whole tile before the next. Blue and red are coded
// as differences from green, which leaves little of them where only the
// brightness varies. k is 0 where the errors nearby were small; then there is a
// decision on "no error at all" first, and the contexts of it and of the sign
// know at which eighth the prediction was rounded. A remainder's highest bit is
// learned, its others are nearly random and go out as they are.
//
// The body is a part of a body of package rc and has no length of its own. A
// stranger's body gives wrong pixels, never more work than an honest one.
package refine

import (
	"image"

	"sightline/screen"
	"sightline/screen/codec/grid"
	"sightline/screen/codec/kern"
	"sightline/screen/codec/rc"
)

// Coder holds what both ends have learned; both feed it the same tiles in the
// same order. Not for concurrent use.
type Coder struct {
	modes [2]mode // without, with a lossy version
	t     tile
}

// mode is what was learned about tiles of one kind.
type mode struct {
	fits [channels]fits
	res  [channels]residuals
	edge border
}

// New makes a Coder that has learned nothing.
func New() *Coder {
	c := new(Coder)
	c.Forget()
	return c
}

// Forget brings c back to what New makes.
func (c *Coder) Forget() {
	*c = Coder{}
	for lossy := range c.modes {
		for ch := range channels {
			c.modes[lossy].fits[ch].start(&recipes[lossy][ch])
		}
	}
}

// Clone makes a Coder that has learned the same.
func (c *Coder) Clone() *Coder {
	d := new(Coder)
	*d = *c
	return d
}

// Encode codes the exact pixels of src in r, a tile of at most 16 x 16 px, and
// writes them into ref. With lossy, the pixels of ref in r are a lossy version
// of them. Pixels of ref around r are used as they are. Both frames begin at
// (0,0) and hold r.
func (c *Coder) Encode(e *rc.Encoder, src, ref *screen.Frame, r image.Rectangle, lossy bool) {
	t, m := &c.t, &c.modes[b2i(lossy)]
	t.load(ref, r, lossy)
	t.want(src)
	for ch := range channels {
		fs, res := &m.fits[ch], &m.res[ch]
		fs.next()
		t.surround(&m.edge, ch, res.typical)
		for y := range t.h {
			t.beginRow(ch, y)
			t.encodeRow(e, fs, res, ch, place(ch, 0, y))
			t.learn(fs, ch, place(ch, 0, y))
			t.endRow(ch, y)
		}
		res.settle(t, ch)
		t.leave(&m.edge, ch)
	}
	m.edge.last = r
	t.store(ref)
}

// encodeRow codes the row of pixels that begins at index at. All of them being
// known, they are predicted at once.
func (t *tile) encodeRow(e *rc.Encoder, f *fits, res *residuals, ch, at int) {
	r, base := f.recipe, at+f.recipe.base
	med := at + medians - ch*plane
	sums := &t.sums[0]
	kern.Surroundings((*[grid.Side]int16)(t.pix[med:]), &t.kind, t.pix[:], at, stride)
	r.all.Rows(&t.features, t.pix[:], at)
	kern.DotsOf(sums, &t.features, &f.weights, &t.kind, (r.taps+1)&^1)
	t.nearby(ch, at)
	size := t.mag[at-1]
	for x := range t.w {
		i := at + x
		p := clamp(rounded(int32(t.pix[(base+x)&mask])<<unitBits+sums[x&15]), t.lowest(ch, i))
		v, energy := t.pix[i&mask], t.energyOf(ch, x, size)
		size = res.encode(e, energy, p, int32(v))
		t.pix[(i+news)&mask] = v - t.pix[(med+x)&mask]
		t.energy[x&15], t.mag[i&half] = uint16(energy), size
	}
}

// Decode reads what Encode wrote and writes the exact pixels into ref.
func (c *Coder) Decode(d *rc.Decoder, ref *screen.Frame, r image.Rectangle, lossy bool) {
	t, m := &c.t, &c.modes[b2i(lossy)]
	t.load(ref, r, lossy)
	for ch := range channels {
		fs, res := &m.fits[ch], &m.res[ch]
		fs.next()
		t.surround(&m.edge, ch, res.typical)
		for y := range t.h {
			t.beginRow(ch, y)
			t.decodeRow(d, fs, res, ch, place(ch, 0, y))
			t.learn(fs, ch, place(ch, 0, y))
			t.endRow(ch, y)
		}
		res.settle(t, ch)
		t.leave(&m.edge, ch)
	}
	m.edge.last = r
	t.store(ref)
}

// decodeRow reads the row of pixels that begins at index at. What is known
// beforehand is summed up at once, for every class of surroundings, as the class
// is known no sooner than the pixel before.
func (t *tile) decodeRow(d *rc.Decoder, f *fits, res *residuals, ch, at int) {
	r, base := f.recipe, at+f.recipe.base
	med := at + medians - ch*plane
	r.known.Rows(&t.features, t.pix[:], at)
	taps, fast := (r.taps+1)&^1, kern.Fast()
	if fast {
		kern.Dots(&t.sums, &t.features, &f.weights, taps)
	}
	scale := int32(b2i(t.lossy)) * unit // the other base, the median, counts in own
	t.nearby(ch, at)
	v, size := int32(0), t.mag[at-1]
	before2, before, corner := int32(t.pix[(at-2)&mask]), int32(t.pix[(at-1)&mask]), int32(t.pix[(at-stride-1)&mask])
	for x := range t.w {
		i := at + x
		above := int32(t.pix[(i-stride)&mask])
		m := median(before, above, corner)
		kind := kern.Surrounding(before-corner, above-corner) & (classes - 1)
		own := &f.own[kind]
		if !fast {
			t.sums[kind][x&15] = kern.DotOf(&t.features, &f.weights, int(kind), x, taps)
		}
		sum := t.sums[kind][x&15] + int32(t.pix[(base+x)&mask])*scale +
			own[left]*before + own[left2]*before2 + own[middle]*m
		energy := t.energyOf(ch, x, size)
		v, size = res.decode(d, energy, clamp(rounded(sum), t.lowest(ch, i)))
		t.pix[i&mask], t.pix[(med+x)&mask], t.pix[(i+news)&mask] = int16(v), int16(m), int16(v-m)
		t.kind[x&15], t.energy[x&15], t.mag[i&half] = int16(kind), uint16(energy), size
		before2, before, corner = before, v, above
	}
}

// learn takes the row of pixels that begins at index at in: what weights would
// have served them.
func (t *tile) learn(f *fits, ch, at int) {
	r := f.recipe
	for x := -(at + f.phase) & (sparse - 1); x < t.w; x += sparse {
		var v [maxTaps]int16
		i := at + x
		r.all.Column(&v, t.pix[:], i)
		fit := &f.class[t.kind[x&15]&3]
		d := int32(t.pix[i&mask]) - int32(t.pix[(i+r.base)&mask])
		fit.sums.Add(&v, d, trust[min(uint32(t.energy[x&15])+uint32(t.mag[i&half])*8, 255)], r.taps)
	}
}

// clamp brings a prediction, in eighths, into what the colour can be.
func clamp(p, lowest int32) int32 { return min(max(p, 8*lowest), 8*lowest+8*255) }

func median(w, n, nw int32) int32 {
	return min(max(w+n-nw, min(w, n)), max(w, n))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
