package pattern

import (
	"fmt"
	"image"
	"math"
)

// Colours as 0x00RRGGBB.
const (
	colourDesk    = 0x2b3440
	colourPaper   = 0xfbfaf5
	colourInk     = 0x1d2229
	colourEdge    = 0x11151a
	colourBar     = 0xe8e4d8
	colourDot     = 0xff2e63
	defaultAccent = 0x3d7ea6
)

// Sizes in px.
const (
	titleH  = 24
	buttonH = 34
	gap     = 8
	padding = 6
	dotSize = 7
)

// listItems is the length of the list.
const listItems = 500

type partKind uint8

const (
	partTitle partKind = iota
	partText
	partButton
	partWheel
	partList
)

// part is one thing on the desktop. Parts do not overlap.
type part struct {
	kind partKind
	n    int // which of its kind
	rect image.Rectangle
	draw func(canvas, part, *state)
}

// arrange places the parts on a desktop of that size.
func arrange(size image.Point) []part {
	split := size.X * 5 / 8
	bottom := size.Y - gap
	buttons := bottom - buttonH
	middle := titleH + gap + (bottom-titleH-gap)/2
	parts := []part{
		{kind: partTitle, rect: image.Rect(0, 0, size.X, titleH), draw: drawTitle},
		{kind: partText, rect: image.Rect(gap, titleH+gap, split, buttons-gap), draw: drawText},
		{kind: partWheel, rect: image.Rect(split+gap, titleH+gap, size.X-gap, middle), draw: drawWheel},
		{kind: partList, rect: image.Rect(split+gap, middle+gap, size.X-gap, bottom), draw: drawList},
	}
	w := (split - 3*gap) / 3
	for n := range 3 {
		x := gap + n*(w+gap)
		parts = append(parts, part{kind: partButton, n: n, rect: image.Rect(x, buttons, x+w, bottom), draw: drawButton})
	}
	return parts
}

func drawTitle(c canvas, p part, s *state) {
	c.fill(p.rect, s.accent)
	ink := contrast(s.accent)
	c.text(p.rect.Min.Add(image.Pt(padding, (titleH-cellH)/2)), "sightline - built-in desktop", ink)
	if s.time != "" {
		c.text(image.Pt(p.rect.Max.X-padding-cellW*len(s.time), (titleH-cellH)/2), s.time, ink)
	}
}

// drawText shows the end of the text, broken at the width of the paper, and a
// block where the next character goes.
func drawText(c canvas, p part, s *state) {
	c.fill(p.rect, colourPaper)
	c.frame(p.rect, colourEdge)
	inside := p.rect.Inset(padding)
	cols, rows := max(inside.Dx()/cellW, 1), max(inside.Dy()/cellH, 1)
	lines := breakLines(s.text, cols, rows)
	for y, line := range lines {
		at := inside.Min.Add(image.Pt(0, y*cellH))
		c.text(at, string(line), colourInk)
		if y == len(lines)-1 {
			at.X += len(line) * cellW
			c.fill(image.Rectangle{Min: at, Max: at.Add(image.Pt(cellW-1, cellH))}, colourInk)
		}
	}
}

// tabStop in columns.
const tabStop = 8

// breakLines gives the last rows lines of the text, each shorter than cols so
// that the block has room behind it. There is always one line, if empty.
func breakLines(text []rune, cols, rows int) [][]rune {
	// No more than this can be seen; the rest need not be laid out.
	if over := len(text) - cols*rows; over > 0 {
		text = text[over:]
	}
	lines := [][]rune{nil}
	for _, r := range text {
		last := &lines[len(lines)-1]
		switch {
		case r == '\n':
			lines = append(lines, nil)
			continue
		case r == '\t':
			for more := true; more && len(*last) < cols-1; more = len(*last)%tabStop != 0 {
				*last = append(*last, ' ')
			}
		default:
			*last = append(*last, r)
		}
		if len(*last) >= cols {
			lines = append(lines, nil)
		}
	}
	return lines[max(0, len(lines)-rows):]
}

var (
	buttonNames   = [...]string{"one", "two", "three"}
	buttonColours = [...]uint32{0xd9d4c3, 0xf2b84b, 0x7fb77e, 0x6aa6d6, 0xd67f9a}
)

func drawButton(c canvas, p part, s *state) {
	n := s.clicks[p.n]
	face := buttonColours[n%len(buttonColours)]
	c.fill(p.rect, face)
	c.frame(p.rect, colourEdge)
	label := fmt.Sprintf("%s: %d", buttonNames[p.n], n)
	mid := p.rect.Min.Add(p.rect.Size().Div(2))
	c.text(mid.Sub(image.Pt(len(label)*cellW/2, cellH/2)), label, contrast(face))
}

func drawWheel(c canvas, p part, _ *state) {
	r := p.rect.Intersect(c.clip)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			rgb, ok := wheelColour(p.rect, image.Pt(x, y))
			if !ok {
				rgb = colourDesk
			}
			c.dot(image.Pt(x, y), rgb)
		}
	}
}

// wheelColour is the colour at p of a wheel in r: hue by angle, saturation by
// distance from the middle. False outside the wheel.
func wheelColour(r image.Rectangle, p image.Point) (rgb uint32, ok bool) {
	radius := float64(min(r.Dx(), r.Dy())) / 2
	mid := r.Min.Add(r.Size().Div(2))
	dx, dy := float64(p.X-mid.X), float64(p.Y-mid.Y)
	far := math.Hypot(dx, dy) / radius
	if far > 1 {
		return 0, false
	}
	hue := math.Atan2(dy, dx)/(2*math.Pi)*6 + 6
	for shift := 16; shift >= 0; shift -= 8 {
		// One channel each third of the way round (HSV with value 1).
		k := math.Mod(5-float64((16-shift)/8)*2+hue, 6)
		v := 1 - far*max(0, min(k, 4-k, 1))
		rgb |= uint32(math.Round(v*255)) << shift
	}
	return rgb, true
}

func drawList(c canvas, p part, s *state) {
	c.fill(p.rect, colourBar)
	c.frame(p.rect, colourEdge)
	inside := p.rect.Inset(padding)
	c = c.within(inside)
	for i, y := s.scroll, inside.Min.Y; i < listItems && y < inside.Max.Y; i, y = i+1, y+cellH {
		ink := uint32(colourInk)
		if i%10 == 0 {
			ink = 0x9a3412
		}
		c.text(image.Pt(inside.Min.X, y), listLine(i), ink)
	}
}

// listLine is the i-th line of the list: something to read that differs from
// line to line in no pattern a codec would profit from.
func listLine(i int) string {
	words := [...]string{"amber", "birch", "cinder", "delta", "ember", "fjord", "grove", "harbor", "island", "jetty", "kelp"}
	a, b, c := i*7919%11, i*104729%11, (i*i+3*i)%11
	return fmt.Sprintf("%03d  %s %s %s", i, words[a], words[b], words[c])
}

// contrast gives black or white, whichever can be read on rgb.
func contrast(rgb uint32) uint32 {
	if 299*(rgb>>16)+587*(rgb>>8&0xff)+114*(rgb&0xff) > 140000 {
		return colourInk
	}
	return 0xffffff
}

// dotAt is the place of the dot that shows the pointer in the pixels.
func dotAt(p image.Point) image.Rectangle {
	r := image.Rectangle{Min: p, Max: p.Add(image.Pt(dotSize, dotSize))}
	return r.Sub(image.Pt(dotSize/2, dotSize/2))
}

func drawDot(c canvas, p image.Point) { c.fill(dotAt(p), colourDot) }
