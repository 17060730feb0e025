package screentest

import (
	"sync"

	"sightline/screen"
)

// Clipboard is a screen.Clipboard in memory. Copy plays a program that copies.
type Clipboard struct {
	clips chan screen.Clip
	puts  chan screen.Clip

	mu     sync.Mutex
	listen bool
	ever   chan struct{} // closed by the first Listen(true)
}

// NewClipboard makes one on which nothing stands.
func NewClipboard() *Clipboard {
	return &Clipboard{clips: make(chan screen.Clip, 64), puts: make(chan screen.Clip, 64), ever: make(chan struct{})}
}

// Copy is heard if somebody listens.
func (c *Clipboard) Copy(clip screen.Clip) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.listen {
		c.clips <- clip
	}
}

// Puts is what came to be pasted.
func (c *Clipboard) Puts() <-chan screen.Clip { return c.puts }

// Listening is closed when somebody listens for the first time.
func (c *Clipboard) Listening() <-chan struct{} { return c.ever }

// Clips, Listen, Put and Close are those of screen.Clipboard.
func (c *Clipboard) Clips() <-chan screen.Clip { return c.clips }

// Listen switches hearing on and off.
func (c *Clipboard) Listen(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listen = on
	if on {
		select {
		case <-c.ever:
		default:
			close(c.ever)
		}
	}
}

// Put notes what came.
func (c *Clipboard) Put(clip screen.Clip) error {
	c.puts <- clip
	return nil
}

// Close ends Clips.
func (c *Clipboard) Close() error {
	close(c.clips)
	return nil
}
