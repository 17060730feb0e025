package tui

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds one piece of foreign text on one line, in bytes. Names are cut
// at 64 and titles at 256 where they are parsed; error texts may name several
// tries.
const maxText = 600

// clean removes what could move the cursor, change colours or reorder a line:
// control characters, bidirectional and zero-width marks, private use and
// broken UTF-8. Line breaks and tabs become one space. Package peer/wire does
// the same where the bytes come in; this is the second wall, for text that came
// another way (an error of the operating system, a window's title).
func clean(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n', r == '\r', r == '\t', unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			r = ' '
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
			continue
		}
		if b.Len()+utf8.RuneLen(r) > maxText {
			break
		}
		b.WriteRune(r)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// name is clean for a name that may be empty.
func name(s string) string {
	if s = clean(s); s == "" {
		return "(no name)"
	}
	return s
}
