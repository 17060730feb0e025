package netcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	identifypb "github.com/libp2p/go-libp2p/p2p/protocol/identify/pb"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"
	msmux "github.com/multiformats/go-multistream"
)

// Second is the address of a relay's second port beside one of its first ones, over
// the same transport. A relay speaks QUIC, TCP and STUN there as well, under the
// same peer ID, so that a machine behind a NAT box can compare how two destinations
// see it. It is the next number; WebSocket addresses have none.
func Second(a ma.Multiaddr) (ma.Multiaddr, bool) {
	if !isPlain(a) {
		return nil, false
	}
	port, _ := strconv.Atoi(a[1].Value()) // a component holds no other text
	// 80 and 443 speak WebSocket (rendezvous.SecondPort has the same rule).
	if port == 65535 || slices.Contains([]int{0, 79, 80, 442, 443}, port) {
		return nil, false
	}
	next, err := ma.NewComponent(a[1].Protocol().Name, strconv.Itoa(port+1))
	if err != nil {
		return nil, false
	}
	out := slices.Clone(a)
	out[1] = *next
	return out, true
}

// isPlain passes host/tcp and host/udp/quic-v1, with nothing behind.
func isPlain(a ma.Multiaddr) bool {
	switch len(a) {
	case 2:
		return a[1].Code() == ma.P_TCP
	case 3:
		return a[1].Code() == ma.P_UDP && a[2].Code() == ma.P_QUIC_V1
	}
	return false
}

// Observation is how a relay sees one connection of ours.
type Observation struct {
	Seen  ma.Multiaddr // our address as the relay sees it: plain IP with UDP and QUIC, or TCP
	Local ma.Multiaddr // ours as we see it; its port tells whether we came from our listening one
	RTT   time.Duration
	io.Closer
}

// dialer is the part of libp2p's Swarm that Observe needs.
type dialer interface {
	TransportForDialing(ma.Multiaddr) transport.Transport
}

// Observe connects to one address of a relay and asks how the relay sees us. n is
// the network of a libp2p host, whose port the connection comes from if the host
// listens (QUIC: the same socket; TCP: SO_REUSEPORT). The swarm does not learn of
// the connection: it keeps one for each peer, and would hand out that one instead
// of dialling another address.
//
// While the Observation is open the NAT box keeps the mapping; the caller closes it.
func Observe(ctx context.Context, n network.Network, relay p2p.ID, a ma.Multiaddr) (*Observation, error) {
	d, ok := n.(dialer)
	if !ok {
		return nil, errors.New("observe: this network cannot dial past its connections")
	}
	t := d.TransportForDialing(a)
	if t == nil {
		return nil, fmt.Errorf("observe: no transport for %s", a)
	}
	c, err := t.Dial(ctx, a, relay)
	if err != nil {
		return nil, err
	}
	o := &observer{c: c, refused: make(chan struct{})}
	go o.refuse()
	seen, rtt, err := askIdentify(ctx, c)
	if err != nil {
		o.Close()
		return nil, err
	}
	return &Observation{Seen: seen, Local: c.LocalMultiaddr(), RTT: rtt, Closer: o}, nil
}

// observer is a connection on which the other side has nothing to say.
type observer struct {
	c       transport.CapableConn
	refused chan struct{} // closed when refuse has ended
}

// refuse resets what the relay opens: it asks every new connection to identify itself.
func (o *observer) refuse() {
	defer close(o.refused)
	for {
		s, err := o.c.AcceptStream()
		if err != nil {
			return
		}
		s.Reset()
	}
}

// Close ends the connection and waits for refuse.
func (o *observer) Close() error {
	err := o.c.Close()
	<-o.refused
	return err
}

// maxIdentify is the size of the largest answer that is read, in bytes. libp2p's own
// limit for one message is 8 KiB; a relay's answer has some hundred.
const maxIdentify = 8 << 10

// askIdentify asks for /ipfs/id/1.0.0 on a raw connection.
func askIdentify(ctx context.Context, c transport.CapableConn) (ma.Multiaddr, time.Duration, error) {
	s, err := c.OpenStream(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer s.Reset()
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	start := time.Now()
	if err := msmux.SelectProtoOrFail(identify.ID, s); err != nil {
		return nil, 0, fmt.Errorf("ask for our address: %w", err)
	}
	rtt := time.Since(start)
	seen, err := readIdentify(s)
	return seen, rtt, err
}

var errIdentify = errors.New("the answer tells no address")

// readIdentify reads the observed address of the first message of an identify
// answer. It passes a plain IP address with TCP or QUIC.
func readIdentify(r io.Reader) (ma.Multiaddr, error) {
	var m identifypb.Identify
	if err := pbio.NewDelimitedReader(r, maxIdentify).ReadMsg(&m); err != nil {
		return nil, fmt.Errorf("read our address: %w", err)
	}
	a, err := ma.NewMultiaddrBytes(m.GetObservedAddr())
	if err != nil || !isPlain(a) {
		return nil, errIdentify
	}
	if code := a[0].Code(); code != ma.P_IP4 && code != ma.P_IP6 {
		return nil, errIdentify
	}
	return a, nil
}
