package screen

import "sync"

// Blind is a Window that nobody looks at: a scripted viewer decodes, answers
// and reports without a display.
type Blind struct {
	events chan Event
	once   sync.Once
}

// NewBlind opens a Blind.
func NewBlind() *Blind { return &Blind{events: make(chan Event, 16)} }

// Send plays an event as if a person had made it. It must not follow Close.
func (b *Blind) Send(e Event) { b.events <- e }

// Layout, Draw, Cursor and State accept everything and show nothing.
func (b *Blind) Layout(*Layout) error                 { return nil }
func (b *Blind) Draw(PictureID, *Frame, Region) error { return nil }
func (b *Blind) Cursor(*Cursor) error                 { return nil }
func (b *Blind) State(State) error                    { return nil }

// Events are those of Send.
func (b *Blind) Events() <-chan Event { return b.events }

// Close ends Events.
func (b *Blind) Close() error {
	b.once.Do(func() { close(b.events) })
	return nil
}
