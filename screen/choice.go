package screen

import "image"

// Choice is a window that can be shared, or is.
type Choice struct {
	ID     WindowID
	Title  string // of its program, without control characters
	Class  string // what kind of program it is
	Size   image.Point
	Shared bool
}

// Chooser is a Source of single windows, which are added and taken away while it
// runs. Its methods may be called from any goroutine; a Next that waits returns
// with the new Layout.
type Chooser interface {
	// Choices lists what can be shared, the window on top first.
	Choices() ([]Choice, error)
	// Share adds a window. One that is shared already is no error.
	Share(WindowID) error
	// Unshare takes a window away, and returns which picture it was. What a Next
	// before it told may still speak of that (Canvas.Forget). After the last one there is no
	// picture, until another is shared.
	Unshare(WindowID) (PictureID, error)
	// Shared says for a person what is shared.
	Shared() string
}
