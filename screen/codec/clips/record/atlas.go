package main

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"os"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// atlas draws the glyphs of package clips, whose atlas.go tells the format.
func atlas(name string) error {
	var raw []byte
	for _, x := range []struct {
		ttf  []byte
		size float64 // px
		lcd  bool
	}{{goregular.TTF, 15, false}, {goregular.TTF, 12, false}, {gobold.TTF, 24, false}, {gomono.TTF, 14, false}, {goregular.TTF, 15, true}} {
		parsed, err := opentype.Parse(x.ttf)
		if err != nil {
			return err
		}
		scale := 1
		if x.lcd {
			scale = 3
		}
		f, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: x.size * float64(scale), DPI: 72, Hinting: font.HintingFull})
		if err != nil {
			return err
		}
		raw = appendFace(raw, f, scale)
	}
	var file bytes.Buffer
	z, err := zstd.NewWriter(&file, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return err
	}
	if _, err := z.Write(raw); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(name, file.Bytes(), 0o644)
}

// appendFace draws 95 glyphs. With scale 3 they are drawn three times as large
// and folded: the mean of three rows, and of five columns around each stripe.
func appendFace(raw []byte, f font.Face, scale int) []byte {
	m := f.Metrics()
	channels := byte(1)
	if scale == 3 {
		channels = 3
	}
	ascent := m.Ascent.Ceil() / scale
	raw = append(raw, byte(m.Height.Ceil()/scale+3), byte(ascent), channels)
	for c := ' '; c <= '~'; c++ {
		advance, _ := f.GlyphAdvance(c)
		box := image.Rect(-2, -2, advance.Ceil()/scale+3, m.Height.Ceil()/scale+4)
		large := image.NewAlpha(image.Rect(box.Min.X*scale, box.Min.Y*scale, box.Max.X*scale, box.Max.Y*scale))
		d := font.Drawer{Dst: large, Src: image.NewUniform(color.Opaque), Face: f, Dot: fixed.P(0, ascent*scale)}
		d.DrawString(string(c))
		cover := fold(large, box, scale)
		box, cover = trim(box, cover, int(channels))
		raw = append(raw, byte((advance.Round()+scale/2)/scale), byte(int8(box.Min.X)), byte(int8(box.Min.Y)), byte(box.Dx()), byte(box.Dy()))
		raw = append(raw, cover...)
	}
	return raw
}

func fold(large *image.Alpha, box image.Rectangle, scale int) []byte {
	if scale == 1 {
		return large.Pix
	}
	var cover []byte
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := 3 * box.Min.X; x < 3*box.Max.X; x++ {
			sum := 0
			for dy := range 3 {
				for dx := -2; dx <= 2; dx++ {
					sum += int(large.AlphaAt(x+dx, 3*y+dy).A)
				}
			}
			cover = append(cover, byte(sum/15))
		}
	}
	return cover
}

// trim cuts what is empty around a glyph.
func trim(box image.Rectangle, cover []byte, channels int) (image.Rectangle, []byte) {
	stride := box.Dx() * channels
	ink := image.Rectangle{}
	for i, a := range cover {
		if a != 0 {
			p := image.Pt(i%stride/channels, i/stride)
			ink = ink.Union(image.Rectangle{Min: p, Max: p.Add(image.Pt(1, 1))})
		}
	}
	small := image.NewAlpha(image.Rect(0, 0, ink.Dx()*channels, ink.Dy()))
	draw.Draw(small, small.Rect, &image.Alpha{Pix: cover, Stride: stride, Rect: image.Rect(0, 0, stride, box.Dy())}, image.Pt(ink.Min.X*channels, ink.Min.Y), draw.Src)
	return ink.Add(box.Min), small.Pix
}
