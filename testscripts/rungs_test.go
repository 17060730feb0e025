//go:build linux

package testscripts

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The wire is cut in the middle of a session. What has to be shown is the same after
// 8 s as after 20 s: every connection through it is given up and made anew. All
// networks, on both sides at once:
//
//	go test ./testscripts -run TestRungs -parallel 3 -v -args -rungs all -cut 20s
var (
	wireCut   = flag.Duration("cut", 8*time.Second, "how long TestRungs cuts the wire")
	rungCells = flag.String("rungs", "cone+noudp,tcp443+tcp80,proxy+proxybasic,proxydigest+proxyntlm,socks5+socks5",
		"`CELLS` of TestRungs: all, or HOST'S+VIEWER'S networks with commas")
)

// networks are types of the lab that let little out, and the rung that is left.
var networks = map[string]struct {
	transport string // of the leg to the relay
	proxy     string // scheme of the proxy, "" for none
	login     bool   // it wants a user and a password
}{
	"cone":        {transport: "quic"},
	"noudp":       {transport: "tcp"},
	"tcp443":      {transport: "wss"},
	"tcp80":       {transport: "ws"},
	"proxy":       {transport: "proxy", proxy: "http"},
	"proxybasic":  {transport: "proxy", proxy: "http", login: true},
	"proxydigest": {transport: "proxy", proxy: "http", login: true},
	"proxyntlm":   {transport: "proxy", proxy: "http", login: true},
	"socks5":      {transport: "proxy", proxy: "socks5", login: true},
	"squid":       {transport: "proxy", proxy: "http"},
	"squidauth":   {transport: "proxy", proxy: "http", login: true},
}

// webRelay starts a relay with all rungs.
func (l *lab) webRelay(more ...string) (relay *actor, join string) {
	l.Helper()
	relay = l.on("relay", "relay", nil, append([]string{"relay", "--json", "--listen", "11.0.0.10:4001",
		"--listen", "11.0.0.10:443", "--listen", "11.0.0.10:80"}, more...)...)
	return relay, l.await(relay, "ready").text("join")
}

// behind is the environment of a machine in a network: its proxy, told as programs
// are told, or by our own settings with the password in a file.
func (l *lab) behind(network, number string, settings bool) []string {
	l.Helper()
	n := networks[network]
	at := "192.168." + number + ".1:3128"
	switch {
	case n.proxy == "":
		return nil
	case !n.login:
		return []string{"HTTPS_PROXY=" + n.proxy + "://" + at, "NO_PROXY=example.org"}
	case !settings:
		return []string{"ALL_PROXY=" + n.proxy + "://user:pass@" + at}
	}
	file := filepath.Join(l.TempDir(), "password")
	if err := os.WriteFile(file, []byte("pass\n"), 0o600); err != nil {
		l.Fatal(err)
	}
	return []string{"SIGHTLINE_NETWORK_PROXY=" + n.proxy + "://user@" + at, "SIGHTLINE_NETWORK_PROXY_PASSWORD_FILE=" + file}
}

// TestRungs: a session through networks that let only one rung out, on both
// sides: it opens, what is typed arrives, and it goes on by itself after the wire
// was cut, until when the picture is shown as an old one. (T9, T30)
func TestRungs(t *testing.T) {
	cells := strings.Split(*rungCells, ",")
	if *rungCells == "all" {
		cells = nil
		for _, n := range slices.Sorted(maps.Keys(networks)) {
			cells = append(cells, n+"+"+n)
		}
	}
	for _, c := range cells {
		t.Run(c, func(t *testing.T) {
			t.Parallel()
			a, b, _ := strings.Cut(c, "+")
			if networks[a].transport == "" || networks[b].transport == "" {
				t.Fatalf("%q are no two networks", c)
			}
			playRungs(t, a, b)
		})
	}
}

func playRungs(t *testing.T, a, b string) {
	l := newLab(t, a, b, "--delay", "20")
	_, join := l.webRelay()
	s := &session{crew: l.crew, there: openDisplay(t, "640x480").connect(), here: openDisplay(t, "640x480").connect()}
	s.there.run("openbox", "openbox")
	s.here.run("openbox", "openbox")
	env := []string{"SIGHTLINE_RELAYS=" + join, "SIGHTLINE_NETWORK_DIRECT=false"}
	s.host = l.on("hostA", "host", append(append(env, "DISPLAY="+s.there.name), l.behind(a, "1", true)...),
		"host", "--json", "--accept", "--allow", "view,control")
	code := l.await(s.host, "code").text("code")
	began := time.Now()
	s.viewer = l.on("hostB", "viewer", append(append(env, "DISPLAY="+s.here.name), l.behind(b, "2", false)...),
		"view", "--json", "--window", "native", "--fullscreen", code)
	l.await(s.viewer, "joined")
	l.await(s.viewer, "stats", "refined=true")
	t.Logf("code typed -> first exact picture: %d ms", time.Since(began).Milliseconds())
	s.viewer.next = 0
	l.await(s.viewer, "path", "kind=relayed", "transport="+networks[b].transport)
	file := s.typewriter()
	s.here.focused("sightline")
	typed := ""
	for _, word := range []string{"before\n", "after\n"} {
		s.here.write(word)
		typed += word
		eventually(t, "what was typed is there", func() bool {
			got, _ := os.ReadFile(file)
			return string(got) == typed
		})
		if word == "before\n" {
			awaitSame(t, s.there, s.here)
			l.cutWire(*wireCut, s.dims)
			l.await(s.viewer, "joined", "resumed=true")
		}
	}
	awaitSame(t, s.there, s.here)
}

