package secure

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"
)

// Lengths of the handshake's bodies; nothing else is accepted.
const (
	lenM1     = 32
	lenM2     = 38
	lenM3     = pointLen
	lenM4     = pointLen + macLen
	lenM5     = macLen + lenNoise1
	lenNoise1 = 48
	lenM6     = 225
	lenM7     = 193

	protocolVersion = 1
)

var magic = []byte("SLP1")

// suite is the cipher of the Noise layer and of all records.
const (
	suiteAESGCM     = 1
	suiteChaChaPoly = 2 // for viewers whose CPU has no AES instructions
)

// status is the host's first answer, byte 0 of M2.
type status byte

const (
	statusGo      status = 0
	statusWait    status = 1
	statusClosed  status = 2
	statusModeOff status = 3
	statusBusy    status = 4
	statusVersion status = 5
)

// m1 is the viewer's first message:
//
//	"SLP1" | version | mode | suite | flags=0 | number u64 | nonceV[16]
type m1 struct {
	version byte
	mode    Mode
	suite   byte
	number  uint64
	nonce   [16]byte
}

func (m m1) append(b []byte) []byte {
	b = append(b, magic...)
	b = append(b, m.version, byte(m.mode), m.suite, 0)
	b = binary.BigEndian.AppendUint64(b, m.number)
	return append(b, m.nonce[:]...)
}

// parseM1 reads lenM1 bytes. It leaves version, mode and suite to be judged by
// the host, which has answers for them.
func parseM1(b []byte) (m1, error) {
	if len(b) != lenM1 || !bytes.HasPrefix(b, magic) || b[7] != 0 {
		return m1{}, fmt.Errorf("%w: bad first message", ErrProtocol)
	}
	return m1{
		version: b[4],
		mode:    Mode(b[5]),
		suite:   b[6],
		number:  binary.BigEndian.Uint64(b[8:16]),
		nonce:   [16]byte(b[16:32]),
	}, nil
}

// m2 is the host's answer:
//
//	status | wait_s u32 | kdf_profile | salt[16] | nonceH[16]
//
// Unless status is 0, profile, salt and nonce are zero.
type m2 struct {
	status  status
	wait    uint32 // seconds
	profile byte
	salt    [saltLen]byte
	nonce   [16]byte
}

func (m m2) append(b []byte) []byte {
	b = append(b, byte(m.status))
	b = binary.BigEndian.AppendUint32(b, m.wait)
	b = append(b, m.profile)
	b = append(b, m.salt[:]...)
	return append(b, m.nonce[:]...)
}

func parseM2(b []byte) (m2, error) {
	if len(b) != lenM2 {
		return m2{}, fmt.Errorf("%w: bad answer", ErrProtocol)
	}
	return m2{
		status:  status(b[0]),
		wait:    binary.BigEndian.Uint32(b[1:5]),
		profile: b[5],
		salt:    [saltLen]byte(b[6:22]),
		nonce:   [16]byte(b[22:38]),
	}, nil
}

// err is what a viewer makes of a status.
func (m m2) err() error {
	switch m.status {
	case statusGo:
		return nil
	case statusWait:
		return &WaitError{For: time.Duration(m.wait) * time.Second}
	case statusClosed:
		return ErrClosed
	case statusModeOff:
		return ErrModeOff
	case statusBusy:
		return ErrBusy
	case statusVersion:
		return ErrVersion
	}
	return fmt.Errorf("%w: unknown status %d", ErrProtocol, m.status)
}

// waitSeconds rounds up: whoever comes back after it must not be too early.
func waitSeconds(d time.Duration) uint32 {
	s := (d + time.Second - 1) / time.Second
	return uint32(min(max(s, 1), math.MaxUint32))
}

// Limits of a handshake in time. Each read has its own, all have one together.
const (
	firstRead = 2 * time.Second  // M1: an idle stranger does not hold a place
	eachRead  = 10 * time.Second // a viewer stretches its secret between M2 and M3
	allReads  = 20 * time.Second
)

// talk moves the messages of one handshake over a stream.
type talk struct {
	s   Stream
	end time.Time // of the whole handshake
}

func newTalk(s Stream) *talk { return &talk{s: s, end: time.Now().Add(allReads)} }

// read returns a body of exactly n bytes. A length that differs is refused
// before anything is read or allocated for it.
func (t *talk) read(n int, within time.Duration) ([]byte, error) {
	limit := time.Now().Add(within)
	if limit.After(t.end) {
		limit = t.end
	}
	if err := t.s.SetDeadline(limit); err != nil {
		return nil, fmt.Errorf("limit the time of the handshake: %w", err)
	}
	var head [2]byte
	if _, err := io.ReadFull(t.s, head[:]); err != nil {
		return nil, fmt.Errorf("read the other side's message: %w", err)
	}
	if got := int(binary.BigEndian.Uint16(head[:])); got != n {
		return nil, fmt.Errorf("%w: message of %d bytes, expected %d", ErrProtocol, got, n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(t.s, body); err != nil {
		return nil, fmt.Errorf("read the other side's message: %w", err)
	}
	return body, nil
}

// write sends the parts as one message, in one Write.
func (t *talk) write(parts ...[]byte) error {
	b := make([]byte, 2, 256)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.BigEndian.PutUint16(b, uint16(len(b)-2))
	limit := time.Now().Add(eachRead)
	if limit.After(t.end) {
		limit = t.end
	}
	if err := t.s.SetDeadline(limit); err != nil {
		return fmt.Errorf("limit the time of the handshake: %w", err)
	}
	if _, err := t.s.Write(b); err != nil {
		return fmt.Errorf("send a handshake message: %w", err)
	}
	return nil
}
