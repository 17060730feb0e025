package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"unicode/utf8"
)

// Types of the clipboard channel. Its Ack is TypeClipAck.
const (
	TypeClip Type = iota + 1
	TypeClipAck
)

// MaxClip is how much may be copied at once, in bytes (SECURITY-DESIGN,
// section 11): text and pictures alike.
const MaxClip = 1 << 20

// Clip is what was copied on one side, for the clipboard of the other.
//
//	u8 0 CLIPBOARD, 1 PRIMARY (what is marked, on X11) | u8 0 text, 1 picture | data
//
// Text is UTF-8 without NUL, a picture is a PNG. An empty one is malformed.
type Clip struct {
	Primary, Picture bool
	Data             []byte
}

// Append adds the body of the message.
func (m Clip) Append(dst []byte) []byte {
	return append(append(dst, bit(m.Primary), bit(m.Picture)), m.Data...)
}

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// ParseClip reads the body of a Clip. Data is part of b. What a program here
// pastes has been looked at: text is text, a picture has a size that can be
// decoded, and nothing stands behind its end.
func ParseClip(b []byte) (Clip, error) {
	p := parser{b: b}
	where, kind := p.u8(), p.u8()
	m := Clip{Primary: where == 1, Picture: kind == 1, Data: p.b}
	if p.bad || where > 1 || kind > 1 {
		return Clip{}, fmt.Errorf("%w: clip of %d bytes, selection %d kind %d", ErrMalformed, len(b), where, kind)
	}
	return m, m.Check()
}

// Check tells why this cannot be sent; its error wraps ErrMalformed.
func (m Clip) Check() error {
	switch {
	case len(m.Data) == 0 || len(m.Data) > MaxClip:
		return fmt.Errorf("%w: clip of %d bytes", ErrMalformed, len(m.Data))
	case m.Picture:
		return checkPNG(m.Data)
	case !utf8.Valid(m.Data) || bytes.IndexByte(m.Data, 0) >= 0:
		return fmt.Errorf("%w: a clip that is no text", ErrMalformed)
	}
	return nil
}

var errPNG = fmt.Errorf("%w: a clip that is no PNG", ErrMalformed)

const (
	pngHead  = "\x89PNG\r\n\x1a\n"
	pngFrame = 12 // bytes of a chunk besides its data: length, type, CRC
	// A picture that somebody pastes is decoded by whatever program that is:
	// some kilobytes of zlib can say 2^31 x 2^31 px. The bounds are those of
	// our own pictures (SECURITY-DESIGN, section 11).
	pngSide   = 16384
	pngPixels = 1 << 26
)

// checkPNG walks over the chunks (PNG specification, section 5): all are whole,
// the header comes first and is sane, the end comes last.
func checkPNG(b []byte) error {
	rest, ok := bytes.CutPrefix(b, []byte(pngHead))
	if !ok {
		return errPNG
	}
	for first := true; ; first = false {
		if len(rest) < pngFrame {
			return errPNG
		}
		n := binary.BigEndian.Uint32(rest)
		if uint64(n)+pngFrame > uint64(len(rest)) {
			return errPNG
		}
		kind, data := string(rest[4:8]), rest[8:8+n]
		if crc32.ChecksumIEEE(rest[4:8+n]) != binary.BigEndian.Uint32(rest[8+n:]) || first != (kind == "IHDR") {
			return errPNG
		}
		rest = rest[n+pngFrame:]
		switch {
		case first && !sanePNG(data):
			return errPNG
		case kind == "IEND" && (n > 0 || len(rest) > 0):
			return errPNG
		case kind == "IEND":
			return nil
		}
	}
}

// sanePNG looks at the header: u32 width | u32 height | 5 bytes of format.
func sanePNG(head []byte) bool {
	if len(head) != 13 {
		return false
	}
	w, h := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
	return w > 0 && h > 0 && w <= pngSide && h <= pngSide && uint64(w)*uint64(h) <= pngPixels
}
