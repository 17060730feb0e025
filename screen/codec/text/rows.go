package text

import (
	"bytes"
	"encoding/binary"
	"image"

	"sightline/screen"
)

const (
	segment = 16  // px, what a row is cut into
	part    = 256 // px, the widest rectangle coded in one go
	pad     = 4   // px on either side of a row in memory
)

// line is one row of the part at hand; its pixel x is at pad+x.
type line [part + 2*pad]uint32

// kind is what became of a row or a segment.
type kind int

const (
	kindMixed kind = iota // or coded
	kindWas               // as the viewer saw it until now
	kindAbove             // as the row above
	kinds
)

// segments holds the kinds of a row; that of the segment at px x is at
// 1+x/segment, and either side is mixed.
type segments [part/segment + 2]kind

// rows is the part at hand, which is coded row by row.
type rows struct {
	p    image.Rectangle
	long bool // wider than a segment

	lines [4]line // the row at hand is lines[now], those above it before that
	now   int
	was   line               // what the viewer saw in the row at hand
	fresh [2][part + 2]uint8 // 1 where a pixel is not what the viewer saw, x at 1+x; of the row at hand fresh[now&1]
	kinds [3]segments        // of the row at hand, the one above, and the one above that
	row   [2]kind            // of the row above, and of the one above that
	blank [part * 4]byte     // stands above the picture

	out, above []byte // the row at hand in the viewer's picture, and the one above
}

// begin takes what stands above p.
func (c *rows) begin(ref *screen.Frame, p image.Rectangle) {
	c.p, c.long = p, p.Dx() > segment
	for i := 1; i < 4; i++ {
		l := &c.lines[(c.now-i+1)&3]
		c.surround(l, ref, p.Min.Y-i)
		if p.Min.Y-i >= ref.Rect.Min.Y {
			load(l[pad:], ref.Row(p.Min.Y-i, p.Min.X, p.Max.X))
		}
	}
	// Nobody knows what of the surroundings is new: say all.
	for i := range c.fresh[0] {
		c.fresh[0][i], c.fresh[1][i] = 1, 1
	}
	c.kinds, c.row = [3]segments{}, [2]kind{}
}

// release forgets the caller's memory.
func (c *rows) release() { c.out, c.above = nil, nil }

// rowBegins goes to row y.
func (c *rows) rowBegins(ref *screen.Frame, y int) {
	c.now = (c.now + 1) & 3
	c.surround(&c.lines[c.now], ref, y)
	c.out = ref.Row(y, c.p.Min.X, c.p.Max.X)
	c.above = c.blank[:len(c.out)]
	if y > ref.Rect.Min.Y {
		c.above = ref.Row(y-1, c.p.Min.X, c.p.Max.X)
	}
	load(c.was[pad:], c.out)
}

// rowEnds leaves the row at hand to be the one above.
func (c *rows) rowEnds() {
	c.kinds[2] = c.kinds[1]
	c.kinds[1] = c.kinds[0]
}

// surround fills l with the pixels of row y either side of the part. Outside
// the picture all is black.
func (c *rows) surround(l *line, ref *screen.Frame, y int) {
	w := c.p.Dx()
	if y < ref.Rect.Min.Y {
		clear(l[:w+2*pad])
		return
	}
	if c.p.Min.X-pad >= ref.Rect.Min.X && c.p.Max.X+pad <= ref.Rect.Max.X {
		load(l[:pad], ref.Row(y, c.p.Min.X-pad, c.p.Min.X))
		load(l[pad+w:], ref.Row(y, c.p.Max.X, c.p.Max.X+pad))
		return
	}
	for i := range pad {
		l[i] = at(ref, c.p.Min.X-pad+i, y)
		l[pad+w+i] = at(ref, c.p.Max.X+i, y)
	}
}

func at(f *screen.Frame, x, y int) uint32 {
	if x < f.Rect.Min.X || x >= f.Rect.Max.X {
		return 0
	}
	return binary.LittleEndian.Uint32(f.Pix[f.Offset(x, y):])
}

// load takes the pixels of row, four at a time.
func load(dst []uint32, row []byte) {
	dst = dst[:len(row)/4]
	for len(dst) >= 4 && len(row) >= 16 {
		dst[0] = binary.LittleEndian.Uint32(row)
		dst[1] = binary.LittleEndian.Uint32(row[4:])
		dst[2] = binary.LittleEndian.Uint32(row[8:])
		dst[3] = binary.LittleEndian.Uint32(row[12:])
		dst, row = dst[4:], row[16:]
	}
	for i := range dst {
		dst[i] = binary.LittleEndian.Uint32(row[i*4:])
	}
}

// same makes the pixels a to b what the viewer saw, or what stands above.
func (c *rows) same(k kind, a, b int) {
	now := c.lines[c.now&3][pad+a : pad+b]
	fresh := c.fresh[c.now&1][1+a : 1+b]
	was := c.was[pad+a : pad+b]
	if k == kindWas {
		copy(now, was)
		clear(fresh)
		return
	}
	copy(now, c.lines[(c.now-1)&3][pad+a:pad+b])
	copy(c.out[4*a:4*b], c.above[4*a:4*b])
	was, fresh = was[:len(now)], fresh[:len(now)]
	for i, v := range now {
		fresh[i] = uint8(b2i(v != was[i]))
	}
}

// set makes the pixel x what was coded.
func (c *rows) set(x int, px uint32) {
	c.lines[c.now&3][pad+x] = px
	c.fresh[c.now&1][1+x] = uint8(b2i(px != c.was[pad+x]))
	binary.LittleEndian.PutUint32(c.out[4*x:], px)
}

// stale tells whether nothing is new around the pixel at x.
func (c *rows) stale(x int) bool {
	f := (*[3]uint8)(c.fresh[^c.now&1][x : x+3])
	return c.fresh[c.now&1][x]|f[0]|f[1]|f[2] == 0
}

// runLimit is how far from x on, before b, all around is w.
func (c *rows) runLimit(x, b int, w uint32, stale bool) int {
	up := c.lines[(c.now-1)&3][pad+x+1 : pad+b+1]
	was := c.was[pad+x : pad+b]
	was = was[:len(up)]
	for i, v := range up {
		if v != w || stale && was[i] != w {
			return i
		}
	}
	return b - x
}

// unchanged tells whether the pixels a to b above are what the viewer saw.
func (c *rows) unchanged(a, b int) bool {
	return bytes.Equal(c.out[4*a:4*b], c.above[4*a:4*b])
}

// flat is 2 if all is one colour from left of the pixels a to b over those
// above them to the one on their right, 1 if all but the last, 0 if not.
func (c *rows) flat(a, b int) int {
	up := c.lines[(c.now-1)&3][pad+a-1 : pad+b+1]
	w := c.lines[c.now&3][pad+a-1]
	for _, v := range up[:len(up)-1] {
		if v != w {
			return 0
		}
	}
	return 1 + b2i(up[len(up)-1] == w)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
