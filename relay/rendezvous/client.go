package rendezvous

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"
)

const (
	// reachTime is how long one relay may take to connect and answer.
	reachTime = 5 * time.Second
	// grace is how long the other relays may take once one has answered: a dead one
	// (a black hole to QUIC) must not hold up a person for reachTime.
	grace = time.Second
)

// Options of a Client. Host is required.
type Options struct {
	Host   host.Host
	Relays []Join // tried in parallel; the order is only that of messages
	// Admitted is called after each accepted claim of a number, and Publish returns
	// only after it: the place for a circuit reservation. It is called again after
	// each reconnection and each renewal (5 min), so that a reservation of an hour
	// never runs out; one call at a time per relay, 10 s at most. An error means that
	// the relay is of no use for now. nil: nothing to do.
	Admitted func(ctx context.Context, relay p2p.AddrInfo) error
	// Changed is told how each relay of a published number is, first when Publish is
	// through and then when one is lost or back. Calls of different relays may
	// overlap; none comes after the lease is done, which therefore must not be waited
	// for in here. nil: nobody.
	Changed func(RelayStatus)
	// Timeout is how long one relay may take to connect and answer; 0: 5 s.
	Timeout time.Duration
	Log     *slog.Logger // nil: silent
}

// RelayStatus is how a relay looked at the last try.
type RelayStatus struct {
	Relay     Join          // without token
	Reachable bool          // it answered, and holds the number (Publish, Changed)
	Err       error         // why not
	RTT       time.Duration // of one question and its answer on an open connection; 0: not measured
	Transport string        // quic, tcp, wss or ws; empty if there is no connection
	Open      bool          // everybody may register there
}

// Client asks relays. It starts nothing until Publish is called.
type Client struct {
	o      Options
	relays []relay

	publishing sync.Mutex // one Publish at a time; taken before mu
	mu         sync.Mutex // guards closed, lease
	closed     bool
	lease      *Lease // the one that lives or is being published, or nil
}

// relay is a Join with its addresses made out.
type relay struct {
	join Join
	info p2p.AddrInfo
}

// NewClient checks the options. It makes no connection.
func NewClient(o Options) (*Client, error) {
	if o.Host == nil {
		return nil, errors.New("rendezvous client: no host")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout <= 0 {
		o.Timeout = reachTime
	}
	if o.Changed == nil {
		o.Changed = func(RelayStatus) {}
	}
	if o.Admitted == nil {
		o.Admitted = func(context.Context, p2p.AddrInfo) error { return nil }
	}
	c := &Client{o: o}
	seen := make(map[p2p.ID]bool)
	for _, j := range o.Relays {
		info, err := j.AddrInfo()
		if err != nil {
			return nil, err
		}
		if seen[j.ID] {
			return nil, fmt.Errorf("relay %s is listed twice", j.Name())
		}
		seen[j.ID] = true
		c.relays = append(c.relays, relay{j, info})
	}
	return c, nil
}

// Close ends the lease that lives or is being published, gives its number back and
// waits for the goroutines. Publish fails from then on.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	l := c.lease
	c.mu.Unlock()
	if l != nil {
		l.end(errClosed)
	}
	return nil
}

// swap makes l the client's lease, unless the client is closed.
func (c *Client) swap(l *Lease) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errClosed
	}
	c.lease = l
	return nil
}

// forget is called by a lease that has ended.
func (c *Client) forget(l *Lease) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lease == l {
		c.lease = nil
	}
}

func (c *Client) current() *Lease {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lease
}

// connect makes sure that there is a connection to r.
func (c *Client) connect(ctx context.Context, r relay) error {
	if c.o.Host.Network().Connectedness(r.info.ID) == network.Connected {
		return nil
	}
	// libp2p refuses to dial an address again for 5 s or more after a failure; we
	// have a back-off of our own, which is shorter because people wait.
	if s, ok := c.o.Host.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		s.Backoff().Clear(r.info.ID)
	}
	c.o.Host.Peerstore().AddAddrs(r.info.ID, r.info.Addrs, peerstore.PermanentAddrTTL)
	err := why(c.o.Host.Connect(ctx, r.info))
	if err != nil && ctx.Err() != nil && !errors.Is(err, ErrWrongRelay) {
		return context.Cause(ctx)
	}
	return err
}

// ask sends one question on a stream of its own and returns the body of the
// answer. The connection must be there already.
func (c *Client) ask(ctx context.Context, r relay, q request) ([]byte, error) {
	st, err := c.o.Host.Network().NewStream(network.WithNoDial(ctx, "rendezvous"), r.info.ID)
	if err != nil {
		return nil, why(err)
	}
	defer st.Close()
	stop := context.AfterFunc(ctx, func() { st.Reset() })
	defer stop()
	if err := st.SetProtocol(Protocol); err != nil {
		st.Reset()
		return nil, err
	}
	body, err := exchange(st, q)
	if err != nil {
		st.Reset()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, why(err)
	}
	return body, nil
}

// exchange sends the protocol's name along with the question: the host's NewStream
// would wait until the relay has said what it speaks, and for its answer, which
// are two round trips more.
func exchange(st network.Stream, q request) ([]byte, error) {
	rw := multistream.NewMSSelect(st, Protocol)
	if err := writeFrame(rw, q.append(nil)); err != nil {
		return nil, err
	}
	// Fails if the relay, which needs no end of stream, has answered and closed
	// already. The read below tells what counts.
	_ = st.CloseWrite()
	body, err := readFrame(rw)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errFrame) {
		return nil, ErrProtocol
	}
	return body, err
}

