package relay

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/pion/stun/v2"
)

// TestSecondPort: QUIC, TCP and STUN answer beside the port of the join string, as
// the same peer.
func TestSecondPort(t *testing.T) {
	s := newTestRelay(t)
	at, _ := secondOf(netip.MustParseAddrPort(s.Listening()[0]))
	for _, tail := range []string{"/udp/%d/quic-v1", "/tcp/%d"} {
		a := ma.StringCast("/ip4/127.0.0.1" + fmt.Sprintf(tail, at.Port()))
		if err := newPeer(t).Connect(t.Context(), p2p.AddrInfo{ID: s.Join().ID, Addrs: []ma.Multiaddr{a}}); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	c, err := net.Dial("udp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eventually(t, "a STUN answer", func() bool {
		c.Write(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
		c.SetReadDeadline(time.Now().Add(time.Second))
		_, err := c.Read(make([]byte, maxSTUN))
		return err == nil
	})
	if slices.Contains(s.Listening(), at.String()) {
		t.Error("the second port is told as if it were one to be announced")
	}
}

// TestSecondPortTaken: a relay whose second port somebody has works without.
func TestSecondPortTaken(t *testing.T) {
	s := newTestRelay(t)
	listen := s.Listening()
	at, _ := secondOf(netip.MustParseAddrPort(listen[0]))
	s.Close()
	other, err := net.Listen("tcp4", at.String())
	if err != nil {
		t.Skip("somebody took the port meanwhile")
	}
	defer other.Close()
	again := newTestRelay(t, func(o *Options) { o.Listen = listen })
	publish(t, client(t, newPeer(t), again.Join()))
	if err := free(netip.MustParseAddrPort(listen[0])); err == nil {
		t.Error("a port that the relay has is called free")
	}
}

func TestSecondOfPlan(t *testing.T) {
	for _, row := range []struct {
		listen []string
		want   string
	}{
		{[]string{"192.0.2.1:4001"}, "[192.0.2.1:4002]"},
		{[]string{"192.0.2.1:443", "192.0.2.1:80"}, "[]"},
		{[]string{"192.0.2.1:4001", "192.0.2.1:4002"}, "[192.0.2.1:4003]"},
		{[]string{"192.0.2.1:4001", "[2001:db8::1]:4001"}, "[192.0.2.1:4002 [2001:db8::1]:4002]"},
		{[]string{"192.0.2.1:65535", "192.0.2.1:79", "192.0.2.1:442"}, "[]"},
	} {
		p, err := planListeners(row.listen)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(p.second()); got != row.want {
			t.Errorf("%s: %s", row.listen, got)
		}
	}
}
