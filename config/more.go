package config

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

func (t *tree) relay() *cobra.Command {
	var (
		b    bindings
		with RelayRun
	)
	cmd := &cobra.Command{
		Use:   "relay",
		Short: "Help others meet: prints one string for both sides",
		Long: `Hosts need the string, since it carries the token that lets them register; viewers
need it to find the relay. What goes through is sealed between host and viewer.`,
		Example: `  sightline relay --announce relay.example.org
  sightline relay --listen :443 --listen :4001 --announce relay.example.org`,
		Args: noArguments,
	}
	flags := cmd.Flags()
	b.bind(flags, "listen", "relay.listen")
	b.bind(flags, "announce", "relay.announce")
	b.bind(flags, "open", "relay.open")
	flags.BoolVar(&with.JSON, "json", false, "events as JSON lines")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if with.Common, err = t.common(cmd, with.JSON, true); err != nil {
			return err
		}
		if err := t.settings(&with.Common, b.given()); err != nil {
			return err
		}
		return run(cmd.Context(), t.Relay, with)
	}
	return cmd
}

func (t *tree) demo() *cobra.Command {
	var (
		b     bindings
		with  DemoRun
		plain bool
		limit string
	)
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try it: relay, host and viewer in one process",
		Example: `  sightline demo
  sightline demo --for 5s --json    measures itself; exits 0 only if all pixels are right`,
		Args: noArguments,
	}
	flags := cmd.Flags()
	flags.StringVar(&with.Source, "source", "pattern", "`WHAT` is shared: pattern (built in), auto or screen:NAME")
	b.bind(flags, "window", "viewer.window")
	flags.StringVar(&limit, "for", "", "measure for a `TIME` such as 5s, then end")
	flags.BoolVar(&with.JSON, "json", false, "events as JSON lines")
	flags.BoolVar(&plain, "plain", false, "plain lines instead of the full-screen interface")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if err := source(with.Source); err != nil {
			return err.at("--source")
		}
		if cmd.Flags().Changed("for") {
			span, bad := parseSpan(limit, 100*time.Millisecond, 24*time.Hour)
			if bad != nil {
				return bad.at("--for")
			}
			with.For = span
		}
		if with.Common, err = t.common(cmd, with.JSON, plain); err != nil {
			return err
		}
		if err := t.settings(&with.Common, b.given()); err != nil {
			return err
		}
		return run(cmd.Context(), t.Demo, with)
	}
	complete(cmd, map[string][]string{"window": {"auto", "native", "terminal", "none"}, "source": {"pattern", "auto", "screen:"}})
	return cmd
}

func (t *tree) doctor() *cobra.Command {
	json, nft := false, false
	look := func(roles ...func(context.Context, DoctorRun) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			if nft && json {
				return usage("--nft and --json exclude each other")
			}
			c, err := t.common(cmd, json, true)
			if err != nil {
				return err
			}
			if err := t.settings(&c, nil); err != nil {
				return err
			}
			var errs []error
			for _, role := range roles {
				errs = append(errs, run(cmd.Context(), role, DoctorRun{c, nft}))
			}
			return errors.Join(errs...)
		}
	}
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what works here, what does not, why, and the fix",
		Example: "  sightline doctor\n  sightline doctor network --json\n  sightline doctor firewall --nft",
		Args:    noSuchCommand, RunE: look(t.DoctorDisplay, t.DoctorNetwork),
	}
	cmd.PersistentFlags().BoolVar(&json, "json", false, "one JSON object for each part")
	firewall := &cobra.Command{Use: "firewall", Short: "Every destination that these settings can make this machine contact", Args: noArguments, RunE: look(t.DoctorFirewall)}
	firewall.Flags().BoolVar(&nft, "nft", false, "as an nftables rule set")
	cmd.AddCommand(
		firewall,
		&cobra.Command{Use: "network", Short: "What this network lets through", Args: noArguments, RunE: look(t.DoctorNetwork)},
		&cobra.Command{Use: "display", Short: "Which displays there are", Args: noArguments, RunE: look(t.DoctorDisplay)},
	)
	return cmd
}

func (t *tree) version() *cobra.Command {
	json := false
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version",
		Example: "  sightline version --json", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.Version == nil {
				return errors.New("the version was not built in")
			}
			v := t.Version()
			if json {
				return printJSON(cmd.OutOrStdout(), v)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), v)
			return err
		},
	}
	cmd.Flags().BoolVar(&json, "json", false, "one JSON object")
	return cmd
}

// complete offers the fixed words of flags to the shell.
func complete(cmd *cobra.Command, words map[string][]string) {
	for flag, list := range words {
		// The error is about a flag that does not exist: TestCompletion finds it.
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(slices.Clone(list), cobra.ShellCompDirectiveNoFileComp))
	}
}
