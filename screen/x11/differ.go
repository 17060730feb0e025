package x11

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"

	"sightline/screen"
	"sightline/screen/codec/kern"
)

var errShort = errors.New("the X server sent less of a picture than was asked for")

// tile is the side, in px, of the squares that damage is rounded to. Programs
// redraw what did not change (a terminal its line, a browser its page), so
// what DAMAGE reports is compared with the last picture. 16 px are one line of
// text and the smallest tile of the codec.
const tile = 16

// colours masks out the byte of a pixel that carries no colour; servers leave
// anything in it. Two pixels in one word.
const colours = 0x00ffffff_00ffffff

// differ keeps the last picture and finds out what has really changed.
type differ struct {
	last  *screen.Frame
	cols  int
	dirty []bool // one for each tile, row by row
	found bool

	open, next []image.Rectangle // scratch of region
}

func newDiffer(size image.Point) *differ {
	cols := (size.X + tile - 1) / tile
	rows := (size.Y + tile - 1) / tile
	return &differ{
		last:  screen.NewFrame(image.Rectangle{Max: size}),
		cols:  cols,
		dirty: make([]bool, cols*rows),
	}
}

// take compares the pixels of box with the last picture and keeps what is new.
func (d *differ) take(box image.Rectangle, pix []byte, stride int) {
	n := 4 * box.Dx()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		now := pix[(y-box.Min.Y)*stride:][:n]
		was := d.last.Row(y, box.Min.X, box.Max.X)
		if !bytes.Equal(now, was) {
			d.takeRow(box.Min.X, box.Max.X, d.dirty[y/tile*d.cols:], now, was)
		}
	}
}

// takeRow goes through a row that may have changed, tile by tile. Runs of tiles
// that are known to be dirty from rows above are copied without looking.
func (d *differ) takeRow(x0, x1 int, dirty []bool, now, was []byte) {
	for x := x0; x < x1; {
		end := min((x/tile+1)*tile, x1)
		known := dirty[x/tile]
		for known && end < x1 && dirty[end/tile] {
			end = min(end+tile, x1)
		}
		a, b := now[4*(x-x0):4*(end-x0)], was[4*(x-x0):4*(end-x0)]
		if known || !sameColours(a, b) {
			kern.CopyColours(b, a)
			dirty[x/tile] = true
			d.found = true
		}
		x = end
	}
}

// sameColours goes four words at a time: where a server fills the unused byte,
// every row that is drawn comes here.
func sameColours(a, b []byte) bool {
	le := binary.LittleEndian
	for len(a) >= 32 && len(b) >= 32 {
		p, q := (*[32]byte)(a), (*[32]byte)(b)
		if ((le.Uint64(p[0:])^le.Uint64(q[0:]))|(le.Uint64(p[8:])^le.Uint64(q[8:]))|
			(le.Uint64(p[16:])^le.Uint64(q[16:]))|(le.Uint64(p[24:])^le.Uint64(q[24:])))&colours != 0 {
			return false
		}
		a, b = a[32:], b[32:]
	}
	for len(a) >= 8 && len(b) >= 8 {
		if (binary.LittleEndian.Uint64(a)^binary.LittleEndian.Uint64(b))&colours != 0 {
			return false
		}
		a, b = a[8:], b[8:]
	}
	return len(a) < 4 || (binary.LittleEndian.Uint32(a)^binary.LittleEndian.Uint32(b))&(colours>>32) == 0
}

// region adds what take found to r, as rectangles of whole tiles, and forgets
// it. Runs of tiles that stand under each other become one rectangle.
func (d *differ) region(r screen.Region) screen.Region {
	if !d.found {
		return r
	}
	d.found = false
	d.open = d.open[:0] // rectangles that end at the tile row before
	for ty := 0; ty*d.cols < len(d.dirty); ty++ {
		row := d.dirty[ty*d.cols : (ty+1)*d.cols]
		d.next = d.next[:0]
		for tx := 0; tx < d.cols; {
			if !row[tx] {
				tx++
				continue
			}
			start := tx
			for tx < d.cols && row[tx] {
				row[tx] = false
				tx++
			}
			d.next = append(d.next, d.grow(image.Rect(start*tile, ty*tile, tx*tile, ty*tile+tile)))
		}
		r = d.add(r, d.open)
		d.open, d.next = d.next, d.open
	}
	return d.add(r, d.open)
}

// grow takes the rectangle that run continues out of open, and returns both as one.
func (d *differ) grow(run image.Rectangle) image.Rectangle {
	for i, o := range d.open {
		if o.Min.X == run.Min.X && o.Max.X == run.Max.X {
			d.open = append(d.open[:i], d.open[i+1:]...)
			run.Min.Y = o.Min.Y
			return run
		}
	}
	return run
}

func (d *differ) add(r screen.Region, done []image.Rectangle) screen.Region {
	for _, b := range done {
		r = r.Add(b.Intersect(d.last.Rect))
	}
	return r
}
