package clips

import (
	"fmt"
	"image"

	"sightline/screen"
)

// pageHeights is how many windows long a page is that scrolls; at the end it turns.
const pageHeights = 5

// openPage is a browser that scrolls: tabs, a column of links and one of
// pictures stay, what is between moves with the wheel.
func openPage(c *Clip) (painter, error) {
	b, err := newBrowser(c.Size, 71, pageHeights*c.Size.Y)
	if err != nil {
		return nil, err
	}
	at := 0
	return paintFunc(func(f *screen.Frame, n int) error {
		if n == 0 {
			b.frame(f)
		}
		// A notch of the wheel is 120 px in five frames, slower and slower; now and then someone reads.
		if n%40 < 30 && n > 0 {
			at += [...]int{44, 32, 22, 14, 8}[n%5]
		}
		b.show(f, at)
		return nil
	}), nil
}

// openPages opens another page every 20 frames.
func openPages(c *Clip) (painter, error) {
	return paintFunc(func(f *screen.Frame, n int) error {
		if n%20 != 0 {
			return nil
		}
		b, err := newBrowser(c.Size, uint32(80+n/20), c.Size.Y)
		if err != nil {
			return err
		}
		b.frame(f)
		b.show(f, 0)
		return nil
	}), nil
}

// browser is a window with one page in it.
type browser struct {
	faces  []face
	words  *wordsmith
	size   image.Point
	middle image.Rectangle // where the page is
	page   *screen.Frame
}

// newBrowser opens a page of a height in px, at least that of the window.
func newBrowser(size image.Point, seed uint32, height int) (*browser, error) {
	b, err := emptyBrowser(size, seed, height)
	if err == nil {
		b.write(seed)
	}
	return b, err
}

func emptyBrowser(size image.Point, seed uint32, height int) (*browser, error) {
	faces, err := readAtlas(atlasFile)
	if err != nil {
		return nil, err
	}
	b := &browser{faces: faces, words: newWordsmith(seed), size: size}
	b.middle = image.Rect(size.X/6, min(84, size.Y/3), max(size.X-size.X/7, size.X/6+1), size.Y)
	b.page = screen.NewFrame(image.Rect(0, 0, b.middle.Dx(), max(height, size.Y)))
	return b, nil
}

// write fills the page: headings, paragraphs, listings and pictures.
func (b *browser) write(seed uint32) {
	p := b.page
	p.Fill(p.Rect, 0xffffff)
	width := max(p.Rect.Dx()-100, 40)
	for y := 30; y < p.Rect.Max.Y; y += 30 {
		b.faces[faceBold].draw(p, p.Rect, image.Pt(50, y), b.words.line(&b.faces[faceBold], width/2), 0x1a1a2e)
		y = b.paragraph(50, y+44, width, b.words.between(4, 9))
		switch b.words.roll(3) {
		case 0:
			box := image.Rect(50, y, 50+width, y+220)
			p.Fill(box, 0xf0f4f8)
			for i := range 11 {
				x := box.Min.Add(image.Pt(16, 10+i*18))
				for _, s := range b.words.code() {
					x = b.faces[faceMono].draw(p, box, x, s.text, s.rgb&0x7f7f7f)
				}
			}
			y = box.Max.Y + 14
		case 1:
			pic := screen.NewFrame(image.Rect(50, y, 50+min(width, 560), y+315))
			Photo(pic, b.words.roll(Looks), seed+uint32(y))
			p.Copy(pic, pic.Rect)
			y += 330
		}
		y = b.paragraph(50, y, width, b.words.between(3, 8))
	}
}

func (b *browser) paragraph(x, y, width, lines int) int {
	for range lines {
		text := b.words.line(&b.faces[faceText], width)
		b.faces[faceText].draw(b.page, b.page.Rect, image.Pt(x, y), text, 0x222222)
		y += 23
	}
	return y + 12
}

