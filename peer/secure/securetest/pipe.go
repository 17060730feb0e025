// Package securetest has a pair of streams in memory for tests of what runs
// on secure.Stream. They buffer without limit, so that a test may write before
// anybody reads, and their deadlines follow the time of testing/synctest.
package securetest

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// ErrReset is what reads and writes return after a Reset on either side.
var ErrReset = errors.New("stream reset")

// Stream is one end of a Pipe. It satisfies secure.Stream.
type Stream struct {
	in, out *half
}

// Pipe returns two connected streams.
func Pipe() (a, b *Stream) {
	x, y := newHalf(), newHalf()
	return &Stream{in: x, out: y}, &Stream{in: y, out: x}
}

func (s *Stream) Read(p []byte) (int, error)  { return s.in.read(p) }
func (s *Stream) Write(p []byte) (int, error) { return s.out.write(p) }

// CloseWrite makes the other end read io.EOF after what was written.
func (s *Stream) CloseWrite() error { s.out.finish(io.EOF); return nil }

// Close is CloseWrite, and the other end's writes fail from now on.
func (s *Stream) Close() error {
	s.out.finish(io.EOF)
	s.in.abandon()
	return nil
}

// Reset ends both directions; bytes that nobody has read are lost.
func (s *Stream) Reset() error {
	s.out.reset()
	s.in.reset()
	return nil
}

// SetDeadline of reads and writes.
func (s *Stream) SetDeadline(t time.Time) error {
	s.in.setDeadline(&s.in.readBy, t)
	s.out.setDeadline(&s.out.writeBy, t)
	return nil
}

// SetReadDeadline of reads alone.
func (s *Stream) SetReadDeadline(t time.Time) error { s.in.setDeadline(&s.in.readBy, t); return nil }

// SetWriteDeadline of writes alone.
func (s *Stream) SetWriteDeadline(t time.Time) error {
	s.out.setDeadline(&s.out.writeBy, t)
	return nil
}

// Unread tells how many bytes wait for this end's Read.
func (s *Stream) Unread() int {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return len(s.in.buf)
}

// half is one direction. Guarded by mu.
type half struct {
	mu       sync.Mutex
	change   *sync.Cond
	buf      []byte
	end      error // what the reader gets after buf
	gone     error // what the writer gets
	readBy   deadline
	writeBy  deadline
	consumed []byte // spare room, used again
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func newHalf() *half {
	h := &half{}
	h.change = sync.NewCond(&h.mu)
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			h.buf = h.buf[n:]
			if len(h.buf) == 0 {
				h.buf = h.consumed[:0]
			}
			return n, nil
		case h.end != nil:
			return 0, h.end
		}
		h.change.Wait()
	}
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.writeBy.passed():
		return 0, os.ErrDeadlineExceeded
	case h.gone != nil:
		return 0, h.gone
	}
	h.buf = append(h.buf, p...)
	if cap(h.buf) > cap(h.consumed) {
		h.consumed = h.buf
	}
	h.change.Broadcast()
	return len(p), nil
}

func (h *half) finish(end error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.end == nil {
		h.end = end
	}
	if h.gone == nil {
		h.gone = os.ErrClosed
	}
	h.change.Broadcast()
}

func (h *half) abandon() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone == nil {
		h.gone = ErrReset
	}
	h.end = os.ErrClosed
	h.buf = nil
	h.change.Broadcast()
}

func (h *half) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end, h.gone = ErrReset, ErrReset
	h.buf = nil
	h.change.Broadcast()
}

func (h *half) setDeadline(d *deadline, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if !t.IsZero() {
		d.timer = time.AfterFunc(time.Until(t), h.wake)
	}
	h.change.Broadcast()
}

func (h *half) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.change.Broadcast()
}
