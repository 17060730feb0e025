package screentest

import (
	"context"
	"fmt"
	"image"
	"os"
	"sync"

	"sightline/screen"
)

// news wakes everybody who waits for a state to change.
type news struct {
	mu      sync.Mutex
	changed chan struct{}
}

// tellLocked wakes them; mu is held.
func (n *news) tellLocked() {
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
}

// wait returns when ok, which is called with mu held, says so.
func (n *news) wait(ctx context.Context, ok func() bool) error {
	for {
		n.mu.Lock()
		if ok() {
			n.mu.Unlock()
			return nil
		}
		if n.changed == nil {
			n.changed = make(chan struct{})
		}
		changed := n.changed
		n.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Source is a screen.Source that shows what a test pushes, in that order. The
// zero value is ready. Push and Fail are safe for concurrent use.
type Source struct {
	news
	// Guarded by mu.
	queue  []screen.Change
	err    error
	closed bool
}

// NewSource makes a source that shows nothing yet.
func NewSource() *Source { return &Source{} }

// Push adds a change. Its frame and slices are copied, so the test may go on
// drawing; shape and layout are never changed by anybody.
func (s *Source) Push(c screen.Change) {
	if c.Frame != nil {
		c.Frame = Clone(c.Frame)
	}
	c.Damage = append(screen.Region(nil), c.Damage...)
	c.Moves = append([]screen.Move(nil), c.Moves...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, c)
	s.tellLocked()
}

// Show pushes a frame as a picture that is damaged in r; no r: everywhere.
func (s *Source) Show(id screen.PictureID, f *screen.Frame, r ...image.Rectangle) {
	if len(r) == 0 {
		r = []image.Rectangle{f.Rect}
	}
	var damage screen.Region
	for _, b := range r {
		damage = damage.Add(b)
	}
	s.Push(screen.Change{Picture: id, Frame: f, Damage: damage})
}

// Start pushes a layout of one picture, and that picture.
func (s *Source) Start(id screen.PictureID, f *screen.Frame) {
	l := &screen.Layout{Pictures: []screen.Picture{{ID: id, Name: fmt.Sprintf("picture %d", id), Rect: f.Rect}}}
	s.Push(screen.Change{Picture: id, Layout: l, Frame: f, Damage: screen.Region{f.Rect}})
}

// Fail makes Next return err once all that was pushed is taken.
func (s *Source) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	s.tellLocked()
}

// Drained waits until Next has taken all that was pushed.
func (s *Source) Drained(ctx context.Context) error {
	return s.wait(ctx, func() bool { return len(s.queue) == 0 })
}

// Closed tells whether Close was called.
func (s *Source) Closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Next implements screen.Source.
func (s *Source) Next(ctx context.Context, c *screen.Change) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var failed error
	err := s.wait(ctx, func() bool {
		switch {
		case s.closed:
			failed = fmt.Errorf("scripted source: %w", os.ErrClosed)
		case len(s.queue) > 0:
			*c = s.queue[0]
			s.queue = s.queue[1:]
			s.tellLocked()
		case s.err != nil:
			failed = s.err
		default:
			return false
		}
		return true
	})
	if err != nil {
		return err
	}
	return failed
}

// Close implements screen.Source.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.tellLocked()
	return nil
}
