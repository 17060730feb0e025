package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	pb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/util"

	"sightline/relay/rendezvous"
)

// connectRaw asks for one circuit as libp2p would, without the handshake inside,
// and returns the relay's answer. The stream stays open until the test ends.
func connectRaw(t testing.TB, viewer host.Host, relay, dest p2p.ID) pb.Status {
	t.Helper()
	st, err := viewer.NewStream(t.Context(), relay, proto.ProtoIDv2Hop)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Reset() })
	st.SetDeadline(time.Now().Add(20 * time.Second))
	err = util.NewDelimitedWriter(st).WriteMsg(&pb.HopMessage{
		Type: pb.HopMessage_CONNECT.Enum(), Peer: util.PeerInfoToPeerV2(p2p.AddrInfo{ID: dest}),
	})
	if err != nil {
		t.Fatal(err)
	}
	var answer pb.HopMessage
	rd := util.NewDelimitedReader(st, 4096)
	defer rd.Close()
	if err := rd.ReadMsg(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.GetStatus()
}

// acceptCircuits makes h say yes to every circuit and leave it open.
func acceptCircuits(h host.Host) {
	h.SetStreamHandler(proto.ProtoIDv2Stop, func(s network.Stream) {
		rd := util.NewDelimitedReader(s, 4096)
		defer rd.Close()
		var q pb.StopMessage
		if rd.ReadMsg(&q) != nil {
			return
		}
		util.NewDelimitedWriter(s).WriteMsg(&pb.StopMessage{Type: pb.StopMessage_STATUS.Enum(), Status: pb.Status_OK.Enum()})
	})
}

func dialRelay(t testing.TB, h host.Host, s *Server) p2p.ID {
	t.Helper()
	info, err := s.Join().AddrInfo()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	return info.ID
}

// TestCircuitLimits: each limit on circuits is reached, from one viewer and many.
func TestCircuitLimits(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	s := newTestRelay(t, func(o *Options) {
		o.Limits = Limits{Circuits: 6, CircuitsPerViewer: 2, CircuitsPerHost: 5}
		o.Events = func(e Event) {
			mu.Lock()
			seen[e.What]++
			mu.Unlock()
		}
	})
	hosts := []host.Host{newPeer(t), newPeer(t)}
	for _, h := range hosts {
		publish(t, client(t, h, s.Join()))
		acceptCircuits(h)
	}
	viewers := make([]host.Host, 5)
	for i := range viewers {
		viewers[i] = newPeer(t)
		dialRelay(t, viewers[i], s)
	}
	for _, row := range []struct {
		name         string
		viewer, host int
		want         pb.Status
	}{
		{"first", 0, 0, pb.Status_OK},
		{"second", 0, 0, pb.Status_OK},
		{"third of one viewer", 0, 1, pb.Status_RESOURCE_LIMIT_EXCEEDED},
		{"another viewer", 1, 0, pb.Status_OK},
		{"and again", 1, 0, pb.Status_OK},
		{"fifth of one host", 2, 0, pb.Status_OK},
		{"sixth of one host", 3, 0, pb.Status_RESOURCE_LIMIT_EXCEEDED},
		{"sixth in all", 3, 1, pb.Status_OK},
		{"seventh in all", 4, 1, pb.Status_RESOURCE_LIMIT_EXCEEDED},
	} {
		if got := connectRaw(t, viewers[row.viewer], s.Join().ID, hosts[row.host].ID()); got != row.want {
			t.Errorf("%s: %s", row.name, got)
		}
	}
	if st := s.Stats(); st.Circuits != 6 || st.CircuitsRefused != 3 {
		t.Errorf("stats %+v", st)
	}
	viewers[0].Close()
	eventually(t, "two places are free", func() bool { return s.Stats().Circuits == 4 })
	if got := connectRaw(t, viewers[4], s.Join().ID, hosts[1].ID()); got != pb.Status_OK {
		t.Errorf("a free place: %s", got)
	}
	eventually(t, "events", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return seen["circuit opened"] == 7 && seen["circuit refused"] == 3 && seen["circuit closed"] == 2 && seen["registered"] == 2
	})
}

