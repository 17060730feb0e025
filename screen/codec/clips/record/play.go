package main

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"

	"sightline/screen"
	"sightline/screen/codec/clips"
)

// list tells what clips there are.
func list(w io.Writer) {
	for _, c := range clips.All() {
		fmt.Fprintf(w, "%-18s %4dx%-4d %4d frames, %2d/s  %s\n", c.Name, c.Size.X, c.Size.Y, c.Frames, c.FPS, c.About)
	}
}

// play writes a clip's frames as B G R 0, without header, and says on stderr
// what a reader has to be told.
func play(w io.Writer, c *clips.Clip) error {
	fmt.Fprintf(os.Stderr, "-f rawvideo -pix_fmt bgr0 -s %dx%d -r %d\n", c.Size.X, c.Size.Y, c.FPS)
	out := bufio.NewWriterSize(w, 1<<20)
	err := c.Play(func(f *screen.Frame, _ screen.Region) error {
		_, err := out.Write(f.Pix)
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// picture writes frame n of a clip as a PNG.
func picture(w io.Writer, c *clips.Clip, n int) error {
	if n < 0 || n >= c.Frames {
		return fmt.Errorf("clip %s has no frame %d", c.Name, n)
	}
	last := c.Head(n + 1)
	i := 0
	return last.Play(func(f *screen.Frame, _ screen.Region) error {
		if i++; i <= n {
			return nil
		}
		return png.Encode(w, asImage(f))
	})
}

func asImage(f *screen.Frame) image.Image {
	m := image.NewRGBA(f.Rect)
	for y := f.Rect.Min.Y; y < f.Rect.Max.Y; y++ {
		row := f.Row(y, f.Rect.Min.X, f.Rect.Max.X)
		for x := range f.Rect.Dx() {
			m.SetRGBA(f.Rect.Min.X+x, y, color.RGBA{R: row[4*x+2], G: row[4*x+1], B: row[4*x], A: 255})
		}
	}
	return m
}
