package link

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	msmux "github.com/multiformats/go-multistream"
)

// stream is a Stream. The side that opened it sends the protocol's name along
// with the first bytes and does not wait for the answer: no round trip is lost.
type stream struct {
	s    network.Stream
	rw   io.ReadWriter
	lazy msmux.LazyConn // nil on the accepting side
	p    *path
	c    *conn
	done atomic.Bool
}

func newStream(s network.Stream, p *path, id protocol.ID) *stream {
	lazy := msmux.NewMSSelect(s, id)
	return &stream{s: s, rw: lazy, lazy: lazy, p: p}
}

func acceptedStream(s network.Stream, p *path) *stream { return &stream{s: s, rw: s, p: p} }

func (st *stream) Read(b []byte) (int, error) {
	n, err := st.rw.Read(b)
	if n > 0 {
		st.p.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

func (st *stream) Write(b []byte) (int, error) {
	if st.c != nil && !st.c.inbound {
		st.p.noteSent()
	}
	return st.rw.Write(b)
}

func (st *stream) CloseWrite() error {
	st.flush()
	return st.s.CloseWrite()
}

// flush sends the protocol's name if no byte was written yet.
func (st *stream) flush() {
	if st.lazy != nil {
		_ = st.lazy.Flush() // an error shows at the next read
	}
}

func (st *stream) CloseRead() error { return st.s.CloseRead() }

func (st *stream) Close() error {
	if !st.leave() {
		return nil
	}
	st.flush()
	return st.s.Close()
}

func (st *stream) Reset() error {
	st.leave()
	return st.s.Reset()
}

// end is Close for a stream that others may be reading and writing: a writer
// that hangs on a dead path ends first.
func (st *stream) end() {
	_ = st.s.SetWriteDeadline(time.Now())
	_ = st.Close()
}

// leave takes the stream out of its Conn, once.
func (st *stream) leave() bool {
	if st.done.Swap(true) {
		return false
	}
	st.c.forget(st)
	return true
}

func (st *stream) SetDeadline(t time.Time) error      { return st.s.SetDeadline(t) }
func (st *stream) SetReadDeadline(t time.Time) error  { return st.s.SetReadDeadline(t) }
func (st *stream) SetWriteDeadline(t time.Time) error { return st.s.SetWriteDeadline(t) }

func (st *stream) Path() Path {
	n := st.c.n
	n.mu.Lock()
	defer n.mu.Unlock()
	return st.c.r.describeLocked(st.p)
}
