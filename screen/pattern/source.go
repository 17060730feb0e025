package pattern

import (
	"context"
	"fmt"
	"image"
	"os"
	"sync"
	"time"

	"sightline/screen"
)

// source is one watcher of a Desktop.
type source struct {
	desk *Desktop
	wake chan struct{} // holds one: there may be something new
	done chan struct{}
	once sync.Once

	// Owned by the goroutine of Next.
	frame  *screen.Frame
	cursor screen.Cursor

	// Guarded by desk.mu.
	dirty screen.Region
	first bool // nothing was told yet
	moved bool // the pointer moved
}

// Next implements screen.Source.
func (s *source) Next(ctx context.Context, c *screen.Change) error {
	for {
		select {
		case <-s.done:
			return fmt.Errorf("built-in desktop: %w", os.ErrClosed)
		default:
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if s.take(c) {
			return nil
		}
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
}

// take fills c with what this watcher has not seen; false: nothing.
func (s *source) take(c *screen.Change) bool {
	d := s.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.clock {
		d.tellTimeLocked(time.Now())
	}
	if s.dirty.Empty() && !s.moved {
		return false
	}
	c.Reset()
	c.Picture = ID
	if !s.dirty.Empty() {
		for _, r := range s.dirty {
			s.frame.Copy(d.shown, r)
		}
		s.frame.At = time.Now()
		c.Frame = s.frame
		c.Damage = append(c.Damage, s.dirty...)
	}
	if s.moved {
		s.cursor = screen.Cursor{Picture: ID, At: d.state.pointer}
		c.Cursor = &s.cursor
	}
	if s.first {
		c.Layout = d.layout
		s.cursor.Shape = arrow()
	}
	s.dirty, s.first, s.moved = s.dirty[:0], false, false
	return true
}

// wait returns when there may be something to take.
func (s *source) wait(ctx context.Context) error {
	var tick <-chan time.Time
	if s.desk.clock {
		now := time.Now()
		t := time.NewTimer(now.Truncate(time.Second).Add(time.Second).Sub(now))
		defer t.Stop()
		tick = t.C
	}
	select {
	case <-s.wake:
	case <-tick:
	case <-s.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// wakeUp never blocks: one wake-up that was not seen yet is enough.
func (s *source) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close ends the watching; a Next that waits returns.
func (s *source) Close() error {
	s.once.Do(func() {
		s.desk.mu.Lock()
		delete(s.desk.watchers, s)
		s.desk.mu.Unlock()
		close(s.done)
	})
	return nil
}

// arrow is the shape of the pointer: white with a black edge, 12 x 19 px, as
// desktops have had it since the first. Its tip points.
func arrow() *screen.CursorShape {
	rows := [...]string{
		"#           ",
		"##          ",
		"#.#         ",
		"#..#        ",
		"#...#       ",
		"#....#      ",
		"#.....#     ",
		"#......#    ",
		"#.......#   ",
		"#........#  ",
		"#.........# ",
		"#......#####",
		"#...#..#    ",
		"#..# #..#   ",
		"#.#  #..#   ",
		"##    #..#  ",
		"#     #..#  ",
		"       ##   ",
	}
	s := &screen.CursorShape{Size: image.Pt(len(rows[0]), len(rows))}
	for _, row := range rows {
		for _, c := range row {
			switch c {
			case '#':
				s.Pix = append(s.Pix, 0, 0, 0, 255)
			case '.':
				s.Pix = append(s.Pix, 255, 255, 255, 255)
			default:
				s.Pix = append(s.Pix, 0, 0, 0, 0)
			}
		}
	}
	return s
}
