package link

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// TestDialable: which side dials public TCP addresses before a punch. Nobody does where
// a SYN that is given up would spoil the punch by TCP; both do where no two SYNs meet.
func TestDialable(t *testing.T) {
	for _, row := range []struct {
		mine, theirs NAT
		cameIn       bool // the circuit, so that this side will ask for the punch
		tcp          bool
	}{
		{NATSame, NATSame, true, true},
		{NATSame, NATSame, false, false},
		{NATNoUDP, NATSame, true, false},
		{NATSame, NATNoUDP, true, false},
		{NATSame, NATNoUDP, false, false},
		{NATNoUDP, NATOpen, true, true},
		{NATNoUDPEach, NATSame, true, true},
		{NATNoUDPEach, NATSame, false, true},
		{NATSame, NATNoUDPEach, true, true},
		{NATSame, NATNoUDPEach, false, true},
	} {
		r := &remote{n: &Node{}, paths: map[network.Conn]*path{}}
		if row.cameIn {
			r.paths[circuitIn{}] = &path{kind: Relayed}
		}
		udp, tcp, near := ma.StringCast("/ip4/11.2.0.2/udp/4001/quic-v1"), ma.StringCast("/ip4/11.2.0.2/tcp/4001"), ma.StringCast("/ip4/192.168.2.10/tcp/4001")
		got := r.dialable([]ma.Multiaddr{udp, tcp, near}, row.mine, row.theirs)
		if has := slices.ContainsFunc(got, tcp.Equal); has != row.tcp {
			t.Errorf("%+v: public TCP is dialled: %v", row, has)
		}
		if !slices.ContainsFunc(got, udp.Equal) || !slices.ContainsFunc(got, near.Equal) {
			t.Errorf("%+v: only %v are dialled", row, got)
		}
	}
}

// circuitIn is a connection that came in through a relay.
type circuitIn struct{ network.Conn }

func (circuitIn) Stat() network.ConnStats {
	return network.ConnStats{Stats: network.Stats{Direction: network.DirInbound}}
}
