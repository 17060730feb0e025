//go:build linux

package testscripts

import (
	"fmt"
	"image"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jezek/xgb/xproto"
)

// terminals are two xterms of one desktop, one over the right half of the other.
// What is typed into each is in its file.
type terminals struct {
	*display
	shared, private xproto.Window
	file            map[string]string // by title
}

func openTerminals(t *testing.T) *terminals {
	t.Helper()
	x := &terminals{display: openDisplay(t, screenSize).connect(), file: map[string]string{}}
	x.run("openbox", "openbox")
	x.shared = x.terminal("shared", image.Pt(60, 60))
	x.private = x.terminal("private", image.Pt(300, 100))
	x.raise(x.private)
	return x
}

func (x *terminals) terminal(title string, at image.Point) xproto.Window {
	x.t.Helper()
	file := filepath.Join(x.t.TempDir(), title)
	x.file[title] = file
	x.run("xterm", "xterm", "-xrm", "XTerm*vt100.background: navy", "-xrm", "XTerm*vt100.foreground: white", "-T", title, "-geometry", fmt.Sprintf("60x12+%d+%d", at.X, at.Y),
		"-e", "sh", "-c", fmt.Sprintf("exec cat >%s", file))
	eventually(x.t, title+" runs", func() bool { _, err := os.Stat(file); return err == nil })
	return x.named(title)
}

func (x *terminals) typed(title string) string {
	x.t.Helper()
	b, err := os.ReadFile(x.file[title])
	if err != nil {
		x.t.Fatal(err)
	}
	return string(b)
}

// raise brings a window to the front and gives it the keyboard, as a click of the
// person at this desktop does.
func (x *terminals) raise(w xproto.Window) {
	x.t.Helper()
	const name = "_NET_ACTIVE_WINDOW"
	atom, err := xproto.InternAtom(x.conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		x.t.Fatal(err)
	}
	e := xproto.ClientMessageEvent{Format: 32, Window: w, Type: atom.Atom, Data: xproto.ClientMessageDataUnionData32New([]uint32{2, 0, 0, 0, 0})}
	eventually(x.t, "the window has the keyboard", func() bool {
		xproto.SendEvent(x.conn, false, x.root, xproto.EventMaskSubstructureNotify|xproto.EventMaskSubstructureRedirect, string(e.Bytes()))
		f, err := xproto.GetInputFocus(x.conn).Reply()
		return err == nil && x.within(f.Focus, w)
	})
}

// hasKeyboard waits until what is typed at this desktop goes to a window.
func (x *terminals) hasKeyboard(w xproto.Window) {
	x.t.Helper()
	eventually(x.t, "the window has the keyboard", func() bool {
		f, err := xproto.GetInputFocus(x.conn).Reply()
		return err == nil && x.within(f.Focus, w)
	})
}

// within tells whether a window is another one or in it.
func (x *terminals) within(w, outer xproto.Window) bool {
	for w > xproto.InputFocusPointerRoot && w != outer {
		tree, err := xproto.QueryTree(x.conn, w).Reply()
		if err != nil {
			return false
		}
		w = tree.Parent
	}
	return w == outer
}

// places are a point of the shared terminal that is free and one that the private
// terminal covers, relative to the shared one.
func (x *terminals) places() (free, covered image.Point) {
	x.t.Helper()
	mine, err := x.inside(x.shared)
	if err != nil {
		x.t.Fatal(err)
	}
	theirs, err := x.inside(x.private)
	if err != nil {
		x.t.Fatal(err)
	}
	both := mine.Intersect(theirs)
	if both.Dx() < 40 || both.Dy() < 40 || theirs.Min.X-mine.Min.X < 40 {
		x.t.Fatalf("shared %v and private %v do not overlap as they should", mine, theirs)
	}
	return image.Pt(20, 20), both.Min.Add(both.Max).Div(2).Sub(mine.Min)
}

// shareTerminal is a session in which only the terminal called "shared" is shared.
func shareTerminal(t *testing.T, x *terminals, options ...string) *session {
	t.Helper()
	s := hostTerminals(t, x, append([]string{"--window", "shared"}, options...)...)
	s.await(s.viewer, "stats", "refined=true")
	return s
}

// hostTerminals is a session in which what the options say is shared.
func hostTerminals(t *testing.T, x *terminals, options ...string) *session {
	t.Helper()
	s := &session{crew: newCrew(t), there: x.display}
	s.here = openDisplay(t, screenSize).connect()
	s.here.run("openbox", "openbox")
	s.relay, s.join = s.crew.relay()
	env := []string{"SIGHTLINE_RELAYS=" + s.join}
	args := append([]string{"host", "--json", "--accept", "--allow", "view,control", "--pause-on-local-input", "0"}, options...)
	s.host = s.start("host", append(env, "DISPLAY="+x.name), args...)
	s.code = s.await(s.host, "code").text("code")
	s.viewer = s.start("viewer", append(env, "DISPLAY="+s.here.name), "view", "--json", "--window", "native", s.code)
	return s
}

