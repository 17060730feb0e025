package pict

import (
	"math"

	"sightline/screen/codec/kern"
)

// edgeLimits are the thresholds of kern's edge filter for a QP.
type edgeLimits struct{ alpha, beta, tc [3]int }

// limits by QP. A step of the quantiser moves an edge by some half of it; more
// than that was in the picture. The third dimension is how strongly an edge
// is filtered: 0 motion only, 1 with coefficients, 2 intra.
var limits = func() (l [maxQP + 1]edgeLimits) {
	for qp := range l {
		step := math.Exp2(float64(qp-4) / 6)
		for s, f := range [3]float64{0.6, 0.9, 1.3} {
			l[qp].alpha[s] = min(int(step*f+2), 255)
			l[qp].beta[s] = min(int(step*f*0.4+1), 60)
			l[qp].tc[s] = min(int(step*f*0.25+0.4), 40)
		}
	}
	return l
}()

// deblock smooths the edges of the tile's blocks, and of its left and upper
// neighbours; of a neighbour that the body leaves alone no sample is changed.
func (p *picture) deblock(tx, ty int, t *tile) {
	var left, up *tile
	if tx > 0 {
		left = p.beside(tx-1, ty)
	}
	if ty > 0 {
		up = p.beside(tx, ty-1)
	}
	if t.kind == kindSkip && (left == nil || quiet(left, t)) && (up == nil || quiet(up, t)) {
		return
	}
	for c := range 3 {
		pl := &p.now[c]
		for b := range 2 { // the two halves of each edge
			if left != nil {
				p.edgeV(pl, tx*side, ty*side+8*b, strength(left, t, c, 2*b+1, 2*b), p.live(left), t.qp)
			}
			if c == 0 || t.full {
				p.edgeV(pl, tx*side+8, ty*side+8*b, strength(t, t, c, 2*b, 2*b+1), true, t.qp)
			}
		}
		for b := range 2 {
			if up != nil {
				p.edgeH(pl, tx*side+8*b, ty*side, strength(up, t, c, 2+b, b), p.live(up), t.qp)
			}
			if c == 0 || t.full {
				p.edgeH(pl, tx*side+8*b, ty*side+8, strength(t, t, c, b, 2+b), true, t.qp)
			}
		}
	}
}

// beside gives the tile, or one that is still if the body does not code it.
func (p *picture) beside(tx, ty int) *tile {
	if t := &p.tiles[ty*p.cols+tx]; t.frame == p.frame {
		return t
	}
	return &idle
}

var idle tile

// strength of the edge between quarter i of a and quarter j of b in component
// c, -1 for none.
func strength(a, b *tile, c, i, j int) int {
	switch {
	case a.kind == kindIntra || b.kind == kindIntra:
		return 2
	case a.has(c, i) || b.has(c, j):
		return 1
	case a != b && (far(a.mv.x, b.mv.x) || far(a.mv.y, b.mv.y)):
		return 0
	}
	return -1
}

// has tells whether quarter i of component c has levels.
func (t *tile) has(c, i int) bool {
	switch {
	case c == 0:
	case t.full:
		i += 4 * c
	default:
		i = halfCb + c - 1
	}
	return t.coded>>i&1 == 1
}

// quiet: there is nothing to smooth between a and the skipped b.
func quiet(a, b *tile) bool {
	return a.coded == 0 && a.kind != kindIntra && !far(a.mv.x, b.mv.x) && !far(a.mv.y, b.mv.y)
}

// far: a whole sample or more apart.
func far(a, b int16) bool { return a-b > 3 || b-a > 3 }

func (p *picture) edgeV(pl *plane, x, y, s int, both bool, qp uint8) {
	if s < 0 {
		return
	}
	l := &limits[qp]
	if l.tc[s] == 0 {
		return
	}
	at := pl.at(x-2, y)
	var keep [8][2]byte
	if !both {
		for i := range keep {
			copy(keep[i][:], at[i*pl.stride:])
		}
	}
	kern.DeblockV(at, pl.stride, l.alpha[s], l.beta[s], l.tc[s], 8)
	if !both {
		for i := range keep {
			copy(at[i*pl.stride:], keep[i][:])
		}
	}
}

func (p *picture) edgeH(pl *plane, x, y, s int, both bool, qp uint8) {
	if s < 0 {
		return
	}
	l := &limits[qp]
	if l.tc[s] == 0 {
		return
	}
	at := pl.at(x, y-2)
	var keep [2][8]byte
	if !both {
		copy(keep[0][:], at)
		copy(keep[1][:], at[pl.stride:])
	}
	kern.DeblockH(at, pl.stride, l.alpha[s], l.beta[s], l.tc[s], 8)
	if !both {
		copy(at, keep[0][:])
		copy(at[pl.stride:], keep[1][:])
	}
}
