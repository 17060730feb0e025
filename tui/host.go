package tui

import (
	"context"
	"io"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"sightline/peer"
)

// HostControls is what the host's page can do; *peer.Host has it. The methods
// are called outside the page's loop and may take their time.
type HostControls interface {
	Status() peer.HostStatus
	Admit(peer.SeatID, peer.Grant) error // answers a knock
	Refuse(peer.SeatID) error
	Kick(peer.SeatID) error
	Grant(peer.SeatID, peer.Grant) error // of a viewer who is in
	Pass(peer.SeatID) error              // control
	Pause(bool)
	Stop()
}

// renewer is an optional ability of HostControls: a fresh code in place of the
// open one.
type renewer interface{ Renew() }

// inviter is an optional ability of HostControls: a further code while viewers
// are inside.
type inviter interface{ AnotherCode() (string, error) }

// HostOptions of the host's page. Events and Controls are required.
type HostOptions struct {
	In       io.Reader
	Out      io.Writer
	Events   <-chan peer.Event // closed when the role is over
	Controls HostControls
	// CommandFor is the line for the other computer. nil: "sightline view CODE".
	CommandFor func(code string) string
	// Fingerprint is this host's own, which its viewers see. Empty: not shown.
	Fingerprint string
	Now         func() time.Time // nil: time.Now
	Delay       time.Duration    // before "yes" can be chosen. 0: 5 s
	// Pick begins with the list of windows: nothing is shared until one is chosen.
	Pick bool
}

// RunHost shows the host's page until the role ends (peer.Ended, or Events is
// closed), the person presses q twice, or ctx ends. It reads Events until then
// and not longer. The error says that the terminal cannot be used.
func RunHost(ctx context.Context, o HostOptions) error {
	if o.Controls == nil || o.Events == nil {
		return errNoControls
	}
	return runPage(ctx, newHostPage(o), o.In, o.Out, o.Events)
}

// pending is a viewer who asks, and since when a person can read it. The five
// seconds before "yes" begin when the question is on the screen, not when it
// was asked: a second one may have stood behind a first.
type pending struct {
	peer.Asks
	shown time.Time // zero: behind another question
}

// rate is what a viewer's bytes come to.
type rate struct {
	bytes  uint64
	at     time.Time
	perSec float64
}

type hostPage struct {
	page
	o      HostOptions
	status peer.HostStatus
	asks   []*pending // the first one is shown
	cursor peer.SeatID
	rates  map[peer.SeatID]rate
	esc    time.Time // of the last single Esc
	picker picker
}

type hostStatusMsg struct{ peer.HostStatus }

func newHostPage(o HostOptions) *hostPage {
	if o.CommandFor == nil {
		o.CommandFor = viewCommand
	}
	if o.Delay == 0 {
		o.Delay = consentDelay
	}
	return &hostPage{page: newPage(o.Out, o.Now, RoleHost), o: o, rates: map[peer.SeatID]rate{}}
}

func (m *hostPage) Init() tea.Cmd {
	if _, can := m.o.Controls.(windower); m.o.Pick && can {
		return tea.Batch(m.refresh(), m.openList())
	}
	return m.refresh()
}

func (m *hostPage) refresh() tea.Cmd {
	return m.read(func() tea.Msg { return hostStatusMsg{m.o.Controls.Status()} })
}

// Update never waits: what it wants to know or do leaves as a command.
func (m *hostPage) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.common(msg)
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.KeyMsg:
		cmd = m.key(msg)
	case eventMsg:
		cmd = m.happened(msg.ev)
	case hostStatusMsg:
		m.reading = false
		if m.take(msg.HostStatus); m.stale {
			// Something happened since: this snapshot may not know of a seat
			// that asks by now.
			m.stale = false
			cmd = m.refresh()
		} else {
			m.tidy()
		}
	case windowsMsg:
		cmd = m.listed(msg)
	case rereadMsg:
		if m.picker.open {
			cmd = m.listed(windowsMsg(msg))
		}
	case doneMsg:
		cmd = tea.Batch(m.refresh(), m.reread())
	case tickMsg:
		cmd = m.refresh()
	case overMsg:
		return m, tea.Quit
	}
	m.show()
	return m, tea.Batch(cmd, m.tick(m.moving()))
}

