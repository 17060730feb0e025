package ansi

import (
	"fmt"
	"image"
	"slices"
	"sync"
	"time"

	"sightline/screen"
)

// escapeWait is how long an ESC waits for the rest of a sequence before it is
// the Escape key. Longer than sequences are torn apart on a bad SSH line, too
// short to be felt.
const escapeWait = 50 * time.Millisecond

// Window is a terminal that shows pictures. It implements screen.Window.
type Window struct {
	// Static after newWindow.
	tty    terminal
	events chan screen.Event
	wake   chan struct{} // holds one: there may be something to show
	done   chan struct{}
	wg     sync.WaitGroup
	halt   sync.Once // done
	undo   sync.Once // the terminal is back
	once   sync.Once // Close

	// Owned by the goroutine that reads.
	parser parser
	hand   hand

	// Owned by the goroutine that writes.
	grid  grid
	title string // as the terminal has it

	mu sync.Mutex
	// Guarded by mu.
	layout *screen.Layout
	frames map[screen.PictureID]*screen.Frame
	shown  screen.PictureID // which of them is looked at
	cursor screen.Cursor
	marks  []screen.Mark
	state  screen.State
	zoom   int
	centre image.Point   // of the part that is shown, px
	asked  bool          // the menu is shown
	size   image.Point   // of the terminal, cells
	view   view          // follows from the above
	dirty  screen.Region // px of the shown picture
	redraw bool          // everything
	status bool          // the status line
	copied [2]string     // for the terminal's clipboard and selection
	err    error         // the terminal took no more
}

var _ screen.Window = (*Window)(nil)

// newWindow starts the two goroutines; Close awaits them.
func newWindow(tty terminal, mode colours, title string) *Window {
	w := &Window{
		tty:    tty,
		events: make(chan screen.Event, 64),
		wake:   make(chan struct{}, 1),
		done:   make(chan struct{}),
		frames: map[screen.PictureID]*screen.Frame{},
	}
	w.grid.mode = mode
	w.state.Title, w.cursor.Hidden = title, true
	w.measureLocked()
	w.wg.Go(w.guarded(w.write))
	w.wg.Go(w.guarded(w.read))
	return w
}

// guarded puts the terminal back before a panic is printed on it.
func (w *Window) guarded(f func()) func() {
	return func() {
		defer func() {
			if p := recover(); p != nil {
				w.Restore()
				panic(p)
			}
		}()
		f()
	}
}

// Restore puts the terminal back at once, without waiting for anything. It is
// for a panic; Close does the same in an orderly way. It may be called from
// any goroutine, any number of times.
func (w *Window) Restore() {
	w.stop()
	w.undo.Do(func() {
		w.tty.Write([]byte(leave))
		w.tty.restore()
	})
}

// stop tells both goroutines to end.
func (w *Window) stop() {
	w.halt.Do(func() {
		close(w.done)
		w.tty.cancel()
	})
}

// Close implements screen.Window. It waits until the terminal has taken the
// write that is under way.
func (w *Window) Close() error {
	w.once.Do(func() {
		w.stop()
		w.wg.Wait()
		close(w.events)
		w.Restore()
	})
	return nil
}

// Events implements screen.Window.
func (w *Window) Events() <-chan screen.Event { return w.events }

// Layout implements screen.Window.
func (w *Window) Layout(l *screen.Layout) error {
	return w.change(func() {
		for id, f := range w.frames {
			if p, ok := l.Find(id); !ok || p.Bounds() != f.Rect {
				delete(w.frames, id)
			}
		}
		w.layout = l
		if _, ok := l.Find(w.shown); !ok && len(l.Pictures) > 0 {
			w.showLocked(l.Pictures[0].ID)
		}
		w.placeLocked()
	})
}

// showLocked looks at another picture.
func (w *Window) showLocked(id screen.PictureID) {
	w.shown, w.zoom, w.dirty = id, 0, w.dirty[:0]
	w.centre = image.Point{}
	w.scaleLocked()
}

// scaleLocked applies the wanted scale.
func (w *Window) scaleLocked() {
	w.zoom = 0
	if p, ok := w.layout.Find(w.shown); ok && w.state.Scale == screen.OneToOne {
		w.zoom = oneToOne(p.Lasting().Size(), w.dotsLocked())
	}
}

// Draw implements screen.Window. What is not in the layout, or of another
// size there, is left out: it came late.
func (w *Window) Draw(id screen.PictureID, f *screen.Frame, damage screen.Region) error {
	return w.change(func() {
		p, ok := w.layout.Find(id)
		if !ok || p.Bounds() != f.Rect {
			return
		}
		mine := w.frames[id]
		if mine == nil {
			mine = screen.NewFrame(f.Rect)
			w.frames[id] = mine
			w.redraw = true
		}
		for _, r := range damage {
			if r = r.Intersect(f.Rect); r.Empty() {
				continue
			}
			mine.Copy(f, r)
			if id == w.shown {
				w.dirty = w.dirty.Add(r)
			}
		}
	})
}

// Cursor implements screen.Window. Two cells are too few for a shape: the
// place of the host's pointer is marked.
func (w *Window) Cursor(c *screen.Cursor) error {
	return w.change(func() {
		for _, at := range [...]screen.Cursor{w.cursor, *c} {
			if at.Picture == w.shown {
				w.dirty = w.dirty.Add(image.Rectangle{Min: at.At, Max: at.At.Add(image.Pt(1, 1))})
			}
		}
		w.cursor = *c
	})
}

// Marks implements screen.Marker. In a cell there is room for a name's first letter.
func (w *Window) Marks(list []screen.Mark) error {
	return w.change(func() {
		for _, m := range slices.Concat(w.marks, list) {
			if m.Picture == w.shown {
				w.dirty = w.dirty.Add(image.Rectangle{Min: m.At, Max: m.At.Add(image.Pt(1, 1))})
			}
		}
		w.marks = slices.Clone(list)
	})
}

// State implements screen.Window. A terminal has no full screen and cannot
// grab keys; that part is ignored.
func (w *Window) State(s screen.State) error {
	return w.change(func() {
		old := w.state
		w.state, w.status = s, true
		if old.Scale != s.Scale {
			w.scaleLocked()
			w.placeLocked()
		}
		if old.DimmedSince.IsZero() != s.DimmedSince.IsZero() {
			w.redraw = true
		}
	})
}

// change does something under the lock and wakes the writer.
func (w *Window) change(f func()) error {
	select {
	case <-w.done:
		return errClosed
	default:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	f()
	w.wakeUp()
	return nil
}

// wakeUp never blocks: one wake-up that was not seen yet is enough.
func (w *Window) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// dotsLocked is the room for the picture in dots: all rows but the status line.
func (w *Window) dotsLocked() image.Point { return image.Pt(w.size.X, 2*(w.size.Y-1)) }

// measureLocked asks for the terminal's size; true: it changed.
func (w *Window) measureLocked() bool {
	cols, rows := w.tty.size()
	size := image.Pt(min(max(cols, 1), maxCols), min(max(rows, 1), maxRows))
	if size == w.size {
		return false
	}
	w.size = size
	w.placeLocked()
	return true
}

// placeLocked works out anew what part of the picture lies where.
func (w *Window) placeLocked() {
	w.view, w.redraw = view{}, true
	if p, ok := w.layout.Find(w.shown); ok {
		w.view = viewOf(p.Seen(), w.dotsLocked(), w.zoom, w.centre)
	}
}

// fail remembers why the terminal takes no more.
func (w *Window) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = fmt.Errorf("terminal: %w: %w", screen.ErrDisplayLost, err)
	}
}
