package wire

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName and MaxTitle bound text that comes from the other side, in bytes
// (SECURITY-DESIGN, section 11).
const (
	MaxName  = 64
	MaxTitle = 256
)

// Clean makes text of a stranger fit for a terminal, a window title or a log:
// control characters (C0, C1, ESC), format characters (bidi overrides,
// zero-width marks, tags) and invalid UTF-8 are removed, line and paragraph
// separators become spaces, and no more than limit bytes are kept, cut at a
// character's border. Cleaning twice changes nothing.
func Clean(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
			continue
		case unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			r = ' '
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
