package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// webTransport listens for WebSockets, in TLS or not: what firewalls and proxies
// let through that know only the web. To a browser it is an ordinary small site.
//
// libp2p's own transport takes whoever connects for the caller. Behind a reverse
// proxy that is the proxy, and all callers together would hit the limits of one
// address; this one reads X-Forwarded-For, from proxies that are configured.
type webTransport struct {
	upgrader  transport.Upgrader
	resources network.ResourceManager
	tls       *tls.Config
	proxies   []netip.Prefix // whose X-Forwarded-For is believed
	page      http.Handler
}

const (
	// webTime bounds TLS, the request and the upgrade of one connection, webIdle how
	// long a browser's connection may wait for its next request.
	webTime = 15 * time.Second
	webIdle = 30 * time.Second
	// webHeader bounds the head of a request, in bytes.
	webHeader = 16 << 10
)

// CanDial implements transport.Transport. The relay never dials.
func (t *webTransport) CanDial(ma.Multiaddr) bool { return false }

// Dial implements transport.Transport.
func (t *webTransport) Dial(context.Context, ma.Multiaddr, p2p.ID) (transport.CapableConn, error) {
	return nil, errors.New("relay: WebSockets are accepted only")
}

// Protocols implements transport.Transport.
func (t *webTransport) Protocols() []int { return []int{ma.P_WS, ma.P_WSS} }

// Proxy implements transport.Transport.
func (t *webTransport) Proxy() bool { return false }

// Listen implements transport.Transport for /ip4|ip6/tcp[/tls]/ws.
func (t *webTransport) Listen(a ma.Multiaddr) (transport.Listener, error) {
	at, tail := ma.SplitFunc(a, func(c ma.Component) bool {
		return c.Protocol().Code != ma.P_IP4 && c.Protocol().Code != ma.P_IP6 && c.Protocol().Code != ma.P_TCP
	})
	raw, err := manet.Listen(at)
	if err != nil {
		return nil, err
	}
	l := &webListener{
		t: t, tail: tail, raw: t.upgrader.GateMaListener(raw),
		incoming: make(chan *webConn), closed: make(chan struct{}),
	}
	l.server = &http.Server{
		Handler: l, ReadHeaderTimeout: webTime, IdleTimeout: webIdle, MaxHeaderBytes: webHeader,
		ErrorLog: log.New(io.Discard, "", 0), // callers' addresses and nothing that is ours to mend
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if secure, ok := c.(*tls.Conn); ok {
				c = secure.NetConn()
			}
			return context.WithValue(ctx, calledKey{}, c)
		},
	}
	l.serving.Go(func() { l.serve() })
	return t.upgrader.UpgradeGatedMaListener(t, l), nil
}

// webListener hands WebSockets to libp2p. It implements transport.GatedMaListener.
type webListener struct {
	t        *webTransport
	tail     ma.Multiaddr // /tls/ws or /ws
	raw      transport.GatedMaListener
	server   *http.Server
	incoming chan *webConn
	serving  sync.WaitGroup

	closeOnce sync.Once
	closed    chan struct{}
}

func (l *webListener) secure() bool { return l.tail[0].Protocol().Code == ma.P_TLS }

func (l *webListener) serve() {
	if !l.secure() {
		l.server.Serve(callers{l.raw})
		return
	}
	l.server.TLSConfig = l.t.tls.Clone()
	l.server.ServeTLS(callers{l.raw}, "", "")
}

// Accept implements transport.GatedMaListener.
func (l *webListener) Accept() (manet.Conn, network.ConnManagementScope, error) {
	select {
	case c := <-l.incoming:
		return c, c.scope, nil
	case <-l.closed:
		return nil, nil, transport.ErrListenerClosed
	}
}

// Close implements transport.GatedMaListener.
func (l *webListener) Close() error {
	l.closeOnce.Do(func() {
		close(l.closed)
		l.server.Close()
		l.raw.Close()
		l.serving.Wait()
	})
	return nil
}

// Multiaddr implements transport.GatedMaListener.
func (l *webListener) Multiaddr() ma.Multiaddr { return ma.Join(l.raw.Multiaddr(), l.tail) }

// Addr implements transport.GatedMaListener.
func (l *webListener) Addr() net.Addr { return l.raw.Addr() }

// ServeHTTP makes WebSockets of the requests for one and shows the page to all
// others.
func (l *webListener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		l.t.page.ServeHTTP(w, r)
		return
	}
	from, ok := r.Context().Value(calledKey{}).(*caller)
	if !ok {
		http.Error(w, "no WebSocket over this version of HTTP", http.StatusHTTPVersionNotSupported)
		return
	}
	scope, remote, err := l.admit(from, r)
	if err != nil {
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	// A page of another site may not open one in its visitor's name: Accept refuses
	// a foreign Origin, and answers what is wrong.
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		scope.Done()
		return
	}
	life, end := context.WithCancel(context.Background())
	c := &webConn{
		Conn: websocket.NetConn(life, ws, websocket.MessageBinary), ws: ws, end: end, scope: scope,
		local: ma.Join(from.LocalMultiaddr(), l.tail), remote: ma.Join(remote, l.tail),
	}
	select {
	case l.incoming <- c:
	case <-l.closed:
		c.Close()
		scope.Done()
	}
}

