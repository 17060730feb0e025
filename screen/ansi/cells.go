package ansi

import (
	"strconv"
)

// colours is how colours are written.
type colours uint8

const (
	trueColour colours = iota // 24 bits
	palette256                // xterm's cube of 6 x 6 x 6 and its 24 greys
	greys                     // those greys only
)

// cell is one character. ch 0: a half block, fg above bg. Else that character
// (status line), in fg on bg.
type cell struct {
	fg, bg uint32 // as the mode writes them: 0x00RRGGBB or a palette index
	ch     rune
}

// tail marks the second cell of a wide character.
const tail rune = -1

// unknown is no colour and no cell that is ever wanted.
const unknown = 1 << 31

// Bounds of what a terminal may claim to be; a wall of screens has fewer.
const maxCols, maxRows = 1000, 500

// grid is what the terminal should show and what it does.
type grid struct {
	cols, rows  int
	mode        colours
	want, shown []cell

	out    []byte
	fg, bg uint32 // the terminal's attributes; unknown at first
}

// resize empties the grid; all of it will be sent.
func (g *grid) resize(cols, rows int) {
	g.cols, g.rows = min(max(cols, 1), maxCols), min(max(rows, 1), maxRows)
	n := g.cols * g.rows
	g.want = make([]cell, n)
	g.shown = make([]cell, n)
	g.forget()
}

// forget makes the next diff send every cell.
func (g *grid) forget() {
	for i := range g.shown {
		g.shown[i].fg = unknown
	}
	g.fg, g.bg = unknown, unknown
}

// row is one line of what is wanted.
func (g *grid) row(y int) []cell { return g.want[y*g.cols : (y+1)*g.cols] }

// diff returns what brings the terminal from shown to want; nothing if they
// are equal. The bytes are valid until the next call.
func (g *grid) diff() []byte {
	g.out = g.out[:0]
	for y := range g.rows {
		g.diffRow(y)
	}
	if len(g.out) > 0 {
		g.out = append(g.out, "\x1b[?2026l"...)
	}
	return g.out
}

// diffRow writes the cells of one row that differ. Between two of them the
// cursor jumps, or, over short gaps where that is shorter, they are written
// again.
func (g *grid) diffRow(y int) {
	want, shown := g.row(y), g.shown[y*g.cols:(y+1)*g.cols]
	at := -1 // where the cursor stands in this row
	for x := range want {
		if want[x] == shown[x] {
			continue
		}
		if want[x].ch == tail {
			shown[x] = want[x] // came with the character before it
			continue
		}
		g.moveTo(y, at, x)
		g.put(want[x])
		shown[x] = want[x]
		at = x + 1
		if x+1 < len(want) && want[x+1].ch == tail {
			at++
		}
	}
}

// moveTo brings the cursor from column at (-1: elsewhere) of row y to column x.
func (g *grid) moveTo(y, at, x int) {
	if len(g.out) == 0 {
		// Synchronized output: terminals that know it show the frame at once.
		g.out = append(g.out, "\x1b[?2026h"...)
	}
	switch {
	case at == x:
	case at >= 0:
		g.out = append(g.out, "\x1b["...)
		if x-at > 1 {
			g.out = strconv.AppendInt(g.out, int64(x-at), 10)
		}
		g.out = append(g.out, 'C')
	default:
		g.out = append(g.out, "\x1b["...)
		g.out = strconv.AppendInt(g.out, int64(y+1), 10)
		g.out = append(g.out, ';')
		g.out = strconv.AppendInt(g.out, int64(x+1), 10)
		g.out = append(g.out, 'H')
	}
}

// put writes one cell. A half block can be drawn as its upper or its lower
// half, with the colours exchanged; what needs fewer new attributes is taken.
func (g *grid) put(c cell) {
	switch {
	case c.ch != 0:
		g.attributes(c.fg, c.bg)
		g.out = appendRune(g.out, c.ch)
	case c.fg == c.bg && c.fg == g.fg && c.fg != g.bg:
		g.out = append(g.out, "█"...)
	case c.fg == c.bg:
		g.attributes(g.fg, c.bg)
		g.out = append(g.out, ' ')
	case c.bg == g.fg || c.fg == g.bg:
		g.attributes(c.bg, c.fg)
		g.out = append(g.out, "▄"...)
	default:
		g.attributes(c.fg, c.bg)
		g.out = append(g.out, "▀"...)
	}
}

func appendRune(b []byte, r rune) []byte { return append(b, string(r)...) }

// attributes sets the colours that are not set yet.
func (g *grid) attributes(fg, bg uint32) {
	if fg == g.fg && bg == g.bg {
		return
	}
	g.out = append(g.out, "\x1b["...)
	if fg != g.fg {
		g.out = g.colour(g.out, '3', fg)
		if bg != g.bg {
			g.out = append(g.out, ';')
		}
	}
	if bg != g.bg {
		g.out = g.colour(g.out, '4', bg)
	}
	g.out = append(g.out, 'm')
	g.fg, g.bg = fg, bg
}

// colour writes the parameters of one colour; layer is '3' or '4'.
func (g *grid) colour(b []byte, layer byte, c uint32) []byte {
	b = append(b, layer)
	if g.mode != trueColour {
		b = append(b, "8;5;"...)
		return strconv.AppendUint(b, uint64(c), 10)
	}
	b = append(b, "8;2;"...)
	b = strconv.AppendUint(b, uint64(c>>16&0xff), 10)
	b = append(b, ';')
	b = strconv.AppendUint(b, uint64(c>>8&0xff), 10)
	b = append(b, ';')
	return strconv.AppendUint(b, uint64(c&0xff), 10)
}

// encode turns 0x00RRGGBB into what the mode writes.
func (m colours) encode(rgb uint32) uint32 {
	r, g, b := rgb>>16&0xff, rgb>>8&0xff, rgb&0xff
	switch m {
	case palette256:
		return nearest256(r, g, b)
	case greys:
		return nearestGrey((299*r + 587*g + 114*b + 500) / 1000)
	}
	return rgb
}

// The cube's steps and its offset in xterm's palette (256colres.pl of xterm):
// 0, 95, 135, 175, 215, 255; greys are 8 + 10 i from index 232 on.
var cube = [6]uint32{0, 95, 135, 175, 215, 255}

// step is the nearest of the cube's steps.
func step(v uint32) uint32 {
	switch {
	case v < 48:
		return 0
	case v < 115:
		return 1
	}
	return (v - 35) / 40
}

// nearest256 takes the nearer of the nearest colour of the cube and the
// nearest grey.
func nearest256(r, g, b uint32) uint32 {
	i, j, k := step(r), step(g), step(b)
	inCube := 16 + 36*i + 6*j + k
	grey := nearestGrey((r + g + b) / 3)
	level := greyLevel(grey)
	if distance(r, g, b, level, level, level) < distance(r, g, b, cube[i], cube[j], cube[k]) {
		return grey
	}
	return inCube
}

// nearestGrey gives black, white or one of the greys.
func nearestGrey(v uint32) uint32 {
	switch {
	case v < 4:
		return 16
	case v > 246:
		return 231
	}
	return 232 + min((max(v, 8)-8+5)/10, 23)
}

func greyLevel(index uint32) uint32 {
	switch index {
	case 16:
		return 0
	case 231:
		return 255
	}
	return 8 + 10*(index-232)
}

func distance(r, g, b, r2, g2, b2 uint32) uint32 {
	dr, dg, db := int(r)-int(r2), int(g)-int(g2), int(b)-int(b2)
	return uint32(dr*dr + dg*dg + db*db)
}
