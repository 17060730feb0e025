package screen

import (
	"fmt"
	"image"
	"time"
)

// Frame is a rectangle of pixels: 4 bytes B G R X each, X zero, rows Stride
// bytes apart. Pix[0] is the pixel at Rect.Min.
type Frame struct {
	Pix    []byte
	Stride int
	Rect   image.Rectangle
	At     time.Time // when it was captured
}

// NewFrame makes a black frame. The caller has checked the size (CheckSize)
// if it came from outside.
func NewFrame(r image.Rectangle) *Frame {
	return &Frame{Pix: make([]byte, BytesPerPixel*r.Dx()*r.Dy()), Stride: BytesPerPixel * r.Dx(), Rect: r}
}

// CheckSize tells whether a picture of w x h px is within the limits of both
// ends. The product is taken in uint64, so it cannot wrap.
func CheckSize(w, h int) error {
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide || uint64(w)*uint64(h) > MaxPixels {
		return fmt.Errorf("picture of %d x %d px is out of range", w, h)
	}
	return nil
}

// Offset is the index in Pix of the pixel at (x,y), which must lie in Rect.
func (f *Frame) Offset(x, y int) int {
	return (y-f.Rect.Min.Y)*f.Stride + (x-f.Rect.Min.X)*BytesPerPixel
}

// Row returns the pixels x0 <= x < x1 of row y, which must lie in Rect. The
// slice shares the frame's memory.
func (f *Frame) Row(y, x0, x1 int) []byte {
	o := f.Offset(x0, y)
	return f.Pix[o : o+(x1-x0)*BytesPerPixel : o+(x1-x0)*BytesPerPixel]
}

// Copy takes the pixels of r from src; what lies outside either frame is left out.
func (f *Frame) Copy(src *Frame, r image.Rectangle) {
	r = r.Intersect(f.Rect).Intersect(src.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(f.Row(y, r.Min.X, r.Max.X), src.Row(y, r.Min.X, r.Max.X))
	}
}

// Shift applies a Move within the frame; the two places may overlap.
func (f *Frame) Shift(m Move) {
	to := m.To.Intersect(f.Rect)
	d := m.From.Sub(m.To.Min)
	to = to.Intersect(f.Rect.Sub(d))
	if d.Y >= 0 {
		for y := to.Min.Y; y < to.Max.Y; y++ {
			copy(f.Row(y, to.Min.X, to.Max.X), f.Row(y+d.Y, to.Min.X+d.X, to.Max.X+d.X))
		}
		return
	}
	for y := to.Max.Y - 1; y >= to.Min.Y; y-- {
		copy(f.Row(y, to.Min.X, to.Max.X), f.Row(y+d.Y, to.Min.X+d.X, to.Max.X+d.X))
	}
}

// Fill paints r with one colour, 0x00RRGGBB.
func (f *Frame) Fill(r image.Rectangle, rgb uint32) {
	r = r.Intersect(f.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := f.Row(y, r.Min.X, r.Max.X)
		for i := 0; i < len(row); i += BytesPerPixel {
			row[i], row[i+1], row[i+2], row[i+3] = byte(rgb), byte(rgb>>8), byte(rgb>>16), 0
		}
	}
}

// Equal tells whether two frames show the same pixels.
func (f *Frame) Equal(g *Frame) bool {
	if f.Rect.Size() != g.Rect.Size() {
		return false
	}
	for y := 0; y < f.Rect.Dy(); y++ {
		a := f.Row(f.Rect.Min.Y+y, f.Rect.Min.X, f.Rect.Max.X)
		b := g.Row(g.Rect.Min.Y+y, g.Rect.Min.X, g.Rect.Max.X)
		if string(a) != string(b) {
			return false
		}
	}
	return true
}
