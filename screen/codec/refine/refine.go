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
			c.modes[lossy].fits[ch].start(taps[lossy][ch])
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
		var v features
		fs.next()
		t.surround(&m.edge, ch, res.typical)
		for y := range t.h {
			t.beginRow(ch, y)
			at := place(ch, 0, y)
			for x := at; x < at+t.w; x++ {
				base, kind := v.look(t, ch, x)
				f := &fs.class[kind]
				p, energy := t.clamp(ch, x, f.predict(base, &v, lossy)), t.energy(ch, x)
				s := t.exact[x&half]
				t.mag[x&half] = res.encode(e, energy, p, int32(s))
				t.learn(f, &v, x, base, s, energy, fs.phase)
			}
			t.endRow(ch, y)
		}
		res.settle(t, ch)
		t.leave(&m.edge, ch)
	}
	m.edge.last = r
	t.store(ref)
}

// Decode reads what Encode wrote and writes the exact pixels into ref.
func (c *Coder) Decode(d *rc.Decoder, ref *screen.Frame, r image.Rectangle, lossy bool) {
	t, m := &c.t, &c.modes[b2i(lossy)]
	t.load(ref, r, lossy)
	for ch := range channels {
		fs, res := &m.fits[ch], &m.res[ch]
		var v features
		fs.next()
		t.surround(&m.edge, ch, res.typical)
		for y := range t.h {
			t.beginRow(ch, y)
			at := place(ch, 0, y)
			for x := at; x < at+t.w; x++ {
				base, kind := v.look(t, ch, x)
				f := &fs.class[kind]
				p, energy := t.clamp(ch, x, f.predict(base, &v, lossy)), t.energy(ch, x)
				s, size := res.decode(d, energy, p)
				t.mag[x&half] = size
				t.learn(f, &v, x, base, int16(s), energy, fs.phase)
			}
			t.endRow(ch, y)
		}
		res.settle(t, ch)
		t.leave(&m.edge, ch)
	}
	m.edge.last = r
	t.store(ref)
}

// learn takes a pixel in, once its value is known, which base and the features
// v were there to predict.
func (t *tile) learn(f *fit, v *features, at int, base int32, value int16, energy uint32, phase int) {
	t.pix[at&mask] = value
	t.inn[at&half] = value - int16(t.guess)
	if (at+phase)%sparse == 0 {
		f.gather(v, int32(value)-base, trust[min(energy+uint32(t.mag[at&half])*8, 255)])
	}
}

// clamp brings a prediction into what the colour can be.
func (t *tile) clamp(ch, at int, p int32) int32 {
	low := int32(0)
	if ch != green {
		low = -8 * int32(t.pix[(at-ch*plane)&mask])
	}
	return min(max(p, low), low+8*255)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
