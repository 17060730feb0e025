// Package link carries streams between two machines. A Node dials and accepts;
// a Conn is to two machines what net.Conn is to two sockets: it lives while any
// path between them lives, whether that path is the LAN, a direct connection
// through the NAT boxes, or a circuit through a relay.
//
// It is not the security of a session: libp2p's Noise or TLS authenticates the
// two peer IDs and nothing more. Whether the peer may see anything is decided
// above, on the stream that Knock opens (peer/secure).
//
//	           before admission                    after admission
//	viewer ──► circuit ──► relay ──► host          viewer ◄── direct ──► host
//	/sightline/session/1  handshake                /sightline/stream/1  one per channel
//	no IP address is told to the other side        Offers cross the sealed control
//	                                               channel, Upgrade dials and punches
//
// A stream stays on the path it was opened on. Paths tells of a better or a
// dead path, and the session opens its channels again there.
//
// # Protocols
//
//	/sightline/session/1  a knock: the handshake of peer/secure, later the first control stream
//	/sightline/stream/1   a channel stream, either side opens it
//	/sightline/ping/1     8 bytes and the same 8 bytes back: round-trip time and sign of life
//	/sightline/probe/1    birthday punch, see birthday.go; admitted peers only
//	/sightline/again/1    no bytes: "dial the circuit to me once more", see climb.go; admitted peers only
//
// # What a stranger learns
//
// Identify announces circuit addresses only, and the hole puncher has no
// address for a peer for whom Upgrade was not called. SECURITY-DESIGN, section 3.
package link

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"sightline/peer/link/proxy"
)

// The protocols spoken between two nodes.
const (
	sessionProtocol protocol.ID = "/sightline/session/1"
	streamProtocol  protocol.ID = "/sightline/stream/1"
	pingProtocol    protocol.ID = "/sightline/ping/1"
	probeProtocol   protocol.ID = "/sightline/probe/1"
	againProtocol   protocol.ID = "/sightline/again/1"
)

// Errors that callers may test with errors.Is.
var (
	// ErrNoPath: no address of the peer could be reached. The text names each
	// address with its reason.
	ErrNoPath = errors.New("no path to the other machine")
	// ErrGone: a relay answered, and the peer is not connected to it (any more).
	ErrGone = errors.New("the other machine is no longer at the relay")
	// ErrRefusedByRelay: the relay refused the reservation or the circuit
	// (access, quota).
	ErrRefusedByRelay = errors.New("refused by the relay")
	// ErrClosed: the Node or the Conn was closed on this side.
	ErrClosed = errors.New("link closed")
	// ErrRelayOnly: the options of this side leave the relay as the only way.
	ErrRelayOnly = errors.New("no direct path from here")
)

// Options of a Node. Key is required, everything else has a useful zero.
type Options struct {
	// Key is the identity: Ed25519 and nothing else (SECURITY-DESIGN, section 2).
	Key crypto.PrivKey
	// Listen is "host:port" for UDP and TCP alike. "" and ":0" take a free
	// port that is free for both; "none" opens no socket that anybody could
	// reach: outbound TCP only, no QUIC, since a dialled QUIC socket is an
	// unconnected UDP socket.
	Listen string
	// NoDirect: no hole punching and no addresses for the peer; a direct
	// connection that was dialled by address (LAN, --direct) is still used.
	NoDirect bool
	// RelayOnly refuses every connection to or from a peer that is not
	// through a relay, and therefore does not listen.
	RelayOnly bool
	// LANOnly refuses every address that is not private.
	LANOnly bool
	// Ports bounds the numbers of our UDP and TCP sockets where Listen leaves the
	// port open; zero: any.
	Ports PortRange
	// Quiet: no birthday punch, which sends up to 2,048 packets to ports of one
	// address and may look like a port scan.
	Quiet bool
	// MapPorts asks the router for a port by UPnP, NAT-PMP or PCP. The port is open
	// to everybody for as long as the node lives.
	MapPorts bool
	// Proxy is where the proxy of this network comes from; zero: the environment.
	Proxy proxy.Options
	// Pins are the TLS keys of relays that sign their own certificates: SHA-256
	// of the public key. Not to be changed any more.
	Pins map[p2p.ID][32]byte
	// TLSInspection lets others than the relay end the TLS of port 443, as some
	// proxies do. What runs inside is encrypted once more.
	TLSInspection bool
	// Log may be nil. It never holds codes; it does hold addresses, at debug level.
	Log *slog.Logger
}

