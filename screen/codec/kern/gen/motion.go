package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
)

// motion writes interpolation and means, for widths of 16, 8 and 4 samples.
func (k *kit) motion() {
	k.copy16()
	for _, w := range []int{16, 8, 4} {
		k.predict(w, 6)
		k.predict(w, 4)
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

// copy16 copies four rows a turn.
func (k *kit) copy16() {
	k.kernel("copy16", "copies 16x16 bytes.", "(dst *byte, ds int, src *byte, ss int)")
	dst, ds, src, ss := k.arg("dst"), k.arg("ds"), k.arg("src"), k.arg("ss")
	ds3, ss3 := k.times3(ds), k.times3(ss)
	k.repeat("copy16Rows", operand.U32(4), func() {
		for i := range 4 {
			k.VMOVDQU(k.x(row(src, ss, ss3, i)), row(dst, ds, ds3, i))
		}
		k.LEAQ(operand.Mem{Base: src, Index: ss, Scale: 4}, src)
		k.LEAQ(operand.Mem{Base: dst, Index: ds, Scale: 4}, dst)
	})
	k.end()
}

// mcRows is the greatest height of a block that predict takes, as in package
// kern.
const mcRows = 16

// predict is motion compensation of a block of w x h samples: a copy, one
// filter or two, with the rows between them in the frame. fh and fv are nil
// or n taps; h is a multiple of 4 up to mcRows.
func (k *kit) predict(w, n int) {
	name := fmt.Sprintf("mc%dx%d", n, w)
	k.kernel(name, fmt.Sprintf("predicts h rows of %d samples with %d taps.", w, n),
		"(dst *byte, ds int, src *byte, ss int, fh, fv *int8, h int)")
	mid := k.AllocLocal((w*(mcRows+n-1) + 7) &^ 7)
	b := &block{kit: k, name: name, w: w, n: n,
		dst: k.arg("dst"), ds: k.arg("ds"), src: k.arg("src"), ss: k.arg("ss")}
	fh, fv, h := k.arg("fh"), k.arg("fv"), k.arg("h")
	to, stride := k.GP64(), k.GP64()

	k.TESTQ(fh, fh)
	k.JZ(b.label("NoRows"))
	k.TESTQ(fv, fv)
	k.JZ(b.label("OnlyRows"))
	k.LEAQ(mid, to)
	k.MOVQ(operand.U32(w), stride)
	count := k.GP64()
	k.LEAQ(at(h, n-1), count)
	k.JMP(b.label("Rows"))

	k.Label(name + "OnlyRows")
	b.down()
	k.MOVQ(b.dst, to)
	k.MOVQ(b.ds, stride)
	k.MOVQ(h, count)

	k.Label(name + "Rows")
	b.filterRows(to, stride, fh, count)
	k.TESTQ(fv, fv)
	k.JZ(b.label("Done"))
	k.LEAQ(mid, b.src)
	k.MOVQ(operand.U32(w), b.ss)
	k.JMP(b.label("Columns"))

	k.Label(name + "NoRows")
	k.ADDQ(operand.U8(n/2-1), b.src)
	k.TESTQ(fv, fv)
	k.JZ(b.label("Copy"))

	k.Label(name + "Columns")
	b.filterColumns(fv, h)
	k.JMP(b.label("Done"))

	k.Label(name + "Copy")
	b.down()
	b.copy(h)
	k.Label(name + "Done")
	k.end()
}

// block is a prediction being written.
type block struct {
	*kit
	name             string
	w, n             int // samples of width, taps
	dst, ds, src, ss gp
}

func (b *block) label(s string) operand.LabelRef { return operand.LabelRef(b.name + s) }

// down moves src past the rows that only a filter of columns reads.
func (b *block) down() {
	for range b.n/2 - 1 {
		b.ADDQ(b.ss, b.src)
	}
}

// copy copies two rows a turn.
func (b *block) copy(h gp) {
	b.SHRQ(operand.U8(1), h)
	b.repeat(b.name+"CopyLoop", h, func() {
		x, y := b.load(b.w, at(b.src, 0)), b.load(b.w, row(b.src, b.ss, b.ss, 1))
		b.store(b.w, x, at(b.dst, 0))
		b.store(b.w, y, row(b.dst, b.ds, b.ds, 1))
		b.LEAQ(operand.Mem{Base: b.src, Index: b.ss, Scale: 2}, b.src)
		b.LEAQ(operand.Mem{Base: b.dst, Index: b.ds, Scale: 2}, b.dst)
	})
}

// tapPairs spreads pairs of neighbouring taps.
func (b *block) tapPairs(taps gp) []vec {
	pairs := make([]vec, b.n/2)
	for i := range pairs {
		pairs[i] = b.YMM()
		b.VPBROADCASTW(at(taps, 2*i), pairs[i])
	}
	return pairs
}

// filtered multiplies, adds and rounds: (sum + 32) >> 6 is a rounded
// multiplication by 2^9.
func (b *block) filtered(x, taps []vec) vec {
	var sum vec
	for i := range x {
		t := taps[i]
		if x[i].Size() == 16 {
			t = t.AsX().(vec)
		}
		p := b.maddubs(x[i], t)
		if sum == nil {
			sum = p
			continue
		}
		sum = b.add16(sum, p)
	}
	return b.mulround(sum, b.words("sixtyFourth", 512))
}

// filterRows brings the samples that a tap pair wants side by side with a
// shuffle. No load reads past the last sample of a row: the second load of a
// row ends with it and the shuffle knows by how much the two overlap.
func (b *block) filterRows(to, stride, taps, count gp) {
	pairs := b.tapPairs(taps)
	masks := make([]op, b.n/2)
	for j := range masks {
		m := b.bytes(fmt.Sprintf("pair%dof%dwide%d", j, b.n, b.w), pairMask(b.w, b.n, j)...)
		masks[j] = m
		if b.w == 16 {
			masks[j] = b.y(m)
		}
	}
	one := func() vec {
		x, s := make([]vec, b.n/2), b.rowOf()
		b.ADDQ(b.ss, b.src)
		for j := range x {
			x[j] = b.shuffle(s, masks[j])
		}
		return b.filtered(x, pairs)
	}
	if b.w < 16 {
		b.repeat(b.name+"RowsLoop", count, func() {
			v := one()
			b.store(b.w, b.packu(v, v), at(to, 0))
			b.ADDQ(stride, to)
		})
		return
	}
	// Two rows a turn, and one that may remain.
	turns := b.GP64()
	b.MOVQ(count, turns)
	b.SHRQ(operand.U8(1), turns)
	b.repeat(b.name+"RowsLoop", turns, func() {
		upper := one()
		v := b.quarters(b.packu(upper, one()), 0, 2, 1, 3)
		b.VMOVDQU(v.AsX(), at(to, 0))
		b.VEXTRACTI128(operand.U8(1), v, row(to, stride, stride, 1))
		b.LEAQ(operand.Mem{Base: to, Index: stride, Scale: 2}, to)
	})
	b.TESTQ(operand.U32(1), count)
	b.JZ(b.label("RowsDone"))
	v := one()
	v = b.quarters(b.packu(v, v), 0, 2, 1, 3)
	b.VMOVDQU(v.AsX(), at(to, 0))
	b.Label(b.name + "RowsDone")
}

// rowOf loads the w+n-1 samples of a row in two loads.
func (b *block) rowOf() vec {
	switch b.w {
	case 16:
		return b.lanes(at(b.src, 0), at(b.src, b.n-1))
	case 8:
		return b.halves(at(b.src, 0), at(b.src, b.n-1))
	}
	d, x := b.XMM(), b.load(4, at(b.src, 0))
	if b.n == 4 {
		b.VPINSRD(operand.U8(1), at(b.src, 3), x, d)
		return d
	}
	b.VPINSRD(operand.U8(1), at(b.src, 4), x, d)
	b.VPINSRB(operand.U8(8), at(b.src, 8), d, d)
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

// filterColumns interleaves neighbouring rows: pair i is rows i and i+1, and
// output y adds pairs y, y+2 and, with six taps, y+4. Pairs that outputs to
// come need stay in a ring of registers. Four outputs a turn.
func (b *block) filterColumns(taps, h gp) {
	pairs := b.tapPairs(taps)
	b.SHRQ(operand.U8(2), h)
	if b.w == 16 {
		b.filterColumns16(pairs, h)
		return
	}
	next := func() vec {
		x := b.load(b.w, at(b.src, 0))
		b.ADDQ(b.ss, b.src)
		return x
	}
	ring := make([]vec, b.n-2) // pair i is in slot i mod n-2
	last := next()
	for i := range ring {
		row := next()
		ring[i] = b.lo8(last, row)
		last = row
	}
	b.repeat(b.name+"ColumnsLoop", h, func() {
		kept := last
		for y := range 4 {
			row := next()
			pair := b.lo8(last, row)
			last = row
			var x []vec
			for j := range b.n/2 - 1 {
				x = append(x, ring[(y+2*j)%(b.n-2)])
			}
			v := b.filtered(append(x, pair), pairs)
			b.store(b.w, b.packu(v, v), at(b.dst, 0))
			b.ADDQ(b.ds, b.dst)
			b.VMOVDQA(pair, ring[y%(b.n-2)])
		}
		b.VMOVDQA(last, kept)
		last = kept
	})
}

// filterColumns16 makes outputs y and y+1 at once, a lane each, in two
// registers for the left and the right 8 samples.
func (b *block) filterColumns16(pairs []vec, turns gp) {
	next := func() [2]vec { // pairs y and y+1, left and right
		a := b.lanes(at(b.src, 0), row(b.src, b.ss, b.ss, 1))
		b.ADDQ(b.ss, b.src)
		c := b.lanes(at(b.src, 0), row(b.src, b.ss, b.ss, 1))
		b.ADDQ(b.ss, b.src)
		return [2]vec{b.lo8(a, c), b.hi8(a, c)}
	}
	ring := make([][2]vec, b.n/2-1) // pairs 2i and 2i+1 are in slot i mod n/2-1
	for i := range ring {
		ring[i] = next()
	}
	b.repeat(b.name+"ColumnsLoop", turns, func() {
		for y := range 2 {
			fresh := next()
			var side [2]vec
			for s := range side {
				var x []vec
				for j := range ring {
					x = append(x, ring[(y+j)%len(ring)][s])
				}
				side[s] = b.filtered(append(x, fresh[s]), pairs)
				b.VMOVDQA(fresh[s], ring[y%len(ring)][s])
			}
			v := b.packu(side[0], side[1])
			b.VMOVDQU(v.AsX(), at(b.dst, 0))
			b.VEXTRACTI128(operand.U8(1), v, row(b.dst, b.ds, b.ds, 1))
			b.LEAQ(operand.Mem{Base: b.dst, Index: b.ds, Scale: 2}, b.dst)
		}
	})
}
