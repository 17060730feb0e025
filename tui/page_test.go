package tui

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"

	"sightline/peer"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// golden compares a page, as it looks in 80x24 without colours, with testdata.
func golden(t *testing.T, name, view string) {
	t.Helper()
	got := ansi.Strip(view)
	whole(t, got, 80, 24)
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" != string(want) {
		t.Errorf("the page is\n%s\nwant\n%s(go test -run %s -update writes it anew)", got, want, t.Name())
	}
}

// whole checks that a page fills its terminal and no more.
func whole(t *testing.T, view string, w, h int) {
	t.Helper()
	rows := strings.Split(ansi.Strip(view), "\n")
	if len(rows) != h {
		t.Errorf("%d rows, want %d", len(rows), h)
	}
	for i, row := range rows {
		if lipgloss.Width(row) > w {
			t.Errorf("row %d has %d columns: %s", i, lipgloss.Width(row), row)
		}
	}
}

// clockwork is a clock that tests turn by hand.
type clockwork struct{ at time.Time }

func (c *clockwork) now() time.Time { return c.at }

// noTick stands in for the wait for the next second: tests send their own ticks.
func noTick() tea.Cmd { return nil }

// run carries out the commands that a page gave and gives their messages back
// to it. It tells whether the page quit.
func run(m tea.Model, cmd tea.Cmd) (quit bool) {
	if cmd == nil {
		return false
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.QuitMsg:
		return true
	case tea.BatchMsg:
		for _, c := range msg {
			quit = run(m, c) || quit
		}
	default:
		_, next := m.Update(msg)
		return run(m, next)
	}
	return quit
}

// send gives a page a message and carries out what follows.
func send(m tea.Model, msg tea.Msg) (quit bool) {
	_, cmd := m.Update(msg)
	return run(m, cmd)
}

// press is a key by its name.
func press(m tea.Model, name string) (quit bool) {
	types := map[string]tea.KeyMsg{
		"enter": {Type: tea.KeyEnter}, "esc": {Type: tea.KeyEsc}, "alt+esc": {Type: tea.KeyEsc, Alt: true},
		"up": {Type: tea.KeyUp}, "down": {Type: tea.KeyDown}, "ctrl+c": {Type: tea.KeyCtrlC},
		"ctrl+u": {Type: tea.KeyCtrlU}, "backspace": {Type: tea.KeyBackspace}, "space": {Type: tea.KeySpace, Runes: []rune{' '}},
	}
	k, ok := types[name]
	if !ok {
		k = tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
	}
	return send(m, k)
}

func TestFold(t *testing.T) {
	lines := func(n int) []string { return make([]string, n) }
	sections := []section{{"a", lines(5), 5}, {"b", lines(6), 2}, {"c", lines(10), 0}}
	for _, c := range []struct {
		rows int
		want []int // lines of the sections that are left
	}{
		{30, []int{5, 6, 10}}, {24, []int{5, 6, 10}}, {20, []int{5, 6, 6}}, {14, []int{5, 6, 0}},
		{11, []int{5, 3, 0}}, {10, []int{5, 2, 0}}, {9, []int{5, 2}}, {7, []int{5}}, {6, []int{5}}, {3, []int{2}}, {1, []int{0}}, {0, []int{0}},
	} {
		got := fold(sections, c.rows)
		ok := len(got) == len(c.want)
		for i := range got {
			ok = ok && len(got[i].lines) == c.want[i]
		}
		if !ok {
			t.Errorf("%d rows: %d sections left, want lines %v", c.rows, len(got), c.want)
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{span(-time.Second), "0 s"}, {span(9 * time.Second), "9 s"}, {span(14*time.Minute + 32*time.Second), "14:32"},
		{span(time.Hour + 2*time.Minute + 3*time.Second), "1:02:03"},
		{millis(1240 * time.Microsecond), "1.2 ms"}, {millis(41500 * time.Microsecond), "42 ms"},
		{amount(0), "0 B"}, {amount(999), "999 B"}, {amount(3200), "3.2 kB"}, {amount(999_999), "1.0 MB"}, {amount(18e6), "18 MB"},
		{minutes(15 * time.Minute), "15 min"}, {minutes(90 * time.Second), "90 s"},
		{sparkline([]time.Duration{0, 10, 20, 40, 80}, 4, 1), "▁▂▄█"}, {sparkline(nil, 4, 1), ""},
		{sparkline([]time.Duration{-5, 0}, 4, 0), sparkline([]time.Duration{0, 0}, 4, 1)},
		{clean(" a\tb\n\x1b]0;x\a\u200b\u202e\u2028c\xff "), "a b ]0;x c"},
		{route(near), "lan quic 1.2 ms"}, {shortRoute(far), "relayed tcp"},
		{fit("ünï 語", 10), "ünï 語    "}, {fit("語語語", 5), "語語…"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if n := len(clean(strings.Repeat("語", 1000))); n > maxText || n < maxText-3 {
		t.Errorf("a long text is cut at %d bytes", n)
	}
}

func TestBigDigits(t *testing.T) {
	for _, row := range bigDigits("48291-7304-4187", 74) {
		if lipgloss.Width(row) != 60 {
			t.Errorf("row %q is %d wide", row, lipgloss.Width(row))
		}
	}
	for _, small := range [][]string{bigDigits("48291-7304-4187", 59), bigDigits("sightline1:abc", 200)} {
		if len(small) != 1 {
			t.Errorf("%q should be one row", small)
		}
	}
}

func TestNoColor(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	t.Setenv("CLICOLOR_FORCE", "")
	st := newStyles(io.Discard)
	for _, f := range []func(...string) string{st.bold, st.dim, st.good, st.warn, st.bad} {
		if got := f("x"); got != "x" {
			t.Errorf("NO_COLOR: %q", got)
		}
	}
}

// The roles have what their pages need.
var (
	_ HostControls = (*peer.Host)(nil)
	_ renewer      = (*peer.Host)(nil)
	_ ViewControls = (*peer.View)(nil)
)
