package config

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Words turns a role given as a flag into the word: --host, --view and --relay
// as the first argument are commands.
func Words(args []string) []string {
	if len(args) == 0 {
		return args
	}
	switch args[0] {
	case "--host", "--view", "--relay":
		return append([]string{args[0][2:]}, args[1:]...)
	}
	return args
}

// Command is the tree of all commands. It prints help and data only: errors are
// returned by ExecuteContext, for main to print with hint and exit code.
func Command(r Roles) *cobra.Command {
	t := &tree{Roles: r}
	t.World = r.World.orReal()
	root := &cobra.Command{
		Use:           "sightline",
		Short:         "Share a screen, see another one, or help two others meet",
		Example:       rootExample,
		Args:          noSuchCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          t.start,
	}
	if r.Version != nil { // cobra makes a flag --version of it
		root.Version = r.Version().String()
		root.SetVersionTemplate("{{.Version}}\n")
	}
	root.PersistentFlags().StringVar(&t.file, "config", "", "settings `FILE` instead of the user's own")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(t.help)
	root.SetHelpCommand(t.helpCommand(root))
	root.AddCommand(t.host(), t.view(), t.relay(), t.demo(), t.ctl(), t.doctor(), t.config(), t.version())
	return root
}

const rootExample = `  sightline host                    share this screen; prints a code
  sightline view 48291-7304-4187    see the screen with that code
  sightline relay                   help others meet; prints a string for them`

// tree holds what the commands share.
type tree struct {
	Roles
	file string // --config
}

// bindings are the flags of one command that speak for keys.
type bindings []*keyFlag

// keyFlag is a flag that sets a key. It checks as it is parsed, so the sentence
// names the flag, and shows the default.
type keyFlag struct {
	key   *key
	name  string
	texts []string
}

func (f *keyFlag) Set(text string) error {
	scratch := Defaults()
	if err := f.key.value.fromText(&scratch, append(f.texts[:len(f.texts):len(f.texts)], text)); err != nil {
		return err
	}
	f.texts = append(f.texts, text)
	return nil
}

// String is the default, for help: cobra shows it unless it is a zero value.
func (f *keyFlag) String() string {
	if f.key == nil { // pflag asks a zero value what zero looks like
		return ""
	}
	s := Defaults()
	return strings.NewReplacer(`"`, "", "[", "", "]", "").Replace(f.key.value.literal(&s))
}

func (f *keyFlag) Type() string { return f.key.value.typeName() }

// bind adds a flag for the key.
func (b *bindings) bind(flags *pflag.FlagSet, flag, key string) {
	f := &keyFlag{key: keyNamed(key), name: flag}
	*b = append(*b, f)
	added := flags.VarPF(f, flag, "", f.key.help)
	if f.Type() == "bool" {
		added.NoOptDefVal = "true"
	}
}

func (b bindings) given() []flagValue {
	var given []flagValue
	for _, f := range b {
		if len(f.texts) > 0 {
			given = append(given, flagValue{f.key, "--" + f.name, f.texts})
		}
	}
	return given
}

// settings loads for a command with these flags.
func (t *tree) settings(c *Common, given []flagValue) error {
	path, named, err := t.settingsFile(c.Dirs)
	if err != nil {
		return err
	}
	c.Settings, c.Origins, err = load(layers{
		file: path, mustExist: named, lookupEnv: t.World.LookupEnv, flags: given,
		hostname: t.World.Hostname, checkRelay: t.CheckRelay,
	})
	return err
}

// settingsFile is --config, else SIGHTLINE_CONFIG, else the user's own; named
// tells whether the person chose it.
func (t *tree) settingsFile(d Dirs) (path string, named bool, err error) {
	if t.file == "" {
		t.file, _ = t.World.LookupEnv("SIGHTLINE_CONFIG")
	}
	if t.file == "" {
		return d.File(), false, nil
	}
	path, err = filepath.Abs(t.file)
	return path, true, err
}

