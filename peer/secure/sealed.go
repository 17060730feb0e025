package secure

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"sightline/peer/wire"
)

// Record types, the first byte of every plaintext.
const (
	recordFIN  = 0
	recordData = 1
)

const (
	maxCipher = 65535              // bytes of a record behind its length
	minCipher = 1 + tagLen         // a type and a tag
	maxPlain  = maxCipher - tagLen // 65,519

	padTo     = 64 // a padded plaintext is a multiple of this
	maxPadded = maxPlain / padTo * padTo

	recordHead = 2 // u16 length
	firstRoom  = 4096
)

// Sealed is one stream of a session. Bytes come out as they went in, or an
// error comes instead:
//
//	io.EOF         the other side has closed its direction, and has said so
//	ErrTruncated   the stream broke off; what was read so far is genuine but
//	               not all there is
//	ErrTampered    end of the whole session, as are all other errors of
//	               Session.Err
//
// One reader and one writer may work at the same time.
type Sealed struct {
	// Static after construction.
	ses     *Session
	st      Stream
	channel wire.Channel
	num     uint32
	padded  bool

	ended atomic.Uint32 // endedReading | endedWriting

	write writeSide
	read  readSide
}

const (
	endedWriting = 1 << iota
	endedReading
)

// writeSide is guarded by its mu.
type writeSide struct {
	mu     sync.Mutex
	cipher *recordCipher
	size   int    // largest body of a record
	buf    []byte // one record, used again and again
	err    error  // sticky: a record that went out in part cannot be mended
}

// readSide is guarded by its mu.
type readSide struct {
	mu       sync.Mutex
	cipher   *recordCipher
	buf      []byte // bytes from the stream: [from:to] are still sealed
	from, to int
	body     []byte // opened and not yet asked for; lies in buf before from
	err      error  // sticky; io.EOF after FIN
}

func newSealed(ses *Session, st Stream, ch wire.Channel, num uint32, send, receive *recordCipher) *Sealed {
	s := &Sealed{ses: ses, st: st, channel: ch, num: num, padded: ch.Padded()}
	s.write.cipher, s.read.cipher = send, receive
	s.write.size = s.maxBody()
	return s
}

// Channel of the stream.
func (s *Sealed) Channel() wire.Channel { return s.channel }

// Session is the one that the stream belongs to.
func (s *Sealed) Session() *Session { return s.ses }

// Num is the stream's number: of two that the same side opened, the larger one
// is the newer. The handshake's own stream has 0.
func (s *Sealed) Num() uint32 { return s.num }

// Under is the stream that carries the records.
func (s *Sealed) Under() Stream { return s.st }

func (s *Sealed) maxBody() int {
	if s.padded {
		return maxPadded - 3
	}
	return maxPlain - 1
}

// SetRecordSize limits the bytes of one record, between 1 and what the
// protocol allows (65,518; 65,469 on padded channels), which is the default.
// On paths that share one TCP connection 16 KiB let a key press in between.
func (s *Sealed) SetRecordSize(n int) {
	s.write.mu.Lock()
	defer s.write.mu.Unlock()
	s.write.size = min(max(n, 1), s.maxBody())
}

// Write seals p as one record if it fits, else as several, each in one Write
// of the stream below. p is free again when Write returns. After an error
// (also of a deadline) nothing more can be written.
func (s *Sealed) Write(p []byte) (int, error) {
	w := &s.write
	w.mu.Lock()
	defer w.mu.Unlock()
	done := 0
	for done < len(p) {
		part := p[done:min(done+w.size, len(p))]
		if err := s.writeRecord(recordData, part); err != nil {
			return done, err
		}
		done += len(part)
	}
	return done, nil
}

// Close tells the other side that this was all (FIN) and closes the writing
// direction. Reading goes on until io.EOF; when both directions have ended the
// stream below is closed. If FIN cannot be written the stream is reset. A
// second Close does nothing. Close waits for a Write under way; to give up at
// once, and both directions, call Reset.
func (s *Sealed) Close() error {
	w := &s.write
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.ended.Load()&endedWriting != 0 {
		return nil
	}
	if err := s.writeRecord(recordFIN, nil); err != nil {
		s.Reset() // no FIN: the other side must see that something is missing
		return err
	}
	w.err = fmt.Errorf("write on a closed %s stream: %w", s.channel, net.ErrClosed)
	err := s.st.CloseWrite()
	s.end(endedWriting)
	return err
}

// Reset gives the stream up in both directions; the other side reads
// ErrTruncated. Blocked reads and writes end.
func (s *Sealed) Reset() error {
	s.ses.forget(s)
	return s.st.Reset()
}

// SetDeadline limits reads and writes, see net.Conn. A read may be tried again
// after a deadline, a write may not.
func (s *Sealed) SetDeadline(t time.Time) error { return s.st.SetDeadline(t) }

// SetReadDeadline works if the stream below has it.
func (s *Sealed) SetReadDeadline(t time.Time) error {
	if d, ok := s.st.(interface{ SetReadDeadline(time.Time) error }); ok {
		return d.SetReadDeadline(t)
	}
	return errors.ErrUnsupported
}

// SetWriteDeadline works if the stream below has it.
func (s *Sealed) SetWriteDeadline(t time.Time) error {
	if d, ok := s.st.(interface{ SetWriteDeadline(time.Time) error }); ok {
		return d.SetWriteDeadline(t)
	}
	return errors.ErrUnsupported
}

