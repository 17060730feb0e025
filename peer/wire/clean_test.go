package wire

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, row := range []struct {
		name, in string
		limit    int
		want     string
	}{
		{"plain", "Anna's laptop", 64, "Anna's laptop"},
		{"other scripts", "Анна 机器 مرحبا é", 64, "Анна 机器 مرحبا é"},
		{"empty", "", 64, ""},
		{"escape sequence", "a\x1b[31mred\x1b[0m", 64, "a[31mred[0m"},
		{"title sequence", "\x1b]0;root\x07x", 64, "]0;rootx"},
		{"C1 CSI", "a\u009b31mb", 64, "a31mb"},
		{"lone C1 byte", "a\x9bb", 64, "ab"},
		{"newline, tab, NUL", "a\nb\tc\x00d\re", 64, "abcde"},
		{"bidi override", "exe.\u202egnp\u202c", 64, "exe.gnp"},
		{"bidi isolates and marks", "\u2066a\u2069\u200eb\u200f\u061c", 64, "ab"},
		{"zero width", "a\u200bb\u200cc\u200dd\u2060e\ufefff", 64, "abcdef"},
		{"tags", "ok\U000e0041\U000e007f", 64, "ok"},
		{"fillers and selectors", "a\u034fb\u3164c\ufe0fd\U000e0101e\u115ff", 64, "abcdef"},
		{"private use and noncharacters", "a\ue000b\uffffc\U0010ffffd", 64, "abcd"},
		{"separators", "a\u2028b\u2029c", 64, "a b c"},
		{"surrounding space", "  a b\u00a0\u3000 ", 64, "a b"},
		{"invalid UTF-8", "a\xff\xfe\xc3b", 64, "ab"},
		{"cut at the limit", "abcdef", 3, "abc"},
		{"cut at a character's border", "aéé", 4, "aé"},
		{"cut before a space", "ab cd", 3, "ab"},
		{"no room at all", "é", 1, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := Clean(row.in, row.limit)
			if got != row.want {
				t.Errorf("Clean(%q, %d) = %q, want %q", row.in, row.limit, got, row.want)
			}
			checkClean(t, got, row.limit)
		})
	}
}

// checkClean is what a terminal, a window title and a log rely on.
func checkClean(t *testing.T, s string, limit int) {
	t.Helper()
	if len(s) > limit || !utf8.ValidString(s) {
		t.Errorf("%q: %d bytes of %d, valid UTF-8 %v", s, len(s), limit, utf8.ValidString(s))
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Bidi_Control,
			unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			t.Errorf("%q holds %U", s, r)
		}
	}
	if again := Clean(s, limit); again != s {
		t.Errorf("cleaning %q again gives %q", s, again)
	}
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{
		"", "Anna", "a\x1b[2Jb", "\u202egnp.exe", "a\u200b\ufeff", "\U000e0041", "\xff\xc3\x28", "a\u2028b",
		strings.Repeat("é", 200), " \t\u00a0 ", "\u009b", "\x85", "e\u0301\u034f",
	} {
		f.Add(s, uint8(MaxName))
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, s string, limit uint8) {
		checkClean(t, Clean(s, int(limit)), int(limit))
		// And where names really come in: within a message.
		h, err := ParseHello(Hello{Name: s, Version: s}.Append(nil))
		if err != nil {
			t.Fatalf("own hello: %v", err)
		}
		checkClean(t, h.Name, MaxName)
		raw := s[:min(len(s), 255)]
		body := append([]byte{0, byte(len(raw))}, raw...)
		fw, err := ParseFarewell(body)
		if err != nil {
			t.Fatalf("farewell with any words: %v", err)
		}
		checkClean(t, fw.Words, 255)
	})
}
