package screentest

import (
	"context"
	"fmt"
	"image"
	"os"

	"sightline/screen"
	"sightline/screen/keysym"
)

// Hands is a screen.Injector that writes down what it is told. Its own methods
// are safe for concurrent use with those of the interface.
type Hands struct {
	news
	// Guarded by mu.
	events   []screen.Event
	keys     map[keysym.Sym]bool
	buttons  screen.Buttons
	fence    []screen.WindowID
	releases int
	closed   bool
	refuse   error
	bounds   map[screen.PictureID]image.Rectangle
}

// NewHands makes hands that have done nothing and reach everywhere.
func NewHands() *Hands { return &Hands{keys: map[keysym.Sym]bool{}} }

// Within makes the hands refuse ("outside") what is not in a picture of the
// layout.
func (h *Hands) Within(l *screen.Layout) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bounds = map[screen.PictureID]image.Rectangle{}
	for _, p := range l.Pictures {
		h.bounds[p.ID] = p.Bounds()
	}
}

// Refuse makes Key and Pointer return err from now on and do nothing; nil ends
// that.
func (h *Hands) Refuse(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = err
}

// Events are the keys (screen.Key) and pointers (screen.Pointer) so far.
func (h *Hands) Events() []screen.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]screen.Event(nil), h.events...)
}

// Wait returns the events as soon as there are n of them.
func (h *Hands) Wait(ctx context.Context, n int) ([]screen.Event, error) {
	err := h.wait(ctx, func() bool { return len(h.events) >= n })
	return h.Events(), err
}

// Released counts the calls of ReleaseAll, the one in Close among them.
func (h *Hands) Released() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.releases
}

// WaitReleased returns when nothing is held down and ReleaseAll was called at
// least n times.
func (h *Hands) WaitReleased(ctx context.Context, n int) error {
	return h.wait(ctx, func() bool { return h.releases >= n && len(h.keys) == 0 && h.buttons == 0 })
}

// Held tells how many keys and buttons are down.
func (h *Hands) Held() (keys, buttons int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for b := h.buttons; b != 0; b &= b - 1 {
		buttons++
	}
	return len(h.keys), buttons
}

// Fenced is the fence that was set last.
func (h *Hands) Fenced() []screen.WindowID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]screen.WindowID(nil), h.fence...)
}

// Closed tells whether Close was called.
func (h *Hands) Closed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// Key implements screen.Injector.
func (h *Hands) Key(k screen.Key) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.readyLocked(); err != nil {
		return err
	}
	if k.Down {
		h.keys[k.Sym] = true
	} else {
		delete(h.keys, k.Sym)
	}
	h.events = append(h.events, k)
	h.tellLocked()
	return nil
}

// Pointer implements screen.Injector.
func (h *Hands) Pointer(p screen.Pointer) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.readyLocked(); err != nil {
		return err
	}
	if h.bounds != nil && !p.At.In(h.bounds[p.Picture]) {
		return &screen.Refused{Reason: "outside"}
	}
	h.buttons = p.Buttons
	h.events = append(h.events, p)
	h.tellLocked()
	return nil
}

func (h *Hands) readyLocked() error {
	if h.closed {
		return fmt.Errorf("scripted hands: %w", os.ErrClosed)
	}
	return h.refuse
}

// Fence implements screen.Injector.
func (h *Hands) Fence(allowed []screen.WindowID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fence = append([]screen.WindowID(nil), allowed...)
	h.tellLocked()
	return nil
}

// ReleaseAll implements screen.Injector.
func (h *Hands) ReleaseAll() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.keys)
	h.buttons = 0
	h.releases++
	h.tellLocked()
	return nil
}

// Close implements screen.Injector.
func (h *Hands) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	return h.ReleaseAll()
}
