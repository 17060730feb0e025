package ansi

import (
	"image"
	"math"

	"sightline/screen"
)

// view is which part of a picture lies where on the terminal. A dot is half a
// cell: as wide as high in most fonts.
type view struct {
	src image.Rectangle // part of the picture, px; empty: nothing is shown
	dst image.Rectangle // where it lies, dots
}

// zoomStep is what one press of + or - does; two of them double.
const zoomStep = math.Sqrt2

// viewOf is newView of a part of a picture.
func viewOf(part image.Rectangle, dots image.Point, zoom int, centre image.Point) view {
	v := newView(part.Size(), dots, zoom, centre.Sub(part.Min))
	v.src = v.src.Add(part.Min)
	return v
}

// newView fits size px into dots, or grows it zoom steps from there, but not
// beyond one to one, around centre.
func newView(size, dots image.Point, zoom int, centre image.Point) view {
	if size.X < 1 || size.Y < 1 || dots.X < 1 || dots.Y < 1 {
		return view{}
	}
	fit := min(float64(dots.X)/float64(size.X), float64(dots.Y)/float64(size.Y))
	scale := min(fit*math.Pow(zoomStep, float64(zoom)), max(fit, 1))
	part := func(size, dots, centre int) (from, n, drawn int) {
		n = min(size, max(1, int(math.Round(float64(dots)/scale))))
		from = min(max(centre-n/2, 0), size-n)
		drawn = min(dots, max(1, int(math.Round(float64(n)*scale))))
		return from, n, drawn
	}
	x, w, dw := part(size.X, dots.X, centre.X)
	y, h, dh := part(size.Y, dots.Y, centre.Y)
	at := image.Pt((dots.X-dw)/2, (dots.Y-dh)/2)
	return view{
		src: image.Rect(x, y, x+w, y+h),
		dst: image.Rectangle{Min: at, Max: at.Add(image.Pt(dw, dh))},
	}
}

// oneToOne is the least zoom that shows a picture pixel by pixel.
func oneToOne(size, dots image.Point) int {
	if size.X < 1 || size.Y < 1 || dots.X < 1 || dots.Y < 1 {
		return 0
	}
	fit := min(float64(dots.X)/float64(size.X), float64(dots.Y)/float64(size.Y))
	if fit >= 1 {
		return 0
	}
	return int(math.Ceil(math.Log(1/fit)/math.Log(zoomStep) - 1e-9))
}

// box is the pixels behind one dot, which must lie in dst. Never empty.
func (v view) box(x, y int) image.Rectangle {
	x0, x1 := span(x-v.dst.Min.X, v.dst.Dx(), v.src.Dx())
	y0, y1 := span(y-v.dst.Min.Y, v.dst.Dy(), v.src.Dy())
	return image.Rect(x0, y0, x1, y1).Add(v.src.Min)
}

// span is where the i-th of n dots lies on size px.
func span(i, n, size int) (from, to int) {
	from = i * size / n
	return from, max(from+1, (i+1)*size/n)
}

// picturePoint is the pixel in the middle of a dot; false outside the picture,
// and then the nearest.
func (v view) picturePoint(dot image.Point) (image.Point, bool) {
	if v.src.Empty() {
		return image.Point{}, false
	}
	in := dot.In(v.dst)
	dot.X = min(max(dot.X, v.dst.Min.X), v.dst.Max.X-1)
	dot.Y = min(max(dot.Y, v.dst.Min.Y), v.dst.Max.Y-1)
	b := v.box(dot.X, dot.Y)
	return b.Min.Add(b.Size().Div(2)), in
}

// dotOf is the dot that shows a pixel; false if it is not shown.
func (v view) dotOf(p image.Point) (image.Point, bool) {
	if !p.In(v.src) {
		return image.Point{}, false
	}
	p = p.Sub(v.src.Min)
	return image.Pt(p.X*v.dst.Dx()/v.src.Dx(), p.Y*v.dst.Dy()/v.src.Dy()).Add(v.dst.Min), true
}

// dots is the dots that a part of the picture has an effect on.
func (v view) dots(r image.Rectangle) image.Rectangle {
	r = r.Intersect(v.src)
	if r.Empty() {
		return image.Rectangle{}
	}
	r = r.Sub(v.src.Min)
	// One dot more at each side: rounding may give an edge to either.
	return image.Rect(
		r.Min.X*v.dst.Dx()/v.src.Dx()-1, r.Min.Y*v.dst.Dy()/v.src.Dy()-1,
		r.Max.X*v.dst.Dx()/v.src.Dx()+2, r.Max.Y*v.dst.Dy()/v.src.Dy()+2,
	).Add(v.dst.Min).Intersect(v.dst)
}

// average is the mean colour of a box of pixels, 0x00RRGGBB. Adding two pixels
// at a time in 16 bit lanes was tried and is no faster on boxes of this size
// (12 px wide: 1.5 against 1.6 µs for ten).
func average(f *screen.Frame, box image.Rectangle) uint32 {
	var r, g, b uint64
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := f.Row(y, box.Min.X, box.Max.X)
		for ; len(row) >= screen.BytesPerPixel; row = row[screen.BytesPerPixel:] {
			b += uint64(row[0])
			g += uint64(row[1])
			r += uint64(row[2])
		}
	}
	n := uint64(box.Dx()) * uint64(box.Dy())
	return uint32((r+n/2)/n<<16 | (g+n/2)/n<<8 | (b+n/2)/n)
}
