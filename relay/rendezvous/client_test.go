package rendezvous

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
)

func TestPublishAndFind(t *testing.T) {
	a, b := newRig(t, ServerOptions{}), newRig(t, ServerOptions{})
	host := newHost(t, libp2p.NoListenAddrs)
	var admitted atomic.Int32
	c := newClient(t, Options{Host: host, Admitted: func(context.Context, p2p.AddrInfo) error {
		admitted.Add(1)
		return nil
	}}, a, b)
	l := mustPublish(t, c, "48291")
	if l.Number != "48291" || admitted.Load() != 2 || l.Err() != nil || time.Until(l.Expires()) < 9*time.Minute {
		t.Fatalf("number %s, %d admissions, expires %s", l.Number, admitted.Load(), l.Expires())
	}
	found, err := newClient(t, Options{}, a, b).Find(t.Context(), "48291")
	if err != nil || len(found) != 1 || found[0].Info.ID != host.ID() {
		t.Fatalf("%+v, %v", found, err)
	}
	// The slower relay may be left out of the answer, not of the book.
	for _, f := range found[0].Relays {
		if f.Token != nil {
			t.Error("a token in a result")
		}
	}
	for _, addr := range found[0].Info.Addrs {
		if !strings.Contains(addr.String(), "/p2p-circuit") {
			t.Errorf("address %s", addr)
		}
	}
	for _, r := range []*rig{a, b} {
		if !r.server.Live(host.ID()) {
			t.Errorf("relay %s does not know the number", r.addr)
		}
	}
	l.Release()
	if l.Err() != nil {
		t.Error(l.Err())
	}
	if _, err := newClient(t, Options{}, a, b).Find(t.Context(), "48291"); !errors.Is(err, ErrUnknown) {
		t.Errorf("after the release: %v", err)
	}
}

// TestTakenAtOneRelay: all relays have one number, so one refusal means a new one
// for all.
func TestTakenAtOneRelay(t *testing.T) {
	a, b := newRig(t, ServerOptions{}), newRig(t, ServerOptions{})
	mustPublish(t, newClient(t, Options{}, b), "48291")
	host := newHost(t, libp2p.NoListenAddrs)
	l := mustPublish(t, newClient(t, Options{Host: host}, a, b), "48291")
	if l.Number == "48291" || !ValidNumber(l.Number) {
		t.Fatalf("number %s", l.Number)
	}
	for _, r := range []*rig{a, b} {
		found, err := newClient(t, Options{}, r).Find(t.Context(), l.Number)
		if err != nil || found[0].Info.ID != host.ID() {
			t.Errorf("%s: %v, %v", r.addr, found, err)
		}
	}
	if _, err := newClient(t, Options{}, a).Find(t.Context(), "48291"); !errors.Is(err, ErrUnknown) {
		t.Errorf("the first number still leads to the host: %v", err)
	}
}

