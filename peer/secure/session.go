package secure

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/flynn/noise"
	p2p "github.com/libp2p/go-libp2p/core/peer"

	"sightline/peer/wire"
)

const (
	sidLabel    = "sightline/1 sid"
	streamLabel = "sightline/1 stream"

	toHost   = 0 // direction in a stream's key: viewer to host
	toViewer = 1

	// maxStreams of one session open at a time. Six channels, re-opened on a
	// better path and some files: 256 is far more than a session needs, and
	// bounds what an admitted viewer can make the host hold.
	maxStreams = 256
)

var noDeadline time.Time

// Session is what a handshake leads to: the keys between one viewer and one
// host. All methods may be called at the same time.
//
// It ends by Close, or when a record on any of its streams was tampered with.
// Then all its streams are dead and Broken is closed.
type Session struct {
	// Static after construction.
	remote  p2p.ID
	mode    Mode
	suite   byte
	viewer  bool
	sid     [8]byte
	binding [32]byte
	control *Sealed
	broken  chan struct{}

	mu      sync.Mutex
	master  []byte // S; overwritten at the end
	nextNum uint32 // of the next stream that this side opens
	seen    window // of the other side's streams
	open    map[*Sealed]struct{}
	err     error // once ended
}

// sessionParts is what a handshake hands over.
type sessionParts struct {
	remote        p2p.ID
	mode          Mode
	suite         byte
	viewer        bool
	stream        Stream
	send, receive *noise.CipherState
	sV, sH        []byte
	binding       []byte
}

func newSession(p sessionParts) (*Session, error) {
	master, err := streamMaster(p.sV, p.sH, p.binding)
	if err != nil {
		return nil, err
	}
	sid, err := hkdf.Expand(sha256.New, master, sidLabel, 8)
	if err != nil {
		return nil, err
	}
	s := &Session{
		remote: p.remote, mode: p.mode, suite: p.suite, viewer: p.viewer,
		sid: [8]byte(sid), binding: [32]byte(p.binding),
		broken: make(chan struct{}), master: master, nextNum: 1,
		open: make(map[*Sealed]struct{}),
	}
	if p.viewer {
		s.nextNum = 2
	}
	sendKey, receiveKey := p.send.UnsafeKey(), p.receive.UnsafeKey()
	out, err := newRecordCipher(p.suite, sendKey[:])
	if err != nil {
		return nil, err
	}
	in, err := newRecordCipher(p.suite, receiveKey[:])
	if err != nil {
		return nil, err
	}
	s.control = newSealed(s, p.stream, wire.Control, 0, out, in)
	s.open[s.control] = struct{}{}
	return s, nil
}

// Remote is the other side, proved by its identity key.
func (s *Session) Remote() p2p.ID { return s.remote }

// Mode tells how the viewer came in.
func (s *Session) Mode() Mode { return s.mode }

// SID names the session in the clear header of its streams.
func (s *Session) SID() [8]byte { return s.sid }

// ID is the SID as a number: what a viewer gives to resume.
func (s *Session) ID() uint64 { return binary.BigEndian.Uint64(s.sid[:]) }

// Binding is Noise's handshake hash: the same on both sides, and on nobody
// else's session.
func (s *Session) Binding() [32]byte { return s.binding }

// Control is the handshake's own stream, gone on with as control channel.
func (s *Session) Control() *Sealed { return s.control }

// Broken is closed when the session has ended, for whatever reason; see Err.
func (s *Session) Broken() <-chan struct{} { return s.broken }

// Err tells why the session ended: nil while it lives, ErrTampered, ErrEnded
// after Close.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close ends the session and overwrites its keys. Streams whose writing side
// was closed are left to deliver what they still hold, all others are reset.
func (s *Session) Close() error {
	s.end(ErrEnded)
	return nil
}

// Format keeps keys out of every kind of print.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "session %x with %s", s.sid, s.remote) }

// end is the one way in which a session ends; the first reason stays.
func (s *Session) end(why error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = why
	clear(s.master)
	open := s.open
	s.open = nil
	close(s.broken)
	s.mu.Unlock()
	for st := range open { // outside of the lock: these are network calls
		st.drop()
	}
}

// forget a stream that both sides have ended.
func (s *Session) forget(st *Sealed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, st)
}

// Seal makes st a stream of this session: it takes the next number, sends the
// clear header and seals what is written. The other side calls ReadHeader and
// Open. On an error st is reset.
func (s *Session) Seal(st Stream, ch wire.Channel) (*Sealed, error) {
	h, sealed, err := s.issue(st, ch)
	if err != nil {
		return nil, errors.Join(err, st.Reset())
	}
	if _, err := st.Write(h.append(nil)); err != nil {
		sealed.Reset()
		return nil, fmt.Errorf("open a %s stream: %w", ch, err)
	}
	return sealed, nil
}

func (s *Session) issue(st Stream, ch wire.Channel) (Header, *Sealed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return Header{}, nil, s.err
	}
	if s.nextNum > math.MaxUint32-2 {
		return Header{}, nil, fmt.Errorf("%w: all stream numbers are used up", ErrReused)
	}
	h := Header{SID: s.sid, Channel: ch, Num: s.nextNum}
	s.nextNum += 2 // also if something fails below: a number is never used twice
	sealed, err := s.addLocked(h, st)
	return h, sealed, err
}

// Open makes st, whose header has been read, a stream of this session. Errors:
// ErrProtocol for another session's header or a number that is not the other
// side's to give, ErrReused, ErrBusy for too many streams. On an error st is
// reset and the session lives on.
func (s *Session) Open(h Header, st Stream) (*Sealed, error) {
	sealed, err := s.accept(h, st)
	if err != nil {
		return nil, errors.Join(err, st.Reset())
	}
	return sealed, nil
}

func (s *Session) accept(h Header, st Stream) (*Sealed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	if !equal(h.SID[:], s.sid[:]) {
		return nil, fmt.Errorf("%w: stream of another session", ErrProtocol)
	}
	if fromViewer := h.Num%2 == 0; h.Num == 0 || fromViewer == s.viewer {
		return nil, fmt.Errorf("%w: stream number %d is not the other side's", ErrProtocol, h.Num)
	}
	if len(s.open) >= maxStreams {
		return nil, fmt.Errorf("%w: too many streams", ErrBusy)
	}
	if !s.seen.take(h.Num / 2) {
		return nil, ErrReused
	}
	return s.addLocked(h, st)
}

func (s *Session) addLocked(h Header, st Stream) (*Sealed, error) {
	if len(s.open) >= maxStreams {
		return nil, fmt.Errorf("%w: too many streams", ErrBusy)
	}
	out, in := byte(toViewer), byte(toHost)
	if s.viewer {
		out, in = in, out
	}
	send, err := s.cipherLocked(h, out)
	if err != nil {
		return nil, err
	}
	receive, err := s.cipherLocked(h, in)
	if err != nil {
		return nil, err
	}
	sealed := newSealed(s, st, h.Channel, h.Num, send, receive)
	s.open[sealed] = struct{}{}
	return sealed, nil
}

func (s *Session) cipherLocked(h Header, dir byte) (*recordCipher, error) {
	key, err := streamKey(s.master, h, dir)
	if err != nil {
		return nil, err
	}
	return newRecordCipher(s.suite, key)
}

// streamKey is the key of one direction of one stream.
func streamKey(master []byte, h Header, dir byte) ([]byte, error) {
	info := append([]byte(streamLabel), byte(h.Channel))
	info = binary.BigEndian.AppendUint32(info, h.Num)
	info = append(info, dir)
	return hkdf.Expand(sha256.New, master, string(info), 32)
}
