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

const maxTaps = 16

// taps is how many features a colour has, without and with a lossy version.
var taps = [2][channels]int{{8, 8, 8}, {14, 15, 16}}

// look fills the features of the pixel at index at and returns the base and the
// class of the surroundings.
func (f *features) look(t *tile, ch, at int) (base int32, kind int) {
	p := &t.pix
	w, n := int32(p[(at-1)&mask]), int32(p[(at-stride)&mask])
	nw, ne := int32(p[(at-stride-1)&mask]), int32(p[(at-stride+1)&mask])
	m := median(w, n, nw)
	t.guess, kind = m, class(w-nw, n-nw)
	if !t.lossy {
		f[0], f[1], f[2], f[3] = w-m, n-m, nw-m, ne-m
		switch ch {
		case green:
			f[4], f[5] = int32(p[(at-2)&mask])-m, int32(p[(at-2*stride)&mask])-m
			f[6], f[7] = int32(p[(at-2*stride+1)&mask])-m, int32(p[(at-stride-2)&mask])-m
		case blue:
			f[4], f[5], f[6] = t.news(at-plane), t.news(at-plane+1), t.news(at-plane+stride)
			f[7] = t.news(at - plane - 1)
		default:
			f[4], f[5], f[6], f[7] = t.news(at-plane), t.news(at-2*plane), t.news(at-plane-1), t.news(at-plane-stride)
		}
		return m, kind
	}
	q := at + lossyPlanes
	l := int32(p[q&mask])
	lw, ln := int32(p[(q-1)&mask]), int32(p[(q-stride)&mask])
	lnw, lne := int32(p[(q-stride-1)&mask]), int32(p[(q-stride+1)&mask])
	f[0], f[1], f[2], f[3] = w-lw, n-ln, nw-lnw, ne-lne
	f[4], f[5], f[6], f[7], f[8] = m-l, lw-l, ln-l, lnw-l, lne-l
	f[9], f[10] = int32(p[(q+1)&mask])-l, int32(p[(q+stride)&mask])-l
	switch ch {
	case green:
		f[11], f[12] = int32(p[(at-2)&mask])-l, int32(p[(at-2*stride)&mask])-l
		f[13] = int32(p[(at-2*stride+1)&mask]) - l
	case blue:
		f[11], f[12], f[13], f[14] = t.news(at-plane), t.error(at-plane), t.error(at-plane+1), t.error(at-plane+stride)
	default:
		f[11], f[12], f[13], f[14] = t.news(at-plane), t.error(at-plane), t.error(at-plane+1), t.error(at-plane+stride)
		f[15] = t.error(at - 2*plane)
	}
	return l, kind
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

// class tells calm, upright, level and mixed surroundings apart, by how the
// left column and the upper row change.
func class(down, across int32) int {
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
