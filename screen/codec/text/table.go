package text

// What is learned of neighbourhoods.

const (
	wideBits = 16 // of the index of the wide neighbourhoods
	nearBits = 16
	pairBits = 12
)

// tables hold the colours that followed a neighbourhood: of eleven pixels
// (wide), of six (near), and of three (pair).
//
//	. C B A .        wide: all
//	E D N F G        near: D N F, W, X, B
//	Y X W ?          pair: W N F
type tables struct {
	wide [1 << wideBits]slot
	near [1 << nearBits]slot
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

func (s slot) first() uint32        { return uint32(s) & colour }
func (s slot) second() uint32       { return uint32(s >> 40) }
func (s slot) sure() uint32         { return uint32(s) >> 24 & sureMax }
func (s slot) is(check uint64) bool { return uint64(s)>>28&checkMax == check }

func newSlot(first, second, sure uint32, check uint64) slot {
	return slot(uint64(first) | uint64(sure)<<24 | check<<28 | uint64(second)<<40)
}

// learn takes what followed.
func (s *slot) learn(check uint64, px uint32) {
	v := *s
	switch first := v.first(); {
	case !v.is(check) || v.sure() == 0:
		*s = newSlot(px, px, 1, check)
	case first == px:
		if v.sure() < sureMax {
			*s = v + 1<<24
		}
	case v.sure() > 3:
		*s = newSlot(first, px, v.sure()>>2, check)
	default:
		*s = newSlot(px, first, 1, check)
	}
}

// place is where the slots of a pixel's neighbourhoods are.
type place struct {
	wide, near, pair     uint32
	wideCheck, nearCheck uint64
}

// Odd constants with no pattern, for hashing: fractions of square roots.
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

// around is the neighbourhood of a pixel.
type around struct {
	w, n, nw, ne uint32
	flat         bool
}

// look finds the place of the pixel at index i of line cur.
func look(cur, n1, n2 *line, i int) (p place, a around) {
	q0 := (*[3]uint32)(cur[i-3 : i])
	q1 := (*[5]uint32)(n1[i-2 : i+3])
	q2 := (*[3]uint32)(n2[i-1 : i+2])
	a.w, a.n, a.nw, a.ne = q0[2], q1[2], q1[1], q1[3]
	a.flat = a.w == a.n && a.w == a.nw && a.w == a.ne && a.w == q0[1]
	return find(q0, q1, q2), a
}

// find hashes the neighbourhood: the pixels left, those of the row above, and
// those of the row above that.
func find(q0 *[3]uint32, q1 *[5]uint32, q2 *[3]uint32) (p place) {
	pair := uint64(q0[2])*k1 + uint64(q1[2])*k2 + uint64(q1[3])*k4
	near := pair + uint64(q1[1])*k3 + uint64(q0[1])*k5 + uint64(q2[1])*k6
	wide := near*k11 + uint64(q0[0])*k7 + uint64(q1[0])*k8 + uint64(q1[4])*k9 + uint64(q2[0])*k10 + uint64(q2[2])*k3
	pair ^= pair >> 29
	near ^= near >> 29
	wide ^= wide >> 29
	pair *= k10
	near *= k8
	wide *= k9
	p.pair = uint32(pair >> (64 - pairBits))
	p.near = uint32(near >> (64 - nearBits))
	p.wide = uint32(wide >> (64 - wideBits))
	p.nearCheck = near >> 20 & checkMax
	p.wideCheck = wide >> 20 & checkMax
	return p
}

// learn takes the pixel that was at p.
func (t *tables) learn(p place, px uint32) {
	t.wide[p.wide].learn(p.wideCheck, px)
	t.near[p.near].learn(p.nearCheck, px)
	t.pair[p.pair].learn(0, px)
}
