package clips

// Everything random here follows from a seed, and everything curved from
// integers: floating point is free to differ between machines (fused
// multiply-add), and a checksum would notice.

// mix is a hash of three numbers: 32 well-mixed bits (the finalizer of
// MurmurHash3, public domain).
func mix(a, b, c uint32) uint32 {
	h := a*0x9e3779b1 ^ b*0x85ebca77 ^ c*0xc2b2ae3d
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

// dice is a random sequence. The zero value is one, too.
type dice struct{ seed, n uint32 }

// roll gives 0 <= v < n.
func (d *dice) roll(n int) int {
	d.n++
	return int(uint64(mix(d.seed, d.n, 0x51)) * uint64(n) >> 32)
}

// between gives lo <= v < hi.
func (d *dice) between(lo, hi int) int { return lo + d.roll(hi-lo) }

// sine of a/65536 turns, times 32768; within 0.2 % (Bhaskara I's formula).
func sine(a int) int {
	x := a & 0x7fff
	t := x * (0x8000 - x) >> 15
	s := 16 * t * 0x8000 / (5*0x8000 - 4*t)
	if a&0x8000 != 0 {
		return -s
	}
	return s
}

// swing moves to and fro: amount * sin(2π·n/period).
func swing(n, period, amount int) int {
	return amount * sine(n*65536/period) >> 15
}

// field is value noise: random numbers on a lattice of 256 x 256, smooth in between.
type field struct{ lattice [1 << 16]uint8 }

func newField(seed uint32) *field {
	f := new(field)
	for i := range f.lattice {
		f.lattice[i] = uint8(mix(seed, uint32(i), 0xf1) >> 24)
	}
	return f
}

// smooth is 3t²-2t³ for t = 0 … 1 in steps of 1/256, times 256.
var smooth = func() (s [256]int) {
	for t := range s {
		s[t] = t * t * (3*256 - 2*t) >> 16
	}
	return s
}()

// at is the noise at x,y (in 1/256 of the lattice): 0 … 65535.
func (f *field) at(x, y int) int {
	xi, yi := x>>8, y>>8
	x0, x1 := xi&255, (xi+1)&255
	y0, y1 := (yi&255)<<8, ((yi+1)&255)<<8
	a, b := int(f.lattice[y0|x0]), int(f.lattice[y0|x1])
	c, d := int(f.lattice[y1|x0]), int(f.lattice[y1|x1])
	u, v := smooth[x&255], smooth[y&255]
	top := a<<8 + (b-a)*u
	bottom := c<<8 + (d-c)*u
	return (top<<8 + (bottom-top)*v) >> 8
}

// cloud adds up octaves, each twice as fine and half as strong: 0 … 65535.
func (f *field) cloud(x, y, octaves int) int {
	sum := 0
	for o := range octaves {
		sum += f.at(x<<o+o*4099, y<<o+o*9311) >> (o + 1)
	}
	return sum
}

// grain is a table of small random numbers near a normal distribution of
// deviation 16, to be read from any place on.
type grain [1 << 15]int8

func newGrain(seed uint32) *grain {
	g := new(grain)
	for i := range g {
		h := mix(seed, uint32(i), 0x9a)
		sum := int(h&255) + int(h>>8&255) + int(h>>16&255) + int(h>>24) - 510 // deviation 148
		g[i] = int8(sum * 28 >> 8)
	}
	return g
}

// from is a row of n numbers (at most 16384); which one depends on frame and row.
func (g *grain) from(frame, row, n int) []int8 {
	at := int(mix(uint32(frame), uint32(row), 0x77) % uint32(len(g)-n))
	return g[at : at+n]
}

func clamp8(v int) uint8 {
	if uint(v) > 255 {
		if v < 0 {
			return 0
		}
		return 255
	}
	return uint8(v)
}
