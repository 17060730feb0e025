package link

import (
	"bytes"
	"context"
	"net"
	"sync"

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

// eagerConn answers the first thing that is written, the multistream question for a
// security protocol, with the answer that is hoped for; the true one is read, and
// compared, before the first byte that comes after it.
type eagerConn struct {
	manet.Conn

	begin    sync.Once
	begun    chan struct{} // closed when question is set
	question []byte
	close    sync.Once
	ended    chan struct{} // closed by Close

	// Owned by the one reader.
	told int // bytes of the question that were given back as the answer
	met  bool
}

func newEagerConn(c manet.Conn) *eagerConn {
	return &eagerConn{Conn: c, begun: make(chan struct{}), ended: make(chan struct{})}
}

// Write implements net.Conn.
func (c *eagerConn) Write(p []byte) (int, error) {
	c.begin.Do(func() {
		c.question = bytes.Clone(p)
		close(c.begun)
	})
	return c.Conn.Write(p)
}

// Read implements net.Conn.
func (c *eagerConn) Read(p []byte) (int, error) {
	if !c.met {
		select {
		case <-c.begun:
		case <-c.ended:
			return 0, net.ErrClosed
		}
		if c.told < len(c.question) {
			n := copy(p, c.question[c.told:])
			c.told += n
			return n, nil
		}
		if err := c.meet(); err != nil {
			return 0, err
		}
		c.met = true
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
	c.close.Do(func() { close(c.ended) })
	return c.Conn.Close()
}
