// Package screen is the vocabulary of pictures and input: what a picture is,
// where pictures come from (Source), where they are shown (Window) and how a
// remote hand acts on them (Injector). The back ends live in folders of their
// own (x11, ansi, pattern); desktop picks the one that fits the machine.
//
// A Picture is one thing that is shown: a monitor, later a window. Pixels are
// 4 bytes, B G R X in that order, X always zero; rows lie Stride bytes apart;
// coordinates are that picture's own pixels, its top left corner is (0,0).
//
// The package starts no goroutine and knows no platform.
package screen

import (
	"context"
	"errors"
	"image"
	"time"
)

// BytesPerPixel of every Frame.
const BytesPerPixel = 4

// Limits of SECURITY-DESIGN section 11; they hold for both ends.
const (
	MaxSide     = 16384   // px, width and height each
	MaxPixels   = 1 << 26 // px, width times height
	MaxRects    = 4096    // rectangles of one frame
	MaxCursor   = 256     // px, width and height each
	MaxPictures = 16      // pictures of one session
	MaxName     = 64      // bytes of a picture's or a person's name
)

var (
	// ErrNoDisplay means that there is nothing here to capture or to show on.
	// What wraps it says why, in one sentence a person can act on.
	ErrNoDisplay = errors.New("no display")
	// ErrDisplayLost means that the display was there and went away.
	ErrDisplayLost = errors.New("the display went away")
)

// PictureID names a picture within one session.
type PictureID uint8

// WindowID names a window of the host's platform.
type WindowID uint64

// Picture is one thing that is shown. Its size is Rect.Size(); Rect.Min is its
// place on the host's desktop, in px, for a viewer that shows several.
//
// A menu may reach over the edge of a shared window, and makes the picture larger
// for a while. A viewer goes by Main, which stays as it is, for scale and place.
type Picture struct {
	ID   PictureID
	Name string
	Rect image.Rectangle
	Main image.Rectangle // the part without such menus, in the picture's own pixels; empty: all of it
	Over image.Rectangle // around all of such a menu, in the picture's own pixels; empty: there is none
}

// Bounds is the picture's own coordinate system: (0,0) to its size.
func (p Picture) Bounds() image.Rectangle { return image.Rectangle{Max: p.Rect.Size()} }

// Lasting is the part of the picture that a viewer goes by.
func (p Picture) Lasting() image.Rectangle {
	if p.Main.Empty() {
		return p.Bounds()
	}
	return p.Main
}

// Seen is the part of the picture that has anything to show.
func (p Picture) Seen() image.Rectangle { return p.Lasting().Union(p.Over).Intersect(p.Bounds()) }

// Layout is the whole list of pictures; what is missing in a new one is gone.
type Layout struct{ Pictures []Picture }

// Find returns the picture with this ID.
func (l *Layout) Find(id PictureID) (Picture, bool) {
	if l != nil {
		for _, p := range l.Pictures {
			if p.ID == id {
				return p, true
			}
		}
	}
	return Picture{}, false
}

// Move says that the pixels of To are now what stood at From before: a scroll
// or a dragged window. From has To's size.
type Move struct {
	To   image.Rectangle
	From image.Point
}

// CursorShape is a picture of the pointer: Size.X*Size.Y*4 bytes B G R A,
// colours premultiplied with alpha. Hot is the pixel that points. A shape is
// never changed after it was made, so it can be shared.
type CursorShape struct {
	Size image.Point
	Hot  image.Point
	Pix  []byte
}

// Cursor is the host's pointer: where it is and, if that changed, how it
// looks. It is a message of its own and never part of a frame.
type Cursor struct {
	Picture PictureID
	At      image.Point
	Hidden  bool
	Shape   *CursorShape // nil: as before
}

