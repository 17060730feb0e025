// Package ansi shows pictures in a terminal: half blocks, two pixels to a
// character cell, each cell with the colour above and the colour below.
//
// It is for machines without a display and for a look over SSH. A picture of
// 1920 x 1080 px in a terminal of 160 x 48 cells shows where windows are, not
// letters; zooming in (Ctrl+] and +) shows 160 x 94 of its pixels one to one.
//
//	+------------------------------------------------+
//	| ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ |
//	|                   the picture                  |
//	| status: title, since when it is old, keys      |
//	+------------------------------------------------+
//
// # Rules
//
// Nothing is queued. Draw and its like only mark what changed; one goroutine
// turns the newest state into one write and looks again when the terminal has
// taken it, so a slow line skips states. Only cells that changed are sent.
//
// Keys: a terminal tells of characters and not of keys, so each becomes a
// press and a release, with Shift, Control and Alt around it where the
// terminal named them. Ctrl+] is kept for the window itself: it shows what the
// next key does.
//
// Colours: 24 bits where COLORTERM says truecolor or 24bit, else the 256
// colour palette. NO_COLOR makes the picture grey: the picture is the output,
// so it cannot be left out, but no colour is added to the terminal.
//
// Close puts the terminal back as it was: modes, cursor, screen, title. So
// does a panic in a goroutine of this package. For one elsewhere, main defers
// Restore. Signals are main's: it closes the window.
package ansi

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"sightline/screen"
)

// Options of a window; the zero value takes standard input and output and the
// process's environment.
type Options struct {
	In, Out *os.File
	Title   string
	// Getenv looks up TERM, COLORTERM and NO_COLOR; nil: os.Getenv.
	Getenv func(string) string
}

// terminal is what a Window needs of one. Read and Write block; cancel ends a
// Read that waits.
type terminal interface {
	io.ReadWriter
	size() (cols, rows int)
	resized() <-chan struct{} // may be nil: then the size is looked at with each input
	cancel()
	restore() error // modes and resources, after the last Write
}

// Open takes over the terminal. It wraps screen.ErrNoDisplay if there is none
// that can show a picture. The caller must Close the window.
func Open(o Options) (*Window, error) {
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	getenv := o.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	if !term.IsTerminal(int(o.In.Fd())) || !term.IsTerminal(int(o.Out.Fd())) {
		return nil, fmt.Errorf("%w: standard input and output are no terminal", screen.ErrNoDisplay)
	}
	if t := getenv("TERM"); t == "dumb" {
		return nil, fmt.Errorf("%w: the terminal (TERM=dumb) cannot show pictures", screen.ErrNoDisplay)
	}
	tty, err := openTTY(o.In, o.Out)
	if err != nil {
		return nil, fmt.Errorf("take over the terminal: %w", err)
	}
	return newWindow(tty, coloursOf(getenv), o.Title), nil
}

// coloursOf decides how colours are written.
func coloursOf(getenv func(string) string) colours {
	if getenv("NO_COLOR") != "" {
		return greys
	}
	switch strings.ToLower(getenv("COLORTERM")) {
	case "truecolor", "24bit":
		return trueColour
	}
	if strings.HasSuffix(getenv("TERM"), "-direct") {
		return trueColour
	}
	return palette256
}

// What is sent first and last. Wrapping is off because the last cell of the
// screen would scroll it.
const (
	enter = "\x1b[?1049h\x1b[22;2t\x1b[?25l\x1b[?7l\x1b[2J" + // other screen, keep title, no cursor, no wrapping
		"\x1b[?1003h\x1b[?1006h\x1b[?1004h\x1b[?2004h" // mouse with motion, SGR form, focus, paste marks
	leave = "\x1b[?2026l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l" +
		"\x1b[0m\x1b[?7h\x1b[?25h\x1b[23;2t\x1b[?1049l"
)

// errClosed is what calls on a closed window return.
var errClosed = errors.New("terminal window is closed")
