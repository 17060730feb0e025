package text

// What is learned of neighbourhoods.

const (
	tableBits = 16 // of the index of deep, wide and near neighbourhoods
	pairBits  = 12
)

// tables hold the colours that followed a neighbourhood: of twenty pixels
// (deep), of eleven (wide), of six (near) and of three (pair).
//
//	. . d d d . .        deep: all
//	. d w n w d .        wide: without d
//	. w n p p w d        near: n, p
//	d w n p ?            pair: p
type tables struct {
	deep [1 << tableBits]slot
	wide [1 << tableBits]slot
	near [1 << tableBits]slot
	pair [1 << pairBits]slot
}

// slot is what is known of one neighbourhood:
//
//	bits  0-23  the likely colour
//	     24-27  how sure it is: 0 is an empty slot
//	     28-39  check: which of the neighbourhoods that share the slot it is
//	     40-63  the second colour, as the first if there was none
type slot uint64

const (
	colour   = 1<<24 - 1
	sureMax  = 15
	checkMax = 1<<12 - 1
)

func (s slot) first() uint32  { return uint32(s) & colour }
func (s slot) second() uint32 { return uint32(s >> 40) }
func (s slot) sure() uint32   { return uint32(s) >> 24 & sureMax }

func (s slot) is(check uint16) bool { return uint16(s>>28)&checkMax == check }

// of is s if it is of that check, an empty slot if not.
func (s slot) of(check uint16) slot {
	if s.is(check) {
		return s
	}
	return 0
}

func newSlot(first, second, sure uint32, check uint16) slot {
	return slot(uint64(first) | uint64(sure)<<24 | uint64(check)<<28 | uint64(second)<<40)
}

// learn takes what followed.
func (s *slot) learn(check uint16, px uint32) {
	v := *s
	switch sure := v.sure(); {
	case !v.is(check) || sure == 0:
		*s = newSlot(px, px, 1, check)
	case v.first() == px:
		if sure < sureMax {
			*s = v + 1<<24
		}
	case sure > 3: // once wrong does not unseat what was right for long
		*s = newSlot(v.first(), px, sure>>2, check)
	default:
		*s = newSlot(px, v.first(), 1, check)
	}
}

// place is where the slots of a pixel's neighbourhoods are.
type place struct {
	deep, wide, near, pair          uint16
	deepCheck, wideCheck, nearCheck uint16
}

// Odd constants with no pattern, to hash with.
const (
	k1  = 0x6a09e667f3bcc909
	k2  = 0xbb67ae8584caa73b
	k3  = 0x3c6ef372fe94f82b
	k4  = 0xa54ff53a5f1d36f1
	k5  = 0x510e527fade682d1
	k6  = 0x9b05688c2b3e6c1f
	k7  = 0x1f83d9abfb41bd6b
	k8  = 0x5be0cd19137e2179
	k9  = 0xcbbb9d5dc1059ed9
	k10 = 0x629a292a367cd507
	k11 = 0x9159015a3070dd17
)

// find hashes a neighbourhood: the pixels left, those of the row above from the
// third on the left to the third on the right, two either side of the row above
// that, and one either side of the third.
func find(q0 *[4]uint32, q1 *[7]uint32, q2 *[5]uint32, q3 *[3]uint32) (p place) {
	pair := uint64(q0[3])*k1 + uint64(q1[3])*k2 + uint64(q1[4])*k4
	near := pair + uint64(q1[2])*k3 + uint64(q0[2])*k5 + uint64(q2[2])*k6
	wide := near*k11 + uint64(q0[1])*k7 + uint64(q1[1])*k8 + uint64(q1[5])*k9 + uint64(q2[1])*k10 + uint64(q2[3])*k3
	deep := wide*k1 + uint64(q3[0])*k1 + uint64(q3[1])*k2 + uint64(q3[2])*k4 +
		uint64(q0[0])*k6 + uint64(q2[0])*k5 + uint64(q2[4])*k10 + uint64(q1[6])*k11
	pair = (pair ^ pair>>29) * k10
	near = (near ^ near>>29) * k8
	wide = (wide ^ wide>>29) * k9
	deep = (deep ^ deep>>29) * k3
	p.pair = uint16(pair >> (64 - pairBits))
	p.near = uint16(near >> (64 - tableBits))
	p.wide = uint16(wide >> (64 - tableBits))
	p.deep = uint16(deep >> (64 - tableBits))
	p.nearCheck = uint16(near>>20) & checkMax
	p.wideCheck = uint16(wide>>20) & checkMax
	p.deepCheck = uint16(deep>>20) & checkMax
	return p
}

// learn takes the pixel that was at p, but for the deep neighbourhood.
func (t *tables) learn(p *place, px uint32) {
	t.wide[p.wide].learn(p.wideCheck, px)
	t.near[p.near].learn(p.nearCheck, px)
	t.pair[p.pair&(1<<pairBits-1)].learn(0, px)
}