// TestNobodyThere: circuits lead only to hosts with a live number.
func TestNobodyThere(t *testing.T) {
	s := newTestRelay(t)
	host, viewer := newPeer(t), newPeer(t)
	lease := publish(t, client(t, host, s.Join()))
	acceptCircuits(host)
	relay := dialRelay(t, viewer, s)
	if got := connectRaw(t, viewer, relay, newPeer(t).ID()); got != pb.Status_PERMISSION_DENIED {
		t.Errorf("to a stranger: %s", got)
	}
	if got := connectRaw(t, viewer, relay, host.ID()); got != pb.Status_OK {
		t.Errorf("to the host: %s", got)
	}
	lease.Release()
	if got := connectRaw(t, viewer, relay, host.ID()); got != pb.Status_PERMISSION_DENIED {
		t.Errorf("after the release: %s", got)
	}
	eventually(t, "one circuit is left", func() bool { return s.Stats().Circuits == 1 })
}

// TestSilentHost: a host that does not answer holds a place for 3 s, not 60.
func TestSilentHost(t *testing.T) {
	s := newTestRelay(t)
	host, viewer := newPeer(t), newPeer(t)
	publish(t, client(t, host, s.Join()))
	host.SetStreamHandler(proto.ProtoIDv2Stop, func(st network.Stream) { io.Copy(io.Discard, st) })
	relay := dialRelay(t, viewer, s)
	// connectRaw gives up after 20 s, libp2p's relay would after 60.
	if got := connectRaw(t, viewer, relay, host.ID()); got != pb.Status_CONNECTION_FAILED {
		t.Errorf("%s", got)
	}
	eventually(t, "the place is free", func() bool { return s.Stats().Circuits == 0 })
}

// TestHopGarbage: nonsense on a hop stream takes no place and no goroutine.
func TestHopGarbage(t *testing.T) {
	s := newTestRelay(t)
	viewer := newPeer(t)
	relay := dialRelay(t, viewer, s)
	for name, in := range map[string][]byte{
		"empty":            {},
		"length only":      {5},
		"huge length":      {0xff, 0xff, 0xff, 0xff, 0x0f},
		"no protobuf":      {3, 0xff, 0xff, 0xff},
		"empty message":    {0},
		"CONNECT nowhere":  {2, 8, 1},
		"CONNECT, bad ID":  {6, 8, 1, 18, 2, 10, 0},
		"STATUS":           {2, 8, 2},
		"text, no framing": []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			st, err := viewer.NewStream(t.Context(), relay, proto.ProtoIDv2Hop)
			if err != nil {
				t.Fatal(err)
			}
			defer st.Reset()
			st.Write(in)
			st.CloseWrite()
			st.SetReadDeadline(time.Now().Add(20 * time.Second))
			io.Copy(io.Discard, st) // reset, or "malformed" and the end
		})
	}
	eventually(t, "no place is taken", func() bool { return s.Stats().Circuits == 0 })
}

// TestOnlyEd25519: other keys do not get past the first handshake.
func TestOnlyEd25519(t *testing.T) {
	s := newTestRelay(t)
	for name, kind := range map[string]int{"ECDSA": crypto.ECDSA, "secp256k1": crypto.Secp256k1, "RSA": crypto.RSA} {
		t.Run(name, func(t *testing.T) {
			key, _, err := crypto.GenerateKeyPair(kind, 2048)
			if err != nil {
				t.Fatal(err)
			}
			h := newPeer(t, libp2p.Identity(key))
			c := client(t, h, s.Join())
			if _, err := c.Publish(t.Context(), ""); err == nil {
				t.Error("registered")
			}
		})
	}
	if key, _, err := crypto.GenerateKeyPair(crypto.RSA, 2048); err != nil {
		t.Fatal(err)
	} else if _, err := New(Options{Key: key, Open: true}); err == nil {
		t.Error("a relay with an RSA key")
	}
}

