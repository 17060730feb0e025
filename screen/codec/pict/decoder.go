package pict

import (
	"errors"
	"image"

	"sightline/screen"
	"sightline/screen/codec/grid"
	"sightline/screen/codec/rc"
)

// ErrMalformed means a body that no encoder makes.
var ErrMalformed = errors.New("malformed picture body")

// Decoder applies the bodies that an Encoder of the same size made. Not safe
// for concurrent use.
type Decoder struct {
	*picture
	rc    rc.Decoder
	level [64]int16

	// Before is called before ref is written to, once a body was found right;
	// nil: nothing is. What it returns ends Decode.
	Before func() error
}

// NewDecoder makes the decoder of a picture of w x h px, 1 to 16384 each.
func NewDecoder(w, h int) *Decoder { return &Decoder{picture: newPicture(w, h)} }

// Touched tells that somebody else wrote ref's pixels in r.
func (d *Decoder) Touched(r image.Rectangle) { d.stale.AddRect(r) }

// Forget starts afresh, as Encoder.Forget does.
func (d *Decoder) Forget() { d.forget() }

// Decode applies a body to ref; done is set to the tiles that it wrote or
// found right as they were. After an error the decoder is of no use until
// Forget, and ref is in part written.
func (d *Decoder) Decode(body []byte, ref *screen.Frame, done *grid.Set) error {
	if ref.Rect.Dx() != d.w || ref.Rect.Dy() != d.h {
		return errors.New("picture frame of another size")
	}
	done.Size(d.w, d.h)
	d.rc.Reset(body)
	d.grid.Decode(&d.rc, done)
	d.frame++
	d.begin(d.rc.Raw(1) == 1)
	d.fresh(ref, done)
	qp := int(d.rc.Raw(6))
	for ty := range done.Rows {
		if done.Next(0, ty) == done.Cols {
			continue
		}
		if d.rc.Bit(&d.m.end) {
			done.DelRect(image.Rect(0, ty*side, d.w, d.h))
			break
		}
		delta := d.m.qp.Decode(&d.rc)
		if delta < -maxQP || delta > maxQP {
			return ErrMalformed
		}
		if qp += int(delta); qp < 0 || qp > maxQP {
			return ErrMalformed
		}
		for tx := done.Next(0, ty); tx < done.Cols; tx = done.Next(tx+1, ty) {
			if !d.tile(tx, ty, qp) {
				return ErrMalformed
			}
		}
		if d.rc.Overrun() {
			return ErrMalformed
		}
	}
	if d.Before != nil {
		if err := d.Before(); err != nil {
			return err
		}
	}
	d.finish(ref, done, nil)
	return nil
}

// tile decodes one tile into now.
func (d *Decoder) tile(tx, ty, qp int) bool {
	var a around
	d.around(&a, tx, ty)
	var i info
	if !decodeInfo(&d.rc, d.m, &a, &i) {
		return false
	}
	if i.kind != kindStill {
		d.behind.Del(tx, ty)
	} else if d.behind.Has(tx, ty) {
		d.keep(tx, ty)
	}
	if i.kind == kindSkip || i.kind == kindInter {
		for c := range d.now {
			d.move(d.picture.spot(&d.now, c, tx, ty), d.now[c].stride, c, tx, ty, i.mv)
		}
	}
	if i.kind >= kindInter {
		for b := range blockCount(i.full) {
			if !d.block(tx, ty, b, &i, qp) {
				return false
			}
		}
	}
	d.note(tx, ty, &i, qp)
	return true
}

func (d *Decoder) block(tx, ty, b int, i *info, qp int) bool {
	c, x, y := spot(b, i.full)
	pl, n := &d.now[c], d.across(c)
	x, y = tx*n+x, ty*n+y
	at := pl.at(x, y)
	s := sortOf(b, i.full)
	if i.kind == kindIntra {
		switch {
		case b >= 4 && d.thin:
			var br border
			br.take(pl, x, y, false)
			br.predict(at, pl.stride, int(i.chroma))
		case b < 4 || i.full:
			var br border
			br.take(pl, x, y, b&3 != 3)
			br.predict(at, pl.stride, int(i.modes[b&3]))
		default:
			var w wide
			w.take(pl, x, y)
			w.predict(at, pl.stride, int(i.chroma))
		}
	}
	if i.coded>>b&1 == 0 {
		return true
	}
	if p := d.m.smallProb(i, b); p != nil && d.rc.Bit(p) {
		i.small |= 1 << b
	}
	d.level = [64]int16{}
	if _, ok := decodeBlock(&d.rc, d.m.blockModel(i, b), &d.level); !ok {
		return false
	}
	rebuild(at, pl.stride, at, pl.stride, &d.level, blockQP(qp, s), d.twice(s), i.small>>b&1 == 1)
	return true
}
