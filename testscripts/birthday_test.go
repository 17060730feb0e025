//go:build linux

package testscripts

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// probes are the packets of birthday punches that a capture saw: they look like a
// port scan, so what they may be is bounded.
type probes struct {
	count   int
	sources map[uint16]bool         // local ports
	to      map[netip.Addr]int      // packets
	ports   map[netip.AddrPort]bool // that were tried
}

// add looks whether a packet is one: UDP with 16 bytes, of which the first is 5
// (peer/link, birthday.go).
func (p *probes) add(t target, udp []byte) {
	const header, size, mark = 8, 16, 5
	if t.proto != "udp" || len(udp) != header+size || udp[header] != mark {
		return
	}
	if p.sources == nil {
		p.sources, p.to, p.ports = map[uint16]bool{}, map[netip.Addr]int{}, map[netip.AddrPort]bool{}
	}
	p.count++
	p.sources[binary.BigEndian.Uint16(udp)] = true
	p.to[t.to.Addr()]++
	p.ports[t.to] = true
}

// probed returns what was seen since the last time.
func (c *capture) probed() (p probes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, c.probes = c.probes, p
	return p
}

// A birthday punch keeps to its limits: one side opens at most 256 sockets towards one
// address, the other tries each of at most 2,048 ports of one address once, from the
// socket of QUIC.
const (
	mostSockets = 256
	mostProbes  = 2048
)

func (p probes) withinLimits(t testing.TB, node, other string) {
	t.Helper()
	if p.count == 0 {
		return
	}
	easy := len(p.sources) == 1 && len(p.ports) == p.count && p.count <= mostProbes
	hard := len(p.sources) <= mostSockets && len(p.ports) == 1
	if len(p.to) != 1 || p.to[netip.MustParseAddr(other)] != p.count || !easy && !hard {
		t.Errorf("%s sent %d probes from %d ports to %d ports of %v, allowed are those of one run to %s",
			node, p.count, len(p.sources), len(p.ports), p.to, other)
	}
}

// TestLabBirthday: a NAT box with another port for each destination, and a home router
// that lets only known ports in. No probe leaves before the host has let the viewer
// in; then they meet within the limits, and when that path breaks within the minute
// there is no second run. (T8)
func TestLabBirthday(t *testing.T) {
	t.Parallel()
	l := newLab(t, "sym", "cone", "--delay", "20")
	l.startRelay()
	hard, easy := l.capture("hostA"), l.capture("hostB")
	host, code := l.host("--viewers", "2")
	stranger := l.on("hostB", "stranger", []string{"SIGHTLINE_RELAYS=" + l.join}, "view", "--json", "--window", "none", anotherSecret(code))
	l.exits(stranger, 7)
	if a, b := hard.probed(), easy.probed(); a.count+b.count > 0 {
		t.Errorf("%d and %d probes for a stranger", a.count, b.count)
	}

	v := l.view(code)
	began := time.Now()
	l.await(v, "path", "kind=direct", "transport=quic")
	sockets, tried := hard.probed(), easy.probed()
	t.Logf("ACCEPT -> direct: %d ms, %d sockets, %d probes", time.Since(began).Milliseconds(), len(sockets.sources), tried.count)
	if len(sockets.sources) < 2 || tried.count == 0 {
		t.Errorf("%d sockets and %d probes: they met in another way", len(sockets.sources), tried.count)
	}
	sockets.withinLimits(t, "the hard side", "11.2.0.2")
	tried.withinLimits(t, "the easy side", "11.1.0.2")

	l.cut()
	l.await(v, "path", "kind=relayed")
	l.await(v, "path", "kind=relayed", "reason~its own port")
	if a, b := hard.probed(), easy.probed(); a.count+b.count > 0 && time.Since(began) < time.Minute {
		t.Errorf("%d and %d probes in a second run within the minute", a.count, b.count)
	}
	if host.ended() || v.ended() {
		t.Error("the session did not last")
	}
}