// end notes that one direction has ended, and lets the stream go with the second.
func (s *Sealed) end(direction uint32) {
	if s.ended.Or(direction)|direction == endedReading|endedWriting {
		s.ses.forget(s)
		s.st.Close()
	}
}

// drop is what the end of a session does to a stream.
func (s *Sealed) drop() {
	if s.ended.Load()&endedWriting != 0 {
		s.st.Close() // a last word was written: let it arrive
		return
	}
	s.st.Reset()
}

// writeRecord is called with write.mu held.
func (s *Sealed) writeRecord(kind byte, body []byte) error {
	w := &s.write
	if w.err != nil {
		return w.err
	}
	if err := s.ses.Err(); err != nil {
		return err
	}
	sealed, err := w.cipher.seal(s.layOut(kind, body))
	if err == nil {
		record := w.buf[:recordHead+len(sealed)]
		binary.BigEndian.PutUint16(record, uint16(len(sealed)))
		_, err = s.st.Write(record)
	}
	if err != nil {
		w.err = s.cause(fmt.Errorf("write to a %s stream: %w", s.channel, err))
	}
	return w.err
}

// layOut puts the plaintext of a record into buf, behind room for its length.
func (s *Sealed) layOut(kind byte, body []byte) []byte {
	n := 1 + len(body)
	if s.padded {
		n = (3 + len(body) + padTo - 1) / padTo * padTo
	}
	w := &s.write
	if need := recordHead + n + tagLen; cap(w.buf) < need {
		w.buf = make([]byte, need)
	}
	plain := w.buf[recordHead : recordHead+n : recordHead+n+tagLen]
	plain[0] = kind
	if !s.padded {
		copy(plain[1:], body)
		return plain
	}
	binary.BigEndian.PutUint16(plain[1:], uint16(len(body)))
	copy(plain[3:], body)
	clear(plain[3+len(body):])
	return plain
}

// Read returns opened bytes of at most one record.
func (s *Sealed) Read(p []byte) (int, error) {
	r := &s.read
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.body) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if err := s.readRecord(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.body)
	r.body = r.body[n:]
	return n, nil
}

// readRecord opens the next record into body. Called with read.mu held.
func (s *Sealed) readRecord() error {
	r := &s.read
	if err := s.fill(recordHead); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(r.buf[r.from:]))
	if n < minCipher {
		return s.tampered("record too short")
	}
	if err := s.fill(recordHead + n); err != nil {
		return err
	}
	if err := s.ses.Err(); err != nil {
		return err
	}
	record := r.buf[r.from+recordHead : r.from+recordHead+n]
	r.from += recordHead + n
	plain, err := r.cipher.open(record)
	if err != nil {
		return s.tampered("record does not decrypt")
	}
	return s.take(plain)
}

// take judges an authentic plaintext. What is wrong here is a fault of ours on
// the other side, and no less the end.
func (s *Sealed) take(plain []byte) error {
	kind, body := plain[0], plain[1:]
	if s.padded {
		var ok bool
		if body, ok = unpad(body); !ok {
			return s.tampered("bad padding")
		}
	}
	switch {
	case kind == recordData && len(body) > 0:
		s.read.body = body
		return nil
	case kind == recordFIN && len(body) == 0:
		s.read.err = io.EOF
		s.end(endedReading)
		return nil
	}
	return s.tampered("bad record")
}

// unpad accepts only what layOut makes: the shortest padding, all zeros.
func unpad(b []byte) (body []byte, ok bool) {
	if len(b) < 2 || (1+len(b))%padTo != 0 {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if n > len(b) || len(b)-n >= padTo {
		return nil, false
	}
	for _, z := range b[n:] {
		if z != 0 {
			return nil, false
		}
	}
	return b[:n], true
}

// fill reads until n sealed bytes lie at from. The room for them is made only
// when their length has been read, and is never more than one record.
func (s *Sealed) fill(n int) error {
	r := &s.read
	if len(r.buf)-r.from < n {
		s.makeRoom(n)
	}
	for r.to-r.from < n {
		got, err := s.st.Read(r.buf[r.to:])
		r.to += got
		if err != nil && r.to-r.from < n {
			return s.readFault(err)
		}
	}
	return nil
}

// makeRoom moves what is unread to the front, into a larger buffer if need be.
func (s *Sealed) makeRoom(n int) {
	r := &s.read
	to := r.buf
	if len(to) < n {
		to = make([]byte, min(max(2*n, firstRoom), recordHead+maxCipher))
	}
	r.to = copy(to, r.buf[r.from:r.to])
	r.from, r.buf = 0, to
}

// readFault: a deadline may be lifted again, everything else is the end of
// this stream without FIN, in both directions.
func (s *Sealed) readFault(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return err
	}
	s.read.err = s.cause(fmt.Errorf("%w: %s: %w", ErrTruncated, s.channel, err))
	if errors.Is(err, io.EOF) {
		// io.EOF itself must not show: it means an honest end.
		s.read.err = s.cause(fmt.Errorf("%w: %s", ErrTruncated, s.channel))
	}
	s.Reset()
	return s.read.err
}

// cause is the end of the session, if that is why a stream broke, else err.
func (s *Sealed) cause(err error) error {
	if why := s.ses.Err(); why != nil {
		return why
	}
	return err
}

func (s *Sealed) tampered(how string) error {
	s.read.err = fmt.Errorf("%w: %s stream: %s", ErrTampered, s.channel, how)
	s.ses.end(s.read.err)
	return s.read.err
}
