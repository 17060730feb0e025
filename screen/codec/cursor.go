package codec

import (
	"encoding/binary"
	"fmt"
	"image"
	"sync"

	"github.com/klauspost/compress/zstd"

	"sightline/screen"
)

const (
	cursorVersion = 1
	cursorHead    = 10
)

// Cursors are rare and small, so all share one packer and one unpacker, made
// when first needed; both are stateless and safe for concurrent use.
var (
	cursorPacker   = sync.OnceValue(newPacker)
	cursorUnpacker = sync.OnceValue(newUnpacker)
)

// AppendCursor writes a shape. What is larger than screen.MaxCursor is cut
// there, a hot spot outside comes to the nearest pixel, and a shape without
// (enough) pixels becomes one clear pixel.
func AppendCursor(dst []byte, s *screen.CursorShape) []byte {
	size := image.Pt(min(s.Size.X, screen.MaxCursor), min(s.Size.Y, screen.MaxCursor))
	if size.X < 1 || size.Y < 1 || len(s.Pix) < s.Size.X*s.Size.Y*screen.BytesPerPixel {
		s = &screen.CursorShape{Size: image.Pt(1, 1), Pix: make([]byte, screen.BytesPerPixel)}
		size = s.Size
	}
	hot := image.Pt(max(0, min(s.Hot.X, size.X-1)), max(0, min(s.Hot.Y, size.Y-1)))
	start := len(dst)
	dst = append(dst, cursorVersion, 0)
	for _, v := range [...]int{size.X, size.Y, hot.X, hot.Y} {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(v))
	}
	pix := cutCursor(s, size)
	packed := cursorPacker().EncodeAll(pix, dst)
	if len(packed)-start-cursorHead >= len(pix) {
		return append(dst, pix...)
	}
	packed[start+1] = 1
	return packed
}

// cutCursor gives the pixels of the top left part of a shape.
func cutCursor(s *screen.CursorShape, size image.Point) []byte {
	stride, n := s.Size.X*screen.BytesPerPixel, size.X*screen.BytesPerPixel
	if stride == n {
		return s.Pix[:n*size.Y]
	}
	pix := make([]byte, 0, n*size.Y)
	for y := range size.Y {
		pix = append(pix, s.Pix[y*stride:][:n]...)
	}
	return pix
}

// ParseCursor reads a shape. Colours above their alpha, which no premultiplied
// picture has, are brought down to it, so that blending cannot overflow.
func ParseCursor(b []byte) (*screen.CursorShape, error) {
	if len(b) < cursorHead || b[0] != cursorVersion || b[1] > 1 {
		return nil, fmt.Errorf("%w: cursor of %d bytes", ErrMalformed, len(b))
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	s := &screen.CursorShape{Size: image.Pt(u16(2), u16(4)), Hot: image.Pt(u16(6), u16(8))}
	if s.Size.X < 1 || s.Size.Y < 1 || s.Size.X > screen.MaxCursor || s.Size.Y > screen.MaxCursor || !s.Hot.In(image.Rectangle{Max: s.Size}) {
		return nil, fmt.Errorf("%w: cursor of %v with hot spot %v", ErrMalformed, s.Size, s.Hot)
	}
	var err error
	s.Pix, err = cursorPixels(b[cursorHead:], b[1] == 1, s.Size.X*s.Size.Y*screen.BytesPerPixel, cursorUnpacker)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(s.Pix); i += screen.BytesPerPixel {
		p := s.Pix[i : i+4 : i+4]
		p[0], p[1], p[2] = min(p[0], p[3]), min(p[1], p[3]), min(p[2], p[3])
	}
	return s, nil
}

// cursorPixels returns n bytes of pixels in memory of their own.
func cursorPixels(b []byte, packed bool, n int, unpacker func() *zstd.Decoder) ([]byte, error) {
	if !packed && len(b) != n || packed && len(b) > n {
		return nil, fmt.Errorf("%w: cursor of %d instead of %d bytes", ErrMalformed, len(b), n)
	}
	pix := make([]byte, n)
	if !packed {
		copy(pix, b)
		return pix, nil
	}
	return pix, unpack(unpacker(), pix, b)
}