// TestRestart: the whole of it, with circuits: after the relay's restart the host has
// its number and its reservation back, and a viewer reaches it.
func TestRestart(t *testing.T) {
	s := newTestRelay(t)
	host := newPeer(t)
	serveEcho(host)
	lease := publish(t, client(t, host, s.Join()))
	s.Close()
	again := s.o
	again.Listen = s.Listening()
	s2, err := New(again)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s2.Close() })
	if s2.Join().String() != s.Join().String() {
		t.Errorf("another join string: %s", s2.Join())
	}
	viewer := newPeer(t)
	eventually(t, "the host is reached again", func() bool {
		_, err := call(t, viewer, s2.Join(), lease.Number)
		return err == nil
	})
	if want := []byte("hello"); !bytes.Equal(roundTrip(t, viewer, host.ID(), want), want) {
		t.Error("the echo is not what was said")
	}
	thief := client(t, newPeer(t), s2.Join())
	if l, err := thief.Publish(t.Context(), lease.Number); err != nil || l.Number == lease.Number {
		t.Errorf("%v, %v", l, err)
	}
}

// TestRunEnds: when Run returns nothing of the relay is left, though a circuit was
// open and a peer was in the middle of a question.
func TestRunEnds(t *testing.T) {
	s := newTestRelay(t)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	host, viewer := newPeer(t), newPeer(t)
	publish(t, client(t, host, s.Join()))
	acceptCircuits(host)
	relay := dialRelay(t, viewer, s)
	if got := connectRaw(t, viewer, relay, host.ID()); got != pb.Status_OK {
		t.Fatal(got)
	}
	st, err := viewer.NewStream(t.Context(), relay, rendezvous.Protocol)
	if err != nil {
		t.Fatal(err)
	}
	st.Write([]byte{0, 7, 3})
	hop, err := viewer.NewStream(t.Context(), relay, proto.ProtoIDv2Hop)
	if err != nil {
		t.Fatal(err)
	}
	hop.Write([]byte{200})
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if s.Stats().Circuits != 0 {
		t.Error("a circuit is left")
	}
	buf := make([]byte, 1<<20)
	stacks := string(buf[:runtime.Stack(buf, true)])
	for _, ours := range []string{"relay.(*gate)", "relay.(*stunServer)", "relay.(*Relay).relay", "rendezvous.(*Server)"} {
		if strings.Contains(stacks, ours) {
			t.Errorf("a goroutine of %s is left", ours)
		}
	}
	l, err := New(Options{Key: s.o.Key, Open: true, Listen: s.Listening()})
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	l.Close()
}

// TestIdentifyIsQuiet: a peer learns the announced addresses and no program version.
func TestIdentifyIsQuiet(t *testing.T) {
	s := newTestRelay(t, func(o *Options) { o.Announce = []string{"relay.example.org"} })
	h := newPeer(t)
	local := s.Join()
	local.Addrs = s.Listening()
	info, err := local.AddrInfo()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	eventually(t, "identified", func() bool { v, _ := h.Peerstore().Get(info.ID, "AgentVersion"); return v != nil })
	if v, _ := h.Peerstore().Get(info.ID, "AgentVersion"); v != "sightline" {
		t.Errorf("user agent %q", v)
	}
	for _, a := range s.host.Addrs() {
		if !strings.HasPrefix(a.String(), "/dns/relay.example.org/") {
			t.Errorf("address %s", a)
		}
	}
	for _, id := range s.host.Mux().Protocols() {
		switch {
		case strings.HasPrefix(string(id), "/ipfs/id/"), id == proto.ProtoIDv2Hop, id == rendezvous.Protocol:
		default:
			t.Errorf("serves %s", id)
		}
	}
}

// TestLookupLimitArrives: what the directory's limits say arrives at a client.
func TestLookupLimitArrives(t *testing.T) {
	s := newTestRelay(t, func(o *Options) { o.Limits.Directory.LookupsPerMin = 1 })
	c := client(t, newPeer(t), s.Join())
	if _, err := c.Lookup(t.Context(), "99999"); !errors.Is(err, rendezvous.ErrUnknown) {
		t.Fatal(err)
	}
	var limit *rendezvous.LimitError
	if _, err := c.Lookup(t.Context(), "99999"); !errors.As(err, &limit) {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Unknown != 1 || st.Limited != 1 {
		t.Errorf("%+v", st)
	}
}
