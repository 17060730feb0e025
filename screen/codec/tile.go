package codec

import (
	"encoding/binary"
	"image"

	"sightline/screen"
)

// tileSide in px. 16: a terminal's glyph touches one or two tiles, and the
// cost per tile stays far below that of its pixels.
const tileSide = 16

const tilePixels = tileSide * tileSide

// Kinds of tiles; 2..16 are palettes of so many colours.
const (
	kindSame  = 0
	kindSolid = 1
	maxColour = 16
	kindRaw   = 17
)

// grid is how a picture is cut into tiles.
type grid struct{ w, h int }

func (g grid) cols() int  { return (g.w + tileSide - 1) / tileSide }
func (g grid) rows() int  { return (g.h + tileSide - 1) / tileSide }
func (g grid) tiles() int { return g.cols() * g.rows() }

// tile returns the pixels of the tile in that row and column of the grid.
func (g grid) tile(row, col int) image.Rectangle {
	x, y := col*tileSide, row*tileSide
	return image.Rectangle{
		Min: image.Point{X: x, Y: y},
		Max: image.Point{X: min(x+tileSide, g.w), Y: min(y+tileSide, g.h)},
	}
}

// indexBits is the width of a palette index for n colours.
func indexBits(n int) int {
	switch {
	case n <= 2:
		return 1
	case n <= 4:
		return 2
	}
	return 4
}

// indexSize is the number of bytes that the indices of a w x h tile take.
func indexSize(n, w, h int) int { return (w*indexBits(n) + 7) / 8 * h }

// same tells whether r shows the same in both frames.
func same(a, b *screen.Frame, r image.Rectangle) bool {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		if string(a.Row(y, r.Min.X, r.Max.X)) != string(b.Row(y, r.Min.X, r.Max.X)) {
			return false
		}
	}
	return true
}

// pixels are those of one tile as 0x00RRGGBB, row by row without gaps.
type pixels [tilePixels]uint32

// load takes the pixels of r and gives their number.
func (p *pixels) load(f *screen.Frame, r image.Rectangle) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := f.Row(y, r.Min.X, r.Max.X)
		for ; len(row) >= screen.BytesPerPixel; row = row[screen.BytesPerPixel:] {
			p[n&(tilePixels-1)] = binary.LittleEndian.Uint32(row) & 0xffffff
			n++
		}
	}
	return n
}

// store paints the pixels into r.
func (p *pixels) store(f *screen.Frame, r image.Rectangle) {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := f.Row(y, r.Min.X, r.Max.X)
		for ; len(row) >= screen.BytesPerPixel; row = row[screen.BytesPerPixel:] {
			binary.LittleEndian.PutUint32(row, p[n&(tilePixels-1)])
			n++
		}
	}
}

// palette is the colours of one tile in order of first sight, and for each
// pixel the number of its colour.
type palette struct {
	colours [maxColour]uint32
	index   [tilePixels]uint8
}

// build looks at the first n pixels and returns the number of colours, or
// kindRaw if they are more than a palette holds.
func (t *palette) build(p *pixels, n int) int {
	t.colours[0] = p[0]
	t.index[0] = 0
	count, last, at := 1, p[0], uint8(0)
	for i := 1; i < n; i++ {
		if c := p[i]; c != last {
			last = c
			k := 0
			for k < count && t.colours[k] != c {
				k++
			}
			if k == count {
				if count == maxColour {
					return kindRaw
				}
				t.colours[k] = c
				count++
			}
			at = uint8(k)
		}
		t.index[i] = at
	}
	return count
}

// pack appends the indices of a w px wide tile of n pixels.
func (t *palette) pack(dst []byte, colours, w, n int) []byte {
	bits := indexBits(colours)
	for from := 0; from < n; from += w {
		var acc, have int
		for _, k := range t.index[from : from+w] {
			acc |= int(k) << have
			if have += bits; have == 8 {
				dst = append(dst, byte(acc))
				acc, have = 0, 0
			}
		}
		if have > 0 {
			dst = append(dst, byte(acc))
		}
	}
	return dst
}

// unpack reads what pack wrote into pixels and returns the bytes after it.
// Indices beyond the palette take its unused colours, which are black: any
// bytes are a picture.
func (t *palette) unpack(p *pixels, src []byte, colours, w, h int) []byte {
	bits := indexBits(colours)
	mask, n := byte(1<<bits-1), 0
	rowSize := (w*bits + 7) / 8
	for y := 0; y < h; y++ {
		row := src[:rowSize]
		src = src[rowSize:]
		shift, at := 0, 0
		for x := 0; x < w; x++ {
			p[n] = t.colours[row[at]>>shift&mask]
			n++
			if shift += bits; shift == 8 {
				shift, at = 0, at+1
			}
		}
	}
	return src
}

// appendColour writes B G R.
func appendColour(dst []byte, c uint32) []byte {
	return append(dst, byte(c), byte(c>>8), byte(c>>16))
}

// colour reads B G R.
func colour(b []byte) uint32 {
	_ = b[2]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
}
