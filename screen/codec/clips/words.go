package clips

import (
	"fmt"
	"strings"
)

const syllables = "ba con der el fi gra hal in jo kle lo mi nor om pre qua ri sen tor un ver wis xi yo zan the and of to it"

// wordsmith makes up text that has the letters and lengths of real text.
type wordsmith struct {
	dice
	parts []string
}

func newWordsmith(seed uint32) *wordsmith {
	return &wordsmith{dice{seed: seed}, strings.Fields(syllables)}
}

func (w *wordsmith) word() string {
	s := ""
	for range 1 + w.roll(3) {
		s += w.parts[w.roll(len(w.parts))]
	}
	return s
}

// line of words that is no wider than width px.
func (w *wordsmith) line(f *face, width int) string {
	s := w.word()
	for {
		next := s + " " + w.word()
		if f.width(next) > width {
			return s
		}
		s = next
	}
}

// span is a piece of text of one colour.
type span struct {
	text string
	rgb  uint32
}

// code is a line of a program, with colours for a dark background.
func (w *wordsmith) code() []span {
	const plain, keyword, name, text, note = 0xd4d4d4, 0xc586c0, 0x9cdcfe, 0xce9178, 0x6a9955
	pad := strings.Repeat("    ", w.roll(4))
	switch w.roll(6) {
	case 0:
		return nil
	case 1:
		return []span{{pad + "// " + w.word() + " " + w.word() + " " + w.word() + " " + w.word(), note}}
	case 2:
		return []span{{pad, plain}, {"func ", keyword}, {w.word(), name}, {"(", plain}, {w.word(), name}, {" int) error {", plain}}
	case 3:
		return []span{{pad, plain}, {"return ", keyword}, {"fmt.Errorf(", plain}, {`"` + w.word() + " " + w.word() + `: %w"`, text}, {", err)", plain}}
	case 4:
		return []span{{pad, plain}, {"if ", keyword}, {w.word(), name}, {fmt.Sprintf(" > %d {", w.roll(4096)), plain}}
	}
	return []span{{pad, plain}, {w.word(), name}, {fmt.Sprintf("[%d] = ", w.roll(99)), plain}, {w.word(), name}, {".", plain}, {w.word(), name}, {"()", plain}}
}

// log is a line of a server's log, with a terminal's colours.
func (w *wordsmith) log(n int) []span {
	level := [...]span{{"INFO ", 0x00cd00}, {"INFO ", 0x00cd00}, {"DEBUG", 0x5c5cff}, {"WARN ", 0xcdcd00}, {"ERROR", 0xff0000}}[w.roll(5)]
	stamp := fmt.Sprintf("2024-05-17 %02d:%02d:%02d.%03d ", n/36000%24, n/600%60, n/10%60, w.roll(1000))
	return []span{{stamp, 0x7f7f7f}, level, {" [" + w.word() + "] ", 0x00cdcd},
		{fmt.Sprintf("%s %s id=%08x took=%dms", w.word(), w.word(), mix(w.seed, uint32(n), 3), w.roll(900)), 0xe5e5e5}}
}
