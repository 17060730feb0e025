package proxy

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// FuzzAnswer plays what a proxy sends, whatever we ask. Nothing may hang, panic
// or grow, and no error may play tricks on a terminal.
func FuzzAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\n\r\nhello")
	f.Add("HTTP/1.1 403 For\x1b[2Jbidden\r\nContent-Length: 3\r\n\r\nabc")
	f.Add("HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
	f.Add("HTTP/1.1 407 x\r\nProxy-Authenticate: Digest realm=\"a\", nonce=\"b\", qop=\"auth-int, auth\", algorithm=MD5\r\nContent-Length: 0\r\n\r\nHTTP/1.1 407 x\r\nProxy-Authenticate: Digest nonce=\"c\", stale=true\r\nContent-Length: 0\r\n\r\n")
	f.Add("HTTP/1.1 407 x\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\nHTTP/1.1 407 x\r\nProxy-Authenticate: NTLM TlRMTVNTUAACAAAAAAAAADAAAAABAoEAASNFZ4mrze8AAAAAAAAAAAAAAAAwAAAA\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
	f.Add("HTTP/1.1 407 x\r\nProxy-Authenticate: Negotiate\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	f.Add("\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
	f.Add("\x05\x02\x01\x00\x05\x01\x00\x03\xff")
	f.Fuzz(func(t *testing.T, answer string) {
		for _, scheme := range []string{"http", "socks5"} {
			playAnswer(t, scheme, answer)
		}
	})
}

// playAnswer serves one connection; a second one is refused.
func playAnswer(t *testing.T, scheme, answer string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		l.Close()
		if err != nil {
			return
		}
		defer c.Close()
		io.WriteString(c, answer)
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.CloseWrite()
		}
		io.Copy(io.Discard, c)
	}()
	defer func() { l.Close(); <-done }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s := &Server{scheme: scheme, addr: l.Addr().String(), user: "user", password: "secret"}
	c, err := s.DialContext(ctx, "tcp", "relay.example.org:443")
	if ctx.Err() != nil {
		t.Fatal("the dial hung")
	}
	if err == nil {
		c.Close()
		return
	}
	if text := err.Error(); len(text) > 600 || strings.ContainsAny(text, "\r\n\x1b\x00") || strings.Contains(text, "secret") {
		t.Errorf("error %q", text)
	}
}
