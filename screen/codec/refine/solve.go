package refine

const (
	// unit of a weight.
	unit = 1 << unitBits
	// unitBits is small enough for sums of products with 8-bit pixels in 32 bits.
	unitBits = 12
	// maxWeight bounds a weight; larger ones only come from nonsense.
	maxWeight = 4.0
	// memory: a tile counts half of one 2^memory*0.7 tiles later.
	memory = 4
	// ridge pulls the weights towards what they were, with the force of so much
	// squared difference; it keeps the equations of flat tiles solvable.
	ridge = 64
	// sparse: of a tile one pixel in so many is taken for the sums.
	sparse = 8
)

// fit is the weights of one colour and what they are found from.
type fit struct {
	plan    *plan
	n       int // taps
	weights [maxTaps]float64
	// coef and at are the weights spelt out over taps and bases, in units.
	coef [maxTaps + maxBases]int32
	at   [maxTaps + maxBases]int
	raw  int
	// sums of products of the taps with each other and, last, with the value
	// that was to be predicted; upper half.
	sums  [maxTaps + 1][maxTaps + 1]int32
	phase int // of the sparse pixels
}

// start begins with the mean of the taps in the first base's colour.
func (f *fit) start(p *plan) {
	*f = fit{plan: p, n: len(p.taps), raw: len(p.taps) + len(p.bases)}
	for i, t := range p.taps {
		f.at[i] = t.at
	}
	for i, b := range p.bases {
		f.at[f.n+i] = b
	}
	f.weights[0] = 0.5
	f.spell()
}

// spell makes coef of weights.
func (f *fit) spell() {
	clear(f.coef[:])
	f.coef[f.n] = unit
	for i, t := range f.plan.taps {
		w := int32(f.weights[i] * unit)
		f.coef[i] = w
		f.coef[f.n+t.base] -= w
	}
}

// predict is the value expected at index at, in eighths, 0 to 2040.
func (f *fit) predict(pix *[mask + 1]int16, at int) int32 {
	sum := int32(1 << (unitBits - 4))
	for i := 0; i < f.raw && i < len(f.coef); i++ {
		sum += f.coef[i] * int32(pix[(at+f.at[i])&mask])
	}
	return min(max(sum>>(unitBits-3), 0), 255*8)
}

// gather adds the products of some pixels of the tile to the sums.
func (f *fit) gather(t *tile, ch int) {
	for i := range f.sums {
		for j := range f.sums[i] {
			f.sums[i][j] -= f.sums[i][j] >> memory
		}
	}
	f.phase += 3
	edge := 0
	if t.lossy {
		edge = 1 // at the edges the neighbours' own errors are not known
	}
	for y := edge; y < t.h; y++ {
		for x := edge + (y*3+f.phase)%sparse; x < t.w; x += sparse {
			f.add(t, place(ch, x, y))
		}
	}
}

func (f *fit) add(t *tile, at int) {
	var v [maxTaps + 1]int32
	n := f.n
	for i, tap := range f.plan.taps {
		v[i] = int32(t.pix[(at+tap.at)&mask]) - int32(t.pix[(at+f.plan.bases[tap.base])&mask])
	}
	v[n] = int32(t.pix[at&mask]) - int32(t.pix[(at+f.plan.bases[0])&mask])
	for i := range n {
		row := &f.sums[i]
		for j := i; j <= n; j++ {
			row[j] += v[i] * v[j]
		}
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
	f.spell()
}
