//go:build linux

package testscripts

import (
	"image"
	"strings"
	"testing"
)

// One of two viewers of a window asks for control, the other one passes it on, both by
// the menu of their windows: from then on only the second one's hands are in it, and they
// are as confined as the first one's. // issue 5
func TestPassControlOfWindow(t *testing.T) {
	t.Parallel()
	x := openTerminals(t)
	first := shareTerminal(t, x, "--viewers", "2")
	first.clickPicture(image.Pt(20, 20))
	x.hasKeyboard(x.shared)
	first.here.write("a\n")
	eventually(t, "the first one types", func() bool { return x.typed("shared") == "a\n" })
	second := *first
	second.here = openDisplay(t, screenSize).connect()
	second.viewer = first.start("second", []string{"SIGHTLINE_RELAYS=" + first.join, "DISPLAY=" + second.here.name}, "view", "--json", "--window", "native", first.code)
	first.await(second.viewer, "stats", "refined=true")
	second.here.focused("sightline")
	first.ctl("grant", "2", "view,control")
	first.await(second.viewer, "granted", "grants=view,pointer,keyboard")

	second.here.write("before\n")
	second.menu("Ask for control")
	first.await(first.host, "control", "asks=2")
	first.menu("Pass control on")
	first.await(first.host, "control", "seat=2")
	if got := x.typed("shared"); strings.Contains(got, "before") {
		t.Errorf("the second one typed before: %q", got)
	}
	first.here.write("late\n")
	second.clickPicture(image.Pt(20, 20))
	eventually(t, "the second one types", func() bool {
		second.here.write("b\n")
		return strings.Contains(x.typed("shared"), "b\n")
	})
	x.raise(x.private)
	second.here.write("secret\n")
	first.await(second.viewer, "denied", "reason=focus")
	if got := x.typed("private"); got != "" {
		t.Errorf("%q was typed into the private terminal", got)
	}
	if got := x.typed("shared"); strings.Contains(got, "late") {
		t.Errorf("the first one typed after: %q", got)
	}
}

// Of a shared window's clipboard each direction needs its own grant, which may come and
// go; of what other programs of the host copy nothing is sent in any case. // issue 5
func TestClipboardOfWindow(t *testing.T) {
	t.Parallel()
	x := openTerminals(t)
	s := hostTerminals(t, x, "--window", "shared", "--allow", "view,control,clip-to-viewer")
	s.await(s.viewer, "stats", "refined=true")
	s.here.focused("sightline")
	s.menu("Ask for the clipboard")
	s.await(s.viewer, "granted", "grants=view,pointer,keyboard,clip-to-viewer")
	x.copy("clipboard", "UTF8_STRING", []byte("of another program"))
	// take is a double click on the word in the first line, now and then.
	take := func(try *retry) {
		if !try.due() {
			return
		}
		for range 2 {
			s.clickPicture(image.Pt(12, 8))
		}
	}
	s.clickPicture(image.Pt(200, 100))
	x.hasKeyboard(x.shared)
	s.here.write("alpha\n")
	eventually(t, "a word is in the terminal", func() bool { return x.typed("shared") == "alpha\n" })
	s.here.copy("clipboard", "UTF8_STRING", []byte("from the viewer"))
	try := again()
	eventually(t, "what the window copies comes", func() bool {
		take(try)
		return string(s.here.paste("primary", "UTF8_STRING")) == "alpha"
	})
	if got := x.paste("clipboard", "UTF8_STRING"); string(got) != "of another program" {
		t.Errorf("without its grant the host got %q", got)
	}
	if got := s.here.paste("clipboard", "UTF8_STRING"); string(got) != "from the viewer" {
		t.Errorf("the viewer has %q, which another program copied", got)
	}

	s.ctl("grant", "1", "view") // while a viewer has the keyboard it could be that viewer who types this
	s.ctl("grant", "1", "view,control,clip-to-host")
	eventually(t, "what the viewer copies comes", func() bool {
		s.here.copy("clipboard", "UTF8_STRING", []byte("from the viewer, too"))
		return string(x.paste("clipboard", "UTF8_STRING")) == "from the viewer, too"
	})
	s.here.copy("primary", "UTF8_STRING", []byte("the viewer's own"))
	eventually(t, "so does what it takes", func() bool { return string(x.paste("primary", "UTF8_STRING")) == "the viewer's own" })
	try = again()
	eventually(t, "the window has copied", func() bool {
		take(try)
		return string(x.paste("primary", "UTF8_STRING")) == "alpha"
	})
	s.here.copy("clipboard", "UTF8_STRING", []byte("the last"))
	eventually(t, "what is copied later has come", func() bool { return string(x.paste("clipboard", "UTF8_STRING")) == "the last" })
	if got := s.here.paste("primary", "UTF8_STRING"); string(got) != "the viewer's own" {
		t.Errorf("without its grant the viewer got %q", got)
	}
}
