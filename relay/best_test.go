package relay

import (
	"net/netip"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// reached is a connection from an address.
type reached struct {
	network.Conn
	from   string
	to     string
	closed bool
}

func (r *reached) RemoteMultiaddr() ma.Multiaddr { return ma.StringCast(r.from) }
func (r *reached) LocalMultiaddr() ma.Multiaddr  { return ma.StringCast(r.to) }
func (r *reached) IsClosed() bool                { return r.closed }

// TestBestWay: a circuit goes to the host by our own port if it can, and over the newest
// connection of that kind; not by one that came to ask how its host is seen.
func TestBestWay(t *testing.T) {
	const web, secure, tcp, quic = "/ip4/11.1.0.2/tcp/40001/ws", "/ip4/11.1.0.2/tcp/40002/tls/ws", "/ip4/11.1.0.2/tcp/4001", "/ip4/11.1.0.2/udp/4001/quic-v1"
	const asks = "to the second port"
	h := gatedHost{second: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:4002")}}
	for _, row := range []struct {
		from []string // oldest first
		gone int      // how many of the newest are closed
		want int
	}{
		{[]string{web}, 0, 0},
		{[]string{web, secure}, 0, 1},
		{[]string{secure, tcp}, 0, 1},
		{[]string{quic, web}, 0, 0},
		{[]string{web, quic, tcp, secure}, 0, 2},
		{[]string{web, quic, tcp}, 1, 1},
		{[]string{web}, 1, -1},
		{nil, 0, -1},
		{[]string{tcp, asks}, 0, 0},
		{[]string{asks, web, asks}, 0, 1},
		{[]string{quic, asks, asks}, 0, 0},
		{[]string{asks}, 0, 0},
	} {
		var conns []network.Conn
		for i, from := range row.from {
			at := "/ip4/11.0.0.10/tcp/4001"
			if from == asks {
				at, from = "/ip4/11.0.0.10/tcp/4002", tcp
			}
			conns = append(conns, &reached{from: from, to: at, closed: i >= len(row.from)-row.gone})
		}
		var want network.Conn
		if row.want >= 0 {
			want = conns[row.want]
		}
		if got := h.bestWay(conns); got != want {
			t.Errorf("%v, %d closed: got %v, want %v", row.from, row.gone, got, want)
		}
	}
}
