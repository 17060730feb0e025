package config

import (
	"image"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// routes are the flags that say which ways may be used, the same for host and
// viewer. All but --no-direct, which turns a setting off, are settings.
type routes struct{ noDirect bool }

func (r *routes) flags(b *bindings, flags *pflag.FlagSet) {
	b.bind(flags, "relay-only", "network.relay_only")
	b.bind(flags, "lan-only", "network.lan_only")
	flags.BoolVar(&r.noDirect, "no-direct", false, "no direct connection, only LAN and relay")
	b.bind(flags, "udp-ports", "network.udp_ports")
	b.bind(flags, "map-ports", "network.map_ports")
	b.bind(flags, "quiet-network", "network.quiet")
}

// settle makes the settings agree: from then on Relays, Direct, LAN and Listen say
// all that RelayOnly and LANOnly mean.
func (r routes) settle(cmd *cobra.Command, c *Common) error {
	for _, pair := range [][]string{{"relay-only", "lan-only"}, {"relay-only", "listen"}} {
		if err := exclusive(cmd, pair...); err != nil {
			return err
		}
	}
	s := &c.Settings
	if s.Network.RelayOnly && s.Network.LANOnly {
		// What was said now outweighs what the file or the environment says.
		switch {
		case c.Origins.Of("network.relay_only").Kind == "flag":
			s.Network.LANOnly = false
		case c.Origins.Of("network.lan_only").Kind == "flag":
			s.Network.RelayOnly = false
		default:
			return usage("network.relay_only and network.lan_only exclude each other").advise("set one of them")
		}
	}
	mark := func(by string, names ...string) {
		for _, n := range names {
			c.Origins[n] = c.Origins.Of(by)
		}
	}
	switch {
	case s.Network.RelayOnly && len(s.Relays) == 0:
		return usage("--relay-only needs a relay, and none is set").advise("--relay STRING for once, `sightline config relay add STRING` for good; `sightline relay` prints the string")
	case s.Network.RelayOnly:
		s.Network.Direct, s.Network.LAN, s.Network.Listen = false, false, "none"
		mark("network.relay_only", "network.direct", "network.lan", "network.listen")
	case s.Network.LANOnly && len(s.Relays) > 0 && c.Origins.Of("relays").Kind == "flag":
		return usage("--lan-only and --relay exclude each other").advise("give one of them")
	case s.Network.LANOnly:
		s.Relays, s.Network.LAN = []string{}, true
		mark("network.lan_only", "relays", "network.lan")
	}
	if r.noDirect {
		s.Network.Direct = false
		c.Origins["network.direct"] = Origin{"flag", "--no-direct"}
	}
	return nil
}

const hostExample = `  sightline host
  sightline host --allow view,control --expire 5m
  sightline host --app 'xterm -e htop'         one program and nothing else, on a display of its own
  sightline host --window Inkscape             this window with its menus, nothing else; hands stay inside
  sightline host --once --json --accept      for scripts: no question, one session`

func (t *tree) host() *cobra.Command {
	var (
		b       bindings
		ways    routes
		with    HostRun
		screen  string
		virtual string
		plain   bool
	)
	cmd := &cobra.Command{
		Use:     "host",
		Short:   "Share this screen: prints a code, asks before anybody comes in",
		Example: hostExample,
		Args:    noArguments,
	}
	flags := cmd.Flags()
	b.bind(flags, "relay", "relays")
	b.bind(flags, "proxy", "network.proxy")
	b.bind(flags, "name", "name")
	b.bind(flags, "source", "host.source")
	flags.StringVar(&screen, "screen", "", "share the screen with this `NAME` (as `sightline doctor display` lists it), a region such as 1280x720+100+50, or all")
	flags.StringArrayVar(&with.Windows, "window", nil, "share only this `WINDOW`: a part of its title, its class or its ID as 0x…; may be given several times")
	flags.BoolVar(&with.Pick, "pick", false, "choose the windows to share from a list, on the host's page or by `sightline ctl windows` and `share`")
	flags.BoolVar(&with.Raise, "allow-raise", false, "a viewer's click on a covered window of --window brings it forward")
	flags.StringVar(&with.App, "app", "", "run `COMMAND` on a display of its own and share only that")
	flags.StringVar(&virtual, "virtual", "", "share a desktop session on a display of its own, or set the size that --app's has at first: `WxH` in pixels")
	b.bind(flags, "allow", "host.allow")
	b.bind(flags, "viewers", "host.viewers")
	b.bind(flags, "expire", "host.expire")
	b.bind(flags, "control", "host.control")
	b.bind(flags, "max-fps", "host.max_fps")
	b.bind(flags, "follow-size", "host.follow_size")
	b.bind(flags, "lock-on-end", "host.lock_on_end")
	b.bind(flags, "pause-on-local-input", "host.pause_on_local_input")
	b.bind(flags, "listen", "network.listen")
	ways.flags(&b, flags)
	flags.BoolVar(&with.Accept, "accept", false, "let viewers in without a question")
	flags.StringVar(&with.AcceptCmd, "accept-cmd", "", "run `COMMAND` to decide; it lets in by exit code 0")
	flags.BoolVar(&with.Once, "once", false, "one session, then exit with how it ended")
	flags.BoolVar(&with.JSON, "json", false, "events as JSON lines")
	flags.BoolVar(&plain, "plain", false, "plain lines instead of the full-screen interface")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if err := exclusive(cmd, "accept", "accept-cmd"); err != nil {
			return err
		}
		if err := exclusive(cmd, "source", "screen"); err != nil {
			return err
		}
		if err := with.windows(cmd); err != nil {
			return err
		}
		if err := with.ownDisplay(cmd, virtual); err != nil {
			return err
		}
		if with.Common, err = t.common(cmd, with.JSON, plain); err != nil {
			return err
		}
		given := b.given()
		if cmd.Flags().Changed("screen") {
			given = append(given, flagValue{keyNamed("host.source"), "--screen", []string{"screen:" + screen}})
		}
		if err := t.settings(&with.Common, given); err != nil {
			return err
		}
		if err := ways.settle(cmd, &with.Common); err != nil {
			return err
		}
		return run(cmd.Context(), t.Host, with)
	}
	complete(cmd, map[string][]string{"source": {"auto", "pattern", "screen:"}, "allow": append(slices.Clone(rights), "control", "clipboard"), "control": {"one", "all"}})
	return cmd
}

