package kern

import (
	"bytes"
	"encoding/binary"
	"math/bits"
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

// HashRow returns a hash of a row of pixels, whose length in bytes is a
// multiple of 4; the unused bytes do not count. It is fast and spreads well
// but stands against no adversary: whoever finds equal hashes compares the
// pixels. Its value may change between versions and belongs in no stream.
//
// Stripes of eight pixels go into four lanes of 64 bits, keyed by lane and
// stripe; the tail is a stripe filled with zeros.
func HashRow(bgrx []byte) uint64 {
	acc := [4]uint64{}
	whole := len(bgrx) &^ (hashStripe - 1)
	if useAVX2 && whole > 0 {
		hashStripesAVX2(&acc, &bgrx[0], whole/hashStripe)
	} else {
		hashStripesGo(&acc, bgrx[:whole], 0)
	}
	if whole < len(bgrx) {
		var tail [hashStripe]byte
		copy(tail[:], bgrx[whole:])
		hashStripesGo(&acc, tail[:], uint64(whole/hashStripe))
	}
	h := uint64(len(bgrx)) * hashStep
	for _, v := range acc {
		h = bits.RotateLeft64(h, 23) ^ avalanche(v)
	}
	return avalanche(h)
}

const (
	hashStripe = 32
	hashPixels = 0x00ffffff_00ffffff
	// hashStep is 2^64 divided by the golden ratio, odd.
	hashStep = 0x9e3779b97f4a7c15
)

// hashKeys start the keys of the lanes: digits of the fractions of the
// square roots of 2, 3, 5 and 7.
var hashKeys = [4]uint64{0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1}

// hashStripesGo adds whole stripes to acc, the first being stripe number n
// of the row. Each lane adds the product of its keyed halves, and the pixels
// themselves so that a half of zero loses nothing.
func hashStripesGo(acc *[4]uint64, p []byte, n uint64) {
	for ; len(p) >= hashStripe; p = p[hashStripe:] {
		for i := range acc {
			x := binary.LittleEndian.Uint64(p[8*i:]) & hashPixels
			k := x ^ (hashKeys[i] + n*hashStep)
			acc[i] += bits.RotateLeft64(x, 32) + (k&0xffffffff)*(k>>32)
		}
		n++
	}
}

// avalanche lets every bit of v reach every bit of the result.
func avalanche(v uint64) uint64 {
	v ^= v >> 32
	v *= 0xd6e8feb86659fd93
	v ^= v >> 29
	v *= hashStep
	return v ^ v>>32
}
