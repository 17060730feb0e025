package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"
)

// Offer is what a host without a display shares instead, on a display of its own. The
// zero value is nothing: the page was left.
type Offer struct {
	App     string // a command
	Desktop bool   // a whole desktop session
	Pattern bool   // the built-in picture
}

// RunOffer shows what can be shared where there is no display, and why there is none, and
// returns the choice.
func RunOffer(ctx context.Context, o StartOptions, why string) (Offer, error) {
	m := newOfferPage(o, why)
	err := runPage(ctx, m, o.In, o.Out, nil)
	return m.choice, err
}

// offers is the menu; its first line asks for a command.
var offers = []menuLine{
	{"p", "program", "one program and nothing else"},
	{"d", "desktop", "a whole desktop session"},
	{"t", "test", "the built-in picture, to try a connection"},
}

type offerPage struct {
	menu
	why    string
	choice Offer
}

func newOfferPage(o StartOptions, why string) *offerPage {
	m := &offerPage{why: why}
	m.menu = menu{page: newPage(o.Out, o.Now, RoleHost), lines: offers, pick: m.take, enter: m.command}
	return m
}

func (m *offerPage) Update(msg tea.Msg) (tea.Model, tea.Cmd) { return m, m.update(msg) }

func (m *offerPage) take(i int) {
	m.choice = Offer{Desktop: offers[i].key == "d", Pattern: offers[i].key == "t"}
}

func (m *offerPage) command(typed string) (wrong string) {
	if typed == "" {
		return "type the program's name, xterm for example"
	}
	m.choice.App = typed
	return ""
}

// View draws the page as of the last message.
func (m *offerPage) View() string {
	lines := []string{"", " There is no screen to share here:"}
	for _, l := range wrapped(clean(m.why), 76) {
		lines = append(lines, " "+l)
	}
	lines = append(lines, "", " Share instead, on a display of its own:", "")
	lines = append(lines, m.drawn()...)
	sections := []section{{title: "sightline host", lines: lines, keep: len(lines)}}
	keys := "p program   d desktop   t test   up/down Enter choose   q leave"
	if m.typing {
		sections = append(sections, section{title: "Program", lines: []string{"", m.field("Command")}, keep: 2})
		keys = "Enter share   Ctrl+U clear   Esc back"
	}
	return m.draw("", sections, keys)
}
