package tui

import (
	"context"
	"fmt"
	"io"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"sightline/peer"
)

// ViewControls is what the viewer's page can do; *peer.View has it. The methods
// are called outside the page's loop.
type ViewControls interface {
	Status() peer.ViewStatus
	AskControl()
	AskClipboard()
	PassControl()
	CtrlAltDel()
	End()
}

// ViewOptions of the viewer's page. Events and Controls are required.
type ViewOptions struct {
	In       io.Reader
	Out      io.Writer
	Events   <-chan peer.Event // closed when the role is over
	Controls ViewControls
	// Fingerprint is this viewer's own, to be read out to the host's person, who
	// sees it in the question. Empty: not shown.
	Fingerprint string
	Now         func() time.Time // nil: time.Now
}

// RunView shows the viewer's page beside its window until the role ends
// (peer.Ended, or Events is closed), the person presses q twice, or ctx ends.
// It reads Events until then and not longer.
func RunView(ctx context.Context, o ViewOptions) error {
	if o.Controls == nil || o.Events == nil {
		return errNoControls
	}
	return runPage(ctx, newViewPage(o), o.In, o.Out, o.Events)
}

type viewPage struct {
	page
	o      ViewOptions
	status peer.ViewStatus
	rate   rate
	asked  bool // for control, without an answer yet
	clip   bool // the same for the clipboard
}

type viewStatusMsg struct{ peer.ViewStatus }

func newViewPage(o ViewOptions) *viewPage {
	return &viewPage{page: newPage(o.Out, o.Now, RoleView), o: o}
}

func (m *viewPage) Init() tea.Cmd { return m.refresh() }

func (m *viewPage) refresh() tea.Cmd {
	return m.read(func() tea.Msg { return viewStatusMsg{m.o.Controls.Status()} })
}

// Update never waits: what it wants to know or do leaves as a command.
func (m *viewPage) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.common(msg)
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.KeyMsg:
		if !msg.Paste && len(msg.Runes) <= 1 { // as on the host's page
			cmd = pressed(viewKeys, m, &m.page, msg.String())
		}
	case eventMsg:
		cmd = m.happened(msg.ev)
	case viewStatusMsg:
		m.reading = false
		m.status = msg.ViewStatus
		if m.stale {
			m.stale = false
			cmd = m.refresh()
		}
	case tickMsg, doneMsg:
		cmd = m.refresh()
	case overMsg:
		return m, tea.Quit
	}
	// Every state of a viewer counts something: how long it waits or lasts.
	return m, tea.Batch(cmd, m.tick(true))
}

func (m *viewPage) happened(ev peer.Event) tea.Cmd {
	m.event(ev)
	switch ev := ev.(type) {
	case peer.Denied:
		m.asked, m.clip = m.asked && ev.Count > 0, m.clip && ev.Count > 0
	case peer.Granted, peer.Left:
		m.asked, m.clip = false, false
	case peer.Roster:
		if you := self(ev.Viewers); you.Acts || you.Asks { // the host has heard it
			m.asked = false
		}
	case peer.Stats:
		r := rate{bytes: ev.BytesIn, at: m.now}
		if ev.BytesIn >= m.rate.bytes && !m.rate.at.IsZero() && m.now.After(m.rate.at) {
			r.perSec = float64(ev.BytesIn-m.rate.bytes) / m.now.Sub(m.rate.at).Seconds()
		}
		m.rate = r
	case peer.Ended:
		return tea.Quit
	}
	return m.refresh()
}

// viewKeys is what can be done on the viewer's page. The window's own menu (F8)
// has the rest.
var viewKeys = []key[*viewPage]{
	{[]string{"r"}, "r ask for control", (*viewPage).whyNotAsk, (*viewPage).ask},
	{[]string{"g"}, "g give control away", (*viewPage).whyNotGive, (*viewPage).give},
	{[]string{"c"}, "c ask for the clipboard", (*viewPage).whyNotClip, (*viewPage).askClip},
	{[]string{"x"}, "x send Ctrl+Alt+Del", (*viewPage).whyNoKeys, (*viewPage).ctrlAltDel},
	{[]string{"q", "ctrl+c"}, "q end", nil, (*viewPage).end}, // ctl stop
}

func (m *viewPage) connected() bool { return m.status.State == "connected" }

func (m *viewPage) whyNotAsk() string {
	switch {
	case !m.connected():
		return "not connected yet"
	case self(m.status.Viewers).Acts, m.status.Grants.Has(controlRights) && !taken(m.status.Viewers):
		return "you have control already"
	case m.asked:
		return "asked already, the person at the host answers"
	case self(m.status.Viewers).Asks:
		return "asked already, the viewer who has control or the person at the host passes it on"
	}
	return ""
}

func (m *viewPage) whyNotClip() string {
	switch {
	case !m.connected():
		return "not connected yet"
	case (m.status.Grants & m.status.Wants).Has(clipRights):
		return "copying and pasting works already"
	case m.clip:
		return "asked already, the person at the host answers"
	}
	return ""
}

func (m *viewPage) askClip() tea.Cmd {
	m.clip = true
	m.note("you asked for the clipboard")
	return act(func() error { m.o.Controls.AskClipboard(); return nil })
}

