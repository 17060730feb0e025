package relay

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
	circuitclient "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	pb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	circuit "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/util"
	ma "github.com/multiformats/go-multiaddr"
)

// simulation is libp2p's own relay behind our gate, in a network inside the process
// and in simulated time. It must be made inside a synctest bubble.
type simulation struct {
	t     *testing.T
	net   mocknet.Mocknet
	relay host.Host
	gate  *gate
}

func simulate(t *testing.T, l Limits) *simulation { return simulateWith(t, l, nil) }

// simulateWith passes the relay's streams through wrap, if that is not nil.
func simulateWith(t *testing.T, l Limits, wrap func(network.Stream) network.Stream) *simulation {
	t.Helper()
	s := &simulation{t: t, net: mocknet.New()}
	s.relay = s.peer()
	v, err := newVolume(nil, l.Volume, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.gate = newGate(l.withDefaults(), v, func(Event) {})
	r, err := circuit.New(gatedHost{wrappedHost{s.relay, wrap}, s.gate, nil}, circuit.WithResources(l.withDefaults().resources(true)),
		circuit.WithMetricsTracer(s.gate), circuit.WithReservationAddressFilter(func(ma.Multiaddr) bool { return true }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		s.net.Close()
		s.gate.wait()
	})
	return s
}

// wrappedHost shows its streams to wrap before anybody else sees them.
type wrappedHost struct {
	host.Host
	wrap func(network.Stream) network.Stream
}

func (h wrappedHost) SetStreamHandler(id protocol.ID, f network.StreamHandler) {
	h.Host.SetStreamHandler(id, func(st network.Stream) {
		if h.wrap != nil {
			st = h.wrap(st)
		}
		f(st)
	})
}

func (h wrappedHost) NewStream(ctx context.Context, p p2p.ID, ids ...protocol.ID) (network.Stream, error) {
	st, err := h.Host.NewStream(ctx, p, ids...)
	if err == nil && h.wrap != nil {
		st = h.wrap(st)
	}
	return st, err
}

// peer adds a machine that is connected to the relay.
func (s *simulation) peer() host.Host {
	s.t.Helper()
	h, err := s.net.GenPeer()
	if err != nil {
		s.t.Fatal(err)
	}
	if s.relay == nil {
		return h
	}
	if _, err := s.net.LinkPeers(h.ID(), s.relay.ID()); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.net.ConnectPeers(h.ID(), s.relay.ID()); err != nil {
		s.t.Fatal(err)
	}
	return h
}

// host adds one that accepts circuits and hands out their ends.
func (s *simulation) host() (host.Host, <-chan network.Stream) {
	s.t.Helper()
	h, ends := s.peer(), make(chan network.Stream, 64)
	if _, err := circuitclient.Reserve(s.t.Context(), h, p2p.AddrInfo{ID: s.relay.ID(), Addrs: s.relay.Addrs()}); err != nil {
		s.t.Fatal(err)
	}
	h.SetStreamHandler(proto.ProtoIDv2Stop, func(st network.Stream) {
		rd := util.NewDelimitedReader(st, 4096)
		defer rd.Close()
		if rd.ReadMsg(new(pb.StopMessage)) != nil {
			return
		}
		util.NewDelimitedWriter(st).WriteMsg(&pb.StopMessage{Type: pb.StopMessage_STATUS.Enum(), Status: pb.Status_OK.Enum()})
		ends <- st
	})
	return h, ends
}

// circuit opens one and returns both ends.
func (s *simulation) circuit(viewer, host host.Host, ends <-chan network.Stream) (atViewer, atHost network.Stream) {
	s.t.Helper()
	st, status := s.connect(viewer, host)
	if status != pb.Status_OK {
		s.t.Fatal(status)
	}
	return st, <-ends
}

func (s *simulation) connect(viewer, host host.Host) (network.Stream, pb.Status) {
	s.t.Helper()
	st, err := viewer.NewStream(s.t.Context(), s.relay.ID(), proto.ProtoIDv2Hop)
	if err != nil {
		s.t.Fatal(err)
	}
	err = util.NewDelimitedWriter(st).WriteMsg(&pb.HopMessage{
		Type: pb.HopMessage_CONNECT.Enum(), Peer: util.PeerInfoToPeerV2(p2p.AddrInfo{ID: host.ID()}),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	var answer pb.HopMessage
	rd := util.NewDelimitedReader(st, 4096)
	defer rd.Close()
	if err := rd.ReadMsg(&answer); err != nil {
		s.t.Fatal(err)
	}
	return st, answer.GetStatus()
}

// pour writes as fast as it may until d is over or the stream ends.
func pour(st network.Stream, d time.Duration) {
	buf := make([]byte, 64<<10)
	for end := time.Now().Add(d); time.Now().Before(end); {
		if _, err := st.Write(buf); err != nil {
			return
		}
	}
}

// drink reads for d and returns Mbit/s.
func drink(st io.Reader, d time.Duration) float64 {
	buf, n := make([]byte, 64<<10), 0
	for end := time.Now().Add(d); time.Now().Before(end); {
		m, err := st.Read(buf)
		n += m
		if err != nil {
			break
		}
	}
	return float64(n) / d.Seconds() / Mbit
}

func about(got, want float64) bool { return math.Abs(got-want) < 0.05*want }

// film is a stream that, once the handshake is over, has as much to read as anybody
// wants until it ends, or takes as much as is written. Nothing is copied: half an hour
// at 20 Mbit/s is 4.5 GB.
type film struct {
	network.Stream
	end    time.Time
	taken  *atomic.Int64
	stands bool
}

func (f *film) SetDeadline(t time.Time) error {
	f.stands = t.IsZero()
	return f.Stream.SetDeadline(t)
}

func (f *film) Read(b []byte) (int, error) {
	switch {
	case !f.stands || f.Protocol() == proto.ProtoIDv2Hop:
		return f.Stream.Read(b)
	case time.Now().After(f.end):
		return 0, io.EOF
	}
	return len(b), nil
}

func (f *film) Write(b []byte) (int, error) {
	if f.Protocol() == proto.ProtoIDv2Stop {
		return f.Stream.Write(b)
	}
	if len(b) < 1024 { // the relay's own words
		return f.Stream.Write(b)
	}
	f.taken.Add(int64(len(b)))
	return len(b), nil
}

// TestHalfAnHour: a picture of 20 Mbit/s for 30 minutes one way and a key a second
// the other way, with the limits that a relay has by default. Nothing ends it, no key
// is lost or late, and nothing stays behind.
func TestHalfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const half = 30 * time.Minute
		var taken atomic.Int64
		s := simulateWith(t, Limits{}, func(st network.Stream) network.Stream {
			return &film{Stream: st, end: time.Now().Add(half), taken: &taken}
		})
		viewer := s.peer()
		host, ends := s.host()
		atViewer, atHost := s.circuit(viewer, host, ends)
		key := []byte("a key goes down and up again")
		for i := range int(half / time.Second) {
			at := time.Now()
			if _, err := atViewer.Write(key); err != nil {
				t.Fatalf("key %d: %v", i, err)
			}
			if _, err := io.ReadFull(atHost, make([]byte, len(key))); err != nil {
				t.Fatalf("key %d: %v", i, err)
			}
			if late := time.Since(at); late > 20*time.Millisecond {
				t.Fatalf("key %d took %s", i, late)
			}
			time.Sleep(time.Until(at.Add(time.Second)))
		}
		if got := float64(taken.Load()) / half.Seconds() / Mbit; !about(got, 20) {
			t.Errorf("%.2f Mbit/s", got)
		}
		var st Stats
		s.gate.count(&st)
		if len(st.Peers) != 2 || st.Peers[0].Bytes < taken.Load() || st.Peers[1].Bytes != st.Peers[0].Bytes {
			t.Errorf("counted %+v", st.Peers)
		}
		time.Sleep(time.Second)
		atViewer.CloseWrite()
		synctest.Wait()
		st = Stats{}
		s.gate.count(&st)
		if st.Circuits != 0 || st.CircuitsCut != 0 || len(st.Peers) != 0 || st.CircuitsOpened != 1 {
			t.Errorf("left behind: %+v", st)
		}
	})
}

