//go:build linux

package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	pb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/pion/stun/v2"

	"sightline/relay/rendezvous"
)

// TestRelayLimits reaches each number of SECURITY-DESIGN, section 10, over real
// sockets from one address and from many: in a network namespace of its own, where
// all of 11.0.0.0/16 is this machine. The relay has its defaults; its clock is moved,
// an hour is long. Time-outs, idleness, age, bandwidth and volume have tests of their
// own in simulated time.
func TestRelayLimits(t *testing.T) {
	if os.Getenv("RELAY_IN_NAMESPACE") != "" {
		limitsInside(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestRelayLimits$", "-test.v")
	cmd.Env = append(os.Environ(), "RELAY_IN_NAMESPACE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, os.ErrPermission):
		if os.Getenv("SIGHTLINE_CI") == "1" && os.Getenv("SIGHTLINE_NAMESPACES") != "no" {
			t.Fatalf("a network namespace cannot be made: %v", err)
		}
		t.Skipf("a network namespace cannot be made: %v", err)
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	}
}

func limitsInside(t *testing.T) {
	for _, line := range []string{"link set lo up", "route add local 11.0.0.0/16 dev lo"} {
		if out, err := exec.Command("sh", "-c", "ip "+line).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
	var skipped atomic.Int64 // what the relay's clock is ahead
	s := newTestRelay(t, func(o *Options) {
		o.Listen = []string{"11.0.0.10:4001"}
		o.now = func() time.Time { return time.Now().Add(time.Duration(skipped.Load())) }
	})
	l := &limited{t: t, s: s, skip: func(d time.Duration) { skipped.Add(int64(d)) }}
	l.registrations()
	l.circuits()
	l.stun()
	l.lookups() // moves the clock beyond the life of the numbers
}

// limited is a relay and those who try its limits.
type limited struct {
	t     *testing.T
	s     *Server
	skip  func(time.Duration)
	hosts []host.Host
	found []string // their numbers
	next  byte     // the third part of the next address that nobody had
}

// address is one that was not used before.
func (l *limited) address() string {
	l.next++
	return fmt.Sprintf("11.0.%d.1", l.next)
}

// from is a peer that comes from this address.
func (l *limited) from(addr string) host.Host {
	l.t.Helper()
	return newPeerWith(l.t, libp2p.Transport(tcp.NewTCPTransport, tcp.WithDialerForAddr(func(ma.Multiaddr) (tcp.ContextDialer, error) {
		return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}, nil
	})))
}

func (l *limited) publish(addr string) error {
	l.t.Helper()
	h := l.from(addr)
	lease, err := client(l.t, h, l.s.Join()).Publish(l.t.Context(), "")
	if err == nil {
		l.hosts, l.found = append(l.hosts, h), append(l.found, lease.Number)
	}
	return err
}

func (l *limited) lookup(h host.Host, number string) error {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 20*time.Second)
	defer cancel()
	_, err := client(l.t, h, l.s.Join().Public()).Lookup(ctx, number)
	return err
}

// over reports an error that is no limit.
func (l *limited) over(what string, err error) {
	l.t.Helper()
	var limit *rendezvous.LimitError
	if !errors.As(err, &limit) {
		l.t.Errorf("%s: %v", what, err)
	}
}

// registrations: 8 from one address, 128 from all.
func (l *limited) registrations() {
	one := l.address()
	for i := range 8 {
		if err := l.publish(one); err != nil {
			l.t.Fatalf("registration %d of one address: %v", i+1, err)
		}
	}
	l.over("the ninth of one address", l.publish(one))
	for len(l.hosts) < 128 {
		addr := l.address()
		for range 8 {
			if err := l.publish(addr); err != nil {
				l.t.Fatalf("registration %d: %v", len(l.hosts)+1, err)
			}
		}
	}
	l.over("number 129", l.publish(l.address()))
	if n := l.s.Stats().Registrations; n != 128 {
		l.t.Errorf("%d registrations", n)
	}
}

// lookups: 10 in a minute and 60 in an hour from one address, 30 in an hour for one
// number from all addresses, 20 wrong ones in an hour and then waits that double.
func (l *limited) lookups() {
	one := l.from(l.address())
	for i := range 60 {
		if i%10 == 0 && i > 0 {
			l.over(fmt.Sprintf("look-up %d in a minute", i+1), l.lookup(one, l.found[i]))
			l.skip(61 * time.Second)
		}
		if err := l.lookup(one, l.found[i]); err != nil {
			l.t.Fatalf("look-up %d of one address: %v", i+1, err)
		}
	}
	l.skip(61 * time.Second)
	l.over("look-up 61 in an hour", l.lookup(one, l.found[61]))

	for range 3 {
		h := l.from(l.address())
		for range 10 {
			if err := l.lookup(h, l.found[100]); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	many := l.from(l.address())
	l.over("look-up 31 of one number", l.lookup(many, l.found[100]))
	if err := l.lookup(many, l.found[101]); err != nil {
		l.t.Errorf("another number: %v", err)
	}

	guesser := l.from(l.address())
	wrong := func(n int) {
		for i := range n {
			if err := l.lookup(guesser, "00000"); !errors.Is(err, rendezvous.ErrUnknown) {
				l.t.Fatalf("wrong number %d: %v", i+1, err)
			}
		}
	}
	wrong(10)
	l.skip(61 * time.Second)
	wrong(10)
	l.skip(61 * time.Second)
	wrong(1)
	l.over("a number at once after 21 wrong ones", l.lookup(guesser, l.found[110]))
	l.skip(61 * time.Second)
	wrong(1)
	l.skip(61 * time.Second)
	l.over("a number 1 min after 22 wrong ones", l.lookup(guesser, l.found[110]))
	l.skip(60 * time.Second)
	wrong(1)
	if err := l.lookup(l.from(l.address()), "00000"); !errors.Is(err, rendezvous.ErrUnknown) {
		l.t.Errorf("a wrong number of somebody else: %v", err)
	}
}

// circuits: 4 from one viewer, 16 to one host, 64 in all.
func (l *limited) circuits() {
	for _, h := range l.hosts[:5] {
		acceptCircuits(h)
	}
	relay := l.s.Join().ID
	open := 0
	for i := range 16 { // four viewers with four circuits each, to each of four hosts
		viewer := l.from(l.address())
		dialRelay(l.t, viewer, l.s)
		for range 4 {
			if got := connectRaw(l.t, viewer, relay, l.hosts[i/4].ID()); got != pb.Status_OK {
				l.t.Fatalf("circuit %d: %s", open+1, got)
			}
			open++
		}
		if i == 0 {
			l.refused("a fifth circuit of one viewer", viewer, l.hosts[4])
		}
		if i == 3 {
			other := l.from(l.address())
			dialRelay(l.t, other, l.s)
			l.refused("the 17th circuit to one host", other, l.hosts[0])
		}
	}
	last := l.from(l.address())
	dialRelay(l.t, last, l.s)
	l.refused("circuit 65", last, l.hosts[4])
	if st := l.s.Stats(); st.Circuits != 64 || st.CircuitsRefused != 3 {
		l.t.Errorf("%+v", st)
	}
}

func (l *limited) refused(what string, viewer, host host.Host) {
	l.t.Helper()
	if got := connectRaw(l.t, viewer, l.s.Join().ID, host.ID()); got != pb.Status_RESOURCE_LIMIT_EXCEEDED {
		l.t.Errorf("%s: %s", what, got)
	}
}

// stun: 20 answers in a second to one address, whatever its ports, and others have
// their own.
func (l *limited) stun() {
	one := l.address()
	before := l.s.Stats().STUN
	for range 10 {
		c, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(one+":0")), net.UDPAddrFromAddrPort(netip.MustParseAddrPort("11.0.0.10:4001")))
		if err != nil {
			l.t.Fatal(err)
		}
		defer c.Close()
		for range 100 {
			c.Write(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
		}
	}
	other, err := net.Dial("udp4", "11.0.0.10:4001") // from 11.0.0.10 itself
	if err != nil {
		l.t.Fatal(err)
	}
	defer other.Close()
	eventually(l.t, "an answer to somebody else", func() bool {
		other.Write(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
		other.SetReadDeadline(time.Now().Add(time.Second))
		_, err := other.Read(make([]byte, maxSTUN))
		return err == nil
	})
	// A thousand questions within a few seconds at most: far fewer answers.
	if n := l.s.Stats().STUN - before; n > 400 {
		l.t.Errorf("%d answers", n)
	}
}
