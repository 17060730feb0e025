package ansi

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// emulator is as much of a terminal as is needed to see what the package
// writes. It panics on what it does not know: then the package writes
// something new.
type emulator struct {
	cols, rows  int
	cells       []cell
	x, y        int
	fg, bg      uint32
	altScreen   bool
	cursorShown bool
	modes       map[string]bool
	title       string
	copied      map[string]string // OSC 52
}

func newEmulator(cols, rows int) *emulator {
	e := &emulator{modes: map[string]bool{}, copied: map[string]string{}, cursorShown: true}
	e.resize(cols, rows)
	return e
}

func (e *emulator) resize(cols, rows int) {
	e.cols, e.rows = cols, rows
	e.cells = make([]cell, cols*rows)
}

func (e *emulator) at(x, y int) cell { return e.cells[y*e.cols+x] }

func (e *emulator) line(y int) string {
	var b strings.Builder
	for _, c := range e.cells[y*e.cols : (y+1)*e.cols] {
		if c.ch > 0 {
			b.WriteRune(c.ch)
		}
	}
	return b.String()
}

func (e *emulator) text() string {
	var b strings.Builder
	for y := range e.rows {
		fmt.Fprintf(&b, "%q\n", e.line(y))
	}
	return b.String()
}

// count is how many dots have a colour.
func (e *emulator) count(rgb uint32) (n int) {
	for _, c := range e.cells {
		if c.ch == 0 && c.fg == rgb {
			n++
		}
		if c.ch == 0 && c.bg == rgb {
			n++
		}
	}
	return n
}

func (e *emulator) feed(s string) {
	for s != "" {
		switch {
		case strings.HasPrefix(s, "\x1b["):
			n := 2
			for s[n] < 0x40 {
				n++
			}
			e.csi(s[2:n], s[n])
			s = s[n+1:]
		case strings.HasPrefix(s, "\x1b]2;"):
			title, rest, ok := strings.Cut(s[4:], "\x1b\\")
			if !ok {
				panic("title without end")
			}
			e.title, s = title, rest
		case strings.HasPrefix(s, "\x1b]52;"):
			clip, rest, ok := strings.Cut(s[5:], "\x1b\\")
			where, data, named := strings.Cut(clip, ";")
			text, err := base64.StdEncoding.DecodeString(data)
			if !ok || !named || err != nil {
				panic("a clip without end")
			}
			e.copied[where], s = string(text), rest
		default:
			r := []rune(s[:min(len(s), 4)])[0]
			e.put(r)
			s = s[len(string(r)):]
		}
	}
}

// put shows half blocks the way the package thinks of them: upper and lower.
func (e *emulator) put(r rune) {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
		panic(fmt.Sprintf("control character %q", r))
	}
	if e.x >= e.cols || e.y >= e.rows {
		panic(fmt.Sprintf("written at %d,%d", e.x, e.y))
	}
	c := cell{fg: e.fg, bg: e.bg, ch: r}
	if e.y < e.rows-1 {
		switch r {
		case '▀':
			c.ch = 0
		case '▄':
			c = cell{fg: e.bg, bg: e.fg}
		case ' ':
			c = cell{fg: e.bg, bg: e.bg}
		case '█':
			c = cell{fg: e.fg, bg: e.fg}
		}
	}
	e.cells[e.y*e.cols+e.x] = c
	e.x++
	if strings.ContainsRune("世界", r) {
		e.x++
	}
}

func (e *emulator) csi(params string, final byte) {
	n := func(i, or int) int {
		f := strings.Split(params, ";")
		if i >= len(f) || f[i] == "" {
			return or
		}
		v, err := strconv.Atoi(f[i])
		if err != nil {
			panic(params)
		}
		return v
	}
	switch final {
	case 'H':
		e.x, e.y = n(1, 1)-1, n(0, 1)-1
	case 'C':
		e.x += n(0, 1)
	case 'J':
		clear(e.cells)
	case 'm':
		e.sgr(params)
	case 't':
	case 'h', 'l':
		e.mode(params, final == 'h')
	default:
		panic("CSI " + params + string(final))
	}
}

func (e *emulator) mode(params string, on bool) {
	switch params {
	case "?1049":
		e.altScreen = on
	case "?25":
		e.cursorShown = on
	case "?7":
		params, on = "no wrap", !on
		fallthrough
	default:
		if e.modes[params] = on; !on {
			delete(e.modes, params)
		}
	}
}

func (e *emulator) sgr(params string) {
	f := strings.Split(params, ";")
	for len(f) > 0 {
		layer := f[0]
		if layer == "0" {
			f = f[1:]
			continue
		}
		var c uint32
		switch f[1] {
		case "2":
			for _, s := range f[2:5] {
				v, _ := strconv.Atoi(s)
				c = c<<8 | uint32(v)
			}
			f = f[5:]
		case "5":
			v, _ := strconv.Atoi(f[2])
			c, f = uint32(v), f[3:]
		default:
			panic(params)
		}
		if layer == "38" {
			e.fg = c
		} else {
			e.bg = c
		}
	}
}

func devNull(t *testing.T) *os.File {
	f, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
