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

// FrameNumbers is how many frames can be told apart: as many as a Pacer lets
// be unacknowledged at once.
const FrameNumbers = 64

// FrameHead stands before the codec's bytes in a Frame message.
//
//	u8 head | codec message
//
//	bits 0..5  number: counts up from stream to stream, modulo 64
//	bit  6     ask: the host waits for the acknowledgement; without it the
//	           viewer may merge it with later ones
//	bit  7     exact: the viewer's picture equals the host's once this frame
//	           is shown
type FrameHead struct {
	Number uint8 // less than FrameNumbers
	Ask    bool
	Exact  bool
}

const (
	flagAsk   = 0x40
	flagExact = 0x80
)

func (h FrameHead) byte() byte {
	b := h.Number % FrameNumbers
	if h.Ask {
		b |= flagAsk
	}
	if h.Exact {
		b |= flagExact
	}
	return b
}

// frameRoom is the longest that may stand before the codec's bytes.
const frameRoom = maxVarint + 2

// BeginFrame leaves room in dst for what stands before the codec's bytes,
// which are appended next. What it is, is known only after that: see
// FinishFrame.
func BeginFrame(dst []byte) []byte { return append(dst, make([]byte, frameRoom)...) }

// FinishFrame makes a Frame message of what was appended since BeginFrame was
// called with start bytes in b, and returns b with the message at its end. The
// room is seldom used up, so either the message moves to the front or, where
// nothing stands before it, the result begins a few bytes behind b.
func FinishFrame(b []byte, start int, h FrameHead) []byte {
	var head [frameRoom]byte
	n := binary.PutUvarint(head[:], uint64(len(b)-start-frameRoom+2))
	head[n], head[n+1] = byte(TypeFrame), h.byte()
	n += 2
	if start == 0 {
		copy(b[frameRoom-n:], head[:n])
		return b[frameRoom-n:]
	}
	copy(b[start:], head[:n])
	return append(b[:start+n], b[start+frameRoom:]...)
}

// ParseFrame takes the head off a Frame's body. The rest shares b's memory.
func ParseFrame(b []byte) (FrameHead, []byte, error) {
	p := parser{b: b}
	v := p.u8()
	if p.bad {
		return FrameHead{}, nil, fmt.Errorf("%w: head of a frame", ErrMalformed)
	}
	return FrameHead{Number: v % FrameNumbers, Ask: v&flagAsk != 0, Exact: v&flagExact != 0}, p.b, nil
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
	Main Box // without the menus that reach over the window's edge; zero: all
	Over Box // around such a menu; zero: there is none
}

// Box is a part of a picture, px from its top left corner.
type Box struct{ X, Y, W, H uint16 }

func (b Box) append(dst []byte) []byte {
	for _, v := range [...]uint16{b.X, b.Y, b.W, b.H} {
		dst = binary.BigEndian.AppendUint16(dst, v)
	}
	return dst
}

// box is a Box within a picture of w by h px: zero, or with pixels in it.
func (p *parser) box(w, h uint16) Box {
	b := Box{p.u16(), p.u16(), p.u16(), p.u16()}
	if b != (Box{}) && (b.W == 0 || b.H == 0 || int(b.X)+int(b.W) > int(w) || int(b.Y)+int(b.H) > int(h)) {
		p.bad = true
	}
	return b
}

// maxPictures of a layout; as screen.MaxPictures.
const maxPictures = 16

// AppendLayout adds the body of a Layout.
//
//	u8 count | count times: u8 id | i32 x | i32 y | u16 w | u16 h | u8 n, name | main | over
//
//	main, over: u16 x | u16 y | u16 w | u16 h
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
		dst = q.Over.append(q.Main.append(dst))
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
		q.Main, q.Over = p.box(q.W, q.H), p.box(q.W, q.H)
		if seen[q.ID] {
			return nil, fmt.Errorf("%w: picture %d twice", ErrMalformed, q.ID)
		}
		seen[q.ID] = true
		pics = append(pics, q)
	}
	return pics, p.end("layout")
}

// ShownFrame is the viewer's acknowledgement: frame Number, and all before it,
// are on its screen, and have been for so long. Took is what the viewer needed to
// decode and draw it, once it had arrived and the frame before was drawn.
//
//	u8 number (0..63) | u16 held (100 us) | u16 took (100 us)
type ShownFrame struct {
	Number uint8
	Held   time.Duration
	Took   time.Duration
}

// shownUnit of ShownFrame; the longest that a u16 holds is 6.5 s.
const shownUnit = 100 * time.Microsecond

// Append adds the body of the message.
func (m ShownFrame) Append(dst []byte) []byte {
	dst = append(dst, m.Number%FrameNumbers)
	for _, d := range [...]time.Duration{m.Held, m.Took} {
		dst = binary.BigEndian.AppendUint16(dst, uint16(min(max(d/shownUnit, 0), 1<<16-1)))
	}
	return dst
}

// ParseShown reads the body of a Shown.
func ParseShown(b []byte) (ShownFrame, error) {
	p := parser{b: b}
	m := ShownFrame{Number: p.u8()}
	m.Held, m.Took = time.Duration(p.u16())*shownUnit, time.Duration(p.u16())*shownUnit
	if m.Number >= FrameNumbers {
		p.bad = true
	}
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
