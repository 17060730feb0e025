package link

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
)

// hope answers the first thing that is written to a connection, the multistream question
// for a security protocol, with the answer that is hoped for, so that nobody waits for it. The
// true answer is read, and compared, before the first byte that comes after it.
type hope struct {
	begin    sync.Once
	begun    chan struct{} // closed when question is set
	question []byte
	close    sync.Once
	ended    chan struct{} // closed by end
	told     int           // bytes of the question that were given back as the answer; the one reader's
	met      atomic.Bool   // the true answer was read
}

func newHope() hope { return hope{begun: make(chan struct{}), ended: make(chan struct{})} }

// ask is told of everything that is written; the first of it is the question.
func (h *hope) ask(p []byte) {
	h.begin.Do(func() {
		h.question = bytes.Clone(p)
		close(h.begun)
	})
}

// answer reads into p what is hoped for. When that is told it lets meet read the true answer;
// after that it has nothing more to say (0, nil), and meet is not called again.
func (h *hope) answer(p []byte, meet func() error) (int, error) {
	if h.met.Load() {
		return 0, nil
	}
	select {
	case <-h.begun:
	case <-h.ended:
		return 0, net.ErrClosed
	}
	if h.told < len(h.question) {
		n := copy(p, h.question[h.told:])
		h.told += n
		return n, nil
	}
	if err := meet(); err != nil {
		return 0, err
	}
	h.met.Store(true)
	return 0, nil
}

// end lets a reader go that waits for the question.
func (h *hope) end() { h.close.Do(func() { close(h.ended) }) }
