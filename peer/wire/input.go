package wire

import (
	"encoding/binary"
	"fmt"
)

// Types of the input channel. Its Ack is TypeInputAck.
const (
	TypeKey Type = iota + 1
	TypePointer
	TypeRelease
	TypeInputAck
)

// KeyInput is a key by its keysym.
//
//	u32 keysym | u8 down (0 or 1)
type KeyInput struct {
	Sym  uint32
	Down bool
}

// maxSym is the largest keysym: a Unicode character is 0x01000000 + code point.
const maxSym = 0x0110ffff

// Append adds the body of the message.
func (m KeyInput) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, m.Sym)
	if m.Down {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// ParseKey reads the body of a Key. Vendor keysyms (0x1008ffxx, "XF86…", and
// the like up to 0x1fffffff) pass: the injector looks them up in a table.
func ParseKey(b []byte) (KeyInput, error) {
	p := parser{b: b}
	m := KeyInput{Sym: p.u32()}
	down := p.u8()
	m.Down = down == 1
	vendor := m.Sym>>28 == 1
	if down > 1 || m.Sym == 0 || (m.Sym > maxSym && !vendor) {
		return KeyInput{}, fmt.Errorf("%w: key 0x%x state %d", ErrMalformed, m.Sym, down)
	}
	return m, p.end("key")
}

// PointerInput is the state of the viewer's pointer after a change.
//
//	u8 picture | u16 x | u16 y | u8 buttons | i8 wheel x | i8 wheel y
type PointerInput struct {
	Picture        uint8
	X, Y           uint16 // px of the picture
	Buttons        uint8  // screen.Buttons
	WheelX, WheelY int8   // steps
}

// Append adds the body of the message.
func (m PointerInput) Append(dst []byte) []byte {
	dst = append(dst, m.Picture)
	dst = binary.BigEndian.AppendUint16(dst, m.X)
	dst = binary.BigEndian.AppendUint16(dst, m.Y)
	return append(dst, m.Buttons, byte(m.WheelX), byte(m.WheelY))
}

// ParsePointer reads the body of a Pointer. Whether the place lies in the
// picture is for the host to check: only it knows the picture's size now.
func ParsePointer(b []byte) (PointerInput, error) {
	p := parser{b: b}
	m := PointerInput{Picture: p.u8(), X: p.u16(), Y: p.u16(), Buttons: p.u8(), WheelX: int8(p.u8()), WheelY: int8(p.u8())}
	if m.Buttons > 31 {
		return PointerInput{}, fmt.Errorf("%w: buttons 0x%x", ErrMalformed, m.Buttons)
	}
	return m, p.end("pointer")
}