// common fills in what does not depend on settings.
func (t *tree) common(cmd *cobra.Command, json, plain bool) (Common, error) {
	dirs, err := FindDirs(t.World.LookupEnv)
	c := Common{Dirs: dirs, In: cmd.InOrStdin(), Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), JSON: json}
	in := t.World.Terminal(c.In)
	term, _ := t.World.LookupEnv("TERM")
	c.Terminal = in && t.World.Terminal(c.Err)
	c.FullScreen = in && t.World.Terminal(c.Out) && term != "dumb" && !json && !plain
	return c, err
}

func (t *tree) start(cmd *cobra.Command, _ []string) error {
	c, err := t.common(cmd, false, false)
	if err != nil {
		return err
	}
	if !c.FullScreen {
		return usage("no command is given, and there is no terminal for the start page").advise("`sightline help` lists the commands")
	}
	if err := t.settings(&c, nil); err != nil {
		return err
	}
	return run(cmd.Context(), t.Start, StartRun{c})
}

// noArguments and noSuchCommand are what cobra's own checks would be, as usage
// errors with a hint.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage("%s takes no argument, and %q is one", cmd.CommandPath(), visible(args[0])).advise("`%s --help` shows what is possible", cmd.CommandPath())
}

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, sub := range cmd.Commands() {
		known = append(known, sub.Name())
	}
	e := usage("there is no command %q", visible(strings.TrimPrefix(cmd.CommandPath()+" ", "sightline ")+args[0]))
	if n := nearest(args[0], known); n != "" {
		return e.advise("did you mean `%s %s`?", cmd.CommandPath(), n)
	}
	return e.advise("`%s --help` lists the commands", cmd.CommandPath())
}

// group is a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: noSuchCommand, RunE: func(cmd *cobra.Command, _ []string) error {
		var names []string
		for _, sub := range cmd.Commands() {
			names = append(names, sub.Name())
		}
		return usage("%s needs one more word: %s", cmd.CommandPath(), strings.Join(names, ", ")).advise("`%s --help`", cmd.CommandPath())
	}}
	c.AddCommand(subs...)
	return c
}

// flagError turns pflag's errors into sentences of ours.
func flagError(cmd *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	help := "`" + cmd.CommandPath() + " --help` lists the flags"
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown.GetSpecifiedName(), help)
	case errors.As(err, &missing):
		return usage("--%s needs a value", missing.GetSpecifiedName()).advise("%s", help)
	case errors.As(err, &invalid):
		var own *UsageError
		if errors.As(err, &own) {
			return own.at("--" + invalid.GetFlag().Name)
		}
		return usage("--%s: %q is not possible", invalid.GetFlag().Name, visible(invalid.GetValue())).advise("%s", help)
	}
	return usage("%s", visible(err.Error())).advise("%s", help)
}

func unknownFlag(cmd *cobra.Command, name, help string) error {
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	dashes := "--"
	if len(name) == 1 {
		dashes = "-"
	}
	e := usage("%s has no flag %s%s", cmd.CommandPath(), dashes, visible(name))
	if n := nearest(name, known); n != "" && len(name) > 1 {
		return e.advise("did you mean --%s?", n)
	}
	return e.advise("%s", help)
}

// exclusive is the error if more than one of the flags is given.
func exclusive(cmd *cobra.Command, flags ...string) error {
	var given []string
	for _, f := range flags {
		if cmd.Flags().Changed(f) { // false for a flag that the command has not
			given = append(given, "--"+f)
		}
	}
	if len(given) < 2 {
		return nil
	}
	return usage("%s exclude each other", strings.Join(given, " and ")).advise("give one of them")
}

// run wraps a role, so that one that main left out is an error and no panic.
func run[T any](ctx context.Context, role func(context.Context, T) error, with T) error {
	if role == nil {
		return errors.New("this command was not built in")
	}
	if ctx == nil {
		ctx = context.Background()
	}
	return role(ctx, with)
}
