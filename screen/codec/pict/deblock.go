package pict

import "sightline/screen/codec/kern"

// edgeLimits are the thresholds of kern's edge filter for a QP.
type edgeLimits struct{ alpha, beta, tc [3]int }

// limits by QP. A step of the quantiser moves an edge by some half of it; more
// than that was in the picture. The third dimension is how strongly an edge
// is filtered: 0 motion only, 1 with coefficients, 2 intra.
var limits = func() (l [maxQP + 1]edgeLimits) {
	for qp := range l {
		step := stepOf(qp)
		for s, f := range [3]int64{60, 90, 130} { // hundredths of the step
			l[qp].alpha[s] = int(min(step*f/100>>16+2, 255))
			l[qp].beta[s] = int(min(step*f/250>>16+1, 60))
			l[qp].tc[s] = int(min((step*f/400+26214)>>16, 40))
		}
	}
	return l
}()

// deblock smooths the edges of the blocks of the tile's luma (those of chroma
// are hardly seen, and would take twice the time), and of its left and upper
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
	inner := t.kind == kindIntra || t.coded != 0
	pl, x, y := &p.now[0], tx*side, ty*side
	if left != nil {
		p.edgeV(pl, x, y, [2]int{strength(left, t, 1, 0), strength(left, t, 3, 2)}, p.live(left), t.qp)
	}
	if inner {
		p.edgeV(pl, x+8, y, [2]int{strength(t, t, 0, 1), strength(t, t, 2, 3)}, true, t.qp)
	}
	if up != nil {
		p.edgeH(pl, x, y, [2]int{strength(up, t, 2, 0), strength(up, t, 3, 1)}, p.live(up), t.qp)
	}
	if inner {
		p.edgeH(pl, x, y+8, [2]int{strength(t, t, 0, 2), strength(t, t, 1, 3)}, true, t.qp)
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

// strength of the edge between quarter i of a and quarter j of b, -1 for none.
func strength(a, b *tile, i, j int) int {
	switch {
	case a.kind == kindIntra || b.kind == kindIntra:
		return 2
	case (a.coded>>i|b.coded>>j)&1 == 1:
		return 1
	case a != b && (far(a.mv.x, b.mv.x) || far(a.mv.y, b.mv.y)):
		return 0
	}
	return -1
}

// quiet: there is nothing to smooth between a and the skipped b.
func quiet(a, b *tile) bool {
	return a.coded == 0 && a.kind != kindIntra && !far(a.mv.x, b.mv.x) && !far(a.mv.y, b.mv.y)
}

// far: a whole sample or more apart.
func far(a, b int16) bool { return a-b > 3 || b-a > 3 }

// edgeV filters the vertical edge at x, whose two halves have strengths of
// their own; both tells that its left side may change, too.
func (p *picture) edgeV(pl *plane, x, y int, s [2]int, both bool, qp uint8) {
	if s[0] < 0 && s[1] < 0 {
		return
	}
	at := pl.at(x-2, y)
	var keep [side][2]byte
	if !both {
		for i := range keep {
			copy(keep[i][:], at[i*pl.stride:])
		}
	}
	l := &limits[qp]
	switch {
	case s[0] == s[1]:
		kern.DeblockV(at, pl.stride, l.alpha[s[0]], l.beta[s[0]], l.tc[s[0]], side)
	default:
		for h, s := range s {
			if s >= 0 {
				kern.DeblockV(at[8*h*pl.stride:], pl.stride, l.alpha[s], l.beta[s], l.tc[s], 8)
			}
		}
	}
	if !both {
		for i := range keep {
			copy(at[i*pl.stride:], keep[i][:])
		}
	}
}

// edgeH filters the horizontal edge at y likewise.
func (p *picture) edgeH(pl *plane, x, y int, s [2]int, both bool, qp uint8) {
	if s[0] < 0 && s[1] < 0 {
		return
	}
	at := pl.at(x, y-2)
	var keep [2][side]byte
	if !both {
		copy(keep[0][:], at)
		copy(keep[1][:], at[pl.stride:])
	}
	l := &limits[qp]
	switch {
	case s[0] == s[1]:
		kern.DeblockH(at, pl.stride, l.alpha[s[0]], l.beta[s[0]], l.tc[s[0]], side)
	default:
		for h, s := range s {
			if s >= 0 {
				kern.DeblockH(at[8*h:], pl.stride, l.alpha[s], l.beta[s], l.tc[s], 8)
			}
		}
	}
	if !both {
		copy(at, keep[0][:])
		copy(at[pl.stride:], keep[1][:])
	}
}
