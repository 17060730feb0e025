package link

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"testing"

	p2p "github.com/libp2p/go-libp2p/core/peer"
)

// TestLAN: a host is found by its number, and is silent for every other.
func TestLAN(t *testing.T) {
	t.Parallel()
	h, v := newNode(t, Options{Listen: ":0"}), newNode(t, Options{Listen: ":0"})
	h.lanIfs, v.lanIfs = onlyLoopback, onlyLoopback
	ctx, cancel := context.WithCancel(within(t))
	number := "48291"
	ended := make(chan error, 1)
	go func() { ended <- h.AnswerLAN(ctx, func() string { return number }, nil) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("AnswerLAN: %v", err)
		}
	}()

	var hosts []p2p.AddrInfo
	for len(hosts) == 0 { // the host may not listen yet
		var err error
		if hosts, err = v.LookupLAN(ctx, number); err != nil {
			t.Fatal(err)
		}
		if ctx.Err() != nil {
			t.Fatal("not found")
		}
	}
	if len(hosts) != 1 || hosts[0].ID != h.ID() {
		t.Fatalf("found %v, want %v", hosts, h.ID())
	}
	c, err := v.Dial(ctx, hosts[0])
	if err != nil {
		t.Fatal(err)
	}
	if c.Remote() != h.ID() {
		t.Errorf("reached %v", c.Remote())
	}
	if hosts, err := v.LookupLAN(ctx, "48292"); err != nil || len(hosts) != 0 {
		t.Errorf("another number: %v, %v", hosts, err)
	}
	if _, err := v.LookupLAN(ctx, "7.x"); err == nil {
		t.Error("a number that is none was asked for")
	}
}

// onlyLoopback keeps a test off the network.
func onlyLoopback() []net.Interface {
	return slices.DeleteFunc(lanInterfaces(), func(i net.Interface) bool { return i.Flags&net.FlagLoopback == 0 })
}

func TestLANMessages(t *testing.T) {
	t.Parallel()
	id, err := p2p.IDFromPrivateKey(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	query, err := appendLANQuery("48291")
	if err != nil {
		t.Fatal(err)
	}
	if _, number, ok := parseLANQuery(query); !ok || number != "48291" {
		t.Errorf("query reads as %q, %v", number, ok)
	}
	want := lanAnswer{id: id, port: 4001, ips: []netip.Addr{netip.MustParseAddr("192.168.1.10"), netip.MustParseAddr("fd00::1")}}
	msg, err := appendLANAnswer(7, "48291", want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseLANAnswer(msg, "48291")
	if err != nil || got.id != want.id || got.port != want.port || !slices.Equal(got.ips, want.ips) {
		t.Errorf("answer reads as %+v, %v", got, err)
	}
	if _, err := parseLANAnswer(msg, "48292"); err == nil {
		t.Error("an answer for another number passed")
	}
	if _, _, ok := parseLANQuery(msg); ok {
		t.Error("an answer passed as a query")
	}
	if _, err := parseLANAnswer(query, "48291"); err == nil {
		t.Error("a query passed as an answer")
	}
}

// TestLANMerge: addresses that an answer only claims are dialled on the LAN only.
func TestLANMerge(t *testing.T) {
	t.Parallel()
	f := found{
		from: netip.MustParseAddr("192.168.1.10"),
		answer: lanAnswer{id: "x", port: 4001, ips: []netip.Addr{
			netip.MustParseAddr("192.168.1.10"), netip.MustParseAddr("10.0.0.1"),
			netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("127.0.0.1"),
		}},
	}
	hosts := merge(merge(nil, f), f)
	if len(hosts) != 1 || len(hosts[0].Addrs) != 4 {
		t.Fatalf("merged to %v", hosts)
	}
	for _, a := range hosts[0].Addrs {
		if ip, _ := ipOf(a); ip != f.from && ip != netip.MustParseAddr("10.0.0.1") {
			t.Errorf("would dial %v", a)
		}
	}
}

func FuzzLANQuery(f *testing.F) {
	query, err := appendLANQuery("48291")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(query)
	f.Add([]byte{})
	f.Add(query[:14])
	f.Fuzz(func(t *testing.T, msg []byte) {
		_, number, ok := parseLANQuery(msg)
		if ok && !isNumber(number) {
			t.Errorf("read %q", number)
		}
	})
}

func FuzzLANAnswer(f *testing.F) {
	id, err := p2p.IDFromPrivateKey(newKey(f))
	if err != nil {
		f.Fatal(err)
	}
	msg, err := appendLANAnswer(1, "48291", lanAnswer{id: id, port: 4001, ips: []netip.Addr{netip.MustParseAddr("192.168.1.10")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(msg)
	f.Add(msg[:20])
	f.Fuzz(func(t *testing.T, msg []byte) {
		a, err := parseLANAnswer(msg, "48291")
		if err == nil && (a.port == 0 || !isEd25519(a.id) || len(a.ips) > maxLANAddrs) {
			t.Errorf("read %+v", a)
		}
		if err == nil {
			merge(nil, found{answer: a, from: netip.MustParseAddr("192.168.1.1")})
		}
	})
}
