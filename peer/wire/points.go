package wire

import (
	"encoding/binary"
	"fmt"
)

// Point is where a viewer points, of its own hand: what its messages on the input
// channel do not tell because it may not act now. It may be lost; the last one counts.
//
//	u8 picture | u16 x | u16 y
type Point struct {
	Picture uint8
	X, Y    uint16 // px of that picture
}

// Append adds the body of the message.
func (m Point) Append(dst []byte) []byte {
	dst = append(dst, m.Picture)
	dst = binary.BigEndian.AppendUint16(dst, m.X)
	return binary.BigEndian.AppendUint16(dst, m.Y)
}

// ParsePoint reads the body of a Point. Whether there is such a place only the host
// knows.
func ParsePoint(b []byte) (Point, error) {
	p := parser{b: b}
	m := p.point()
	return m, p.end("point")
}

func (p *parser) point() Point { return Point{Picture: p.u8(), X: p.u16(), Y: p.u16()} }

// Points tells a viewer where others point: those who moved since the last one. It
// may be lost; who is not heard of for some seconds points nowhere.
//
//	u8 count | count times: u32 seat | point
type Points []SeatPoint

// SeatPoint is where one viewer points.
type SeatPoint struct {
	Seat uint32 // as in the Roster
	Point
}

// Append adds the body of the message; what is over MaxWatchers is left out.
func (m Points) Append(dst []byte) []byte {
	m = m[:min(len(m), MaxWatchers)]
	dst = append(dst, byte(len(m)))
	for _, s := range m {
		dst = s.Point.Append(binary.BigEndian.AppendUint32(dst, s.Seat))
	}
	return dst
}

// ParsePoints reads the body of a Points.
func ParsePoints(b []byte) (Points, error) {
	p := parser{b: b}
	n := int(p.u8())
	if n > MaxWatchers {
		return nil, fmt.Errorf("%w: %d points", ErrMalformed, n)
	}
	m := Points{}
	for range n {
		m = append(m, SeatPoint{Seat: p.u32(), Point: p.point()})
	}
	return m, p.end("points")
}