// windows checks what --window and --pick say.
func (h *HostRun) windows(cmd *cobra.Command) error {
	for _, other := range []string{"source", "screen", "app", "virtual"} {
		for _, flag := range []string{"window", "pick"} {
			if err := exclusive(cmd, flag, other); err != nil {
				return err
			}
		}
	}
	for _, w := range h.Windows {
		if strings.TrimSpace(w) == "" || !printable(w) {
			return usage("%q names no window", visible(w)).advise("a part of the title, the class or the ID: --window xterm").at("--window")
		}
	}
	return nil
}

// ownDisplay reads what --app and --virtual say.
func (h *HostRun) ownDisplay(cmd *cobra.Command, size string) error {
	for _, own := range []string{"app", "virtual"} {
		for _, other := range []string{"source", "screen", "lock-on-end"} {
			if err := exclusive(cmd, own, other); err != nil {
				return err
			}
		}
	}
	if cmd.Flags().Changed("app") && strings.TrimSpace(h.App) == "" {
		return usage("--app names no command").advise("--app 'xterm -e htop'")
	}
	if !cmd.Flags().Changed("virtual") {
		return nil
	}
	w, tall, two := strings.Cut(size, "x")
	width, err := strconv.ParseUint(w, 10, 16)
	height, err2 := strconv.ParseUint(tall, 10, 16)
	if !two || err != nil || err2 != nil || width < 320 || width > 7680 || height < 200 || height > 4320 {
		return usage("%q is not the size of a display", visible(size)).advise("write 1920x1080: at least 320x200, at most 7680x4320").at("--virtual")
	}
	h.Virtual = image.Pt(int(width), int(height))
	return nil
}
