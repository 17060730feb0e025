package tui

import (
	"bytes"
	"io"
	"os"
	"unicode/utf8"
)

// markBursts lets a terminal that cannot mark what is pasted do so: characters
// that arrive in one read were not pressed one by one. Without the mark a text
// that was meant for another window would answer questions.
func markBursts(in io.Reader) io.Reader {
	f, ok := in.(*os.File)
	if !ok {
		return in
	}
	return burstReader{f}
}

// burstReader is a file still, for bubbletea needs its descriptor.
type burstReader struct{ *os.File }

// Bracketed paste (xterm's control sequences, mode 2004).
const pasteBegin, pasteEnd = "\x1b[200~", "\x1b[201~"

// Read may make fourteen bytes of two characters, so it reads no more than what
// has room when it has grown sevenfold.
func (r burstReader) Read(p []byte) (int, error) {
	n, err := r.File.Read(p[:max(len(p)/7, min(len(p), 1))])
	return copy(p, marked(p[:n])), err
}

// marked puts each run of two or more characters between the marks. What has an
// escape sequence in it is left alone: an arrow key, or a paste with its marks.
func marked(b []byte) []byte {
	if len(b) < 2 || bytes.IndexByte(b, 0x1b) >= 0 {
		return b
	}
	var out []byte
	for len(b) > 0 {
		run := bytes.IndexFunc(b, isControl)
		if run < 0 {
			run = len(b)
		}
		if utf8.RuneCount(b[:run]) > 1 {
			out = append(append(append(out, pasteBegin...), b[:run]...), pasteEnd...)
		} else {
			out = append(out, b[:run]...)
		}
		end := run
		for end < len(b) && isControl(rune(b[end])) {
			end++
		}
		out, b = append(out, b[run:end]...), b[end:]
	}
	return out
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
