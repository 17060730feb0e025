package tui

import (
	"os"
	"strings"
	"testing"
)

func TestMarked(t *testing.T) {
	paste := func(s string) string { return pasteBegin + s + pasteEnd }
	for _, row := range []struct{ name, in, want string }{
		{"a key", "y", "y"},
		{"a key of several bytes", "é", "é"},
		{"two keys", "yy", paste("yy")},
		{"a line", "48291-7304-4187\r", paste("48291-7304-4187") + "\r"},
		{"two lines", "ab\rcd\x7fe", paste("ab") + "\r" + paste("cd") + "\x7fe"},
		{"control characters", "\r\r\x03", "\r\r\x03"},
		{"an arrow key", "\x1b[A", "\x1b[A"},
		{"Esc twice", "\x1b\x1b", "\x1b\x1b"},
		{"marked already", paste("yes"), paste("yes")},
		{"nothing", "", ""},
	} {
		if got := string(marked([]byte(row.in))); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// Whatever comes has room in the buffer, however small it is.
func TestBurstReader(t *testing.T) {
	for _, size := range []int{1, 2, 10, 14, 15, 29, 4096} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Repeat("xx\r", 300)
		w.WriteString(text)
		w.Close()
		var got strings.Builder
		for p := make([]byte, size); ; {
			n, err := markBursts(r).Read(p)
			got.Write(p[:n])
			if err != nil {
				break
			}
		}
		r.Close()
		if bare := strings.NewReplacer(pasteBegin, "", pasteEnd, "").Replace(got.String()); bare != text {
			t.Errorf("%d bytes: %d of %d characters came", size, len(bare), len(text))
		}
	}
}
