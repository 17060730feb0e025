package refine

import (
	"image"

	"sightline/screen"
	"sightline/screen/codec/grid"
	"sightline/screen/codec/kern"
)

// The colours in the order in which they are coded: green first, because it
// tells most about the others.
const (
	green = iota
	blue
	red
	channels
)

// A plane holds one colour of a tile and of what is around it: two columns on
// the left and right, two rows above, one below.
const (
	before = 2 // columns left of and rows above the tile
	stride = before + grid.Side + 2
	plane  = stride * (before + grid.Side + 2)

	mask = 1<<13 - 1 // spares bounds checks of pix
	half = 1<<11 - 1 // and of mag, which has one plane per colour

	// From an exact pixel to its lossy version and to its news: how far it was
	// from its median.
	lossyPlanes = channels * plane
	news        = 2 * channels * plane
	// Planes that serve every colour in turn: the medians, and nothing but 0.
	medians = news + 3*plane
	zeros   = medians + plane
)

// place is the index of a pixel of the tile.
func place(ch, x, y int) int { return ch*plane + (y+before)*stride + x + before }

// tile is the tile in hand.
type tile struct {
	r     image.Rectangle
	w, h  int
	lossy bool
	// pix has a plane per colour with what is exact so far, or, in the encoder,
	// will be; then a plane per colour with what was in ref before, and those
	// that lossyPlanes and so on lead to.
	pix [mask + 1]int16
	mag [half + 1]uint8 // sizes of the residuals
	row
}

// row is what is known about the pixels of the row in hand.
type row struct {
	features [maxTaps][grid.Side]int16
	kind     [grid.Side]int16          // class of the surroundings
	sums     [classes][grid.Side]int32 // weighted sums of the features; the encoder needs but one
	energy   [grid.Side]uint16
}

// load takes in the pixels of ref in r and around it. Beyond the frame the
// pixels of its edge go on.
func (t *tile) load(ref *screen.Frame, r image.Rectangle, lossy bool) {
	t.r, t.w, t.h, t.lossy = r, r.Dx(), r.Dy(), lossy
	for y := -before; y <= grid.Side; y++ {
		py := min(max(r.Min.Y+y, 0), ref.Rect.Max.Y-1)
		at := place(0, -before, y)
		x0, x1 := r.Min.X-before, r.Min.X+stride-before
		if x0 >= 0 && x1 <= ref.Rect.Max.X {
			row := ref.Row(py, x0, x1)
			for i := range stride {
				p := row[4*i : 4*i+4]
				g := int16(p[1])
				t.pix[(at+i)&mask], t.pix[(at+i+plane)&mask], t.pix[(at+i+2*plane)&mask] = g, int16(p[0])-g, int16(p[2])-g
			}
			continue
		}
		for i := range stride {
			px := min(max(x0+i, 0), ref.Rect.Max.X-1)
			p := ref.Row(py, px, px+1)
			g := int16(p[1])
			t.pix[at+i], t.pix[at+i+plane], t.pix[at+i+2*plane] = g, int16(p[0])-g, int16(p[2])-g
		}
	}
	if lossy {
		copy(t.pix[channels*plane:2*channels*plane], t.pix[:channels*plane])
	}
}

// want takes in the pixels to be coded.
func (t *tile) want(src *screen.Frame) {
	for y := range t.h {
		row := src.Row(t.r.Min.Y+y, t.r.Min.X, t.r.Max.X)
		at := place(green, 0, y)
		for x := range t.w {
			p := row[4*x : 4*x+4]
			i, g := at+x, int16(p[1])
			t.pix[i&mask], t.pix[(i+plane)&mask], t.pix[(i+2*plane)&mask] = g, int16(p[0])-g, int16(p[2])-g
		}
	}
}

// store writes the exact pixels into ref.
func (t *tile) store(ref *screen.Frame) {
	for y := range t.h {
		row := ref.Row(t.r.Min.Y+y, t.r.Min.X, t.r.Max.X)
		at := place(green, 0, y)
		for x := range t.w {
			p := row[4*x : 4*x+4]
			i, g := at+x, t.pix[(at+x)&mask]
			p[0], p[1], p[2], p[3] = byte(t.pix[(i+plane)&mask]+g), byte(g), byte(t.pix[(i+2*plane)&mask]+g), 0
		}
	}
}

// border is the sizes of the residuals along the tiles before: what was found
// last in each column of the picture, and at the right of the last tile.
type border struct {
	above [channels][screen.MaxSide + 2]uint8
	left  [channels][grid.Side]uint8
	last  image.Rectangle
}

// surround sets the sizes of the residuals above and left of the tile.
func (t *tile) surround(b *border, ch int, typical uint8) {
	at := place(ch, -1, -1)
	copy(t.mag[at+1:at+2+t.w], b.above[ch][t.r.Min.X:])
	if t.r.Min.X > 0 {
		t.mag[at] = b.above[ch][t.r.Min.X-1]
	} else {
		t.mag[at] = t.mag[at+1]
	}
	next := b.last.Max.X == t.r.Min.X && b.last.Min.Y == t.r.Min.Y
	for y := range t.h {
		at += stride
		if next {
			t.mag[at] = b.left[ch][y]
		} else {
			t.mag[at] = typical
		}
	}
}

// leave keeps the sizes of the residuals for the tiles that come after.
func (t *tile) leave(b *border, ch int) {
	at := place(ch, 0, t.h-1)
	copy(b.above[ch][t.r.Min.X:t.r.Max.X], t.mag[at:])
	for y := range t.h {
		b.left[ch][y] = t.mag[place(ch, t.w-1, y)]
	}
}

// beginRow makes up for what is not there at the left edge of the picture: what
// lies beyond it is the pixel above.
func (t *tile) beginRow(ch, y int) {
	if t.lossy || t.r.Min.X > 0 || y == 0 {
		return
	}
	at := place(ch, 0, y)
	t.pix[at-1], t.pix[at-2] = t.pix[at-stride], t.pix[at-stride]
}

// endRow makes up for what is not there to the right of the tile, whose
// neighbour is coded later: the next row finds the last pixel there once more.
func (t *tile) endRow(ch, y int) {
	at := place(ch, t.w, y)
	if !t.lossy {
		t.pix[at] = t.pix[at-1]
	}
	t.mag[at] = t.mag[at-1]
}

// nearby prepares the energies of the row of pixels that begins at index at:
// what is known before any of them is.
func (t *tile) nearby(ch, at int) { kern.Nearby(&t.energy, t.mag[:], at, stride, plane, ch) }

// energyOf is how large the residual of pixel x of the row may be, by those
// before it, the last of them left: six times the expected size.
func (t *tile) energyOf(ch, x int, left uint8) uint32 {
	return (uint32(t.energy[x&15]) + 2*uint32(left)) * parts[ch] / 8
}

// parts of eight that bring the energies of the colours, which know of ever more
// residuals, to the same measure.
var parts = [channels]uint32{8, 6, 5}

// lowest is the least value the colour of a pixel can have, 255 below the most.
func (t *tile) lowest(ch, at int) int32 {
	if ch == green {
		return 0
	}
	return -int32(t.pix[(at-ch*plane)&mask])
}
