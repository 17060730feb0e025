package pict

import (
	"math/bits"

	"sightline/screen/codec/rc"
)

// scan lists the coefficients of a block from low to high frequency, along
// diagonals that turn at the border; place is its inverse.
var scan, place = func() (s, p [64]uint8) {
	n := 0
	for d := range 15 {
		for k := range d + 1 {
			v, u := k, d-k
			if d&1 == 0 {
				v, u = u, v
			}
			if u < 8 && v < 8 {
				s[n], p[v*8+u] = uint8(v*8+u), uint8(n)
				n++
			}
		}
	}
	return s, p
}()

// zone sorts the coefficients by frequency for the contexts.
var zone = func() (z [64]uint8) {
	for i := range z {
		switch d := i>>3 + i&7; {
		case d == 0:
			z[i] = 0
		case d == 1:
			z[i] = 1
		case d <= 3:
			z[i] = 2
		case d <= 6:
			z[i] = 3
		default:
			z[i] = 4
		}
	}
	return z
}()

// maxLevel is the largest size of a level: 64*255 in steps of 5.
const maxLevel = 4095

// blockModel is what is learned about the levels of one sort of block.
type blockModel struct {
	class [8]rc.Prob     // has the block more coefficients than this class?
	count [7][8]rc.Prob  // the next bits of the number
	any   [5 * 8]rc.Prob // is the level not zero?
	more  [3 * 8]rc.Prob // is it more than one?
	most  [3 * 8]rc.Prob // more than two?
	run   [3][12]rc.Prob // more than 3, 4, ...?
	rest  rc.Number
}

// bounds of unary coding: a level of at least this is coded as a number.
const unary = 3 + 12

// sizes keeps the sizes of levels, at most 15, of a block with a border of
// two on the right and below.
type sizes [10*10 + 2]uint8

func sizeAt(raster uint8) int { return int(raster>>3)*10 + int(raster&7) }

// around adds up the five neighbours of higher frequency.
func (s *sizes) around(at int) int {
	return int(s[at+1]) + int(s[at+2]) + int(s[at+10]) + int(s[at+20]) + int(s[at+11])
}

// zoneMore merges zones for sizes above one.
var zoneMore = [5]int{0, 1, 1, 2, 2}

// anyContext quantises the sum around for the first decision, moreContext for
// the others.
var (
	anyContext  = quantise(1, 2, 3, 4, 6, 9, 14)
	moreContext = quantise(1, 2, 3, 4, 5, 7, 13)
)

// quantise makes a table that counts how many of the bounds a sum reaches.
func quantise(bounds ...int) (t [76]uint8) {
	for i := range t {
		for _, b := range bounds {
			if i >= b {
				t[i]++
			}
		}
	}
	return t
}

// class of a number of coefficients 1..64: 1, 2, 3-4, 5-8, ... 33-64.
func classOf(n int) int { return bits.Len(uint(n - 1)) }

// encodeBlock codes the levels, of which at least one is not zero; last is
// the place in scan of the last such.
func encodeBlock(e *rc.Encoder, m *blockModel, level *[64]int16, last int) {
	n := last + 1
	class := classOf(n)
	for i := range class {
		e.Bit(&m.class[i], true)
	}
	if class < 6 {
		e.Bit(&m.class[class], false)
	}
	if k := class - 1; k > 0 {
		v := uint32(n-1) & (1<<k - 1)
		top := min(k, 3)
		e.Tree(m.count[class][:], v>>(k-top), top)
		e.Raw(v, k-top)
	}
	var s sizes
	signs, nsigns := uint64(0), 0
	for i := last; i >= 0; i-- {
		at := scan[i]
		v := int(level[at])
		p := sizeAt(at)
		around := s.around(p)
		z := int(zone[at])
		if i < last {
			e.Bit(&m.any[z*8+int(anyContext[around])], v != 0)
			if v == 0 {
				continue
			}
		}
		signs <<= 1
		if v < 0 {
			v = -v
			signs |= 1
		}
		nsigns++
		s[p] = uint8(min(v, 15))
		c := zoneMore[z]*8 + int(moreContext[around])
		e.Bit(&m.more[c], v > 1)
		if v > 1 {
			e.Bit(&m.most[c], v > 2)
			if v > 2 {
				encodeLarge(e, m, zoneMore[z], v)
			}
		}
	}
	if nsigns > 32 {
		e.Raw(uint32(signs>>32), nsigns-32)
		nsigns = 32
	}
	e.Raw(uint32(signs), nsigns)
}

// encodeLarge codes a size of at least three.
func encodeLarge(e *rc.Encoder, m *blockModel, z, v int) {
	for i := 3; i < unary; i++ {
		e.Bit(&m.run[z][i-3], v > i)
		if v == i {
			return
		}
	}
	m.rest.Encode(e, uint32(v-unary))
}

// decodeBlock reads what encodeBlock coded into level, which is all zero, and
// gives last; false if no encoder codes such levels.
func decodeBlock(d *rc.Decoder, m *blockModel, level *[64]int16) (int, bool) {
	class := 0
	for class < 6 && d.Bit(&m.class[class]) {
		class++
	}
	n := 1
	if class > 0 {
		k := class - 1
		top := min(k, 3)
		v := uint32(0)
		if k > 0 {
			v = d.Tree(m.count[class][:], top)<<(k-top) | d.Raw(k-top)
		}
		n = 1<<k + 1 + int(v)
	}
	var s sizes
	var order [64]uint8
	count := 0
	for i := n - 1; i >= 0; i-- {
		at := scan[i]
		p := sizeAt(at)
		around := s.around(p)
		z := int(zone[at])
		if i < n-1 && !d.Bit(&m.any[z*8+int(anyContext[around])]) {
			continue
		}
		v := 1
		c := zoneMore[z]*8 + int(moreContext[around])
		if d.Bit(&m.more[c]) {
			v = 2
			if d.Bit(&m.most[c]) {
				v = decodeLarge(d, m, zoneMore[z])
				if v > maxLevel {
					return 0, false
				}
			}
		}
		s[p] = uint8(min(v, 15))
		level[at] = int16(v)
		order[count] = at
		count++
	}
	decodeSigns(d, level, order[:count])
	return n - 1, true
}

func decodeSigns(d *rc.Decoder, level *[64]int16, order []uint8) {
	for len(order) > 0 {
		n := len(order)
		if n > 32 {
			n -= 32
		}
		signs := d.Raw(n)
		for i, at := range order[:n] {
			if signs>>(n-1-i)&1 == 1 {
				level[at] = -level[at]
			}
		}
		order = order[n:]
	}
}

// decodeLarge reads a size of at least three.
func decodeLarge(d *rc.Decoder, m *blockModel, z int) int {
	for i := 3; i < unary; i++ {
		if !d.Bit(&m.run[z][i-3]) {
			return i
		}
	}
	return unary + int(min(m.rest.Decode(d), maxLevel))
}
