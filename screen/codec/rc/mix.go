package rc

import (
	"encoding/binary"
	"math/bits"
)

// Decisions that several Probs have an opinion about. Bit2 takes the mean of
// two; Mix weighs three, and learns the weights, after the way of PAQ (Mahoney,
// "Adaptive weighing of context models for
// lossless data compression", 2005): chances are added as logarithms
// of the odds, and the weights move down the slope of the cost.
//
// All of it is whole numbers: what is different in the last place on another
// machine would put the two ends out of step.

// Bit2 codes one decision by two opinions, the mean of which counts, and lets
// both learn it.
func (e *Encoder) Bit2(p, q *Prob, yes bool) {
	one := int64(b2i(yes))
	chance := (p.chance() + q.chance()) / 2
	*p = p.next(one)
	*q = q.next(one)
	e.put(chance, one)
}

// put codes one (1 or 0), which had that chance in 16 bits.
func (e *Encoder) put(chance uint64, one int64) {
	bound := (e.span >> 16) * chance
	rest := e.span - bound
	no := uint64(one - 1)
	low, carry := bits.Add64(e.low, bound&no, 0)
	span := bound ^ (bound^rest)&no
	if carry != 0 {
		e.carry()
	}
	if span < top {
		e.out = binary.BigEndian.AppendUint32(e.out, uint32(low>>32))
		low <<= 32
		span <<= 32
	}
	e.low, e.span = low, span
}

// Bit2 decodes what the encoder's Bit2 coded.
func (d *Decoder) Bit2(p, q *Prob) bool {
	one := d.get((p.chance() + q.chance()) / 2)
	*p = p.next(one)
	*q = q.next(one)
	return one == 1
}

// get decodes a decision of that chance.
func (d *Decoder) get(chance uint64) int64 {
	bound := (d.span >> 16) * chance
	one := int64(0)
	if d.code < bound {
		d.span = bound
		one = 1
	} else {
		d.code -= bound
		d.span -= bound
	}
	if d.span < top {
		d.span <<= 32
		d.shift()
	}
	return one
}

// Tree2 codes the low n bits of v as Tree does, by two opinions.
func (e *Encoder) Tree2(t, u []Prob, v uint32, n int) {
	at := uint32(1)
	for n > 0 {
		n--
		one := v >> n & 1
		e.Bit2(&t[at], &u[at], one == 1)
		at = at<<1 | one
	}
}

// Tree2 decodes n bits that the encoder's Tree2 coded.
func (d *Decoder) Tree2(t, u []Prob, n int) uint32 {
	at := uint32(1)
	for range n {
		at = at<<1 | uint32(b2i(d.Bit2(&t[at], &u[at])))
	}
	return at &^ (1 << n)
}

// Mixer is how much each of three opinions counts: 1<<16 for as much as it
// says, less weight0. The zero value is ready.
type Mixer [3]int32

const (
	weight0    = 3 << 13 // of each opinion at first
	mixRate    = 12      // how fast weights move; from 2 to 14 the bytes hardly differ
	oddsUnit   = 256     // of the logarithm of the odds, per unit
	oddsMax    = 12*oddsUnit - 1
	oddsMin    = -12 * oddsUnit
	oddsBits   = 12 // of a chance, to look its odds up
	knotsApart = oddsUnit / 2
)

// knots is 2^16/(1+exp(-x)) for x from -12 to 12 in steps of one half.
var knots = [49]int32{
	1, 1, 1, 2, 3, 5, 8, 13, 22, 36,
	60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971,
	7812, 11955, 17625, 24743, 32768, 40793, 47911, 53581, 57724, 60565,
	62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500,
	65514, 65523, 65528, 65531, 65533, 65534, 65535, 65535, 65535,
}

// chances of all odds, straight lines between the knots.
var chances = func() (s [oddsMax - oddsMin + 1]uint16) {
	for i := range s {
		k, f := i/knotsApart, int32(i%knotsApart)
		s[i] = uint16((knots[k]*(knotsApart-f) + knots[k+1]*f) / knotsApart)
	}
	return
}()

// odds of a chance: the inverse of chances.
var odds = func() (s [1 << oddsBits]int16) {
	at := 0
	for i := range s {
		p := uint16((2*i + 1) << (15 - oddsBits))
		for at < len(chances)-1 && chances[at] < p {
			at++
		}
		s[i] = int16(at + oddsMin)
	}
	return
}()

func (p Prob) odds() int32 { return int32(odds[uint32(p^half)>>(32-oddsBits)]) }

// mixture is what m makes of three odds, as a chance in 16 bits.
func (m *Mixer) mixture(a, b, c int32) uint64 {
	sum := a*(m[0]+weight0)>>16 + b*(m[1]+weight0)>>16 + c*(m[2]+weight0)>>16
	return uint64(chances[max(oddsMin, min(sum, oddsMax))-oddsMin]) | 1
}

// learn moves the weights after a decision.
func (m *Mixer) learn(a, b, c int32, chance uint64, one int64) {
	miss := (int32(one<<16) - int32(chance)) * mixRate >> 6
	const round = 1 << 13
	m[0] += (a*miss + round) >> 14
	m[1] += (b*miss + round) >> 14
	m[2] += (c*miss + round) >> 14
}

// Mix codes one decision by three opinions and lets all learn it.
func (e *Encoder) Mix(m *Mixer, p, q, r *Prob, yes bool) {
	one := int64(b2i(yes))
	a, b, c := p.odds(), q.odds(), r.odds()
	chance := m.mixture(a, b, c)
	m.learn(a, b, c, chance, one)
	*p = p.next(one)
	*q = q.next(one)
	*r = r.next(one)
	e.put(chance, one)
}

// Mix decodes what the encoder's Mix coded.
func (d *Decoder) Mix(m *Mixer, p, q, r *Prob) bool {
	a, b, c := p.odds(), q.odds(), r.odds()
	chance := m.mixture(a, b, c)
	one := d.get(chance)
	m.learn(a, b, c, chance, one)
	*p = p.next(one)
	*q = q.next(one)
	*r = r.next(one)
	return one == 1
}
