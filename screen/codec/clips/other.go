package clips

import (
	"fmt"
	"image"
	"strings"

	"sightline/screen"
)

// openPlot is a dark chart of three curves that runs, three pixels a frame,
// with a scale that stays and numbers that change.
func openPlot(c *Clip) (painter, error) {
	faces, err := readAtlas(atlasFile)
	if err != nil {
		return nil, err
	}
	f, area := newField(301), image.Rect(90, 60, max(c.Size.X-30, 91), max(c.Size.Y-60, 61))
	curves := [3]uint32{0x4fc3f7, 0xffb74d, 0x81c784}
	height := func(k, t int) int { // 1/256 px
		v := f.cloud(t*(k+2)*2, k*5000, 6)
		return area.Max.Y<<8 - v*area.Dy()>>8
	}
	return paintFunc(func(p *screen.Frame, n int) error {
		p.Fill(p.Rect, 0x181b1f)
		for i := range 9 {
			y := area.Min.Y + i*area.Dy()/8
			p.Fill(image.Rect(area.Min.X, y, area.Max.X, y+1), 0x2c3235)
			faces[faceSmall].draw(p, p.Rect, image.Pt(30, y-8), fmt.Sprintf("%5d", 800-100*i), 0x9fa7b3)
		}
		for x := area.Min.X; x < area.Max.X; x++ {
			t := x + n*3
			if t%180 == 0 {
				p.Fill(image.Rect(x, area.Min.Y, x+1, area.Max.Y), 0x2c3235)
				faces[faceSmall].draw(p, p.Rect, image.Pt(x-20, area.Max.Y+10), fmt.Sprintf("%02d:%02d", t/180/60%24, t/180%60), 0x9fa7b3)
			}
			for k, rgb := range curves {
				stroke(p, area, x, height(k, t), height(k, t+1), rgb)
			}
		}
		for k, rgb := range curves {
			faces[faceText].draw(p, p.Rect, image.Pt(area.Min.X+k*260, 24), fmt.Sprintf("series-%d  %d ms", k, height(k, area.Max.X+n*3)>>8), rgb)
		}
		return nil
	}), nil
}

// stroke paints one column of a curve from y0 to y1 (1/256 px), two pixels
// thick, with soft ends.
func stroke(p *screen.Frame, area image.Rectangle, x, y0, y1 int, rgb uint32) {
	if y0 > y1 {
		y0, y1 = y1, y0
	}
	y0, y1 = y0-256, y1+256
	for y := max(y0>>8, area.Min.Y); y <= min(y1>>8, area.Max.Y-1); y++ {
		cover := min(y1, (y+1)<<8) - max(y0, y<<8)
		if cover > 0 {
			mixInto(p.Row(y, x, x+1), rgb, cover)
		}
	}
}

// mixInto lays a colour over a pixel; 256 hides it.
func mixInto(px []byte, rgb uint32, cover int) {
	for k := range 3 {
		px[k] = byte((int(px[k])*(256-cover) + int(byte(rgb>>(8*k)))*cover) >> 8)
	}
}

// openMap is a street map that is pulled around with the mouse: flat colours,
// soft lines, names.
func openMap(c *Clip) (painter, error) {
	faces, err := readAtlas(atlasFile)
	if err != nil {
		return nil, err
	}
	sheet := screen.NewFrame(image.Rect(0, 0, c.Size.X*3/2, c.Size.Y*3/2))
	drawMap(sheet, &faces[faceSmall])
	return paintFunc(func(p *screen.Frame, n int) error {
		at := image.Pt(c.Size.X/4+swing(n, 110, c.Size.X/4), c.Size.Y/4+swing(n, 73, c.Size.Y/4))
		if n%45 >= 38 {
			return nil // the hand rests
		}
		for y := range c.Size.Y {
			copy(p.Row(y, 0, c.Size.X), sheet.Row(y+at.Y, at.X, at.X+c.Size.X))
		}
		box := image.Rect(20, 20, 360, 64)
		p.Fill(box.Inset(-1), 0xb0b0b0)
		p.Fill(box, 0xffffff)
		faces[faceText].draw(p, box, image.Pt(34, 32), "Search the map", 0x757575)
		return nil
	}), nil
}

