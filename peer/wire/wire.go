// Package wire turns the messages of a session into bytes and back. It is
// pure: no goroutine, no clock, no network. Everything that comes from the
// other side after decryption passes through here, so every length is checked
// before it is believed, every text is cleaned, and every parser is fuzzed.
//
// A channel is a byte stream (peer/secure seals it). On it stand messages:
//
//	u32  length of what follows, big endian like every number here; on the
//	     screen channel a varint of 1 to 4 bytes instead
//	u8   type
//	u32  sequence number            not on the screen channel
//	     body
//
// The varint is that of encoding/binary (7 bits a byte, low ones first), in its
// shortest form. The echo of a key is some 60 bytes: there four bytes of length
// would count. The other channels are padded anyway.
//
// Control, input and clipboard messages are numbered from 1 on, for each direction and
// for the whole life of the session: a path can break in the middle of
// anything, so the sender keeps what was not acknowledged and sends it again
// on the next path, and the receiver drops what it has had (Outbox, Inbox).
// Number 0 stands for messages that may be lost: acknowledgements, pings, points.
//
//	channel  direction  messages
//	control  V>H        Hello Want Pass Point Size Candidates Bye Ack Ping Pong
//	         H>V        Asking Accept Deny Grants Roster Denied Points Candidates Bye Ack Ping Pong
//	input    V>H        Key Pointer Release
//	         H>V        Ack
//	clips    both       Clip Ack
//	screen   H>V        Frame Cursor Layout Moved
//	         V>H        Shown Reset Hide
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrMalformed is wrapped by every error about bytes that break the protocol.
var ErrMalformed = errors.New("malformed message")

// Type is the kind of a message; each channel counts its own.
type Type uint8

// Sizes that a reader accepts, in bytes of type, number and body.
const (
	maxControl = 16 << 10
	maxInput   = 64
	maxClips   = MaxClip + 64
	// A frame may have 16 MiB (SECURITY-DESIGN, section 11) and its header.
	maxScreen = 16<<20 + 64
)

// limit is the largest message of a channel.
func (c Channel) limit() int {
	switch c {
	case Input:
		return maxInput
	case Clips:
		return maxClips
	case Screen:
		return maxScreen
	}
	return maxControl
}

// short tells whether messages of the channel begin with a varint.
func (c Channel) short() bool { return c == Screen }

// numbered tells whether messages of the channel carry a sequence number.
func (c Channel) numbered() bool { return c == Control || c == Input || c == Clips }

// Append adds one whole message to dst: length, type, number if the channel
// has them, and body.
func Append(dst []byte, ch Channel, t Type, seq uint32, body []byte) []byte {
	n := 1 + len(body)
	if ch.numbered() {
		n += 4
	}
	if ch.short() {
		dst = binary.AppendUvarint(dst, uint64(n))
	} else {
		dst = binary.BigEndian.AppendUint32(dst, uint32(n))
	}
	dst = append(dst, byte(t))
	if ch.numbered() {
		dst = binary.BigEndian.AppendUint32(dst, seq)
	}
	return append(dst, body...)
}

// Reader reads the messages of one channel. It owns one buffer that grows as
// bytes really arrive, never by what a length field says.
type Reader struct {
	r   io.Reader
	ch  Channel
	buf []byte
}

// NewReader reads messages of channel ch from r.
func NewReader(r io.Reader, ch Channel) *Reader { return &Reader{r: r, ch: ch} }

// grow is how far the buffer runs ahead of what has arrived, in bytes.
const grow = 256 << 10

// Next returns one message. The body is valid until the next call. The error
// is io.EOF only between messages; a stream that ends within one gives
// io.ErrUnexpectedEOF.
func (r *Reader) Next() (t Type, seq uint32, body []byte, err error) {
	if cap(r.buf) < 64 {
		r.buf = make([]byte, 4<<10)
	}
	n, err := r.length()
	if err != nil {
		return 0, 0, nil, err
	}
	head := 1
	if r.ch.numbered() {
		head = 5
	}
	if n < head || n > r.ch.limit() {
		return 0, 0, nil, fmt.Errorf("%w: %d bytes on the %s channel", ErrMalformed, n, r.ch)
	}
	if err := r.fill(n); err != nil {
		return 0, 0, nil, err
	}
	if head == 5 {
		seq = binary.BigEndian.Uint32(r.buf[1:])
	}
	return Type(r.buf[0]), seq, r.buf[head:n:n], nil
}

// length reads what stands before a message.
func (r *Reader) length() (int, error) {
	if r.ch.short() {
		return r.varint()
	}
	if _, err := io.ReadFull(r.r, r.buf[:4]); err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint32(r.buf)), nil
}

// varint reads a number of at most 28 bits, byte by byte: what follows may not
// have arrived yet.
func (r *Reader) varint() (n int, err error) {
	for i := range maxVarint {
		if _, err := io.ReadFull(r.r, r.buf[:1]); err != nil {
			if i > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		b := r.buf[0]
		n |= int(b&0x7f) << (7 * i)
		if b < 0x80 {
			if b == 0 && i > 0 {
				break // not the shortest form
			}
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: length on the %s channel", ErrMalformed, r.ch)
}

// maxVarint bytes hold every length up to maxScreen.
const maxVarint = 4

// fill reads n bytes into the buffer, which grows step by step.
func (r *Reader) fill(n int) error {
	for have := 0; have < n; {
		to := min(n, have+grow)
		if to > cap(r.buf) {
			bigger := make([]byte, min(n, max(to, 2*cap(r.buf))))
			copy(bigger, r.buf[:have])
			r.buf = bigger
		}
		r.buf = r.buf[:cap(r.buf)]
		if _, err := io.ReadFull(r.r, r.buf[have:to]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		have = to
	}
	return nil
}

// parser takes a body apart. The first thing that does not fit sets bad, and
// everything after it reads as zero, so that parsers stay straight lines.
type parser struct {
	b   []byte
	bad bool
}

func (p *parser) take(n int) []byte {
	if p.bad || n < 0 || n > len(p.b) {
		p.bad = true
		return nil
	}
	out := p.b[:n:n]
	p.b = p.b[n:]
	return out
}

func (p *parser) u8() uint8 {
	if b := p.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (p *parser) u16() uint16 {
	if b := p.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (p *parser) u32() uint32 {
	if b := p.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (p *parser) u64() uint64 {
	if b := p.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// text is a u8 length and that many bytes, cleaned to at most limit bytes.
func (p *parser) text(limit int) string { return Clean(string(p.take(int(p.u8()))), limit) }

// end is the verdict: everything was there and nothing is left. Bytes that a
// later version may add are an error today, because both ends speak the
// version that the handshake agreed on.
func (p *parser) end(what string) error {
	if p.bad {
		return fmt.Errorf("%w: %s is too short", ErrMalformed, what)
	}
	if len(p.b) > 0 {
		return fmt.Errorf("%w: %s has %d bytes too many", ErrMalformed, what, len(p.b))
	}
	return nil
}

// appendText is what parser.text reads; it never writes more than limit bytes.
func appendText(dst []byte, s string, limit int) []byte {
	s = Clean(s, min(limit, 255))
	return append(append(dst, byte(len(s))), s...)
}