// Change is what one Next found. Frame belongs to the Source until the next
// call; of its pixels only those in Damage are promised to be new, all others
// are those of the call before.
type Change struct {
	Picture PictureID
	Frame   *Frame  // nil: no pixels changed
	Damage  Region  // within Frame.Rect
	Moves   []Move  // copies the platform told of, applied before Damage; may be nil
	Cursor  *Cursor // new shape or place
	Layout  *Layout // pictures came, went, moved or changed size; precedes Frame
}

// Reset empties a Change for its next use.
func (c *Change) Reset() {
	c.Picture, c.Frame, c.Damage, c.Moves, c.Cursor, c.Layout = 0, nil, c.Damage[:0], c.Moves[:0], nil, nil
}

// Source is a screen that can be watched. One goroutine calls Next; Close may
// come from another and makes Next return.
//
// The first Change of a Source carries a Layout; the pixels of every picture
// follow in full. Next blocks while nothing changes and costs nothing then.
// It returns ErrDisplayLost (wrapped) when the display goes away.
type Source interface {
	Next(ctx context.Context, c *Change) error
	Close() error
}

// Injector acts for a remote hand. It checks and acts in one step: the fence
// (confined sharing) lives inside, because a check in one place and an act in
// another race with the window manager. Safe for one goroutine.
//
// Key and Pointer return *Refused for what must not happen, any other error is
// a fault. ReleaseAll lifts every key and button that this Injector holds down
// and nothing else; Close does it too.
type Injector interface {
	Key(Key) error
	Pointer(Pointer) error
	Fence(allowed []WindowID) error
	ReleaseAll() error
	Close() error
}

// Refused tells why an Injector did not act: "covered", "focus", "hot key",
// "outside", or "local hand": the person at the host uses it.
type Refused struct{ Reason string }

func (r *Refused) Error() string { return "input refused: " + r.Reason }

// Window shows pictures. Draw, Cursor, State and Layout come from one
// goroutine; Events may be read by another and is closed with the window.
// Draw's Frame is borrowed for the time of the call only.
//
// A Window asks for nothing more while nobody draws: no timers, no redraws.
type Window interface {
	Layout(*Layout) error
	Draw(PictureID, *Frame, Region) error
	Cursor(*Cursor) error
	State(State) error
	Events() <-chan Event
	Close() error
}

// FrameMaker is a Window that lends the memory it shows a picture from, so that
// what is decoded need not be copied.
//
//	Frame ──► Begin ──► write ──► Draw ──► Begin ──► …        Free
//
// Frame gives memory for a picture of a size that is laid out: rows without
// gaps, the pixels shown now; nil if it has none to lend. Begin waits until what
// was drawn last has been read, and holds drawing back until the next Draw; only
// then may the memory be written to. A Draw of a lent frame copies nothing. The
// memory stays valid until Free, whatever the layout does meanwhile, and Free
// may be called after Close. All but Free from the goroutine that calls Draw.
type FrameMaker interface {
	Frame(PictureID, image.Point) *Frame
	Begin() error
	Free(*Frame)
}

// Scale says how a picture that does not fit is shown.
type Scale uint8

// Fit shrinks or grows the picture to the window; OneToOne shows it pixel by pixel.
const (
	Fit Scale = iota
	OneToOne
)

// Grab says when a window takes all keys, those of the window manager too.
type Grab uint8

// Keys are grabbed in full screen only, never, or always while focused.
const (
	GrabFullscreen Grab = iota
	GrabNever
	GrabAlways
)

// State is what a window shows besides the picture.
type State struct {
	Title       string    // cleaned of control characters by the caller
	FullScreen  bool      // wanted; the user can change it from the window
	Scale       Scale     // wanted; the user can change it from the window
	Grab        Grab      // rule for the keyboard
	ViewOnly    bool      // the pointer is only shown; of input moves alone are told, with no button down
	Shared      bool      // several viewers may control, one at a time: AskPass means something
	Clips       bool      // copying and pasting works in both directions: nothing to ask for
	DimmedSince time.Time // the picture is old since then; zero: it is live
}
