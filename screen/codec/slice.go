package codec

import (
	"encoding/binary"
	"fmt"
	"image"

	"sightline/screen"
)

// oneTile is the largest body of a slice with one tile.
const oneTile = 2 + runSize + 1 + 3*tilePixels

// slice is a body in the making: one buffer for each part of it.
type slice struct {
	max                                 int // bytes of the body
	runs                                int
	heads, kinds, colours, indices, raw []byte
	body                                []byte

	// The run that is open; count 0: none.
	row, col, count int
}

// reset empties the slice; its body shall not exceed size bytes.
func (s *slice) reset(size int) {
	s.max, s.runs, s.count = size, 0, 0
	s.heads, s.kinds, s.colours = s.heads[:0], s.kinds[:0], s.colours[:0]
	s.indices, s.raw = s.indices[:0], s.raw[:0]
}

func (s *slice) empty() bool { return s.runs == 0 }

func (s *slice) size() int {
	return 2 + len(s.heads) + len(s.kinds) + len(s.colours) + len(s.indices) + len(s.raw)
}

// endRun makes the next tile begin a run of its own.
func (s *slice) endRun() { s.count = 0 }

// fits tells whether the tile, whatever its kind, still has room.
func (s *slice) fits(row, col int) bool {
	gap := 0
	if s.count > 0 && row == s.row {
		gap = col - s.col - s.count
	}
	return s.runs < screen.MaxRects && s.size()+gap+runSize+1+3*tilePixels <= s.max
}

// add appends a tile of n pixels. Unchanged tiles since the last one of the
// row go along as such: a byte each, and zstd makes them less.
func (s *slice) add(row, col, kind, n, w int, pix *pixels, pal *palette) {
	if s.count == 0 || row != s.row {
		s.open(row, col)
	}
	for s.col+s.count < col {
		s.kinds = append(s.kinds, kindSame)
		s.count++
	}
	s.kinds = append(s.kinds, byte(kind))
	s.count++
	binary.LittleEndian.PutUint16(s.heads[len(s.heads)-2:], uint16(s.count))
	if kind == kindRaw {
		for _, c := range pix[:n] {
			s.raw = appendColour(s.raw, c)
		}
		return
	}
	for _, c := range pal.colours[:kind] {
		s.colours = appendColour(s.colours, c)
	}
	if kind > kindSolid {
		s.indices = pal.pack(s.indices, kind, w, n)
	}
}

// open begins a run.
func (s *slice) open(row, col int) {
	s.row, s.col, s.count = row, col, 0
	s.runs++
	s.heads = binary.LittleEndian.AppendUint16(s.heads, uint16(row))
	s.heads = binary.LittleEndian.AppendUint16(s.heads, uint16(col))
	s.heads = binary.LittleEndian.AppendUint16(s.heads, 0)
}

// join returns the body, which is valid until the next call.
func (s *slice) join() []byte {
	b := binary.LittleEndian.AppendUint16(s.body[:0], uint16(s.runs))
	for _, part := range [...][]byte{s.heads, s.kinds, s.colours, s.indices, s.raw} {
		b = append(b, part...)
	}
	s.body = b
	return b
}

// parsed is a body whose sizes were found right: painting it cannot fail.
type parsed struct {
	runs                  int
	heads, kinds          []byte
	colours, indices, raw []byte
}

// parseSlice checks a body against the picture it is for. At most maxTiles may
// be named. The result shares the body's memory.
func parseSlice(body []byte, g grid, maxTiles int) (p parsed, err error) {
	if len(body) < 2 {
		return p, fmt.Errorf("%w: slice of %d bytes", ErrMalformed, len(body))
	}
	p.runs = int(binary.LittleEndian.Uint16(body))
	body = body[2:]
	if p.runs < 1 || p.runs > screen.MaxRects || len(body) < p.runs*runSize {
		return p, fmt.Errorf("%w: %d runs in a slice", ErrMalformed, p.runs)
	}
	p.heads, body = body[:p.runs*runSize], body[p.runs*runSize:]
	tiles := 0
	for i := range p.runs {
		row, col, n := p.run(i)
		if row >= g.rows() || col >= g.cols() || n < 1 || n > g.cols()-col {
			return p, fmt.Errorf("%w: run of %d tiles at %d,%d", ErrMalformed, n, col, row)
		}
		tiles += n
	}
	if tiles > maxTiles || tiles > len(body) {
		return p, fmt.Errorf("%w: %d tiles in a slice", ErrMalformed, tiles)
	}
	p.kinds, body = body[:tiles], body[tiles:]
	colours, indices, raw, err := p.measure(g)
	if err != nil {
		return p, err
	}
	if len(body) != colours+indices+raw {
		return p, fmt.Errorf("%w: %d bytes of tiles instead of %d", ErrMalformed, len(body), colours+indices+raw)
	}
	p.colours, body = body[:colours], body[colours:]
	p.indices, p.raw = body[:indices], body[indices:]
	return p, nil
}

