package screen

import (
	"image"

	"sightline/screen/keysym"
)

// Event is what a person did in a Window: Key, Pointer, Focus, Resize or Ask.
type Event interface{ event() }

// Key is a key that goes down or comes up, by what it means (keysym) and not
// by where it lies, so the two ends may have different layouts.
type Key struct {
	Sym  keysym.Sym
	Down bool
}

// Buttons is a set of pointer buttons.
type Buttons uint8

// The buttons; wheels are not among them.
const (
	Left Buttons = 1 << iota
	Middle
	Right
	Back
	Forward
)

// Pointer is the whole state of the pointer after something happened to it:
// where it is in the picture (px), which buttons are down, and how far the
// wheels turned with this event (steps; +x right, +y down).
type Pointer struct {
	Picture PictureID
	At      image.Point
	Buttons Buttons
	Wheel   image.Point
}

// Focus tells that the window got or lost the keyboard. When it is lost every
// key counts as released.
type Focus struct{ In bool }

// Resize tells the new size of the window's inside, in px of the local screen.
// Visible is false while it is minimised: nothing need be drawn.
type Resize struct {
	Size    image.Point
	Visible bool
}

// Ask is something that the person wants of the session, from the window's menu.
type Ask uint8

// What a window's menu can ask for.
const (
	AskEnd        Ask = iota // end the session
	AskCtrlAltDel            // send that combination
	AskControl               // ask for pointer and keyboard: the host, or the viewer who has them
	AskClipboard             // ask the host for copying and pasting in both directions
	AskPass                  // pass them on to a viewer who asks, or let them go
)

func (Key) event()     {}
func (Pointer) event() {}
func (Focus) event()   {}
func (Resize) event()  {}
func (Ask) event()     {}
