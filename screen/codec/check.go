package codec

import (
	"encoding/binary"
	"hash/crc32"

	"sightline/screen"
)

// A band of rows is summed up with every fourth message, so that a picture of
// 1080 rows is gone over within 68 messages, at some 15 µs each: often enough
// to notice a fault within seconds of activity, too cheap to be felt.
const (
	checkEvery = 4
	bandRows   = 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// bandTurn is the row at which the next band begins.
type bandTurn int

// due tells whether the message with this number carries a check.
func (t *bandTurn) due(seq uint32) bool { return seq%checkEvery == checkEvery-1 }

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

func putCheck(b []byte, y, rows int, sum uint32) {
	binary.LittleEndian.PutUint16(b, uint16(y))
	binary.LittleEndian.PutUint16(b[2:], uint16(rows))
	binary.LittleEndian.PutUint32(b[4:], sum)
}
