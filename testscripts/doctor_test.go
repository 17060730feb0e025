//go:build linux

package testscripts

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// netReport is the part of `doctor network --json` that is looked at here.
type netReport struct {
	UDP       bool     `json:"udp"`
	Mapping   string   `json:"mapping"`
	TCP       string   `json:"tcp_mapping"`
	Filtering string   `json:"filtering"`
	Advice    []string `json:"advice"`
	Relays    []struct {
		Reachable bool    `json:"reachable"`
		RTT       float64 `json:"rtt_ms"`
		Ways      []struct {
			Transport string `json:"transport"`
			Addr      string `json:"addr"`
			OK        bool   `json:"ok"`
			Reason    string `json:"reason"`
		} `json:"ways"`
	} `json:"relays"`
}

// explains tells whether some way failed for a reason with these words.
func (r netReport) explains(words string) bool {
	for _, relay := range r.Relays {
		for _, w := range relay.Ways {
			if strings.Contains(w.Transport+" "+w.Addr+": "+w.Reason, words) {
				return true
			}
		}
	}
	return false
}

// doctor asks it in a node of the lab; the function returned waits for the answer.
func (l *lab) doctor(node string, env []string) func() netReport {
	l.Helper()
	cmd := exec.Command(tool(l, "ip", "iproute2"), "netns", "exec", l.prefix+"-"+node, l.bin, "doctor", "network", "--json")
	cmd.Env = append(cleanEnv(l.home("doctor")), env...)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	return func() (r netReport) {
		l.Helper()
		if err := cmd.Wait(); err != nil {
			l.Fatalf("doctor in %s: %v", node, err)
		}
		if err := json.Unmarshal(out.Bytes(), &r); err != nil || len(r.Relays) != 1 {
			l.Fatalf("doctor in %s said %s: %v", node, &out, err)
		}
		return r
	}
}

// What doctor says of each type of network, asked through a relay with two addresses.
func TestLabDoctor(t *testing.T) {
	want := map[string]netReport{
		"open":     {UDP: true, Mapping: "none", TCP: "none", Filtering: "none"},
		"fullcone": {UDP: true, Mapping: "independent", TCP: "independent", Filtering: "none"},
		"addrcone": {UDP: true, Mapping: "independent", TCP: "independent", Filtering: "address"},
		"cone":     {UDP: true, Mapping: "independent", TCP: "independent", Filtering: "endpoint"},
		"cgnat":    {UDP: true, Mapping: "independent", TCP: "independent", Filtering: "endpoint"},
		"sym":      {UDP: true, Mapping: "dependent", TCP: "dependent", Filtering: "endpoint", Advice: []string{"symmetric"}},
		"cgnatsym": {UDP: true, Mapping: "dependent", TCP: "dependent", Filtering: "endpoint", Advice: []string{"symmetric"}},
		"noudp":    {Mapping: "unknown", TCP: "independent", Filtering: "unknown", Advice: []string{"UDP"}},
		"symnoudp": {Mapping: "unknown", TCP: "dependent", Filtering: "unknown", Advice: []string{"UDP", "symmetric"}},
	}
	for _, pair := range [][2]string{{"open", "fullcone"}, {"addrcone", "cone"}, {"cgnat", "sym"}, {"cgnatsym", "noudp"}, {"symnoudp", "cone"}} {
		t.Run(pair[0]+" and "+pair[1], func(t *testing.T) {
			t.Parallel()
			l := newLab(t, pair[0], pair[1])
			relay := l.on("relay", "relay", nil, "relay", "--json", "--listen", "11.0.0.10:4001", "--listen", "11.0.0.11:4001")
			env := []string{"SIGHTLINE_RELAYS=" + l.await(relay, "ready").text("join")}
			asked := []func() netReport{l.doctor("hostA", env), l.doctor("hostB", env)}
			for i, answer := range asked {
				w, r := want[pair[i]], answer()
				if r.UDP != w.UDP || r.Mapping != w.Mapping || r.TCP != w.TCP || r.Filtering != w.Filtering || len(r.Advice) != len(w.Advice) {
					t.Errorf("%s: %+v, want %+v", pair[i], r, w)
				}
				if !r.Relays[0].Reachable || r.Relays[0].RTT <= 0 {
					t.Errorf("%s: relay %+v", pair[i], r.Relays[0])
				}
				for _, way := range r.Relays[0].Ways {
					if way.OK != (w.UDP || way.Transport == "tcp") || way.OK != (way.Reason == "") {
						t.Errorf("%s: way %+v", pair[i], way)
					}
				}
			}
		})
	}
}

