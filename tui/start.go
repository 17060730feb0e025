package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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

// roles is the menu, and what each of its lines is.
var (
	roles     = []string{RoleHost, RoleView, RoleRelay}
	roleLines = []menuLine{
		{"s", "share", "show this screen; you are asked before anybody comes in"},
		{"c", "connect", "see another screen with the code that it shows"},
		{"r", "relay", "help others to meet; it cannot read their sessions"},
	}
)

type startPage struct {
	menu
	choice Choice
}

func newStartPage(o StartOptions) *startPage {
	m := &startPage{}
	m.menu = menu{
		page: newPage(o.Out, o.Now, ""), lines: roleLines, asks: slices.Index(roles, RoleView),
		pick:  func(i int) { m.choice = Choice{Role: roles[i]} },
		enter: m.code,
	}
	return m
}

func (m *startPage) Update(msg tea.Msg) (tea.Model, tea.Cmd) { return m, m.update(msg) }

func (m *startPage) code(typed string) (wrong string) {
	verdict, ok := judge(typed)
	if !ok {
		return verdict
	}
	m.choice = Choice{Role: RoleView, Code: typed}
	return ""
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
	lines = append(lines, m.drawn()...)
	if roles[m.cursor] == RoleRelay {
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
		m.field("Code"),
		label("", verdict),
	}
}
