package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// maxAnswer bounds one answer of a proxy, head and page, in bytes. A page that
	// is longer costs a new connection.
	maxAnswer = 64 << 10
	// maxRounds is how many requests one dial may take: one without a password,
	// two for NTLM, one more for a nonce that grew old, one for a connection that
	// the proxy closed.
	maxRounds = 5
)

var errTooLong = errors.New("the proxy's answer is too long")

// connect asks for a tunnel by HTTP CONNECT (RFC 9110, section 9.3.6) and
// answers the question for a password.
func (s *Server) connect(ctx context.Context, hostport string) (net.Conn, error) {
	t := &tunnel{server: s, target: hostport}
	defer t.close()
	var auth authenticator
	for range maxRounds {
		resp, err := t.ask(ctx, auth)
		switch {
		case ctx.Err() != nil:
			return nil, s.fail(ctx.Err(), "does not answer")
		case err != nil:
			return nil, err
		case resp.StatusCode/100 == 2:
			return t.take(ctx)
		case resp.StatusCode != http.StatusProxyAuthRequired:
			return nil, s.fail(nil, "says: %d %s", resp.StatusCode, statusWords(resp))
		}
		offers := resp.Header.Values("Proxy-Authenticate")
		if auth == nil {
			if auth, err = s.authenticator(offers); err != nil {
				return nil, err
			}
		}
		if err := auth.challenge(offers); err != nil {
			return nil, s.fail(err, "%s", err)
		}
		t.settle(resp)
		if t.conn == nil && !auth.anyConnection() {
			return nil, s.fail(nil, "breaks off in the middle of NTLM")
		}
	}
	return nil, s.fail(nil, "asks for the password again and again")
}

func statusWords(resp *http.Response) string {
	_, words, _ := strings.Cut(resp.Status, " ")
	return printable(strings.TrimSpace(words))
}

// tunnel is one connection to the proxy after the other, until one is through.
type tunnel struct {
	server *Server
	target string

	conn net.Conn // nil: to be opened
	in   *bufio.Reader
	left *limited
}

// ask sends one CONNECT and reads the head of the answer. A connection on which
// an earlier answer came may be closed by now: then a new one is opened.
func (t *tunnel) ask(ctx context.Context, auth authenticator) (*http.Response, error) {
	header := ""
	if auth != nil {
		var err error
		if header, err = auth.header("CONNECT", t.target); err != nil {
			return nil, t.server.fail(err, "asks for a password in a way that is not understood: %s", printable(err.Error()))
		}
	}
	used := t.conn != nil
	resp, err := t.try(ctx, header)
	if err != nil && used && ctx.Err() == nil && (auth == nil || auth.anyConnection()) {
		t.close()
		resp, err = t.try(ctx, header)
	}
	return resp, err
}

func (t *tunnel) try(ctx context.Context, header string) (*http.Response, error) {
	if t.conn == nil {
		c, err := t.server.reach(ctx)
		if err != nil {
			return nil, err
		}
		t.left = &limited{r: c}
		t.conn, t.in = c, bufio.NewReader(t.left)
	}
	conn := t.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	request := "CONNECT " + t.target + " HTTP/1.1\r\nHost: " + t.target + "\r\nUser-Agent: sightline\r\nProxy-Connection: Keep-Alive\r\n"
	if header != "" {
		request += "Proxy-Authorization: " + header + "\r\n"
	}
	t.left.n = maxAnswer
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return nil, t.server.fail(err, "hung up")
	}
	resp, err := http.ReadResponse(t.in, &http.Request{Method: http.MethodConnect})
	switch {
	case errors.Is(err, errTooLong):
		return nil, t.server.fail(err, "sends more than %d bytes where a short answer is due", maxAnswer)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, t.server.fail(err, "hung up")
	case err != nil:
		return nil, t.server.fail(err, "does not speak HTTP: %s", Brief(err))
	}
	return resp, nil
}

