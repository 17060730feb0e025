// Package clips is the material on which the screen codec is tested and
// measured: moving pictures of what screens show. Tests and benchmarks import
// it, the product never does.
//
// Two kinds, one type:
//
//	recorded    real programs on an X server (Xvfb, openbox, xterm), filmed by
//	            clips/record into small files under testdata; see fixture.go
//	            for their format
//	generated   painted by this package from a seed: photos, camera footage,
//	            video windows, pages, plots, maps, editors. Integer arithmetic
//	            only, so every machine paints the same pixels
//
// The clips whose name begins with "other-" are a hold-out: content of other
// kinds than the codec was built on. They are for checking, not for tuning.
//
// Painting costs time (up to 100 ms per frame of 1920x1080). A benchmark takes a
// Recording first, which hands out frames at the price of copying what changed.
package clips

import (
	"fmt"
	"image"
	"io"
	"slices"
	"time"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

// Clip is one moving picture. It is a value without state: each Play starts
// from the beginning, and several may run at the same time.
type Clip struct {
	Name   string
	About  string      // what can be seen, one line
	Size   image.Point // px
	Frames int
	FPS    int

	// open makes a painter of the clip at c.Size.
	open func(c *Clip) (painter, error)
	// fixed: the size cannot be changed.
	fixed bool
}

// painter makes frame after frame. paint is called with n = 0, 1, 2 … and the
// frame as it left it; painters that hold something open are io.Closers.
type painter interface {
	paint(f *screen.Frame, n int) error
}

// paintFunc is a painter without anything to close.
type paintFunc func(f *screen.Frame, n int) error

func (p paintFunc) paint(f *screen.Frame, n int) error { return p(f, n) }

// Play calls show for each frame in turn, with what changed since the frame
// before: the tiles (grid.Side) in which a pixel differs, joined to rectangles;
// the whole frame first, an empty region if nothing changed. Frame and region
// are used again for the next frame. An error of show ends the play and is returned.
func (c *Clip) Play(show func(f *screen.Frame, damage screen.Region) error) (err error) {
	p, err := c.open(c)
	if err != nil {
		return fmt.Errorf("clip %s: %w", c.Name, err)
	}
	if closer, ok := p.(io.Closer); ok {
		defer func() {
			if e := closer.Close(); err == nil && e != nil {
				err = fmt.Errorf("clip %s: %w", c.Name, e)
			}
		}()
	}
	f, d := screen.NewFrame(image.Rectangle{Max: c.Size}), newDiffer(c.Size)
	for n := range c.Frames {
		if err := p.paint(f, n); err != nil {
			return fmt.Errorf("clip %s, frame %d: %w", c.Name, n, err)
		}
		f.At = time.Unix(0, 0).Add(time.Duration(n) * time.Second / time.Duration(c.FPS))
		if err := show(f, d.changed(f)); err != nil {
			return err
		}
	}
	return nil
}

// Head is the clip's first n frames.
func (c *Clip) Head(n int) *Clip {
	h := *c
	h.Frames = min(n, c.Frames)
	return &h
}

// Long is the clip with n frames: generated ones go on as long as one likes.
// A recorded clip has no more than it has.
func (c *Clip) Long(n int) *Clip {
	l := *c
	l.Frames = n
	if c.fixed {
		l.Frames = min(n, c.Frames)
	}
	return &l
}

// Sized is a generated clip painted in another size, in px: the same kind of
// content, for tests of odd and of small pictures. Recorded clips have one size only.
func (c *Clip) Sized(w, h int) (*Clip, error) {
	if c.fixed && image.Pt(w, h) != c.Size {
		return nil, fmt.Errorf("clip %s is recorded: it has no other size", c.Name)
	}
	if err := screen.CheckSize(w, h); err != nil {
		return nil, fmt.Errorf("clip %s: %w", c.Name, err)
	}
	s := *c
	s.Size = image.Pt(w, h)
	return &s, nil
}

// Recorded tells whether the clip was filmed from real programs.
func (c *Clip) Recorded() bool { return c.fixed }

// All lists the clips, recorded ones first.
func All() []*Clip { return slices.Concat(recorded(), generated()) }

// Load finds a clip by its name.
func Load(name string) (*Clip, error) {
	for _, c := range All() {
		if c.Name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no clip is called %q", name)
}

// differ finds which tiles of a frame differ from the one before.
type differ struct {
	old   *screen.Frame
	tiles grid.Set
	out   screen.Region
	first bool
}

func newDiffer(size image.Point) *differ {
	d := &differ{old: screen.NewFrame(image.Rectangle{Max: size}), first: true}
	d.tiles.Size(size.X, size.Y)
	return d
}

// changed gives the region, which is used again, and remembers the frame.
func (d *differ) changed(f *screen.Frame) screen.Region {
	d.out = d.out[:0]
	if d.first {
		d.first = false
		d.old.Copy(f, f.Rect)
		d.out = append(d.out, f.Rect)
		return d.out
	}
	d.find(f)
	for _, r := range d.out {
		d.old.Copy(f, r)
	}
	return d.out
}

// find is changed without remembering the frame.
func (d *differ) find(f *screen.Frame) screen.Region {
	d.tiles.Clear()
	for y := range f.Rect.Max.Y {
		d.row(f, y)
	}
	d.out = d.tiles.AppendRegion(d.out[:0])
	return d.out
}

// row adds the tiles that differ in row y.
func (d *differ) row(f *screen.Frame, y int) {
	w := f.Rect.Max.X
	a, b := f.Row(y, 0, w), d.old.Row(y, 0, w)
	if string(a) == string(b) {
		return
	}
	for x, col := 0, 0; x < w; x, col = x+grid.Side, col+1 {
		from, to := x*screen.BytesPerPixel, min(x+grid.Side, w)*screen.BytesPerPixel
		if string(a[from:to]) != string(b[from:to]) {
			d.tiles.Add(col, y/grid.Side)
		}
	}
}
