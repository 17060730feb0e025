// Package proxytest is a proxy as networks have them, for tests: HTTP CONNECT
// without a password and with Basic, Digest or NTLM, SOCKS5 without and with a
// password, and one that looks into TLS. It is no proxy for work.
package proxytest

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/icholy/digest"
)

// Options of a proxy.
type Options struct {
	Auth           string   // "" or "none", "basic", "digest", "ntlm", "negotiate"; "socks5" speaks that instead of HTTP
	Also           []string // further lines of Proxy-Authenticate
	User, Password string   // "" with socks5: nobody is asked
	Ports          []int    // where it connects to; empty: everywhere
	// Resolve gives the address behind a name or another address; nil: the name itself.
	Resolve func(hostport string) string
	Inspect *Inspector // nil: what passes is left alone
	// CloseAfter407 hangs up after a question for a password, as HTTP/1.0 proxies do.
	CloseAfter407 bool
	// Stale: the first right answer to a Digest challenge gets a new nonce.
	Stale bool
}

// Proxy counts what it did.
type Proxy struct {
	o Options

	Tunnels atomic.Int64 // that were opened
	Asked   atomic.Int64 // answers 407

	mu    sync.Mutex
	names []string
	open  map[net.Conn]bool
}

// New makes a proxy.
func New(o Options) *Proxy { return &Proxy{o: o, open: make(map[net.Conn]bool)} }

// Names are the targets of CONNECT, as they were asked for.
func (p *Proxy) Names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.names)
}

// Serve accepts until the listener or ctx ends, and returns when every
// connection has ended.
func (p *Proxy) Serve(ctx context.Context, l net.Listener) error {
	var work sync.WaitGroup
	defer work.Wait()
	defer context.AfterFunc(ctx, func() {
		l.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		for c := range p.open {
			c.Close()
		}
	})()
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		p.keep(c, true)
		work.Go(func() {
			defer p.keep(c, false)
			defer c.Close()
			if p.o.Auth == "socks5" {
				p.socks(c)
				return
			}
			p.http(c)
		})
	}
}

func (p *Proxy) keep(c net.Conn, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if open {
		p.open[c] = true
		return
	}
	delete(p.open, c)
}

// http serves one connection until a tunnel stands or is refused.
func (p *Proxy) http(c net.Conn) {
	in := bufio.NewReader(c)
	login := p.login()
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if req.Method != http.MethodConnect {
			fmt.Fprint(c, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
			return
		}
		ok, offers := login(req)
		if !ok {
			p.Asked.Add(1)
			page := "<html>who are you?</html>"
			head := "HTTP/1.1 407 Proxy Authentication Required\r\n"
			for _, o := range slices.Concat(offers, p.o.Also) {
				head += "Proxy-Authenticate: " + o + "\r\n"
			}
			if p.o.CloseAfter407 {
				head += "Connection: close\r\n"
			}
			fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n%s", head, len(page), page)
			if p.o.CloseAfter407 {
				return
			}
			continue
		}
		out, status := p.dial(req.Host)
		if out == nil {
			fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status)
			return
		}
		defer out.Close()
		fmt.Fprint(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		p.pipe(c, in, out, req.Host)
		return
	}
}

// dial opens the other side, or gives the status of a refusal.
func (p *Proxy) dial(target string) (net.Conn, string) {
	p.mu.Lock()
	p.names = append(p.names, target)
	p.mu.Unlock()
	_, port, err := net.SplitHostPort(target)
	n, _ := strconv.Atoi(port)
	if err != nil || len(p.o.Ports) > 0 && !slices.Contains(p.o.Ports, n) {
		return nil, "403 Forbidden"
	}
	if p.o.Resolve != nil {
		target = p.o.Resolve(target)
	}
	out, err := net.Dial("tcp", target)
	if err != nil {
		return nil, "502 Bad Gateway"
	}
	p.Tunnels.Add(1)
	return out, ""
}

// pipe copies both ways until both have ended.
func (p *Proxy) pipe(c net.Conn, in io.Reader, out net.Conn, target string) {
	p.keep(out, true)
	defer p.keep(out, false)
	if p.o.Inspect != nil {
		p.o.Inspect.pipe(c, in, out, target)
		return
	}
	both(c, in, out, out)
}

func both(c net.Conn, in io.Reader, out net.Conn, back io.Reader) {
	var work sync.WaitGroup
	work.Go(func() { io.Copy(out, in); halfClose(out) })
	io.Copy(c, back)
	halfClose(c)
	work.Wait()
}

func halfClose(c net.Conn) {
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		h.CloseWrite()
		return
	}
	c.Close()
}

// login gives the check of one connection: whether a request may pass, and else
// what to say in Proxy-Authenticate.
func (p *Proxy) login() func(*http.Request) (bool, []string) {
	switch p.o.Auth {
	case "basic":
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.o.User+":"+p.o.Password))
		return func(r *http.Request) (bool, []string) {
			return r.Header.Get("Proxy-Authorization") == want, []string{`Basic realm="natlab"`}
		}
	case "digest":
		return p.digest()
	case "ntlm":
		return (&ntlmLogin{user: p.o.User, password: p.o.Password}).check
	case "negotiate":
		return func(*http.Request) (bool, []string) { return false, []string{"Negotiate"} }
	}
	return func(*http.Request) (bool, []string) { return true, nil }
}

// nonce of all proxies here: a test gains nothing from a random one.
const nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"

func (p *Proxy) digest() func(*http.Request) (bool, []string) {
	chal := &digest.Challenge{Realm: "natlab, \"the\" lab", Nonce: nonce, Algorithm: "SHA-256", QOP: []string{"auth"}, Opaque: "5ccc069c"}
	stale := p.o.Stale
	return func(r *http.Request) (bool, []string) {
		right := p.digestRight(chal, r)
		again := *chal
		if right && stale {
			stale, right = false, false
			chal.Nonce += "1"
			again = *chal
			again.Stale = true
		}
		return right, []string{again.String()}
	}
}

func (p *Proxy) digestRight(chal *digest.Challenge, r *http.Request) bool {
	cred, err := digest.ParseCredentials(r.Header.Get("Proxy-Authorization"))
	if err != nil || cred.Nonce != chal.Nonce || cred.URI != r.Host || cred.Username != p.o.User {
		return false
	}
	want, err := digest.Digest(chal, digest.Options{
		Method: r.Method, URI: cred.URI, Username: p.o.User, Password: p.o.Password, Count: cred.Nc, Cnonce: cred.Cnonce,
	})
	return err == nil && want.Response == cred.Response
}

// splitUser takes "DOMAIN\user" apart.
func splitUser(s string) (domain, user string) {
	if d, u, ok := strings.Cut(s, `\`); ok {
		return d, u
	}
	return "", s
}
