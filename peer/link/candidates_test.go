package link

import (
	"strconv"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

// TestCandidates: what a peer sends is read with suspicion.
func TestCandidates(t *testing.T) {
	t.Parallel()
	n := newNode(t, Options{})
	for _, tt := range []struct {
		addr     string
		loopback bool
		want     bool
	}{
		{"/ip4/192.168.1.10/udp/4001/quic-v1", false, true},
		{"/ip4/11.0.0.10/tcp/4001", false, true},
		{"/ip6/2a10::10/udp/4001/quic-v1", false, true},
		{"/ip4/127.0.0.1/tcp/4001", false, false},
		{"/ip4/127.0.0.1/tcp/4001", true, true},
		{"/ip6/::1/tcp/4001", false, false},
		{"/ip6/::ffff:127.0.0.1/tcp/4001", false, false},
		{"/ip4/11.0.0.10/tcp/0", false, false},
		{"/ip4/0.0.0.0/tcp/4001", false, false},
		{"/ip4/255.255.255.255/udp/4001/quic-v1", false, false},
		{"/ip4/224.0.0.251/udp/5353/quic-v1", false, false},
		{"/ip6/fe80::1/tcp/4001", false, false},
		{"/ip4/11.0.0.10/tcp/80/ws", false, false},
		{"/ip4/11.0.0.10/udp/4001", false, false},
		{"/dns4/example.org/tcp/4001", false, false},
		{"/ip4/11.0.0.10/tcp/4001/p2p/" + n.ID().String(), false, false},
		{"/ip4/11.0.0.10/tcp/4001/p2p/" + n.ID().String() + "/p2p-circuit", false, false},
	} {
		got := n.parseCandidates([][]byte{ma.StringCast(tt.addr).Bytes()}, tt.loopback)
		if (len(got) == 1) != tt.want {
			t.Errorf("%s (loopback %v): %v", tt.addr, tt.loopback, got)
		}
	}
	var many [][]byte
	for port := range 100 {
		many = append(many, ma.StringCast("/ip4/11.0.0.10/tcp/"+strconv.Itoa(port+1)).Bytes())
	}
	if got := n.parseCandidates(many, false); len(got) != maxCandidates {
		t.Errorf("%d of 100 addresses passed", len(got))
	}
}

func FuzzCandidate(f *testing.F) {
	f.Add(ma.StringCast("/ip4/192.168.1.10/udp/4001/quic-v1").Bytes())
	f.Add(ma.StringCast("/ip6/2a10::10/tcp/4001").Bytes())
	f.Add([]byte{4, 127, 0, 0, 1, 6})
	n := &Node{}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, a := range n.parseCandidates([][]byte{b}, false) {
			if isLoopback(a) || isCircuit(a) || portOf(a) == 0 {
				t.Errorf("%v passed", a)
			}
		}
	})
}

// TestTCPGuess: beside an observed QUIC address on our own port stands TCP.
func TestTCPGuess(t *testing.T) {
	n := &Node{port: 4001}
	for _, tt := range []struct{ seen, want string }{
		{"/ip4/11.1.0.2/udp/4001/quic-v1", "/ip4/11.1.0.2/tcp/4001"},
		{"/ip4/11.1.0.2/udp/50123/quic-v1", ""},
		{"/ip4/11.1.0.2/tcp/4001", ""},
	} {
		got := n.tcpGuess(ma.StringCast(tt.seen))
		if (got == nil) != (tt.want == "") || got != nil && got.String() != tt.want {
			t.Errorf("%s gives %v, want %q", tt.seen, got, tt.want)
		}
	}
}
