package x11

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// Toplevel is a window of a program, without the frame that a window manager
// puts around it.
type Toplevel struct {
	ID    screen.WindowID
	Title string // cleaned of control characters, at most 200 bytes
	Class string // as WM_CLASS says, the second of its two names
	Rect  image.Rectangle

	win, outer xproto.Window // itself, and what stands on the root around it
	popup      bool          // no window manager cares for it: a menu, a tooltip
	tip        bool          // a tooltip
	shown      bool
	transient  xproto.Window // of which window it is a dialog
}

func (t *Toplevel) String() string {
	return fmt.Sprintf("%#x %s %dx%d %q", uint64(t.ID), t.Class, t.Rect.Dx(), t.Rect.Dy(), t.Title)
}

// Matches tells whether a pattern of `--window` means this window: its ID in
// hex, its class, or a part of its title, whatever the case of the letters.
func (t *Toplevel) Matches(pattern string) bool {
	if id, ok := windowID(pattern); ok {
		return t.ID == id
	}
	return strings.EqualFold(t.Class, pattern) || strings.Contains(strings.ToLower(t.Title), strings.ToLower(pattern))
}

func windowID(pattern string) (screen.WindowID, bool) {
	hex, ok := strings.CutPrefix(strings.ToLower(pattern), "0x")
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseUint(hex, 16, 32)
	return screen.WindowID(id), err == nil
}

// names are the properties that tell what a window is.
type names struct{ state, netName, utf8, kind, tooltip xproto.Atom }

func (c *client) internNames() (n names, err error) {
	for name, atom := range map[string]*xproto.Atom{
		"WM_STATE": &n.state, "_NET_WM_NAME": &n.netName, "UTF8_STRING": &n.utf8,
		"_NET_WM_WINDOW_TYPE": &n.kind, "_NET_WM_WINDOW_TYPE_TOOLTIP": &n.tooltip,
	} {
		r, err := xproto.InternAtom(c.Conn, false, uint16(len(name)), name).Reply()
		if err != nil {
			return n, err
		}
		*atom = r.Atom
	}
	return n, nil
}

// Window managers nest frames two or three deep; a display has some hundred windows.
const (
	framesDeep = 4
	mostTops   = 1024
)

// toplevels lists all windows of programs, the lowest first. A child of the root
// is one, or the frame around one, which is the one that has WM_STATE. Errors
// about windows that go away meanwhile leave these out.
func (c *client) toplevels(n names) ([]Toplevel, error) {
	tree, err := xproto.QueryTree(c.Conn, c.root).Reply()
	if err != nil {
		return nil, err
	}
	var all []Toplevel
	for _, outer := range tree.Children[max(0, len(tree.Children)-mostTops):] {
		attr, err := xproto.GetWindowAttributes(c.Conn, outer).Reply()
		if err != nil {
			if ended(c) {
				return nil, lost(nil)
			}
			continue
		}
		t := Toplevel{win: outer, outer: outer}
		if w := c.framed(n, outer, framesDeep); w != 0 {
			t.win = w
		} else if attr.Class == xproto.WindowClassInputOnly || attr.MapState == xproto.MapStateUnmapped {
			continue
		} else {
			t.popup = attr.OverrideRedirect
			t.tip = t.popup && c.isTip(n, outer)
		}
		if c.identify(n, &t) {
			all = append(all, t)
		}
	}
	return all, nil
}

func ended(c *client) bool {
	_, err := xproto.GetInputFocus(c.Conn).Reply()
	return err != nil
}

// framed finds the window with WM_STATE in a tree.
func (c *client) framed(n names, w xproto.Window, deep int) xproto.Window {
	p, err := xproto.GetProperty(c.Conn, false, w, n.state, xproto.AtomAny, 0, 1).Reply()
	if err == nil && p.Type != 0 {
		return w
	}
	if deep == 0 {
		return 0
	}
	tree, err := xproto.QueryTree(c.Conn, w).Reply()
	if err != nil || len(tree.Children) > 64 {
		return 0
	}
	for _, child := range tree.Children {
		if found := c.framed(n, child, deep-1); found != 0 {
			return found
		}
	}
	return 0
}

// isTip tells whether the first type that a window claims to be is a tooltip.
func (c *client) isTip(n names, w xproto.Window) bool {
	p, err := xproto.GetProperty(c.Conn, false, w, n.kind, xproto.AtomAtom, 0, 1).Reply()
	return err == nil && p.Format == 32 && len(p.Value) >= 4 && xproto.Atom(binary.LittleEndian.Uint32(p.Value)) == n.tooltip
}

// identify fills in what a window says of itself.
func (c *client) identify(n names, t *Toplevel) bool {
	t.ID = screen.WindowID(t.win)
	attr, err := xproto.GetWindowAttributes(c.Conn, t.win).Reply()
	if err != nil || attr.Class == xproto.WindowClassInputOnly {
		return false
	}
	t.shown = attr.MapState == xproto.MapStateViewable
	if t.Rect, _, err = c.stands(t.win); err != nil {
		return false
	}
	t.transient, _ = c.windowProperty(t.win, xproto.AtomWmTransientFor)
	if class := c.text(t.win, xproto.AtomWmClass); class != "" {
		names := strings.Split(class, "\x00")
		t.Class = clean(names[min(1, len(names)-1)])
	}
	if t.Title = clean(c.text(t.win, n.netName)); t.Title == "" {
		t.Title = clean(c.text(t.win, xproto.AtomWmName))
	}
	return true
}

// stands is where a window is on the root, without its border, and how wide that is.
func (c *client) stands(w xproto.Window) (r image.Rectangle, border int, err error) {
	g, err := xproto.GetGeometry(c.Conn, xproto.Drawable(w)).Reply()
	if err != nil {
		return r, 0, err
	}
	at, err := xproto.TranslateCoordinates(c.Conn, w, c.root, 0, 0).Reply()
	if err != nil {
		return r, 0, err
	}
	corner := image.Pt(int(at.DstX), int(at.DstY))
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(int(g.Width), int(g.Height)))}, int(g.BorderWidth), nil
}

// maxText of a property, bytes.
const maxText = 200

func (c *client) text(w xproto.Window, name xproto.Atom) string {
	r, err := xproto.GetProperty(c.Conn, false, w, name, xproto.AtomAny, 0, maxText/4).Reply()
	if err != nil || r.Format != 8 {
		return ""
	}
	return string(bytes.TrimRight(r.Value, "\x00"))
}

// clean makes words of a program safe to show: no control characters, no half letters.
func clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, s))
}

// cut shortens to so many bytes without cutting a letter.
func cut(s string, n int) string {
	for len(s) > n {
		_, last := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-last]
	}
	return s
}

// sameClient tells whether one program's connection made both windows. The
// server gives the numbers out, so this cannot be pretended.
func (c *client) sameClient(a, b xproto.Window) bool {
	mask := c.setup.ResourceIdMask
	return uint32(a)&^mask == uint32(b)&^mask
}
