package link

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/coder/websocket"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"sightline/peer/link/proxy"
)

// webTransport is libp2p's transport of the higher rungs (ladder.go): WebSocket
// in TLS, plain WebSocket, and either or bare TCP through a proxy. It dials
// only. libp2p's own WebSocket transport cannot be given a dialer, knows no
// proxy but those of the environment with Basic, and sees the proxy's address
// as the relay's.
//
// It calls itself a proxy to libp2p, which means: a connection of this kind
// exists, and yet a better one may be dialled (WithForceDirectDial).
type webTransport struct {
	upgrader  transport.Upgrader
	resources network.ResourceManager
	proxies   *proxy.Proxies
	trust     trust

	mu     sync.Mutex
	worked map[p2p.ID]string // bytes of the address that led to a relay last
}

// webAddr is an address of this transport taken apart.
type webAddr struct {
	hostport string
	tls, ws  bool
	proxied  bool
}

// viaProxy at the end of an address says: through this network's proxy. Such
// addresses live in this process only; nobody is told of them.
var viaProxy = ma.StringCast("/http")

func isProxied(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_HTTP)
	return err == nil
}

// parseWeb reads /ip|dns/tcp[/tls[/sni]]/ws[/http] and /ip|dns/tcp/http.
func parseWeb(a ma.Multiaddr) (webAddr, bool) {
	var w webAddr
	host, port := "", ""
	for i, c := range a {
		switch c.Protocol().Code {
		case ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
			if i != 0 {
				return webAddr{}, false
			}
			host = c.Value()
		case ma.P_TCP:
			if i != 1 {
				return webAddr{}, false
			}
			port = c.Value()
		case ma.P_TLS:
			w.tls = true
		case ma.P_SNI: // the name is known already
		case ma.P_WSS:
			w.tls, w.ws = true, true
		case ma.P_WS:
			w.ws = true
		case ma.P_HTTP:
			w.proxied = true
		default:
			return webAddr{}, false
		}
	}
	w.hostport = net.JoinHostPort(host, port)
	return w, host != "" && port != "" && (w.ws || w.proxied && !w.tls)
}

// CanDial implements transport.Transport.
func (t *webTransport) CanDial(a ma.Multiaddr) bool { _, ok := parseWeb(a); return ok }

// Protocols implements transport.Transport.
func (t *webTransport) Protocols() []int { return []int{ma.P_WS, ma.P_WSS} }

// Proxy implements transport.Transport.
func (t *webTransport) Proxy() bool { return true }

// SkipResolve implements transport.SkipResolver: names are looked up when they
// are dialled, those behind a proxy by the proxy, which is often the only one
// who can.
func (t *webTransport) SkipResolve(context.Context, ma.Multiaddr) bool { return true }

// Listen implements transport.Transport.
func (t *webTransport) Listen(ma.Multiaddr) (transport.Listener, error) {
	return nil, errors.New("link: WebSockets are dialled only")
}

// Dial implements transport.Transport.
func (t *webTransport) Dial(ctx context.Context, a ma.Multiaddr, p p2p.ID) (transport.CapableConn, error) {
	scope, err := t.resources.OpenConnection(network.DirOutbound, true, a)
	if err != nil {
		return nil, err
	}
	c, err := t.open(ctx, a, p)
	if err != nil {
		scope.Done()
		return nil, err
	}
	up, err := eager{t.upgrader}.Upgrade(ctx, t, c, network.DirOutbound, p, scope)
	if err != nil { // Upgrade has closed the connection
		scope.Done()
		return nil, err
	}
	t.note(p, a)
	return up, nil
}

// note remembers which address worked, so that coming back to it later does not
// begin with what did not (ladder.go).
func (t *webTransport) note(p p2p.ID, a ma.Multiaddr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.worked == nil {
		t.worked = make(map[p2p.ID]string)
	}
	t.worked[p] = string(a.Bytes())
}

func (t *webTransport) forget(p p2p.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.worked, p)
}

func (t *webTransport) lastWorked(a ma.Multiaddr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.worked {
		if w == string(a.Bytes()) {
			return true
		}
	}
	return false
}

