package clips

import (
	"math"

	"sightline/screen"
)

// Quality adds up the difference between frames and what became of them.
// The zero value is ready.
type Quality struct {
	sum, n uint64 // of squares, of colour values
	worst  float64
	frames int
}

// Add compares two frames of the same size in R, G and B.
func (q *Quality) Add(a, b *screen.Frame) {
	sum := squares(a, b)
	n := uint64(3 * a.Rect.Dx() * a.Rect.Dy())
	if db := decibel(sum, n); q.frames == 0 || db < q.worst {
		q.worst = db
	}
	q.sum, q.n, q.frames = q.sum+sum, q.n+n, q.frames+1
}

// PSNR is that of all frames together, in dB: of the mean of all squares, so
// that one bad frame shows. Equal pictures have +Inf.
func (q *Quality) PSNR() float64 { return decibel(q.sum, q.n) }

// Worst is the PSNR of the worst frame, dB.
func (q *Quality) Worst() float64 { return q.worst }

// RGBPSNR is the peak signal-to-noise ratio of two frames of the same size
// over R, G and B, in dB; +Inf if they are equal.
func RGBPSNR(a, b *screen.Frame) float64 {
	return decibel(squares(a, b), uint64(3*a.Rect.Dx()*a.Rect.Dy()))
}

func decibel(sum, n uint64) float64 {
	if sum == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(255*255*float64(n)/float64(sum))
}

func squares(a, b *screen.Frame) uint64 {
	sum := uint64(0)
	for y := range a.Rect.Dy() {
		p := a.Row(a.Rect.Min.Y+y, a.Rect.Min.X, a.Rect.Max.X)
		q := b.Row(b.Rect.Min.Y+y, b.Rect.Min.X, b.Rect.Max.X)
		if string(p) == string(q) {
			continue
		}
		row := 0
		for i := 0; i+3 < len(p); i += 4 {
			d0, d1, d2 := int(p[i])-int(q[i]), int(p[i+1])-int(q[i+1]), int(p[i+2])-int(q[i+2])
			row += d0*d0 + d1*d1 + d2*d2
		}
		sum += uint64(row)
	}
	return sum
}

// Point is what a coder gave at one setting.
type Point struct {
	Bytes int     // of the whole clip
	PSNR  float64 // dB
}

// BytesAt reads the curve through points (ordered by PSNR either way, two at
// least) at a quality: straight lines between PSNR and the logarithm of the
// bytes. ok is false outside of the points.
func BytesAt(points []Point, psnr float64) (bytes float64, ok bool) {
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if a.PSNR > b.PSNR {
			a, b = b, a
		}
		if psnr < a.PSNR || psnr > b.PSNR {
			continue
		}
		t := 0.0
		if b.PSNR > a.PSNR {
			t = (psnr - a.PSNR) / (b.PSNR - a.PSNR)
		}
		return math.Exp((1-t)*math.Log(float64(a.Bytes)) + t*math.Log(float64(b.Bytes))), true
	}
	return 0, false
}

// Ratio is how many bytes mine takes for each of theirs at equal quality: the
// geometric mean over the range of PSNR that both curves cover (as
// Bjøntegaard's, VCEG-M33, with straight lines). ok is false if there is none.
func Ratio(mine, theirs []Point) (ratio float64, ok bool) {
	lo, hi := common(mine, theirs)
	if !(lo <= hi) {
		return 0, false
	}
	const steps = 64
	sum := 0.0
	for i := range steps + 1 {
		at := lo + (hi-lo)*float64(i)/steps
		at = min(max(at, lo), hi)
		a, okA := BytesAt(mine, at)
		b, okB := BytesAt(theirs, at)
		if !okA || !okB {
			return 0, false
		}
		sum += math.Log(a / b)
	}
	return math.Exp(sum / (steps + 1)), true
}

// common is the range of PSNR that both curves cover.
func common(a, b []Point) (lo, hi float64) {
	loA, hiA := reach(a)
	loB, hiB := reach(b)
	return max(loA, loB), min(hiA, hiB)
}

func reach(points []Point) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, p := range points {
		lo, hi = min(lo, p.PSNR), max(hi, p.PSNR)
	}
	return lo, hi
}
