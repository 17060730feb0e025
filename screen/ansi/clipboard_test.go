package ansi

import (
	"strings"
	"testing"

	"sightline/screen"
)

// Text goes to the terminal, nothing else; nothing of it is shown, and what it
// holds cannot become a sequence of its own.
func TestClipboard(t *testing.T) {
	tty := newFakeTTY(60, 10)
	w := newWindow(tty, trueColour, "")
	c, err := w.OpenClipboard()
	check(t, err)
	check(t, c.Put(screen.Clip{Picture: true, Data: []byte("picture")}))
	check(t, c.Put(screen.Clip{Data: []byte(strings.Repeat("x", maxCopied+1))}))
	check(t, c.Put(screen.Clip{Primary: true, Data: []byte("marked")}))
	check(t, c.Put(screen.Clip{Data: []byte("é\x1b]0;evil\x07")}))
	tty.until(t, func(e *emulator) bool { return e.copied["c"] != "" && e.copied["p"] != "" })
	if got := tty.emu.copied; got["c"] != "é\x1b]0;evil\x07" || got["p"] != "marked" {
		t.Errorf("copied %q", got)
	}
	check(t, c.Close())
	if _, open := <-c.Clips(); open {
		t.Error("something was heard of a terminal")
	}
	check(t, w.Close())
	if err := c.Put(screen.Clip{Data: []byte("late")}); err == nil {
		t.Error("Put after Close")
	}
}

var _ screen.ClipboardOpener = (*Window)(nil)
