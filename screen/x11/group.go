package x11

import (
	"image"
	"slices"
	"sync"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// Group is which windows are shared and where they stand: the one list that a
// Windows source keeps and an Injector's fence reads. Both see a menu come and
// go at the same moment.
type Group struct {
	mu    sync.Mutex
	pics  []grouped
	since time.Time        // the menus are those that stand now
	acted time.Time        // when the remote hand did something
	on    screen.PictureID // where
}

// grouped is one picture: a shared window with its menus and dialogs.
type grouped struct {
	id   screen.PictureID
	rect image.Rectangle // of the root window
	wins []xproto.Window // the shared window first; empty while it is closed
	pops []xproto.Window // those of them that no window manager cares for: menus and tooltips
	menu bool            // there is a menu
}

// set replaces the list.
func (g *Group) set(pics []grouped) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.EqualFunc(g.pics, pics, func(a, b grouped) bool { return slices.Equal(a.pops, b.pops) }) {
		g.since = time.Now()
	}
	g.pics = pics
}

// place is where a picture stands on the root window.
func (g *Group) place(id screen.PictureID) (image.Rectangle, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.pics {
		if p.id == id {
			return p.rect, true
		}
	}
	return image.Rectangle{}, false
}

// has tells whether input to a window is allowed, and of which picture it is.
func (g *Group) has(w xproto.Window) (id screen.PictureID, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.pics {
		if slices.Contains(p.wins, w) {
			return p.id, true
		}
	}
	return 0, false
}

// menu tells whether a menu stands before a shared window, which may have taken the
// pointer or the keyboard for itself, and since when there was no other.
func (g *Group) menu() (since time.Time, open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.since, slices.ContainsFunc(g.pics, func(p grouped) bool { return p.menu })
}

// popup tells whether no window manager cares for a window, so that it never gets
// the focus.
func (g *Group) popup(w xproto.Window) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.pics, func(p grouped) bool { return slices.Contains(p.pops, w) })
}

// main is the shared window of a picture, 0 while it is closed.
func (g *Group) main(id screen.PictureID) xproto.Window {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.pics {
		if p.id == id && len(p.wins) > 0 {
			return p.wins[0]
		}
	}
	return 0
}

// act notes that the remote hand did something in a picture.
func (g *Group) act(id screen.PictureID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.acted, g.on = time.Now(), id
}

// last is what act noted last.
func (g *Group) last() (time.Time, screen.PictureID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.acted, g.on
}