// hello connects, asks for the number of digits and measures the round trip.
func (c *Client) hello(ctx context.Context, r relay) (welcome, time.Duration, error) {
	ctx, cancel := c.timeout(ctx, c.o.Timeout)
	defer cancel()
	if err := c.connect(ctx, r); err != nil {
		return welcome{}, 0, err
	}
	start := time.Now()
	body, err := c.ask(ctx, r, request{op: opHello})
	if err != nil {
		return welcome{}, 0, err
	}
	w, err := parseWelcome(body)
	return w, time.Since(start), err
}

// knock asks on an open connection whether r is still there.
func (c *Client) knock(ctx context.Context, r relay, limit time.Duration) error {
	ctx, cancel := c.timeout(ctx, limit)
	defer cancel()
	body, err := c.ask(ctx, r, request{op: opHello})
	if err == nil {
		_, err = parseWelcome(body)
	}
	return err
}

// register claims number at r, within limit.
func (c *Client) register(ctx context.Context, limit time.Duration, r relay, number string, lease []byte) (grant, error) {
	ctx, cancel := c.timeout(ctx, limit)
	defer cancel()
	if err := c.connect(ctx, r); err != nil {
		return grant{}, err
	}
	body, err := c.ask(ctx, r, request{op: opRegister, token: r.join.Token, number: number, lease: lease})
	if err != nil {
		return grant{}, err
	}
	return parseGrant(body)
}

// release gives number back, if there is a connection; a relay that cannot be
// reached forgets it by itself when the lease expires.
func (c *Client) release(ctx context.Context, r relay, number string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	if c.o.Host.Network().Connectedness(r.info.ID) != network.Connected {
		return
	}
	if body, err := c.ask(ctx, r, request{op: opRelease, number: number}); err == nil {
		err = parseDone(body)
		c.o.Log.Debug("rendezvous: number given back", "relay", r.join.Name(), "err", err)
	}
}

// Probe asks every relay whether it is there, in the order of Options.Relays.
// It takes Options.Timeout at most.
func (c *Client) Probe(ctx context.Context) []RelayStatus {
	all := make([]RelayStatus, len(c.relays))
	var wg sync.WaitGroup
	for i, r := range c.relays {
		wg.Go(func() {
			w, rtt, err := c.hello(ctx, r)
			all[i] = c.status(r, err)
			all[i].RTT, all[i].Open = rtt, w.open
		})
	}
	wg.Wait()
	return all
}

func (c *Client) status(r relay, err error) RelayStatus {
	return RelayStatus{
		Relay: r.join.Public(), Reachable: err == nil, Err: err, Transport: c.transport(r.info.ID),
	}
}

func (c *Client) transport(id p2p.ID) string {
	for _, conn := range c.o.Host.Network().ConnsToPeer(id) {
		return transportName(conn.RemoteMultiaddr())
	}
	return ""
}

func transportName(a ma.Multiaddr) string {
	has := func(code int) bool { _, err := a.ValueForProtocol(code); return err == nil }
	switch {
	case has(ma.P_QUIC_V1):
		return "quic"
	case has(ma.P_WSS), has(ma.P_WS) && has(ma.P_TLS):
		return "wss"
	case has(ma.P_WS):
		return "ws"
	}
	return "tcp"
}

var (
	errLate = errors.New("slower than the other relays")
	errLost = errors.New("the connection was lost")

	errReleased = errors.New("the number was given back")
	errClosed   = errors.New("the rendezvous client is closed")
)

// timeout bounds one conversation with a relay. Its end has words of its own:
// "context deadline exceeded" helps nobody.
func (c *Client) timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, silence(d))
}

// silence is the error of a relay that took longer than this.
type silence time.Duration

func (s silence) Error() string { return fmt.Sprintf("no answer within %s", time.Duration(s)) }
func (s silence) Timeout() bool { return true }

func isSilence(err error) bool {
	var s silence
	return errors.As(err, &s)
}

// race runs ask for n relays at the same time and waits for all. When the first one
// reports success the others have grace left; their ctx then ends with errLate.
func race(ctx context.Context, n int, ask func(ctx context.Context, i int) error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var first sync.Once
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if ask(ctx, i) == nil {
				first.Do(func() { time.AfterFunc(grace, func() { cancel(errLate) }) })
			}
		})
	}
	wg.Wait()
}

// why makes libp2p's errors short and testable: one line instead of one per
// address, ErrWrongRelay for another key, ErrNotRelay for another program.
func why(err error) error {
	var wrong sec.ErrPeerIDMismatch
	var dial *swarm.DialError
	var unknown multistream.ErrNotSupported[protocol.ID]
	var reset *network.StreamError
	var told interface{ Reasons() []string }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return ErrWrongRelay
	case errors.As(err, &unknown), errors.As(err, &reset) && reset.ErrorCode == network.StreamProtocolNegotiationFailed:
		return ErrNotRelay
	case errors.As(err, &told) && len(told.Reasons()) > 0: // the host has words of its own
		return &reasons{text: strings.Join(told.Reasons(), "; "), causes: []error{err}}
	case errors.As(err, &dial) && len(dial.DialErrors) > 0:
		return dialReasons(dial)
	}
	return err
}

// reasons joins what the addresses of a relay answered, each cause once.
type reasons struct {
	text   string
	causes []error
}

func (r *reasons) Error() string   { return r.text }
func (r *reasons) Unwrap() []error { return r.causes }

func dialReasons(d *swarm.DialError) error {
	r := new(reasons)
	var parts []string
	for _, e := range d.DialErrors {
		var wrong sec.ErrPeerIDMismatch
		if errors.As(e.Cause, &wrong) {
			return ErrWrongRelay
		}
		r.causes = append(r.causes, e.Cause)
		parts = append(parts, fmt.Sprintf("%s: %v", transportName(e.Address), e.Cause))
	}
	r.text = strings.Join(parts, "; ")
	return r
}
