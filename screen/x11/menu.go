package x11

import (
	"image"

	"sightline/screen"
	"sightline/screen/keysym"
)

// menu is what F8 opens: what else goes by the mouse in other programs' frames
// must be reachable when the window has none and all keys go to the host.
type menu struct {
	open   bool
	chosen int
	at     image.Rectangle // where it stands in the window
}

type menuItem struct {
	label string
	do    func()
}

// menuItems are the lines of the menu as things stand.
func (w *Window) menuItems() []menuItem {
	onOff := func(on bool) string {
		if on {
			return "on"
		}
		return "off"
	}
	scale, other := "fit", screen.OneToOne
	if w.view.scale == screen.OneToOne {
		scale, other = "1:1", screen.Fit
	}
	items := []menuItem{
		{"Full screen: " + onOff(w.look.full), func() { w.setFull(!w.look.full) }},
		{"Scale: " + scale, func() { w.setScale(other) }},
		{"Grab keys: " + grabNames[w.hand.grab], func() { w.setGrab((w.hand.grab + 1) % screen.Grab(len(grabNames))) }},
	}
	if w.state.ViewOnly {
		items = append(items, menuItem{"Ask for control", func() { w.out.put(screen.Ask(screen.AskControl)) }})
	} else {
		items = append(items,
			menuItem{"Send Ctrl+Alt+Del", func() { w.out.put(screen.Ask(screen.AskCtrlAltDel)) }},
			menuItem{"Send F8", w.sendF8})
		if w.state.Shared {
			items = append(items, menuItem{"Pass control on", func() { w.out.put(screen.Ask(screen.AskPass)) }})
		}
	}
	if !w.state.Clips {
		items = append(items, menuItem{"Ask for the clipboard", func() { w.out.put(screen.Ask(screen.AskClipboard)) }})
	}
	return append(items, menuItem{"End session", func() { w.out.put(screen.Ask(screen.AskEnd)) }})
}

var grabNames = [...]string{
	screen.GrabFullscreen: "in full screen", screen.GrabNever: "never", screen.GrabAlways: "always",
}

func (w *Window) sendF8() {
	w.out.put(screen.Key{Sym: keysym.F8, Down: true})
	w.out.put(screen.Key{Sym: keysym.F8})
}

func (w *Window) openMenu() {
	w.liftAll()
	w.menu = menu{open: true}
	w.wearCursor()
	w.settled(w.overlay)
}

func (w *Window) closeMenu() {
	w.menu.open = false
	w.wearCursor()
	w.settled(func() { w.expose(w.menu.at) })
}

// runItem closes the menu and does what the chosen line says.
func (w *Window) runItem() {
	items := w.menuItems()
	chosen := w.menu.chosen
	w.closeMenu()
	if chosen >= 0 && chosen < len(items) {
		items[chosen].do()
	}
}

func (w *Window) menuKey(s keysym.Sym) {
	n := len(w.menuItems())
	switch s {
	case keysym.Up, keysym.KPUp:
		w.choose((w.menu.chosen + n - 1) % n)
	case keysym.Down, keysym.KPDown, keysym.Tab:
		w.choose((w.menu.chosen + 1) % n)
	case keysym.Return, keysym.KPEnter, ' ':
		w.runItem()
	case keysym.Escape, keysym.F8:
		w.closeMenu()
	}
}

func (w *Window) choose(i int) {
	if i != w.menu.chosen {
		w.menu.chosen = i
		w.settled(w.drawMenu)
	}
}

// menuLine is the line under a point, -1 if none.
func (w *Window) menuLine(at image.Point) int {
	h := w.menuLineHeight()
	if !at.In(w.menu.at) || h == 0 {
		return -1
	}
	i := (at.Y - w.menu.at.Min.Y - menuMargin) / h
	if i < 0 || i >= len(w.menuItems()) {
		return -1
	}
	return i
}

func (w *Window) menuPoint(at image.Point) {
	if i := w.menuLine(at); i >= 0 {
		w.choose(i)
	}
}

func (w *Window) menuClick(button byte, down bool, at image.Point) {
	if button != 1 || !down {
		return
	}
	if i := w.menuLine(at); i >= 0 {
		w.menu.chosen = i
		w.runItem()
	} else if !at.In(w.menu.at) {
		w.closeMenu()
	}
}

// Sizes of the menu, in px and characters.
const (
	menuMargin  = 8
	menuLead    = 6 // between lines
	menuColumns = 30
)

func (w *Window) menuLineHeight() int { return w.font.height + menuLead }

// drawMenu draws the menu in the middle of the window.
func (w *Window) drawMenu() {
	f := w.font
	if f.ink == 0 || !w.visible() {
		return
	}
	items := w.menuItems()
	size := image.Pt(menuColumns*f.width+2*menuMargin, len(items)*w.menuLineHeight()+2*menuMargin)
	corner := w.view.window.Sub(size).Div(2)
	w.menu.at = image.Rectangle{Min: corner, Max: corner.Add(size)}
	win := uint32(w.win)
	w.pen.fill(win, f.paper, w.menu.at)
	for i, item := range items {
		y := corner.Y + menuMargin + i*w.menuLineHeight()
		gc := f.ink
		if i == w.menu.chosen {
			gc = f.mark
			w.pen.fill(win, f.bar, image.Rect(corner.X+2, y, corner.X+size.X-2, y+w.menuLineHeight()))
		}
		w.pen.write(win, gc, corner.X+menuMargin, y+menuLead/2+f.ascent, item.label)
	}
}
