package secure

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"sightline/peer/wire"
)

const (
	headerLen  = 13
	headerTime = 10 * time.Second
)

// Header is the clear beginning of a stream: sid[8] | type u8 | num u32. It is
// a claim; the first record proves it.
type Header struct {
	SID     [8]byte
	Channel wire.Channel
	Num     uint32
}

func (h Header) append(b []byte) []byte {
	b = append(b, h.SID[:]...)
	b = append(b, byte(h.Channel))
	return binary.BigEndian.AppendUint32(b, h.Num)
}

// ReadHeader reads the header of a stream that the other side opened, within
// 10 s and not a byte more than the header. On an error st is reset.
func ReadHeader(st Stream) (Header, error) {
	h, err := readHeader(st)
	if err != nil {
		st.Reset()
		return Header{}, fmt.Errorf("read a stream's header: %w", err)
	}
	return h, nil
}

func readHeader(st Stream) (Header, error) {
	if err := st.SetDeadline(time.Now().Add(headerTime)); err != nil {
		return Header{}, err
	}
	var b [headerLen]byte
	if _, err := io.ReadFull(st, b[:]); err != nil {
		return Header{}, err
	}
	return parseHeader(b), st.SetDeadline(noDeadline)
}

func parseHeader(b [headerLen]byte) Header {
	return Header{
		SID:     [8]byte(b[:8]),
		Channel: wire.Channel(b[8]),
		Num:     binary.BigEndian.Uint32(b[9:]),
	}
}

// window remembers which of the last 64 numbers were taken, counted 1, 2, 3 …
// per opener (num/2: viewer 2, 4, 6 gives 1, 2, 3; host 1, 3, 5 gives 0, 1, 2).
// Streams overtake each other on QUIC and on two paths, but not by 64.
// The zero value has seen nothing. Same idea as RFC 6479.
type window struct {
	top  uint32 // one more than the highest number taken; 0: none yet
	bits uint64 // bit i: top-1-i was taken
}

// take tells whether i is new and near enough, and marks it.
func (w *window) take(i uint32) bool {
	i++ // so that top 0 means none
	if i > w.top {
		w.bits = w.bits<<min(i-w.top, 64) | 1
		w.top = i
		return true
	}
	bit := uint64(1) << (w.top - i)
	if w.top-i >= 64 || w.bits&bit != 0 {
		return false
	}
	w.bits |= bit
	return true
}
