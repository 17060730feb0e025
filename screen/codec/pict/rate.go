package pict

import (
	"math"

	"sightline/screen/codec/grid"
)

// rate spreads the bytes of a body over its rows of tiles.
type rate struct {
	bits  []uint16 // of each tile when last coded, at the QP it was coded at
	left  float64  // predicted bytes of the rows to come, at the body's first QP
	scale float64  // bytes that came per byte predicted
	spent float64
	done  float64 // predicted bytes of the rows coded
}

func (r *rate) begin(e *Encoder, want *grid.Set, p Params, qp int) {
	r.left, r.spent, r.done, r.scale = 0, 0, 0, 1
	if p.Bytes == 0 {
		return
	}
	for ty := range want.Rows {
		r.left += r.predict(e, want, ty, qp)
	}
}

// predict guesses a row's bytes at a QP. Six steps of QP are worth a factor of
// about 1.8.
func (r *rate) predict(e *Encoder, want *grid.Set, ty, qp int) float64 {
	sum := 0.0
	for tx := want.Next(0, ty); tx < want.Cols; tx = want.Next(tx+1, ty) {
		i := ty*e.cols + tx
		b := float64(r.bits[i]) / 8
		if b == 0 {
			b = 0.5
		}
		sum += b * shrink(qp-int(e.tiles[i].qp))
	}
	return sum
}

func shrink(qps int) float64 { return math.Exp2(-0.85 * float64(qps) / 6) }

// row chooses the QP of a row.
func (r *rate) row(e *Encoder, want *grid.Set, ty int, p Params, qp int) int {
	if p.Bytes == 0 {
		return qp
	}
	base := min(max(p.QP, 0), p.MaxQP)
	here := r.predict(e, want, ty, base)
	if r.done > 0 {
		// What was spent, as if at the first QP, against what was foretold.
		r.scale = (r.spent + 50) / (r.done + 50)
	}
	room := float64(p.Bytes) - float64(e.rc.Len())
	need := r.left * r.scale
	next := base
	for next < p.MaxQP && need*shrink(next-base) > max(room, 1) {
		next++
	}
	next = min(max(next, qp-2), qp+4)
	next = min(max(next, base), p.MaxQP)
	r.left -= here
	r.done += here
	return next
}

// note remembers what a tile took.
func (r *rate) note(i, bytes int) { r.bits[i] = uint16(min(8*bytes, 65535)) }
