package refine

const (
	// unit of a weight.
	unit = 1 << unitBits
	// unitBits is small enough for sums of products with 8-bit pixels in 32 bits.
	unitBits = 12
	// maxWeight bounds a weight; larger ones only come from nonsense.
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

// fit is the weights of one colour and what they are found from.
type fit struct {
	n       int // taps
	weights [maxTaps]float64
	coef    [maxTaps]int32 // weights in units
	// sums of products of the taps with each other and, last, with the value
	// that was to be predicted; upper half.
	sums [maxTaps + 1][maxTaps + 1]int64
}

// fits is the weights of one colour for each class of surroundings.
type fits struct {
	class [classes]fit
	phase int // turns from tile to tile: which class is solved, which pixels are gathered
}

// start begins with no weights at all: the value is expected to be its base.
func (f *fits) start(n int) {
	*f = fits{}
	for i := range f.class {
		f.class[i].n = n
	}
}

// next prepares for another tile.
func (f *fits) next() {
	f.phase += 3
	c := &f.class[f.phase%classes]
	c.solve()
	c.fade()
}

// predict is the value expected, in eighths. Weights without a feature are 0.
func (f *fit) predict(base int32, v *features, lossy bool) int32 {
	c := &f.coef
	sum := base<<unitBits + 1<<(unitBits-4) +
		c[0]*v[0] + c[1]*v[1] + c[2]*v[2] + c[3]*v[3] +
		c[4]*v[4] + c[5]*v[5] + c[6]*v[6] + c[7]*v[7]
	if lossy {
		sum += c[8]*v[8] + c[9]*v[9] + c[10]*v[10] + c[11]*v[11] +
			c[12]*v[12] + c[13]*v[13] + c[14]*v[14] + c[15]*v[15]
	}
	return sum >> (unitBits - 3)
}

// fade lets the sums forget.
func (f *fit) fade() {
	for i := range f.n {
		for j := i; j <= f.n; j++ {
			f.sums[i][j] -= f.sums[i][j] >> memory
		}
	}
}

// gather adds the products of a pixel, which was d off its base.
func (f *fit) gather(v *features, d int32, weight int32) {
	n := f.n
	for i := range n {
		row := &f.sums[i]
		vi := v[i] * weight
		for j := i; j < n; j++ {
			row[j] += int64(vi * v[j])
		}
		row[n] += int64(vi * d)
	}
}

// solve finds the weights with the least squares of errors over what was
// gathered: Cholesky's method, as L D L' without roots. Every product is
// converted on its own so that no machine may fuse it with a sum: both ends
// must find the same bits.
func (f *fit) solve() {
	var l [maxTaps][maxTaps]float64
	var inv, z [maxTaps]float64 // 1/D; solution of L z = right hand side
	n := f.n
	for j := range n {
		var u [maxTaps]float64 // row j of L D
		row := &l[j]
		s := float64(f.sums[j][j]) + ridge
		y := float64(f.sums[j][n]) + float64(ridge*f.weights[j])
		for i := range j {
			a := float64(f.sums[i][j])
			for k := range i {
				a -= float64(u[k] * l[i][k])
			}
			u[i] = a
			row[i] = float64(a * inv[i])
			s -= float64(a * row[i])
			y -= float64(row[i] * z[i])
		}
		if !(s >= ridge/4) {
			return // too little to go by: the weights stay
		}
		inv[j], z[j] = 1/s, y
	}
	f.substitute(&l, &inv, &z)
}

// substitute ends solve with the weights, from the last to the first.
func (f *fit) substitute(l *[maxTaps][maxTaps]float64, inv, z *[maxTaps]float64) {
	var w [maxTaps]float64
	for i := f.n - 1; i >= 0; i-- {
		a := float64(z[i] * inv[i])
		for k := i + 1; k < f.n; k++ {
			a -= float64(l[k][i] * w[k])
		}
		if !(a > -maxWeight && a < maxWeight) {
			return
		}
		w[i] = a
	}
	f.weights = w
	for i, a := range w {
		f.coef[i] = int32(a * unit)
	}
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
