package config

import (
	"fmt"
	"strings"
	"unicode"
)

// UsageError is a mistake in a command line, a variable or the settings file:
// exit code 2. Every error of this package that a person can mend is one.
type UsageError struct {
	Msg    string // one sentence, lower case, without full stop
	Advice string // what to do; may be empty
}

func (e *UsageError) Error() string { return e.Msg }

// Hint is the advice, under the name that every error of the program has for it.
func (e *UsageError) Hint() string { return e.Advice }

func usage(format string, args ...any) *UsageError {
	return &UsageError{Msg: fmt.Sprintf(format, args...)}
}

func (e *UsageError) advise(format string, args ...any) *UsageError {
	e.Advice = fmt.Sprintf(format, args...)
	return e
}

// at puts the place of a mistake in front of its sentence.
func (e *UsageError) at(place string) *UsageError {
	return &UsageError{Msg: place + ": " + e.Msg, Advice: e.Advice}
}

// nearest returns the known word that a typo most likely meant, or "". Two slips
// are forgiven, three in a long word: more would be guessing.
func nearest(word string, known []string) string {
	best, found := min(2, len(word)/2)+1, ""
	if len(word) > 9 {
		best++
	}
	for _, k := range known {
		if d := distance(word, k); d < best {
			best, found = d, k
		}
	}
	return found
}

// distance is the number of letters to insert, delete, change or swap with
// their neighbour to come from a to b (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64 // nobody mistypes that much; keeps the table small
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// visible makes text of unknown origin safe for a terminal and short.
func visible(s string) string {
	s = clean(s)
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:59]) + "…"
	}
	return s
}

// clean makes text safe for a terminal at its full length: paths.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// unprintable are control characters and those that hide or reorder text
// (SECURITY-DESIGN, section 11: C0, C1, bidi, zero-width).
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}
