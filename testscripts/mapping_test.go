//go:build linux

package testscripts

import (
	"regexp"
	"strings"
	"testing"
)

// TestLabMapping: a router that speaks UPnP, NAT-PMP and PCP is asked by the last, which
// it answers at once. Its port leads to ours by UDP and by TCP while the host runs, and
// no longer. Without network.map_ports it is asked for nothing.
func TestLabMapping(t *testing.T) {
	t.Parallel()
	l := newLab(t, "sym+upnp", "open")
	l.startRelay()
	env := []string{"SIGHTLINE_RELAYS=" + l.join, "SIGHTLINE_DEBUG=1", "SIGHTLINE_NETWORK_LISTEN=:40123"}
	start := func(more string) *actor {
		h := l.on("hostA", "host", append(env, more), "host", "--json", "--accept", "--source", "pattern")
		l.await(h, "code")
		return h
	}
	// The rules of the port in the router.
	rules := func() string {
		var out strings.Builder
		for line := range strings.Lines(l.inNode("natA", nil, nil, tool(l, "nft", "nftables"), "list", "chain", "inet", "filter", "prerouting_miniupnpd")) {
			if strings.Contains(line, "40123") {
				out.WriteString(line)
			}
		}
		return out.String()
	}
	quiet := start("SIGHTLINE_NETWORK_MAP_PORTS=false")
	if r := rules(); r != "" {
		t.Errorf("a port is open that nobody asked for: %s", r)
	}
	quiet.leave()

	host := start("SIGHTLINE_NETWORK_MAP_PORTS=true")
	if err := host.says(patience, regexp.MustCompile(`mapped.*11\.1\.0\.2.*by=PCP`)); err != nil {
		t.Fatal(err)
	}
	for _, proto := range []string{"udp|0x11", "tcp|0x6"} { // nft names them or not
		if r := rules(); !regexp.MustCompile(`\b(` + proto + `)\b.*dnat.*192\.168\.1\.10:40123`).MatchString(r) {
			t.Errorf("%s does not lead to the host: %s", proto, r)
		}
	}
	host.leave()
	eventually(t, "the port is closed again", func() bool { return rules() == "" })
}
