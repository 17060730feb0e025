package rendezvous

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"
)

const maxFrame = 256 // bytes of body; the longest real one is a REGISTER with a lease, 148

var errFrame = errors.New("no frame has this length")

type op uint8

const (
	opHello op = iota + 1
	opRegister
	opLookup
	opRelease
)

type status uint8

const (
	statusOK status = iota
	statusUnknown
	statusRefused
	statusTaken
	statusDigits
	statusLimit
)

const flagOpen = 1

// request is a question of any op; fields that the op does not have stay empty.
type request struct {
	op     op
	token  []byte // nil or 32 bytes
	number string
	lease  []byte // nil or an encoded claim; not verified by parsing
}

// welcome is the answer to HELLO.
type welcome struct {
	digits int
	open   bool
	lease  time.Duration
}

// grant is the answer to REGISTER.
type grant struct {
	lease []byte
	ttl   time.Duration
}

func (r request) append(b []byte) []byte {
	b = append(b, byte(r.op))
	switch r.op {
	case opRegister:
		b = appendBytes(b, r.token)
		b = appendBytes(b, []byte(r.number))
		b = appendBytes(b, r.lease)
	case opLookup, opRelease:
		b = appendBytes(b, []byte(r.number))
	}
	return b
}

// parseRequest reads a body. What it returns points into b.
func parseRequest(b []byte) (request, error) {
	rd := reader{b: b}
	r := request{op: op(rd.byte())}
	switch r.op {
	case opHello:
	case opRegister:
		r.token = rd.bytes()
		r.number = string(rd.bytes())
		r.lease = rd.bytes()
		if n := len(r.token); n != 0 && n != tokenSize {
			return request{}, fmt.Errorf("token of %d bytes", n)
		}
	case opLookup, opRelease:
		r.number = string(rd.bytes())
	default:
		return request{}, fmt.Errorf("unknown operation %d", r.op)
	}
	if err := rd.end(); err != nil {
		return request{}, err
	}
	if r.op != opHello && !ValidNumber(r.number) {
		return request{}, fmt.Errorf("a number of %d bytes that is none", len(r.number))
	}
	return r, nil
}

func (w welcome) append(b []byte) []byte {
	var flags byte
	if w.open {
		flags = flagOpen
	}
	b = append(b, byte(statusOK), byte(w.digits), flags)
	return binary.BigEndian.AppendUint32(b, uint32(w.lease/time.Second))
}

func (g grant) append(b []byte) []byte {
	b = append(b, byte(statusOK))
	b = binary.BigEndian.AppendUint32(b, uint32(g.ttl/time.Second))
	return appendBytes(b, g.lease)
}

// answer splits the status off and turns it into an error where it is one.
func answer(b []byte) (reader, error) {
	rd := reader{b: b}
	s := status(rd.byte())
	if rd.err != nil {
		return rd, ErrProtocol
	}
	var err error
	switch s {
	case statusOK:
		return rd, nil
	case statusUnknown:
		err = ErrUnknown
	case statusRefused:
		err = ErrRefused
	case statusTaken:
		err = ErrTaken
	case statusDigits:
		d := int(rd.byte())
		err = &digitsError{d}
		if d < MinDigits || d > MaxDigits {
			rd.fail()
		}
	case statusLimit:
		err = &LimitError{Wait: max(1, time.Duration(rd.uint32())) * time.Second}
	default:
		return rd, ErrProtocol
	}
	if rd.end() != nil {
		return rd, ErrProtocol
	}
	return rd, err
}

func parseWelcome(b []byte) (welcome, error) {
	rd, err := answer(b)
	if err != nil {
		return welcome{}, err
	}
	w := welcome{digits: int(rd.byte())}
	w.open = rd.byte()&flagOpen != 0
	w.lease = time.Duration(rd.uint32()) * time.Second
	if rd.end() != nil || w.digits < MinDigits || w.digits > MaxDigits {
		return welcome{}, ErrProtocol
	}
	return w, nil
}

func parseGrant(b []byte) (grant, error) {
	rd, err := answer(b)
	if err != nil {
		return grant{}, err
	}
	g := grant{ttl: time.Duration(rd.uint32()) * time.Second}
	g.lease = append([]byte(nil), rd.bytes()...)
	if rd.end() != nil || len(g.lease) == 0 || len(g.lease) > maxClaim || g.ttl == 0 {
		return grant{}, ErrProtocol
	}
	return g, nil
}

func parsePeer(b []byte) (p2p.ID, error) {
	rd, err := answer(b)
	if err != nil {
		return "", err
	}
	id := p2p.ID(rd.rest())
	if !isEd25519(id) {
		return "", ErrProtocol
	}
	return id, nil
}

func parseDone(b []byte) error {
	rd, err := answer(b)
	if err != nil {
		return err
	}
	if rd.end() != nil {
		return ErrProtocol
	}
	return nil
}

// readFrame reads one frame into a slice of its own. Nothing is allocated before
// the length has been checked.
func readFrame(r io.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint16(head[:])
	if n == 0 || n > maxFrame {
		return nil, fmt.Errorf("%w: %d bytes", errFrame, n)
	}
	body := make([]byte, n)
	_, err := io.ReadFull(r, body)
	return body, err
}

// writeFrame sends one frame in a single Write.
func writeFrame(w io.Writer, body []byte) error {
	b := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(body)), uint16(len(body)))
	_, err := w.Write(append(b, body...))
	return err
}

// appendBytes writes a length byte and v, which has at most 255 bytes.
func appendBytes(b, v []byte) []byte {
	return append(append(b, byte(len(v))), v...)
}

// reader takes fields from a body. After the first field that is missing every
// further one is zero and end returns the error, so parsers check once.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail() { r.b, r.err = nil, io.ErrUnexpectedEOF }

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if v := r.take(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (r *reader) int64() int64 {
	if v := r.take(8); v != nil {
		return int64(binary.BigEndian.Uint64(v))
	}
	return 0
}

func (r *reader) bytes() []byte { return r.take(int(r.byte())) }

func (r *reader) rest() []byte { return r.take(len(r.b)) }

func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		return fmt.Errorf("%d bytes too many", len(r.b))
	}
	return r.err
}
