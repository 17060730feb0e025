package relay

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	circuit "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"

	"sightline/relay/rendezvous"
)

const echo = "/test/echo"

// anyCertificate: the relay's TLS proves nothing, the handshake inside it does.
var anyCertificate = &tls.Config{InsecureSkipVerify: true}

// newTestRelay starts a relay on a free loopback port.
func newTestRelay(t testing.TB, change ...func(*Options)) *Server {
	t.Helper()
	o := Options{Key: newTestKey(t), Token: bytes.Repeat([]byte{7}, 32), Listen: []string{"127.0.0.1:0"}}
	for _, f := range change {
		f(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newTestKey(t testing.TB) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newPeer is a machine that only dials out, by every transport.
func newPeer(t testing.TB, opts ...libp2p.Option) host.Host {
	t.Helper()
	return newPeerWith(t, append([]libp2p.Option{
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(websocket.New, websocket.WithTLSClientConfig(anyCertificate)),
	}, opts...)...)
}

// newPeerWith is one that has the transports of opts only.
func newPeerWith(t testing.TB, opts ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append([]libp2p.Option{
		libp2p.NoListenAddrs, libp2p.EnableRelay(), libp2p.DisableMetrics(), libp2p.Ping(false),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func client(t testing.TB, h host.Host, joins ...rendezvous.Join) *rendezvous.Client {
	t.Helper()
	c, err := rendezvous.NewClient(rendezvous.Options{Host: h, Relays: joins, Admitted: func(ctx context.Context, r p2p.AddrInfo) error {
		_, err := circuit.Reserve(ctx, h, r)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func publish(t testing.TB, c *rendezvous.Client) *rendezvous.Lease {
	t.Helper()
	l, err := c.Publish(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// call looks number up and connects through the relay.
func call(t testing.TB, h host.Host, j rendezvous.Join, number string) (network.Conn, error) {
	t.Helper()
	infos, err := client(t, h, j.Public()).Lookup(t.Context(), number)
	if err != nil {
		return nil, err
	}
	if len(infos) != 1 {
		t.Fatalf("%d peers for one number", len(infos))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := h.Connect(network.WithAllowLimitedConn(ctx, "test"), infos[0]); err != nil {
		return nil, err
	}
	return h.Network().ConnsToPeer(infos[0].ID)[0], nil
}

func serveEcho(h host.Host) {
	h.SetStreamHandler(echo, func(s network.Stream) {
		defer s.Close()
		io.Copy(s, s)
	})
}

// TestSession is the whole of a relay's work: a number, a look-up, a circuit that
// carries far more than libp2p's 128 KiB.
func TestSession(t *testing.T) {
	s := newTestRelay(t)
	host, viewer := newPeer(t), newPeer(t)
	serveEcho(host)
	lease := publish(t, client(t, host, s.Join()))
	conn, err := call(t, viewer, s.Join(), lease.Number)
	if err != nil {
		t.Fatal(err)
	}
	if conn.Stat().Limited {
		t.Error("the circuit says that it is limited")
	}
	want := make([]byte, 4<<20)
	rand.Read(want)
	if got := roundTrip(t, viewer, host.ID(), want); !bytes.Equal(got, want) {
		t.Fatal("the bytes changed on their way")
	}
	st := s.Stats()
	if st.Circuits != 1 || st.Registrations != 1 || st.Found != 1 || st.CircuitsOpened != 1 {
		t.Errorf("stats: %+v", st)
	}
	if st.Bytes < 8<<20 {
		t.Errorf("%d bytes counted, expected 8 MiB and some", st.Bytes)
	}
	viewer.Close()
	eventually(t, "the place of the circuit is free", func() bool { return s.Stats().Circuits == 0 })
}

func roundTrip(t testing.TB, from host.Host, to p2p.ID, data []byte) []byte {
	t.Helper()
	st, err := from.NewStream(t.Context(), to, echo)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	go func() {
		st.Write(data)
		st.CloseWrite()
	}()
	got, err := io.ReadAll(st)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestClosed: without the right token nobody gets a number, and without a number
// nobody gets a reservation or is reached.
func TestClosed(t *testing.T) {
	s := newTestRelay(t)
	wrong := s.Join()
	wrong.Token = bytes.Repeat([]byte{8}, 32)
	for name, j := range map[string]rendezvous.Join{"wrong token": wrong, "no token": s.Join().Public()} {
		t.Run(name, func(t *testing.T) {
			if _, err := client(t, newPeer(t), j).Publish(t.Context(), ""); !errors.Is(err, rendezvous.ErrRefused) {
				t.Fatalf("published: %v", err)
			}
		})
	}
	stranger := newPeer(t)
	info, err := s.Join().AddrInfo()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := circuit.Reserve(t.Context(), stranger, info); err == nil {
		t.Error("a stranger got a reservation")
	}
	if st := s.Stats(); st.Refused != 2 || st.Registrations != 0 {
		t.Errorf("stats: %+v", st)
	}
}

func TestOpenRelayNeedsNoToken(t *testing.T) {
	s := newTestRelay(t, func(o *Options) { o.Open, o.Token = true, nil })
	if s.Join().Token != nil {
		t.Error("the join string of an open relay has a token")
	}
	publish(t, client(t, newPeer(t), s.Join()))
}

// TestLogIsQuiet: at its most talkative the log names nobody.
func TestLogIsQuiet(t *testing.T) {
	var log syncBuffer
	s := newTestRelay(t, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	host, viewer := newPeer(t), newPeer(t)
	lease := publish(t, client(t, host, s.Join()))
	if _, err := call(t, viewer, s.Join(), lease.Number); err != nil {
		t.Fatal(err)
	}
	call(t, viewer, s.Join(), "99999")
	client(t, newPeer(t), s.Join().Public()).Publish(t.Context(), "")
	s.Close()
	text := log.String()
	for _, e := range []string{"registered", "found", "circuit opened", "unknown", "refused"} {
		if !strings.Contains(text, e) {
			t.Errorf("no word of %q", e)
		}
	}
	for _, secret := range []string{host.ID().String(), viewer.ID().String(), lease.Number, "99999", "127.0.0.1", "12D3Koo"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log tells %s:\n%s", secret, text)
		}
	}
}

// syncBuffer takes what several goroutines log.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
