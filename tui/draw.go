package tui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"sightline/peer"
)

// styles repeat in colour what words and marks say. Colours are the terminal's
// own sixteen, so that the person's theme decides; where there are none, or
// NO_COLOR is set, they change nothing.
type styles struct {
	bold, dim, good, warn, bad func(...string) string

	// dot shows the colour of a viewer's pointer, the one that names do not say;
	// "" where there are no colours.
	dot func(peer.Colour) string
}

func newStyles(out io.Writer) styles {
	r := lipgloss.NewRenderer(out)
	plain := r.NewStyle()
	return styles{
		bold: plain.Bold(true).Render,
		dim:  plain.Faint(true).Render,
		good: plain.Foreground(lipgloss.Color("2")).Render,
		warn: plain.Bold(true).Foreground(lipgloss.Color("3")).Render,
		bad:  plain.Bold(true).Foreground(lipgloss.Color("1")).Render,
		dot: func(c peer.Colour) string {
			if s := plain.Foreground(lipgloss.Color(hex(c))).Render("●"); s != "●" {
				return s + " "
			}
			return ""
		},
	}
}

// hex is a colour as scripts and terminals take it: #rrggbb.
func hex(c peer.Colour) string { return fmt.Sprintf("#%06x", c.RGB()) }

// fit makes a text exactly w cells wide. Colours do not count, wide characters
// count two.
func fit(s string, w int) string {
	if lipgloss.Width(s) > w {
		s = ansi.Truncate(s, w, "…")
	}
	return s + strings.Repeat(" ", max(w-lipgloss.Width(s), 0))
}

// label is one line "Route       relay …".
func label(name, value string) string { return fit(" "+name, 13) + value }

// wrapped divides a sentence into lines of at most width cells.
func wrapped(s string, width int) []string { return strings.Split(ansi.Wrap(s, width, " "), "\n") }

// glyphs are the digits, 3 wide and 5 high; read from across a table.
var glyphs = map[rune][5]string{
	'0': {"███", "█ █", "█ █", "█ █", "███"},
	'1': {" █ ", "██ ", " █ ", " █ ", "███"},
	'2': {"███", "  █", "███", "█  ", "███"},
	'3': {"███", "  █", "███", "  █", "███"},
	'4': {"█ █", "█ █", "███", "  █", "  █"},
	'5': {"███", "█  ", "███", "  █", "███"},
	'6': {"███", "█  ", "███", "█ █", "███"},
	'7': {"███", "  █", "  █", "  █", "  █"},
	'8': {"███", "█ █", "███", "█ █", "███"},
	'9': {"███", "█ █", "███", "  █", "███"},
	'-': {"   ", "   ", "▄▄▄", "   ", "   "},
}

// bigDigits draws a code in five rows, or as it is in one row if it does not
// fit into w cells or has other characters.
func bigDigits(code string, w int) []string {
	var rows [5]strings.Builder
	for _, r := range code {
		g, ok := glyphs[r]
		if !ok || 4*len(code) > w {
			return []string{" " + code}
		}
		for i := range rows {
			rows[i].WriteString(" " + g[i])
		}
	}
	out := make([]string, len(rows))
	for i := range rows {
		out[i] = rows[i].String()
	}
	return out
}

// sparkline draws the last w values, scaled to the largest of them, at least
// floor, so that a steady 1 ms is a flat line and no mountain range.
func sparkline(values []time.Duration, w int, floor time.Duration) string {
	const bars = "▁▂▃▄▅▆▇█"
	values = values[max(len(values)-w, 0):]
	top := max(floor, 1)
	for _, v := range values {
		top = max(top, v)
	}
	var b strings.Builder
	for _, v := range values {
		step := int(float64(max(v, 0)) / float64(top) * 7.999)
		b.WriteString(bars[3*step : 3*step+3]) // each bar has 3 bytes
	}
	return b.String()
}