// admit gives the scope in which libp2p counts the connection, and the address of
// who is calling: whom a reverse proxy of ours names, else whoever connected.
func (l *webListener) admit(from *caller, r *http.Request) (network.ConnManagementScope, ma.Multiaddr, error) {
	remote := from.RemoteMultiaddr()
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return from.take(), remote, nil
	}
	who := forwardedFor(at.Addr(), r.Header.Values("X-Forwarded-For"), l.t.proxies)
	if who == at.Addr().Unmap() {
		return from.take(), remote, nil
	}
	remote = ma.StringCast(ipPrefix(who) + "/tcp/" + strconv.Itoa(int(at.Port())))
	scope, err := l.t.resources.OpenConnection(network.DirInbound, true, remote)
	if err != nil {
		return nil, nil, err
	}
	from.take().Done()
	return scope, remote, nil
}

// maxForwarded is how many addresses of X-Forwarded-For are looked at: a chain of
// proxies is short, and what is left of them anybody may have written.
const maxForwarded = 16

// forwardedFor is who calls through our reverse proxies: of all that stand in
// X-Forwarded-For the last one that is no proxy of ours. Whoever connects from
// elsewhere is himself, whatever he writes. Anything odd ends the search, so that
// nobody but the proxy nearest to the oddity is taken for the caller.
func forwardedFor(from netip.Addr, headers []string, proxies []netip.Prefix) netip.Addr {
	from = from.Unmap().WithZone("")
	ours := func(a netip.Addr) bool {
		for _, p := range proxies {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	left := maxForwarded
	for i := len(headers) - 1; i >= 0; i-- {
		for rest, more := headers[i], true; more; left-- {
			if left == 0 || !ours(from) {
				return from
			}
			var word string
			if cut := strings.LastIndexByte(rest, ','); cut >= 0 {
				rest, word = rest[:cut], rest[cut+1:]
			} else {
				word, more = rest, false
			}
			next, ok := forwardedAddr(strings.TrimSpace(word))
			if !ok {
				return from
			}
			from = next
		}
	}
	return from
}

// forwardedAddr reads one address: with or without a port, IPv6 with or without
// brackets.
func forwardedAddr(s string) (netip.Addr, bool) {
	if len(s) > 64 {
		return netip.Addr{}, false
	}
	var a netip.Addr
	if ap, err := netip.ParseAddrPort(s); err == nil {
		a = ap.Addr()
	} else if a, err = netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err != nil {
		return netip.Addr{}, false
	}
	a = a.Unmap().WithZone("") // first: with a zone "::" is not taken for unspecified
	return a, !a.IsUnspecified()
}

// calledKey finds the caller of a request in its context.
type calledKey struct{}

// callers is the listener below net/http.
type callers struct{ transport.GatedMaListener }

func (l callers) Accept() (net.Conn, error) {
	c, scope, err := l.GatedMaListener.Accept()
	if err != nil {
		return nil, err
	}
	return &caller{Conn: c, scope: scope}, nil
}

// caller is a connection that libp2p counts, until a WebSocket takes that over.
type caller struct {
	manet.Conn

	mu    sync.Mutex
	scope network.ConnManagementScope // nil: taken or given back
}

// take hands the count over to who asks.
func (c *caller) take() network.ConnManagementScope {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.scope
	c.scope = nil
	if s == nil {
		return &network.NullScope{} // a request on a connection that is closing
	}
	return s
}

func (c *caller) Close() error {
	c.take().Done()
	return c.Conn.Close()
}

// webConn is the connection that libp2p gets. Closing does not wait for the other
// side's goodbye.
type webConn struct {
	net.Conn
	ws            *websocket.Conn
	end           context.CancelFunc
	scope         network.ConnManagementScope
	local, remote ma.Multiaddr
}

func (c *webConn) LocalMultiaddr() ma.Multiaddr  { return c.local }
func (c *webConn) RemoteMultiaddr() ma.Multiaddr { return c.remote }

func (c *webConn) Close() error {
	defer c.end()
	return c.ws.CloseNow()
}

// page is what a browser sees. It says what this is and nothing about who uses it.
var page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.URL.Path != "/" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "<!doctype html><title>Not found</title><p>There is nothing here.\n")
		return
	}
	io.WriteString(w, welcomePage)
})

const welcomePage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Relay</title>
<style>body{font:16px/1.5 sans-serif;max-width:36em;margin:4em auto;padding:0 1em}</style>
<h1>A relay</h1>
<p>This machine helps two computers meet that share a screen on purpose, and carries
what they say to each other. It cannot read it: everything is encrypted from end to end.
<p>There is nothing to see or to download here.
</html>
`
