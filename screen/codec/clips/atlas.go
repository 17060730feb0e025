package clips

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/klauspost/compress/zstd"

	"sightline/screen"
)

// The atlas holds drawn glyphs, because rasterizers use floating point and
// would not draw the same pixels everywhere. clips/record -atlas makes it of the
// Go fonts (golang.org/x/image/font/gofont). It is one zstd stream:
//
//	faces, in the order of the constants below, each:
//	    height u8, ascent u8, channels u8 (1, or 3: for the stripes of an LCD)
//	    95 glyphs, ' ' to '~', each:
//	        advance u8, left i8, top i8 (of the line), w u8, h u8, w*h*channels of coverage
//
//go:embed testdata/glyphs.atlas
var atlasFile []byte

// Faces of the atlas.
const (
	faceText  = iota // Go Regular 15 px
	faceSmall        // Go Regular 12 px
	faceBold         // Go Bold 24 px
	faceMono         // Go Mono 14 px
	faceLCD          // Go Regular 15 px, in stripes
	faces
)

const glyphsPerFace = '~' - ' ' + 1

type glyph struct {
	advance, left, top, w, h int
	cover                    []byte
}

type face struct {
	height, ascent, channels int
	glyphs                   [glyphsPerFace]glyph
}

var errAtlas = errors.New("not an atlas of glyphs")

// readAtlas unpacks the faces.
func readAtlas(data []byte) ([]face, error) {
	z, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	list := make([]face, faces)
	for i := range list {
		if err := list[i].read(z); err != nil {
			return nil, fmt.Errorf("%w: face %d: %w", errAtlas, i, err)
		}
	}
	return list, nil
}

func (f *face) read(r io.Reader) error {
	var b [5]byte
	if _, err := io.ReadFull(r, b[:3]); err != nil {
		return err
	}
	f.height, f.ascent, f.channels = int(b[0]), int(b[1]), int(b[2])
	if f.channels != 1 && f.channels != 3 {
		return fmt.Errorf("%d channels", f.channels)
	}
	for i := range f.glyphs {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return err
		}
		g := glyph{int(b[0]), int(int8(b[1])), int(int8(b[2])), int(b[3]), int(b[4]), nil}
		g.cover = make([]byte, g.w*g.h*f.channels)
		if _, err := io.ReadFull(r, g.cover); err != nil {
			return err
		}
		f.glyphs[i] = g
	}
	return nil
}

// draw writes a line of text whose upper left corner is at p and gives where
// the next character would be. It is cut at clip.
func (f *face) draw(on *screen.Frame, clip image.Rectangle, p image.Point, text string, rgb uint32) image.Point {
	clip = clip.Intersect(on.Rect)
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			c = '?'
		}
		g := &f.glyphs[c-' ']
		f.blit(on, clip, p.Add(image.Pt(g.left, g.top)), g, rgb)
		p.X += g.advance
	}
	return p
}

func (f *face) blit(on *screen.Frame, clip image.Rectangle, p image.Point, g *glyph, rgb uint32) {
	r := image.Rect(p.X, p.Y, p.X+g.w, p.Y+g.h).Intersect(clip)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := on.Row(y, r.Min.X, r.Max.X)
		cover := g.cover[((y-p.Y)*g.w+r.Min.X-p.X)*f.channels:]
		for i := 0; i < len(row); i += 4 {
			for k := range 3 { // B, G, R; stripes are R, G, B
				a := int(cover[0])
				if f.channels == 3 {
					a = int(cover[2-k])
				}
				row[i+k] = byte((int(row[i+k])*(255-a) + int(byte(rgb>>(8*k)))*a + 127) / 255)
			}
			cover = cover[f.channels:]
		}
	}
}

// width of a line of text, px.
func (f *face) width(text string) int {
	w := 0
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			c = '?'
		}
		w += f.glyphs[c-' '].advance
	}
	return w
}
