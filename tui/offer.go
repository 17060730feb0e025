package tui

import (
	"context"
	"strings"

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

// offers is the menu.
var offers = []struct{ key, title, text string }{
	{"p", "program", "one program and nothing else"},
	{"d", "desktop", "a whole desktop session"},
	{"t", "test", "the built-in picture, to try a connection"},
}

// program is the menu's line for typing a command.
const program = 0

type offerPage struct {
	page
	why    string
	cursor int
	typing bool // the command is being typed
	typed  string
	choice Offer
}

func newOfferPage(o StartOptions, why string) *offerPage {
	return &offerPage{page: newPage(o.Out, o.Now, RoleHost), why: why}
}

func (m *offerPage) Init() tea.Cmd { return nil }

func (m *offerPage) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.common(msg)
	var cmd tea.Cmd
	if k, ok := msg.(tea.KeyMsg); ok {
		cmd = m.keys(k)
	}
	return m, tea.Batch(cmd, m.tick(false))
}

// keys takes a message apart: what arrives in one read is one message.
func (m *offerPage) keys(k tea.KeyMsg) tea.Cmd {
	switch {
	case m.typing:
		return m.typeCommand(k)
	case k.Type == tea.KeyRunes && len(k.Runes) > 1:
		first := m.menu(string(k.Runes[:1]))
		if first != nil {
			return first
		}
		return m.keys(tea.KeyMsg{Type: tea.KeyRunes, Runes: k.Runes[1:]})
	}
	return m.menu(k.String())
}

func (m *offerPage) menu(key string) tea.Cmd {
	switch key {
	case "up", "shift+tab":
		m.cursor = (m.cursor + len(offers) - 1) % len(offers)
	case "down", "tab":
		m.cursor = (m.cursor + 1) % len(offers)
	case "enter":
		return m.choose(m.cursor)
	case "q", "esc", "ctrl+c":
		return tea.Quit
	}
	for i, o := range offers {
		if o.key == key {
			return m.choose(i)
		}
	}
	return nil
}

func (m *offerPage) choose(i int) tea.Cmd {
	m.cursor = i
	if i == program {
		m.typing = true
		return nil
	}
	m.choice = Offer{Desktop: offers[i].key == "d", Pattern: offers[i].key == "t"}
	return tea.Quit
}

func (m *offerPage) typeCommand(k tea.KeyMsg) tea.Cmd {
	switch k.Type {
	case tea.KeyEsc:
		m.typing, m.typed = false, ""
	case tea.KeyCtrlC:
		return tea.Quit
	case tea.KeyCtrlU:
		m.typed = ""
	case tea.KeyBackspace:
		if r := []rune(m.typed); len(r) > 0 {
			m.typed = string(r[:len(r)-1])
		}
	case tea.KeyRunes, tea.KeySpace:
		if s := m.typed + clean1(string(k.Runes)); len(s) <= maxTyped {
			m.typed = s
		}
	case tea.KeyEnter:
		if m.choice.App = strings.TrimSpace(m.typed); m.choice.App == "" {
			m.say("not yet: type the program's name, xterm for example")
			return nil
		}
		return tea.Quit
	}
	return nil
}

// View draws the page as of the last message.
func (m *offerPage) View() string {
	lines := []string{"", " There is no screen to share here:"}
	for _, l := range wrapped(clean(m.why), 76) {
		lines = append(lines, " "+l)
	}
	lines = append(lines, "", " Share instead, on a display of its own:", "")
	for i, o := range offers {
		mark := "   "
		if i == m.cursor {
			mark = " > "
		}
		lines = append(lines, mark+"["+o.key+"] "+m.style.bold(fit(o.title, 9))+o.text)
	}
	sections := []section{{title: "sightline host", lines: lines, keep: len(lines)}}
	keys := "p program   d desktop   t test   up/down Enter choose   q leave"
	if m.typing {
		sections = append(sections, section{title: "Program", lines: []string{"", label("Command", m.style.bold(m.typed)+"_")}, keep: 2})
		keys = "Enter share   Ctrl+U clear   Esc back"
	}
	return m.draw("", sections, keys)
}
