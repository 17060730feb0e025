// Package proxy opens TCP connections through the proxy of a network: HTTP
// CONNECT without authentication and with Basic, Digest and NTLM, and SOCKS5
// without and with a password. Which proxy that is comes from the environment or
// from one setting.
//
// It is not the security of a connection: a proxy may read and change all that
// passes, and what runs inside proves for itself who is at the other end.
//
//	we                     proxy                          the other end
//	CONNECT relay:443 ──►
//	        ◄── 407, Proxy-Authenticate: NTLM, Digest, …
//	CONNECT, Proxy-Authorization ──►  TCP ──►
//	        ◄── 200
//	bytes  ◄───────────────────────────────────────────►  bytes
//
// A password is told to the proxy only after it asked, and in the best of the
// ways that it offers. It is in no error and no log.
package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"unicode"

	"golang.org/x/net/http/httpproxy"
	xproxy "golang.org/x/net/proxy"
)

// Options say where the proxy comes from.
type Options struct {
	// Setting is "system" (also ""), which means the variables HTTPS_PROXY,
	// HTTP_PROXY, ALL_PROXY and NO_PROXY, "none", or the proxy's URL; NO_PROXY
	// counts for that too.
	Setting string
	// Password of the user who is named in the URL of Setting.
	Password string
	// Env reads the environment; nil: os.Getenv.
	Env func(string) string
}

// Proxies chooses the proxy for each destination. Its methods may be called
// from several goroutines.
type Proxies struct {
	choose   func(*url.URL) (*url.URL, error) // nil: none
	password string                           // of Setting
}

// New reads the options. Errors: the setting is no URL of a proxy. A variable
// that is none is not an error here: it fails where it would be used (For).
func New(o Options) (*Proxies, error) {
	env := o.Env
	if env == nil {
		env = os.Getenv
	}
	first := func(names ...string) string {
		for _, n := range names {
			if v := env(n); v != "" {
				return v
			}
		}
		return ""
	}
	cfg := httpproxy.Config{NoProxy: first("NO_PROXY", "no_proxy")}
	p := new(Proxies)
	switch o.Setting {
	case "none":
		return p, nil
	case "", "system":
		cfg.HTTPSProxy = first("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
		// HTTP_PROXY in upper case is what a CGI program gets from a header.
		cfg.HTTPProxy = first("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy")
		cfg.CGI = env("REQUEST_METHOD") != ""
	default:
		if err := CheckURL(o.Setting); err != nil {
			return nil, err
		}
		cfg.HTTPProxy, cfg.HTTPSProxy = o.Setting, o.Setting
		p.password = o.Password
	}
	if cfg.HTTPProxy != "" || cfg.HTTPSProxy != "" {
		p.choose = cfg.ProxyFunc()
	}
	return p, nil
}

// schemes are the kinds of proxy with the port that each has by default.
var schemes = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

// CheckURL tells whether s is the URL of a proxy. The error is a sentence and
// does not quote s, which may hold a password.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "" || u.Hostname() == "":
		return errors.New("the proxy is not written as http://HOST:PORT or socks5://HOST:PORT")
	case schemes[u.Scheme] == "":
		return fmt.Errorf("the proxy begins with %q; http, https and socks5 are possible", printable(u.Scheme))
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the proxy's URL ends with its port")
	case strings.ContainsFunc(u.User.Username(), unicode.IsControl):
		return errors.New("the proxy's user has no control characters")
	case !isHost(u.Hostname()):
		return errors.New("the proxy's host is neither a name nor an address")
	}
	return nil
}

// For is the proxy for a TCP connection to "host:port", nil if it goes without.
// web says that plain HTTP is spoken there (port 80), which has a variable of
// its own.
func (p *Proxies) For(hostport string, web bool) *Server {
	if p == nil || p.choose == nil {
		return nil
	}
	target := &url.URL{Scheme: "https", Host: hostport}
	if web {
		target.Scheme = "http"
	}
	u, err := p.choose(target)
	switch {
	case err != nil:
		return &Server{err: errors.New("the variable that names the proxy is not a URL")}
	case u == nil:
		return nil
	}
	if err := CheckURL(u.String()); err != nil {
		return &Server{err: err}
	}
	return newServer(u, p.password)
}

// Server is one proxy.
type Server struct {
	scheme, addr   string // "http", "proxy.example.org:3128"
	user, password string
	err            error // why it cannot be used; nil if it can
}

