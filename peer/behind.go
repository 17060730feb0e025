package peer

import "io"

// behind is a writer that can also write behind its owner's back: the line takes
// a slice of refinement while the next one is encoded. It holds one write at
// most, and that counts as in flight: what is new never finds a queue here.
//
// Only for its owner's goroutine, who closes it.
type behind struct {
	w    io.Writer
	work chan []byte
	done chan error
	busy bool // a write is under way
}

func newBehind(w io.Writer) *behind {
	b := &behind{w: w, work: make(chan []byte), done: make(chan error)}
	go func() {
		defer close(b.done)
		for p := range b.work {
			_, err := b.w.Write(p)
			b.done <- err
		}
	}()
	return b
}

// Wait waits for the write that is under way and says how it went.
func (b *behind) Wait() error {
	if !b.busy {
		return nil
	}
	b.busy = false
	return <-b.done
}

// Write implements io.Writer.
func (b *behind) Write(p []byte) (int, error) {
	if err := b.Wait(); err != nil {
		return 0, err
	}
	return b.w.Write(p)
}

// Later writes p, which must not be changed until Wait, Write, Later or Close
// has returned.
func (b *behind) Later(p []byte) error {
	if err := b.Wait(); err != nil {
		return err
	}
	b.busy = true
	b.work <- p
	return nil
}

// Close waits for the last write and ends the goroutine.
func (b *behind) Close() error {
	err := b.Wait()
	close(b.work)
	<-b.done
	return err
}
