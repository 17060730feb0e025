package x11

import (
	"image"

	glyphs "golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"sightline/screen"
)

// Colours of a card: 0x00RRGGBB.
const (
	cardPaper = 0x30343a
	cardInk   = 0xd8dade
)

// drawCard fills a picture that has no pixels at the moment with words that say why.
func drawCard(f *screen.Frame, words string) {
	f.Fill(f.Rect, cardPaper)
	face := basicfont.Face7x13
	size := image.Pt(glyphs.MeasureString(face, words).Ceil(), face.Height)
	line := image.NewAlpha(image.Rectangle{Max: size})
	d := glyphs.Drawer{Dst: line, Src: image.Opaque, Face: face, Dot: fixed.P(0, face.Ascent)}
	d.DrawString(words)
	corner := f.Rect.Min.Add(f.Rect.Size().Sub(size).Div(2))
	for y := range size.Y {
		for x := range size.X {
			if line.AlphaAt(x, y).A > 0x7f {
				at := corner.Add(image.Pt(x, y))
				f.Fill(image.Rectangle{Min: at, Max: at.Add(image.Pt(1, 1))}, cardInk)
			}
		}
	}
}