// TestIdleAndAge: a silent circuit lives 2 minutes, one that says a word now and then
// 24 hours, and both give their place back.
func TestIdleAndAge(t *testing.T) {
	for _, row := range []struct {
		name  string
		every time.Duration // between two words, 0: none
		want  time.Duration
	}{
		{name: "silent", want: 2 * time.Minute},
		{name: "a word a minute", every: time.Minute, want: 24 * time.Hour},
		{name: "a word in 119 s", every: 119 * time.Second, want: 24 * time.Hour},
		{name: "a word in 121 s", every: 121 * time.Second, want: 2 * time.Minute},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := simulate(t, Limits{})
				viewer := s.peer()
				host, ends := s.host()
				began := time.Now()
				atViewer, atHost := s.circuit(viewer, host, ends)
				go io.Copy(io.Discard, atHost)
				var talk sync.WaitGroup
				defer talk.Wait()
				talk.Go(func() {
					for row.every > 0 {
						time.Sleep(row.every)
						if _, err := atViewer.Write([]byte("word")); err != nil {
							return
						}
					}
				})
				if _, err := atViewer.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
					t.Errorf("the end was %v", err)
				}
				if lived := time.Since(began).Round(time.Second); lived != row.want {
					t.Errorf("lived %s, want %s", lived, row.want)
				}
				synctest.Wait()
				var st Stats
				s.gate.count(&st)
				if st.Circuits != 0 || st.CircuitsCut != 1 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// TestStuckHost: over a real connection, a host that takes nothing holds its place no
// longer than a silent one, though the relay is stuck in a write to it.
func TestStuckHost(t *testing.T) {
	s := newTestRelay(t, func(o *Options) { o.Limits.Idle = time.Second })
	host, viewer := newPeer(t), newPeer(t)
	publish(t, client(t, host, s.Join()))
	acceptCircuits(host) // and read nothing
	info := dialRelay(t, viewer, s)
	st, err := viewer.NewStream(t.Context(), info, proto.ProtoIDv2Hop)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Reset()
	err = util.NewDelimitedWriter(st).WriteMsg(&pb.HopMessage{
		Type: pb.HopMessage_CONNECT.Enum(), Peer: util.PeerInfoToPeerV2(p2p.AddrInfo{ID: host.ID()}),
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the circuit stands", func() bool { return s.Stats().CircuitsOpened == 1 })
	var poured sync.WaitGroup
	poured.Go(func() { pour(st, time.Minute) }) // ends with an error
	eventually(t, "the place is free", func() bool { return s.Stats().Circuits == 0 })
	poured.Wait()
}

// TestFairCircuits: twelve greedy circuits of twelve viewers to three hosts, through
// a full relay: each gets its part, and one that wants little has no delay.
func TestFairCircuits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, Limits{Rate: 24 * Mbit, PeerRate: -1})
		const n, span = 12, 10 * time.Second
		got := make([]float64, n)
		var work sync.WaitGroup
		var keys network.Stream
		var heard network.Stream
		for h := range 3 {
			host, ends := s.host()
			for v := range n / 3 {
				atViewer, atHost := s.circuit(s.peer(), host, ends)
				work.Go(func() { pour(atHost, span) })
				work.Go(func() { got[h*n/3+v] = drink(atViewer, span); atViewer.Reset() })
			}
			if h == 0 {
				keys, heard = s.circuit(s.peer(), host, ends)
			}
		}
		time.Sleep(time.Second)
		var worst time.Duration
		for range 100 {
			at := time.Now()
			keys.Write([]byte("key"))
			if _, err := io.ReadFull(heard, make([]byte, 3)); err != nil {
				t.Fatal(err)
			}
			worst = max(worst, time.Since(at))
			time.Sleep(33 * time.Millisecond)
		}
		if worst > 8*time.Millisecond { // 16 KiB take 5.5 ms at 24 Mbit/s
			t.Errorf("a key took %s", worst)
		}
		work.Wait()
		for i, g := range got {
			if math.Abs(g-2) > 0.2 {
				t.Errorf("circuit %d: %.2f Mbit/s of 2", i, g)
			}
		}
	})
}
