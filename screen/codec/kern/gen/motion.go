package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
)

// motion writes interpolation, for widths of 16, 8 and 4 samples and 6 and 4
// taps.
func (k *kit) motion() {
	for _, w := range []int{16, 8, 4} {
		k.copyBlock(w)
		k.average(w)
		for _, taps := range []int{6, 4} {
			k.filterRows(w, taps)
			k.filterColumns(w, taps)
		}
	}
}

// load and store move w bytes.
func (k *kit) load(w int, m mem) vec {
	x := k.XMM()
	switch w {
	case 16:
		k.VMOVDQU(m, x)
	case 8:
		k.VMOVQ(m, x)
	case 4:
		k.VMOVD(m, x)
	}
	return x
}

func (k *kit) store(w int, x vec, m mem) {
	switch w {
	case 16:
		k.VMOVDQU(x, m)
	case 8:
		k.VMOVQ(x, m)
	case 4:
		k.VMOVD(x, m)
	}
}

func (k *kit) copyBlock(w int) {
	name := fmt.Sprintf("copy%d", w)
	k.kernel(name, "copies h rows.", "(dst *byte, ds int, src *byte, ss int, h int)")
	dst, ds, src, ss := k.arg("dst"), k.arg("ds"), k.arg("src"), k.arg("ss")
	k.repeat(name+"Rows", k.arg("h"), func() {
		k.store(w, k.load(w, at(src, 0)), at(dst, 0))
		k.ADDQ(ss, src)
		k.ADDQ(ds, dst)
	})
	k.end()
}

func (k *kit) average(w int) {
	name := fmt.Sprintf("avg%d", w)
	k.kernel(name, "stores the mean of h rows of two blocks.", "(dst *byte, ds int, a *byte, as int, b *byte, bs int, h int)")
	dst, ds, a, as, b, bs := k.arg("dst"), k.arg("ds"), k.arg("a"), k.arg("as"), k.arg("b"), k.arg("bs")
	k.repeat(name+"Rows", k.arg("h"), func() {
		k.store(w, k.avg8(k.load(w, at(a, 0)), k.load(w, at(b, 0))), at(dst, 0))
		k.ADDQ(as, a)
		k.ADDQ(bs, b)
		k.ADDQ(ds, dst)
	})
	k.end()
}

// tapPairs spreads pairs of neighbouring taps.
func (k *kit) tapPairs(n int) []vec {
	taps := k.arg("taps")
	pairs := make([]vec, n/2)
	for i := range pairs {
		pairs[i] = k.YMM()
		k.VPBROADCASTW(at(taps, 2*i), pairs[i])
	}
	return pairs
}

// filtered multiplies, adds and rounds: (sum + 32) >> 6 is a rounded
// multiplication by 2^9.
func (k *kit) filtered(x, taps []vec) vec {
	var sum vec
	for i := range x {
		t := taps[i]
		if x[i].Size() == 16 {
			t = t.AsX().(vec)
		}
		p := k.maddubs(x[i], t)
		if sum == nil {
			sum = p
			continue
		}
		sum = k.add16(sum, p)
	}
	return k.mulround(sum, k.words("sixtyFourth", 512))
}

// filterRows brings the samples that a tap pair wants side by side with a
// shuffle. No load reads past the last sample of a row: the second load of a
// row ends with it and the shuffle knows by how much the two overlap.
func (k *kit) filterRows(w, n int) {
	name := fmt.Sprintf("filterRows%dx%d", n, w)
	k.kernel(name, fmt.Sprintf("filters h rows of %d samples with %d taps.", w, n),
		"(dst *byte, ds int, src *byte, ss int, taps *int8, h int)")
	dst, ds, src, ss := k.arg("dst"), k.arg("ds"), k.arg("src"), k.arg("ss")
	taps := k.tapPairs(n)
	masks := make([]mem, n/2)
	for j := range masks {
		masks[j] = k.bytes(fmt.Sprintf("pair%dof%dwide%d", j, n, w), pairMask(w, n, j)...)
	}
	if w == 16 {
		for j := range masks {
			v := k.y(masks[j])
			taps = append(taps, v)
		}
	}
	k.repeat(name+"Loop", k.arg("h"), func() {
		x := make([]vec, n/2)
		s := k.rowOf(w, n, src)
		for j := range x {
			if w == 16 {
				x[j] = k.shuffle(s, taps[n/2+j])
			} else {
				x[j] = k.shuffle(s, masks[j])
			}
		}
		v := k.filtered(x, taps)
		v = k.packu(v, v)
		if w == 16 {
			v = k.quarters(v, 0, 2, 1, 3).AsX().(vec)
		}
		k.store(w, v, at(dst, 0))
		k.ADDQ(ss, src)
		k.ADDQ(ds, dst)
	})
	k.end()
}

