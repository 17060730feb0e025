package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// authority is Let's Encrypt's own test server, in this process. It comes to look
// at 127.0.0.1, whatever the name.
func authority(t *testing.T, httpPort, tlsPort int) (server *httptest.Server, roots *x509.CertPool) {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	issuing := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "test", ValidityPeriod: 3600 * 24 * 90}})
	look := va.New(quiet, httpPort, tlsPort, false, resolver(t), store)
	front := wfe.New(quiet, store, look, issuing, nil, false, false, 0, 0)
	server = httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, roots
}

// resolver says that every name is this machine.
func resolver(t *testing.T) string {
	t.Helper()
	l, _ := listen(t)
	s := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(r)
		if len(r.Question) == 1 && r.Question[0].Qtype == dns.TypeA {
			m.Answer = append(m.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.IPv4(127, 0, 0, 1),
			})
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	return l.Addr().String()
}

func listen(t *testing.T) (net.Listener, int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, l.Addr().(*net.TCPAddr).Port
}

// TestCertificate: a certificate comes from the authority, by either port alone,
// is shown to who connects, also without a name, and is there after a restart
// although the authority is gone.
func TestCertificate(t *testing.T) {
	for _, way := range []string{"http", "tls"} {
		t.Run(way, func(t *testing.T) {
			web, httpPort := listen(t)
			secure, tlsPort := listen(t)
			server, roots := authority(t, httpPort, tlsPort)
			o := Options{
				Names: []string{"relay.example.org"}, Directory: server.URL + "/dir", Roots: roots, Dir: t.TempDir(),
				HTTPPort: httpPort, TLSPort: tlsPort, Failed: func(err error) { t.Error(err) },
			}
			m, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			if way == "http" {
				m.issuer.DisableTLSALPNChallenge = true
			} else {
				m.issuer.DisableHTTPChallenge = true
			}
			page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "page") })
			site := &http.Server{Handler: m.Challenge(page)}
			go site.Serve(web)
			defer site.Close()
			go accept(secure, m)
			run(t, m)
			await(t, secure.Addr().String(), "relay.example.org")
			await(t, secure.Addr().String(), "")
			if resp, err := http.Get("http://" + web.Addr().String()); err != nil {
				t.Error(err)
			} else if body, _ := io.ReadAll(resp.Body); string(body) != "page" {
				t.Errorf("the page is %q", body)
			}

			server.Close()
			again, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			other, _ := listen(t)
			go accept(other, again)
			run(t, again)
			await(t, other.Addr().String(), "relay.example.org")
		})
	}
}

func run(t *testing.T, m *Manager) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// accept shows the certificate to everybody.
func accept(l net.Listener, m *Manager) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			tls.Server(c, &tls.Config{GetCertificate: m.Certificate, NextProtos: []string{"http/1.1", "acme-tls/1"}}).Handshake()
		}()
	}
}

func await(t *testing.T, addr, name string) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		c, err := tls.Dial("tcp", addr, &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		if err == nil {
			leaf := c.ConnectionState().PeerCertificates[0]
			c.Close()
			if err = leaf.VerifyHostname("relay.example.org"); err == nil && strings.Contains(leaf.Issuer.CommonName, "Pebble") {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no certificate: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestFailure: an authority that cannot be reached is told of, and does not end
// the relay.
func TestFailure(t *testing.T) {
	failed := make(chan error, 16)
	m, err := New(Options{Names: []string{"relay.example.org"}, Directory: "https://127.0.0.1:1/dir", Dir: t.TempDir(), Failed: func(err error) {
		select {
		case failed <- err:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	run(t, m)
	select {
	case err := <-failed:
		if !strings.Contains(err.Error(), "get a certificate for relay.example.org") || errors.Unwrap(err) == nil {
			t.Error(err)
		}
	case <-time.After(60 * time.Second):
		t.Error("nobody was told")
	}
	if _, err := New(Options{Dir: t.TempDir()}); err == nil {
		t.Error("a manager of no names")
	}
}
