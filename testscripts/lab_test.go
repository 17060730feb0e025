//go:build linux

package testscripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// lab is a small internet of network namespaces (natlab/README.md) that ends
// with the test. Its nodes are relay, hostA and hostB.
type lab struct {
	*crew
	prefix string
	join   string // of the relay, once it runs
}

// labs counts, so that several labs of one test run have different names.
var labs atomic.Int64

func newLab(t *testing.T, typeA, typeB string, more ...string) *lab {
	t.Helper()
	namespaces(t)
	tool(t, "ip", "iproute2")
	tool(t, "nft", "nftables")
	for part, program := range map[string][2]string{"+upnp": {"miniupnpd", "miniupnpd-nftables"}, "squid": {"squid", "squid"}, "squidauth": {"htpasswd", "apache2-utils"}} {
		if strings.Contains(typeA+" "+typeB, part) {
			tool(t, program[0], program[1])
		}
	}
	c := newCrew(t)
	// Short: the names of interfaces, at most 15 bytes, are made of it.
	mine := int64(os.Getpid()%1296*36) + labs.Add(1)%36
	l := &lab{crew: c, prefix: "s" + strconv.FormatInt(mine, 36)}
	t.Cleanup(func() { l.natlab("down") })
	if out, err := l.natlab(append([]string{"up", typeA, typeB}, more...)...); err != nil {
		skip(t, fmt.Sprintf("the lab cannot be built here: %v: %s", err, out))
	}
	return l
}

func (l *lab) natlab(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join("natlab", "natlab"), args...)
	cmd.Env = append(os.Environ(), "NATLAB_PREFIX="+l.prefix)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// on starts `sightline ARG…` in a node. `ip netns exec` becomes the program, so
// the process number is the program's own.
func (l *lab) on(node, name string, env []string, args ...string) *actor {
	l.Helper()
	return l.startWith(name, func(cmd *exec.Cmd) {
		ip := tool(l, "ip", "iproute2")
		cmd.Args = append([]string{ip, "netns", "exec", l.prefix + "-" + node, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = ip
		cmd.Env = append(append(cmd.Env, "SIGHTLINE_NETWORK_LISTEN=:0"), env...) // env wins: it is later
	}, args...)
}

// sh runs a command in a node.
func (l *lab) sh(node, command string) {
	l.Helper()
	if out, err := l.natlab("exec", node, "sh", "-c", command); err != nil {
		l.Fatalf("%s: %s: %v\n%s", node, command, err, out)
	}
}

// startRelay starts a relay that speaks QUIC, TCP, WSS and WS. The options are
// more of its arguments.
func (l *lab) startRelay(options ...string) *actor {
	l.Helper()
	args := []string{"relay", "--json", "--listen", "11.0.0.10:4001", "--listen", "11.0.0.10:443", "--listen", "11.0.0.10:80", "--announce", "11.0.0.10"}
	// No limits per address: what the two sites of a lab do in a minute, people do in a day.
	r := l.on("relay", "relay", []string{"SIGHTLINE_RELAY_TRUSTED=11.0.0.0/8"}, append(args, options...)...)
	l.join = l.await(r, "ready").text("join")
	return r
}

// meet starts relay, host and viewer and returns the host's and the viewer's
// actor with the time from the code to the first exact picture.
func (l *lab) meet() (host, viewer *actor, took time.Duration) {
	l.Helper()
	relay := l.on("relay", "relay", nil, "relay", "--json", "--listen", "11.0.0.10:4001", "--announce", "11.0.0.10:4001")
	env := []string{"SIGHTLINE_RELAYS=" + l.await(relay, "ready").text("join")}
	host = l.on("hostA", "host", env, "host", "--json", "--accept", "--source", "pattern", "--allow", "view,control")
	code := l.await(host, "code").text("code")
	began := time.Now()
	viewer = l.on("hostB", "viewer", env, "view", "--json", "--window", "none", code)
	l.await(viewer, "joined")
	l.await(viewer, "stats", "refined=true")
	return host, viewer, time.Since(began)
}

// Two home routers, 20 ms of wire on each side: the session becomes a direct one.
func TestLabDirect(t *testing.T) {
	t.Parallel()
	l := newLab(t, "cone", "cone", "--delay", "20")
	_, viewer, took := l.meet()
	t.Logf("code typed -> first exact picture: %d ms", took.Milliseconds())
	viewer.next = 0
	e := l.awaitFor(10*time.Second, viewer, "path", "kind=direct")
	t.Logf("direct over %s", e.text("transport"))
}

// One side without UDP and with another TCP port for each destination, which its
// second connection to the relay shows: the session works through the relay, and the
// other side is told why not directly.
func TestLabWithoutUDP(t *testing.T) {
	t.Parallel()
	l := newLab(t, "symnoudp", "cone", "--delay", "20")
	host, viewer, took := l.meet()
	t.Logf("code typed -> first exact picture: %d ms", took.Milliseconds())
	viewer.next = 0
	l.await(viewer, "path", "kind=relayed", "reason~other side's network lets no UDP through, and its NAT gives each TCP destination its own port")
	if host.ended() || viewer.ended() {
		t.Error("the session did not last")
	}
}

// Two machines in one LAN and no relay at all: the live number is found by
// multicast, and a number that nobody has is not.
func TestLabLAN(t *testing.T) {
	t.Parallel()
	l := newLab(t, "cone", "samelan")
	lan := []string{"SIGHTLINE_NETWORK_LAN=true"}
	host := l.on("hostA", "host", lan, "host", "--json", "--accept", "--source", "pattern", "--lan-only")
	code := l.await(host, "code").text("code")
	nobody := l.on("hostB", "nobody", lan, "view", "--json", "--window", "none", "--relay", "none", anotherNumber(code))
	l.exits(nobody, 9)
	viewer := l.on("hostB", "viewer", lan, "view", "--json", "--window", "none", "--lan-only", code)
	l.await(viewer, "joined")
	viewer.next = 0
	l.await(viewer, "path", "kind=lan")
	l.await(viewer, "stats", "refined=true")
}
