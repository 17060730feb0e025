package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// menu is a page with a few lines to choose from, one of which asks for something to be
// typed: keys, cursor and line editor. What the choice means is its owner's.
type menu struct {
	page
	lines  []menuLine
	asks   int                               // the line for which something is typed
	pick   func(i int)                       // another line was chosen
	enter  func(typed string) (wrong string) // it was typed; what is wrong with it, "": nothing
	cursor int
	typing bool
	typed  string
}

type menuLine struct{ key, title, text string }

// maxTyped bounds what can be typed: a ticket has up to 512 characters.
const maxTyped = 512

func (m *menu) Init() tea.Cmd { return nil }

func (m *menu) update(msg tea.Msg) tea.Cmd {
	m.common(msg)
	var cmd tea.Cmd
	if k, ok := msg.(tea.KeyMsg); ok {
		cmd = m.keys(k)
	}
	return tea.Batch(cmd, m.tick(false))
}

// keys takes a message apart: what arrives in one read is one message, however
// many characters it has. What is pasted into the menu is meant for typing.
func (m *menu) keys(k tea.KeyMsg) tea.Cmd {
	switch {
	case m.typing:
		return m.edit(k)
	case k.Paste:
		m.choose(m.asks)
		return m.edit(k)
	case k.Type == tea.KeyRunes && len(k.Runes) > 1:
		if first := m.key(string(k.Runes[:1])); first != nil {
			return first
		}
		return m.keys(tea.KeyMsg{Type: tea.KeyRunes, Runes: k.Runes[1:]})
	}
	return m.key(k.String())
}

func (m *menu) key(key string) tea.Cmd {
	switch key {
	case "up", "shift+tab":
		m.cursor = (m.cursor + len(m.lines) - 1) % len(m.lines)
	case "down", "tab":
		m.cursor = (m.cursor + 1) % len(m.lines)
	case "enter":
		return m.choose(m.cursor)
	case "q", "esc", "ctrl+c":
		return tea.Quit
	}
	for i, l := range m.lines {
		if l.key == key {
			return m.choose(i)
		}
	}
	return nil
}

func (m *menu) choose(i int) tea.Cmd {
	m.cursor = i
	if i == m.asks {
		m.typing = true
		return nil
	}
	m.pick(i)
	return tea.Quit
}

// edit is the line that is typed.
func (m *menu) edit(k tea.KeyMsg) tea.Cmd {
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
		if wrong := m.enter(strings.TrimSpace(m.typed)); wrong != "" {
			m.say("not yet: %s", wrong)
			return nil
		}
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

// drawn are the lines as they are seen, the chosen one marked.
func (m *menu) drawn() (lines []string) {
	for i, l := range m.lines {
		mark := "   "
		if i == m.cursor {
			mark = " > "
		}
		lines = append(lines, mark+"["+l.key+"] "+m.style.bold(fit(l.title, 9))+l.text)
	}
	return lines
}

// field is what is typed, after its name.
func (m *menu) field(name string) string { return label(name, m.style.bold(m.typed)+"_") }
