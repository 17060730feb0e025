package tui

import (
	"io"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

const noScreen = "no display: DISPLAY is not set, and no session of yours runs"

func TestOfferGolden(t *testing.T) {
	m := newOfferPage(StartOptions{Out: io.Discard, Now: (&clockwork{noon}).now}, noScreen)
	m.wake = noTick
	golden(t, "offer", m.View())
	press(m, "p")
	for _, k := range "xterm" {
		press(m, string(k))
	}
	golden(t, "offer-program", m.View())
}

func TestOfferKeys(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		want       Offer
		quit       bool
	}{
		{"a program", "p x t e r m enter", Offer{App: "xterm"}, true},
		{"with an argument", "enter v i space x enter", Offer{App: "vi x"}, true},
		{"all in one read", "pxterm enter", Offer{App: "xterm"}, true},
		{"a desktop", "d", Offer{Desktop: true}, true},
		{"a desktop by arrows", "down enter", Offer{Desktop: true}, true},
		{"the picture", "up enter", Offer{Pattern: true}, true},
		{"nothing is no program", "p space enter", Offer{}, false},
		{"corrected", "p a backspace b ctrl+u c enter", Offer{App: "c"}, true},
		{"back", "p x esc d", Offer{Desktop: true}, true},
		{"leave", "q", Offer{}, true},
		{"leave while typing", "p x ctrl+c", Offer{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newOfferPage(StartOptions{Out: io.Discard, Now: (&clockwork{noon}).now}, noScreen)
			m.wake = noTick
			quit := false
			for _, k := range strings.Fields(c.keys) {
				quit = press(m, k) || quit
			}
			if m.choice != c.want || quit != c.quit {
				t.Errorf("choice %+v, quit %t", m.choice, quit)
			}
		})
	}
}

// A command that is pasted into the menu is a program to share, not so many keys.
func TestOfferPaste(t *testing.T) {
	m := newOfferPage(StartOptions{Out: io.Discard, Now: (&clockwork{noon}).now}, noScreen)
	m.wake = noTick
	send(m, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("xterm -e top"), Paste: true})
	if !press(m, "enter") || m.choice != (Offer{App: "xterm -e top"}) {
		t.Errorf("choice %+v", m.choice)
	}
}
