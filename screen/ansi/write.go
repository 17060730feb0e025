package ansi

import (
	"fmt"
	"image"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"

	"sightline/screen"
)

// write is the goroutine that shows the newest state until Close. There is
// never more than one write under way.
func (w *Window) write() {
	if !w.send([]byte(enter)) {
		return
	}
	for {
		if !w.send(w.next()) {
			return
		}
		select {
		case <-w.wake:
		case <-w.done:
			return
		}
	}
}

// send waits until the terminal has taken b; false: it never will.
func (w *Window) send(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if _, err := w.tty.Write(b); err != nil {
		w.fail(err)
		return false
	}
	return true
}

// next brings the cells up to date and gives what to send for that.
func (w *Window) next() []byte {
	w.mu.Lock()
	title := w.refreshLocked()
	copied := w.copied[0] + w.copied[1]
	w.copied = [2]string{}
	w.mu.Unlock()
	b := append(w.grid.diff(), copied...)
	if title != w.title {
		b = append(b, "\x1b]2;"+title+"\x1b\\"...)
		w.title = title
	}
	return b
}

// refreshLocked draws into the grid what changed, and returns the title.
func (w *Window) refreshLocked() (title string) {
	g := &w.grid
	if g.cols != w.size.X || g.rows != w.size.Y {
		g.resize(w.size.X, w.size.Y)
		w.redraw, w.status = true, true
	}
	if w.redraw {
		g.clear()
		w.paintLocked(w.view.dst)
		w.status = true
	}
	for _, r := range w.dirty {
		w.paintLocked(w.view.dots(r))
	}
	w.markLocked()
	title = printable(w.state.Title)
	if w.status {
		g.line(g.rows-1, w.statusLocked(title))
	}
	w.dirty, w.redraw, w.status = w.dirty[:0], false, false
	return title
}

// paintLocked draws the cells that hold these dots.
func (w *Window) paintLocked(dots image.Rectangle) {
	f := w.frames[w.shown]
	if f == nil || dots.Empty() {
		return
	}
	dim := !w.state.DimmedSince.IsZero()
	mark, marked := image.Point{}, false
	if w.cursor.Picture == w.shown && !w.cursor.Hidden {
		mark, marked = w.view.dotOf(w.cursor.At)
	}
	dot := func(x, y int) uint32 {
		if !image.Pt(x, y).In(w.view.dst) {
			return w.grid.mode.encode(0)
		}
		c := average(f, w.view.box(x, y))
		if dim {
			c = c >> 1 & 0x7f7f7f
		}
		if marked && mark == image.Pt(x, y) {
			c = opposite(c)
		}
		return w.grid.mode.encode(c)
	}
	for row := dots.Min.Y / 2; 2*row < dots.Max.Y && row < w.grid.rows-1; row++ {
		cells := w.grid.row(row)
		for x := dots.Min.X; x < dots.Max.X; x++ {
			cells[x] = cell{fg: dot(x, 2*row), bg: dot(x, 2*row+1)}
		}
	}
}

// markLocked writes the marks over the cells, which are drawn again when one goes.
func (w *Window) markLocked() {
	for _, m := range w.marks {
		dot, ok := w.view.dotOf(m.At)
		if !ok || m.Picture != w.shown || dot.Y/2 >= w.grid.rows-1 {
			continue
		}
		w.grid.row(dot.Y / 2)[dot.X] = cell{
			fg: w.grid.mode.encode(opposite(m.Colour)), bg: w.grid.mode.encode(m.Colour), ch: initial(m.Name),
		}
	}
}

// initial is a name's first letter that fills one cell.
func initial(name string) rune {
	for _, r := range printable(name) {
		if runewidth.RuneWidth(r) == 1 && r != ' ' {
			return unicode.ToUpper(r)
		}
	}
	return '+'
}

// opposite is black on what is light and white on what is dark.
func opposite(c uint32) uint32 {
	if 299*(c>>16&0xff)+587*(c>>8&0xff)+114*(c&0xff) > 128000 {
		return 0
	}
	return 0xffffff
}

// statusLocked is the text of the last line.
func (w *Window) statusLocked(title string) string {
	if w.asked {
		return " " + menu
	}
	parts := []string{}
	if title != "" {
		parts = append(parts, title)
	}
	if since := w.state.DimmedSince; !since.IsZero() {
		parts = append(parts, "no picture since "+since.Local().Format("15:04:05"))
	}
	if p, ok := w.layout.Find(w.shown); ok {
		if len(w.layout.Pictures) > 1 {
			parts = append(parts, fmt.Sprintf("screen %d of %d", w.indexLocked()+1, len(w.layout.Pictures)))
		}
		if w.view.src != p.Bounds() {
			parts = append(parts, fmt.Sprintf("zoomed to %d x %d px", w.view.src.Dx(), w.view.src.Dy()))
		}
	} else if w.layout != nil {
		parts = append(parts, "nothing is shared now")
	} else {
		parts = append(parts, "waiting for a picture")
	}
	if w.state.ViewOnly {
		parts = append(parts, "view only")
	}
	return " " + strings.Join(append(parts, "Ctrl+] keys"), " · ")
}

// indexLocked is the place of the shown picture in the layout.
func (w *Window) indexLocked() int {
	for i, p := range w.layout.Pictures {
		if p.ID == w.shown {
			return i
		}
	}
	return 0
}

// printable drops what a terminal would obey: titles contain text of the other
// side. Its sender was to clean it; this is the last place that can.
func printable(s string) string {
	if len(s) > 4*screen.MaxName {
		s = s[:4*screen.MaxName]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// clear wants black everywhere but in the status line.
func (g *grid) clear() {
	black := g.mode.encode(0)
	for i := range g.want[:(g.rows-1)*g.cols] {
		g.want[i] = cell{fg: black, bg: black}
	}
}

// line writes text into a row, cut at its end: dark on light.
func (g *grid) line(y int, text string) {
	fg, bg := g.mode.encode(0x202020), g.mode.encode(0xd0d0d0)
	cells, x := g.row(y), 0
	for _, r := range text {
		n := runewidth.RuneWidth(r)
		if n < 1 {
			continue // combining: no cell of its own
		}
		if x+n > len(cells) {
			break
		}
		cells[x] = cell{fg: fg, bg: bg, ch: r}
		if n > 1 {
			cells[x+1] = cell{fg: fg, bg: bg, ch: tail}
		}
		x += n
	}
	for ; x < len(cells); x++ {
		cells[x] = cell{fg: fg, bg: bg, ch: ' '}
	}
}
