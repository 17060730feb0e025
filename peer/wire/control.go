package wire

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Types of the control channel.
const (
	TypeHello Type = iota + 1
	TypeWant
	TypeAsking
	TypeAccept
	TypeDeny
	TypeGrants
	TypeCandidates
	TypeBye
	TypeAck
	TypePing
	TypePong
	TypeRoster
	TypePass
	TypeDenied
	TypePoint
	TypePoints
	TypeSize
)

// Hello is the viewer's first message: who it says it is and what it wants.
//
//	u32 wants | u8 n, name | u8 n, version
type Hello struct {
	Wants   Grant
	Name    string
	Version string
}

// Append adds the body of the message.
func (m Hello) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.Wants))
	dst = appendText(dst, m.Name, MaxName)
	return appendText(dst, m.Version, MaxName)
}

// ParseHello reads the body of a Hello.
func ParseHello(b []byte) (Hello, error) {
	p := parser{b: b}
	m := Hello{Wants: Grant(p.u32()) & allGrants, Name: p.text(MaxName), Version: p.text(MaxName)}
	return m, p.end("hello")
}

// Accept opens the session. Resume is the key with which this viewer, and no
// other, may come back within Keep after a break; it stays in memory.
//
//	u32 grants | u64 session | resume[32] | u32 keep (s) | u8 n, name | u8 n, version
type Accept struct {
	Grants  Grant
	Session uint64
	Resume  [32]byte
	Keep    time.Duration
	Name    string
	Version string
}

// Append adds the body of the message.
func (m *Accept) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.Grants))
	dst = binary.BigEndian.AppendUint64(dst, m.Session)
	dst = append(dst, m.Resume[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.Keep/time.Second))
	dst = appendText(dst, m.Name, MaxName)
	return appendText(dst, m.Version, MaxName)
}

// ParseAccept reads the body of an Accept.
func ParseAccept(b []byte) (Accept, error) {
	p := parser{b: b}
	m := Accept{Grants: Grant(p.u32()) & allGrants, Session: p.u64()}
	copy(m.Resume[:], p.take(len(m.Resume)))
	m.Keep = time.Duration(min(p.u32(), 12*3600)) * time.Second
	m.Name, m.Version = p.text(MaxName), p.text(MaxName)
	return m, p.end("accept")
}

// Reason says why somebody is not let in, or why a session ends.
type Reason uint8

// The reasons. The words for a person are the receiver's own.
const (
	ByRequest Reason = iota // the other side ended it
	ByRefusal               // a person said no
	ByKick                  // a person threw the viewer out
	NoAnswer                // nobody answered the question in time
	Full                    // no seat is free
	Stopped                 // the program is being stopped
	Used                    // the code was used by somebody else meanwhile
	Fault                   // something broke on the other side
	Replaced                // the same viewer came back on another path
	PanicKey                // the panic key on the host
)

// Farewell is the body of Deny and Bye.
//
//	u8 reason | u8 n, words
type Farewell struct {
	Reason Reason
	Words  string
}

// Append adds the body of the message.
func (m Farewell) Append(dst []byte) []byte {
	return appendText(append(dst, byte(m.Reason)), m.Words, 255)
}

// ParseFarewell reads the body of a Deny or a Bye.
func ParseFarewell(b []byte) (Farewell, error) {
	p := parser{b: b}
	m := Farewell{Reason: Reason(p.u8()), Words: p.text(255)}
	return m, p.end("farewell")
}

// AppendGrants adds the body of a Want or a Grants message: u32 rights.
func AppendGrants(dst []byte, g Grant) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(g))
}

// ParseGrantMask reads the body of a Want or a Grants message.
func ParseGrantMask(b []byte) (Grant, error) {
	p := parser{b: b}
	g := Grant(p.u32()) & allGrants
	return g, p.end("grants")
}

// Candidates tells how the sender can perhaps be reached directly: addresses as
// binary multiaddrs, at most 32 of at most 128 bytes each, and what its NAT box
// does (peer/link, type NAT; 0: not known). It may come again; the last one counts.
//
//	u8 nat | u8 count | count times: u8 n, address
type Candidates struct {
	NAT   uint8
	Addrs [][]byte
}

// Limits of Candidates.
const (
	MaxCandidates = 32
	maxCandidate  = 128 // bytes
)

// Append adds the body of the message; what is over the limits is left out.
func (m Candidates) Append(dst []byte) []byte {
	dst = append(dst, m.NAT, 0)
	at := len(dst) - 1
	for _, a := range m.Addrs {
		if len(a) == 0 || len(a) > maxCandidate || dst[at] == MaxCandidates {
			continue
		}
		dst[at]++
		dst = append(append(dst, byte(len(a))), a...)
	}
	return dst
}

// ParseCandidates reads the body of a Candidates message. The addresses are
// copies and are not checked beyond their number and length.
func ParseCandidates(b []byte) (Candidates, error) {
	p := parser{b: b}
	m := Candidates{NAT: p.u8()}
	n := int(p.u8())
	if n > MaxCandidates {
		return Candidates{}, fmt.Errorf("%w: %d candidates", ErrMalformed, n)
	}
	for range n {
		size := int(p.u8())
		if size == 0 || size > maxCandidate {
			return Candidates{}, fmt.Errorf("%w: candidate of %d bytes", ErrMalformed, size)
		}
		m.Addrs = append(m.Addrs, append([]byte(nil), p.take(size)...))
	}
	return m, p.end("candidates")
}

// AppendPass adds the body of a Pass, with which a viewer passes control on: u32
// the seat of another viewer; 0: the first who asks, or nobody.
func AppendPass(dst []byte, seat uint32) []byte { return binary.BigEndian.AppendUint32(dst, seat) }

// ParsePass reads the body of a Pass. Whether there is such a seat only the host
// knows.
func ParsePass(b []byte) (uint32, error) {
	p := parser{b: b}
	seat := p.u32()
	return seat, p.end("pass")
}

// AppendAck adds the body of an Ack: u32 the last number applied.
func AppendAck(dst []byte, seq uint32) []byte { return binary.BigEndian.AppendUint32(dst, seq) }

// ParseAck reads the body of an Ack.
func ParseAck(b []byte) (uint32, error) {
	p := parser{b: b}
	seq := p.u32()
	return seq, p.end("acknowledgement")
}

// AppendPing adds the body of a Ping or Pong: u64 of the sender's choice,
// which the Pong repeats.
func AppendPing(dst []byte, token uint64) []byte { return binary.BigEndian.AppendUint64(dst, token) }

// ParsePing reads the body of a Ping or a Pong.
func ParsePing(b []byte) (uint64, error) {
	p := parser{b: b}
	token := p.u64()
	return token, p.end("ping")
}
