package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAppendRelay(t *testing.T) {
	cases := []struct{ name, before, after string }{
		{"empty file", "", "relays = [\n  \"NEW\",\n]\n"},
		{"comments only", "# mine", "# mine\nrelays = [\n  \"NEW\",\n]\n"},
		{"before the first table, above its comment", "# mine\n\n# how\n[host]\nviewers = 2\n", "# mine\n\nrelays = [\n  \"NEW\",\n]\n\n# how\n[host]\nviewers = 2\n"},
		{"before the first key", "name = 'x' # me\n", "relays = [\n  \"NEW\",\n]\n\nname = 'x' # me\n"},
		{"one line", "relays = ['a'] # office\n", "relays = ['a', \"NEW\"] # office\n"},
		{"one line, comma", "relays = ['a', ]\n", "relays = ['a',  \"NEW\"]\n"},
		{"empty list", "name='x'\nrelays = []\n", "name='x'\nrelays = [\"NEW\"]\n"},
		{"many lines", "relays = [\n\t'a', # one\n\t'b' # two\n]\n", "relays = [\n\t'a', # one\n\t'b', # two\n\t\"NEW\",\n]\n"},
		{"many lines, comma", "relays = [\n    'a',\n    # old: 'b',\n]\n[host]\n", "relays = [\n    'a',\n    # old: 'b',\n    \"NEW\",\n]\n[host]\n"},
		{"a list in a comment", "relays = [ # ] not the end\n  'a' ]\n", "relays = [ # ] not the end\n  'a', \"NEW\" ]\n"},
		{"byte order mark", "\ufeffname = 'x'\n", "\ufeffrelays = [\n  \"NEW\",\n]\n\nname = 'x'\n"},
		{"windows", "name = 'x'\r\nrelays = [\r\n  'a',\r\n]\r\n", "name = 'x'\r\nrelays = [\r\n  'a',\r\n  \"NEW\",\n]\r\n"},
		{"quoted key", "\"relays\" = ['a']", "\"relays\" = ['a', \"NEW\"]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := editRelays(c.before, append(relaysOf(c.before), "NEW"), appendRelay("NEW"))
			if err != nil {
				t.Fatal(err)
			}
			if got != c.after {
				t.Errorf("got\n%s\nwant\n%s", got, c.after)
			}
		})
	}
}

func TestRemoveRelay(t *testing.T) {
	cases := []struct {
		name, before string
		i            int
		after        string
	}{
		{"only", "relays = ['a'] # c\n", 0, "relays = [] # c\n"},
		{"first", "relays = ['a', 'b']\n", 0, "relays = ['b']\n"},
		{"last", "relays = ['a', 'b']\n", 1, "relays = ['a']\n"},
		{"middle", "relays = ['a', 'b', 'c']\n", 1, "relays = ['a', 'c']\n"},
		{"line with comment", "relays = [\n  'a', # one\n  'b', # two\n]\nname = 'x'\n", 0, "relays = [\n  'b', # two\n]\nname = 'x'\n"},
		{"last line without comma", "relays = [\n  'a',\n  'b'\n]\n", 1, "relays = [\n  'a'\n]\n"},
		{"after a comment", "relays = [\n  'a', # one, two\n  'b'\n]\n", 1, "relays = [\n  'a', # one, two\n]\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := slices.Delete(relaysOf(c.before), c.i, c.i+1)
			got, err := editRelays(c.before, want, removeRelay(c.i))
			if err != nil {
				t.Fatal(err)
			}
			if got != c.after {
				t.Errorf("got\n%s\nwant\n%s", got, c.after)
			}
		})
	}
}

// relaysOf reads the list without any check of its elements.
func relaysOf(text string) []string {
	s, err := scan(text)
	if err != nil {
		return nil
	}
	e := s.entry("relays")
	if e == nil {
		return nil
	}
	var relays []string
	for _, it := range e.items {
		relays = append(relays, strings.Trim(text[it.from:it.to], `'"`))
	}
	return relays
}

func TestEditRefusesWhatItCannotFollow(t *testing.T) {
	for _, text := range []string{"relays = 3", "relays = [['a']]", "[relays]\nx = 1"} {
		if got, err := editRelays(text, []string{"NEW"}, appendRelay("NEW")); err == nil {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestConfigRelay(t *testing.T) {
	ty := newTyped(t, "")
	step := func(out string, args ...string) {
		t.Helper()
		ty.out.Reset()
		ty.err.Reset()
		if err := ty.run(args...); err != nil {
			t.Fatal(err)
		}
		if ty.out.String() != out {
			t.Errorf("%v printed %q, want %q", args, ty.out.String(), out)
		}
		if strings.Contains(ty.err.String(), "token") {
			t.Errorf("%v put a token on stderr: %q", args, ty.err.String())
		}
	}
	step("", "config", "relay", "add", relayA)
	step("", "config", "relay", "add", relayB)
	step("", "config", "relay", "add", relayB) // twice is once
	step("1  "+relayA+"\n2  "+relayB+"\n", "config", "relay", "list")
	step("", "host")
	if got := ranAs[HostRun](ty).Settings.Relays; !slices.Equal(got, []string{relayA, relayB}) {
		t.Errorf("host has relays %q", got)
	}
	step("", "config", "relay", "remove", "a.example.org")
	step(`["`+relayB+`"]`+"\n", "config", "relay", "list", "--json")
	step("", "config", "relay", "remove", "1")
	step("", "config", "relay", "list")
	if got := ty.text(); got != "relays = [\n]\n" {
		t.Errorf("file at the end: %q", got)
	}
}

func TestConfigRelayRemoveAsksWhich(t *testing.T) {
	ty := newTyped(t, "relays = ['"+relayA+"', '"+relayB+"']")
	before := ty.text()
	if err := ty.run("config", "relay", "remove", "example.org"); err == nil || !strings.Contains(err.Error(), "more than one") {
		t.Errorf("error %v", err)
	}
	if ty.text() != before {
		t.Error("the file was changed")
	}
}

func TestConfigRelayFollowsALinkedFile(t *testing.T) {
	ty := newTyped(t, "")
	real := filepath.Join(t.TempDir(), "dotfiles.toml")
	os.WriteFile(real, []byte("# kept in git\n"), 0o600)
	os.MkdirAll(filepath.Dir(ty.file()), 0o700)
	if err := os.Symlink(real, ty.file()); err != nil {
		t.Skipf("symlink: %v", err)
	}
	if err := ty.run("config", "relay", "add", relayA); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(real); !strings.Contains(string(text), relayA) || !strings.HasPrefix(string(text), "# kept in git\n") {
		t.Errorf("target holds %q", text)
	}
	if info, err := os.Lstat(ty.file()); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
}
