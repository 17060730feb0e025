package netcheck

import (
	"net/netip"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	seen := binding{seen: netip.MustParseAddrPort("11.1.0.2:4001")}
	silent, refused := binding{}, binding{refused: true}
	for _, row := range []struct {
		name             string
		same, port, both binding
		want             Filtering
	}{
		{"everything comes in", seen, seen, seen, FilterNone},
		{"the first answer was lost", silent, silent, seen, FilterNone},
		{"another port only", seen, seen, silent, FilterAddress},
		{"nothing else", seen, silent, silent, FilterEndpoint},
		{"one address, port comes in", seen, seen, refused, FilterAnyPort},
		{"one address, port does not", seen, silent, refused, FilterEndpoint},
		{"a relay without a second port", seen, refused, refused, FilterUnknown},
		{"no UDP", silent, silent, silent, FilterUnknown},
	} {
		if got := judge(&row.same, &row.port, &row.both); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

// TestAdvice: what a firewall team is asked for, and nothing where nothing is missing.
func TestAdvice(t *testing.T) {
	way := func(transport, addr string, ok bool) Way { return Way{Transport: transport, Addr: addr, OK: ok} }
	for _, row := range []struct {
		name    string
		mapping Mapping
		proxy   string
		relay   RelayReport
		want    []string // words of each line
	}{
		{"all is well", Independent, "", RelayReport{Reachable: true, Ways: []Way{way("quic", "r:4001", true), way("tcp", "r:4001", true)},
			STUN: []Way{way("stun", "r:4001", true), way("stun", "r:4002", false)}}, nil},
		{"no UDP", Unknown, "", RelayReport{Reachable: true, Ways: []Way{way("quic", "r:4001", false), way("tcp", "r:4001", true)},
			STUN: []Way{way("stun", "r:4001", false), way("stun", "r:4002", false)}}, []string{"UDP out to r:4001, r:4002"}},
		{"the web only", Unknown, "", RelayReport{Reachable: true, Ways: []Way{way("quic", "r:4001", false), way("tcp", "r:4001", false), way("wss", "r:443", true)}},
			[]string{"UDP out to r:4001", "TCP out to r:4001"}},
		{"nothing", Unknown, "", RelayReport{Ways: []Way{way("quic", "r:4001", false), way("wss", "r:443", false)}}, []string{"TCP out to r:4001, r:443"}},
		{"a proxy that refuses", Unknown, "http://p:3128", RelayReport{Ways: []Way{way("wss", "r:443", false)}}, []string{"CONNECT through the proxy to r:443"}},
		{"symmetric", Dependent, "", RelayReport{Reachable: true, Ways: []Way{way("quic", "r:4001", true)}}, []string{"endpoint-independent mapping"}},
		{"no relay", Unknown, "", RelayReport{}, nil},
	} {
		r := Report{Mapping: row.mapping, Proxy: row.proxy, Relays: []RelayReport{row.relay}}
		got := r.advise()
		if len(got) != len(row.want) {
			t.Errorf("%s: %q", row.name, got)
			continue
		}
		for i, w := range row.want {
			if !strings.Contains(got[i], w) {
				t.Errorf("%s: %q lacks %q", row.name, got[i], w)
			}
		}
	}
}
