package config

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// verb is one row of `sightline ctl`.
type verb struct {
	name  string
	short string
	who   word // a seat's number or a viewer's name
	allow word // a list of rights
}

// maxWindow bounds the words that mean a window, in bytes.
const maxWindow = 256

// word tells whether an argument is possible.
type word int

const (
	never word = iota
	maybe
	always
	window // of this computer
)

var verbs = []verb{
	{"status", "What runs and who is connected", never, never},
	{"admit", "Let in who asks", maybe, never},
	{"refuse", "Refuse who asks", maybe, never},
	{"kick", "End a viewer's session; its code is burnt", always, never},
	{"grant", "Change what a viewer may do: the list is all of it", always, always},
	{"pass", "Hand control to a viewer who may have it", always, never},
	{"ask", "Ask the host for more, on the viewer: control, clipboard", never, always},
	{"windows", "List this computer's windows; those marked * are shared", never, never},
	{"share", "Share a further window (of a host with --window)", window, never},
	{"unshare", "Take a window away from all viewers at once", window, never},
	{"pause", "Send no picture and take no input until resume", never, never},
	{"resume", "Go on after pause", never, never},
	{"renew", "Burn the code on show; a fresh one follows", never, never},
	{"code", "Show a further code, for one more viewer while others are inside; prints it", never, never},
	{"stop", "End the host, viewer or relay", never, never},
}

func (v verb) use() string {
	switch {
	case v.who == window:
		return v.name + " WINDOW"
	case v.allow == always && v.who == never:
		return v.name + " LIST"
	case v.allow == always:
		return v.name + " WHO LIST"
	case v.who == always:
		return v.name + " WHO"
	case v.who == maybe:
		return v.name + " [WHO]"
	}
	return v.name
}

// arguments checks their number.
func (v verb) arguments(cmd *cobra.Command, args []string) error {
	least, most := 0, 0
	if v.who == always || v.who == window {
		least++
	}
	if v.allow == always {
		least++
	}
	if v.who != never {
		most++
	}
	if v.allow != never {
		most++
	}
	if len(args) >= least && len(args) <= most {
		return nil
	}
	if v.who == window {
		return usage("it is used as: sightline ctl %s", v.use()).advise("WINDOW is its ID, its class or a part of its title; `sightline ctl windows` lists all")
	}
	if v.who == never && v.allow == always {
		return usage("it is used as: sightline ctl %s", v.use()).advise("LIST is control or clipboard, or both with a comma")
	}
	return usage("it is used as: sightline ctl %s", v.use()).advise("WHO is a seat's number or a viewer's name; `sightline ctl status` lists both")
}

func (t *tree) ctl() *cobra.Command {
	cmd := group("ctl", "Ask or command a running host, viewer or relay of yours")
	cmd.Example = "  sightline ctl status\n  sightline ctl admit\n  sightline ctl grant 1 view,control\n  sightline ctl kick 1"
	cmd.Long = "WHO is a seat's number or a viewer's name, as `sightline ctl status` shows them. WINDOW is an ID,\na class or a part of a title, as `sightline ctl windows` shows them."
	with := &CtlRun{}
	cmd.PersistentFlags().StringVar(&with.ID, "id", "", "`ID` of the one that is meant, where several run")
	cmd.PersistentFlags().BoolVar(&with.JSON, "json", false, "the answer as one JSON object")
	for _, v := range verbs {
		cmd.AddCommand(t.ctlVerb(v, with))
	}
	return cmd
}

// ctlVerb loads no settings: a mistake in the file must not keep anybody from
// ending a session.
func (t *tree) ctlVerb(v verb, with *CtlRun) *cobra.Command {
	allow := ""
	cmd := &cobra.Command{Use: v.use(), Short: v.short, Args: v.arguments}
	if v.name == "admit" {
		cmd.Flags().StringVar(&allow, "allow", "", "`LIST` of what the viewer may do; without it, what the host allows")
		complete(cmd, map[string][]string{"allow": append(slices.Clone(rights), "control", "clipboard")})
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		with.Verb = v.name
		named := v.allow == always // the last argument is the list
		if named {
			allow, args = args[len(args)-1], args[:len(args)-1]
		}
		if len(args) > 0 {
			with.Who = args[0]
		}
		if cmd.Flags().Changed("allow") || named {
			granted, bad := Rights(splitList(allow))
			if bad != nil {
				return bad
			}
			with.Allow = granted
		}
		if v.who == window {
			with.Window, with.Who = with.Who, ""
			if strings.TrimSpace(with.Window) == "" || len(with.Window) > maxWindow || !printable(with.Window) {
				return usage("%q names no window", visible(with.Window)).advise("`sightline ctl windows` lists them")
			}
		}
		if len(with.Who) > maxName || !printable(with.Who) || strings.TrimSpace(with.Who) != with.Who {
			return usage("%q is neither a seat's number nor a viewer's name", visible(with.Who)).advise("`sightline ctl status` lists both")
		}
		if with.Common, err = t.common(cmd, with.JSON, true); err != nil {
			return err
		}
		return run(cmd.Context(), t.Ctl, *with)
	}
	return cmd
}
