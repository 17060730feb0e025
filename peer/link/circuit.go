package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	pbv2 "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/util"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	msmux "github.com/multiformats/go-multistream"
)

// circuits is libp2p's circuit transport with a dial of its own. libp2p asks the
// relay for the circuit, asks the peer which security it speaks and then begins
// with that: three round trips from end to end before the first byte. Here all
// three leave at once:
//
//	viewer ── CONNECT, "TLS?", ClientHello ──► relay ── the same ──► host
//	       ◄── OK, "TLS", ServerHello … ──────
//
// What is sent early is what libp2p sends to anybody who answers: the name of a
// protocol and a fresh public key.
type circuits struct {
	*client.Client
	n *Node
}

// startCircuits takes libp2p.EnableRelay's place.
func (n *Node) startCircuits() error {
	swarm, ok := n.h.Network().(transport.TransportNetwork)
	if !ok {
		return errors.New("link: this libp2p network takes no transports")
	}
	c, err := client.New(n.h, n.web.upgrader)
	if err != nil {
		return err
	}
	if err := swarm.AddTransport(circuits{c, n}); err != nil {
		return err
	}
	if err := swarm.Listen(ma.StringCast("/p2p-circuit")); err != nil {
		return err
	}
	c.Start()
	return nil
}

// Dial implements transport.Transport.
func (c circuits) Dial(ctx context.Context, a ma.Multiaddr, p p2p.ID) (transport.CapableConn, error) {
	relay, ok := relayOf(a)
	if !ok {
		return nil, fmt.Errorf("link: no circuit: %s", a)
	}
	scope, err := c.n.h.Network().ResourceManager().OpenConnection(network.DirOutbound, false, a)
	if err != nil {
		return nil, err
	}
	if err := scope.SetPeer(p); err != nil {
		scope.Done()
		return nil, err
	}
	asked, err := c.n.askCircuit(ctx, relay, p)
	if err != nil {
		scope.Done()
		return nil, err
	}
	conn, err := c.n.web.upgrader.Upgrade(ctx, c, asked, network.DirOutbound, p, scope) // ends scope on an error
	if err != nil {
		asked.Close()
		if refused := asked.refusal(); refused != nil {
			return nil, refused // and not what the handshake made of it
		}
		return nil, err
	}
	return conn, nil
}

// askCircuit asks a relay for a circuit and does not wait for its answer.
func (n *Node) askCircuit(ctx context.Context, relay p2p.AddrInfo, to p2p.ID) (*askedConn, error) {
	if len(relay.Addrs) > 0 {
		n.h.Peerstore().AddAddrs(relay.ID, relay.Addrs, peerstore.TempAddrTTL)
	}
	up := lowestRung(n.h.Network().ConnsToPeer(relay.ID))
	if up == nil {
		var err error
		if up, err = n.h.Network().DialPeer(ctx, relay.ID); err != nil {
			return nil, err
		}
	}
	s, err := up.NewStream(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for a circuit: %w", err)
	}
	c := &askedConn{
		Stream: s, rw: msmux.NewMSSelect(s, proto.ProtoIDv2Hop), to: to, hope: newHope(),
	}
	if err := c.request(); err != nil {
		s.Reset()
		return nil, fmt.Errorf("ask for a circuit: %w", err)
	}
	return c, nil
}

// lowestRung is the best connection to a relay, of equals the newest; nil if none stands.
func lowestRung(conns []network.Conn) network.Conn {
	var best network.Conn
	for _, c := range conns { // oldest first
		if !c.IsClosed() && (best == nil || rung(c.RemoteMultiaddr()) <= rung(best.RemoteMultiaddr())) {
			best = c
		}
	}
	return best
}

// maxHop is how long the answer of a relay may be, in bytes; as in libp2p.
const maxHop = 4096

// errOtherSecurity: the peer does not speak the security that was begun with.
var errOtherSecurity = errors.New("the other machine speaks another security protocol")

// askedConn is a circuit whose relay has been asked for it. It hopes for the peer's first
// answer as for the relay's.
type askedConn struct {
	network.Stream
	rw io.ReadWriter // the stream, behind the name of the hop protocol
	to p2p.ID
	hope

	mu      sync.Mutex
	refused error // guarded by mu
}

// request asks the relay.
func (c *askedConn) request() error {
	if err := c.Stream.SetProtocol(proto.ProtoIDv2Hop); err != nil {
		return err
	}
	var request bytes.Buffer
	w := util.NewDelimitedWriter(&request)
	err := w.WriteMsg(&pbv2.HopMessage{
		Type: pbv2.HopMessage_CONNECT.Enum(), Peer: util.PeerInfoToPeerV2(p2p.AddrInfo{ID: c.to}),
	})
	if err != nil {
		return err
	}
	_, err = c.rw.Write(request.Bytes())
	return err
}

// Write implements net.Conn.
func (c *askedConn) Write(p []byte) (int, error) {
	c.ask(p)
	n, err := c.rw.Write(p)
	if err != nil && !c.met.Load() {
		return len(p), nil // a relay that says no reads no further: what it says is what counts
	}
	return n, err
}

// Read implements net.Conn.
func (c *askedConn) Read(p []byte) (int, error) {
	if n, err := c.answer(p, c.meet); n > 0 || err != nil {
		return n, err
	}
	return c.rw.Read(p)
}

// meet reads the relay's answer and the peer's to the question.
func (c *askedConn) meet() error {
	r := util.NewDelimitedReader(c.rw, maxHop)
	defer r.Close()
	var answer pbv2.HopMessage
	if err := r.ReadMsg(&answer); err != nil {
		return err
	}
	if answer.GetType() != pbv2.HopMessage_STATUS || answer.GetStatus() != pbv2.Status_OK {
		err := fmt.Errorf("error opening relay circuit: %s (%d)", answer.GetStatus(), answer.GetStatus())
		c.mu.Lock()
		c.refused = err
		c.mu.Unlock()
		return err
	}
	chosen := make([]byte, len(c.question))
	if _, err := io.ReadFull(c.rw, chosen); err != nil {
		return err
	}
	if !bytes.Equal(chosen, c.question) {
		return errOtherSecurity
	}
	return nil
}

// refusal is what the relay answered if it was a no.
func (c *askedConn) refusal() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

// Close implements net.Conn.
func (c *askedConn) Close() error {
	c.end()
	return c.Stream.Reset()
}

// RemoteMultiaddr implements manet.Conn.
func (c *askedConn) RemoteMultiaddr() ma.Multiaddr {
	up := c.Stream.Conn()
	return ma.Join(up.RemoteMultiaddr(), ma.StringCast("/p2p/"+up.RemotePeer().String()+"/p2p-circuit"))
}

// LocalMultiaddr implements manet.Conn.
func (c *askedConn) LocalMultiaddr() ma.Multiaddr { return c.Stream.Conn().LocalMultiaddr() }

// LocalAddr implements net.Conn.
func (c *askedConn) LocalAddr() net.Addr {
	a, err := manet.ToNetAddr(c.LocalMultiaddr())
	if err != nil {
		return nil
	}
	return a
}

// RemoteAddr implements net.Conn.
func (c *askedConn) RemoteAddr() net.Addr {
	return &client.NetAddr{Relay: c.Stream.Conn().RemotePeer().String(), Remote: c.to.String()}
}
