package tui

import (
	"fmt"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"sightline/peer"
)

// twice is how fast Esc Esc is, as a double click is.
const twice = time.Second

// hostKeys is what can be done on the host's page. Each has a `sightline ctl`
// verb beside it, named in the comment.
var hostKeys = []key[*hostPage]{
	{[]string{"n", "enter"}, "n no", (*hostPage).whyNoQuestion, (*hostPage).refuse},        // ctl refuse
	{[]string{"v"}, "v view only", (*hostPage).whyNotView, (*hostPage).letView},            // ctl admit --grants view
	{[]string{"y"}, "y yes, as asked", (*hostPage).whyNotYes, (*hostPage).letIn},           // ctl admit
	{[]string{"up", "shift+tab"}, "", (*hostPage).whyNobody, (*hostPage).previous},         //
	{[]string{"down", "tab"}, "", (*hostPage).whyNobody, (*hostPage).next},                 //
	{[]string{"k"}, "k kick", (*hostPage).whyNobody, (*hostPage).kick},                     // ctl kick
	{[]string{"t"}, "t hand over", (*hostPage).whyNotPass, (*hostPage).pass},               // ctl pass
	{[]string{"esc"}, "Esc Esc cut control", (*hostPage).whyNoControl, (*hostPage).escape}, // ctl grant
	{[]string{"alt+esc"}, "", (*hostPage).whyNoControl, (*hostPage).cut},                   // both Escs in one read
	{[]string{"p"}, "p pause", nil, (*hostPage).pause},                                     // ctl pause, resume
	{[]string{"x"}, "x new code", (*hostPage).whyNoNewCode, (*hostPage).renew},             // ctl renew
	{[]string{"c"}, "c further code", (*hostPage).whyNoFurther, (*hostPage).further},       // ctl code
	{[]string{"w"}, "w windows", (*hostPage).whyNoWindows, (*hostPage).openList},           // ctl windows, share, unshare
	{[]string{"q", "ctrl+c"}, "q end", nil, (*hostPage).end},                               // ctl stop
}

func (m *hostPage) key(k tea.KeyMsg) tea.Cmd {
	// What is pasted, or arrives as several characters in one read, was typed
	// for another window and answers nothing here.
	if k.Paste || len(k.Runes) > 1 {
		return nil
	}
	if m.picker.open {
		return pressed(pickKeys, m, &m.page, k.String())
	}
	return pressed(hostKeys, m, &m.page, k.String())
}

func (m *hostPage) whyNoQuestion() string {
	if len(m.asks) == 0 {
		return "nobody asks to be let in"
	}
	return ""
}

// wait is how long yes cannot be chosen yet.
func (m *hostPage) wait() time.Duration {
	return max(m.asks[0].shown.Add(m.o.Delay).Sub(m.now), 0)
}

func (m *hostPage) whyNotYes() string {
	if why := m.whyNoQuestion(); why != "" {
		return why
	}
	if left := m.wait(); left > 0 {
		return fmt.Sprintf("read the warning first, yes can be chosen in %d s", seconds(left))
	}
	return ""
}

func (m *hostPage) whyNotView() string {
	if why := m.whyNotYes(); why != "" {
		return why
	}
	ask := m.asks[0]
	switch {
	case m.seated(ask.Seat):
		return "this viewer views already; n leaves it at that"
	case ask.Wants&viewRight == 0:
		return "view was not asked for"
	}
	return ""
}

func (m *hostPage) whyNobody() string {
	if len(m.inside()) == 0 {
		return "there is no viewer"
	}
	return ""
}

func (m *hostPage) whyNoControl() string {
	for _, s := range m.status.Seats {
		if s.Grants.Any(controlRights) {
			return ""
		}
	}
	return "no viewer controls this computer"
}

func (m *hostPage) whyNoNewCode() string {
	switch _, can := m.o.Controls.(renewer); {
	case !can:
		return "this host cannot change its code"
	case m.status.Code == "":
		return "no code is open"
	}
	return ""
}

// whyNoFurther leaves the rest to the host, which knows whether the code on show
// was used.
func (m *hostPage) whyNoFurther() string {
	switch _, can := m.o.Controls.(inviter); {
	case !can:
		return "this host cannot make a further code"
	case m.status.Once:
		return "this host serves one session (--once)"
	case len(m.status.Seats) == 0:
		return "nobody has used the code yet; x replaces it"
	}
	return ""
}

