package refine

// features of a pixel are what its value is predicted from: the value is base
// plus a weighted sum of them. They are differences, so that the weights do not
// depend on how bright the place is.
//
// In all of them m is the median of the pixel to the left, the one above, and
// left plus above less the one between them (the predictor of JPEG-LS, ITU-T
// T.87): where an edge or a flat place lets it hit exactly, no sum of weights
// does as well, so it takes part as one of the features.
type features [maxTaps]int32

const maxTaps = 12

// taps is how many features a colour has, without and with a lossy version.
var taps = [2][channels]int{{6, 7, 8}, {9, 11, 12}}

// look fills the features of the pixel at index at and returns the base.
func (f *features) look(t *tile, ch, at int) (base int32) {
	p := &t.pix
	w, n := int32(p[(at-1)&mask]), int32(p[(at-stride)&mask])
	nw, ne := int32(p[(at-stride-1)&mask]), int32(p[(at-stride+1)&mask])
	m := median(w, n, nw)
	t.guess = m
	if !t.lossy {
		f[0], f[1], f[2], f[3] = w-m, n-m, nw-m, ne-m
		switch ch {
		case green:
			f[4], f[5] = int32(p[(at-2)&mask])-m, int32(p[(at-2*stride)&mask])-m
		case blue:
			f[4], f[5], f[6] = t.news(at-plane), t.news(at-plane+1), t.news(at-plane+stride)
		default:
			f[4], f[5], f[6], f[7] = t.news(at-plane), t.news(at-2*plane), t.news(at-plane-1), t.news(at-plane-stride)
		}
		return m
	}
	q := at + lossyPlanes
	l := int32(p[q&mask])
	lw, ln := int32(p[(q-1)&mask]), int32(p[(q-stride)&mask])
	f[0], f[1] = w-lw, n-ln
	f[2], f[3] = nw-int32(p[(q-stride-1)&mask]), ne-int32(p[(q-stride+1)&mask])
	f[4], f[5], f[6] = m-l, lw-l, ln-l
	f[7], f[8] = int32(p[(q+1)&mask])-l, int32(p[(q+stride)&mask])-l
	switch ch {
	case blue:
		f[9], f[10] = t.news(at-plane), t.error(at-plane)
	case red:
		f[9], f[10], f[11] = t.news(at-plane), t.error(at-plane), t.error(at-2*plane)
	}
	return l
}

// news is how far the exact pixel at an index was from its median.
func (t *tile) news(at int) int32 { return int32(t.inn[at&half]) }

// error is how far the exact pixel at an index is from its lossy version.
func (t *tile) error(at int) int32 {
	return int32(t.pix[at&mask]) - int32(t.pix[(at+lossyPlanes)&mask])
}

func median(w, n, nw int32) int32 {
	return min(max(w+n-nw, min(w, n)), max(w, n))
}

// classes of surroundings have weights of their own, as an edge wants others
// than a flat place.
const classes = 4

// class tells calm, upright, level and mixed surroundings apart.
func (f *features) class() int {
	down, across := f[0]-f[2], f[1]-f[2] // how the left column and the upper row change
	down, across = max(down, -down), max(across, -across)
	switch {
	case down+across <= 2:
		return 3
	case 2*down > 3*across:
		return 1
	case 2*across > 3*down:
		return 2
	}
	return 0
}
