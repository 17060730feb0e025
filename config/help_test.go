package config

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestHelp(t *testing.T) {
	for args, want := range map[string][]string{
		"--help":            {"Examples:\n  sightline host", "Commands:", "  ctl ", "Exit codes:\n    0  ok\n  130  interrupted\n"},
		"help":              {"Exit codes:"},
		"help host":         {"sightline host --once --json --accept", "--relay-only", "--expire TIME", "(default 15m)", "Flags of all commands:", "--config FILE"},
		"view --help":       {"on a shared machine give the number", "--code-file FILE"},
		"ctl --help":        {"Commands:\n  admit"},
		"config relay -h":   {"sightline config relay add", "mode 0600"},
		"ctl kick --help":   {"sightline ctl kick WHO", "--id ID"},
		"completion --help": {"bash"},
	} {
		t.Run(args, func(t *testing.T) {
			ty := newTyped(t, "this is no TOML")
			if err := ty.run(strings.Fields(args)...); err != nil {
				t.Fatal(err)
			}
			for _, w := range want {
				if !strings.Contains(ty.out.String(), w) {
					t.Errorf("no %q in\n%s", w, &ty.out)
				}
			}
		})
	}
}

// Every command has a sentence, every flag a help text that names its value.
func TestEverythingIsExplained(t *testing.T) {
	root := Command(newTyped(t, "").roles())
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s has no sentence", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s has no help text", c.CommandPath(), f.Name)
			}
			if f.NoOptDefVal == "" && !strings.Contains(f.Usage, "`") {
				t.Errorf("%s --%s does not name its value", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
}

func TestCompletion(t *testing.T) {
	for args, want := range map[string]string{
		"__complete view --window t":    "terminal\n",
		"__complete view --grab-keys n": "never\n",
		"__complete host --allow c":     "control\n",
		"__complete ho":                 "host\t",
		"__complete ctl gr":             "grant\t",
	} {
		ty := newTyped(t, "broken")
		if err := ty.run(strings.Fields(args)...); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(ty.out.String(), want) {
			t.Errorf("%s: %q, want %q", args, ty.out.String(), want)
		}
	}
	ty := newTyped(t, "")
	if err := ty.run("completion", "bash"); err != nil || !strings.Contains(ty.out.String(), "__start_sightline") {
		t.Errorf("bash completion: %v", err)
	}
}

func TestVersion(t *testing.T) {
	ty := newTyped(t, "")
	if err := ty.run("version"); err != nil || ty.out.String() != "sightline 1.2.3 commit abc, session protocol 1, go1 linux/amd64\n" {
		t.Errorf("%q, %v", ty.out.String(), err)
	}
	flag := newTyped(t, "")
	if err := flag.run("--version"); err != nil || flag.out.String() != ty.out.String() {
		t.Errorf("--version: %q, %v", flag.out.String(), err)
	}
	ty = newTyped(t, "")
	if err := ty.run("version", "--json"); err != nil || ty.out.String() != `{"version":"1.2.3","commit":"abc","go":"go1","os":"linux","arch":"amd64","protocol":1}`+"\n" {
		t.Errorf("%q, %v", ty.out.String(), err)
	}
}

func TestConfigShow(t *testing.T) {
	ty := newTyped(t, "[host]\nexpire = '2m'")
	ty.env["SIGHTLINE_HOST_ALLOW"] = "control"
	if err := ty.run("config", "show", "--origin"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`name = "build-7"`, `expire = "2m"`, "# " + ty.file() + ":2\n", `allow = ["view", "pointer", "keyboard"] # SIGHTLINE_HOST_ALLOW`, "# default", "[relay.limits]\n"} {
		if !strings.Contains(ty.out.String(), want) {
			t.Errorf("no %q in\n%s", want, &ty.out)
		}
	}
	ty.out.Reset()
	if err := ty.run("config", "show", "--json"); err != nil {
		t.Fatal(err)
	}
	var all map[string]shown
	if err := json.Unmarshal(ty.out.Bytes(), &all); err != nil || len(all) != len(keys) {
		t.Fatalf("%v in %s", err, &ty.out)
	}
	if got, want := all["host.allow"], (shown{[]any{"view", "pointer", "keyboard"}, "environment", "SIGHTLINE_HOST_ALLOW"}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestWords(t *testing.T) {
	for in, want := range map[string]string{"--host --json": "host --json", "--view 1": "view 1", "--relay": "relay", "host --relay x": "host --relay x", "": ""} {
		if got := strings.Join(Words(strings.Fields(in)), " "); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestDirs(t *testing.T) {
	cases := []struct {
		name, goos string
		env        map[string]string
		want       Dirs
	}{
		{"plain", "linux", map[string]string{"HOME": "/h"}, Dirs{"/h/.config/sightline", "/h/.local/state/sightline", "/h/.local/state/sightline"}},
		{"XDG", "linux", map[string]string{"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/r"}, Dirs{"/c/sightline", "/s/sightline", "/r/sightline"}},
		{"relative is ignored", "linux", map[string]string{"HOME": "/h", "XDG_CONFIG_HOME": "c", "XDG_RUNTIME_DIR": "."}, Dirs{"/h/.config/sightline", "/h/.local/state/sightline", "/h/.local/state/sightline"}},
		{"no home but XDG", "linux", map[string]string{"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"}, Dirs{"/c/sightline", "/s/sightline", "/s/sightline"}},
		{"macOS", "darwin", map[string]string{"HOME": "/h"}, Dirs{"/h/Library/Application Support/sightline", "/h/Library/Application Support/sightline", "/h/Library/Application Support/sightline"}},
		{"Windows", "windows", map[string]string{"USERPROFILE": "/u", "APPDATA": "/u/a", "LOCALAPPDATA": "/u/l"}, Dirs{"/u/a/sightline", "/u/l/sightline", "/u/l/sightline"}},
		{"Windows, bare", "windows", map[string]string{"USERPROFILE": "/u"}, Dirs{"/u/AppData/Roaming/sightline", "/u/AppData/Local/sightline", "/u/AppData/Local/sightline"}},
	}
	for _, c := range cases {
		got, err := findDirs(c.goos, func(k string) (string, bool) { v, ok := c.env[k]; return v, ok })
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	var bad *UsageError
	if _, err := findDirs("linux", func(string) (string, bool) { return "", false }); err == nil {
		t.Error("no home: no error")
	} else if bad, _ = err.(*UsageError); bad == nil || !strings.Contains(bad.Hint(), "HOME") {
		t.Errorf("no home: %v", err)
	}
}
