package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"sightline/peer/link/proxy/proxytest"
)

// echoServer speaks first and then gives back what it gets.
func echoServer(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.WriteString(c, "hello\n")
				io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func startProxy(t *testing.T, o proxytest.Options) (*proxytest.Proxy, string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := proxytest.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-done })
	return p, l.Addr().String()
}

// server is the proxy at addr as a URL names it.
func server(t *testing.T, raw string) *Server {
	t.Helper()
	if err := CheckURL(raw); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return newServer(u, "")
}

func TestTunnels(t *testing.T) {
	target := echoServer(t)
	for _, tt := range []struct {
		name   string
		proxy  proxytest.Options
		scheme string
		user   string // user:password@
		asked  int64  // answers 407
		fails  string // part of the error; empty: it works
	}{
		{name: "no password", asked: 0},
		{name: "a password that nobody asks for", user: "user:pass@"},
		{name: "basic", proxy: proxytest.Options{Auth: "basic"}, user: "user:pass@", asked: 1},
		{name: "basic, wrong", proxy: proxytest.Options{Auth: "basic"}, user: "user:wrong@", asked: 2, fails: "does not accept the user and password"},
		{name: "basic, nobody to name", proxy: proxytest.Options{Auth: "basic"}, asked: 1, fails: "wants a user and a password (Basic)"},
		{name: "basic, hangs up", proxy: proxytest.Options{Auth: "basic", CloseAfter407: true}, user: "user:pass@", asked: 1},
		{name: "digest", proxy: proxytest.Options{Auth: "digest"}, user: "user:pass@", asked: 1},
		{name: "digest before basic", proxy: proxytest.Options{Auth: "digest", Also: []string{`Basic realm="x"`}}, user: "user:pass@", asked: 1},
		{name: "digest, old nonce", proxy: proxytest.Options{Auth: "digest", Stale: true}, user: "user:pass@", asked: 2},
		{name: "digest, wrong", proxy: proxytest.Options{Auth: "digest"}, user: "user:wrong@", asked: 2, fails: "does not accept"},
		{name: "digest, hangs up", proxy: proxytest.Options{Auth: "digest", CloseAfter407: true}, user: "user:pass@", asked: 1},
		{name: "ntlm", proxy: proxytest.Options{Auth: "ntlm"}, user: "user:pass@", asked: 2},
		{name: "ntlm with a domain", proxy: proxytest.Options{Auth: "ntlm", User: `LAB\user`}, user: `LAB%5Cuser:pass@`, asked: 2},
		{name: "ntlm before basic", proxy: proxytest.Options{Auth: "ntlm", Also: []string{"Negotiate", `Basic realm="x"`}}, user: "user:pass@", asked: 2},
		{name: "ntlm, wrong", proxy: proxytest.Options{Auth: "ntlm"}, user: "user:wrong@", asked: 3, fails: "does not accept"},
		{name: "ntlm, hangs up in between", proxy: proxytest.Options{Auth: "ntlm", CloseAfter407: true}, user: "user:pass@", asked: 2, fails: "breaks off in the middle of NTLM"},
		{name: "negotiate only", proxy: proxytest.Options{Auth: "negotiate"}, user: "user:pass@", asked: 1, fails: "takes Negotiate (Kerberos) only"},
		{name: "not this port", proxy: proxytest.Options{Ports: []int{443}}, fails: "says: 403 Forbidden"},
		{name: "socks5", proxy: proxytest.Options{Auth: "socks5"}, scheme: "socks5"},
		{name: "socks5 with a password", proxy: proxytest.Options{Auth: "socks5", User: "user"}, scheme: "socks5", user: "user:pass@"},
		{name: "socks5h", proxy: proxytest.Options{Auth: "socks5"}, scheme: "socks5h"},
		{name: "socks5, wrong", proxy: proxytest.Options{Auth: "socks5", User: "user"}, scheme: "socks5", user: "user:wrong@", fails: "authentication failed"},
		{name: "socks5, none given", proxy: proxytest.Options{Auth: "socks5", User: "user"}, scheme: "socks5", fails: "no acceptable authentication methods"},
		{name: "socks5, not this port", proxy: proxytest.Options{Auth: "socks5", Ports: []int{443}}, scheme: "socks5", fails: "connection not allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := tt.proxy
			if o.User == "" && o.Auth != "socks5" {
				o.User = "user"
			}
			o.Password = "pass"
			o.Resolve = func(string) string { return target }
			p, addr := startProxy(t, o)
			if tt.scheme == "" {
				tt.scheme = "http"
			}
			c, err := server(t, tt.scheme+"://"+tt.user+addr).DialContext(t.Context(), "tcp", "relay.example.org:4443")
			if got := p.Asked.Load(); got != tt.asked {
				t.Errorf("the proxy asked %d times for a password, want %d", got, tt.asked)
			}
			if tt.fails != "" {
				wantError(t, err, tt.fails)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			// The other end's first words may have come with the proxy's answer.
			in := bufio.NewReader(c)
			io.WriteString(c, "ping\n")
			for _, want := range []string{"hello\n", "ping\n"} {
				if got, err := in.ReadString('\n'); got != want {
					t.Fatalf("read %q, %v; want %q", got, err, want)
				}
			}
			if names := p.Names(); len(names) != 1 || names[0] != "relay.example.org:4443" {
				t.Errorf("the proxy was asked for %q, want the name", names)
			}
		})
	}
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	var known *Error
	switch {
	case !errors.As(err, &known):
		t.Errorf("error %v, want one of the proxy", err)
	case !strings.Contains(err.Error(), part):
		t.Errorf("error %q, want one with %q", err, part)
	case strings.Contains(err.Error(), "pass:") || strings.Contains(err.Error(), "wrong"):
		t.Errorf("error %q holds the password", err)
	}
}