// PortRange is a range of port numbers, both ends in it.
type PortRange struct{ First, Last uint16 }

func (r PortRange) any() bool { return r == PortRange{} }

// Kind of a path, worst first, so that a better one is larger.
type Kind uint8

// The kinds of path. None is the Path of a Conn that is dead.
const (
	None Kind = iota
	Relayed
	Direct
	LAN
)

// String gives the words of the JSON events: lan, direct, relayed, or none.
func (k Kind) String() string {
	switch k {
	case LAN:
		return "lan"
	case Direct:
		return "direct"
	case Relayed:
		return "relayed"
	}
	return "none"
}

// Path tells how bytes travel.
type Path struct {
	Kind      Kind
	Transport string        // quic, tcp, ws, wss or proxy; of a relayed path: the leg from here to the relay
	RTT       time.Duration // to the peer and back; 0: not measured yet. Refreshed every few seconds of a session
	Why       string        // a relayed path: why it is not direct, in words; else empty
	ID        uint64        // tells two paths of one kind apart; 0: none
}

// Stream is one ordered pair of byte streams on one path. Reads and writes may
// go on at the same time; two writes may not.
type Stream interface {
	io.ReadWriteCloser // Close ends both directions; what was written before still goes out

	// CloseWrite tells the other side that nothing more comes.
	CloseWrite() error
	// CloseRead discards what still comes; blocked reads end.
	CloseRead() error
	// Reset throws the stream away on both sides.
	Reset() error

	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error

	// Path that this stream is on. It never moves to another.
	Path() Path
}

// Conn is everything between this machine and one other. Its methods may be
// called from several goroutines.
type Conn interface {
	// Knock opens a stream for the handshake: the viewer's side.
	Knock(ctx context.Context) (Stream, error)
	// Open opens a channel stream on the best path alive.
	Open(ctx context.Context) (Stream, error)
	// Accept waits for a channel stream that the other side opened. The first
	// call of Accept, Open or Upgrade counts as admission: from then on paths
	// are measured, and streams of that peer come here and no longer to an
	// older Conn of the same peer.
	Accept(ctx context.Context) (Stream, error)

	Remote() p2p.ID
	// Path is the best path now; Kind None if there is none.
	Path() Path
	// Paths yields the best path after each change: a better one, a dead one,
	// another reason. It holds the latest value only and is closed with the Conn.
	Paths() <-chan Path

	// Offer is how this machine can perhaps be reached, for an admitted peer and
	// for nobody else. Offers wakes when it should be told (again): because it
	// changed, or because this side tries now and the other should, too.
	Offer() Offer
	Offers() <-chan struct{}
	// Upgrade hands over what the peer told over the sealed channel, and from now
	// on shows our addresses to its hole puncher. From the first call on, and
	// while there is a relayed path only, a direct one is tried again and again;
	// Paths tells of it, or why there is none. Both sides call it.
	Upgrade(theirs Offer) error

	// Dead is closed when no connection to the peer is left. It stays closed.
	Dead() <-chan struct{}
	// Close ends the streams of this Conn, and the connections to the peer
	// unless another Conn uses them. Written bytes get up to lingerAdmitted to leave.
	Close() error
}

// Knock is somebody at the door: the peer opened the handshake protocol.
// Whoever takes it closes the Conn.
type Knock struct {
	Conn   Conn
	Stream Stream
}
