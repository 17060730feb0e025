//go:build linux

package testscripts

import (
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
)

// debianPython has the modules that Debian packages; another python3 may come first
// in the path.
const debianPython = "/usr/bin/python3"

// Menus, combo boxes, tooltips and dialogs of the toolkits that most programs are
// made with are seen by the viewer of one window and work where they are seen;
// another window of the same program is not shown and cannot be reached. // issue 5
func TestToolkits(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ module, pkg string }{
		"gtk": {"import gi; gi.require_version('Gtk', '3.0')", "python3-gi and gir1.2-gtk-3.0"},
		"qt":  {"import PyQt5.QtWidgets", "python3-pyqt5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := exec.Command(debianPython, "-c", row.module).CombinedOutput(); err != nil {
				skip(t, fmt.Sprintf("%s is not here (Debian package %s): %s", name, row.pkg, out))
			}
			k := shareToolkit(t, debianPython, "toolkits/"+name+".py")
			k.knock()
			k.choose(mark{0x0000aa, "the menu bar"}, mark{0x00aa00, "an item of the menu"}, "menu")
			k.choose(mark{0xaaaa00, "the combo box"}, mark{0x00aaaa, "its list"}, "combo")
			k.hover(mark{0x5500aa, "a button"}, mark{0xaa5500, "its tooltip"})
			k.choose(mark{0x5500aa, "a button"}, mark{0xaa0055, "the dialog's button"}, "dialog")
			if said := k.said(); strings.Contains(said, "leak") {
				t.Errorf("the second window heard of it: %q", said)
			}
		})
	}
}

// mark is a colour that one thing on the screen has, 0xRRGGBB, and what it is.
type mark struct {
	colour uint32
	what   string
}

const (
	privateColour = 0xff00ff
	plainPaper    = 0x808080 // of the shared window where there is nothing to click
)

// toolkit is a session in which one window of a program with two is shared.
type toolkit struct {
	*session
	said   func() string // by the program, so far
	shared xproto.Window // on the host's screen
	window xproto.Window // the viewer's
}

// shareToolkit starts a program that prints "ready" when it shows a window called
// "shared", and another one.
func shareToolkit(t *testing.T, args ...string) *toolkit {
	t.Helper()
	x := &terminals{display: openDisplay(t, screenSize).connect()}
	x.run("openbox", "openbox")
	out := filepath.Join(t.TempDir(), "out")
	x.run("sh", "dash", append([]string{"-c", `out=$1; shift; exec "$@" >"$out"`, "sh", out}, args...)...)
	said := func() string { b, _ := os.ReadFile(out); return string(b) }
	eventually(t, "the program is ready", func() bool { return strings.Contains(said(), "ready") })
	x.named("shared")
	x.named("private")
	return shareProgram(t, x, said)
}

func shareProgram(t *testing.T, x *terminals, said func() string) *toolkit {
	k := &toolkit{session: shareTerminal(t, x), said: said, shared: x.named("shared")}
	k.window = k.here.named("sightline")
	return k
}

// A window of Chromium, whose lists, context menu and tooltips are windows that say
// nothing of whose they are; its other window is of the same process. // issue 5
func TestChromium(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		skip(t, "chromium is not here (Debian package chromium)")
	}
	x := &terminals{display: openDisplay(t, screenSize).connect()}
	x.run("openbox", "openbox")
	b := newBrowser(t, x.display, chromium)
	x.shared = b.open("page.html", "shared", image.Rect(60, 60, 560, 460))
	x.private = b.open("private.html", "private", image.Rect(450, 380, 650, 580))
	x.raise(x.private)
	k := shareProgram(t, x, func() string { return x.title(x.shared) })
	k.knock()
	k.choose(mark{0x5500aa, "a button"}, mark{0x5500aa, "a button"}, "clicked")
	k.choose(mark{0xaaaa00, "a list"}, mark{0x00aaaa, "its entries"}, "chosen")
	k.popsUp("the tooltip", func() { k.pass(mark{0x5500aa, "a button"}) })
	menu := k.popsUp("the context menu", func() { k.press(3, mark{0xaa5500, "a place with nothing"}) })
	k.click(image.Pt((menu.Min.X+menu.Max.X)/2, menu.Min.Y+76)) // the third entry, in the middle: Reload
	eventually(t, "the page is loaded again", func() bool { return strings.Contains(k.said(), "reload") })
	k.choose(mark{0xaa0055, "a button"}, mark{0xaa0055, "a button"}, "asks")
	eventually(t, "the page's question is seen", func() bool {
		_, plain := k.find(mark{0x5500aa, "the page, not darkened"})
		return !plain && k.exact()
	})
	k.here.key(enter, true)
	k.here.key(enter, false)
	eventually(t, "the question is answered", func() bool { return strings.Contains(k.said(), "answered") })
	if strings.Contains(x.title(x.private), "leak") {
		t.Error("the second window heard of it")
	}
}