// rowOf loads the w+n-1 samples of a row in two loads.
func (k *kit) rowOf(w, n int, src gp) vec {
	switch w {
	case 16:
		return k.lanes(at(src, 0), at(src, n-1))
	case 8:
		return k.halves(at(src, 0), at(src, n-1))
	}
	d, x := k.XMM(), k.load(4, at(src, 0))
	if n == 4 {
		k.VPINSRD(operand.U8(1), at(src, 3), x, d)
		return d
	}
	k.VPINSRD(operand.U8(1), at(src, 4), x, d)
	k.VPINSRB(operand.U8(8), at(src, 8), d, d)
	return d
}

// pairMask shuffles taps 2j and 2j+1 of every output sample together, from
// what rowOf loaded.
func pairMask(w, n, j int) []int {
	where := func(s, lane int) int {
		switch {
		case w == 16 && lane == 1:
			return s - (n - 1)
		case w == 8 && s >= 8:
			return s - (n - 1) + 8
		case w == 4 && n == 4 && s >= 4:
			return s - 3 + 4
		}
		return s
	}
	var m []int
	for i := range w {
		m = append(m, where(i+2*j, i/8), where(i+2*j+1, i/8))
	}
	for len(m) < 16 {
		m = append(m, 0x80)
	}
	return m
}

// filterColumns interleaves neighbouring rows and keeps the interleaved
// pairs of the rows that outputs to come need: pair i is rows i and i+1, and
// output y adds pairs y, y+2 and, with six taps, y+4. Four outputs a turn.
func (k *kit) filterColumns(w, n int) {
	name := fmt.Sprintf("filterColumns%dx%d", n, w)
	k.kernel(name, fmt.Sprintf("filters columns of %d samples with %d taps; h is a multiple of 4.", w, n),
		"(dst *byte, ds int, src *byte, ss int, taps *int8, h int)")
	dst, ds, src, ss := k.arg("dst"), k.arg("ds"), k.arg("src"), k.arg("ss")
	taps := k.tapPairs(n)
	next := func() vec {
		x := k.load(w, at(src, 0))
		k.ADDQ(ss, src)
		if w == 16 {
			return k.quarters(x.AsY(), 0, 0, 1, 1)
		}
		return x
	}
	ring := make([]vec, n-2) // pair i is in slot i mod n-2
	last := next()
	for i := range ring {
		row := next()
		ring[i] = k.lo8(last, row)
		last = row
	}
	turns := k.arg("h")
	k.SHRQ(operand.U8(2), turns)
	k.repeat(name+"Loop", turns, func() {
		kept := last
		for y := range 4 {
			row := next()
			pair := k.lo8(last, row)
			last = row
			var x []vec
			for j := range n/2 - 1 {
				x = append(x, ring[(y+2*j)%(n-2)])
			}
			v := k.filtered(append(x, pair), taps)
			v = k.packu(v, v)
			if w == 16 {
				v = k.quarters(v, 0, 2, 1, 3).AsX().(vec)
			}
			k.store(w, v, at(dst, 0))
			k.ADDQ(ds, dst)
			k.VMOVDQA(pair, ring[y%(n-2)])
		}
		k.VMOVDQA(last, kept)
		last = kept
	})
	k.end()
}
