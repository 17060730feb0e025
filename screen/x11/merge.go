package x11

import "image"

// worth is how many pixels of a box may be read for nothing to save a request. To
// ask and to answer takes some 2 us on both sides together; so does it to hand out
// and compare a thousand pixels. Two lines of text join, two ends of a line do not.
const worth = 1024

// cells on each side of the grid that many boxes are sorted into; so at most 64
// boxes are asked for at once.
const cells = 8

// merger makes few boxes of many, so that a page full of scattered glyphs costs
// some requests and not hundreds, without reading all that lies between. Boxes may
// come to overlap: to read a pixel twice is no fault.
type merger struct {
	boxes []image.Rectangle
	asked []int // px of each box that somebody asked for
}

func (m *merger) reset() { m.boxes, m.asked = m.boxes[:0], m.asked[:0] }

// add takes one more box. It keeps the list short while boxes come in thousands.
func (m *merger) add(b image.Rectangle) {
	if b.Empty() {
		return
	}
	// Servers tell boxes from the top down: the last ones are the nearest.
	for i := len(m.boxes) - 1; i >= max(0, len(m.boxes)-cells); i-- {
		if m.join(i, b, area(b)) {
			return
		}
	}
	m.push(b, area(b))
	if len(m.boxes) >= 8*cells*cells {
		m.sort()
	}
}

func (m *merger) push(b image.Rectangle, asked int) {
	m.boxes, m.asked = append(m.boxes, b), append(m.asked, asked)
}

// join adds a box to the one with a number if both are cheaper to read as one.
func (m *merger) join(i int, b image.Rectangle, asked int) bool {
	u := m.boxes[i].Union(b)
	if area(u) > m.asked[i]+asked+worth {
		return false
	}
	m.boxes[i], m.asked[i] = u, min(area(u), m.asked[i]+asked)
	return true
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }

// done joins what has come near each other since it was added.
func (m *merger) done() []image.Rectangle {
	if len(m.boxes) > cells*cells {
		m.sort()
	}
	for again := true; again; {
		again = false
		for i := 0; i < len(m.boxes); i++ {
			for j := len(m.boxes) - 1; j > i; j-- {
				if m.join(i, m.boxes[j], m.asked[j]) {
					last := len(m.boxes) - 1
					m.boxes[j], m.asked[j] = m.boxes[last], m.asked[last]
					m.boxes, m.asked = m.boxes[:last], m.asked[:last]
					again = true
				}
			}
		}
	}
	return m.boxes
}

// sort lays a grid over all boxes and makes one box of what is in each cell.
func (m *merger) sort() {
	var all image.Rectangle
	for _, b := range m.boxes {
		all = all.Union(b)
	}
	size := image.Pt((all.Dx()+cells-1)/cells, (all.Dy()+cells-1)/cells)
	var grid [cells * cells]image.Rectangle
	var asked [cells * cells]int
	for _, b := range m.boxes {
		b = b.Sub(all.Min)
		for y := b.Min.Y / size.Y; y*size.Y < b.Max.Y; y++ {
			for x := b.Min.X / size.X; x*size.X < b.Max.X; x++ {
				part := b.Intersect(image.Rect(x*size.X, y*size.Y, (x+1)*size.X, (y+1)*size.Y))
				grid[y*cells+x] = grid[y*cells+x].Union(part)
				asked[y*cells+x] += area(part)
			}
		}
	}
	m.reset()
	for i, b := range grid {
		if !b.Empty() {
			m.push(b.Add(all.Min), min(asked[i], area(b)))
		}
	}
}