// browser is a Chromium with a profile of its own.
type browser struct {
	*display
	program, profile, pages string
}

func newBrowser(t *testing.T, d *display, program string) browser {
	t.Helper()
	pages, err := filepath.Abs("toolkits")
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // its children write until they notice that it is gone
		eventually(t, "the profile is gone", func() bool { return os.RemoveAll(profile) == nil })
	})
	return browser{d, program, profile, pages}
}

// open shows one of our pages in a window of its own.
func (b browser) open(page, title string, at image.Rectangle) xproto.Window {
	b.t.Helper()
	b.run(b.program, "chromium",
		"--no-sandbox",            // which refuses root
		"--disable-dev-shm-usage", // which is small in many containers
		"--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+b.profile, "--app=file://"+filepath.Join(b.pages, page))
	w := b.named(title)
	b.frame(w, at)
	return w
}

// title is what a window calls itself.
func (d *display) title(w xproto.Window) string {
	d.t.Helper()
	p, err := xproto.GetProperty(d.conn, false, w, xproto.AtomWmName, xproto.GetPropertyTypeAny, 0, 256).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	return string(p.Value)
}

// find looks for a colour in the viewer's window and below it, where a list may reach; no
// picture may show the private one. The place is on the viewer's screen.
func (k *toolkit) find(m mark) (at image.Point, seen bool) {
	k.Helper()
	r, err := k.here.inside(k.window)
	if err != nil {
		return at, false
	}
	r.Max.Y = min(r.Max.Y+120, int(k.here.size[1]))
	pix, err := k.here.shotAt(r)
	if err != nil {
		return at, false
	}
	const enough = 100 // px: more than an edge or a letter
	box, n, foreign := image.Rectangle{}, 0, 0
	for i := 0; i+3 < len(pix); i += 4 {
		switch uint32(pix[i]) | uint32(pix[i+1])<<8 | uint32(pix[i+2])<<16 {
		case m.colour:
			p := image.Pt(i/4%r.Dx(), i/4/r.Dx())
			box, n = box.Union(image.Rectangle{Min: p, Max: p.Add(image.Pt(1, 1))}), n+1
		case privateColour:
			foreign++
		}
	}
	if foreign > 0 {
		k.Fatalf("%d px of the private window are shown", foreign)
	}
	return box.Min.Add(box.Max).Div(2).Add(r.Min), n >= enough
}

// click presses and lifts the left button.
func (k *toolkit) click(at image.Point) { k.here.click(1, int16(at.X), int16(at.Y)) }

// between is how long a person looks whether a click did something, before the next.
const between = time.Second

// choose opens something and clicks on what comes, until the program says that it was
// chosen: a menu that the click on it closed is opened again.
func (k *toolkit) choose(opener, item mark, word string) {
	k.Helper()
	next := map[mark]time.Time{}
	var shown bool
	eventually(k, item.what+" is chosen", func() bool {
		if strings.Contains(k.said(), word) {
			return true
		}
		on := item
		at, seen := k.find(item)
		if shown = shown || seen; !seen {
			on = opener
			at, seen = k.find(opener)
		}
		if seen && time.Now().After(next[on]) {
			next[on] = time.Now().Add(between)
			k.click(at)
		}
		return false
	})
	if !shown {
		k.Errorf("%s was not seen", item.what)
	}
	if item == opener {
		return
	}
	eventually(k, item.what+" is gone", func() bool { _, seen := k.find(item); return !seen })
}

// retry says when something is to be tried again: at once, and then after a pause that
// doubles, as a loaded machine may need longer for its answer than any pause is.
type retry struct {
	next time.Time
	wait time.Duration
}

// again is how long a person waits for a tooltip before the pointer is moved once more.
func again() *retry { return &retry{wait: 2 * between} }

func (r *retry) due() bool {
	if time.Now().Before(r.next) {
		return false
	}
	r.next = time.Now().Add(r.wait)
	r.wait *= 2
	return true
}

// hover moves the pointer on to something, again and again, until its tooltip comes.
func (k *toolkit) hover(over, tip mark) {
	k.Helper()
	try := again()
	eventually(k, tip.what+" is seen", func() bool {
		_, seen := k.find(tip)
		if !seen && try.due() {
			k.pass(over)
		}
		return seen
	})
}

// pass moves the pointer on to something, if it is seen.
func (k *toolkit) pass(over mark) {
	if at, seen := k.find(over); seen {
		for _, y := range []int{-40, -3, 0} {
			k.here.fake(xproto.MotionNotify, 0, int16(at.X), int16(at.Y+y))
		}
	}
}

// press clicks on something with any button, if it is seen.
func (k *toolkit) press(button byte, m mark) {
	if at, seen := k.find(m); seen {
		k.here.click(button, int16(at.X), int16(at.Y))
	}
}

// popsUp does something until a menu or tooltip of the program opens, and waits until
// the viewer sees all of it in its place, pixel for pixel. That is on the viewer's screen.
func (k *toolkit) popsUp(what string, try func()) image.Rectangle {
	k.Helper()
	before, soon := k.there.popups(), again()
	var on image.Rectangle // the host's screen
	eventually(k, what+" opens", func() bool {
		for w, r := range k.there.popups() {
			if _, old := before[w]; !old {
				on = r
				return true
			}
		}
		if soon.due() {
			try()
		}
		return false
	})
	var here image.Rectangle
	eventually(k, what+" is seen", func() bool {
		main, err := k.there.inside(k.shared)
		if err != nil {
			return false
		}
		window, err := k.here.inside(k.window)
		if err != nil {
			return false
		}
		by := window.Min.Sub(main.Min)
		here = on.Add(by)
		return samePart(k.there, on, k.here, by)
	})
	return here
}

// exact tells whether the viewer's window shows all pixels of the host's.
func (k *toolkit) exact() bool {
	r, err := k.there.inside(k.shared)
	if err != nil {
		return false
	}
	a, err := k.there.shotOf(k.shared, uint16(r.Dx()), uint16(r.Dy()))
	if err != nil {
		return false
	}
	b, err := k.here.shotOf(k.window, uint16(r.Dx()), uint16(r.Dy()))
	return err == nil && string(a) == string(b)
}

// knock clicks where the private window stands before the shared one: in its bottom
// right corner, once the picture is no larger than the window any more.
func (k *toolkit) knock() {
	k.Helper()
	var r image.Rectangle
	eventually(k, "the picture is as large as the window again", func() bool {
		var err error
		if r, err = k.here.inside(k.window); err != nil {
			return false
		}
		pix, err := k.here.shotOf(k.window, uint16(r.Dx()), uint16(r.Dy()))
		return err == nil && pixelIs(pix, r.Size(), 2, r.Dy()-3, plainPaper) == nil && pixelIs(pix, r.Size(), r.Dx()-3, r.Dy()-3, plainPaper) == nil
	})
	k.click(r.Max.Sub(image.Pt(20, 20)))
	k.await(k.host, "denied", "reason=covered", "count~[1-9]")
}