func drawMap(p *screen.Frame, f *face) {
	land, w := newField(311), newWordsmith(312)
	for y := range p.Rect.Dy() {
		row := p.Row(y, 0, p.Rect.Dx())
		for x := range p.Rect.Dx() {
			h := land.cloud(x/3, y/3, 4)
			colour := uint32(0xf2efe9)
			switch {
			case h < 24000:
				colour = 0xaad3df
			case h > 40000:
				colour = 0xc8e6b0
			case h > 37000:
				colour = 0xe3e0d6
			}
			bend := land.cloud(x/4, y/4, 3) >> 9
			streets(&colour, x+bend, 97, 3, 0xffffff, 0xd5cfc4)
			streets(&colour, y-bend, 83, 3, 0xffffff, 0xd5cfc4)
			streets(&colour, x+y/2+bend*2, 611, 7, 0xfcd6a4, 0xc98a2e)
			streets(&colour, y-x/3-bend, 533, 6, 0xf7fabf, 0xb5bd3c)
			put(row[4*x:], colour)
		}
	}
	for range p.Rect.Dx() * p.Rect.Dy() / 16000 {
		f.draw(p, p.Rect, image.Pt(w.roll(p.Rect.Dx()), w.roll(p.Rect.Dy())), w.word()+" "+w.word(), 0x4a4a4a)
	}
}

// streets colours what is within half of a line that repeats every pitch px,
// with an edge.
func streets(colour *uint32, v, pitch, half int, fill, edge uint32) {
	switch d := mod(v, pitch) - pitch/2; {
	case d > -half && d < half:
		*colour = fill
	case d == half || d == -half:
		*colour = edge
	}
}

// openLog is a dark terminal through which a coloured log runs.
func openLog(c *Clip) (painter, error) {
	faces, err := readAtlas(atlasFile)
	if err != nil {
		return nil, err
	}
	f, w := &faces[faceMono], newWordsmith(321)
	var lines [][]span
	rows := c.Size.Y / f.height
	for len(lines) < rows {
		lines = append(lines, w.log(len(lines)))
	}
	return paintFunc(func(p *screen.Frame, n int) error {
		for range [...]int{0, 1, 1, 3, 0, 7, 2}[n%7] {
			lines = append(lines, w.log(len(lines)))
		}
		p.Fill(p.Rect, 0x000000)
		for i, line := range lines[len(lines)-rows:] {
			f.spans(p, p.Rect, image.Pt(2, i*f.height), line)
		}
		return nil
	}), nil
}

// spans draws a line of several colours.
func (f *face) spans(p *screen.Frame, clip image.Rectangle, at image.Point, line []span) {
	for _, s := range line {
		at = f.draw(p, clip, at, s.text, s.rgb)
	}
}

// openEditor is a dark program editor that scrolls: files to the left, numbers,
// and to the right the whole program in small, which moves more slowly.
func openEditor(c *Clip) (painter, error) {
	faces, err := readAtlas(atlasFile)
	if err != nil {
		return nil, err
	}
	e := &editor{f: &faces[faceMono], small: &faces[faceText], words: newWordsmith(331), size: c.Size}
	for range 600 {
		e.lines = append(e.lines, e.words.code())
	}
	for range 40 {
		e.files = append(e.files, e.words.word()+".go")
	}
	at := 0
	return paintFunc(func(p *screen.Frame, n int) error {
		if n%30 < 20 {
			at += [...]int{3, 9, 18, 27, 18, 9}[n%6]
		}
		e.paint(p, at, n)
		return nil
	}), nil
}

type editor struct {
	f, small *face
	words    *wordsmith
	lines    [][]span
	files    []string
	size     image.Point
}

