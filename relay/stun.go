package relay

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
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
// address and port do you see me as? With CHANGE-REQUEST (RFC 5780) it answers from
// another of its ports, or of its addresses, so that the asker learns what its NAT box
// lets in. Nothing else of STUN is served. An answer goes only to where the question
// came from and is at most 2.2 times as long (44 bytes for 20, IPv6), so that a false
// sender address gains nothing.
type stunServer struct {
	at       []netip.AddrPort // of conns, as they listen
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
		s.at = append(s.at, a.AddrPort())
		s.conns = append(s.conns, c)
	}
	for i := range s.conns {
		s.readers.Go(func() { s.read(i) })
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
func (s *stunServer) read(i int) {
	buf := make([]byte, maxSTUN+1)
	for {
		n, from, err := s.conns[i].ReadFrom(buf)
		if err != nil {
			return
		}
		udp, ok := from.(*net.UDPAddr)
		if !ok || !s.limiter.allow(time.Now(), udp.AddrPort().Addr()) {
			continue
		}
		if answer, via, err := answerSTUN(buf[:n], udp, s.at, i); err == nil {
			// A lost answer is asked for again.
			if _, err := s.conns[via].WriteTo(answer, from); err == nil {
				s.answered.Add(1)
			}
		}
	}
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
