package pict

import (
	"math"

	"sightline/screen/codec/grid"
)

// rate spreads the bytes of a body over its rows of tiles. It foretells a row
// from what its tiles took when they were last coded, chooses the QP at which
// the rest fits into what is left, and corrects itself from row to row.
type rate struct {
	aim   int       // bytes; 0: none, the QP stays
	base  int       // QP: the finest that is allowed
	worst int       // and the coarsest
	took  []float32 // bytes of each tile when last coded, at its QP; 0: not known

	rest  float64 // foretold bytes of the rows to come, at QP base
	done  float64 // and of the rows coded
	spent float64 // what those would have taken at QP base
	from  int     // length of the body before the row
	row   float64 // foretold bytes of the row
}

const (
	// unknown is what a tile is thought to take, in bytes at QP unknownQP,
	// that was never coded: some 100 kB for a photo of 1920 x 1080.
	unknown, unknownQP = 12, 26
	// fall is how many times six steps of QP halve the bytes: between once
	// for photos and more than twice for noise.
	fall = 1.2
)

// shrink is what so many steps of QP make of bytes.
func shrink(qps int) float64 { return shrinks[qps+maxQP] }

// shrinks by steps of QP from -maxQP on: it is asked for each tile.
var shrinks = func() (t [2*maxQP + 1]float64) {
	for i := range t {
		t[i] = math.Exp2(-fall / 6 * float64(i-maxQP))
	}
	return t
}()

// begin foretells a body and gives the QP to begin with.
func (r *rate) begin(p *picture, want *grid.Set, params Params) int {
	r.worst = maxQP
	if params.MaxQP > 0 {
		r.worst = min(params.MaxQP, maxQP)
	}
	r.base = min(max(params.QP, 0), r.worst)
	r.aim, r.rest, r.done, r.spent = params.Bytes, 0, 0, 0
	if r.aim <= 0 {
		return r.base
	}
	for ty := range want.Rows {
		r.rest += r.foretell(p, want, ty)
	}
	return r.fit(0)
}

// foretell guesses a row's bytes at QP base.
func (r *rate) foretell(p *picture, want *grid.Set, ty int) float64 {
	sum := 0.0
	for tx := want.Next(0, ty); tx < want.Cols; tx = want.Next(tx+1, ty) {
		i := ty*p.cols + tx
		if r.took[i] == 0 {
			sum += unknown * shrink(r.base-unknownQP)
			continue
		}
		sum += float64(r.took[i]) * shrink(r.base-int(p.tiles[i].qp))
	}
	return sum
}

// fit finds the QP at which the rest fits, after so many bytes.
func (r *rate) fit(length int) int {
	// The correction begins at one, and takes a tenth of the body to count
	// for half.
	trust := float64(r.aim) / 10
	need := r.rest * (r.spent + trust) / (r.done + trust)
	room := max(float64(r.aim-length), float64(r.aim)/50)
	qp := r.base
	for qp < r.worst && need*shrink(qp-r.base) > room {
		qp++
	}
	return qp
}

// next gives the QP of a row when the one above had qp.
func (r *rate) next(p *picture, want *grid.Set, ty, qp, length int) int {
	if r.aim <= 0 {
		return qp
	}
	r.row, r.from = r.foretell(p, want, ty), length
	return min(max(r.fit(length), qp-2), qp+4)
}

// end learns what the row took.
func (r *rate) end(qp, length int) {
	if r.aim <= 0 {
		return
	}
	r.rest -= r.row
	r.done += r.row
	r.spent += float64(length-r.from) / shrink(qp-r.base)
}

// note remembers what a tile took. The lengths of bodies grow by leaps, so
// that a tile's is known on the average only; intra is dearer than what comes after it.
func (r *rate) note(i, bytes int, k kind) {
	took := float32(bytes)
	if k == kindIntra {
		took /= 3
	}
	if r.took[i] != 0 {
		took = (took + r.took[i]) / 2
	}
	r.took[i] = max(took, 0.02)
}