// moving tells whether something on the page changes by itself.
func (m *hostPage) moving() bool {
	return len(m.asks) > 0 || len(m.status.Seats) > 0 || m.status.Code != "" || m.ending
}

// happened hears an event.
func (m *hostPage) happened(ev peer.Event) tea.Cmd {
	m.event(ev)
	switch ev := ev.(type) {
	case peer.Asks:
		m.drop(ev.Seat)
		m.asks = append(m.asks, &pending{Asks: ev})
		if m.picker.open { // a question is answered first
			return tea.Batch(m.closeList(), m.refresh())
		}
	case peer.Joined:
		m.drop(ev.Seat)
	case peer.Denied:
		if ev.Count == 0 {
			m.drop(ev.Seat)
		}
	case peer.Left:
		m.drop(ev.Seat)
	case peer.Kicked:
		m.drop(ev.Seat)
	case peer.Granted: // perhaps by ctl
		m.answered(ev)
	case peer.Stats:
		m.measure(ev)
	case peer.Ended:
		return tea.Quit
	}
	return m.refresh()
}

// measure turns growing totals into bytes per second.
func (m *hostPage) measure(ev peer.Stats) {
	r := rate{bytes: ev.BytesOut, at: m.now}
	if last, ok := m.rates[ev.Seat]; ok && ev.BytesOut >= last.bytes && m.now.After(last.at) {
		r.perSec = float64(ev.BytesOut-last.bytes) / m.now.Sub(last.at).Seconds()
	}
	m.rates[ev.Seat] = r
}

// take keeps a snapshot; the cursor stays on a viewer who is there.
func (m *hostPage) take(s peer.HostStatus) {
	m.status = s
	if _, here := m.seat(m.cursor); here {
		return
	}
	if in := m.inside(); len(in) > 0 {
		m.cursor = in[0].Seat
	}
}

// tidy forgets the questions and rates of seats that are gone.
func (m *hostPage) tidy() {
	for _, a := range append([]*pending(nil), m.asks...) {
		if _, here := m.seat(a.Seat); !here {
			m.drop(a.Seat)
		}
	}
	for id := range m.rates {
		if _, here := m.seat(id); !here {
			delete(m.rates, id)
		}
	}
}

// show brings the first question on the screen and lets those go whose time is
// over; the host itself refuses them.
func (m *hostPage) show() {
	for len(m.asks) > 0 && !m.now.Before(m.asks[0].Until) {
		m.asks = m.asks[1:]
	}
	if len(m.asks) > 0 && m.asks[0].shown.IsZero() {
		m.asks[0].shown = m.now
	}
}

func (m *hostPage) drop(seat peer.SeatID) {
	for i, a := range m.asks {
		if a.Seat == seat {
			m.asks = append(m.asks[:i:i], m.asks[i+1:]...)
			return
		}
	}
}

// answered drops a question that is answered by what was granted.
func (m *hostPage) answered(ev peer.Granted) {
	for _, a := range m.asks {
		if a.Seat == ev.Seat && ev.Grants.Has(a.Wants) {
			m.drop(ev.Seat)
			return
		}
	}
}

// inside lists the viewers who were let in, also those whose rights were all
// taken away. Somebody who has proved the code and not said a word yet has
// neither rights nor a name.
func (m *hostPage) inside() []peer.SeatStatus {
	in := []peer.SeatStatus{}
	for _, s := range m.status.Seats {
		if s.Grants != 0 || !s.Asking && s.Viewer.Name != "" {
			in = append(in, s)
		}
	}
	return in
}

// seat finds a viewer in the last snapshot.
func (m *hostPage) seat(id peer.SeatID) (peer.SeatStatus, bool) {
	for _, s := range m.status.Seats {
		if s.Seat == id {
			return s, true
		}
	}
	return peer.SeatStatus{}, false
}
