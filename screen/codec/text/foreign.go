package text

import (
	"encoding/binary"
	"image"

	"sightline/screen"
)

// samples is how many pixels of a tile are looked at, and checks for how many of
// those that no neighbour foretells the tables are asked: they are slow.
const (
	samples = 48
	checks  = 12
)

// Foreign estimates from a sample how many of 256 pixels of src in r, a tile,
// would be literals if they were coded now: 0 for what is flat or known, near
// 256 for a photo. It changes nothing.
func (c *Coder) Foreign(src *screen.Frame, r image.Rectangle) int {
	var odd [samples]int // where in Pix
	n, nOdd := 0, 0
	x1 := min(r.Max.X, src.Rect.Max.X-3)
	for y := max(r.Min.Y+1, src.Rect.Min.Y+3); y < r.Max.Y; y += 3 {
		// Every other row looks at other columns.
		x0 := max(r.Min.X+1+y&1, src.Rect.Min.X+4)
		if x0 >= x1 {
			break
		}
		for o, end := src.Offset(x0, y), src.Offset(x1-1, y); o <= end && n < samples; o += 8 {
			n++
			if !neighbourly(src, o) {
				odd[nOdd] = o
				nOdd++
			}
		}
	}
	if nOdd == 0 {
		return 0
	}
	step := (nOdd + checks - 1) / checks
	asked, strange := 0, 0
	for i := 0; i < nOdd; i += step {
		asked++
		strange += b2i(c.strange(src, odd[i]))
	}
	return 256 * nOdd * strange / (n * asked)
}

// neighbourly tells whether the pixel at o in Pix has the colour of one of the
// four neighbours that are coded before it.
func neighbourly(f *screen.Frame, o int) bool {
	up := f.Pix[o-f.Stride-4 : o-f.Stride+8]
	px := binary.LittleEndian.Uint32(f.Pix[o:])
	return px == binary.LittleEndian.Uint32(f.Pix[o-4:]) || px == binary.LittleEndian.Uint32(up[4:]) ||
		px == binary.LittleEndian.Uint32(up) || px == binary.LittleEndian.Uint32(up[8:])
}

// strange tells whether no table foretells the pixel at o in Pix, which has three
// rows above it, four pixels left of it and three on its right.
func (c *Coder) strange(src *screen.Frame, o int) bool {
	var q0 [4]uint32
	var q1 [7]uint32
	var q2 [5]uint32
	var q3 [3]uint32
	s := src.Stride
	load(q0[:], src.Pix[o-16:o])
	load(q1[:], src.Pix[o-s-12:o-s+16])
	load(q2[:], src.Pix[o-2*s-8:o-2*s+12])
	load(q3[:], src.Pix[o-3*s-4:o-3*s+8])
	p := find(&q0, &q1, &q2, &q3)
	px := binary.LittleEndian.Uint32(src.Pix[o:])
	return !c.pair[p.pair&(1<<pairBits-1)].foretells(px) && !c.near[p.near].of(p.nearCheck).foretells(px) &&
		!c.wide[p.wide].of(p.wideCheck).foretells(px) && !c.deep[p.deep].of(p.deepCheck).foretells(px)
}

func (s slot) foretells(px uint32) bool {
	return s.sure() > 0 && (s.first() == px || s.second() == px)
}

// Colours counts the colours of src in r, up to limit, at most 32, where it stops.
func Colours(src *screen.Frame, r image.Rectangle, limit int) int {
	var seen [32]uint32
	limit = min(limit, len(seen))
	n := 0
	for y := r.Min.Y; y < r.Max.Y && n < limit; y++ {
		row := src.Row(y, r.Min.X, r.Max.X)
		last := ^uint32(0)
		for ; len(row) >= 4 && n < limit; row = row[4:] {
			px := uint32(row[0]) | uint32(row[1])<<8 | uint32(row[2])<<16
			if px == last {
				continue
			}
			last = px
			if !among(seen[:n], px) {
				seen[n] = px
				n++
			}
		}
	}
	return n
}

func among(list []uint32, px uint32) bool {
	for _, v := range list {
		if v == px {
			return true
		}
	}
	return false
}