// dims waits until the viewer shows an old picture as one: darker than the host's.
func (s *session) dims() {
	s.Helper()
	light := func(d *display) (sum int) {
		d.t.Helper()
		shot, err := d.shot(640, 480)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, b := range shot {
			sum += int(b)
		}
		return sum
	}
	eventually(s, "the picture is dimmed", func() bool { return 10*light(s.here) < 9*light(s.there) })
}

// cutWire drops all that goes through the internet for so long. Meanwhile something
// must happen.
func (l *lab) cutWire(d time.Duration, meanwhile func()) {
	l.Helper()
	if out, err := l.natlab("exec", "inet", "nft", "table inet cut { chain c { type filter hook forward priority 0; policy drop; }; }"); err != nil {
		l.Fatal(out, err)
	}
	over := time.After(d)
	meanwhile()
	<-over
	if out, err := l.natlab("exec", "inet", "nft", "delete table inet cut"); err != nil {
		l.Fatal(out, err)
	}
}

// TestNoRung: who cannot get through is told which rungs were tried and why each
// failed; a proxy that looks into TLS is named, and let be when the user says so. (T31)
func TestNoRung(t *testing.T) {
	for _, tt := range []struct {
		network string
		env     []string
		words   []string // of the viewer's last words
	}{
		{"proxynegotiate", nil, []string{"the proxy http://192.168.2.1:3128 takes Negotiate (Kerberos) only"}},
		{"proxybasic", []string{"HTTPS_PROXY=http://192.168.2.1:3128"}, []string{"wants a user and a password (Basic)"}},
		{"proxytls", nil, []string{`was issued by "LabInspector"`, "network.tls_inspection"}},
		{"proxytls", []string{"SIGHTLINE_NETWORK_TLS_INSPECTION=true"}, nil},
		{"proxybasic", []string{"NO_PROXY=11.0.0.0/8"}, []string{"tcp 11.0.0.10:4001: no answer"}},
	} {
		t.Run(tt.network, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "cone", tt.network)
			_, join := l.webRelay()
			env := append([]string{"SIGHTLINE_RELAYS=" + join, "SIGHTLINE_NETWORK_DIRECT=false", "HTTPS_PROXY=http://user:pass@192.168.2.1:3128"}, tt.env...)
			host := l.on("hostA", "host", env[:2], "host", "--json", "--accept", "--source", "pattern")
			code := l.await(host, "code").text("code")
			viewer := l.on("hostB", "viewer", env, "view", "--json", "--window", "none", code)
			if tt.words == nil {
				l.await(viewer, "stats", "refined=true")
				return
			}
			end := l.await(viewer, "end", "exit=6")
			told := end.text("reason") + " " + end.text("hint")
			for _, w := range append(tt.words, "11.0.0.10:4001", "wss 11.0.0.10:443", "ws 11.0.0.10:80") {
				if !strings.Contains(told, w) {
					t.Errorf("%q does not say %q", told, w)
				}
			}
			if strings.Contains(told, "192.168.2.1") == slices.Contains(tt.env, "NO_PROXY=11.0.0.0/8") {
				t.Errorf("the proxy in %q, with %s", told, tt.env)
			}
			l.exits(viewer, 6)
			// doctor finds the same, on the way that this is about.
			if report := l.doctor("hostB", env)(); !report.explains(tt.words[0]) || report.Relays[0].Reachable {
				t.Errorf("doctor does not say %q: %+v", tt.words[0], report)
			}
		})
	}
}

// TestTwoRelays: a host is registered at two. Either may be killed: the session
// goes on, and the next code works without saying where it lives. (T1)
func TestTwoRelays(t *testing.T) {
	for _, tt := range []struct {
		name    string
		carrier bool // the relay through which the session runs is killed
	}{{"the one that carries", true}, {"the other one", false}} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCrew(t)
			var relays []*actor
			var joins []string
			for _, name := range []string{"first", "second"} {
				r := c.start(name, nil, "relay", "--json", "--listen", "127.0.0.1:0")
				relays = append(relays, r)
				joins = append(joins, c.await(r, "ready").text("join"))
			}
			env := []string{"SIGHTLINE_RELAYS=" + strings.Join(joins, ",")}
			host := c.start("host", env, "host", "--json", "--accept", "--source", "pattern", "--relay-only")
			code := c.await(host, "code").text("code")
			viewer := c.start("viewer", env, "view", "--json", "--window", "none", "--relay-only", code)
			c.await(viewer, "stats", "refined=true")
			carries, err := parseWant([]string{"load", "circuits=1"})
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "a relay carries the session", func() bool { return relays[0].saw(carries)+relays[1].saw(carries) > 0 })
			victim := relays[0]
			if (victim.saw(carries) > 0) != tt.carrier {
				victim = relays[1]
			}
			victim.kill()
			c.await(host, "relay", "up=false")
			if tt.carrier {
				c.await(viewer, "joined", "resumed=true")
			} else {
				c.never(viewer, "waiting", "for~come back")
			}
			viewer.cmd.Process.Signal(syscall.SIGTERM)
			c.exits(viewer, 0)
			code = c.await(host, "code").text("code")
			next := c.start("next", env, "view", "--json", "--window", "none", "--relay-only", code)
			c.await(next, "joined")
			c.await(next, "stats")
		})
	}
}
