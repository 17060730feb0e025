package link

import (
	"bytes"
	"context"

	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/tcpreuse"
	manet "github.com/multiformats/go-multiaddr/net"
)

// eager is an upgrader that does not wait to hear which security the other machine
// speaks, as circuits do not:
//
//	dialler ── "TLS?", ClientHello ──► listener
//	        ◄── "TLS", ServerHello … ──
//
// All of ours, and every libp2p of today, speak the first one that is asked for. It is a
// round trip less for each TCP connection and each WebSocket.
type eager struct{ transport.Upgrader }

// Upgrade implements transport.Upgrader.
func (e eager) Upgrade(ctx context.Context, t transport.Transport, c manet.Conn, dir network.Direction, p p2p.ID,
	scope network.ConnManagementScope) (transport.CapableConn, error) {
	if dir == network.DirOutbound {
		c = newEagerConn(c)
	}
	return e.Upgrader.Upgrade(ctx, t, c, dir, p, scope)
}

// newTCP is libp2p's constructor of the TCP transport, whose dials are eager.
func newTCP(opts ...tcp.Option) func(transport.Upgrader, network.ResourceManager, *tcpreuse.ConnMgr) (*tcp.TcpTransport, error) {
	return func(u transport.Upgrader, r network.ResourceManager, shared *tcpreuse.ConnMgr) (*tcp.TcpTransport, error) {
		return tcp.NewTCPTransport(eager{u}, r, shared, opts...)
	}
}

// eagerConn is a connection that hopes for its first answer.
type eagerConn struct {
	manet.Conn
	hope
}

func newEagerConn(c manet.Conn) *eagerConn { return &eagerConn{Conn: c, hope: newHope()} }

// Write implements net.Conn.
func (c *eagerConn) Write(p []byte) (int, error) {
	c.ask(p)
	return c.Conn.Write(p)
}

// Read implements net.Conn.
func (c *eagerConn) Read(p []byte) (int, error) {
	if n, err := c.answer(p, c.meet); n > 0 || err != nil {
		return n, err
	}
	return c.Conn.Read(p)
}

// meet reads the answer to the question. A no is shorter than a yes.
func (c *eagerConn) meet() error {
	chosen := make([]byte, len(c.question))
	for read := 0; read < len(chosen); {
		n, err := c.Conn.Read(chosen[read:])
		if read += n; !bytes.HasPrefix(c.question, chosen[:read]) {
			return errOtherSecurity
		}
		if err != nil && read < len(chosen) {
			return err
		}
	}
	return nil
}

// Close implements net.Conn.
func (c *eagerConn) Close() error {
	c.end()
	return c.Conn.Close()
}
