package screen

// MaxClip is how much one Clip may hold, in bytes (SECURITY-DESIGN, section 11).
const MaxClip = 1 << 20

// Clip is what somebody copied: UTF-8 text or a PNG. Primary is what is marked,
// which X11 keeps apart from what is copied. Nobody changes Data after it was
// handed over.
type Clip struct {
	Primary bool
	Picture bool
	Data    []byte

	// Withheld says why Data is nil: "marked secret" by the program it comes
	// from, "too large". It is empty for what is neither text nor picture.
	Withheld string
}

// Clipboard is that of a desktop. Clips tells what programs copy while Listen is
// on, never what stood there before, and never what Put brought; who reads it
// slowly gets the newest only. It is closed with the clipboard. While Listen is
// off, as in the beginning, nothing is read. Safe for use by several goroutines.
type Clipboard interface {
	Clips() <-chan Clip
	Listen(on bool)
	Put(Clip) error
	Close() error
}

// ClipboardOpener is a Window on whose desktop there is a clipboard, too.
type ClipboardOpener interface {
	OpenClipboard() (Clipboard, error)
}
