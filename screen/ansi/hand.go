package ansi

import (
	"image"

	"sightline/screen"
	"sightline/screen/keysym"
)

// prefix is the key that is kept for the window: Ctrl+].
const prefix = keysym.Sym(']')

// hand turns tokens into events and commands. It is owned by the goroutine
// that reads the terminal.
type hand struct {
	paste    bool // inside a paste nothing is a command
	asked    bool // the prefix was pressed, its menu is shown
	viewOnly bool
	buttons  screen.Buttons
	seen     bool        // the pointer was somewhere
	at       image.Point // where it was last, px of the picture
	picture  screen.PictureID
}

// command is something that the window does itself.
type command uint8

const (
	cmdNone command = iota
	cmdMenu         // show or hide the menu
	cmdZoomIn
	cmdZoomOut
	cmdFit
	cmdNext // picture
	cmdLeft
	cmdRight
	cmdUp
	cmdDown
)

// menu is what the status line says after the prefix; it fits 80 columns.
const menu = "e end +- zoom arrows move 0 fit n next d C-A-Del c control g give v clip ] ^]"

// place is what is behind a cell.
type place struct {
	any bool // a picture is shown at all
	id  screen.PictureID
	at  image.Point // the nearest of its pixels
	in  bool        // and that is behind the cell
}

// take turns one token into events for send, or into a command.
func (h *hand) take(t token, at func(cell image.Point) place, send func(screen.Event)) command {
	switch t.kind {
	case tokenFocusIn, tokenFocusOut:
		send(screen.Focus{In: t.kind == tokenFocusIn})
	case tokenPaste, tokenPasteEnd:
		h.paste = t.kind == tokenPaste
	case tokenMouse:
		h.mouse(t, at(t.cell), send)
	case tokenKey:
		if !h.paste && h.asked {
			return h.answer(t, send)
		}
		if !h.paste && t.sym == prefix && t.mods == control {
			h.asked = true
			return cmdMenu
		}
		h.press(t.sym, t.mods, send)
	}
	return cmdNone
}

// answer is the key after the prefix. Moving and zooming keep the menu, so
// that one can go on; everything else closes it.
func (h *hand) answer(t token, send func(screen.Event)) command {
	switch t.sym {
	case '+', '=':
		return cmdZoomIn
	case '-', '_':
		return cmdZoomOut
	case keysym.Left:
		return cmdLeft
	case keysym.Right:
		return cmdRight
	case keysym.Up:
		return cmdUp
	case keysym.Down:
		return cmdDown
	case '0':
		return cmdFit
	case 'n':
		return cmdNext
	}
	h.asked = false
	switch t.sym {
	case 'e', 'q':
		send(screen.AskEnd)
	case 'd':
		send(screen.AskCtrlAltDel)
	case 'c':
		send(screen.AskControl)
	case 'g':
		send(screen.AskPass)
	case 'v':
		send(screen.AskClipboard)
	case prefix:
		h.press(prefix, control, send)
	}
	return cmdMenu
}

// modKeys are the keys to hold for each modifier, in the order they go down.
var modKeys = [...]struct {
	bit mods
	sym keysym.Sym
}{
	{control, keysym.ControlL}, {alt, keysym.AltL}, {super, keysym.SuperL}, {shift, keysym.ShiftL},
}

// press sends a key down and up again, within its modifiers.
func (h *hand) press(sym keysym.Sym, m mods, send func(screen.Event)) {
	if h.viewOnly {
		return
	}
	hold(m, true, send)
	send(screen.Key{Sym: sym, Down: true})
	send(screen.Key{Sym: sym})
	hold(m, false, send)
}

// hold sends the modifier keys, the last one down the first one up.
func hold(m mods, down bool, send func(screen.Event)) {
	for i := range modKeys {
		k := modKeys[i]
		if !down {
			k = modKeys[len(modKeys)-1-i]
		}
		if m&k.bit != 0 {
			send(screen.Key{Sym: k.sym, Down: down})
		}
	}
}

// mouse sends what the pointer did. Outside the picture it is nothing, unless
// a button is held: then the pointer stays at the edge.
func (h *hand) mouse(t token, to place, send func(screen.Event)) {
	if !to.any || !to.in && h.buttons == 0 {
		return
	}
	const motion, wheel, more = 32, 64, 128
	p := screen.Pointer{Picture: to.id, At: to.at}
	was, still := h.buttons, h.seen && to.at == h.at && to.id == h.picture
	h.seen, h.at, h.picture = true, to.at, to.id
	if h.viewOnly {
		if h.buttons = 0; !still {
			send(p)
		}
		return
	}
	switch {
	case t.code&motion != 0:
	case t.code&(wheel|more) == wheel:
		p.Wheel = [4]image.Point{{Y: -1}, {Y: 1}, {X: -1}, {X: 1}}[t.code&3]
	default:
		h.click(t)
	}
	if still && h.buttons == was && p.Wheel == (image.Point{}) {
		return // moved within a dot
	}
	p.Buttons = h.buttons
	named := t.mods
	if h.buttons&^was == 0 && p.Wheel == (image.Point{}) {
		named = 0 // modifiers matter where something begins
	}
	hold(named, true, send)
	send(p)
	hold(named, false, send)
}

// click keeps account of the buttons: 0 to 2, and 128, 129 for back and forward.
func (h *hand) click(t token) {
	var b screen.Buttons
	switch t.code {
	case 0:
		b = screen.Left
	case 1:
		b = screen.Middle
	case 2:
		b = screen.Right
	case 128:
		b = screen.Back
	case 129:
		b = screen.Forward
	}
	if t.up {
		h.buttons &^= b
	} else {
		h.buttons |= b
	}
}
