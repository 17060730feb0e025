//go:build linux

package testscripts

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jezek/xgb/xproto"
)

// copy puts data on a selection as a program of that desktop does.
func (d *display) copy(selection, target string, data []byte) {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), "copied")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.run("xclip", "xclip", "-quiet", "-selection", selection, "-t", target, file)
}

// paste is what a program of that desktop gets.
func (d *display) paste(selection, target string) []byte {
	d.t.Helper()
	cmd := exec.Command(tool(d.t, "xclip", "xclip"), "-o", "-selection", selection, "-t", target)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.name)
	out, _ := cmd.Output() // an error: there is nothing of that kind
	return out
}

// Text and pictures go from one desktop to the other and back, as both sides
// asked for it; what is secret, or was copied before, stays where it is. // F7
func TestClipboardOfDesktops(t *testing.T) {
	t.Parallel()
	s := &session{crew: newCrew(t)}
	s.there = openDisplay(t, screenSize).connect()
	s.here = openDisplay(t, screenSize).connect()
	s.there.copy("clipboard", "UTF8_STRING", []byte("copied before"))
	s.here.copy("clipboard", "UTF8_STRING", []byte("copied before, too"))
	eventually(t, "there is something to paste", func() bool {
		return string(s.there.paste("clipboard", "UTF8_STRING")) == "copied before" &&
			string(s.here.paste("clipboard", "UTF8_STRING")) == "copied before, too"
	})
	_, join := s.crew.relay()
	env := []string{"SIGHTLINE_RELAYS=" + join}
	s.host = s.start("host", append(env, "DISPLAY="+s.there.name), "host", "--json", "--accept", "--allow", "view,control,clipboard")
	s.code = s.await(s.host, "code").text("code")
	s.viewer = s.start("viewer", append(env, "DISPLAY="+s.here.name), "view", "--json", "--window", "native", "--ask", "view,clipboard", s.code)
	if e := s.await(s.host, "joined"); e.text("grants") != "view,clip-to-host,clip-to-viewer" {
		t.Errorf("the rights are %s", e.text("grants"))
	}
	s.await(s.viewer, "stats", "refined=true")

	comes := func(to *display, selection, target string, want []byte) {
		t.Helper()
		eventually(t, "what was copied can be pasted", func() bool { return bytes.Equal(to.paste(selection, target), want) })
	}
	// Until both sides listen: a copy is made again until it comes.
	first := []byte("Grüße, 世界")
	eventually(t, "the first copy arrives", func() bool {
		s.there.copy("clipboard", "UTF8_STRING", first)
		return bytes.Equal(s.here.paste("clipboard", "UTF8_STRING"), first)
	})
	if got := s.there.paste("clipboard", "UTF8_STRING"); !bytes.Equal(got, first) {
		t.Errorf("the host's clipboard became %q", got)
	}
	long := []byte(strings.Repeat("0123456789abcde\n", 1<<16)) // 1 MiB
	s.here.copy("clipboard", "UTF8_STRING", long)
	comes(s.there, "clipboard", "UTF8_STRING", long)
	s.there.copy("primary", "UTF8_STRING", long[16:])
	comes(s.here, "primary", "UTF8_STRING", long[16:])
	var shot bytes.Buffer
	if err := png.Encode(&shot, image.NewGray(image.Rect(0, 0, 640, 480))); err != nil {
		t.Fatal(err)
	}
	s.here.copy("clipboard", "image/png", shot.Bytes())
	comes(s.there, "clipboard", "image/png", shot.Bytes())

	s.there.copy("clipboard", "x-kde-passwordManagerHint", []byte("secret"))
	if e := s.await(s.host, "denied"); !strings.Contains(e.text("reason"), "marked secret") {
		t.Errorf("the host says %s", e.text("reason"))
	}
	if got := s.here.paste("clipboard", "image/png"); !bytes.Equal(got, shot.Bytes()) {
		t.Errorf("after the secret %d bytes can be pasted", len(got))
	}
}

// A viewer that came to look asks for the clipboard in mid-session, from the menu of
// its window; nothing is copied before.
func TestClipboardAskedFor(t *testing.T) {
	t.Parallel()
	s := setting{host: []string{"--allow", "view,control,clipboard"}, view: []string{"--ask", "view,control"}}.open(t)
	s.there.copy("clipboard", "UTF8_STRING", []byte("nobody asked for this"))
	s.here.focused("sightline")
	s.menu("Ask for the clipboard")
	if e := s.await(s.viewer, "granted"); e.text("grants") != "view,pointer,keyboard,clip-to-host,clip-to-viewer" {
		t.Errorf("the rights are %s", e.text("grants"))
	}
	eventually(t, "what is copied comes", func() bool {
		s.there.copy("clipboard", "UTF8_STRING", []byte("asked for"))
		return string(s.here.paste("clipboard", "UTF8_STRING")) == "asked for"
	})
}

// menu opens the menu of the viewer's window and chooses a line from below.
func (s *session) menu(line string) {
	s.Helper()
	up := map[string]int{"End session": 1, "Ask for the clipboard": 2, "Pass control on": 3, "Ask for control": 3}[line]
	s.here.press(0xffc5) // F8
	for range up {
		s.here.press(0xff52) // Up
	}
	s.here.press(0xff0d) // Return
}

func (d *display) press(sym xproto.Keysym) {
	d.key(sym, true)
	d.key(sym, false)
}
