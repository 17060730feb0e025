package link

import (
	"testing"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"sightline/peer/netcheck"
)

// TestCheck: a relay that answers, an address where nobody is, and another peer
// than the one expected.
func TestCheck(t *testing.T) {
	t.Parallel()
	_, info := newRelay(t)
	other, err := p2p.IDFromPrivateKey(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	closed := ma.StringCast("/ip4/127.0.0.1/tcp/1")
	r := Check(within(t), Options{}, []netcheck.Relay{
		{Name: "good", Info: p2p.AddrInfo{ID: info.ID, Addrs: append(info.Addrs, closed)}},
		{Name: "impostor", Info: p2p.AddrInfo{ID: other, Addrs: info.Addrs}},
	})
	good, impostor := r.Relays[0], r.Relays[1]
	if !good.Reachable || len(good.Ways) != 3 {
		t.Fatalf("good relay: %+v", good)
	}
	for _, w := range good.Ways[:2] {
		if !w.OK || w.RTT <= 0 {
			t.Errorf("%+v", w)
		}
	}
	if w := good.Ways[2]; w.OK || w.Why != "connection refused" {
		t.Errorf("%+v", w)
	}
	if impostor.Reachable {
		t.Errorf("impostor: %+v", impostor)
	}
	for _, w := range impostor.Ways {
		if w.Why != "another machine answered (wrong peer ID)" {
			t.Errorf("impostor: %+v", w)
		}
	}
}