// frame paints what stays.
func (b *browser) frame(f *screen.Frame) {
	m := b.middle
	f.Fill(f.Rect, 0xdee1e6)
	f.Fill(image.Rect(10, 6, 250, 40), 0xffffff)
	f.Fill(image.Rect(0, 40, b.size.X, m.Min.Y), 0xffffff)
	f.Fill(image.Rect(100, 47, b.size.X-200, 77), 0xf1f3f4)
	b.faces[faceSmall].draw(f, f.Rect, image.Pt(24, 15), b.words.line(&b.faces[faceSmall], 190), 0x202124)
	b.faces[faceText].draw(f, f.Rect, image.Pt(120, 53), "https://www.example.org/"+b.words.word()+"/"+b.words.word(), 0x202124)
	left, right := image.Rect(0, m.Min.Y, m.Min.X, m.Max.Y), image.Rect(m.Max.X, m.Min.Y, b.size.X, m.Max.Y)
	f.Fill(left, 0xf8f9fa)
	f.Fill(right, 0xffffff)
	for y := left.Min.Y + 14; y < left.Max.Y; y += 26 {
		b.faces[faceText].draw(f, left, image.Pt(24, y), b.words.line(&b.faces[faceText], max(left.Dx()-60, 1)), 0x1a73e8)
	}
	for i := 0; right.Dx() > 40 && right.Min.Y+14+i*190 < right.Max.Y; i++ {
		pic := screen.NewFrame(image.Rect(right.Min.X+10, right.Min.Y+14+i*190, right.Max.X-16, right.Min.Y+150+i*190))
		Photo(pic, i+1, b.words.seed+uint32(i))
		f.Copy(pic, pic.Rect)
		b.faces[faceSmall].draw(f, right, image.Pt(pic.Rect.Min.X, pic.Rect.Max.Y+8), b.words.line(&b.faces[faceSmall], pic.Rect.Dx()), 0x5f6368)
	}
}

// show paints the page as scrolled by at px, and the scroll bar.
func (b *browser) show(f *screen.Frame, at int) {
	m, height := b.middle, b.page.Rect.Dy()
	at = bounce(at, height-m.Dy())
	for y := m.Min.Y; y < m.Max.Y; y++ {
		copy(f.Row(y, m.Min.X, m.Max.X), b.page.Row(at+y-m.Min.Y, 0, m.Dx()))
	}
	bar := image.Rect(b.size.X-12, m.Min.Y, b.size.X, m.Max.Y)
	f.Fill(bar, 0xf1f1f1)
	top := bar.Min.Y + at*bar.Dy()/height
	f.Fill(image.Rect(bar.Min.X+2, top, bar.Max.X-2, top+max(bar.Dy()*bar.Dy()/height, 8)), 0xc1c1c1)
}

// openLCD is a document in striped text that scrolls smoothly under a status line.
func openLCD(c *Clip) (painter, error) {
	b, err := emptyBrowser(c.Size, 91, pageHeights*c.Size.Y)
	if err != nil {
		return nil, err
	}
	b.page.Fill(b.page.Rect, 0xfbf7ef)
	for y := 20; y < b.page.Rect.Max.Y; y += 24 {
		if b.words.roll(7) == 0 {
			continue
		}
		b.faces[faceLCD].draw(b.page, b.page.Rect, image.Pt(40, y), b.words.line(&b.faces[faceLCD], b.page.Rect.Dx()-80), 0x101010)
	}
	return paintFunc(func(f *screen.Frame, n int) error {
		if n == 0 {
			f.Fill(f.Rect, 0x50535a)
		}
		at := b.page.Rect.Min.Y + n*7
		for y := range c.Size.Y - 24 {
			copy(f.Row(y, c.Size.X/6, min(c.Size.X, c.Size.X/6+b.page.Rect.Dx())), b.page.Row(bounce(at, b.page.Rect.Dy()-c.Size.Y)+y, 0, b.page.Rect.Dx()))
		}
		bar := image.Rect(0, c.Size.Y-24, c.Size.X, c.Size.Y)
		f.Fill(bar, 0x007acc)
		b.faces[faceLCD].draw(f, bar, image.Pt(10, c.Size.Y-22), fmt.Sprintf("line %d of %d", at/24, b.page.Rect.Dy()/24), 0xffffff)
		return nil
	}), nil
}
