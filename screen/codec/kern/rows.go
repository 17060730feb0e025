package kern

import (
	"bytes"
	"encoding/binary"
)

// EqualRows says whether h rows of n bytes are equal in a and b.
func EqualRows(a []byte, as int, b []byte, bs, n, h int) bool {
	if n <= 0 || h <= 0 {
		return true
	}
	check(a, as, n, h)
	check(b, bs, n, h)
	if useAVX2 && n%32 == 0 {
		return equalRowsAVX2(&a[0], as, &b[0], bs, n/32, h) != 0
	}
	return equalRowsGo(a, as, b, bs, n, h)
}

func equalRowsGo(a []byte, as int, b []byte, bs, n, h int) bool {
	for y := range h {
		if !bytes.Equal(a[y*as:][:n], b[y*bs:][:n]) {
			return false
		}
	}
	return true
}

// CopyColours copies pixels of 4 bytes, of which the last, which carries no colour, becomes
// zero. dst is at least as long as src.
func CopyColours(dst, src []byte) {
	n := len(src) / 32
	if useAVX2 && n > 0 {
		_ = dst[len(src)-1]
		copyColoursAVX2(&dst[0], &src[0], n)
		dst, src = dst[32*n:], src[32*n:]
	}
	copyColoursGo(dst, src)
}

// colours masks the last bytes out of two pixels.
const colours = 0x00ffffff_00ffffff

func copyColoursGo(dst, src []byte) {
	for len(src) >= 32 && len(dst) >= 32 { // four words a turn: a full frame is a million words
		d, s := (*[32]byte)(dst), (*[32]byte)(src)
		binary.LittleEndian.PutUint64(d[0:], binary.LittleEndian.Uint64(s[0:])&colours)
		binary.LittleEndian.PutUint64(d[8:], binary.LittleEndian.Uint64(s[8:])&colours)
		binary.LittleEndian.PutUint64(d[16:], binary.LittleEndian.Uint64(s[16:])&colours)
		binary.LittleEndian.PutUint64(d[24:], binary.LittleEndian.Uint64(s[24:])&colours)
		dst, src = dst[32:], src[32:]
	}
	for ; len(src) >= 4; dst, src = dst[4:], src[4:] {
		binary.LittleEndian.PutUint32(dst, binary.LittleEndian.Uint32(src)&(colours>>32))
	}
}