// A proxy that is silent is given up with the context, whenever it falls silent.
func TestSilentProxy(t *testing.T) {
	for _, scheme := range []string{"http", "https", "socks5"} {
		t.Run(scheme, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err = server(t, scheme+"://"+l.Addr().String()).DialContext(ctx, "tcp", "relay.example.org:443")
			if err == nil {
				t.Fatal("a tunnel through a proxy that says nothing")
			}
			if !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "no answer") && !strings.Contains(err.Error(), "does not answer") {
				t.Errorf("%s: %v", scheme, err)
			}
		})
	}
}

func TestChoice(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	for _, tt := range []struct {
		name    string
		setting string
		env     func(string) string
		target  string
		web     bool
		want    string // of String; "" for none
	}{
		{"nothing set", "system", env(), "relay:443", false, ""},
		{"for TLS", "system", env("HTTPS_PROXY", "http://p:3128"), "relay:443", false, "http://p:3128"},
		{"not for the web", "system", env("HTTPS_PROXY", "http://p:3128"), "relay:80", true, ""},
		{"for the web", "", env("http_proxy", "p:8080"), "relay:80", true, "http://p:8080"},
		{"for all", "system", env("ALL_PROXY", "socks5://p"), "relay:80", true, "socks5://p:1080"},
		{"the nearer one first", "system", env("ALL_PROXY", "socks5://p", "https_proxy", "http://q"), "relay:443", false, "http://q:80"},
		{"not for this host", "system", env("HTTPS_PROXY", "http://p", "NO_PROXY", "a.test,.example.org"), "relay.example.org:443", false, ""},
		{"not for this network", "system", env("HTTPS_PROXY", "http://p", "no_proxy", "11.0.0.0/8"), "11.0.0.10:443", false, ""},
		{"not for this port", "system", env("HTTPS_PROXY", "http://p", "no_proxy", "relay:443"), "relay:443", false, ""},
		{"never for this machine", "system", env("HTTPS_PROXY", "http://p"), "127.0.0.1:443", false, ""},
		{"switched off", "none", env("HTTPS_PROXY", "http://p"), "relay:443", false, ""},
		{"set", "http://u:secret@p:3128", env("HTTPS_PROXY", "http://q"), "relay:443", false, "http://p:3128"},
		{"set, and an exception", "http://p", env("NO_PROXY", "*"), "relay:443", false, ""},
		{"a variable that is no proxy", "system", env("HTTPS_PROXY", "ftp://p"), "relay:443", false, "proxy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := New(Options{Setting: tt.setting, Env: tt.env})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if s := p.For(tt.target, tt.web); s != nil {
				got = s.String()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCheckURL(t *testing.T) {
	for _, bad := range []string{"", "p:3128", "ftp://p", "http://", "http://p/path", "http://p?x", "http://p:port", "socks4://p", "http://a b", "http://p#x", "http://u%0d%0aX:y@p"} {
		if err := CheckURL(bad); err == nil {
			t.Errorf("%q is taken for a proxy", bad)
		} else if _, err := New(Options{Setting: bad}); err == nil && bad != "" {
			t.Errorf("New takes %q", bad)
		}
	}
	for _, good := range []string{"http://p", "http://u:p@proxy.example.org:3128/", "https://p", "socks5://[::1]:1080", "socks5h://p"} {
		if err := CheckURL(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}
