package config

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	relayA = "sightline-relay:a.example.org:4001,192.0.2.1:443/12D3KooWA#tokenA"
	relayB = "sightline-relay:b.example.org:4001/12D3KooWB#tokenB"
)

// typed is one command line with its environment and file, and what came of it.
type typed struct {
	t    *testing.T
	home string
	env  map[string]string
	in   string
	tty  bool

	out, err bytes.Buffer
	ran      any // the XRun that a role was given
	runs     []string
}

func newTyped(t *testing.T, file string) *typed {
	home := t.TempDir()
	ty := &typed{t: t, home: home, env: map[string]string{"HOME": home, "TERM": "xterm", "XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home}}
	if file != "" {
		if err := os.MkdirAll(filepath.Join(home, "sightline"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(ty.file(), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return ty
}

func (ty *typed) file() string { return filepath.Join(ty.home, "sightline", "config.toml") }

func (ty *typed) text() string {
	text, err := os.ReadFile(ty.file())
	if err != nil {
		ty.t.Fatal(err)
	}
	return string(text)
}

// keep is a role that remembers what it was given.
func keep[T any](ty *typed, name string) func(context.Context, T) error {
	return func(_ context.Context, with T) error {
		ty.ran, ty.runs = with, append(ty.runs, name)
		return nil
	}
}

func (ty *typed) roles() Roles {
	return Roles{
		Start: keep[StartRun](ty, "start"), Host: keep[HostRun](ty, "host"), View: keep[ViewRun](ty, "view"),
		Relay: keep[RelayRun](ty, "relay"), Demo: keep[DemoRun](ty, "demo"), Ctl: keep[CtlRun](ty, "ctl"),
		DoctorNetwork: keep[DoctorRun](ty, "network"), DoctorDisplay: keep[DoctorRun](ty, "display"),
		DoctorFirewall: keep[DoctorRun](ty, "firewall"),
		Version: func() VersionInfo {
			return VersionInfo{Version: "1.2.3", Commit: "abc", Go: "go1", OS: "linux", Arch: "amd64", Protocol: 1}
		},
		Explain: func() []ExitRow { return []ExitRow{{0, "ok"}, {130, "interrupted"}} },
		CheckRelay: func(s string) error {
			if strings.Contains(s, "broken") {
				return errors.New("it ends too early")
			}
			return nil
		},
		ReadPrivate:  func(path string, limit int64) ([]byte, error) { return os.ReadFile(path) },
		WritePrivate: func(path string, data []byte) error { return writeAll(path, data) },
		World: World{
			LookupEnv: func(k string) (string, bool) { v, ok := ty.env[k]; return v, ok },
			Unsetenv:  func(k string) error { delete(ty.env, k); return nil },
			Terminal:  func(any) bool { return ty.tty },
			Hostname:  func() (string, error) { return "build-7.example.org", nil },
		},
	}
}

func writeAll(path string, data []byte) error {
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600))
}

func (ty *typed) run(args ...string) error {
	cmd := Command(ty.roles())
	cmd.SetArgs(Words(args))
	cmd.SetIn(strings.NewReader(ty.in))
	cmd.SetOut(&ty.out)
	cmd.SetErr(&ty.err)
	return cmd.ExecuteContext(context.Background())
}

func ranAs[T any](ty *typed) T {
	ty.t.Helper()
	with, ok := ty.ran.(T)
	if !ok {
		ty.t.Fatalf("ran %T (%v)", ty.ran, ty.runs)
	}
	return with
}

func TestHostRun(t *testing.T) {
	cases := []struct {
		name  string
		args  string
		env   map[string]string
		file  string
		check func(HostRun) (got, want any)
	}{
		{"defaults", "host", nil, "", func(h HostRun) (any, any) {
			want := Defaults()
			want.Name = "build-7"
			return h.Settings, want
		}},
		{"file", "host", nil, "relays = ['" + relayA + "']\n[host]\nexpire = '2m'\nallow = ['control']", func(h HostRun) (any, any) {
			return []any{h.Settings.Relays, h.Settings.Host.Expire, h.Settings.Host.Allow},
				[]any{[]string{relayA}, 2 * time.Minute, []string{"view", "pointer", "keyboard"}}
		}},
		{"environment beats file", "host", map[string]string{"SIGHTLINE_HOST_MAX_FPS": "30", "SIGHTLINE_RELAYS": relayA + "," + relayB}, "[host]\nmax_fps = 20", func(h HostRun) (any, any) {
			return []any{h.Settings.Host.MaxFPS, h.Settings.Relays}, []any{30, []string{relayA, relayB}}
		}},
		{"flag beats environment", "host --max-fps 10 --name me --relay " + relayB, map[string]string{"SIGHTLINE_HOST_MAX_FPS": "30", "SIGHTLINE_RELAYS": relayA}, "", func(h HostRun) (any, any) {
			return []any{h.Settings.Host.MaxFPS, h.Settings.Name, h.Settings.Relays}, []any{10, "me", []string{relayB}}
		}},
		{"origins", "host --max-fps 10", map[string]string{"SIGHTLINE_NAME": "x"}, "", func(h HostRun) (any, any) {
			return []any{h.Origins.Of("host.max_fps").String(), h.Origins.Of("name").String(), h.Origins.Of("relays").String()},
				[]any{"--max-fps", "SIGHTLINE_NAME", "default"}
		}},
		{"empty variable is unset", "host", map[string]string{"SIGHTLINE_HOST_ALLOW": " "}, "[host]\nallow = ['pointer']", func(h HostRun) (any, any) {
			return h.Settings.Host.Allow, []string{"view", "pointer"}
		}},
		{"relay none", "host --relay none --listen :4001", nil, "relays = ['" + relayA + "']", func(h HostRun) (any, any) {
			return []any{h.Settings.Relays, h.Settings.Network.Listen}, []any{[]string{}, ":4001"}
		}},
		{"relay only", "--host --relay-only --json --accept --allow view,control --relay " + relayA, nil, "", func(h HostRun) (any, any) {
			return []any{h.Settings.Network.RelayOnly, h.Settings.Network, h.JSON, h.Accept, h.Settings.Host.Allow},
				[]any{true, Network{Listen: "none", RelayOnly: true, Proxy: "system"}, true, true, []string{"view", "pointer", "keyboard"}}
		}},
		{"lan only", "host --lan-only", nil, "relays = ['" + relayA + "']\n[network]\nlan = false", func(h HostRun) (any, any) {
			return []any{h.Settings.Network.LANOnly, h.Settings.Relays, h.Settings.Network.LAN, h.Settings.Network.Direct}, []any{true, []string{}, true, true}
		}},
		{"relay only, in the file", "host", nil, "relays = ['" + relayA + "']\n[network]\nrelay_only = true", func(h HostRun) (any, any) {
			return []any{h.Settings.Network, h.Origins.Of("network.listen").Kind}, []any{Network{Listen: "none", RelayOnly: true, Proxy: "system"}, "file"}
		}},
		{"lan only outweighs the file", "host --lan-only", nil, "relays = ['" + relayA + "']\n[network]\nrelay_only = true", func(h HostRun) (any, any) {
			return h.Settings.Network, Network{Listen: ":0", LANOnly: true, LAN: true, Direct: true, Proxy: "system"}
		}},
		{"how to reach others", "host --udp-ports 40000-40099 --map-ports --quiet-network", map[string]string{"SIGHTLINE_NETWORK_UDP_PORTS": "7"}, "", func(h HostRun) (any, any) {
			first, last := h.Settings.Network.PortRange()
			return []any{first, last, h.Settings.Network.MapPorts, h.Settings.Network.Quiet}, []any{uint16(40000), uint16(40099), true, true}
		}},
		{"one port", "host", map[string]string{"SIGHTLINE_NETWORK_UDP_PORTS": "40000"}, "", func(h HostRun) (any, any) {
			first, last := h.Settings.Network.PortRange()
			return []any{first, last}, []any{uint16(40000), uint16(40000)}
		}},
		{"no direct", "host --no-direct", nil, "", func(h HostRun) (any, any) {
			return []any{h.Settings.Network.Direct, h.Settings.Network.LAN}, []any{false, true}
		}},
		{"clipboard", "host --allow clipboard", nil, "", func(h HostRun) (any, any) {
			return h.Settings.Host.Allow, []string{"view", "clip-to-host", "clip-to-viewer"}
		}},
		{"app", "host --app xterm --virtual 800x600", nil, "", func(h HostRun) (any, any) {
			return []any{h.App, h.Virtual}, []any{"xterm", image.Pt(800, 600)}
		}},
		{"window", "host --window xterm --window 0x12 --allow-raise", nil, "", func(h HostRun) (any, any) {
			return []any{h.Windows, h.Raise}, []any{[]string{"xterm", "0x12"}, true}
		}},
		{"pick", "host --pick --allow-raise", nil, "", func(h HostRun) (any, any) {
			return []any{h.Windows, h.Pick}, []any{[]string(nil), true}
		}},
		{"screen", "host --screen DP-1 --once --viewers 3 --expire 90s --accept-cmd true", nil, "", func(h HostRun) (any, any) {
			return []any{h.Settings.Host.Source, h.Once, h.Settings.Host.Viewers, h.Settings.Host.Expire, h.AcceptCmd},
				[]any{"screen:DP-1", true, 3, 90 * time.Second, "true"}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ty := newTyped(t, c.file)
			for k, v := range c.env {
				ty.env[k] = v
			}
			if err := ty.run(strings.Fields(c.args)...); err != nil {
				t.Fatal(err)
			}
			if got, want := c.check(ranAs[HostRun](ty)); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestUsageErrors(t *testing.T) {
	cases := []struct{ name, args, env, file, msg, hint string }{
		{"unknown command", "hots", "", "", `there is no command "hots"`, "did you mean `sightline host`?"},
		{"unknown verb", "ctl stats", "", "", `there is no command "ctl stats"`, "did you mean `sightline ctl status`?"},
		{"no verb", "ctl", "", "", "sightline ctl needs one more word", "--help"},
		{"unknown flag", "host --relays x", "", "", "sightline host has no flag --relays", "did you mean --relay?"},
		{"unknown short flag", "host -x", "", "", "sightline host has no flag -x", "--help"},
		{"missing value", "host --expire", "", "", "--expire needs a value", "--help"},
		{"duration", "host --expire soon", "", "", `--expire: "soon" is not a time; write 90s, 15m or 2h`, ""},
		{"duration range", "host --expire 1s", "", "", "--expire: 1s is out of range; it goes from 10s to 24h", ""},
		{"number", "host --viewers many", "", "", `--viewers: "many" is not a whole number from 1 to 16`, ""},
		{"number range", "host --viewers 17", "", "", "--viewers: 17 is out of range; it goes from 1 to 16", ""},
		{"app and source", "host --app xterm --source pattern", "", "", "--app and --source exclude each other", ""},
		{"no command", "host --app= --accept", "", "", "--app names no command", "xterm"},
		{"no size", "host --virtual 1920", "", "", `--virtual: "1920" is not the size of a display`, "1920x1080"},
		{"size too small", "host --virtual 10x10", "", "", `--virtual: "10x10" is not the size of a display`, "320x200"},
		{"right", "host --allow veiw", "", "", `--allow: there is no right "veiw"`, "rights are"},
		{"right of a later version", "host --allow view,terminal", "", "", "--allow: the right terminal is not available in this version", "rights are"},
		{"source", "host --source window:", "", "", "--source: window needs a part of the title, the class or the ID", "window:xterm"},
		{"window", "host --window xterm --app xterm", "", "", "--window and --app exclude each other", ""},
		{"source and screen", "host --source auto --screen x", "", "", "--source and --screen exclude each other", ""},
		{"screen without name", "host --screen=", "", "", "--screen: screen needs the name of a screen", "doctor display"},
		{"listen", "host --listen 4001", "", "", `--listen: "4001" is not an address to listen on`, ":4001"},
		{"listen on a name", "host --listen localhost:1", "", "", `--listen: "localhost" is not an IP address of this machine`, "write :1"},
		{"relay", "host --relay example.org", "", "", `--relay: "example.org" is not a relay's string`, "paste the whole line"},
		{"broken relay", "host --relay sightline-relay:broken", "", "", "--relay: relay 1: it ends too early", "paste"},
		{"none and a relay", "host --relay none --relay " + relayA, "", "", "--relay: none and a relay exclude each other", ""},
		{"relay only without relay", "host --relay-only", "", "", "--relay-only needs a relay, and none is set", "config relay add"},
		{"two ways", "host --relay-only --lan-only", "", "", "--relay-only and --lan-only exclude each other", ""},
		{"lan only with relay", "host --lan-only --relay " + relayA, "", "", "--lan-only and --relay exclude each other", ""},
		{"relay only with listen", "host --relay-only --listen :1 --relay " + relayA, "", "", "--relay-only and --listen exclude each other", ""},
		{"ports", "host --udp-ports 9-8", "", "", `--udp-ports: "9-8" is not a range of ports`, "40000-40099"},
		{"port 0", "host", "SIGHTLINE_NETWORK_UDP_PORTS=0-9", "", `SIGHTLINE_NETWORK_UDP_PORTS: "0-9" is not a range of ports`, "40000-40099"},
		{"two ways only", "host", "", "[network]\nrelay_only = true\nlan_only = true", "network.relay_only and network.lan_only exclude each other", "one of them"},
		{"direct past the relay", "view --direct h:1 1", "SIGHTLINE_RELAYS=" + relayA, "[network]\nrelay_only = true", "--direct goes past every relay", "--relay-only=false"},
		{"network", "relay", "SIGHTLINE_RELAY_TRUSTED=office", "", `SIGHTLINE_RELAY_TRUSTED: "office" is not a network`, "192.0.2.0/24"},
		{"accept twice", "host --accept --accept-cmd x", "", "", "--accept and --accept-cmd exclude each other", ""},
		{"argument", "host now", "", "", `sightline host takes no argument, and "now" is one`, "--help"},
		{"flag of a later version", "host --windows x", "", "", "sightline host has no flag --windows", ""},
		{"direct", "view --direct 192.0.2.1 48291", "", "", `--direct: "192.0.2.1" is not HOST:PORT`, "4001"},
		{"direct and relay only", "view --direct 192.0.2.1:1 --relay-only 1", "", "", "--direct and --relay-only exclude each other", ""},
		{"view only and ask", "view --view-only --ask view 1", "", "", "--ask and --view-only exclude each other", ""},
		{"window", "view --window nativ 1", "", "", `--window: "nativ" is not possible; it is one of auto, native, terminal, none`, "did you mean native?"},
		{"code twice", "view --code-file f 48291", "", "", "the code is given twice", ""},
		{"announce", "relay --announce https://x", "", "", `--announce: "https://x" is not a host name or address`, "relay.example.org"},
		{"demo source", "demo --source x", "", "", `--source: "x" is not something that can be shared`, ""},
		{"demo for", "demo --for 5", "", "", `--for: "5" is not a time`, ""},
		{"kick whom", "ctl kick", "", "", "it is used as: sightline ctl kick WHO", "ctl status"},
		{"grant what", "ctl grant 1", "", "", "it is used as: sightline ctl grant WHO LIST", "ctl status"},
		{"ask what", "ctl ask", "", "", "it is used as: sightline ctl ask LIST", "control or clipboard"},
		{"ask whom", "ctl ask 1 clipboard", "", "", "it is used as: sightline ctl ask LIST", "control or clipboard"},
		{"grant nothing", "ctl grant 1 ,", "", "", "no right is named", ""},
		{"control characters", "ctl kick \x1b[2J", "", "", `"?[2J" is neither`, ""},
		{"environment", "host", "SIGHTLINE_HOST_EXPIRE=never", "", `SIGHTLINE_HOST_EXPIRE: "never" is not a time`, ""},
		{"relay in environment", "host", "SIGHTLINE_RELAYS=sightline-relay:broken", "", "SIGHTLINE_RELAYS: relay 1: it ends too early", "paste"},
		{"missing file", "--config /nonexistent/c.toml host", "", "", "there is no settings file /nonexistent/c.toml", "--config"},
		{"unknown key", "host", "", "name = 'a'\n\n[host]\nexpires = '1m'", `FILE:4: unknown key "host.expires"`, "did you mean host.expire?"},
		{"unknown table", "host", "", "[hosts]\nallow = []\nx = 1", `FILE:1: unknown key "hosts"`, "did you mean host?"},
		{"key in the wrong table", "host", "", "expire = '1m'", `FILE:1: unknown key "expire"`, "did you mean host.expire?"},
		{"key of a later version", "host", "", "[relay]\nlog_addresses = true", "FILE:2: relay.log_addresses is not available in this version", "remove the line"},
		{"no proxy", "host --proxy proxy.example.org:3128", "", "", "--proxy: the proxy is neither system, none nor a proxy's URL", "http://USER@"},
		{"a proxy's password in the open", "host", "", "[network]\nproxy = 'http://me:secret@proxy'", "FILE:2: network.proxy: the proxy's URL holds a password", "proxy_password_file"},
		{"a tilde that no shell reads", "host", "", "[network]\nproxy_password_file = '~/pw'", `FILE:2: network.proxy_password_file: "~/pw" is not the name of a file`, "without ~"},
		{"a certificate for an address", "relay", "", "[relay]\nacme = ['192.0.2.1']", `FILE:2: relay.acme: "192.0.2.1" is not a name that can get a certificate`, "relay.example.org"},
		{"an authority without TLS", "relay", "", "[relay]\nacme_directory = 'http://ca.example.org/dir'", `FILE:2: relay.acme_directory: "http://ca.example.org/dir" is not the directory`, "https://"},
		{"a scheme that is none", "relay --listen http://:8080", "", "", `--listen: "http://:8080" is not an address to listen on`, ""},
		{"wrong type", "host", "", "[host]\nmax_fps = '60'", "FILE:2: host.max_fps: it must be a whole number, not text", ""},
		{"bare time", "host", "", "[host]\nexpire = 15", `FILE:2: host.expire: it must be a time in quotes, such as "15m", not the number 15`, ""},
		{"list in a list", "host", "", "relays = [[]]", `FILE:1: relays: it must be a list of texts, such as ["a", "b"], not a list`, ""},
		{"table that is none", "host", "", "host = 3", "FILE:1: host: it must be a table, not the number 3", ""},
		{"list of tables", "host", "", "[[host]]\nallow=['view']", "FILE:1: host: it must be a table, not a list", ""},
		{"value in the file", "host", "", "[viewer]\nscale = '2:1'", `FILE:2: viewer.scale: "2:1" is not possible`, ""},
		{"no value", "host", "", "\nname =", "FILE: line 2: a value is missing", ""},
		{"twice", "host", "", "name = 'a'\nname = 'b'", "FILE:2: not valid TOML: Key 'name' has already been defined", ""},
		{"nested", "host", "", "a = " + strings.Repeat("[", 40), "FILE: line 1: lists and tables are nested deeper", ""},
		{"too long", "host", "", strings.Repeat("#", maxFile+1), "FILE is longer than 1 MiB", ""},
		{"nothing to start on", "", "", "", "no command is given, and there is no terminal", "sightline help"},
		{"config relay add garbage", "config relay add x", "", "", `"x" is not a relay's string`, "paste"},
		{"config relay add broken", "config relay add sightline-relay:broken", "", "", "STRING: relay 1: it ends too early", "paste"},
		{"config relay remove none", "config relay remove x", "", "", `no kept relay has "x"`, "list"},
		{"help for nothing", "help hots", "", "", `there is no command "hots"`, "did you mean `sightline host`?"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ty := newTyped(t, c.file)
			if k, v, ok := strings.Cut(c.env, "="); ok {
				ty.env[k] = v
			}
			err := ty.run(strings.Fields(c.args)...)
			var bad *UsageError
			if !errors.As(err, &bad) {
				t.Fatalf("error %v (%T), want a UsageError", err, err)
			}
			msg := strings.ReplaceAll(bad.Error(), ty.file(), "FILE")
			if !strings.HasPrefix(msg, c.msg) || !strings.Contains(bad.Hint(), c.hint) {
				t.Errorf("got  %s | %s\nwant %s | %s", msg, bad.Hint(), c.msg, c.hint)
			}
			if ty.out.Len()+ty.err.Len() > 0 || ty.ran != nil {
				t.Errorf("printed %q %q, ran %T", &ty.out, &ty.err, ty.ran)
			}
		})
	}
}

func TestOtherRuns(t *testing.T) {
	cases := []struct {
		args  string
		check func(*typed) (got, want any)
	}{
		{"relay --listen :443 --listen :4001 --announce relay.example.org --open --json", func(ty *typed) (any, any) {
			r := ranAs[RelayRun](ty)
			return []any{r.Settings.Relay.Listen, r.Settings.Relay.Announce, r.Settings.Relay.Open, r.JSON}, []any{[]string{":443", ":4001"}, []string{"relay.example.org"}, true, true}
		}},
		{"--relay", func(ty *typed) (any, any) { return ranAs[RelayRun](ty).Settings.Relay, Defaults().Relay }},
		{"demo --for 5s --json --window none", func(ty *typed) (any, any) {
			d := ranAs[DemoRun](ty)
			return []any{d.For, d.JSON, d.Source, d.Settings.Viewer.Window}, []any{5 * time.Second, true, "pattern", "none"}
		}},
		{"ctl kick 2 --id x --json", func(ty *typed) (any, any) {
			c := ranAs[CtlRun](ty)
			seat, ok := c.Seat()
			return []any{c.Verb, seat, ok, c.ID, c.JSON, len(c.Allow)}, []any{"kick", 2, true, "x", true, 0}
		}},
		{"ctl admit --allow control", func(ty *typed) (any, any) {
			c := ranAs[CtlRun](ty)
			return []any{c.Verb, c.Who, c.Allow}, []any{"admit", "", []string{"view", "pointer", "keyboard"}}
		}},
		{"ctl grant build-7 view,pointer", func(ty *typed) (any, any) {
			c := ranAs[CtlRun](ty)
			return []any{c.Verb, c.Who, c.Allow}, []any{"grant", "build-7", []string{"view", "pointer"}}
		}},
		{"ctl ask clipboard", func(ty *typed) (any, any) {
			c := ranAs[CtlRun](ty)
			return []any{c.Verb, c.Who, c.Allow}, []any{"ask", "", []string{"view", "clip-to-host", "clip-to-viewer"}}
		}},
		{"ctl stop", func(ty *typed) (any, any) { return ranAs[CtlRun](ty).Verb, "stop" }},
		{"doctor network --json", func(ty *typed) (any, any) {
			return []any{ranAs[DoctorRun](ty).JSON, ty.runs}, []any{true, []string{"network"}}
		}},
		{"doctor", func(ty *typed) (any, any) { return ty.runs, []string{"display", "network"} }},
		{"view --in-terminal --view-only --fullscreen --scale 1:1 48291-7304-4187", func(ty *typed) (any, any) {
			v := ranAs[ViewRun](ty)
			return []any{v.Settings.Viewer.Window, v.Ask, v.Fullscreen, v.Settings.Viewer.Scale}, []any{"terminal", []string{"view"}, true, "1:1"}
		}},
		{"view --direct [2001:db8::7]:4001 1", func(ty *typed) (any, any) {
			v := ranAs[ViewRun](ty)
			return []any{v.Direct, v.Ask}, []any{"[2001:db8::7]:4001", []string{"view", "pointer", "keyboard"}}
		}},
	}
	for _, c := range cases {
		t.Run(c.args, func(t *testing.T) {
			ty := newTyped(t, "")
			if err := ty.run(strings.Fields(c.args)...); err != nil {
				t.Fatal(err)
			}
			if got, want := c.check(ty); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// A broken file must not keep anybody from ending a session.
func TestCtlNeedsNoSettings(t *testing.T) {
	ty := newTyped(t, "this is no TOML")
	if err := ty.run("ctl", "stop"); err != nil {
		t.Error(err)
	}
}

func TestFullScreen(t *testing.T) {
	for args, want := range map[string]bool{"host": true, "host --json": false, "host --plain": false} {
		ty := newTyped(t, "")
		ty.tty = true
		if err := ty.run(strings.Fields(args)...); err != nil {
			t.Fatal(err)
		}
		if h := ranAs[HostRun](ty); h.FullScreen != want || !h.Terminal {
			t.Errorf("%s: full screen %v, terminal %v", args, h.FullScreen, h.Terminal)
		}
	}
	ty := newTyped(t, "")
	ty.tty, ty.env["TERM"] = true, "dumb"
	if err := ty.run("host"); err != nil || ranAs[HostRun](ty).FullScreen {
		t.Errorf("a dumb terminal was given a full screen: %v", err)
	}
	ty = newTyped(t, "")
	ty.tty = true
	if err := ty.run(); err != nil || !reflect.DeepEqual(ty.runs, []string{"start"}) {
		t.Errorf("bare command on a terminal: %v, ran %v", err, ty.runs)
	}
}

func TestReadErrorsKeepTheirCause(t *testing.T) {
	ty := newTyped(t, "")
	os.MkdirAll(ty.file(), 0o700) // a directory where the file should be
	err := ty.run("host")
	var cause *fs.PathError
	if !errors.As(err, &cause) {
		t.Errorf("error %v, want a PathError inside", err)
	}
}