func TestMoreDigits(t *testing.T) {
	r := newRig(t, ServerOptions{Limits: Unlimited})
	for i := range 100 {
		c := caller{peer: testPeer(byte(i))}
		if _, _, err := r.server.dir.register(time.Now(), c, strconv.Itoa(10000+i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if l := mustPublish(t, newClient(t, Options{}, r), "48291"); len(l.Number) != 6 {
		t.Errorf("number %s", l.Number)
	}
}

// TestRelayRestart: the holder has its number back by itself; nobody else gets it.
func TestRelayRestart(t *testing.T) {
	r := newRig(t, ServerOptions{})
	var admitted atomic.Int32
	host := newHost(t, libp2p.NoListenAddrs)
	changes := make(chan RelayStatus, 16)
	c := newClient(t, Options{
		Host: host, Admitted: func(context.Context, p2p.AddrInfo) error { admitted.Add(1); return nil },
		Changed: func(s RelayStatus) { changes <- s },
	}, r)
	mustPublish(t, c, "48291")
	r.stop()
	for s := range changes { // the first tells that it is up
		if !s.Reachable {
			if s.Err == nil || s.Relay.Token != nil {
				t.Errorf("status %+v", s)
			}
			break
		}
	}
	r.start()
	eventually(t, "the number is back", func() bool { return r.server.Live(host.ID()) })
	eventually(t, "a second admission", func() bool { return admitted.Load() == 2 })
	if s := <-changes; !s.Reachable || s.Transport == "" {
		t.Errorf("status %+v", s)
	}
	if l := mustPublish(t, newClient(t, Options{}, r), "48291"); l.Number == "48291" {
		t.Error("another host got the number")
	}
}

// TestStrangerWasQuicker: the number of a running session was given away after a
// restart; it goes back to its holder and the stranger's lease ends.
func TestStrangerWasQuicker(t *testing.T) {
	r := newRig(t, ServerOptions{})
	holder := caller{peer: testPeer(1), source: sourceOf(testSource(1))} // has it since before the restart
	lease := claim{"48291", holder.peer, time.Now().Add(-time.Minute), time.Now().Add(LeaseTime)}.seal(&r.opts.LeaseKey)
	stranger := newClient(t, Options{}, r)
	theirs := mustPublish(t, stranger, "48291")
	if theirs.Number != "48291" {
		t.Fatal("the fresh relay knew the number")
	}
	if _, _, err := r.server.dir.register(time.Now(), holder, "48291", lease); err != nil {
		t.Fatal(err)
	}
	for _, conn := range r.host.Network().ConnsToPeer(stranger.o.Host.ID()) {
		conn.Close() // its next claim is now and not in five minutes
	}
	<-theirs.Done()
	wantErr(t, theirs.Err(), ErrTaken)
}

func TestDeadRelayIsSkippedAndFoundLater(t *testing.T) {
	dead, live := newRig(t, ServerOptions{}), newRig(t, ServerOptions{})
	dead.stop()
	host := newHost(t, libp2p.NoListenAddrs)
	mustPublish(t, newClient(t, Options{Host: host}, dead, live), "48291")
	dead.start()
	eventually(t, "the dead relay has the number", func() bool { return dead.server.Live(host.ID()) })
}

func TestNoRelay(t *testing.T) {
	r, wrongKey := newRig(t, ServerOptions{}), newRig(t, ServerOptions{})
	dead := newRig(t, ServerOptions{})
	dead.stop()
	plain := newRig(t, ServerOptions{})
	plain.server.Close() // a libp2p host, but no relay of ours
	refused, other := r.join(), wrongKey.join()
	refused.Token = bytes.Repeat([]byte{9}, tokenSize)
	other.ID, _ = p2p.IDFromPrivateKey(newKey(t))
	c := newClient(t, Options{Relays: []Join{refused, other, dead.join(), plain.join()}})
	_, err := c.Publish(t.Context(), "")
	wantErr(t, err, ErrRefused)
	wantErr(t, err, ErrWrongRelay)
	wantErr(t, err, ErrNotRelay)
	for _, name := range []string{refused.Name(), other.Name(), dead.addr, plain.addr} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
	if _, err = c.Find(t.Context(), "48291"); errors.Is(err, ErrNoRelay) || !errors.Is(err, ErrUnknown) || !errors.Is(err, ErrWrongRelay) {
		t.Errorf("look-up: %v", err)
	}
	all := c.Probe(t.Context())
	if s := all[0]; !s.Reachable || s.RTT <= 0 || s.Transport == "" || s.Relay.Token != nil {
		t.Errorf("probe: %+v", s)
	}
	for i, want := range []error{nil, ErrWrongRelay, nil, ErrNotRelay} {
		if s := all[i]; i > 0 && (s.Reachable || s.Err == nil || want != nil && !errors.Is(s.Err, want)) {
			t.Errorf("probe %d: %+v", i, s)
		}
	}
	_, err = newClient(t, Options{}).Publish(t.Context(), "")
	wantErr(t, err, ErrNoRelay)
}

// TestAdmissionFails: a relay that gives a number but no circuit is no relay.
func TestAdmissionFails(t *testing.T) {
	r := newRig(t, ServerOptions{})
	no := errors.New("no reservation")
	host := newHost(t, libp2p.NoListenAddrs)
	c := newClient(t, Options{Host: host, Admitted: func(context.Context, p2p.AddrInfo) error { return no }}, r)
	_, err := c.Publish(t.Context(), "48291")
	wantErr(t, err, no)
	if r.server.Live(host.ID()) {
		t.Error("the number was not given back")
	}
}

// TestDifferentPeers: two relays, two hosts, one number: the person has to choose.
func TestDifferentPeers(t *testing.T) {
	a, b := newRig(t, ServerOptions{}), newRig(t, ServerOptions{})
	hosts := []host.Host{newHost(t, libp2p.NoListenAddrs), newHost(t, libp2p.NoListenAddrs)}
	mustPublish(t, newClient(t, Options{Host: hosts[0]}, a), "48291")
	mustPublish(t, newClient(t, Options{Host: hosts[1]}, b), "48291")
	found, err := newClient(t, Options{}, a, b).Find(t.Context(), "48291")
	if err != nil || len(found) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	for i, r := range []*rig{a, b} {
		at := slices.IndexFunc(found, func(f Found) bool { return f.Info.ID == hosts[i].ID() })
		if at < 0 || len(found[at].Relays) != 1 || found[at].Relays[0].Name() != r.addr {
			t.Errorf("host %d: %+v", i, found)
		}
	}
}

// TestReplaced: a burnt code means a new number on the same client.
func TestReplaced(t *testing.T) {
	r := newRig(t, ServerOptions{})
	host := newHost(t, libp2p.NoListenAddrs)
	c := newClient(t, Options{Host: host}, r)
	first := mustPublish(t, c, "11111")
	second := mustPublish(t, c, "22222")
	<-first.Done()
	wantErr(t, first.Err(), ErrReplaced)
	first.Release()
	if !r.server.Live(host.ID()) || second.Err() != nil {
		t.Error("the second number died with the first")
	}
	if _, err := newClient(t, Options{}, r).Find(t.Context(), "11111"); !errors.Is(err, ErrUnknown) {
		t.Errorf("the first number: %v", err)
	}
}

// TestNothingLeft: when the context has ended and the lease is done, no goroutine
// of the client is alive and the relay has forgotten the number.
func TestNothingLeft(t *testing.T) {
	a, b := newRig(t, ServerOptions{}), newRig(t, ServerOptions{})
	dead := newRig(t, ServerOptions{})
	dead.stop()
	host := newHost(t, libp2p.NoListenAddrs)
	c := newClient(t, Options{Host: host}, a, b, dead)
	ctx, cancel := context.WithCancelCause(t.Context())
	l, err := c.Publish(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("the user went home")
	cancel(why)
	<-l.Done()
	wantErr(t, l.Err(), why)
	c.Close()
	if a.server.Live(host.ID()) || b.server.Live(host.ID()) {
		t.Error("the number still lives")
	}
	eventually(t, "no goroutine of the client", func() bool {
		buf := make([]byte, 1<<20)
		stacks := string(buf[:runtime.Stack(buf, true)])
		return !strings.Contains(stacks, "rendezvous.(*post)") && !strings.Contains(stacks, "rendezvous.(*Lease)")
	})
	if _, err := c.Publish(t.Context(), ""); err == nil {
		t.Error("a closed client publishes")
	}
}

// TestGarbage: whatever a stranger writes, the relay resets his stream and serves
// the next one.
func TestGarbage(t *testing.T) {
	r := newRig(t, ServerOptions{})
	h := newHost(t, libp2p.NoListenAddrs)
	c := newClient(t, Options{Host: h}, r)
	if s := c.Probe(t.Context()); !s[0].Reachable {
		t.Fatal(s[0].Err)
	}
	for name, in := range map[string][]byte{
		"length 0":     {0, 0},
		"length 65535": {0xff, 0xff},
		"unknown op":   {0, 1, 9},
		"no digits":    {0, 7, 3, 5, 'a', 'b', 'c', 'd', 'e'},
		"cut":          {0, 7, 3},
		"text":         []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			st, err := h.NewStream(t.Context(), r.host.ID(), Protocol)
			if err != nil {
				t.Fatal(err)
			}
			defer st.Reset()
			st.Write(in)
			st.CloseWrite()
			if b, err := readFrame(st); err == nil {
				t.Errorf("an answer: %x", b)
			}
		})
	}
	if s := c.Probe(t.Context()); !s[0].Reachable {
		t.Error(s[0].Err)
	}
}

// TestServerLimitsByAddress: the limit arrives at the client with its wait.
func TestServerLimitsByAddress(t *testing.T) {
	r := newRig(t, ServerOptions{Limits: Limits{LookupsPerMin: 2}})
	c := newClient(t, Options{}, r)
	for range 2 {
		_, err := c.Find(t.Context(), "99999")
		wantErr(t, err, ErrUnknown)
	}
	_, err := newClient(t, Options{}, r).Find(t.Context(), "99999") // another peer, the same address
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Wait < 50*time.Second || limit.Wait > time.Minute {
		t.Errorf("%v", err)
	}
	r.opts.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	r.stop()
	r.start()
	for range 5 {
		_, err := c.Find(t.Context(), "99999")
		wantErr(t, err, ErrUnknown)
	}
}

// TestHostileRelay: whatever a relay answers, the client ends with an error that
// says so, and does not wait for more.
func TestHostileRelay(t *testing.T) {
	for name, body := range map[string][]byte{
		"nothing":          {},
		"length 0":         {0, 0},
		"length 65535":     append([]byte{0xff, 0xff}, make([]byte, 1000)...),
		"cut":              {0, 10, 0},
		"unknown status":   {0, 1, 77},
		"OK and no more":   {0, 1, 0},
		"digits 200":       {0, 7, 0, 200, 0, 0, 0, 2, 88},
		"digits 4 in all":  {0, 2, 4, 4},
		"wait without end": {0, 4, 5, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, ServerOptions{})
			r.host.SetStreamHandler(Protocol, func(st network.Stream) {
				st.Write(body)
				st.Close()
			})
			c := newClient(t, Options{}, r)
			_, err := c.Find(t.Context(), "48291")
			wantErr(t, err, ErrProtocol)
			_, err = c.Publish(t.Context(), "48291")
			wantErr(t, err, ErrProtocol)
		})
	}
}

// TestSilentRelay: one that takes questions and never answers is left after Timeout.
func TestSilentRelay(t *testing.T) {
	r := newRig(t, ServerOptions{})
	r.host.SetStreamHandler(Protocol, func(network.Stream) {})
	c := newClient(t, Options{}, r)
	if _, err := c.Find(t.Context(), "48291"); !isSilence(err) {
		t.Error(err)
	}
}

// TestCloseWhilePublishing: Close does not leave a lease behind that is on its way.
func TestCloseWhilePublishing(t *testing.T) {
	r := newRig(t, ServerOptions{})
	host, started := newHost(t, libp2p.NoListenAddrs), make(chan struct{})
	c := newClient(t, Options{Host: host, Admitted: func(ctx context.Context, _ p2p.AddrInfo) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	}}, r)
	failed := make(chan error)
	go func() {
		_, err := c.Publish(t.Context(), "48291")
		failed <- err
	}()
	<-started
	c.Close()
	if err := <-failed; err == nil {
		t.Error("published")
	}
	if r.server.Live(host.ID()) {
		t.Error("the number still lives")
	}
}
