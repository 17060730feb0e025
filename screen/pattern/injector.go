package pattern

import (
	"errors"
	"fmt"
	"image"
	"os"
	"time"

	"sightline/screen"
	"sightline/screen/keysym"
)

// maxText in runes: when it is full the oldest go.
const maxText = 1 << 16

// state is what the input so far has made of the desktop.
type state struct {
	text    []rune
	clicks  [3]int
	scroll  int    // first line of the list that is shown
	accent  uint32 // 0x00RRGGBB, picked from the colour wheel
	time    string // on the clock; empty without one
	pointer image.Point
	buttons screen.Buttons
	held    map[keysym.Sym]struct{}
}

// command tells whether a key pressed now is a command and not text.
func (s *state) command() bool {
	for _, sym := range [...]keysym.Sym{keysym.ControlL, keysym.ControlR, keysym.AltL, keysym.MetaL, keysym.SuperL, keysym.SuperR} {
		if _, ok := s.held[sym]; ok {
			return true
		}
	}
	return false
}

// press is what a key does to the text.
func (s *state) press(sym keysym.Sym) {
	switch sym {
	case keysym.BackSpace:
		if n := len(s.text); n > 0 {
			s.text = s.text[:n-1]
		}
		return
	case keysym.Return, keysym.KPEnter:
		s.text = append(s.text, '\n')
	case keysym.Tab:
		s.text = append(s.text, '\t')
	default:
		r, ok := sym.Rune()
		if !ok || s.command() {
			return
		}
		s.text = append(s.text, r)
	}
	if over := len(s.text) - maxText; over > 0 {
		s.text = append(s.text[:0], s.text[over:]...)
	}
}

// injector is a hand on the desktop. All hands share its keys and buttons.
type injector struct {
	desk   *Desktop
	closed bool

	// What this hand holds down.
	keys    map[keysym.Sym]struct{}
	buttons screen.Buttons
}

var errFence = errors.New("the built-in desktop has no windows to share")

// Key implements screen.Injector.
func (i *injector) Key(k screen.Key) error {
	if i.closed {
		return fmt.Errorf("built-in desktop: %w", os.ErrClosed)
	}
	d := i.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	if !k.Down {
		delete(i.keys, k.Sym)
		delete(d.state.held, k.Sym)
		return nil
	}
	if i.keys == nil {
		i.keys = map[keysym.Sym]struct{}{}
	}
	if d.state.held == nil {
		d.state.held = map[keysym.Sym]struct{}{}
	}
	i.keys[k.Sym], d.state.held[k.Sym] = struct{}{}, struct{}{}
	d.state.press(k.Sym)
	d.paintLocked(d.find(partText, 0))
	return nil
}

// Pointer implements screen.Injector.
func (i *injector) Pointer(p screen.Pointer) error {
	if i.closed {
		return fmt.Errorf("built-in desktop: %w", os.ErrClosed)
	}
	d := i.desk
	if p.Picture != ID || !p.At.In(d.shown.Rect) {
		return &screen.Refused{Reason: "outside"}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	i.buttons = p.Buttons
	d.pointLocked(p)
	return nil
}

// pointLocked moves the dot, presses what is under it and turns the list.
func (d *Desktop) pointLocked(p screen.Pointer) {
	s := &d.state
	old, pressed := s.pointer, p.Buttons&^s.buttons
	s.pointer, s.buttons = p.At, p.Buttons
	if old != p.At {
		d.paintLocked(dotAt(old))
		d.paintLocked(dotAt(p.At))
		for w := range d.watchers {
			w.moved = true
			w.wakeUp()
		}
	}
	for _, part := range d.parts {
		if p.At.In(part.rect) {
			d.touchLocked(part, p, pressed)
		}
	}
}

// touchLocked is what the pointer does to the part it is in.
func (d *Desktop) touchLocked(at part, p screen.Pointer, pressed screen.Buttons) {
	s := &d.state
	switch {
	case at.kind == partButton && pressed&screen.Left != 0:
		s.clicks[at.n]++
		d.paintLocked(at.rect)
	case at.kind == partWheel && pressed&screen.Left != 0:
		if c, ok := wheelColour(at.rect, p.At); ok {
			s.accent = c
			d.paintLocked(d.find(partTitle, 0))
		}
	case at.kind == partList && p.Wheel.Y != 0:
		// A hand may claim any number of steps; the list has but so many.
		steps := min(max(p.Wheel.Y, -listItems), listItems)
		s.scroll = min(max(s.scroll+steps, 0), listItems-1)
		d.paintLocked(at.rect)
	}
}

// tellTimeLocked sets the clock.
func (d *Desktop) tellTimeLocked(now time.Time) {
	if t := now.Format(time.TimeOnly); t != d.state.time {
		d.state.time = t
		d.paintLocked(d.find(partTitle, 0))
	}
}

// Fence implements screen.Injector: there are no windows here.
func (i *injector) Fence(allowed []screen.WindowID) error {
	if len(allowed) > 0 {
		return errFence
	}
	return nil
}

// ReleaseAll implements screen.Injector.
func (i *injector) ReleaseAll() error {
	d := i.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	for sym := range i.keys {
		delete(d.state.held, sym)
	}
	clear(i.keys)
	d.state.buttons &^= i.buttons
	i.buttons = 0
	return nil
}

// Close releases everything.
func (i *injector) Close() error {
	i.closed = true
	return i.ReleaseAll()
}
