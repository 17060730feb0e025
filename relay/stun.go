package relay

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v2"
)

const (
	// A Binding request of honest programs is 20 bytes, some 100 with everything on.
	maxSTUN = 512
	// Answers per source and second. A client repeats an unanswered request after
	// 0.5 s, so one machine needs two; an office of some machines fits too.
	stunPerSecond = 20
	// Sources remembered within a second; who comes later waits for the next one.
	stunSources = 4096
)

// stunServer answers STUN Binding requests (RFC 8489) on the sockets of QUIC: which
// address and port do you see me as? Nothing else of STUN is served. An answer goes
// only to where the question came from and is at most about twice as long, so that
// a false sender address gains nothing.
type stunServer struct {
	conns    []net.PacketConn
	readers  sync.WaitGroup
	answered atomic.Int64
	limiter  stunLimiter
}

// serve starts a reader on each of the sockets; close ends and awaits them.
func (s *stunServer) serve(addrs []*net.UDPAddr, udp *udpSockets) error {
	for _, a := range addrs {
		c, err := udp.share(a)
		if err != nil {
			return err
		}
		s.conns = append(s.conns, c)
		s.readers.Go(func() { s.read(c) })
	}
	return nil
}

func (s *stunServer) close() {
	for _, c := range s.conns {
		c.Close()
	}
	s.readers.Wait()
}

// read serves one socket until it is closed.
func (s *stunServer) read(c net.PacketConn) {
	buf := make([]byte, maxSTUN+1)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		udp, ok := from.(*net.UDPAddr)
		if !ok || !s.limiter.allow(time.Now(), udp.AddrPort().Addr()) {
			continue
		}
		if answer, err := answerSTUN(buf[:n], udp); err == nil {
			// A lost answer is asked for again.
			if _, err := c.WriteTo(answer, from); err == nil {
				s.answered.Add(1)
			}
		}
	}
}

var errNotBinding = errors.New("not a Binding request that we answer")

// answerSTUN makes the answer to one packet.
//
//	u16 type | u16 length | u32 magic cookie | transaction ID, 12 bytes | attributes
//
// The answer has XOR-MAPPED-ADDRESS (12 bytes for IPv4, 24 for IPv6) and, if the
// request had one, FINGERPRINT (8). A request that demands more of us than we do
// (an attribute below 0x8000 that we do not know, as CHANGE-REQUEST, which asks for
// an answer from another port) gets none, rather than a misleading one.
func answerSTUN(packet []byte, from *net.UDPAddr) ([]byte, error) {
	if len(packet) > maxSTUN || !stun.IsMessage(packet) {
		return nil, errNotBinding
	}
	q := &stun.Message{Raw: packet}
	if err := q.Decode(); err != nil {
		return nil, err
	}
	if q.Type != stun.BindingRequest {
		return nil, errNotBinding
	}
	for _, a := range q.Attributes {
		if a.Type.Required() {
			return nil, errNotBinding
		}
	}
	set := []stun.Setter{
		stun.NewTransactionIDSetter(q.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: from.IP, Port: from.Port},
	}
	if q.Contains(stun.AttrFingerprint) {
		if err := stun.Fingerprint.Check(q); err != nil {
			return nil, err
		}
		set = append(set, stun.Fingerprint)
	}
	a, err := stun.Build(set...)
	if err != nil {
		return nil, err
	}
	return a.Raw, nil
}

// stunLimiter counts answers per source within the second.
type stunLimiter struct {
	mu     sync.Mutex
	second int64
	counts map[netip.Prefix]int
}

func (l *stunLimiter) allow(now time.Time, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := now.Unix(); s != l.second || l.counts == nil {
		l.second, l.counts = s, make(map[netip.Prefix]int)
	}
	n, known := l.counts[p]
	if n >= stunPerSecond || !known && len(l.counts) >= stunSources {
		return false
	}
	l.counts[p]++
	return true
}
