package codec

import (
	"encoding/binary"
	"fmt"
	"image"

	"sightline/screen"
)

// appendMove writes one move; its numbers were checked against the picture.
func appendMove(dst []byte, m screen.Move) []byte {
	for _, v := range [...]int{m.To.Min.X, m.To.Min.Y, m.To.Dx(), m.To.Dy(), m.From.X, m.From.Y} {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(v))
	}
	return dst
}

// parseMoves appends the moves at the start of b to dst and returns the bytes
// after them. Both places of each lie in box.
func parseMoves(dst []screen.Move, b []byte, box image.Rectangle) ([]screen.Move, []byte, error) {
	if len(b) < 2 {
		return dst, nil, fmt.Errorf("%w: moves cut off", ErrMalformed)
	}
	n := int(binary.LittleEndian.Uint16(b))
	b = b[2:]
	if n < 1 || n > screen.MaxRects || len(b) < n*moveSize {
		return dst, nil, fmt.Errorf("%w: %d moves", ErrMalformed, n)
	}
	for range n {
		var v [6]int
		for i := range v {
			v[i] = int(binary.LittleEndian.Uint16(b[2*i:]))
		}
		b = b[moveSize:]
		w, h := box.Dx(), box.Dy()
		if v[2] < 1 || v[3] < 1 || v[0]+v[2] > w || v[1]+v[3] > h || v[4]+v[2] > w || v[5]+v[3] > h {
			return dst, nil, fmt.Errorf("%w: move of %v", ErrMalformed, v)
		}
		dst = append(dst, screen.Move{To: image.Rect(v[0], v[1], v[0]+v[2], v[1]+v[3]), From: image.Pt(v[4], v[5])})
	}
	return dst, b, nil
}
