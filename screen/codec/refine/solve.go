package refine

import "sightline/screen/codec/kern"

const (
	// unit of a weight.
	unit = 1 << unitBits
	// unitBits is small enough for sums of products with 8-bit pixels in 32 bits.
	unitBits = 12
	// maxWeight bounds a weight, so that it fits in 16 bits; larger ones only come
	// from nonsense.
	maxWeight = 4.0
	// memory: sums fade by 2^-memory when their equations are solved, once in
	// classes tiles; so a tile counts half after some 22.
	memory = 3
	// ridge pulls the weights towards what they were, with the force of so much
	// weighted squared difference; it keeps the equations of flat tiles solvable.
	ridge = 1024
	// sparse: of a tile one pixel in so many is taken for the sums. All of them
	// would save 0.5 % of the bytes and cost half the time again.
	sparse = 8
)

// fit is the weights of one colour in one class of surroundings, and what they
// are found from: sums of products of the features with each other and with
// the value that was to be predicted.
type fit struct {
	n       int // taps
	weights [maxTaps]float64
	sums    kern.Moments
}

// fits is the weights of one colour for each class of surroundings.
type fits struct {
	recipe  *recipe
	class   [classes]fit
	weights kern.Weights           // in units
	own     [classes][ownRow]int32 // and those of the pixels that are pending
	phase   int                    // turns from tile to tile: which class is solved, which pixels are gathered
}

// start begins with no weights at all: the value is expected to be its base.
func (f *fits) start(r *recipe) {
	*f = fits{recipe: r}
	for i := range f.class {
		f.class[i].n = r.taps
		f.take(i)
	}
}

// next prepares for another tile.
func (f *fits) next() {
	f.phase += 3
	i := f.phase % classes
	if f.class[i].solve() {
		f.take(i)
	}
	f.class[i].fade()
}

// take puts the weights of class k to use.
func (f *fits) take(k int) {
	own := &f.own[k]
	*own = [ownRow]int32{}
	if f.recipe.base != lossyPlanes {
		own[middle] = unit
	}
	for i, a := range f.class[k].weights {
		f.weights[i/2][k][i%2] = int16(a * unit)
	}
	for _, p := range f.recipe.pending {
		own[p.what] += p.sign * int32(f.weights[p.tap/2][k][p.tap%2])
	}
}

// rounded is a weighted sum in eighths.
func rounded(sum int32) int32 { return (sum + 1<<(unitBits-4)) >> (unitBits - 3) }

// fade lets the sums forget.
func (f *fit) fade() {
	for i := range f.n {
		for j := i; j < f.n; j++ {
			f.sums.Square[i][j] -= f.sums.Square[i][j] >> memory
		}
		f.sums.Right[i] -= f.sums.Right[i] >> memory
	}
}

// solve finds the weights with the least squares of errors over what was
// gathered: Cholesky's method, as L D L' without roots. Every product is
// converted on its own so that no machine may fuse it with a sum: both ends
// must find the same bits. It tells whether there are new weights.
func (f *fit) solve() bool {
	var l [maxTaps][maxTaps]float64
	var inv, z [maxTaps]float64 // 1/D; solution of L z = right hand side
	n := f.n
	for j := range n {
		var u [maxTaps]float64 // row j of L D
		row := &l[j]
		s := float64(f.sums.Square[j][j]) + ridge
		y := float64(f.sums.Right[j]) + float64(ridge*f.weights[j])
		for i := range j {
			a := float64(f.sums.Square[i][j])
			for k := range i {
				a -= float64(u[k] * l[i][k])
			}
			u[i] = a
			row[i] = float64(a * inv[i])
			s -= float64(a * row[i])
			y -= float64(row[i] * z[i])
		}
		if !(s >= ridge/4) {
			return false // too little to go by: the weights stay
		}
		inv[j], z[j] = 1/s, y
	}
	return f.substitute(&l, &inv, &z)
}

// substitute ends solve with the weights, from the last to the first.
func (f *fit) substitute(l *[maxTaps][maxTaps]float64, inv, z *[maxTaps]float64) bool {
	var w [maxTaps]float64
	for i := f.n - 1; i >= 0; i-- {
		a := float64(z[i] * inv[i])
		for k := i + 1; k < f.n; k++ {
			a -= float64(l[k][i] * w[k])
		}
		if !(a > -maxWeight && a < maxWeight) {
			return false
		}
		w[i] = a
	}
	f.weights = w
	return true
}

// trust is the weight of a pixel in the sums by the energy around it and its own
// error: what is wild must not spoil the weights for what is calm. Without it
// photos take 10 to 14 % more bytes, and no fewer than with the median alone.
var trust = func() (w [256]int32) {
	for i := range w {
		m := float64(i)/6 + 0.3
		w[i] = int32(1 + 255/(1+float64(4*m*m)))
	}
	return w
}()
