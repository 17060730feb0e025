package x11

import (
	"context"
	"time"

	"sightline/screen"
)

// looker is what a Source does for its next change.
type looker interface {
	isClosing() bool
	attempt(c *screen.Change) (found bool, err error) // looks once at everything
	due() time.Time                                   // when to look again, even if nothing is noted
	fault(err error) error                            // tells an end that we caused from one that the server did
}

// bell wakes who waits for a change.
type bell struct {
	noted <-chan struct{} // something happened
	ended <-chan struct{} // closed with the connection
	timer *time.Timer
}

// nextChange looks, and sleeps until there may be something new, in turn.
func nextChange(ctx context.Context, w looker, b bell, c *screen.Change) error {
	c.Reset()
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if w.isClosing() {
			return w.fault(nil)
		}
		found, err := w.attempt(c)
		if err != nil {
			return w.fault(err)
		}
		if found {
			return nil
		}
		b.timer.Reset(time.Until(w.due()))
		select {
		case <-ctx.Done():
		case <-b.ended:
			return w.fault(nil)
		case <-b.noted:
		case <-b.timer.C:
		}
	}
}