// run gives the place of the i-th run.
func (p *parsed) run(i int) (row, col, n int) {
	h := p.heads[i*runSize:]
	return int(binary.LittleEndian.Uint16(h)), int(binary.LittleEndian.Uint16(h[2:])), int(binary.LittleEndian.Uint16(h[4:]))
}

// measure adds up the bytes that the kinds of tiles ask for.
func (p *parsed) measure(g grid) (colours, indices, raw int, err error) {
	at := 0
	for i := range p.runs {
		row, col, n := p.run(i)
		for c := col; c < col+n; c++ {
			kind := int(p.kinds[at])
			at++
			size := g.tile(row, c).Size()
			switch {
			case kind == kindSame:
			case kind == kindSolid:
				colours += 3
			case kind <= maxColour:
				colours += 3 * kind
				indices += indexSize(kind, size.X, size.Y)
			case kind == kindRaw:
				raw += 3 * size.X * size.Y
			default:
				return 0, 0, 0, fmt.Errorf("%w: tile of kind %d", ErrMalformed, kind)
			}
		}
	}
	return colours, indices, raw, nil
}

// paint puts the tiles into f and adds to changed where it did.
func (p *parsed) paint(f *screen.Frame, g grid, s *painter) {
	at := 0
	for i := range p.runs {
		row, col, n := p.run(i)
		var span image.Rectangle
		for c := col; c < col+n; c++ {
			kind := int(p.kinds[at])
			at++
			r := g.tile(row, c)
			if kind == kindSame {
				s.touch(span)
				span = image.Rectangle{}
				continue
			}
			p.tile(f, r, kind, s)
			span = span.Union(r)
		}
		s.touch(span)
	}
}

// tile paints one tile and moves on in the parts it used.
func (p *parsed) tile(f *screen.Frame, r image.Rectangle, kind int, s *painter) {
	switch kind {
	case kindSolid:
		f.Fill(r, colour(p.colours))
		p.colours = p.colours[3:]
		return
	case kindRaw:
		n := r.Dx() * r.Dy()
		for i := range n {
			s.pix[i&(tilePixels-1)] = colour(p.raw[3*i:])
		}
		p.raw = p.raw[3*n:]
	default:
		clear(s.pal.colours[:])
		for k := range kind {
			s.pal.colours[k] = colour(p.colours[3*k:])
		}
		p.colours = p.colours[3*kind:]
		p.indices = s.pal.unpack(&s.pix, p.indices, kind, r.Dx(), r.Dy())
	}
	s.pix.store(f, r)
}

// painter is the scratch of painting, and where it painted.
type painter struct {
	pix     pixels
	pal     palette
	changed screen.Region
	last    image.Rectangle // grows while tiles follow each other; not in changed yet
}

// touch notes a rectangle; equal ones below each other become one.
func (s *painter) touch(r image.Rectangle) {
	switch {
	case r.Empty():
	case s.last.Min.X == r.Min.X && s.last.Max.X == r.Max.X && s.last.Max.Y == r.Min.Y:
		s.last.Max.Y = r.Max.Y
	default:
		s.changed = s.changed.Add(s.last)
		s.last = r
	}
}

// take returns what was touched and begins anew.
func (s *painter) take() screen.Region {
	s.changed = s.changed.Add(s.last)
	s.last = image.Rectangle{}
	return s.changed
}
