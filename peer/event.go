package peer

import (
	"time"

	"sightline/peer/link"
	"sightline/peer/wire"
)

// Names that callers of this package need and that live further in.
type (
	// Path is how the bytes of a session travel.
	Path = link.Path
	// Grant is a set of rights.
	Grant = wire.Grant
)

// SeatID numbers the viewers of one host in the order in which they knocked,
// from 1 on. It is never used twice by one process.
type SeatID int

// Viewer is who sits, or wants to sit, in a seat. Name is what the viewer says
// of itself, cleaned; Fingerprint is what two people can compare by voice.
type Viewer struct {
	Name        string
	ID          string // libp2p peer ID
	Fingerprint string // 8 groups of 4 base32 characters of SHA-256(public key)
}

// Event is something that a person or a script wants to know of a session. The
// words of UX.md, "JSON events", stand behind each type.
type Event interface{ event() }

// The events of a host and of a viewer. On the viewer's side Seat is 0.
type (
	// Code ("code"): this code can be typed from now on until Expires.
	Code struct {
		Number, Code string
		Admits       int // viewers
		Expires      time.Time
		Sharing      string // what is shown, for people
	}
	// Waiting ("waiting"): nothing happens now, and this is why.
	Waiting struct{ For string }
	// Asks ("asks"): somebody with the right code wants in; answer with
	// Host.Admit or Host.Refuse before Until.
	Asks struct {
		Seat   SeatID
		Viewer Viewer
		Wants  Grant
		Path   Path
		Until  time.Time
	}
	// Joined ("joined"): a session is open.
	Joined struct {
		Seat    SeatID
		Viewer  Viewer // on the viewer's side: the host
		Grants  Grant
		Resumed bool
	}
	// PathChanged ("path"): the session's bytes take this path now.
	PathChanged struct {
		Seat SeatID
		Path Path
	}
	// Stats ("stats"), about once a second while something moves.
	Stats struct {
		Seat     SeatID
		FPS      float64       // pictures a second, sent or shown
		BytesOut uint64        // bytes of sealed records, this session, sent by this side
		BytesIn  uint64        // the same, received
		RTT      time.Duration // of a frame and its acknowledgement
		Frame    time.Duration // encode or decode time of one frame, mean
		Refined  bool          // the viewer's picture equals the host's
	}
	// Granted ("granted"): the rights are now these.
	Granted struct {
		Seat   SeatID
		Grants Grant
	}
	// Roster ("roster"), on the viewer's side: these watch the host now.
	Roster struct{ Viewers []Watching }
	// Sharing ("sharing"), on the host's side: this is shared from now on.
	Sharing struct{ What string }
	// Control ("control"), on the host's side: another viewer's hands act from
	// now on, or others ask for that. On the viewers' side Roster tells.
	Control struct {
		Holder SeatID   // 0: nobody; the first who presses something
		Asks   []SeatID // in line, the first one first
	}
	// Denied ("denied"): something was refused. Count is 0 unless it is input that
	// was not acted on: then it is how much of it, for this reason, since the session
	// began.
	Denied struct {
		Seat   SeatID
		Reason string
		Count  int
	}
	// Left ("left"): the session of that seat is over.
	Left struct {
		Seat   SeatID
		Reason string
	}
	// Kicked ("kicked"): the host threw the viewer out.
	Kicked struct {
		Seat   SeatID
		Reason string
	}
	// Relay ("relay"): a relay was reached or lost.
	Relay struct {
		Name string // host:port
		Up   bool
		Why  string
	}
	// Failed ("error"): something went wrong and the role goes on.
	Failed struct{ Err error }
	// Ended ("end"): the role is over; Err is nil for a good end.
	Ended struct {
		Reason string
		Err    error
	}
)

func (Code) event()        {}
func (Waiting) event()     {}
func (Asks) event()        {}
func (Joined) event()      {}
func (PathChanged) event() {}
func (Stats) event()       {}
func (Granted) event()     {}
func (Roster) event()      {}
func (Sharing) event()     {}
func (Control) event()     {}
func (Denied) event()      {}
func (Left) event()        {}
func (Kicked) event()      {}
func (Relay) event()       {}
func (Failed) event()      {}
func (Ended) event()       {}
