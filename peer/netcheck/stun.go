package netcheck

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/stun/v2"
)

// stunPauses are the waits between requests to one server. RFC 8489 doubles
// from 500 ms to 40 s in all; a person who waits wants an answer sooner.
var stunPauses = [...]time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, time.Second}

// maxSTUN is the size of the largest answer that is read, in bytes.
const maxSTUN = 1280

// binding is one server and what it said.
type binding struct {
	relay  int // index in Options.Relays
	server string
	addr   netip.AddrPort // resolved; zero if it has no address
	rtt    time.Duration
	seen   netip.AddrPort // zero: no answer
	err    error
}

// bindings are the answers to one socket for each address family.
type bindings struct {
	answers []*binding
	local   []netip.Addr // addresses of this machine
	err     error        // no socket could be opened
}

// askSTUN asks every server, all of one family from one socket: only then do
// the answers tell about the mapping.
func askSTUN(ctx context.Context, relays []Relay) bindings {
	var b bindings
	var work sync.WaitGroup
	for i, relay := range relays {
		for _, server := range relay.STUN {
			a := &binding{relay: i, server: server}
			b.answers = append(b.answers, a)
			work.Go(func() { a.addr, a.err = resolve(ctx, server) })
		}
	}
	work.Wait()
	b.local = localAddrs()
	for _, family := range [...]string{"udp4", "udp6"} {
		var mine []*binding
		for _, a := range b.answers {
			if a.addr.IsValid() && a.addr.Addr().Is4() == (family == "udp4") {
				mine = append(mine, a)
			}
		}
		if len(mine) > 0 {
			work.Go(func() { askFrom(ctx, family, mine) })
		}
	}
	work.Wait()
	for _, a := range b.answers {
		if !a.seen.IsValid() && a.err == nil {
			a.err = context.DeadlineExceeded
		}
	}
	return b
}

// resolve finds one address of a server, IPv4 if there is one.
func resolve(ctx context.Context, server string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return netip.AddrPort{}, errors.New("want HOST:PORT")
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	slices.SortStableFunc(ips, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return netip.AddrPortFrom(ips[0], uint16(number)), nil
}

// askFrom opens one socket, asks these servers until all have answered, and
// closes it.
func askFrom(ctx context.Context, family string, servers []*binding) {
	c, err := net.ListenUDP(family, nil)
	if err != nil {
		for _, a := range servers {
			a.err = err
		}
		return
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Now()) })()

	open := make(map[[stun.TransactionIDSize]byte]*transaction)
	for _, a := range servers {
		t := &transaction{b: a, request: stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)}
		open[t.request.TransactionID] = t
	}
	var sender sync.WaitGroup
	defer sender.Wait()
	defer cancel()
	sender.Go(func() { sendAll(ctx, cancel, c, open) })
	receive(c, open)
}

// transaction is one server while it is asked. What both goroutines touch is
// behind the lock.
type transaction struct {
	b       *binding
	request *stun.Message

	mu   sync.Mutex
	sent time.Time
	done bool
}

// sendAll asks again those that have not answered; the end of the last pause
// ends the reading.
func sendAll(ctx context.Context, stop func(), c *net.UDPConn, open map[[stun.TransactionIDSize]byte]*transaction) {
	defer stop()
	for _, pause := range stunPauses {
		for _, t := range open {
			t.send(c)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (t *transaction) send(c *net.UDPConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done {
		return
	}
	t.sent = time.Now()
	if _, err := c.WriteToUDPAddrPort(t.request.Raw, t.b.addr); err != nil {
		t.b.err = err
	}
}

// receive reads answers until all are there or the socket's deadline comes.
func receive(c *net.UDPConn, open map[[stun.TransactionIDSize]byte]*transaction) {
	buf := make([]byte, maxSTUN)
	for left := len(open); left > 0; {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		id, seen, ok := parseBinding(buf[:n])
		t := open[id]
		// An answer counts from the address that was asked and no other.
		if !ok || t == nil || netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != t.b.addr {
			continue
		}
		if t.answered(seen) {
			left--
		}
	}
}

func (t *transaction) answered(seen netip.AddrPort) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done {
		return false
	}
	t.done = true
	t.b.seen, t.b.rtt, t.b.err = seen, time.Since(t.sent), nil
	return true
}

// parseBinding reads a binding success response.
func parseBinding(b []byte) (id [stun.TransactionIDSize]byte, seen netip.AddrPort, ok bool) {
	m := &stun.Message{Raw: slices.Clone(b)}
	if !stun.IsMessage(b) || m.Decode() != nil || m.Type != stun.BindingSuccess {
		return id, seen, false
	}
	var x stun.XORMappedAddress
	if x.GetFrom(m) != nil || x.Port <= 0 || x.Port > 65535 {
		return id, seen, false
	}
	ip, ok := netip.AddrFromSlice(x.IP)
	return m.TransactionID, netip.AddrPortFrom(ip.Unmap(), uint16(x.Port)), ok
}

// mapping compares the answers of one family from different servers.
func (b bindings) mapping() Mapping {
	found := Unknown
	for _, is4 := range [...]bool{true, false} {
		var seen []netip.AddrPort
		servers := make(map[netip.AddrPort]bool)
		for _, a := range b.answers {
			if a.seen.IsValid() && a.addr.Addr().Is4() == is4 && !servers[a.addr] {
				servers[a.addr] = true
				seen = append(seen, a.seen)
			}
		}
		switch {
		case len(seen) == 0:
			continue
		case slices.Contains(b.local, seen[0].Addr()):
			return None
		case len(seen) > 1 && len(slices.Compact(seen)) == 1:
			return Independent
		case len(seen) > 1:
			found = Dependent // IPv6 may still be better
		}
	}
	return found
}

// of are the answers of one relay, for its report.
func (b bindings) of(relay int) []Way {
	out := []Way{}
	for _, a := range b.answers {
		if a.relay != relay {
			continue
		}
		w := Way{Transport: "stun", Addr: a.server}
		if a.seen.IsValid() {
			w.OK, w.RTT, w.Seen = true, milliseconds(a.rtt), a.seen.String()
		} else {
			w.Why = reason(a.err)
		}
		out = append(out, w)
	}
	return out
}

func localAddrs() []netip.Addr {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				out = append(out, ip.Unmap())
			}
		}
	}
	return out
}