func newServer(u *url.URL, password string) *Server {
	s := &Server{scheme: u.Scheme, password: password}
	port := u.Port()
	if port == "" {
		port = schemes[u.Scheme]
	}
	s.addr = net.JoinHostPort(u.Hostname(), port)
	if u.User != nil {
		s.user = u.User.Username()
		if given, ok := u.User.Password(); ok {
			s.password = given
		}
	}
	return s
}

// String names the proxy without user and password.
func (s *Server) String() string {
	if s.err != nil {
		return "proxy"
	}
	return s.scheme + "://" + s.addr
}

// Addr is the proxy's "host:port", "" if the variable that names it is no URL.
func (s *Server) Addr() string { return s.addr }

// Error is why a proxy did not let a connection through. Its text is for people.
type Error struct {
	Proxy string // as Server.String gives it
	Why   string
	Err   error // below, may be nil
}

func (e *Error) Error() string { return "the proxy " + e.Proxy + " " + e.Why }
func (e *Error) Unwrap() error { return e.Err }

func (s *Server) fail(err error, why string, args ...any) error {
	return &Error{Proxy: s.String(), Why: fmt.Sprintf(why, args...), Err: err}
}

// DialContext opens a TCP connection to "host:port" through the proxy, which
// looks names up itself. Errors: *Error, ctx.
func (s *Server) DialContext(ctx context.Context, _, hostport string) (net.Conn, error) {
	if s.err != nil {
		return nil, s.err
	}
	host, port, err := net.SplitHostPort(hostport)
	if err != nil || !isHost(host) || port == "" {
		return nil, fmt.Errorf("connect through a proxy: %q is not HOST:PORT", printable(hostport))
	}
	if strings.HasPrefix(s.scheme, "socks5") {
		return s.socks(ctx, hostport)
	}
	return s.connect(ctx, hostport)
}

// reach opens the connection to the proxy itself.
func (s *Server) reach(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, s.fail(err, "cannot be reached: %s", Brief(err))
	}
	if s.scheme != "https" {
		return c, nil
	}
	host, _, _ := net.SplitHostPort(s.addr)
	secure := tls.Client(c, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, s.fail(err, "has no certificate that this machine trusts: %s", Brief(err))
	}
	return secure, nil
}

// socks speaks SOCKS5 (RFC 1928, 1929).
func (s *Server) socks(ctx context.Context, hostport string) (net.Conn, error) {
	var auth *xproxy.Auth
	if s.user != "" {
		if len(s.user) > 255 || len(s.password) > 255 || s.password == "" {
			return nil, s.fail(nil, "takes a user and a password of 1 to 255 bytes each")
		}
		auth = &xproxy.Auth{User: s.user, Password: s.password}
	}
	d, err := xproxy.SOCKS5("tcp", s.addr, auth, forward{s})
	if err != nil {
		return nil, s.fail(err, "cannot be used: %s", Brief(err))
	}
	c, err := d.(xproxy.ContextDialer).DialContext(ctx, "tcp", hostport)
	var known *Error
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, s.fail(ctx.Err(), "does not answer")
	case errors.As(err, &known):
		return nil, known
	}
	return nil, s.fail(err, "says: %s", socksWords(err))
}

// forward is the socket below SOCKS.
type forward struct{ s *Server }

func (f forward) Dial(network, addr string) (net.Conn, error) {
	return f.DialContext(context.Background(), network, addr)
}

func (f forward) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return f.s.reach(ctx)
}

// socksWords keeps what x/net says behind its operation and addresses.
func socksWords(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	return Brief(err)
}

// Brief is an error in one short line: the innermost error of an operation on a
// socket, without addresses, or the text cut short.
func Brief(err error) string {
	var op *net.OpError
	var sys interface{ Timeout() bool }
	var name *net.DNSError
	switch {
	case errors.As(err, &name):
		return "no such name"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &sys) && sys.Timeout():
		return "no answer"
	case errors.As(err, &op) && op.Err != nil:
		var call *os.SyscallError
		if errors.As(op.Err, &call) {
			return call.Err.Error()
		}
		return op.Err.Error()
	}
	return printable(err.Error())
}

// maxShown bounds what of the proxy's own words gets into an error, in bytes.
const maxShown = 160

// printable takes out of foreign text what could play tricks on a terminal.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0xfffd || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, s)
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}

// isHost tells whether s may stand in a request line: a name or an address, no
// blanks, no line ends.
func isHost(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`/\@?#"<>`, r)
	})
}
