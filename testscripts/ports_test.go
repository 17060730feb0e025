//go:build linux

package testscripts

import (
	"bufio"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestNoOpenPorts: a host with network.listen = "none" on a machine without any NAT
// box or firewall has no socket that others reach, also in the middle of a session,
// and serves it as a whole through the relay. The same holds for --relay-only.
// T10, T33.
func TestNoOpenPorts(t *testing.T) {
	for _, row := range []struct {
		name string
		env  string
		args []string
	}{
		{"listen none", "SIGHTLINE_NETWORK_LISTEN=none", nil},
		{"relay only", "SIGHTLINE_NETWORK_LISTEN=:0", []string{"--relay-only"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, "open", "open")
			relay := l.on("relay", "relay", nil, "relay", "--json", "--listen", "11.0.0.10:4001")
			env := []string{"SIGHTLINE_NETWORK_LAN=true", "SIGHTLINE_RELAYS=" + l.await(relay, "ready").text("join")}
			args := append([]string{"host", "--json", "--accept", "--source", "pattern", "--allow", "view,control"}, row.args...)
			host := l.on("hostA", "host", append(env, row.env), args...)
			code := l.await(host, "code").text("code")
			l.closed("hostA")
			viewer := l.on("hostB", "viewer", env, "view", "--json", "--window", "none", code)
			l.await(viewer, "joined")
			l.await(viewer, "path", "kind=relayed")
			l.await(viewer, "stats", "refined=true")
			l.closed("hostA")
			if row.args == nil { // once is enough: it takes its time
				l.scan("relay", "hostA", "11.1.1.10")
			}
			if host.ended() || viewer.ended() {
				t.Error("the session did not last")
			}
		})
	}
}

// closed reads the kernel's tables in a node: nothing listens, and no UDP socket
// takes packets from everybody.
func (l *lab) closed(node string) {
	l.Helper()
	for _, proto := range []string{"tcp", "tcp6", "udp", "udp6"} {
		table := bufio.NewScanner(strings.NewReader(l.inNode(node, nil, nil, "cat", "/proc/net/"+proto)))
		for table.Scan() {
			// "0: 0A00000A:1F90 00000000:0000 0A …": the state is 0A LISTEN for TCP, and for
			// UDP 07 where it is not connected.
			f := strings.Fields(table.Text())
			if len(f) > 3 && (strings.HasPrefix(proto, "tcp") && f[3] == "0A" || strings.HasPrefix(proto, "udp") && f[3] == "07") {
				l.Errorf("open in %s: %s %s", node, proto, table.Text())
			}
		}
	}
}

// scan knocks at every port of a node from another one, by TCP and by UDP.
func (l *lab) scan(from, node, addr string) {
	l.Helper()
	// Closed UDP ports answer with ICMP, which the kernel would ration.
	for _, set := range []string{"net.ipv4.icmp_ratelimit=0", "net.ipv4.icmp_msgs_per_sec=1000000", "net.ipv4.icmp_msgs_burst=100000"} {
		_ = exec.Command("ip", "netns", "exec", l.prefix+"-"+node, "sysctl", "-q", "-w", set).Run() // the last two are not per namespace everywhere
	}
	nmap := tool(l, "nmap", "nmap")
	for _, how := range [][]string{{"-sS"}, {"-sU", "--max-retries", "3"}} {
		out := l.inNode(from, nil, nil, append([]string{nmap, "-n", "-Pn", "-p-", "-T5", "--min-rate", "4000", "-oG", "-", addr}, how...)...)
		open := regexp.MustCompile(`\d+/open[^,\t]*`).FindAllString(out, 5)
		if len(open) > 0 || !strings.Contains(out, "Status: Up") {
			l.Errorf("nmap %s: %s\n%.2000s", how[0], open, out)
		}
	}
}
