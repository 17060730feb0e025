package wire

import (
	"encoding/binary"
	"image"
)

// AppendSize adds the body of a Size, with which a viewer tells how large the inside
// of its window is, px: a host whose display has no size of its own may take that.
//
//	u16 width | u16 height
func AppendSize(dst []byte, size image.Point) []byte {
	for _, n := range [...]int{size.X, size.Y} {
		dst = binary.BigEndian.AppendUint16(dst, uint16(min(max(n, 0), 1<<16-1)))
	}
	return dst
}

// ParseSize reads the body of a Size. What is too small or too large to be a display
// only the host knows.
func ParseSize(b []byte) (image.Point, error) {
	p := parser{b: b}
	size := image.Pt(int(p.u16()), int(p.u16()))
	return size, p.end("size")
}