func (e *editor) paint(p *screen.Frame, at, n int) {
	left, map0 := e.size.X/8, e.size.X-e.size.X/14
	p.Fill(p.Rect, 0x1e1e1e)
	p.Fill(image.Rect(0, 0, left, e.size.Y), 0x252526)
	for i, name := range e.files {
		e.small.draw(p, image.Rect(0, 0, left, e.size.Y), image.Pt(28, 10+i*24), name, 0xcccccc)
	}
	text := image.Rect(left, 0, map0, e.size.Y)
	for i := at / e.f.height; i < len(e.lines) && i*e.f.height-at < e.size.Y; i++ {
		y := i*e.f.height - at
		e.f.draw(p, text, image.Pt(left+10, y), fmt.Sprintf("%4d", i+1), 0x858585)
		e.f.spans(p, text, image.Pt(left+70, y), e.lines[i])
	}
	for i, line := range e.lines {
		y, x := i*2-at/12, map0+4
		for _, s := range line {
			pad := len(s.text) - len(strings.TrimLeft(s.text, " "))
			r := image.Rect(x+pad, y, x+len(s.text), y+1).Intersect(p.Rect)
			for py := r.Min.Y; py < r.Max.Y; py++ {
				for px := r.Min.X; px < r.Max.X; px++ {
					mixInto(p.Row(py, px, px+1), s.rgb, 90+int(mix(uint32(i), uint32(px), 5)>>25))
				}
			}
			x += len(s.text)
		}
	}
	if n%10 < 5 { // the caret
		p.Fill(image.Rect(left+160, 200, left+162, 200+e.f.height), 0xaeafad)
	}
}

// openSymbols is a page of signs that no alphabet has few of: made-up ideographs,
// each of strokes in a square, as dense as Chinese, that scroll smoothly.
func openSymbols(c *Clip) (painter, error) {
	const cell, pitch, signs = 20, 24, 1400
	sheet := screen.NewFrame(image.Rect(0, 0, c.Size.X, c.Size.Y*2))
	sheet.Fill(sheet.Rect, 0xffffff)
	d := &dice{seed: 341}
	for y := 8; y < sheet.Rect.Dy()-cell; y += pitch + 8 {
		for x := 40; x < c.Size.X-40-cell; x += cell + 1 {
			if k := d.roll(signs * 12 / 10); k < signs {
				sign(sheet, image.Pt(x, y), cell, uint32(min(k, d.roll(signs))))
			}
		}
	}
	return paintFunc(func(p *screen.Frame, n int) error {
		at := bounce(n*5, c.Size.Y)
		for y := range c.Size.Y {
			copy(p.Row(y, 0, c.Size.X), sheet.Row(y+at, 0, c.Size.X))
		}
		return nil
	}), nil
}

// sign draws number k: bars across and down, slanted strokes, soft edges.
func sign(p *screen.Frame, at image.Point, cell int, k uint32) {
	d := &dice{seed: k ^ 0x4e00}
	for range d.between(4, 11) {
		a := image.Pt(d.roll(cell-4)+1, d.roll(cell-4)+1)
		length := d.between(cell/4, cell-2)
		slant := [...]image.Point{{256, 0}, {256, 0}, {0, 256}, {0, 256}, {150, 190}, {-150, 190}}[d.roll(6)]
		for t := range length * 2 {
			x, y := a.X<<8+slant.X*t/2, a.Y<<8+slant.Y*t/2
			if x>>8 >= cell-1 || y>>8 >= cell-1 || x < 0 {
				break
			}
			dot(p, at, x, y)
		}
	}
}

// dot darkens the four pixels around x,y (1/256 px).
func dot(p *screen.Frame, at image.Point, x, y int) {
	fx, fy := x&255, y&255
	for i, cover := range [4]int{(256 - fx) * (256 - fy), fx * (256 - fy), (256 - fx) * fy, fx * fy} {
		mixInto(p.Row(at.Y+y>>8+i>>1, at.X+x>>8+i&1, at.X+x>>8+i&1+1), 0x1c1c1c, cover>>8)
	}
}

// openFade fades from a page into a photo and on into the next page, as
// presentations and window managers do.
func openFade(c *Clip) (painter, error) {
	a, b := screen.NewFrame(image.Rectangle{Max: c.Size}), screen.NewFrame(image.Rectangle{Max: c.Size})
	return paintFunc(func(f *screen.Frame, n int) error {
		if n%30 == 0 {
			a, b = b, a
			if n == 0 || n%60 == 30 {
				browser, err := newBrowser(c.Size, uint32(351+n), c.Size.Y)
				if err != nil {
					return err
				}
				into := a
				if n > 0 {
					into = b
				}
				browser.frame(into)
				browser.show(into, 0)
			}
			if n%60 == 0 {
				Photo(b, n/60, uint32(352+n))
			}
		}
		t := min(n%30*256/20, 256)
		for i, v := range a.Pix {
			f.Pix[i] = byte((int(v)*(256-t) + int(b.Pix[i])*t) >> 8)
		}
		return nil
	}), nil
}
