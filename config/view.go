package config

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

const viewExample = `  sightline view 48291-7304-4187
  sightline view 48291                       asks for the secret part
  xclip -o | sightline view -                reads the code from standard input
  sightline view --direct 192.168.1.20:4001 48291-7304-4187`

const viewLong = `The code may have spaces and dashes anywhere. As an argument it can be seen by other
users of this machine while sightline runs: on a shared machine give the number
alone, or use -, --code-file or SIGHTLINE_CODE.`

// viewFlags are the flags of view that are no settings.
type viewFlags struct {
	ways       routes
	direct     string
	codeFile   string
	ask        string
	viewOnly   bool
	inTerminal bool
	fullscreen bool
	json       bool
	plain      bool
}

func (t *tree) view() *cobra.Command {
	var (
		b bindings
		f viewFlags
	)
	cmd := &cobra.Command{
		Use:     "view [CODE | NUMBER | -]",
		Short:   "See a host's screen: in a window, or in the terminal where there is no display",
		Long:    viewLong,
		Example: viewExample,
		Args:    cobra.ArbitraryArgs, // a code with blanks is several
	}
	flags := cmd.Flags()
	b.bind(flags, "relay", "relays")
	b.bind(flags, "proxy", "network.proxy")
	b.bind(flags, "name", "name")
	flags.StringVar(&f.direct, "direct", "", "a host on a known address `HOST:PORT`: no relay, no search")
	f.ways.flags(&b, flags)
	flags.StringVar(&f.codeFile, "code-file", "", "read the code from `FILE`, which only you may read (0600)")
	flags.StringVar(&f.ask, "ask", "view,control", "`LIST` of rights to ask for")
	flags.BoolVar(&f.viewOnly, "view-only", false, "ask for no control")
	b.bind(flags, "window", "viewer.window")
	flags.BoolVar(&f.inTerminal, "in-terminal", false, "the same as --window terminal")
	flags.BoolVar(&f.fullscreen, "fullscreen", false, "begin in full screen")
	b.bind(flags, "scale", "viewer.scale")
	b.bind(flags, "grab-keys", "viewer.grab_keys")
	flags.BoolVar(&f.json, "json", false, "events as JSON lines")
	flags.BoolVar(&f.plain, "plain", false, "plain lines instead of the full-screen interface")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		with, err := t.viewRun(cmd, args, b, f)
		if err != nil {
			return err
		}
		return run(cmd.Context(), t.View, with)
	}
	complete(cmd, map[string][]string{
		"window": {"auto", "native", "terminal", "none"}, "scale": {"fit", "1:1"},
		"grab-keys": {"never", "fullscreen", "always"}, "ask": append(slices.Clone(rights), "control", "clipboard"),
	})
	return cmd
}

func (t *tree) viewRun(cmd *cobra.Command, args []string, b bindings, f viewFlags) (ViewRun, error) {
	with := ViewRun{
		Direct: f.direct, Fullscreen: f.fullscreen,
		code: strings.Join(args, " "), codeFile: f.codeFile, env: t.takeCode(), read: t.ReadPrivate,
	}
	var err error
	if with.Common, err = t.common(cmd, f.json, f.plain); err != nil {
		return with, err
	}
	if err := checkViewFlags(cmd, with, f); err != nil {
		return with, err
	}
	if f.viewOnly {
		f.ask = "view"
	}
	asked, bad := Rights(splitList(f.ask))
	if bad != nil {
		return with, bad.at("--ask")
	}
	with.Ask = asked
	given := b.given()
	if f.inTerminal {
		given = append(given, flagValue{keyNamed("viewer.window"), "--in-terminal", []string{"terminal"}})
	}
	if err := t.settings(&with.Common, given); err != nil {
		return with, err
	}
	if err := f.ways.settle(cmd, &with.Common); err != nil {
		return with, err
	}
	if with.Direct != "" && with.Settings.Network.RelayOnly {
		return with, usage("--direct goes past every relay, and network.relay_only forbids that").advise("--relay-only=false for once")
	}
	return with, nil
}

func checkViewFlags(cmd *cobra.Command, with ViewRun, f viewFlags) error {
	for _, pair := range [][]string{{"direct", "relay-only"}, {"direct", "no-direct"}, {"ask", "view-only"}, {"window", "in-terminal"}} {
		if err := exclusive(cmd, pair...); err != nil {
			return err
		}
	}
	if cmd.Flags().Changed("direct") {
		if err := remoteAddress(f.direct); err != nil {
			return err.at("--direct")
		}
	}
	if with.code != "" && f.codeFile != "" {
		return usage("the code is given twice, as an argument and by --code-file").advise("give it once")
	}
	if len(with.code) > maxCode {
		return usage("a code has at most %d characters", maxCode)
	}
	return nil
}

// takeCode reads SIGHTLINE_CODE and removes it, so that no program that this one
// starts inherits it. The kernel keeps the first environment of a process
// (/proc/PID/environ), readable by the same user only: who minds uses a prompt,
// standard input or a file.
func (t *tree) takeCode() string {
	code, _ := t.World.LookupEnv("SIGHTLINE_CODE")
	t.World.Unsetenv("SIGHTLINE_CODE")
	return strings.TrimSpace(code)
}
