package x11

import (
	"errors"
	"image"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// share is one picture of a Windows: a chosen window with what belongs to it.
type share struct {
	id      screen.PictureID
	pattern string // how it was chosen: what comes back under it is shown again
	class   string // of the window when it was chosen
	name    string

	main    *member   // nil: the window is closed
	others  []*member // dialogs and menus, the lowest first
	card    string    // words that stand for the window; "": its pixels do
	rect    image.Rectangle
	lasting image.Rectangle // of it the window with its dialogs, on the root window
	over    image.Rectangle // around the menus that reach over the edge of that, on the root window; empty: none
	wide    time.Time       // when a menu last stood over the edge of the window
	diff    *differ
	scratch *screen.Frame // of the size of diff: what all members look like together
	all     bool          // the whole picture is to be composed
	whole   bool          // and told
}

// narrow is how long a picture stays as large as a menu has made it: each change
// of size makes the viewer's picture begin anew. What of it counts is told at once.
const narrow = 5 * time.Second

// members are all windows of the picture, the lowest first.
func (s *share) members() []*member {
	if s.main == nil {
		return nil
	}
	return append([]*member{s.main}, s.others...)
}

// wins are their numbers, the shared one first.
func (s *share) wins() (list []xproto.Window) {
	for _, m := range s.members() {
		list = append(list, m.win)
	}
	return list
}

// fit finds the picture's place: around all its windows. It tells whether the
// place or the size are new.
func (s *share) fit(now time.Time) bool {
	if s.main == nil || s.main.frame == nil {
		return false // the card is as large as the window was
	}
	lasting, over := s.extent()
	rect := lasting.Union(over)
	if !over.Empty() {
		s.wide = now
	}
	if grown := s.rect.Sub(s.rect.Min); now.Sub(s.wide) < narrow && s.rect.Size() != rect.Size() && rect.In(s.rect) && !grown.Empty() {
		rect = s.rect
	}
	if screen.CheckSize(rect.Dx(), rect.Dy()) != nil {
		rect, lasting, over = s.main.rect, s.main.rect, image.Rectangle{}
	}
	if rect == s.rect && lasting == s.lasting && over == s.over && s.diff != nil {
		return false
	}
	s.lasting, s.over = lasting, over
	if s.diff == nil || rect.Size() != s.rect.Size() {
		s.resize(rect.Size())
	}
	s.rect = rect
	return true
}

// extent is around the window with its dialogs, and around the menus and tooltips
// that reach over the edge of that.
func (s *share) extent() (lasting, over image.Rectangle) {
	lasting = s.main.rect
	for _, m := range s.others {
		if m.frame != nil && !m.popup {
			lasting = lasting.Union(m.rect)
		}
	}
	for _, m := range s.others {
		if m.frame != nil && m.popup && !m.rect.In(lasting) {
			over = over.Union(m.rect)
		}
	}
	return lasting, over
}

// picture is how a layout names it.
func (s *share) picture() screen.Picture {
	p := screen.Picture{ID: s.id, Name: s.name, Rect: s.rect}
	if s.lasting.In(s.rect) && s.lasting != s.rect {
		p.Main = s.lasting.Sub(s.rect.Min)
	}
	if s.over.In(s.rect) && !s.over.Empty() {
		p.Over = s.over.Sub(s.rect.Min)
	}
	return p
}

// narrowing is when the picture may become as small as its window again; zero: it is.
func (s *share) narrowing() time.Time {
	if s.main == nil || s.main.frame == nil || s.rect == s.lasting || s.wide.IsZero() || !s.over.Empty() {
		return time.Time{}
	}
	return s.wide.Add(narrow)
}

func (s *share) resize(size image.Point) {
	s.diff = newDiffer(size)
	s.scratch = screen.NewFrame(image.Rectangle{Max: size})
	s.all = true
}

// compose puts a box of the picture together: every member over those below it,
// black where none is.
func (s *share) compose(box image.Rectangle) {
	box = box.Intersect(s.scratch.Rect)
	if box.Empty() {
		return
	}
	s.scratch.Fill(box, 0)
	if s.card != "" {
		drawCard(s.scratch, s.card)
		box = s.scratch.Rect
	} else {
		for _, m := range s.members() {
			s.lay(m, box)
		}
	}
	s.diff.take(box, s.scratch.Pix[s.scratch.Offset(box.Min.X, box.Min.Y):], s.scratch.Stride)
}

func (s *share) lay(m *member, box image.Rectangle) {
	if m.frame == nil {
		return
	}
	at := m.rect.Min.Sub(s.rect.Min)
	for y, part := box.Min.Y, box.Intersect(m.frame.Rect.Add(at)); y < part.Max.Y; y++ {
		if y >= part.Min.Y {
			copy(s.scratch.Row(y, part.Min.X, part.Max.X), m.frame.Row(y-at.Y, part.Min.X-at.X, part.Max.X-at.X))
		}
	}
}

// look reads what its windows drew and puts it into the picture.
func (s *share) look(a *asker, root xproto.Window, drew map[xproto.Window]bool) error {
	for _, m := range s.members() {
		if m.frame == nil || !drew[m.win] {
			continue
		}
		delete(drew, m.win)
		boxes, err := m.look(a, root)
		var gone *xError
		if errors.As(err, &gone) {
			continue // an event tells of it
		}
		if err != nil {
			return err
		}
		if s.all {
			continue
		}
		for _, b := range boxes {
			s.compose(b.Add(m.rect.Min).Sub(s.rect.Min))
		}
	}
	if s.all {
		s.compose(s.scratch.Rect)
		s.all, s.whole = false, true
	}
	return nil
}

// changed adds what is new in the picture since it was asked last.
func (s *share) changed(r screen.Region) screen.Region {
	r = s.diff.region(r)
	if s.whole {
		s.whole = false
		r = append(r[:0], s.diff.last.Rect)
	}
	return r
}

// drop ends the watch of a window that no longer belongs here.
func (s *share) drop(keep func(*member) bool) {
	s.others = slices.DeleteFunc(s.others, func(m *member) bool {
		if keep(m) {
			return false
		}
		m.close()
		s.all = true
		return true
	})
}
