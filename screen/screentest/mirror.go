package screentest

import (
	"context"
	"fmt"
	"image"

	"sightline/screen"
)

// Mirror puts together what a Source tells, as a viewer would, and finds where
// a Change breaks the promises of its type. The zero value is ready. Not safe
// for concurrent use.
type Mirror struct {
	Layout  *screen.Layout // the newest
	Cursor  screen.Cursor  // the newest, with the newest shape
	Changes int            // taken so far

	frames  map[screen.PictureID]*screen.Frame
	missing map[screen.PictureID]int // px that were never told
}

// Frame is the picture as it was told; nil: unknown. It belongs to the Mirror.
func (m *Mirror) Frame(id screen.PictureID) *screen.Frame { return m.frames[id] }

// Complete tells whether each picture of the layout was told in full.
func (m *Mirror) Complete() bool {
	for _, n := range m.missing {
		if n > 0 {
			return false
		}
	}
	return m.Layout != nil
}

// Take adds a change. The error names the promise that it breaks.
func (m *Mirror) Take(c *screen.Change) error {
	m.Changes++
	if c.Layout != nil {
		if err := m.takeLayout(c.Layout); err != nil {
			return err
		}
	}
	if m.Layout == nil {
		return fmt.Errorf("the first change has no layout")
	}
	if c.Frame != nil {
		if err := m.takeFrame(c); err != nil {
			return fmt.Errorf("picture %d: %w", c.Picture, err)
		}
	} else if len(c.Damage) > 0 || len(c.Moves) > 0 {
		return fmt.Errorf("damage without a frame")
	}
	if c.Cursor != nil {
		return m.takeCursor(c.Cursor)
	}
	if c.Frame == nil && c.Layout == nil {
		return fmt.Errorf("a change with nothing in it")
	}
	return nil
}

func (m *Mirror) takeLayout(l *screen.Layout) error {
	if len(l.Pictures) > screen.MaxPictures {
		return fmt.Errorf("%d pictures in a layout", len(l.Pictures))
	}
	frames, missing := map[screen.PictureID]*screen.Frame{}, map[screen.PictureID]int{}
	for _, p := range l.Pictures {
		if err := screen.CheckSize(p.Rect.Dx(), p.Rect.Dy()); err != nil {
			return err
		}
		if frames[p.ID] != nil {
			return fmt.Errorf("picture %d is in the layout twice", p.ID)
		}
		if len(p.Name) > screen.MaxName {
			return fmt.Errorf("picture %d has a name of %d bytes", p.ID, len(p.Name))
		}
		frames[p.ID], missing[p.ID] = m.frames[p.ID], m.missing[p.ID]
		if old := frames[p.ID]; old == nil || old.Rect != p.Bounds() {
			frames[p.ID], missing[p.ID] = screen.NewFrame(p.Bounds()), p.Rect.Dx()*p.Rect.Dy()
		}
	}
	m.Layout, m.frames, m.missing = l, frames, missing
	return nil
}

func (m *Mirror) takeFrame(c *screen.Change) error {
	mine := m.frames[c.Picture]
	if mine == nil {
		return fmt.Errorf("is not in the layout")
	}
	if c.Frame.Rect != mine.Rect {
		return fmt.Errorf("frame of %v, layout says %v", c.Frame.Rect, mine.Rect)
	}
	if len(c.Damage) == 0 && len(c.Moves) == 0 {
		return fmt.Errorf("frame without damage")
	}
	if err := CheckRegion(c.Damage, mine.Rect); err != nil {
		return err
	}
	for _, v := range c.Moves {
		if !v.To.In(mine.Rect) || !v.To.Sub(v.To.Min).Add(v.From).In(mine.Rect) {
			return fmt.Errorf("move %v leaves the picture", v)
		}
		mine.Shift(v)
	}
	for _, r := range c.Damage {
		mine.Copy(c.Frame, r)
	}
	// While a picture is incomplete the source need not know the rest of it.
	if m.missing[c.Picture] -= c.Damage.Area(); m.missing[c.Picture] > 0 {
		return nil
	}
	if at, ok := firstDifference(mine, c.Frame); ok {
		return fmt.Errorf("pixel %v changed outside the damage %v", at, c.Damage)
	}
	return checkX(c.Frame)
}

func (m *Mirror) takeCursor(c *screen.Cursor) error {
	shape := m.Cursor.Shape
	m.Cursor = *c
	if c.Shape == nil {
		m.Cursor.Shape = shape
		return nil
	}
	s := c.Shape
	if s.Size.X < 1 || s.Size.Y < 1 || s.Size.X > screen.MaxCursor || s.Size.Y > screen.MaxCursor {
		return fmt.Errorf("cursor of %v px", s.Size)
	}
	if len(s.Pix) != s.Size.X*s.Size.Y*screen.BytesPerPixel || !s.Hot.In(image.Rectangle{Max: s.Size}) {
		return fmt.Errorf("cursor of %v px with %d bytes and hot spot %v", s.Size, len(s.Pix), s.Hot)
	}
	return nil
}

// Until takes changes of the source until ok says so.
func (m *Mirror) Until(ctx context.Context, src screen.Source, ok func() bool) error {
	var c screen.Change
	for !ok() {
		if err := src.Next(ctx, &c); err != nil {
			return err
		}
		if err := m.Take(&c); err != nil {
			return err
		}
	}
	return nil
}

// CheckRegion tells whether a region keeps its promises: rectangles that are
// not empty, lie within box and do not overlap.
func CheckRegion(r screen.Region, box image.Rectangle) error {
	for i, a := range r {
		if a.Empty() || !a.In(box) {
			return fmt.Errorf("rectangle %v is empty or not within %v", a, box)
		}
		for _, b := range r[i+1:] {
			if a.Overlaps(b) {
				return fmt.Errorf("rectangles %v and %v overlap", a, b)
			}
		}
	}
	return nil
}

// firstDifference finds a pixel in which two frames of one size differ.
func firstDifference(a, b *screen.Frame) (image.Point, bool) {
	for y := a.Rect.Min.Y; y < a.Rect.Max.Y; y++ {
		p, q := a.Row(y, a.Rect.Min.X, a.Rect.Max.X), b.Row(y, b.Rect.Min.X, b.Rect.Max.X)
		if string(p) == string(q) {
			continue
		}
		for i := range p {
			if p[i] != q[i] {
				return image.Pt(a.Rect.Min.X+i/screen.BytesPerPixel, y), true
			}
		}
	}
	return image.Point{}, false
}

// checkX looks for a pixel whose unused byte is not zero.
func checkX(f *screen.Frame) error {
	for y := f.Rect.Min.Y; y < f.Rect.Max.Y; y++ {
		row := f.Row(y, f.Rect.Min.X, f.Rect.Max.X)
		for i := 3; i < len(row); i += screen.BytesPerPixel {
			if row[i] != 0 {
				return fmt.Errorf("byte X of pixel %d,%d is %#x", f.Rect.Min.X+i/screen.BytesPerPixel, y, row[i])
			}
		}
	}
	return nil
}

// Clone copies a frame with its pixels.
func Clone(f *screen.Frame) *screen.Frame {
	g := screen.NewFrame(f.Rect)
	g.Copy(f, f.Rect)
	g.At = f.At
	return g
}
