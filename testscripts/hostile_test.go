//go:build linux

package testscripts

import (
	"encoding/binary"
	"io"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	relayv2 "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

// liar is a relay whose directory may name Mallory whoever is asked for. It speaks
// the protocol as package relay/rendezvous describes it, written from that
// description: it shares no code with it.
type liar struct {
	join string

	mu      sync.Mutex
	mallory p2p.ID // empty: the answer is the truth
	asked   int
	numbers map[string]p2p.ID
}

func newLiar(t *testing.T) *liar { return newRelayOf(t, func(h host.Host) host.Host { return h }) }

// newRelayOf starts it; carrier is what the circuits run through.
func newRelayOf(t *testing.T, carrier func(host.Host) host.Host) *liar {
	t.Helper()
	h, err := stranger(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.EnableNATService(), libp2p.ForceReachabilityPublic())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	circuits, err := relayv2.New(carrier(h), relayv2.WithInfiniteLimits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { circuits.Close() })
	port, err := h.Addrs()[0].ValueForProtocol(ma.P_TCP)
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{join: "sightline-relay:127.0.0.1:" + port + "/" + h.ID().String(), numbers: map[string]p2p.ID{}}
	h.SetStreamHandler("/sightline/rendezvous/1", l.answer)
	return l
}

// answer reads one question, u16 length and body, and lies.
func (l *liar) answer(s network.Stream) {
	defer s.Close()
	var length [2]byte
	if _, err := io.ReadFull(s, length[:]); err != nil {
		return
	}
	q := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(s, q); err != nil || len(q) == 0 {
		return
	}
	var reply []byte
	lease := binary.BigEndian.AppendUint32(nil, 600)
	switch q[0] {
	case 1: // HELLO: OK, 5 digits, open to all, lease time
		reply = append([]byte{0, 5, 1}, lease...)
	case 2: // REGISTER: OK with a lease of one byte
		token := int(q[1])
		digits := int(q[2+token])
		l.mu.Lock()
		l.numbers[string(q[3+token:3+token+digits])] = s.Conn().RemotePeer()
		l.mu.Unlock()
		reply = append(append([]byte{0}, lease...), 1, 7)
	case 3: // LOOKUP: digits, number. The answer is Mallory, whatever the number
		l.mu.Lock()
		l.asked++
		named := l.mallory
		if named == "" {
			named = l.numbers[string(q[2:])]
		}
		reply = append([]byte{0}, named...)
		l.mu.Unlock()
	case 4: // RELEASE
		reply = []byte{0}
	}
	s.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
}

// The directory names Mallory, whose own host runs the real program and has a
// code of its own: the viewer's code opens nothing there, the viewer says so, and
// the host whose code it was never hears of it.
func TestRelayNamesWrongPeer(t *testing.T) {
	c := newCrew(t)
	l := newLiar(t)
	env := []string{"SIGHTLINE_RELAYS=" + l.join, "SIGHTLINE_DEBUG=1"}
	mallory := c.start("mallory", env, "host", "--json", "--accept", "--source", "pattern")
	number := c.await(mallory, "code").text("number")
	victim := c.start("victim", env, "host", "--json", "--accept", "--source", "pattern")
	code := c.await(victim, "code").text("code")
	l.mu.Lock()
	l.mallory = l.numbers[number]
	l.mu.Unlock()
	viewer := c.start("viewer", env, "view", "--json", "--window", "none", code)
	got, err := viewer.exit(patience)
	if err != nil {
		t.Fatal(err)
	}
	if got != 7 && got != 9 {
		t.Errorf("the viewer ended with %d, neither 7 nor 9\n%s", got, viewer.told())
	}
	c.never(viewer, "joined")
	c.never(mallory, "joined")
	c.never(victim, "joined")
	c.never(victim, "asks")
	if l.asked == 0 {
		t.Error("nobody asked the liar")
	}
	// Nothing was counted at the victim: its code is still good for who finds it.
	l.mu.Lock()
	l.mallory = l.numbers[code[:len(code)-10]]
	l.mu.Unlock()
	honest := c.start("honest", env, "view", "--json", "--window", "none", code)
	c.await(honest, "stats", "refined=true")
}
