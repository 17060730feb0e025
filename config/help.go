package config

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// help prints what a command does: example first, since that is what most
// people came for; exit codes at the end of the root's.
func (t *tree) help(cmd *cobra.Command, _ []string) {
	cmd.InitDefaultHelpFlag()
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s\n", cmd.Short)
	section(w, "Examples", cmd.Example)
	if cmd.Long != "" {
		fmt.Fprintf(w, "\n%s\n", cmd.Long)
	}
	section(w, "Usage", "  "+useLine(cmd))
	section(w, "Commands", commandList(cmd))
	section(w, "Flags", strings.TrimRight(cmd.LocalFlags().FlagUsagesWrapped(100), "\n"))
	if cmd.HasParent() {
		section(w, "Flags of all commands", strings.TrimRight(cmd.InheritedFlags().FlagUsagesWrapped(100), "\n"))
		return
	}
	section(w, "Settings", `  flags > SIGHTLINE_* > settings file > defaults; `+"`sightline config show --origin`"+` prints all of
  them. The variable of max_fps in [host] is SIGHTLINE_HOST_MAX_FPS.`)
	section(w, "Exit codes", t.exitCodes())
}

func section(w io.Writer, title, text string) {
	if text != "" {
		fmt.Fprintf(w, "\n%s:\n%s\n", title, text)
	}
}

func useLine(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() {
		return cmd.CommandPath() + " COMMAND"
	}
	return cmd.UseLine()
}

func commandList(cmd *cobra.Command) string {
	var lines []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			lines = append(lines, fmt.Sprintf("  %-12s %s", sub.Name(), sub.Short))
		}
	}
	return strings.Join(lines, "\n")
}

func (t *tree) exitCodes() string {
	if t.Explain == nil {
		return ""
	}
	var lines []string
	for _, row := range t.Explain() {
		lines = append(lines, fmt.Sprintf("  %3d  %s", row.Code, row.Meaning))
	}
	return strings.Join(lines, "\n")
}

// helpCommand is `sightline help [COMMAND]`; cobra's own answers an unknown
// command with exit code 0.
func (t *tree) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command; alone: all commands, settings and exit codes",
		Example: "  sightline help host",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return noSuchCommand(root, args)
			}
			return cmd.Help()
		},
	}
}
