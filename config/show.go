package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func (t *tree) config() *cobra.Command {
	relay := group("relay", "Keep the strings of relays that host and view use", t.relayAdd(), t.relayList(), t.relayRemove())
	relay.Example = "  sightline config relay add 'sightline-relay:…'\n  sightline config relay list\n  sightline config relay remove 1"
	relay.Long = "A relay's string carries the token with which hosts register there. The settings file\nis therefore written with mode 0600."
	return group("config", "Show the settings, keep relays", t.show(), relay)
}

func (t *tree) show() *cobra.Command {
	asJSON, origin := false, false
	cmd := &cobra.Command{
		Use: "show", Short: "Print every setting, as a settings file",
		Example: "  sightline config show --origin", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.common(cmd, asJSON, true)
			if err != nil {
				return err
			}
			if err := t.settings(&c, nil); err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.Out, shownSettings(c))
			}
			return printSettings(c.Out, c, origin)
		},
	}
	cmd.Flags().BoolVar(&origin, "origin", false, "say where each value comes from")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object, with origins")
	return cmd
}

// printSettings writes valid TOML: what is shown can be kept as a file.
func printSettings(w io.Writer, c Common, origin bool) error {
	var b strings.Builder
	table := ""
	for _, k := range keys {
		name := last(k.name)
		if in := strings.TrimSuffix(strings.TrimSuffix(k.name, name), "."); in != table {
			table = in
			fmt.Fprintf(&b, "\n[%s]\n", table)
		}
		line := name + " = " + k.value.literal(&c.Settings)
		if origin {
			line = fmt.Sprintf("%-32s # %s", line, c.Origins.Of(k.name))
		}
		b.WriteString(line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shown is one setting as JSON.
type shown struct {
	Value  any    `json:"value"`
	Origin string `json:"origin"` // default, file, environment or flag
	Place  string `json:"place,omitempty"`
}

func shownSettings(c Common) map[string]shown {
	all := map[string]shown{}
	for _, k := range keys {
		from := c.Origins.Of(k.name)
		all[k.name] = shown{k.value.plain(&c.Settings), from.Kind, from.Place}
	}
	return all
}

func printJSON(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", line)
	return err
}

func (t *tree) relayAdd() *cobra.Command {
	return &cobra.Command{
		Use: "add STRING", Short: "Keep a relay's string", Args: oneArgument("STRING"),
		Example: "  sightline config relay add 'sightline-relay:…'",
		RunE: func(cmd *cobra.Command, args []string) error {
			items, bad := relayStrings(args)
			if bad != nil {
				return bad
			}
			if len(items) == 0 {
				return usage("none is no relay").advise("`sightline config relay remove` takes one out")
			}
			if err := checkRelays(items, Origin{Kind: "STRING"}, t.CheckRelay); err != nil {
				return err
			}
			f, err := t.openRelays()
			if err != nil {
				return err
			}
			if slices.Contains(f.relays, items[0]) {
				_, err := fmt.Fprintf(cmd.ErrOrStderr(), "sightline: %s holds this relay already\n", f.path)
				return err
			}
			all := append(slices.Clone(f.relays), items[0])
			if len(all) > maxRelays {
				return usage("%d relays are kept already; more are not possible", maxRelays).advise("`sightline config relay remove`")
			}
			return t.writeRelays(cmd, f, all, appendRelay(items[0]), "added")
		},
	}
}

func (t *tree) relayList() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "list", Short: "Print the kept strings, with numbers for remove", Args: noArguments,
		Example: "  sightline config relay list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := t.openRelays()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), f.relays)
			}
			for i, r := range f.relays {
				fmt.Fprintf(cmd.OutOrStdout(), "%d  %s\n", i+1, r)
			}
			if len(f.relays) == 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "sightline: no relay is kept in %s\n", f.path)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON list of strings")
	return cmd
}

func (t *tree) relayRemove() *cobra.Command {
	return &cobra.Command{
		Use: "remove STRING|NUMBER|PART", Short: "Forget a relay", Args: oneArgument("STRING, NUMBER or PART"),
		Long:    "NUMBER is the one that `sightline config relay list` shows; PART is any part of the\nstring that only one relay has, such as its host name.",
		Example: "  sightline config relay remove 1\n  sightline config relay remove relay.example.org",
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := t.openRelays()
			if err != nil {
				return err
			}
			i, err := whichRelay(f.relays, args[0])
			if err != nil {
				return err
			}
			left := slices.Delete(slices.Clone(f.relays), i, i+1)
			return t.writeRelays(cmd, f, left, removeRelay(i), "removed")
		},
	}
}

// whichRelay finds the one relay that is meant.
func whichRelay(relays []string, which string) (int, error) {
	if i := slices.Index(relays, which); i >= 0 {
		return i, nil
	}
	if n, err := strconv.Atoi(which); err == nil && n >= 1 && n <= len(relays) {
		return n - 1, nil
	}
	found := -1
	for i, r := range relays {
		if !strings.Contains(r, which) {
			continue
		}
		if found >= 0 {
			return 0, usage("%q is part of more than one relay's string", visible(which)).advise("`sightline config relay list` numbers them")
		}
		found = i
	}
	if found < 0 {
		return 0, usage("no kept relay has %q", visible(which)).advise("`sightline config relay list` lists them")
	}
	return found, nil
}

func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return usage("%s needs exactly one %s", cmd.CommandPath(), what).advise("`%s --help`", cmd.CommandPath())
	}
}

// relayFile is the settings file as `config relay` sees it.
type relayFile struct {
	path   string // what is written: behind a symbolic link, its target
	text   string
	relays []string
}

// openRelays reads the file alone: what the environment says is not edited.
func (t *tree) openRelays() (*relayFile, error) {
	dirs, err := FindDirs(t.World.LookupEnv)
	if err != nil {
		return nil, err
	}
	path, _, err := t.settingsFile(dirs)
	if err != nil {
		return nil, err
	}
	// People keep dot files under version control and link to them; renaming
	// onto the link would cut it.
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	f := &relayFile{path: path}
	if f.text, err = readText(path, false); err != nil {
		return nil, err
	}
	settings, bad := parseFile(path, f.text)
	if bad != nil {
		return nil, bad
	}
	s := Defaults()
	for _, set := range settings {
		if err := set.key.value.fromTOML(&s, set.value); err != nil {
			return nil, err.at(place(path, set.line) + ": " + set.key.name)
		}
	}
	f.relays = s.Relays
	return f, nil
}

func (t *tree) writeRelays(cmd *cobra.Command, f *relayFile, want []string, edit func(*scanner, string) string, done string) error {
	text, bad := editRelays(f.text, want, edit)
	if bad != nil {
		return bad.at(clean(f.path))
	}
	if t.WritePrivate == nil {
		return errors.New("writing settings was not built in")
	}
	if err := t.WritePrivate(f.path, []byte(text)); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	_, err := fmt.Fprintf(cmd.ErrOrStderr(), "sightline: relay %s; %s keeps %d now\n", done, clean(f.path), len(want))
	return err
}