func (m *viewPage) whyNotGive() string {
	switch {
	case !m.connected():
		return "not connected yet"
	case !self(m.status.Viewers).Acts:
		return "you have not got control"
	case len(m.status.Viewers) < 2:
		return "nobody else is here"
	}
	return ""
}

func (m *viewPage) give() tea.Cmd {
	m.note("you passed control on")
	return act(func() error { m.o.Controls.PassControl(); return nil })
}

func (m *viewPage) whyNoKeys() string {
	switch {
	case !m.connected():
		return "not connected yet"
	case !m.status.Grants.Has(right("keyboard")):
		return "the host has not given you the keyboard; r asks for it"
	}
	return ""
}

func (m *viewPage) ask() tea.Cmd {
	m.asked = true
	m.note("you asked for control")
	return act(func() error { m.o.Controls.AskControl(); return nil })
}

func (m *viewPage) ctrlAltDel() tea.Cmd {
	m.note("Ctrl+Alt+Del sent")
	return act(func() error { m.o.Controls.CtrlAltDel(); return nil })
}

func (m *viewPage) end() tea.Cmd {
	if m.ending {
		return tea.Quit
	}
	m.ending = true
	m.note("ending")
	return act(func() error { m.o.Controls.End(); return nil })
}

// View draws the page as of the last message.
func (m *viewPage) View() string {
	first := section{title: "sightline view", lines: m.hostLines()}
	first.keep = len(first.lines)
	control := m.controlLines()
	right := m.status.State
	if !m.status.Since.IsZero() {
		right += " " + span(m.now.Sub(m.status.Since))
	}
	if !m.connected() {
		right = m.style.warn(right)
	}
	return m.draw(right, []section{first,
		{title: "Control", lines: control, keep: len(control)},
		{title: "Log", lines: m.log}}, keyLine(viewKeys, m))
}

func (m *viewPage) hostLines() []string {
	s := m.status
	lines := []string{"",
		label("Host", m.style.bold(name(s.Host.Name))),
		label("Fingerprint", clean(s.Host.Fingerprint)),
		label("", m.style.dim("compare it by voice with the host's person")),
	}
	if own := clean(m.o.Fingerprint); own != "" {
		lines = append(lines, label("Yours", own))
	}
	if !m.connected() {
		lines = append(lines, label("State", m.style.warn(m.waiting())))
	}
	kind, transport := pathWords(s.Path)
	path := "none yet"
	if kind != "" {
		path = kind + " " + transport
	}
	lines = append(lines, label("Route", path))
	if why := clean(s.Path.Why); why != "" {
		for _, l := range wrapped("not direct: "+why, 63) {
			lines = append(lines, label("", l))
		}
	}
	return append(append(lines, label("Picture", m.picture())), m.latency()...)
}

// waiting says for what.
func (m *viewPage) waiting() string {
	switch m.status.State {
	case "asking":
		return "the person at the host is asked to let you in"
	case "reconnecting":
		return "the path broke; trying to come back without a new code"
	case "connecting", "":
		return "connecting to the host"
	}
	return clean(m.status.State)
}

// picture is its size and how it moves, and how old it is if it does not.
func (m *viewPage) picture() string {
	s := m.status
	switch {
	case s.Bare:
		return m.style.warn("none: nothing is shared now")
	case s.Picture == "":
		return "none yet"
	}
	p := fmt.Sprintf("%s   %.0f fps   %s/s", clean(s.Picture), s.Stats.FPS, amount(uint64(m.rate.perSec)))
	switch {
	case !s.Dimmed.IsZero():
		return p + "   " + m.style.warn("old: nothing came since "+s.Dimmed.Format(time.TimeOnly))
	case s.Stats.Refined:
		p += "   exact"
	}
	return p
}

// latency is the round trip of pictures, now and in the last minute.
func (m *viewPage) latency() []string {
	s := m.status
	now := "not measured yet"
	if s.Stats.RTT > 0 {
		now = millis(s.Stats.RTT) + " a frame and its answer"
	}
	if s.Path.RTT > 0 {
		now += "   " + millis(s.Path.RTT) + " on the network"
	}
	lines := []string{label("Latency", now)}
	if len(s.Lags) > 0 {
		width := min(60, max(m.w-22, 10))
		worst := time.Duration(0)
		for _, l := range s.Lags[max(len(s.Lags)-width, 0):] {
			worst = max(worst, l)
		}
		lines = append(lines, label("", sparkline(s.Lags, width, 20*time.Millisecond)), label("", "up to "+millis(worst)))
	}
	return lines
}

func (m *viewPage) controlLines() []string {
	s := m.status
	rights := s.Grants.String()
	if m.asked {
		rights += "   (asked for control, no answer yet)"
	}
	window := clean(s.Window)
	switch window {
	case "native":
		window = "open   F8 its menu, Ctrl+Alt gives the keys back"
	case "none", "":
		window = "none: pictures are decoded and reported only"
	}
	lines := []string{label("Rights", rights), label("Window", window)}
	if why := refused(s.Refused); why != "" {
		for i, l := range wrapped(why, 63) {
			lines = append(lines, label([]string{"Refused", ""}[min(i, 1)], l))
		}
	}
	if also := others(s.Viewers, m.style.dot); also != "" {
		for i, l := range wrapped(also, 63) {
			lines = append(lines, label([]string{"Viewers", ""}[min(i, 1)], l))
		}
	}
	return lines
}
