package tui

import (
	"io"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

func TestStartGolden(t *testing.T) {
	m := newStartPage(StartOptions{Out: io.Discard, Now: (&clockwork{noon}).now})
	m.wake = noTick
	golden(t, "start", m.View())
	press(m, "up")
	golden(t, "start-relay", m.View())
	press(m, "c")
	for _, k := range "48291-7304-41" {
		press(m, string(k))
	}
	golden(t, "start-code", m.View())
}

func TestStartKeys(t *testing.T) {
	good := goodCode(t)
	typo := good[:len(good)-1] + string('0'+('9'-good[len(good)-1]+1)%10)
	for _, c := range []struct {
		name, keys string
		want       Choice
		quit       bool
	}{
		{"share", "s", Choice{Role: RoleHost}, true},
		{"relay", "r", Choice{Role: RoleRelay}, true},
		{"share by Enter", "enter", Choice{Role: RoleHost}, true},
		{"relay by arrows", "up enter", Choice{Role: RoleRelay}, true},
		{"leave", "q", Choice{}, true},
		{"leave by Ctrl+C", "ctrl+c", Choice{}, true},
		{"connect", "down enter " + good + " enter", Choice{Role: RoleView, Code: good}, true},
		{"connect, pasted with a space", "c " + good + " space enter", Choice{Role: RoleView, Code: good}, true},
		{"a typo does not leave", "c " + typo + " enter", Choice{}, false},
		{"corrected", "c " + good + "1 backspace enter", Choice{Role: RoleView, Code: good}, true},
		{"cleared", "c 12345 ctrl+u " + good + " enter", Choice{Role: RoleView, Code: good}, true},
		{"all in one read", "c" + good + " enter", Choice{Role: RoleView, Code: good}, true},
		{"back and share", "c 12 esc s", Choice{Role: RoleHost}, true},
		{"letters of the menu are text in the code", "c s enter", Choice{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newStartPage(StartOptions{Out: io.Discard, Now: (&clockwork{noon}).now})
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

func TestJudge(t *testing.T) {
	good := goodCode(t)
	for _, c := range []struct {
		typed, verdict string
		ok             bool
	}{
		{"", "13 more digits", false},
		{"48291-7304", "4 more digits", false},
		{good, "the check digit fits", true},
		{"  " + strings.ReplaceAll(good, "-", "  "), "the check digit fits", true},
		{swap(good), "two are swapped", false},
		{"hello", "digits, spaces and dashes only", false},
		{"sightline1:x", "not a session ticket", false},
		{strings.Repeat("1", 300), "too long", false},
	} {
		verdict, ok := judge(c.typed)
		if ok != c.ok || !strings.Contains(verdict, c.verdict) {
			t.Errorf("%q: %q, %t, want %q, %t", c.typed, verdict, ok, c.verdict, c.ok)
		}
	}
}

// goodCode is 48291-7304-418 with the check digit that fits.
func goodCode(t *testing.T) string {
	t.Helper()
	for d := '0'; d <= '9'; d++ {
		if _, ok := judge("48291-7304-418" + string(d)); ok {
			return "48291-7304-418" + string(d)
		}
	}
	t.Fatal("no digit fits")
	return ""
}

// swap exchanges the first two digits.
func swap(code string) string { return code[1:2] + code[:1] + code[2:] }

// A code that is pasted into the menu is a wish to connect.
func TestStartPaste(t *testing.T) {
	m := newStartPage(StartOptions{Out: io.Discard, Now: (&clockwork{noon}).now})
	m.wake = noTick
	send(m, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(goodCode(t)), Paste: true})
	if !press(m, "enter") || m.choice.Code != goodCode(t) {
		t.Errorf("choice %+v", m.choice)
	}
}
