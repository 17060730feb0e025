package codec

import (
	"encoding/binary"
	"fmt"
	"image"

	"sightline/screen"
)

// mostMoved is how many pixels the moves of one message may move in all: an honest
// one moves each once or twice, a hostile one must not keep the viewer busy.
func mostMoved(picture image.Rectangle) int { return 4 * area(picture) }

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }

// appendMoves writes the body of a section of moves; its numbers were checked
// against the picture.
func appendMoves(dst []byte, moves []screen.Move) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(moves)))
	for _, m := range moves {
		for _, v := range [...]int{m.To.Min.X, m.To.Min.Y, m.To.Dx(), m.To.Dy(), m.From.X, m.From.Y} {
			dst = binary.AppendUvarint(dst, uint64(v))
		}
	}
	return dst
}

// parseMoves appends the moves of a section to dst. Both places of each lie in
// box.
func parseMoves(dst []screen.Move, b []byte, box image.Rectangle) ([]screen.Move, error) {
	n, b, err := uvarint(b, maxMoves)
	if err != nil {
		return dst, err
	}
	for range n {
		var v [6]int
		for i := range v {
			if v[i], b, err = uvarint(b, screen.MaxSide); err != nil {
				return dst, err
			}
		}
		w, h := box.Dx(), box.Dy()
		if v[2] < 1 || v[3] < 1 || v[0]+v[2] > w || v[1]+v[3] > h || v[4]+v[2] > w || v[5]+v[3] > h {
			return dst, fmt.Errorf("%w: move of %v", ErrMalformed, v)
		}
		dst = append(dst, screen.Move{To: image.Rect(v[0], v[1], v[0]+v[2], v[1]+v[3]), From: image.Pt(v[4], v[5])})
	}
	if len(b) != 0 || n == 0 {
		return dst, fmt.Errorf("%w: %d moves and %d bytes", ErrMalformed, n, len(b))
	}
	return dst, nil
}

// uvarint reads a number of at most most from the start of b.
func uvarint(b []byte, most int) (v int, rest []byte, err error) {
	u, n := binary.Uvarint(b)
	if n <= 0 || u > uint64(most) {
		return 0, nil, fmt.Errorf("%w: number out of range", ErrMalformed)
	}
	return int(u), b[n:], nil
}

// possible tells whether both places of a move lie in box.
func possible(m screen.Move, box image.Rectangle) bool {
	from := m.To.Sub(m.To.Min).Add(m.From)
	return !m.To.Empty() && m.To.In(box) && from.In(box) && m.From != m.To.Min
}
