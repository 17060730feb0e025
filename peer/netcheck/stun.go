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
	change byte           // flags of CHANGE-REQUEST: the answer shall come from elsewhere

	rtt     time.Duration
	seen    netip.AddrPort // zero: no answer
	refused bool           // the server cannot answer from elsewhere
	err     error
}

// bindings are the answers to one socket for each address family.
type bindings struct {
	answers []*binding
	local   []netip.Addr // addresses of this machine
	err     error        // no socket could be opened

	filtering Filtering
}

// askSTUN asks every server, all of one family from one socket: only then do
// the answers tell about the mapping.
func askSTUN(ctx context.Context, relays []Relay) bindings {
	var b bindings
	var work sync.WaitGroup
	for i, relay := range relays {
		for _, server := range slices.Concat(relay.STUN, relay.Second) {
			four, six := &binding{relay: i, server: server}, &binding{relay: i, server: server}
			b.answers = append(b.answers, four, six)
			work.Go(func() {
				four.addr, six.addr, four.err = resolve(ctx, server)
				if !four.addr.IsValid() && six.addr.IsValid() {
					four.addr, six.addr = six.addr, netip.AddrPort{}
				}
			})
		}
	}
	work.Wait()
	b.answers = slices.DeleteFunc(b.answers, func(a *binding) bool { return !a.addr.IsValid() && a.err == nil })
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
	b.filtering = filtering(ctx, b.first())
	return b
}

// first are the bindings that were answered first by each relay: enough to ask more.
func (b bindings) first() (out []*binding) {
	for _, a := range b.answers {
		known := slices.ContainsFunc(out, func(o *binding) bool { return o.relay == a.relay })
		if a.seen.IsValid() && !known {
			out = append(out, a)
		}
	}
	return out
}

// resolve finds one address of each family of a server. It has one at least, or err.
func resolve(ctx context.Context, server string) (four, six netip.AddrPort, err error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return four, six, errors.New("want HOST:PORT")
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return four, six, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for _, ip := range ips {
		if at := netip.AddrPortFrom(ip.Unmap(), uint16(number)); at.Addr().Is4() && !four.IsValid() {
			four = at
		} else if at.Addr().Is6() && !six.IsValid() {
			six = at
		}
	}
	return four, six, err
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
		t := &transaction{b: a, request: a.request()}
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
		if !ok || t == nil {
			continue
		}
		// An answer counts from the address that was asked and no other, unless another
		// was wanted; a refusal comes from where we asked and sees nobody.
		asked := netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) == t.b.addr
		if asked == (t.b.change == 0 || !seen.IsValid()) && (seen.IsValid() || t.b.change != 0) && t.answered(seen) {
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
	t.b.seen, t.b.rtt, t.b.err, t.b.refused = seen, time.Since(t.sent), nil, !seen.IsValid()
	return true
}

// parseBinding reads a binding success response, or the error response that says
// that an attribute is not understood; seen is zero then.
func parseBinding(b []byte) (id [stun.TransactionIDSize]byte, seen netip.AddrPort, ok bool) {
	m := &stun.Message{Raw: slices.Clone(b)}
	if !stun.IsMessage(b) || m.Decode() != nil {
		return id, seen, false
	}
	if m.Type == stun.BindingError {
		var code stun.ErrorCodeAttribute
		return m.TransactionID, seen, code.GetFrom(m) == nil && code.Code == stun.CodeUnknownAttribute
	}
	if m.Type != stun.BindingSuccess {
		return id, seen, false
	}
	var x stun.XORMappedAddress
	if x.GetFrom(m) != nil || x.Port <= 0 || x.Port > 65535 {
		return id, seen, false
	}
	ip, ok := netip.AddrFromSlice(x.IP)
	return m.TransactionID, netip.AddrPortFrom(ip.Unmap(), uint16(x.Port)), ok
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
