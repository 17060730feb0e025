package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// documented is the settings file as the README shows it.
const documented = `relays = ["sightline-relay:x"]   # strings printed by sightline relay
name   = "build-7"

[host]
source  = "auto"
allow   = ["view"]
viewers = 1
expire  = "15m"
max_fps = 60

[viewer]
window    = "auto"
scale     = "fit"
grab_keys = "fullscreen"

[network]
listen = ":0"
direct = true
lan    = true

[relay]
listen = [":4001"]
trusted = ["192.0.2.0/24"]
limits = { circuits = 8, numbers_per_hour = 9 }
`

func TestLines(t *testing.T) {
	settings, err := parseFile("f", documented)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for _, s := range settings {
		lines[s.key.name] = s.line
	}
	want := map[string]int{
		"relays": 1, "name": 2,
		"host.source": 5, "host.allow": 6, "host.viewers": 7, "host.expire": 8, "host.max_fps": 9,
		"viewer.window": 12, "viewer.scale": 13, "viewer.grab_keys": 14,
		"network.listen": 17, "network.direct": 18, "network.lan": 19,
		"relay.listen": 22, "relay.trusted": 23, "relay.limits.circuits": 24, "relay.limits.numbers_per_hour": 24,
	}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("got  %v\nwant %v", lines, want)
	}
}

func TestScan(t *testing.T) {
	text := "a.'b c' = \"\"\"x\n\\\"\"\"\"\"\"\n[[t]] # [\nk = [ [1], # ,\n '\\', \"\\\"]\" ,]\nd = 1979-05-27 07:32:00 # ]\n"
	s, err := scan(text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range s.entries {
		got = append(got, e.name+"@"+string(rune('0'+e.line))+"="+text[e.from:e.to])
	}
	want := []string{"a.b c@1=\"\"\"x\n\\\"\"\"\"\"\"", "t.k@4=[ [1], # ,\n '\\', \"\\\"]\" ,]", "t.d@6=1979-05-27 07:32:00"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if n := len(s.entries[1].items); n != 3 {
		t.Errorf("the list has %d items, want 3", n)
	}
}

// Any bytes: no panic, bounded work; what is accepted has a line, can be shown
// and read again as the same, and can take one more relay.
func FuzzConfig(f *testing.F) {
	f.Add(documented)
	f.Add("")
	f.Add("relays = [\n 'sightline-relay:a', # c\n]")
	f.Add("host = {allow = ['control'], viewers = 3}")
	f.Add("host.\"allow\" = ['view']\nname = \"\"\"\nx\"\"\"")
	f.Add("a = " + strings.Repeat("[", 50))
	f.Add("a." + strings.Repeat("a.", 50) + "a = 1")
	f.Add("[host]\nmax_fps = 1_0\n[viewer] # x\nscale = '1:1'\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		settings, bad := parseFile("f", text)
		if bad != nil {
			if strings.ContainsFunc(bad.Error(), unprintable) {
				t.Errorf("error for a terminal: %q", bad.Error())
			}
			return
		}
		s := Defaults()
		for _, set := range settings {
			if set.line == 0 {
				t.Errorf("%s has no line", set.key.name)
			}
			if err := set.key.value.fromTOML(&s, set.value); err != nil {
				return
			}
		}
		sameAgain(t, s)
		want := append(rawRelays(text), "NEW")
		if edited, bad := editRelays(text, want, appendRelay("NEW")); bad == nil {
			if _, bad := parseFile("f", edited); bad != nil {
				t.Errorf("%q became %q: %v", text, edited, bad)
			}
		}
	})
}

func rawRelays(text string) []string {
	var file struct{ Relays []string }
	toml.Decode(text, &file)
	return file.Relays
}

// sameAgain prints settings as `config show` does and reads them back.
func sameAgain(t *testing.T, s Settings) {
	t.Helper()
	if s.Name == "" {
		s.Name = "x"
	}
	var b strings.Builder
	if err := printSettings(&b, Common{Settings: s, Origins: Origins{}}, true); err != nil {
		t.Fatal(err)
	}
	again := Defaults()
	settings, bad := parseFile("shown", b.String())
	if bad != nil {
		t.Fatalf("%v in\n%s", bad, &b)
	}
	for _, set := range settings {
		if err := set.key.value.fromTOML(&again, set.value); err != nil {
			t.Fatalf("%s: %v", set.key.name, err)
		}
	}
	if !reflect.DeepEqual(s, again) {
		t.Errorf("shown and read again:\n%+v\n%+v", s, again)
	}
}

func TestKeysAreWhole(t *testing.T) {
	seen := map[string]bool{}
	s := Defaults()
	for _, k := range keys {
		if seen[k.env()] {
			t.Errorf("%s stands for two keys", k.env())
		}
		seen[k.env()] = true
		if later[k.name] != "" {
			t.Errorf("%s is available and not available", k.name)
		}
		if k.value.literal(&s) == "" {
			t.Errorf("%s has no literal", k.name)
		}
	}
	for _, want := range []string{"SIGHTLINE_RELAYS", "SIGHTLINE_NAME", "SIGHTLINE_HOST_ALLOW", "SIGHTLINE_RELAY_LIMITS_CIRCUITS"} {
		if !seen[want] {
			t.Errorf("there is no %s", want)
		}
	}
	s.Name = "x"
	sameAgain(t, s)
}

func TestSplitList(t *testing.T) {
	for text, want := range map[string][]string{
		"":                            {},
		"view, control ,":             {"view", "control"},
		relayA:                        {relayA},
		relayA + " , " + relayB + ",": {relayA + " ", relayB + ","},
		"none":                        {"none"},
	} {
		if got := splitList(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestShortSpan(t *testing.T) {
	for text, want := range map[string]string{"90s": "1m30s", "15m": "15m", "2h": "2h", "24h0m0s": "24h", "1h30m": "1h30m", "10s": "10s", "100ms": "100ms"} {
		d, err := parseSpan(text, 0, 1<<62)
		if err != nil || shortSpan(d) != want {
			t.Errorf("%s: %s, %v; want %s", text, shortSpan(d), err, want)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"status", "stop", "admit", "grant", "relay-only"}
	for word, want := range map[string]string{"stats": "status", "sotp": "stop", "x": "", "relayonly": "relay-only", "": "", strings.Repeat("stop", 1000): ""} {
		if got := nearest(word, words); got != want {
			t.Errorf("%.20q: %q, want %q", word, got, want)
		}
	}
}

// The largest file that is read takes moments, whatever is in it: the depth
// limit keeps the TOML package linear.
func BenchmarkWorstFile(b *testing.B) {
	fill := func(line string) string { return strings.Repeat(line, maxFile/len(line)) }
	var keys, tables strings.Builder
	for i := 0; keys.Len() < maxFile-64; i++ {
		fmt.Fprintf(&keys, "a.b.c.d.e.f.g.h%d = 1\n", i)
		fmt.Fprintf(&tables, "[a.b.c.d.e.f.g.h%d]\n", i)
	}
	for name, text := range map[string]string{
		"keys": keys.String(), "tables": tables.String(), "lists": "a = [" + fill("[[[[[]]]]],") + "]",
		"tables in a list": fill("[[a]]\n"), "text": "a = '" + fill("x") + "'", "comments": fill("#\n"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				parseFile("f", text)
			}
		})
	}
}
