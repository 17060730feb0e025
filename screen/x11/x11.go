// Package x11 is the X11 back end: a Source that watches a screen, an Injector
// that types and points on it, and a Window that shows pictures. It speaks the
// protocol itself (github.com/jezek/xgb for requests and events), needs no C
// library and no toolkit, and so works on every X server: a desktop's, Xvfb,
// one behind ssh, one in a VNC session.
//
//	Source    DAMAGE tells where, MIT-SHM (else core GetImage) brings pixels,
//	          XFIXES the cursor's shape, RandR a new size
//	Injector  XTEST; keysyms through the host's own keyboard map, symbols that
//	          are not on it through spare key codes; a guardian child process
//	          lifts keys if this process is killed
//	Window    MIT-SHM (else PutImage in strips), RENDER for scaling, shapes of
//	          the remote cursor and dimming
//	Clipboard CLIPBOARD and PRIMARY by XFIXES and ICCCM, INCR both ways
//	Manager   the least window manager, for one program on a display of its own
//
// Connections: xgb keeps its tables of event numbers in global variables, and
// its requests allocate. Every connection here therefore goes through wire,
// which gives extension events the same numbers on every server and answers
// the set-up itself (so a cookie can come from any file), and a Window draws
// through a second connection of its own (pen) that reuses one buffer.
//
// Errors: what wraps screen.ErrNoDisplay could not be opened, what wraps
// screen.ErrDisplayLost was open and went away.
package x11

import (
	"log/slog"

	"sightline/screen"
)

// The doors of package screen that this package fills.
var (
	_ screen.Source = (*Source)(nil)
)

// silent is what a nil logger means.
func silent(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
