package rendezvous

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	manet "github.com/multiformats/go-multiaddr/net"
)

// serveTime bounds one question and its answer: 256 bytes each way.
const serveTime = 5 * time.Second

// service is the name under which libp2p's resource manager counts our streams.
const service = "sightline.rendezvous"

// ServerOptions: Host is required, and Token unless Open.
type ServerOptions struct {
	Host     host.Host
	Token    []byte   // 32 bytes; who shows it may register
	Open     bool     // everybody may register
	LeaseKey [32]byte // signs leases; kept over restarts beside the relay's key
	Limits   Limits
	Trusted  []netip.Prefix   // sources without limits of their own: a reverse proxy in front, an office
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: silent. Never sees an IP address, a peer ID or a number
	Events   func(Event)      // nil: nobody. Called from the stream's goroutine, without locks
}

// Event is what happened in the directory, without saying to whom.
type Event string

const (
	EventRegistered Event = "registered" // a number was given out or claimed again; renewals are silent
	EventReleased   Event = "released"   // a host gave its number back
	EventFound      Event = "found"      // a look-up was answered
	EventUnknown    Event = "unknown"    // a look-up met no live number
	EventRefused    Event = "refused"    // a wrong or missing token
	EventLimited    Event = "limited"    // a limit of Limits was reached
	EventTaken      Event = "taken"      // a proposal met a number that is not free
)

// Stats are counts since the start, but for Live.
type Stats struct {
	Live       int // numbers alive now
	Registered int64
	Found      int64
	Unknown    int64
	Refused    int64 // wrong or missing token
	Limited    int64
}

// Server answers for one relay. It has no goroutine of its own; the handlers that
// libp2p starts are awaited by Close.
type Server struct {
	o   ServerOptions // static
	dir *directory

	mu       sync.Mutex // guards closed together with handlers.Add
	closed   bool
	handlers sync.WaitGroup

	registered, found, unknown, refused, limited atomic.Int64
}

// NewServer begins to answer on o.Host.
func NewServer(o ServerOptions) (*Server, error) {
	if o.Host == nil {
		return nil, errors.New("rendezvous server: no host")
	}
	if !o.Open && len(o.Token) != tokenSize {
		return nil, errors.New("rendezvous server: a closed relay needs a token of 32 bytes")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Events == nil {
		o.Events = func(Event) {}
	}
	s := &Server{o: o}
	s.dir = newDirectory(o.Limits, o.LeaseKey, func(p p2p.ID) bool {
		return o.Host.Network().Connectedness(p) == network.Connected
	})
	o.Host.SetStreamHandler(Protocol, s.handle)
	return s, nil
}

// Close stops answering and waits for the answers under way, serveTime at most.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.o.Host.RemoveStreamHandler(Protocol)
	s.handlers.Wait()
	return nil
}

// Live reports whether p has a number now. The relay reserves and connects for
// such peers only.
func (s *Server) Live(p p2p.ID) bool { return s.dir.live(s.o.Now(), p) }

// Stats counts.
func (s *Server) Stats() Stats {
	live, _ := s.dir.count(s.o.Now())
	return Stats{
		Live: live, Registered: s.registered.Load(), Found: s.found.Load(),
		Unknown: s.unknown.Load(), Refused: s.refused.Load(), Limited: s.limited.Load(),
	}
}

func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.handlers.Add(1)
	return true
}

// handle is one stream: one question, one answer.
func (s *Server) handle(st network.Stream) {
	if !s.enter() {
		st.Reset()
		return
	}
	defer s.handlers.Done()
	// Errors of SetDeadline mean a dead stream, which the read below will tell.
	_ = st.SetDeadline(time.Now().Add(serveTime))
	if err := s.serve(st); err != nil {
		s.o.Log.Debug("rendezvous: bad question") // the error may name an address
		st.Reset()
		return
	}
	st.Close()
}

func (s *Server) serve(st network.Stream) error {
	if err := st.Scope().SetService(service); err != nil {
		return err
	}
	c := s.caller(st.Conn())
	if !isEd25519(c.peer) {
		return errors.New("the peer's key is not Ed25519")
	}
	body, err := readFrame(st)
	if err != nil {
		return err
	}
	q, err := parseRequest(body)
	if err != nil {
		return err
	}
	return writeFrame(st, s.answer(c, q))
}

func (s *Server) caller(conn network.Conn) caller {
	c := caller{peer: conn.RemotePeer()}
	// Without an IP address (which no transport of ours lacks) the zero prefix
	// counts all such callers as one source.
	if ip, err := manet.ToIP(conn.RemoteMultiaddr()); err == nil {
		a, _ := netip.AddrFromSlice(ip)
		c.source = sourceOf(a)
		for _, p := range s.o.Trusted {
			c.trusted = c.trusted || p.Contains(a.Unmap())
		}
	}
	return c
}

// answer does what is asked and returns the body to send back.
func (s *Server) answer(c caller, q request) []byte {
	now := s.o.Now()
	switch q.op {
	case opHello:
		_, want := s.dir.count(now)
		return welcome{digits: want, open: s.o.Open, lease: LeaseTime}.append(nil)
	case opRegister:
		return s.register(now, c, q)
	case opLookup:
		p, err := s.dir.lookup(now, c, q.number)
		if err != nil {
			return s.refuse(err)
		}
		s.note(EventFound)
		return append([]byte{byte(statusOK)}, p...)
	default: // opRelease; parseRequest lets nothing else through
		if s.dir.release(now, c.peer, q.number) {
			s.note(EventReleased)
		}
		return []byte{byte(statusOK)}
	}
}

func (s *Server) register(now time.Time, c caller, q request) []byte {
	if !s.o.Open && subtle.ConstantTimeCompare(q.token, s.o.Token) != 1 {
		return s.refuse(ErrRefused)
	}
	lease, fresh, err := s.dir.register(now, c, q.number, q.lease)
	if err != nil {
		return s.refuse(err)
	}
	if fresh {
		s.note(EventRegistered)
	}
	return grant{lease: lease, ttl: LeaseTime}.append(nil)
}

// refuse turns an error of the directory into an answer.
func (s *Server) refuse(err error) []byte {
	var limit *LimitError
	var more *digitsError
	switch {
	case errors.As(err, &limit):
		s.note(EventLimited)
		wait := (limit.Wait + time.Second - 1) / time.Second // never too early
		return binary.BigEndian.AppendUint32([]byte{byte(statusLimit)}, uint32(wait))
	case errors.As(err, &more):
		return []byte{byte(statusDigits), byte(more.digits)}
	case errors.Is(err, ErrRefused):
		s.note(EventRefused)
		return []byte{byte(statusRefused)}
	case errors.Is(err, ErrTaken):
		s.note(EventTaken)
		return []byte{byte(statusTaken)}
	}
	s.note(EventUnknown)
	return []byte{byte(statusUnknown)}
}

func (s *Server) note(e Event) {
	switch e {
	case EventRegistered:
		s.registered.Add(1)
	case EventFound:
		s.found.Add(1)
	case EventUnknown:
		s.unknown.Add(1)
	case EventRefused:
		s.refused.Add(1)
	case EventLimited:
		s.limited.Add(1)
	}
	s.o.Log.Debug("rendezvous: " + string(e))
	s.o.Events(e)
}
