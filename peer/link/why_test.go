package link

import (
	"strings"
	"testing"
)

// TestWhyRelayed: whoever is on the relay is told whose network it is, from his
// own end.
func TestWhyRelayed(t *testing.T) {
	for _, row := range []struct {
		mine, theirs NAT
		told         bool
		want         string
	}{
		{NATEach, NATEach, true, "both sides' NAT"},
		{NATEach, NATSame, true, "this side's NAT gives each destination its own port, the other's lets only known ports in"},
		{NATSame, NATEach, true, "the other side's NAT gives each destination its own port, this one's lets only known ports in"},
		{NATNoUDP, NATNoUDP, true, "neither side's network lets UDP through"},
		{NATNoUDP, NATEach, true, "this side's network lets no UDP through, and the other side's NAT"},
		{NATEach, NATNoUDP, true, "the other side's network lets no UDP through, and this side's NAT"},
		{NATNoUDP, NATSame, true, "this side's network lets no UDP through, and no TCP"},
		{NATSame, NATNoUDP, true, "the other side's network lets no UDP through, and no TCP"},
		{NATNoUDPEach, NATSame, true, "this side's network lets no UDP through, and its NAT gives each TCP destination"},
		{NATSame, NATNoUDPEach, true, "the other side's network lets no UDP through, and its NAT gives each TCP destination"},
		{NATNoUDPEach, NATEach, true, "this side's network lets no UDP through, and its NAT gives each TCP destination"},
		{NATNoUDPEach, NATNoUDP, true, "neither side's network lets UDP through, and this side's NAT gives each TCP destination"},
		{NATNoUDPEach, NATNoUDPEach, true, "neither side's network lets UDP through, and both sides' NAT gives each TCP destination"},
		{NATSame, NATOff, true, "the other side allows no direct path"},
		{NATUnknown, NATUnknown, false, "told no address"},
		{NATSame, NATSame, true, "no address of the other machine answers"},
	} {
		if got := whyRelayed(row.mine, row.theirs, row.told); !strings.HasPrefix(got, row.want) && !strings.Contains(got, row.want) {
			t.Errorf("%v here, %v there: %q, want %q", row.mine, row.theirs, got, row.want)
		}
	}
}

// FuzzProbe: a probe is read as what was written, and only with its own token.
func FuzzProbe(f *testing.F) {
	t0 := token{1, 2, 3}
	f.Add(t0.probe(4711))
	f.Add([]byte{})
	f.Add([]byte{probeMark})
	f.Fuzz(func(t *testing.T, b []byte) {
		var own token
		if len(b) > tokenSize {
			copy(own[:], b[1:])
		}
		if port, ok := own.portOf(b); ok && string(own.probe(port)) != string(b) {
			t.Errorf("%x is read as a probe of port %d, which is %x", b, port, own.probe(port))
		}
		other := own
		other[5]++
		if _, ok := other.portOf(b); ok {
			t.Errorf("%x is read with another token", b)
		}
		if b := own.probe(9); b[0]&0xc0 != 0 {
			t.Errorf("a probe begins like a QUIC packet: %x", b[0])
		}
	})
}
