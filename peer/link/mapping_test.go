package link

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	ma "github.com/multiformats/go-multiaddr"

	"sightline/peer/link/pcp"
)

// pmpRouter answers NAT-PMP (RFC 6886) on an address of loopback and maps each port to
// one that is 1000 higher.
func pmpRouter(t *testing.T, ip net.IP, outside [4]byte) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: ip, Port: 5351})
	if err != nil {
		t.Skipf("no NAT-PMP port: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 64)
		for {
			n, from, err := c.ReadFromUDP(buf)
			if err != nil {
				return
			}
			out := make([]byte, 8, 16)
			if buf[0] != 0 { // PCP
				out[1], out[3] = buf[1]|0x80, 1
				c.WriteToUDP(out, from)
				continue
			}
			out[1] = buf[1] | 0x80
			if buf[1] == 0 {
				out = append(out, outside[:]...)
			} else if n == 12 {
				port := binary.BigEndian.Uint16(buf[4:])
				out = binary.BigEndian.AppendUint16(out, port)
				out = binary.BigEndian.AppendUint16(out, port+1000)
				out = append(out, buf[8:12]...)
			}
			c.WriteToUDP(out, from)
		}
	}()
}

// pcpRouter answers PCP (RFC 6887) and nothing else, in the same way.
func pcpRouter(t *testing.T, ip net.IP, outside netip.Addr) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: ip, Port: pcp.Port})
	if err != nil {
		t.Skipf("no PCP port: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 100)
		for {
			n, from, err := c.ReadFromUDP(buf)
			if err != nil {
				return
			}
			if out := buf[:n]; buf[0] == 2 {
				out[1] |= 0x80
				binary.BigEndian.PutUint16(out[42:], binary.BigEndian.Uint16(out[40:])+1000)
				as16 := outside.As16()
				copy(out[44:], as16[:])
				c.WriteToUDP(out, from)
			}
		}
	}()
}

// A router that speaks PCP is not asked by NAT-PMP, and its answers are the same
// addresses for admitted peers.
func TestMapByPCP(t *testing.T) {
	router := net.IPv4(127, 77, 51, 4)
	pcpRouter(t, router, netip.MustParseAddr("11.1.0.2"))
	m := &mapper{NATManager: noManager{}}
	if err := m.ask(t.Context(), openersAt(router), 4001); err != nil || m.protocol() != "PCP" {
		t.Fatal(err, m.protocol())
	}
	listen := ma.StringCast("/ip4/0.0.0.0/udp/4001/quic-v1")
	if got := m.mappingOf(listen); got == nil || got.String() != "/ip4/11.1.0.2/udp/5001/quic-v1" {
		t.Errorf("mapped to %v", got)
	}
	m.giveBack(4001)
	if got := m.mappingOf(listen); got != nil {
		t.Errorf("%s after it was given back", got)
	}
	// An address that nobody could dial from the internet.
	odd := net.IPv4(127, 77, 51, 5)
	pcpRouter(t, odd, netip.MustParseAddr("2a10::1"))
	if err := m.ask(t.Context(), openersAt(odd), 4001); err == nil || m.mappingOf(listen) != nil {
		t.Errorf("%v, mapped to %v", err, m.mappingOf(listen))
	}
}

// A router's answers become addresses for admitted peers, and its silence none.
func TestMapByPMP(t *testing.T) {
	router := net.IPv4(127, 77, 51, 1)
	pmpRouter(t, router, [4]byte{11, 1, 0, 2})
	m := &mapper{NATManager: noManager{}}
	quic, tcp := ma.StringCast("/ip4/0.0.0.0/udp/4001/quic-v1"), ma.StringCast("/ip4/0.0.0.0/tcp/4001")
	if a := m.mappingOf(quic); a != nil {
		t.Errorf("%s before anybody was asked", a)
	}
	if err := m.ask(t.Context(), openersAt(router), 4001); err != nil || m.protocol() != "NAT-PMP" {
		t.Fatal(err, m.protocol())
	}
	for listen, want := range map[string]string{
		quic.String():                   "/ip4/11.1.0.2/udp/5001/quic-v1",
		tcp.String():                    "/ip4/11.1.0.2/tcp/5001",
		"/ip6/2a10::1/udp/4001/quic-v1": "",
		"/ip4/192.168.1.10/tcp/4001":    "/ip4/11.1.0.2/tcp/5001",
	} {
		got := ""
		if a := m.mappingOf(ma.StringCast(listen)); a != nil {
			got = a.String()
		}
		if got != want {
			t.Errorf("%s is mapped to %q, want %q", listen, got, want)
		}
	}
	m.giveBack(4001)
	if a := m.mappingOf(tcp); a != nil {
		t.Errorf("%s after it was given back", a)
	}
	// A router that knows no outside address, and one that does not answer.
	other := net.IPv4(127, 77, 51, 2)
	pmpRouter(t, other, [4]byte{})
	for _, ip := range []net.IP{other, net.IPv4(127, 77, 51, 3)} {
		if err := m.ask(t.Context(), openersAt(ip), 4001); err == nil || m.mappingOf(tcp) != nil {
			t.Errorf("%s: %v, mapped to %v", ip, err, m.mappingOf(tcp))
		}
	}
}

// noManager has found nothing by UPnP.
type noManager struct{ basichost.NATManager }

func (noManager) GetMapping(ma.Multiaddr) ma.Multiaddr { return nil }