// seated tells whether a viewer who asks is in already and asks for more.
func (m *hostPage) seated(id peer.SeatID) bool {
	s, ok := m.seat(id)
	return ok && s.Grants != 0
}

func (m *hostPage) letIn() tea.Cmd   { return m.admit(m.asks[0].Wants) }
func (m *hostPage) letView() tea.Cmd { return m.admit(m.asks[0].Wants & viewRight) }

func (m *hostPage) admit(g peer.Grant) tea.Cmd {
	ask := m.asks[0]
	m.drop(ask.Seat)
	m.note("you let %s in: %s", m.tell.who(ask.Seat), g)
	if s, _ := m.seat(ask.Seat); m.seated(ask.Seat) {
		g |= s.Grants
	}
	return act(func() error { return m.o.Controls.Admit(ask.Seat, g) })
}

func (m *hostPage) refuse() tea.Cmd {
	ask := m.asks[0]
	m.drop(ask.Seat)
	m.note("you refused %s", m.tell.who(ask.Seat)) // who is in already keeps its rights
	return act(func() error { return m.o.Controls.Refuse(ask.Seat) })
}

func (m *hostPage) kick() tea.Cmd {
	seat := m.cursor
	return act(func() error { return m.o.Controls.Kick(seat) })
}

func (m *hostPage) whyNotPass() string {
	s, _ := m.seat(m.cursor)
	switch {
	case m.whyNobody() != "":
		return m.whyNobody()
	case m.status.All:
		return "every viewer with the right to controls at once here (--control all)"
	case !s.Grants.Any(controlRights):
		return "this viewer has no right to control; `sightline ctl grant` gives it"
	case s.Acts:
		return "this viewer has control; up and down choose another"
	}
	return ""
}

// pass hands control to the chosen viewer.
func (m *hostPage) pass() tea.Cmd {
	seat := m.cursor
	return act(func() error { return m.o.Controls.Pass(seat) })
}

// escape waits for the second Esc.
func (m *hostPage) escape() tea.Cmd {
	if m.now.Sub(m.esc) <= twice {
		return m.cut()
	}
	m.esc = m.now
	m.say("Esc once more cuts remote control")
	return nil
}

// cut takes pointer and keyboard from everybody at once.
func (m *hostPage) cut() tea.Cmd {
	m.esc = time.Time{}
	m.notice = ""
	m.note("you cut remote control")
	var cmds []tea.Cmd
	for _, s := range m.status.Seats {
		if s.Grants.Any(controlRights) {
			cmds = append(cmds, act(func() error { return m.o.Controls.Grant(s.Seat, s.Grants&^controlRights) }))
		}
	}
	return tea.Batch(cmds...)
}

func (m *hostPage) pause() tea.Cmd {
	on := !m.status.Paused
	m.note("%s", map[bool]string{true: "you paused sharing: pictures and input are held back", false: "sharing goes on"}[on])
	return act(func() error { m.o.Controls.Pause(on); return nil })
}

func (m *hostPage) renew() tea.Cmd {
	r := m.o.Controls.(renewer)
	return act(func() error { r.Renew(); return nil })
}

func (m *hostPage) further() tea.Cmd {
	i := m.o.Controls.(inviter)
	return act(func() error { _, err := i.AnotherCode(); return err })
}

// end stops the host. The page goes when the host has ended; who cannot wait
// presses q again.
func (m *hostPage) end() tea.Cmd {
	if m.ending {
		return tea.Quit
	}
	m.ending = true
	m.note("ending, %d viewers are told", len(m.inside()))
	return act(func() error { m.o.Controls.Stop(); return nil })
}

func (m *hostPage) next() tea.Cmd     { return m.move(+1) }
func (m *hostPage) previous() tea.Cmd { return m.move(-1) }

func (m *hostPage) move(by int) tea.Cmd {
	in := m.inside()
	for i, s := range in {
		if s.Seat == m.cursor {
			m.cursor = in[(i+by+len(in))%len(in)].Seat
			break
		}
	}
	return nil
}
