// Package pattern is a small desktop made of pixels alone: text to type into,
// buttons to click, a list to scroll. It needs no display and answers to input
// as a real one does, so `demo` and tests have a screen to share everywhere.
//
//	+--------------------------------------------------+
//	| title                                     clock  |
//	+------------------------------+-------------------+
//	| text area                    | colour wheel      |
//	|                              |                   |
//	|                              +-------------------+
//	+------------------------------+ list              |
//	| [ one ] [ two ] [ three ]    |                   |
//	+------------------------------+-------------------+
//
// Everything it shows follows from its size and from the input it got: the
// same input makes the same pixels. Nothing moves by itself unless the clock
// is asked for.
//
// A Desktop is watched through Source and acted on through Injector. The two
// are values of their own, because each has a Close and closing the hand must
// not close the eye.
package pattern

import (
	"image"
	"sync"

	"sightline/screen"
)

// ID of the one picture of a Desktop.
const ID screen.PictureID = 0

// Sizes of a Desktop in px. Below the least the parts would overlap.
const (
	defaultWidth, defaultHeight = 1280, 720
	leastWidth, leastHeight     = 320, 240
)

// Options of a Desktop; the zero value is ready.
type Options struct {
	// Size in px; zero: 1280 x 720. What is too small or too large for a
	// picture is brought to the nearest size that is not.
	Size image.Point
	// Clock shows the time of day and changes every second.
	Clock bool
}

// Desktop is the desktop. Its methods are safe for concurrent use.
type Desktop struct {
	// Static after New.
	parts  []part
	layout *screen.Layout
	clock  bool

	mu sync.Mutex
	// Guarded by mu.
	shown    *screen.Frame // what there is to see
	draft    *screen.Frame // where parts are drawn, to find what really changed
	state    state
	watchers map[*source]struct{}
}

// New makes a desktop that nobody has touched yet.
func New(o Options) *Desktop {
	size := fitSize(o.Size)
	box := image.Rectangle{Max: size}
	d := &Desktop{
		layout:   &screen.Layout{Pictures: []screen.Picture{{ID: ID, Name: "pattern", Rect: box}}},
		clock:    o.Clock,
		shown:    screen.NewFrame(box),
		draft:    screen.NewFrame(box),
		state:    state{accent: defaultAccent, pointer: box.Max.Div(2)},
		watchers: map[*source]struct{}{},
	}
	d.parts = arrange(size)
	d.paintLocked(box)
	return d
}

// fitSize applies the limits of Options.Size.
func fitSize(p image.Point) image.Point {
	if p == (image.Point{}) {
		return image.Pt(defaultWidth, defaultHeight)
	}
	p.X = min(max(p.X, leastWidth), screen.MaxSide)
	p.Y = min(max(p.Y, leastHeight), screen.MaxSide)
	if p.X*p.Y > screen.MaxPixels {
		p.Y = screen.MaxPixels / p.X
	}
	return p
}

// Source watches the desktop from now on. Several may watch at once.
func (d *Desktop) Source() screen.Source {
	s := &source{desk: d, wake: make(chan struct{}, 1), done: make(chan struct{})}
	d.mu.Lock()
	defer d.mu.Unlock()
	s.frame = screen.NewFrame(d.shown.Rect)
	s.dirty = screen.Region{d.shown.Rect}
	s.first, s.moved = true, true
	d.watchers[s] = struct{}{}
	return s
}

// Injector gives a hand that acts on the desktop.
func (d *Desktop) Injector() screen.Injector { return &injector{desk: d} }

// Snapshot copies the pixels as they are now.
func (d *Desktop) Snapshot() *screen.Frame {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := screen.NewFrame(d.shown.Rect)
	s.Copy(d.shown, d.shown.Rect)
	return s
}

// Typed is the text in the text area; lines end in "\n".
func (d *Desktop) Typed() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.state.text)
}

// Clicks is how often a button was clicked, all three together.
func (d *Desktop) Clicks() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, c := range d.state.clicks {
		n += c
	}
	return n
}

// Held tells how many keys and pointer buttons are down.
func (d *Desktop) Held() (keys, buttons int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for b := d.state.buttons; b != 0; b &= b - 1 {
		buttons++
	}
	return len(d.state.held), buttons
}

// Button gives the place of the i-th button (0 to 2) in px, for clicks that a
// program makes.
func (d *Desktop) Button(i int) image.Rectangle { return d.find(partButton, i) }

// List gives the place of the scrolling list in px.
func (d *Desktop) List() image.Rectangle { return d.find(partList, 0) }

func (d *Desktop) find(kind partKind, n int) image.Rectangle {
	for _, p := range d.parts {
		if p.kind == kind && p.n == n {
			return p.rect
		}
	}
	return image.Rectangle{}
}

// paintLocked draws what touches r and tells the watchers what came out
// different. Drawing a part again is cheap beside finding out by thought which
// of its pixels a key changes.
func (d *Desktop) paintLocked(r image.Rectangle) {
	r = r.Intersect(d.shown.Rect)
	c := canvas{f: d.draft, clip: r}
	c.fill(r, colourDesk)
	for _, p := range d.parts {
		if p.rect.Overlaps(r) {
			p.draw(c.within(p.rect), p, &d.state)
		}
	}
	drawDot(c, d.state.pointer)
	if changed := difference(d.draft, d.shown, r); !changed.Empty() {
		d.shown.Copy(d.draft, changed)
		for s := range d.watchers {
			s.dirty = s.dirty.Add(changed)
			s.wakeUp()
		}
	}
}

// difference is the smallest rectangle in r that holds every pixel in which
// the frames differ.
func difference(a, b *screen.Frame, r image.Rectangle) (diff image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		p, q := a.Row(y, r.Min.X, r.Max.X), b.Row(y, r.Min.X, r.Max.X)
		if string(p) == string(q) {
			continue
		}
		from, to := 0, len(p)
		for from < to && p[from] == q[from] {
			from++
		}
		for to > from && p[to-1] == q[to-1] {
			to--
		}
		x0, x1 := r.Min.X+from/screen.BytesPerPixel, r.Min.X+(to+screen.BytesPerPixel-1)/screen.BytesPerPixel
		diff = diff.Union(image.Rect(x0, y, x1, y+1))
	}
	return diff
}
