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
// zero-width marks, tags), everything else that shows nothing and invalid UTF-8
// are removed, line and paragraph separators become spaces, and no more than
// limit bytes are kept, cut at a character's border. Cleaning twice changes
// nothing.
func Clean(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.In(r, unseen...):
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

// unseen are characters that no name needs and that make two names look alike
// or hide text inside one: format and private use characters, and what Unicode
// calls default ignorable (fillers, joiners, variation selectors, and code
// points reserved for more of their kind).
var unseen = []*unicode.RangeTable{
	unicode.Cf, unicode.Co, unicode.Other_Default_Ignorable_Code_Point,
	unicode.Variation_Selector, unicode.Noncharacter_Code_Point,
}
