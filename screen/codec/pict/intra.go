package pict

import (
	"encoding/binary"

	"sightline/screen/codec/kern"
)

// Modes of intra prediction of an 8 x 8 block from the samples to its left and
// above it, in the picture that is being made.
const (
	modeDC     = iota // the mean
	modeV             // columns go on
	modeH             // rows go on
	modeSmooth        // kern.Smooth8: between the border and its far corners
	modeSlope         // kern.Gradient8: left + above - corner, gradients go on
	modeDown          // diagonal, down to the right
	modeUp            // diagonal, from the upper right
	modeFlow          // steep, down to the right, 2:1
	lumaModes
	chromaModes = modeSlope + 1 // of a tile's chroma at half resolution
)

// border is what a block is predicted from. Where the picture ends the
// nearest sample there is goes on, and 128 where there is none.
type border struct {
	left   [8]byte
	above  [16]byte // also above the next block
	corner byte
}

// take reads the border of the block at (x,y) of p; more tells that the block
// to the upper right has been made.
func (b *border) take(p *plane, x, y int, more bool) {
	switch {
	case y > 0:
		row := p.pix[(y-1)*p.stride:][:p.stride]
		n := copy(b.above[:8], row[x:])
		if more && x+16 <= p.stride {
			n += copy(b.above[8:], row[x+8:])
		}
		for i := n; i < 16; i++ {
			b.above[i] = b.above[n-1]
		}
		b.corner = row[max(x-1, 0)]
	case x > 0:
		v := p.pix[y*p.stride+x-1]
		for i := range b.above {
			b.above[i] = v
		}
		b.corner = v
	default:
		for i := range b.above {
			b.above[i] = 128
		}
		b.corner = 128
	}
	for i := range b.left {
		if x > 0 {
			b.left[i] = p.pix[(y+i)*p.stride+x-1]
		} else {
			b.left[i] = b.corner
		}
	}
}

// predict fills dst, rows of stride ds.
func (b *border) predict(dst []byte, ds int, mode int) {
	switch mode {
	case modeDC:
		b.dc(dst, ds)
	case modeV:
		for y := range 8 {
			copy(dst[y*ds:y*ds+8], b.above[:8])
		}
	case modeH:
		for y := range 8 {
			fill8(dst[y*ds:], b.left[y])
		}
	case modeSmooth:
		kern.Smooth8(dst, ds, (*[8]byte)(b.above[:8]), &b.left)
	case modeSlope:
		kern.Gradient8(dst, ds, (*[8]byte)(b.above[:8]), &b.left, b.corner)
	default:
		b.slanted(dst, ds, mode)
	}
}

func (b *border) dc(dst []byte, ds int) {
	sum := 8
	for i := range 8 {
		sum += int(b.left[i]) + int(b.above[i])
	}
	for y := range 8 {
		fill8(dst[y*ds:], byte(sum>>4))
	}
}

// fill8 sets eight samples.
func fill8(dst []byte, v byte) {
	binary.LittleEndian.PutUint64(dst, uint64(v)*0x0101010101010101)
}

// slanted predicts along a slant from the border laid out as one line, from
// the lower left over the corner to the upper right, smoothed by 1-2-1.
func (b *border) slanted(dst []byte, ds int, mode int) {
	var line, soft [26]byte
	for i := range 8 {
		line[7-i] = b.left[i]
	}
	line[8] = b.corner
	copy(line[9:], b.above[:])
	line[25] = b.above[15]
	soft[0], soft[25] = line[0], line[25]
	for i := 1; i < 25; i++ {
		soft[i] = byte((int(line[i-1]) + 2*int(line[i]) + int(line[i+1]) + 2) >> 2)
	}
	for y := range 8 {
		row := dst[y*ds : y*ds+8]
		switch mode {
		case modeDown:
			copy(row, soft[8-y:])
		case modeUp:
			copy(row, soft[10+y:])
		default:
			// Two rows share a shift; what would come from beyond the
			// corner is taken from the left.
			n := (y + 1) / 2
			for x := range n {
				row[x] = soft[8-y+2*x]
			}
			copy(row[n:], soft[9:])
		}
	}
}

// wide is what the chroma of a whole tile is predicted from.
type wide struct {
	left, above [side]byte
	corner      byte
}

func (w *wide) take(p *plane, x, y int) {
	fillWith := func(b *[side]byte, v byte) {
		for i := range b {
			b[i] = v
		}
	}
	switch {
	case y > 0:
		row := p.pix[(y-1)*p.stride:][:p.stride]
		copy(w.above[:], row[x:])
		w.corner = row[max(x-1, 0)]
	case x > 0:
		w.corner = p.pix[y*p.stride+x-1]
		fillWith(&w.above, w.corner)
	default:
		w.corner = 128
		fillWith(&w.above, 128)
	}
	if x == 0 {
		fillWith(&w.left, w.corner)
		return
	}
	for i := range w.left {
		w.left[i] = p.pix[(y+i)*p.stride+x-1]
	}
}

// predict fills 16 x 16 samples; modes from modeSlope on are modeSlope.
func (w *wide) predict(dst []byte, ds int, mode int) {
	switch mode {
	case modeDC:
		var row [side]byte
		fill8(row[:], w.mean())
		fill8(row[8:], row[0])
		kern.Copy16(dst, ds, row[:], 0)
	case modeV:
		kern.Copy16(dst, ds, w.above[:], 0)
	case modeH:
		for y := range side {
			fill8(dst[y*ds:], w.left[y])
			fill8(dst[y*ds+8:], w.left[y])
		}
	case modeSmooth:
		kern.Smooth16(dst, ds, &w.above, &w.left)
	default:
		kern.Gradient16(dst, ds, &w.above, &w.left, w.corner)
	}
}

func (w *wide) mean() byte {
	sum := side
	for i := range side {
		sum += int(w.left[i]) + int(w.above[i])
	}
	return byte(sum / (2 * side))
}
