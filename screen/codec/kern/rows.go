package kern

import "bytes"

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
