package pattern

import (
	"image"

	"golang.org/x/image/font/basicfont"

	"sightline/screen"
)

// canvas draws into a frame, and nowhere but in clip.
type canvas struct {
	f    *screen.Frame
	clip image.Rectangle
}

// within narrows the canvas.
func (c canvas) within(r image.Rectangle) canvas {
	c.clip = c.clip.Intersect(r)
	return c
}

// fill paints one row and copies it to the others, which is several times
// faster than pixel by pixel.
func (c canvas) fill(r image.Rectangle, rgb uint32) {
	r = r.Intersect(c.clip)
	if r.Empty() {
		return
	}
	c.f.Fill(image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+1), rgb)
	first := c.f.Row(r.Min.Y, r.Min.X, r.Max.X)
	for y := r.Min.Y + 1; y < r.Max.Y; y++ {
		copy(c.f.Row(y, r.Min.X, r.Max.X), first)
	}
}

// frame draws the four edges of r, inside it, 1 px thick.
func (c canvas) frame(r image.Rectangle, rgb uint32) {
	c.fill(image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+1), rgb)
	c.fill(image.Rect(r.Min.X, r.Max.Y-1, r.Max.X, r.Max.Y), rgb)
	c.fill(image.Rect(r.Min.X, r.Min.Y, r.Min.X+1, r.Max.Y), rgb)
	c.fill(image.Rect(r.Max.X-1, r.Min.Y, r.Max.X, r.Max.Y), rgb)
}

// dot sets one pixel.
func (c canvas) dot(p image.Point, rgb uint32) {
	if p.In(c.clip) {
		b := c.f.Pix[c.f.Offset(p.X, p.Y):]
		b[0], b[1], b[2] = byte(rgb), byte(rgb>>8), byte(rgb>>16)
	}
}

// A character is a cell of so many px; the font is the public domain X11 font
// 7x13, which has ASCII and one sign for everything else.
const cellW, cellH = 7, 13

// text draws one line with its top left corner at p.
func (c canvas) text(p image.Point, s string, rgb uint32) {
	for _, r := range s {
		c.glyph(p, r, rgb)
		p.X += cellW
	}
}

// glyph draws one character.
func (c canvas) glyph(p image.Point, r rune, rgb uint32) {
	cell := image.Rectangle{Min: p, Max: p.Add(image.Pt(cellW, cellH))}
	if r == ' ' || !cell.Overlaps(c.clip) {
		return
	}
	n := 95 // the sign for everything else
	if r > ' ' && r < 0x7f {
		n = int(r - ' ')
	}
	mask, ok := basicfont.Face7x13.Mask.(*image.Alpha)
	if !ok {
		return
	}
	for y := range cellH {
		row := mask.Pix[(n*cellH+y)*mask.Stride:][:basicfont.Face7x13.Width]
		for x, a := range row {
			if a != 0 {
				c.dot(p.Add(image.Pt(x, y)), rgb)
			}
		}
	}
}
