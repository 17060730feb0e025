package tui

import (
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"sightline/peer"
)

// windower is an optional ability of HostControls: windows are shared and taken
// away. While the list is open no viewer's hand acts: it must not choose.
type windower interface {
	Windows() ([]peer.Window, error)
	ShareWindow(peer.WindowID) error
	UnshareWindow(peer.WindowID) error
	HoldInput(bool)
}

// picker is the list of windows on the host's page.
type picker struct {
	open    bool
	reading bool // for the first time
	list    []peer.Window
	at      int
}

type windowsMsg struct {
	list []peer.Window
	err  error
}

// pickKeys is what can be done while the list is open. `sightline ctl windows`,
// `share` and `unshare` do the same.
var pickKeys = []key[*hostPage]{
	{[]string{"up", "shift+tab"}, "up down choose", nil, func(m *hostPage) tea.Cmd { return m.pickMove(-1) }},
	{[]string{"down", "tab"}, "", nil, func(m *hostPage) tea.Cmd { return m.pickMove(+1) }},
	{[]string{"enter", " "}, "Enter share or take away", (*hostPage).whyNoPick, (*hostPage).pick},
	{[]string{"w", "esc", "q", "ctrl+c"}, "w close the list", nil, (*hostPage).closeList},
}

func (m *hostPage) whyNoWindows() string {
	if _, can := m.o.Controls.(windower); !can {
		return "this host cannot share single windows"
	}
	if !m.status.Picks {
		return "the whole screen is shared; --window and --pick share single windows"
	}
	return ""
}

// openList reads the windows anew each time.
func (m *hostPage) openList() tea.Cmd {
	if m.picker.reading {
		return nil
	}
	m.picker.reading = true
	w := m.o.Controls.(windower)
	return func() tea.Msg {
		list, err := w.Windows()
		if err == nil {
			w.HoldInput(true)
		}
		return windowsMsg{list, err}
	}
}

// listed shows what was read, for the first time or after a choice.
func (m *hostPage) listed(msg windowsMsg) tea.Cmd {
	first := m.picker.reading
	m.picker.reading = false
	if msg.err != nil {
		return func() tea.Msg { return doneMsg{msg.err} }
	}
	if first && len(m.asks) > 0 { // a question came meanwhile
		return m.closeList()
	}
	m.picker = picker{open: true, list: msg.list, at: min(m.picker.at, max(len(msg.list)-1, 0))}
	return nil
}

func (m *hostPage) closeList() tea.Cmd {
	m.picker = picker{}
	w := m.o.Controls.(windower)
	return act(func() error { w.HoldInput(false); return nil })
}

func (m *hostPage) pickMove(by int) tea.Cmd {
	if n := len(m.picker.list); n > 0 {
		m.picker.at = (m.picker.at + by + n) % n
	}
	return nil
}

func (m *hostPage) whyNoPick() string {
	if len(m.picker.list) == 0 {
		return "no program has a window here"
	}
	return ""
}

// pick shares the chosen window, or takes it away.
func (m *hostPage) pick() tea.Cmd {
	c, w := m.picker.list[m.picker.at], m.o.Controls.(windower)
	return act(func() error {
		if c.Shared {
			return w.UnshareWindow(c.ID)
		}
		return w.ShareWindow(c.ID)
	})
}

// reread brings the list up to date after a choice; the hold goes on.
func (m *hostPage) reread() tea.Cmd {
	if !m.picker.open {
		return nil
	}
	w := m.o.Controls.(windower)
	return func() tea.Msg {
		list, err := w.Windows()
		return rereadMsg{list, err}
	}
}

type rereadMsg windowsMsg

// windowLines are the list, scrolled to the chosen one.
func (m *hostPage) windowLines() []string {
	const most = 12
	p := m.picker
	first := min(max(p.at-most/2, 0), max(len(p.list)-most, 0))
	lines := []string{"", " Enter shares a window with every viewer, or takes it away at once.", " Meanwhile no viewer's hand acts.", ""}
	for i, w := range p.list[first:min(first+most, len(p.list))] {
		mark, shared := "   ", "      "
		if first+i == p.at {
			mark = " > "
		}
		if w.Shared {
			shared = m.style.warn("shared")
		}
		size := fmt.Sprintf("%dx%d", w.Size.X, w.Size.Y)
		lines = append(lines, mark+shared+" "+fit(clean(w.Class), 16)+" "+fit(size, 10)+" "+clean(w.Title))
	}
	if len(p.list) == 0 {
		lines = append(lines, "   no program has a window here")
	}
	return append(lines, "")
}
