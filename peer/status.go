package peer

import (
	"time"
)

// HostStatus is a snapshot of a host for the full-screen page and for ctl.
type HostStatus struct {
	Name    string    // what viewers see
	Sharing string    // what is shown: "display :0 (1920x1080)"
	Number  string    // of the open code; empty: none is open
	Code    string    // the whole code; empty once it was used
	Admits  int       // viewers that the open code lets in, all in all
	Once    bool      // one session, and no further code
	Expires time.Time // of the unused code
	Route   string    // how the number can be reached: "relay relay.example.org:4001, LAN"
	Allow   Grant     // what a viewer gets without being asked
	Failed  int       // wrong tries on the open code
	Paused  bool      // pictures and input are held back
	Picks   bool      // single windows are shared, and chosen at any moment
	All     bool      // every viewer with the right to controls at once, not one
	Seats   []SeatStatus
}

// SeatStatus is one viewer of a host.
type SeatStatus struct {
	Seat    SeatID
	Colour  Colour // of its pointer, as the other viewers see it
	Viewer  Viewer
	Asking  bool      // waits for the answer of a person, until Until
	Until   time.Time // of the question
	Wants   Grant
	Grants  Grant
	Since   time.Time // let in, or while Asking: knocked
	Path    Path
	Stats   Stats
	Suspend bool // the path broke; it can resume until Until

	Acts        bool // its hands act now: it has control
	AsksControl bool // it asks for the control that another has
	Refused     Refusals
}

// Native is ViewStatus.Window, and ViewOptions.Kind, of a window on a desktop.
const Native = "native"

// ViewStatus is a snapshot of a viewer.
type ViewStatus struct {
	Host    Viewer
	State   string // "connecting", "asking", "connected", "reconnecting"
	Since   time.Time
	Path    Path
	Grants  Grant
	Wants   Grant
	Picture string // "1920x1080"
	Bare    bool   // the host has said that nothing is shared now
	Window  string // "native", "terminal", "none"
	Stats   Stats
	Dimmed  time.Time // no picture since; zero: live
	Lags    []time.Duration
	Viewers []Watching // of the host, this one among them
	Refused Refusals   // of our input; not to be changed
}
