package screentest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"sightline/screen"
)

// Glass is a screen.Window that keeps what it is shown and plays what a test
// does to it. Its own methods are safe for concurrent use with those of the
// interface.
type Glass struct {
	news
	// Guarded by mu.
	layout *screen.Layout
	frames map[screen.PictureID]*screen.Frame
	draws  int
	cursor screen.Cursor
	state  screen.State
	marks  []screen.Mark

	// Sending is under the read lock, so that Close can close the channel.
	gate   sync.RWMutex
	events chan screen.Event
	done   chan struct{}
	once   sync.Once
}

// NewGlass opens a window.
func NewGlass() *Glass {
	return &Glass{
		frames: map[screen.PictureID]*screen.Frame{},
		events: make(chan screen.Event, 64),
		done:   make(chan struct{}),
	}
}

// Send plays an event. It waits until there is room, and drops the event if
// the window is closed.
func (g *Glass) Send(e screen.Event) {
	g.gate.RLock()
	defer g.gate.RUnlock()
	select {
	case <-g.done:
		return
	default:
	}
	select {
	case g.events <- e:
	case <-g.done:
	}
}

// Frame copies the picture as it was drawn; nil: never drawn.
func (g *Glass) Frame(id screen.PictureID) *screen.Frame {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.frames[id]; f != nil {
		return Clone(f)
	}
	return nil
}

// WaitFrame returns when the picture shows the pixels of want.
func (g *Glass) WaitFrame(ctx context.Context, id screen.PictureID, want *screen.Frame) error {
	err := g.wait(ctx, func() bool {
		f := g.frames[id]
		return f != nil && f.Equal(want)
	})
	if err != nil {
		return fmt.Errorf("picture %d never showed what was wanted: %w", id, err)
	}
	return nil
}

// Wait returns when ok says so. It is asked after each call of the interface;
// it must call nothing of g but read what Seen gives.
func (g *Glass) Wait(ctx context.Context, ok func(Seen) bool) error {
	return g.wait(ctx, func() bool {
		return ok(Seen{Layout: g.layout, Frames: g.frames, Draws: g.draws, Cursor: g.cursor, State: g.state, Marks: g.marks})
	})
}

// Seen is everything a Glass was shown. Frames belong to the Glass and are
// valid only while Wait's function runs.
type Seen struct {
	Layout *screen.Layout
	Frames map[screen.PictureID]*screen.Frame
	Draws  int           // calls of Draw
	Cursor screen.Cursor // with the newest shape
	State  screen.State
	Marks  []screen.Mark
}

// Seen is what the window was shown so far, with frames of its own.
func (g *Glass) Seen() Seen {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := Seen{Layout: g.layout, Draws: g.draws, Cursor: g.cursor, State: g.state, Marks: g.marks, Frames: map[screen.PictureID]*screen.Frame{}}
	for id, f := range g.frames {
		s.Frames[id] = Clone(f)
	}
	return s
}

// Layout implements screen.Window.
func (g *Glass) Layout(l *screen.Layout) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.layout = l
	for id, f := range g.frames {
		if p, ok := l.Find(id); !ok || p.Bounds() != f.Rect {
			delete(g.frames, id)
		}
	}
	g.tellLocked()
	return nil
}

// Draw implements screen.Window. It copies the damage only, so a frame whose
// damage is wrong shows wrong pixels.
func (g *Glass) Draw(id screen.PictureID, f *screen.Frame, damage screen.Region) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	mine := g.frames[id]
	if mine == nil || mine.Rect != f.Rect {
		mine = screen.NewFrame(f.Rect)
		g.frames[id] = mine
	}
	for _, r := range damage {
		mine.Copy(f, r)
	}
	g.draws++
	g.tellLocked()
	return nil
}

// Cursor implements screen.Window.
func (g *Glass) Cursor(c *screen.Cursor) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	shape := g.cursor.Shape
	g.cursor = *c
	if c.Shape == nil {
		g.cursor.Shape = shape
	}
	g.tellLocked()
	return nil
}

// State implements screen.Window.
func (g *Glass) State(s screen.State) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = s
	g.tellLocked()
	return nil
}

// Marks implements screen.Marker.
func (g *Glass) Marks(m []screen.Mark) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.marks = slices.Clone(m)
	g.tellLocked()
	return nil
}

// Events implements screen.Window.
func (g *Glass) Events() <-chan screen.Event { return g.events }

// Closed tells whether Close was called.
func (g *Glass) Closed() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

// Close implements screen.Window.
func (g *Glass) Close() error {
	g.once.Do(func() {
		close(g.done)
		g.gate.Lock()
		defer g.gate.Unlock()
		close(g.events)
	})
	return nil
}