// open makes the connection up to where libp2p's handshake begins.
func (t *webTransport) open(ctx context.Context, a ma.Multiaddr, p p2p.ID) (manet.Conn, error) {
	w, ok := parseWeb(a)
	if !ok {
		return nil, fmt.Errorf("dial %s: not an address of this transport", a)
	}
	tcp, err := t.dialTCP(ctx, w)
	if err != nil {
		return nil, err
	}
	c := &webConn{Conn: tcp, local: tailed(tcp.LocalAddr(), a), remote: a}
	if !w.proxied { // the address behind the name
		c.remote = tailed(tcp.RemoteAddr(), a)
	}
	if w.tls {
		secure := tls.Client(tcp, t.trust.config(w.hostport, p))
		if err := secure.HandshakeContext(ctx); err != nil {
			tcp.Close()
			return nil, tlsError(err)
		}
		c.Conn = secure
	}
	if w.ws {
		if err := c.upgrade(ctx, w.hostport); err != nil {
			c.Conn.Close()
			return nil, err
		}
	}
	return c, nil
}

func (t *webTransport) dialTCP(ctx context.Context, w webAddr) (net.Conn, error) {
	if !w.proxied {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", w.hostport)
	}
	server := t.proxies.For(w.hostport, w.ws && !w.tls)
	if server == nil {
		return nil, errors.New("no proxy is set for this address")
	}
	return server.DialContext(ctx, "tcp", w.hostport)
}

// tailed is a socket's address with the transport of a.
func tailed(addr net.Addr, a ma.Multiaddr) ma.Multiaddr {
	m, err := manet.FromNetAddr(addr)
	if err != nil {
		return a
	}
	return ma.Join(m, a[2:])
}

// webConn is the connection that libp2p gets. Closing it does not wait for the
// other side's goodbye: the path may be dead.
type webConn struct {
	net.Conn
	local, remote ma.Multiaddr
	ws            *websocket.Conn // nil: bare TCP
	end           context.CancelFunc
}

func (c *webConn) LocalMultiaddr() ma.Multiaddr  { return c.local }
func (c *webConn) RemoteMultiaddr() ma.Multiaddr { return c.remote }

func (c *webConn) Close() error {
	if c.ws == nil {
		return c.Conn.Close()
	}
	defer c.end()
	return c.ws.CloseNow()
}

// maxWebAnswer bounds the head of the answer to the request for a WebSocket, in
// bytes.
const maxWebAnswer = 16 << 10

// upgrade asks for the WebSocket (RFC 6455) on the connection that is there.
func (c *webConn) upgrade(ctx context.Context, hostport string) error {
	trip := &roundTrip{conn: c.Conn}
	ws, resp, err := websocket.Dial(ctx, "ws://"+hostport+"/", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: trip, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		Host:       hostOf(hostport),
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil && resp != nil:
		return fmt.Errorf("a web server answers there, and not as a relay (status %d)", resp.StatusCode)
	case err != nil && trip.err != nil:
		return trip.err
	case err != nil:
		return err
	}
	life, end := context.WithCancel(context.Background())
	c.ws, c.end = ws, end
	c.Conn = websocket.NetConn(life, ws, websocket.MessageBinary)
	return nil
}

// hostOf leaves away the port that a browser would not say.
func hostOf(hostport string) string {
	host, port, err := net.SplitHostPort(hostport)
	if n, _ := strconv.Atoi(port); err != nil || n != 80 && n != 443 {
		return hostport
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return "[" + host + "]"
	}
	return host
}

// roundTrip sends one request on a connection and hands the connection on as
// the answer's body, as websocket.Dial wants it.
type roundTrip struct {
	conn net.Conn
	err  error
}

func (r *roundTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	conn := r.conn
	stop := context.AfterFunc(req.Context(), func() { conn.Close() })
	defer stop()
	resp, err := r.exchange(req)
	r.err = err
	return resp, err
}

func (r *roundTrip) exchange(req *http.Request) (*http.Response, error) {
	if err := req.Write(r.conn); err != nil {
		return nil, err
	}
	head := &io.LimitedReader{R: r.conn, N: maxWebAnswer}
	in := bufio.NewReader(head)
	resp, err := http.ReadResponse(in, req)
	if err != nil {
		if head.N <= 0 {
			err = errors.New("what answers there does not speak HTTP")
		}
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body = &switched{Conn: r.conn, in: in, head: head}
	}
	return resp, nil
}

// switched is a connection of which the first bytes may have been read along
// with the answer.
type switched struct {
	net.Conn
	in   *bufio.Reader // nil: empty
	head *io.LimitedReader
}

func (s *switched) Read(p []byte) (int, error) {
	if s.in == nil {
		return s.Conn.Read(p)
	}
	if n := s.in.Buffered(); n > 0 {
		return s.in.Read(p[:min(len(p), n)])
	}
	s.in, s.head = nil, nil
	return s.Conn.Read(p)
}
