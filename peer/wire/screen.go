package wire

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Types of the screen channel.
const (
	TypeFrame Type = iota + 1
	TypeCursor
	TypeLayout
	TypeMoved
	TypeShown
	TypeReset
	TypeHide
)

// FrameHead stands before the codec's bytes in a Frame message. Number counts
// from 1 over the whole session, on whatever stream. Exact says that the
// viewer's picture equals the host's once this frame is shown.
//
//	u32 number | u8 flags (1 = exact) | codec message
type FrameHead struct {
	Number uint32
	Exact  bool
}

// AppendFrame starts a Frame message in dst: the length is filled in by
// FinishFrame, after the codec has appended its bytes.
func AppendFrame(dst []byte, h FrameHead) []byte {
	dst = append(dst, 0, 0, 0, 0, byte(TypeFrame))
	dst = binary.BigEndian.AppendUint32(dst, h.Number)
	if h.Exact {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// FinishFrame fills in the length, and the flag that may be known only after
// encoding, of the message that starts at msg[0].
func FinishFrame(msg []byte, exact bool) {
	binary.BigEndian.PutUint32(msg, uint32(len(msg)-4))
	if exact {
		msg[9] |= 1
	}
}

// ParseFrame takes the head off a Frame's body. The rest shares b's memory.
func ParseFrame(b []byte) (FrameHead, []byte, error) {
	p := parser{b: b}
	h := FrameHead{Number: p.u32()}
	flags := p.u8()
	h.Exact = flags&1 != 0
	if p.bad || flags > 1 {
		return FrameHead{}, nil, fmt.Errorf("%w: head of a frame", ErrMalformed)
	}
	return h, p.b, nil
}

// CursorState is the host's pointer. Shape holds codec bytes, none: as before.
//
//	u8 picture | u16 x | u16 y | u8 flags (1 = hidden) | shape
type CursorState struct {
	Picture uint8
	X, Y    uint16
	Hidden  bool
	Shape   []byte
}

// Append adds the body of the message.
func (m CursorState) Append(dst []byte) []byte {
	dst = append(dst, m.Picture)
	dst = binary.BigEndian.AppendUint16(dst, m.X)
	dst = binary.BigEndian.AppendUint16(dst, m.Y)
	flags := byte(0)
	if m.Hidden {
		flags = 1
	}
	return append(append(dst, flags), m.Shape...)
}

// ParseCursor reads the body of a Cursor; Shape shares b's memory.
func ParseCursor(b []byte) (CursorState, error) {
	p := parser{b: b}
	m := CursorState{Picture: p.u8(), X: p.u16(), Y: p.u16()}
	flags := p.u8()
	m.Hidden, m.Shape = flags&1 != 0, p.b
	if p.bad || flags > 1 {
		return CursorState{}, fmt.Errorf("%w: cursor", ErrMalformed)
	}
	return m, nil
}

// PictureInfo is one entry of a Layout.
type PictureInfo struct {
	ID   uint8
	X, Y int32 // px on the host's desktop
	W, H uint16
	Name string
}

// maxPictures of a layout; as screen.MaxPictures.
const maxPictures = 16

// AppendLayout adds the body of a Layout.
//
//	u8 count | count times: u8 id | i32 x | i32 y | u16 w | u16 h | u8 n, name
func AppendLayout(dst []byte, pics []PictureInfo) []byte {
	pics = pics[:min(len(pics), maxPictures)]
	dst = append(dst, byte(len(pics)))
	for _, q := range pics {
		dst = append(dst, q.ID)
		dst = binary.BigEndian.AppendUint32(dst, uint32(q.X))
		dst = binary.BigEndian.AppendUint32(dst, uint32(q.Y))
		dst = binary.BigEndian.AppendUint16(dst, q.W)
		dst = binary.BigEndian.AppendUint16(dst, q.H)
		dst = appendText(dst, q.Name, MaxName)
	}
	return dst
}

// ParseLayout reads the body of a Layout. IDs are distinct; sizes are checked
// by the receiver against screen.CheckSize.
func ParseLayout(b []byte) ([]PictureInfo, error) {
	p := parser{b: b}
	n := int(p.u8())
	if n > maxPictures {
		return nil, fmt.Errorf("%w: %d pictures", ErrMalformed, n)
	}
	var seen [256]bool
	pics := make([]PictureInfo, 0, n)
	for range n {
		q := PictureInfo{ID: p.u8(), X: int32(p.u32()), Y: int32(p.u32()), W: p.u16(), H: p.u16(), Name: p.text(MaxName)}
		if seen[q.ID] {
			return nil, fmt.Errorf("%w: picture %d twice", ErrMalformed, q.ID)
		}
		seen[q.ID] = true
		pics = append(pics, q)
	}
	return pics, p.end("layout")
}

// ShownFrame is the viewer's acknowledgement: frame Number is on its screen.
//
//	u32 number | u32 decode (µs) | u32 present (µs)
type ShownFrame struct {
	Number          uint32
	Decode, Present time.Duration
}

// Append adds the body of the message.
func (m ShownFrame) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, m.Number)
	dst = binary.BigEndian.AppendUint32(dst, micros(m.Decode))
	return binary.BigEndian.AppendUint32(dst, micros(m.Present))
}

// micros clamps a duration to what a u32 of microseconds holds (71 minutes).
func micros(d time.Duration) uint32 {
	return uint32(min(max(d.Microseconds(), 0), 1<<32-1))
}

// ParseShown reads the body of a Shown.
func ParseShown(b []byte) (ShownFrame, error) {
	p := parser{b: b}
	m := ShownFrame{Number: p.u32()}
	m.Decode = time.Duration(p.u32()) * time.Microsecond
	m.Present = time.Duration(p.u32()) * time.Microsecond
	return m, p.end("acknowledgement of a frame")
}

// ParseHide reads the body of a Hide: u8, 1 when the viewer's window is
// minimised and no picture is wanted, 0 when it is back.
func ParseHide(b []byte) (bool, error) {
	p := parser{b: b}
	v := p.u8()
	if v > 1 {
		p.bad = true
	}
	return v == 1, p.end("hide")
}
