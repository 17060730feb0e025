package refine

import "sightline/screen/codec/kern"

// The features of a pixel are what its value is predicted from: the value is a
// base plus a weighted sum of them. They are differences, so that the weights do
// not depend on how bright the place is.
//
// In all of them the median is that of the pixel to the left, the one above,
// and left plus above less the one between them (the predictor of JPEG-LS, ITU-T
// T.87): where an edge or a flat place lets it hit exactly, no sum of weights
// does as well, so it takes part as one of the features.
const maxTaps = 16

// classes of surroundings have weights of their own, as an edge wants others
// than a flat place: those of kern.Surroundings.
const classes = 4

// Offsets of pixels from the one in hand.
const (
	west, west2   = -1, -2
	north, north2 = -stride, -2 * stride
	nw, ne, nww   = north - 1, north + 1, north - 2
	north2e       = north2 + 1
	east, south   = 1, stride
)

// recipe is how a colour is predicted, without or with a lossy version.
type recipe struct {
	taps    int
	all     *kern.Taps // the features
	base    int        // offset of the base
	known   *kern.Taps // what of them is there before the pixel's row is
	pending []pending  // what is not
}

// pending says that the feature with a number has, with that sign, a pixel that
// is there only when the one before has been decoded.
type pending struct {
	tap  int
	what int // left, left2 or middle
	sign int32
}

// The pixels of its own row that a prediction uses: the one before, the one
// before that, and the median.
const (
	left = iota
	left2
	middle
	ownRow
)

// recipes of the colours, without and with a lossy version.
var recipes = func() (r [2][channels]recipe) {
	for ch := range channels {
		r[0][ch] = newRecipe(ch, medians-ch*plane, direct(ch))
		r[1][ch] = newRecipe(ch, lossyPlanes, refined(ch))
	}
	return r
}()

// newRecipe makes a recipe of a base and features: pairs of offsets, plus and
// minus.
func newRecipe(ch, base int, features [][2]int) recipe {
	r := recipe{taps: len(features), all: kern.NewTaps(features...), base: base}
	known := make([][2]int, len(features))
	for i, f := range features {
		for side, sign := range []int32{1, -1} {
			known[i][side] = f[side]
			for what, offset := range []int{west, west2, medians - ch*plane} {
				if f[side] == offset {
					known[i][side] = zeros - ch*plane
					r.pending = append(r.pending, pending{i, what, sign})
				}
			}
		}
	}
	r.known = kern.NewTaps(known...)
	return r
}

// direct lists the features of a colour of which there is no lossy version.
func direct(ch int) [][2]int {
	m, none := medians-ch*plane, zeros-ch*plane
	f := [][2]int{{west, m}, {north, m}, {nw, m}, {ne, m}}
	switch ch {
	case green:
		return append(f, [][2]int{{west2, m}, {north2, m}, {north2e, m}, {nww, m}}...)
	case blue:
		const g = news - plane
		return append(f, [][2]int{{g, none}, {g + east, none}, {g + south, none}, {g + west, none}}...)
	default:
		const b, g = news - plane, news - 2*plane
		return append(f, [][2]int{{b, none}, {g, none}, {b + west, none}, {b + north, none}}...)
	}
}

// refined lists the features of a colour of which there is a lossy version.
func refined(ch int) [][2]int {
	const l = lossyPlanes
	f := [][2]int{
		{west, l + west}, {north, l + north}, {nw, l + nw}, {ne, l + ne},
		{medians - ch*plane, l}, {l + west, l}, {l + north, l}, {l + nw, l}, {l + ne, l}, {l + east, l}, {l + south, l},
	}
	if ch == green {
		return append(f, [][2]int{{west2, l}, {north2, l}, {north2e, l}}...)
	}
	f = append(f, [2]int{news - plane, zeros - ch*plane})
	for _, at := range []int{-plane, -plane + east, -plane + south} { // errors of the lossy version
		f = append(f, [2]int{at, l + at})
	}
	if ch == red {
		f = append(f, [2]int{-2 * plane, l - 2*plane})
	}
	return f
}
