package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"sightline/peer/invite"
)

// Choice is what the person chose on the start page. Role is empty if the page
// was left without a choice.
type Choice struct {
	Role string // RoleHost, RoleView or RoleRelay
	Code string // RoleView: a code or ticket that was checked
}

// StartOptions of the start page.
type StartOptions struct {
	In  io.Reader
	Out io.Writer
	Now func() time.Time // nil: time.Now
}

// RunStart shows the page of a bare `sightline` and returns the choice.
func RunStart(ctx context.Context, o StartOptions) (Choice, error) {
	m := newStartPage(o)
	err := runPage(ctx, m, o.In, o.Out, nil)
	return m.choice, err
}

// roles is the menu.
var roles = []struct{ key, role, title, text string }{
	{"s", RoleHost, "share", "show this screen; you are asked before anybody comes in"},
	{"c", RoleView, "connect", "see another screen with the code that it shows"},
	{"r", RoleRelay, "relay", "help others to meet; it cannot read their sessions"},
}

// connect is the menu's line for typing a code.
const connect = 1

type startPage struct {
	page
	cursor int
	typing bool // the code is being typed
	typed  string
	choice Choice
}

func newStartPage(o StartOptions) *startPage {
	return &startPage{page: newPage(o.Out, o.Now, "")}
}

func (m *startPage) Init() tea.Cmd { return nil }

func (m *startPage) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.common(msg)
	var cmd tea.Cmd
	if k, ok := msg.(tea.KeyMsg); ok {
		cmd = m.keys(k)
	}
	return m, tea.Batch(cmd, m.tick(false))
}

// keys takes a message apart: what arrives in one read is one message, however
// many characters it has. A code that is pasted into the menu wants to connect.
func (m *startPage) keys(k tea.KeyMsg) tea.Cmd {
	switch {
	case m.typing:
		return m.typeCode(k)
	case k.Paste:
		m.choose(connect)
		return m.typeCode(k)
	case k.Type == tea.KeyRunes && len(k.Runes) > 1:
		first := m.menu(string(k.Runes[:1]))
		if first != nil {
			return first
		}
		return m.keys(tea.KeyMsg{Type: tea.KeyRunes, Runes: k.Runes[1:]})
	}
	return m.menu(k.String())
}

func (m *startPage) menu(key string) tea.Cmd {
	switch key {
	case "up", "shift+tab":
		m.cursor = (m.cursor + len(roles) - 1) % len(roles)
	case "down", "tab":
		m.cursor = (m.cursor + 1) % len(roles)
	case "enter":
		return m.choose(m.cursor)
	case "q", "esc", "ctrl+c":
		return tea.Quit
	}
	for i, r := range roles {
		if r.key == key {
			return m.choose(i)
		}
	}
	return nil
}

func (m *startPage) choose(i int) tea.Cmd {
	m.cursor = i
	if roles[i].role == RoleView {
		m.typing = true
		return nil
	}
	m.choice = Choice{Role: roles[i].role}
	return tea.Quit
}

// maxTyped bounds what can be typed: a ticket has up to 512 characters.
const maxTyped = 512

func (m *startPage) typeCode(k tea.KeyMsg) tea.Cmd {
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
		verdict, ok := judge(m.typed)
		if !ok {
			m.say("not yet: %s", verdict)
			return nil
		}
		m.choice = Choice{Role: RoleView, Code: strings.TrimSpace(m.typed)}
		return tea.Quit
	}
	return nil
}

// clean1 is clean for one typed character, which may be a space.
func clean1(s string) string {
	if s == " " {
		return s
	}
	return clean(s)
}

// codeDigits is the length of the shortest code: 5 of the number, 8 of the secret.
const codeDigits = 13

// judge tells while it is typed whether this can be a code. A wrong check digit
// is told before anything is sent, so it never costs a try.
func judge(typed string) (verdict string, ok bool) {
	typed = strings.TrimSpace(typed)
	if strings.HasPrefix(typed, "sightline1:") {
		if _, err := invite.ParseTicket(typed); err != nil {
			return Explain(err).Sentence, false
		}
		return "a whole ticket: Enter connects", true
	}
	_, err := invite.Parse(typed)
	switch digits := countDigits(typed); {
	case err == nil:
		return "the check digit fits: Enter connects", true
	case digits < codeDigits && strings.Trim(typed, "0123456789 -") == "":
		return fmt.Sprintf("%d more digits", codeDigits-digits), false
	case errors.Is(err, invite.ErrTypo) && digits == codeDigits:
		return "the check digit does not fit: one digit is wrong, two are swapped, or some are missing", false
	}
	return Explain(err).Sentence, false
}

func countDigits(s string) (n int) {
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

// View draws the page as of the last message.
func (m *startPage) View() string {
	lines := []string{"", " Two computers meet by a code that one shows and the other types.", ""}
	for i, r := range roles {
		mark := "   "
		if i == m.cursor {
			mark = " > "
		}
		lines = append(lines, mark+"["+r.key+"] "+m.style.bold(fit(r.title, 9))+r.text)
	}
	if roles[m.cursor].role == RoleRelay {
		lines = append(lines, "",
			" A relay is closed: hosts get in by the string that it prints, viewers by a code.",
			" With --open every host on the network may use it and its bandwidth.")
	}
	sections := []section{{title: "sightline", lines: lines, keep: len(lines)}}
	keys := "s share   c connect   r relay   up/down Enter choose   q leave"
	if m.typing {
		sections = append(sections, section{title: "Connect", lines: m.codeLines(), keep: 5})
		keys = "Enter connect   Ctrl+U clear   Esc back"
	}
	return m.draw("", sections, keys)
}

func (m *startPage) codeLines() []string {
	verdict, ok := judge(m.typed)
	if ok {
		verdict = m.style.good("ok: " + verdict)
	}
	return []string{"",
		" The code on the host's screen, 48291-7304-4187 for example:",
		"",
		label("Code", m.style.bold(m.typed)+"_"),
		label("", verdict),
	}
}