// ctl talks to the host of the session.
func (s *session) ctl(args ...string) string {
	s.Helper()
	cmd := exec.Command(s.bin, append([]string{"ctl"}, args...)...)
	cmd.Env = s.host.cmd.Env
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Fatalf("ctl %v: %v: %s", args, err, out)
	}
	return string(out)
}

// With --pick nothing is shared until a window is chosen from the list; then that one is,
// and no other. // issue 5
func TestPick(t *testing.T) {
	t.Parallel()
	x := openTerminals(t)
	s := hostTerminals(t, x, "--pick")
	s.await(s.host, "joined")
	if list := s.ctl("windows"); !strings.Contains(list, "shared") || !strings.Contains(list, "private") {
		t.Errorf("the list is %q", list)
	}
	if got := s.picture(); got != "" && got != "0x0" {
		t.Errorf("the viewer has a picture of %s before a window was chosen", got)
	}
	s.ctl("grant", "1", "view") // while a viewer has the keyboard it could be that viewer who types this
	s.ctl("share", fmt.Sprintf("%#x", uint32(x.shared)))
	s.ctl("grant", "1", "view,control")
	s.await(s.viewer, "stats", "refined=true")
	eventually(t, "what is typed arrives", func() bool {
		s.clickPicture(image.Pt(20, 20))
		s.here.write("a\n")
		return strings.Contains(x.typed("shared"), "a\n")
	})
	x.raise(x.private)
	s.here.write("secret\n")
	s.await(s.viewer, "denied", "reason=focus")
	if got := x.typed("private"); got != "" {
		t.Errorf("%q was typed into the private terminal", got)
	}
}

// click clicks on the viewer's side at a point of the picture.
func (s *session) clickPicture(p image.Point) {
	s.Helper()
	at, err := s.here.inside(s.here.named("sightline"))
	if err != nil {
		s.Fatal(err)
	}
	s.here.click(1, int16(at.Min.X+p.X), int16(at.Min.Y+p.Y))
}

// A viewer of one terminal types and clicks where another one, which is private,
// stands over it and has the keyboard: nothing arrives there, and both sides are
// told why. x11vnc -id, in the same place, lets it through. // issue 5
func TestPrivateWindow(t *testing.T) {
	t.Parallel()
	x := openTerminals(t)
	s := shareTerminal(t, x)
	free, covered := x.places()

	s.clickPicture(free) // gives the terminal the keyboard, as at the desktop itself
	eventually(t, "what is typed arrives", func() bool {
		s.here.write("a\n")
		return strings.Contains(x.typed("shared"), "a\n")
	})
	x.raise(x.private)
	s.here.write("secret\n")
	for _, side := range []*actor{s.host, s.viewer} {
		s.await(side, "denied", "reason=focus", "count~[1-9]")
	}
	s.clickPicture(covered)
	s.here.write("more\n")
	for _, side := range []*actor{s.host, s.viewer} {
		s.await(side, "denied", "reason=covered", "count~[1-9]")
	}
	s.clickPicture(free) // the shared one again: in order after all that was refused
	eventually(t, "typing goes on in the shared terminal", func() bool {
		s.here.write("z\n")
		return strings.HasSuffix(x.typed("shared"), "z\n")
	})
	if got := x.typed("private"); got != "" {
		t.Errorf("%q was typed into the private terminal", got)
	}
	if got := x.typed("shared"); strings.Contains(got, "secret") || strings.Contains(got, "more") {
		t.Errorf("the shared terminal got %q, which was refused", got)
	}
}

// The peers' side of the experiment: x11vnc shares the same window by its ID, and
// what its viewer types and clicks reaches the private one.
func TestPrivateWindowUnderX11VNC(t *testing.T) {
	t.Parallel()
	x := openTerminals(t)
	_, covered := x.places()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	x.run("x11vnc", "x11vnc", "-display", x.name, "-id", fmt.Sprintf("%#x", uint32(x.shared)), "-rfbport", fmt.Sprint(addr.Port),
		"-localhost", "-nopw", "-forever", "-quiet", "-noxdamage")
	v := dialVNC(t, addr.String())
	x.raise(x.private) // the shared one was brought to the front for the viewer
	v.click(uint16(covered.X), uint16(covered.Y))
	eventually(t, "x11vnc types into the private terminal", func() bool {
		v.write("leak\n")
		return strings.Contains(x.typed("private"), "leak")
	})
}