// settle reads the page that came with a refusal, so that the connection can be
// used again. NTLM lives on that one connection; if it is closed the proxy wants
// it so.
func (t *tunnel) settle(resp *http.Response) {
	_, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if err != nil || resp.Close || resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 {
		t.close()
	}
}

// take hands the connection on. The other end may have spoken already: what was
// read too much comes first.
func (t *tunnel) take(ctx context.Context) (net.Conn, error) {
	conn := t.conn
	if ctx.Err() != nil { // its deadline may have passed into the connection
		return nil, t.server.fail(ctx.Err(), "does not answer")
	}
	early := make([]byte, t.in.Buffered())
	if _, err := io.ReadFull(t.in, early); err != nil {
		return nil, t.server.fail(err, "hung up")
	}
	t.conn = nil
	if len(early) == 0 {
		return conn, nil
	}
	return &ahead{Conn: conn, early: early}, nil
}

func (t *tunnel) close() {
	if t.conn != nil {
		t.conn.Close()
		t.conn = nil
	}
}

// limited reads n bytes and then fails.
type limited struct {
	r io.Reader
	n int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.n <= 0 {
		return 0, errTooLong
	}
	n, err := l.r.Read(p[:min(len(p), l.n)])
	l.n -= n
	return n, err
}

// ahead is a connection of which the first bytes have been read.
type ahead struct {
	net.Conn
	early []byte
}

func (a *ahead) Read(p []byte) (int, error) {
	if len(a.early) == 0 {
		return a.Conn.Read(p)
	}
	n := copy(p, a.early)
	a.early = a.early[n:]
	return n, nil
}

// authenticator answers one proxy's question for a password.
type authenticator interface {
	// challenge takes what the proxy says in a 407. An error ends the dial; its
	// text follows the proxy's name.
	challenge(offers []string) error
	// header is the Proxy-Authorization of the next request.
	header(method, target string) (string, error)
	// anyConnection tells whether that header means anything on a new connection.
	anyConnection() bool
}

// authenticator picks the best way that the proxy offers and we have the words
// for.
func (s *Server) authenticator(offers []string) (authenticator, error) {
	names := schemesOf(offers)
	if s.user == "" {
		return nil, s.fail(nil, "wants a user and a password (%s)", strings.Join(names, ", "))
	}
	for _, known := range [...]struct {
		name string
		make func() authenticator
	}{
		{"NTLM", func() authenticator { return &ntlm{user: s.user, password: s.password} }},
		{"Digest", func() authenticator { return &digestAuth{user: s.user, password: s.password} }},
		{"Basic", func() authenticator { return &basic{user: s.user, password: s.password} }},
	} {
		for _, n := range names {
			if strings.EqualFold(n, known.name) {
				return known.make(), nil
			}
		}
	}
	if len(names) == 1 && strings.EqualFold(names[0], "Negotiate") {
		return nil, s.fail(nil, "takes Negotiate (Kerberos) only, which sightline does not speak")
	}
	return nil, s.fail(nil, "offers no way to log in that sightline speaks (%s)", strings.Join(names, ", "))
}

// schemesOf are the names of the offered ways, each once.
func schemesOf(offers []string) []string {
	var names []string
	for _, o := range offers {
		name, _, _ := strings.Cut(strings.TrimSpace(o), " ")
		if name = printable(name); name != "" && len(names) < 8 && !contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = []string{"it does not say how"}
	}
	return names
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if strings.EqualFold(v, s) {
			return true
		}
	}
	return false
}

// offer is what the proxy says about one way: the rest of its line.
func offer(offers []string, name string) (string, bool) {
	for _, o := range offers {
		word, rest, _ := strings.Cut(strings.TrimSpace(o), " ")
		if strings.EqualFold(word, name) {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

var errRefused = errors.New("does not accept the user and password")

func gone(name string) error { return fmt.Errorf("no longer offers %s", name) }
