package pict

import (
	"sightline/screen"
	"sightline/screen/codec/grid"
	"sightline/screen/codec/kern"
)

// Chroma of half the resolution takes a third of the time and memory that is
// spent on it otherwise. Films have it so from the camera on; what is drawn often
// needs it in full. So the encoder looks at what is there.
const (
	thinLooks = 16   // bodies from one look to the next
	thinTiles = 24   // of so many tiles one is looked at
	thinBelow = 0.03 // squares of the step that may be lost to become thin
	thinAbove = 0.06 // and that are too much to stay so
)

// thinEnough decides how chroma of the next body is kept. It is asked after the
// number of the body was counted, and before its stats are new.
func (e *Encoder) thinEnough(src *screen.Frame, want *grid.Set, qp int) bool {
	// A film or a photograph begins, or a film has been cut.
	news := want.Len() > 2*e.stats.Tiles || 4*e.stats.Intra > e.stats.Tiles
	if e.frame > 1 && !news && e.frame%thinLooks != 0 {
		return e.thin
	}
	limit := thinBelow
	if e.thin {
		limit = thinAbove
	}
	step := float64(stepOf(min(max(qp, 0), maxQP))) / 65536
	return e.fine(src, want) < limit*step*step
}

// fine is what a pixel loses in the mean if its chroma has half the resolution,
// in squared luma units.
func (e *Encoder) fine(src *screen.Frame, want *grid.Set) float64 {
	var t tilePixels
	sum, n, skip := 0, 0, 0
	for ty := range want.Rows {
		for tx := want.Next(0, ty); tx < want.Cols; tx = want.Next(tx+1, ty) {
			if skip--; skip > 0 {
				continue
			}
			skip = thinTiles
			px, ps := e.tilePix(src, tx, ty)
			kern.ToYCC444(t[0][:], side, t[1][:], t[2][:], side, px, ps, side, side)
			sum += weights[sortFullCb]*detail(&t[1]) + weights[sortFullCr]*detail(&t[2])
			n += side * side * weights[sortLuma]
		}
	}
	if n == 0 {
		return 0
	}
	return float64(sum) / float64(n)
}

// detail is the squared distance of samples from the mean of their two by two.
func detail(p *[side * side]byte) int {
	sum := 0
	for y := 0; y < side; y += 2 {
		for x := 0; x < side; x += 2 {
			i := y*side + x
			a, b, c, d := int(p[i]), int(p[i+1]), int(p[i+side]), int(p[i+side+1])
			s := a + b + c + d
			sum += 4*(a*a+b*b+c*c+d*d) - s*s
		}
	}
	return sum / 4
}