// Where the host allows it, a click on a covered part brings the terminal to the
// front; the click itself goes nowhere. // issue 5
func TestAllowRaise(t *testing.T) {
	t.Parallel()
	x := openTerminals(t)
	s := shareTerminal(t, x, "--allow-raise")
	_, covered := x.places()
	s.clickPicture(covered)
	s.await(s.viewer, "denied", "reason=covered")
	eventually(t, "the terminal has come forward and has the keyboard", func() bool {
		s.clickPicture(covered)
		s.here.write("a\n")
		return strings.Contains(x.typed("shared"), "a\n")
	})
	if got := x.typed("private"); got != "" {
		t.Errorf("%q was typed into the private terminal", got)
	}
}

// popups are the windows on the root that no window manager cares for.
func (d *display) popups() map[xproto.Window]image.Rectangle {
	d.t.Helper()
	tree, err := xproto.QueryTree(d.conn, d.root).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	all := map[xproto.Window]image.Rectangle{}
	for _, w := range tree.Children {
		a, err := xproto.GetWindowAttributes(d.conn, w).Reply()
		if err != nil || !a.OverrideRedirect || a.MapState != xproto.MapStateViewable || a.Class == xproto.WindowClassInputOnly {
			continue
		}
		if r, err := d.inside(w); err == nil && r.Dx() > 50 && r.Dy() > 50 {
			all[w] = r
		}
	}
	return all
}

// xterm's menu, which says nothing of whose it is, is seen in its place, pixel for pixel
// and over the edge of the window too, which stays as it is, and the last of its entries
// can be chosen: Quit. // issue 5
func TestTerminalMenu(t *testing.T) {
	t.Parallel()
	x := openTerminals(t)
	s := shareTerminal(t, x)
	free, _ := x.places()
	main, err := x.inside(x.shared)
	if err != nil {
		t.Fatal(err)
	}
	viewer := s.here.named("sightline")
	s.here.frame(viewer, image.Rectangle{Min: image.Pt(60, 60), Max: image.Pt(60, 60).Add(main.Size())}) // as the terminal: the menu has room
	var window image.Rectangle
	eventually(t, "the viewer's window has moved", func() bool {
		window, err = s.here.inside(viewer)
		return err == nil && window.Min.X >= 60 && window.Min.Y >= 60
	})
	s.clickPicture(free)
	x.hasKeyboard(x.shared)
	before := x.popups()
	s.here.key(controlL, true)
	s.here.fake(xproto.MotionNotify, 0, int16(window.Min.X+free.X), int16(window.Min.Y+free.Y))
	s.here.fake(xproto.ButtonPress, 1, 0, 0)
	var menu image.Rectangle
	eventually(t, "the menu opens", func() bool {
		for w, r := range x.popups() {
			if _, old := before[w]; !old {
				menu = r
			}
		}
		return !menu.Empty()
	})
	if menu.In(main) {
		t.Fatalf("the menu at %v does not reach over the edge of %v", menu, main)
	}
	here := window.Min.Sub(main.Min)
	eventually(t, "the menu is seen in its place", func() bool { return samePart(x.display, menu, s.here, here) })
	if now, err := s.here.inside(viewer); err != nil || now != window {
		t.Errorf("the viewer's window is at %v now, it was at %v: %v", now, window, err)
	}
	quit := image.Pt((menu.Min.X+menu.Max.X)/2, menu.Max.Y-10)
	eventually(t, "the pointer is at the last entry", func() bool {
		at := quit.Add(here)
		s.here.fake(xproto.MotionNotify, 0, int16(at.X), int16(at.Y))
		q, err := xproto.QueryPointer(x.conn, x.root).Reply()
		return err == nil && image.Pt(int(q.RootX), int(q.RootY)) == quit
	})
	eventually(t, "the entry under the pointer is seen", func() bool { return samePart(x.display, menu, s.here, here) })
	s.here.fake(xproto.ButtonRelease, 1, 0, 0)
	s.here.key(controlL, false)
	eventually(t, "the terminal has quit", func() bool { _, err := x.inside(x.shared); return err != nil })
}

// samePart tells whether a part of one screen is seen on another one, by so far away.
func samePart(a *display, part image.Rectangle, b *display, by image.Point) bool {
	there, err := a.shotAt(part)
	if err != nil {
		return false
	}
	here, err := b.shotAt(part.Add(by))
	return err == nil && string(there) == string(here)
}