// fence lets a node send to what `doctor firewall --nft` prints and to nobody else, and
// counts what is held back. more are addresses that are allowed besides.
func (l *lab) fence(node string, env []string, more ...string) {
	l.Helper()
	rules := l.inNode(node, env, nil, l.bin, "doctor", "firewall", "--nft")
	for _, addr := range more {
		rules += "add rule inet sightline allow ip daddr " + addr + " accept\n"
	}
	rules += `
add chain inet sightline output { type filter hook output priority 0; policy accept; }
add rule inet sightline output oif lo accept
add rule inet sightline output meta l4proto != { tcp, udp } accept
add rule inet sightline output jump allow
add rule inet sightline output counter drop
`
	l.inNode(node, nil, strings.NewReader(rules), tool(l, "nft", "nftables"), "-f", "-")
}

// held tells how many packets the fence held back.
func (l *lab) held(node string) string {
	l.Helper()
	out := l.inNode(node, nil, nil, tool(l, "nft", "nftables"), "list", "chain", "inet", "sightline", "output")
	m := regexp.MustCompile(`counter packets (\d+) bytes \d+ drop`).FindStringSubmatch(out)
	if m == nil {
		l.Fatalf("no counter in %s", out)
	}
	return m[1]
}

// inNode runs a command to its end.
func (l *lab) inNode(node string, env []string, in io.Reader, args ...string) string {
	l.Helper()
	cmd := exec.Command(tool(l, "ip", "iproute2"), append([]string{"netns", "exec", l.prefix + "-" + node}, args...)...)
	cmd.Env, cmd.Stdin = append(cleanEnv(l.home("once")), env...), in
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		l.Fatalf("%s in %s: %v: %s", args, node, err, &words)
	}
	return string(out)
}

// T32: host and viewer contact what `doctor firewall` prints and nobody else: behind
// these very rules a session works, doctor too, no packet is held back, and of what
// leaves, as a packet capture has it, all goes there. Directly they contact each other
// besides. The relay contacts nobody but them.
func TestLabFirewall(t *testing.T) {
	for _, row := range []struct {
		name, env  string
		behind     string // the host's network
		kind       string
		atA, fromA []string // addresses of hostA and of hostB that the other is let to
	}{
		{"relay only", "SIGHTLINE_NETWORK_DIRECT=false", "cone", "relayed", nil, nil},
		{"direct", "SIGHTLINE_NETWORK_DIRECT=true", "cone", "direct", []string{"11.1.0.2", "192.168.1.10"}, []string{"11.2.0.2", "192.168.2.10"}},
		{"with a port at the router", "SIGHTLINE_NETWORK_MAP_PORTS=true", "cone+upnp", "direct", []string{"11.1.0.2", "192.168.1.10"}, []string{"11.2.0.2", "192.168.2.10"}},
		{"outbound only", "SIGHTLINE_NETWORK_LISTEN=none", "cone", "relayed", nil, nil},
		{"through a proxy", "SIGHTLINE_NETWORK_DIRECT=false", "proxy", "relayed", nil, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, row.behind, "cone")
			relay := l.on("relay", "relay", nil, "relay", "--json", "--listen", "11.0.0.10:4001", "--listen", "11.0.0.10:443")
			env := []string{row.env, "SIGHTLINE_RELAYS=" + l.await(relay, "ready").text("join")}
			atViewer := env
			env = append(slices.Clone(env), l.behind(row.behind, "1", false)...)
			l.fence("hostA", env, row.fromA...)
			l.fence("hostB", atViewer, row.atA...)
			captured := map[string]*capture{"hostA": l.capture("hostA"), "hostB": l.capture("hostB"), "relay": l.capture("relay")}
			l.doctor("hostA", env)()
			host := l.on("hostA", "host", env, "host", "--json", "--accept", "--source", "pattern")
			viewer := l.on("hostB", "viewer", atViewer, "view", "--json", "--window", "none", l.await(host, "code").text("code"))
			l.await(viewer, "stats", "refined=true")
			viewer.next = 0
			l.await(viewer, "path", "kind="+row.kind)
			for _, node := range []string{"hostA", "hostB"} {
				if n := l.held(node); n != "0" {
					t.Errorf("%s sent %s packets to others", node, n)
				}
			}
			captured["hostA"].only("hostA", l.destinations("hostA", env), row.fromA...)
			captured["hostB"].only("hostB", l.destinations("hostB", atViewer), row.atA...)
			captured["relay"].only("relay", nil, "11.1.0.2", "11.2.0.2") // it answers, and asks nobody
		})
	}
}
