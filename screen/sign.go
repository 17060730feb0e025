package screen

// Sign tells the person at a display, on the display itself and always, that
// somebody watches it. Show and Close come from one goroutine.
//
// Hidden receives once when the sign that was shown last cannot be kept in sight:
// others cover it or take it away again and again, or the display is gone.
// Nothing may be shared until a Show has succeeded after that.
type Sign interface {
	Show(words string) error // "" takes the sign away
	Hidden() <-chan struct{}
	Close() error
}
