// Package peer is a session between two machines: a Host shares pictures and
// takes input from admitted viewers, a View shows them and sends input back.
// It knows who may do what; it knows nothing of X servers, terminals or relays,
// which come in through the doors of package screen, through Events, and
// through a Directory.
//
// One seat of a host, from the knock to the end:
//
//	knock ──► handshake ──► asked ──► admitted ──► seated ◄──► broken ──► left
//	            │ wrong code   │ no       ACCEPT      │  path dies   │ keep time is over
//	            ▼              ▼                      │  (resume)    ▼
//	          closed          DENY                 kicked, code burnt, ended
//
// A session outlives its streams and its paths. While any connection between
// the two machines lives, channels are opened again on it; when none lives the
// viewer dials again and resumes (mode 4 of SECURITY-DESIGN section 4) without
// a code.
//
// Bytes of the other side pass peer/secure, peer/wire and screen/codec before
// anything here acts on them. See README.md beside this file for the protocol
// and the threat model.
package peer

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"

	"sightline/peer/link"
	"sightline/peer/wire"
)

// Times of a session. SECURITY-DESIGN sections 4 and 7 unless another reason is given.
const (
	askFor   = 60 * time.Second // a person's time to answer "let in?"
	helloIn  = 10 * time.Second // a viewer's time for its first message
	acceptIn = 90 * time.Second // a viewer's patience for ACCEPT
	keepSeat = 5 * time.Minute  // a broken session can be resumed for so long
	// maxSession is how old keys may become before Diffie-Hellman is done again.
	maxSession = 24 * time.Hour
	// pingEach is short enough that both sides notice a dead path in 3 s and
	// costs 0.5 kbit/s.
	pingEach = 1500 * time.Millisecond
	deadIn   = 3 * time.Second
)

// Directory turns a session number into the address of a host. The relays'
// directory, the LAN and a typed address satisfy it.
type Directory interface {
	// Publish makes this host reachable under a number; the one that was
	// proposed may be taken, so Lease.Number counts. It is kept up until ctx ends.
	Publish(ctx context.Context, proposal string) (Lease, error)
}

// Lease is a published number.
type Lease struct {
	Number string
	Route  string // where it can be found, for people: "relay r.example.org:4001, LAN"
}

// Dialer reaches the host of a session. It is called again when every path to
// the host has died; then it should look for that same peer.
type Dialer interface {
	Dial(ctx context.Context) (link.Conn, error)
	Redial(ctx context.Context, host p2p.ID) (link.Conn, error)
}

// Fingerprint is what two people compare by voice: 8 groups of 4 base32
// characters of SHA-256 of the Ed25519 key inside the peer ID.
func Fingerprint(id p2p.ID) string {
	key, err := id.ExtractPublicKey()
	if err != nil {
		return ""
	}
	raw, err := key.Raw()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	text := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20]))
	groups := make([]string, 0, 8)
	for i := 0; i < 32; i += 4 {
		groups = append(groups, text[i:i+4])
	}
	return strings.Join(groups, " ")
}

func viewerOf(id p2p.ID, name string) Viewer {
	return Viewer{Name: name, ID: id.String(), Fingerprint: Fingerprint(id)}
}

// farewell turns the other side's last word into an error with its class.
func farewell(m wire.Farewell) error {
	switch m.Reason {
	case wire.ByRefusal:
		return ErrRefused
	case wire.ByKick:
		return ErrKicked
	case wire.NoAnswer:
		return ErrNoAnswer
	case wire.Full:
		return &Error{Class: ClassRefused, Msg: "the host has no free seat"}
	case wire.Used:
		return &Error{Class: ClassNoSession, Msg: "the code was used by somebody else"}
	case wire.Fault:
		return &Error{Class: ClassFault, Msg: "the host had to end the session: " + orElse(m.Words, "it gave no reason")}
	case wire.PanicKey:
		return &Error{Class: ClassKicked, Msg: "the host cut all sessions with the panic key"}
	}
	return nil // ByRequest, Stopped: a good end
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// cause is why ctx ended, or err if it did not.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

var errStopped = errors.New("told to stop")
