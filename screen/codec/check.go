package codec

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"

	"sightline/screen"
)

// A band of rows is summed up with every 16th message, so that a picture of
// 1080 rows is gone over within 272 messages, at some 50 µs each: often enough
// to notice a fault within seconds of activity, too cheap to be felt.
const (
	checkEvery = 16
	bandRows   = 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// bandTurn is the row at which the next band begins.
type bandTurn int

// due tells whether the message with this number carries a check.
func (t *bandTurn) due(seq byte) bool { return seq%checkEvery == checkEvery-1 }

// next gives the band of a picture h px high, and moves on.
func (t *bandTurn) next(h int) (y, rows int) {
	y = int(*t)
	rows = min(bandRows, h-y)
	*t = bandTurn(y + rows)
	if int(*t) >= h {
		*t = 0
	}
	return y, rows
}

// bandSum is the CRC-32C of whole rows.
func bandSum(f *screen.Frame, y, rows int) uint32 {
	var sum uint32
	for ; rows > 0; rows-- {
		sum = crc32.Update(sum, castagnoli, f.Row(y, f.Rect.Min.X, f.Rect.Max.X))
		y++
	}
	return sum
}

// appendCheck sums up the next band.
func (v *view) appendCheck(dst []byte) []byte {
	y, rows := v.band.next(v.shown.Rect.Dy())
	v.light(image.Rect(0, y, v.shown.Rect.Dx(), y+rows))
	return appendSum(dst, v.shown, y, rows)
}

// appendSum sums up whole rows.
func appendSum(dst []byte, f *screen.Frame, y, rows int) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, uint16(y))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(rows))
	return binary.LittleEndian.AppendUint32(dst, bandSum(f, y, rows))
}

// verify compares a band of the picture with the host's sum of it.
func verify(f *screen.Frame, check []byte) error {
	if len(check) != checkSize {
		return fmt.Errorf("%w: check of %d bytes", ErrMalformed, len(check))
	}
	y, rows := int(binary.LittleEndian.Uint16(check)), int(binary.LittleEndian.Uint16(check[2:]))
	if rows < 1 || y > f.Rect.Dy() || rows > f.Rect.Dy()-y {
		return fmt.Errorf("%w: check of rows %d+%d", ErrMalformed, y, rows)
	}
	if bandSum(f, y, rows) != binary.LittleEndian.Uint32(check[4:]) {
		return fmt.Errorf("rows %d to %d differ: %w", y, y+rows, ErrDesync)
	}
	return nil
}

// Check appends a message that changes nothing and sums up some of what the viewer
// has of a picture; nothing if it was not told of the picture yet.
func (e *TilesEncoder) Check(dst []byte, id screen.PictureID) []byte {
	v := e.views[id]
	if v == nil || v.fresh || v.cover != nil {
		return dst
	}
	m := &e.message
	m.begin(e, v, &screen.Change{Picture: id, Frame: v.shown}, Budget{}, dst)
	m.section(kindCheck)
	m.msg = v.appendCheck(m.msg)
	return m.close()
}

// sumPixels is how many pixels of a still picture one message sums up: some 2 ms.
const sumPixels = 4 << 20

// Sure tells whether a picture is exact and was summed up, all of it, since it last
// changed. One that the viewer was not told of is.
func (e *TilesEncoder) Sure(id screen.PictureID) bool {
	v := e.views[id]
	return v == nil || v.fresh || v.lossy.Len() == 0 && v.summed >= v.shown.Rect.Dy()
}

// Sum appends a message that sums up the next part of a picture that stands still,
// until it is Sure: a fault that no later message would touch is found out.
func (e *TilesEncoder) Sum(dst []byte, id screen.PictureID) []byte {
	v := e.views[id]
	if v == nil || v.fresh || v.cover != nil || e.Sure(id) {
		return dst
	}
	m := &e.message
	m.begin(e, v, &screen.Change{Picture: id, Frame: v.shown}, Budget{}, dst)
	m.section(kindCheck)
	rows := min(max(sumPixels/v.shown.Rect.Dx(), 1), v.shown.Rect.Dy()-v.summed)
	m.msg = appendSum(m.msg, v.shown, v.summed, rows)
	v.summed += rows
	return m.close()
}
