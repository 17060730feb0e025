package pict

import (
	"math/bits"

	"sightline/screen/codec/kern"
)

// interBias and intraBias are the dead zones: what is added to a size before
// it is divided by the step.
var interBias, intraBias, recips = biases(0.14), biases(0.30), func() (t [maxQP + 1][64]uint16) {
	for qp := range t {
		for i := range t[qp] {
			t[qp][i] = uint16(65536/int(steps[qp]) + 1)
		}
	}
	return t
}()

func biases(f float64) (t [maxQP + 1][64]uint16) {
	for qp := range t {
		for i := range t[qp] {
			t[qp][i] = uint16(f * float64(steps[qp]))
		}
	}
	return t
}

// Bits of levels, in eighths, roughly as the models make them.
func classBits(last int) int { return 8 + 12*classOf(last+1) }

func levelBits(v int) int {
	switch {
	case v == 1:
		return 28
	case v == 2:
		return 42
	}
	return 42 + 8*min(v-2, 14) + 16*bitLen(v>>4)
}

const zeroBits = 4

// prune cuts the levels off behind where they are worth their bits. It gives
// the place of the last that stays, -1 for none, and the bits, in eighths.
func prune(c, level *[64]int16, step, lambda int) (int, int) {
	places := inScan(kern.Nonzero8(level))
	// cost of cutting after a place, against cutting before the first.
	best, bestCost, bestBits := -1, 0, 0
	cost, spent, next := 0, 0, 0
	for rest := places; rest != 0; rest &= rest - 1 {
		i := trailing(rest)
		at := scan[i]
		x, v := int(c[at]), int(level[at])
		if v < 0 {
			v, x = -v, -x
		}
		d := x - v*step
		cost += d*d - x*x
		spent += levelBits(v) + (i-next)*zeroBits
		next = i + 1
		total := spent + classBits(i)
		if j := cost + lambda*total/8; j < bestCost {
			best, bestCost, bestBits = i, j, total
		}
	}
	for rest := places &^ (1<<(best+1) - 1); rest != 0; rest &= rest - 1 {
		level[scan[trailing(rest)]] = 0
	}
	return best, bestBits
}

// inScan turns a set of coefficients into one of their places in scan.
func inScan(raster uint64) (s uint64) {
	for ; raster != 0; raster &= raster - 1 {
		s |= 1 << place[trailing(raster)]
	}
	return s
}

func trailing(v uint64) int { return bits.TrailingZeros64(v) & 63 }
