package tui

import (
	"fmt"
	"strings"
	"time"

	"sightline/peer"
)

// View draws the page as of the last message.
func (m *hostPage) View() string {
	if m.picker.open {
		lines := m.windowLines()
		return m.draw(name(m.status.Name)+"  "+m.now.Format(time.TimeOnly), []section{
			{title: "sightline host: windows of this computer", lines: lines, keep: len(lines)},
			{title: "Log", lines: m.log}}, keyLine(pickKeys, m))
	}
	first := section{title: "sightline host", lines: m.codeLines()}
	sections := []section{first}
	if len(m.asks) > 0 {
		// The question takes the place of the code, and stays in full in the
		// lowest terminal: it is the one thing that must be read.
		sections[0].lines = m.factLines()
		lines := m.askLines()
		sections = append([]section{{title: "sightline host: " + m.asker(), lines: lines, keep: len(lines)}},
			section{title: "This host", lines: m.factLines()})
	}
	viewers := m.viewerLines()
	sections = append(sections,
		section{title: m.viewersTitle(), lines: viewers, keep: min(len(viewers), 1)},
		section{title: "Log", lines: m.log})
	sections[0].keep = len(sections[0].lines)
	right := name(m.status.Name) + "  " + m.now.Format(time.TimeOnly)
	if m.status.Paused {
		right = m.style.warn("PAUSED") + "  " + right
	}
	return m.draw(right, sections, keyLine(hostKeys, m))
}

// codeLines are the code, what to do with it, and the facts.
func (m *hostPage) codeLines() []string {
	s := m.status
	code := clean(s.Code)
	if code == "" {
		return append([]string{"", " " + m.noCode(), ""}, m.factLines()...)
	}
	lines := []string{""}
	for _, row := range bigDigits(code, m.w-6) {
		lines = append(lines, m.style.bold(row))
	}
	return append(append(lines, "",
		" On the other computer run:  "+m.style.bold(clean(m.o.CommandFor(code))),
		label("Valid", fmt.Sprintf("%s left, %s, wrong tries: %d of 5", span(s.Expires.Sub(m.now)), viewers(s.Admits), s.Failed))),
		m.factLines()...)
}

// noCode says why no code is shown.
func (m *hostPage) noCode() string {
	switch {
	case m.ending:
		return "Ending."
	case m.status.Once && len(m.status.Seats) > 0:
		return "The code was used up: this host serves one session."
	case len(m.status.Seats) > 0:
		return "The code was used up; c shows a further one for one more viewer."
	}
	return "No code yet: a number is being agreed with the relays."
}

// factLines are route and what is shared.
func (m *hostPage) factLines() []string {
	s := m.status
	route, sharing := clean(s.Route), clean(s.Sharing)
	if route == "" {
		route = "none yet"
	}
	if s.Paused {
		sharing += "  " + m.style.warn("paused, p goes on")
	}
	allow := asked(s.Allow)
	if !s.Allow.Has(controlRights) {
		allow += "; anything more is a question to you"
	}
	lines := []string{label("Route", route), label("Sharing", sharing), label("Allowed", allow)}
	if own := clean(m.o.Fingerprint); own != "" {
		lines = append(lines, label("Fingerprint", own))
	}
	return lines
}

// asker is the title of the question.
func (m *hostPage) asker() string {
	what := "somebody wants in"
	if m.seated(m.asks[0].Seat) {
		what = "a viewer asks for more"
	}
	if n := len(m.asks); n > 1 {
		what += fmt.Sprintf(" (1 of %d)", n)
	}
	return what
}

// askLines are the consent box (SECURITY-DESIGN, sections 7 and 9).
func (m *hostPage) askLines() []string {
	a := m.asks[0]
	lines := []string{"",
		label("Who", m.style.bold(name(a.Viewer.Name))),
		label("Fingerprint", clean(a.Viewer.Fingerprint)),
		label("", m.style.dim("compare it by voice: the viewer's page shows it as Yours")),
		label("Path", route(a.Path)),
		label("Asks for", m.style.bold(asked(a.Wants))),
		"",
		" " + m.style.warn(fraudWarning1),
		" " + m.style.warn(fraudWarning2),
		""}
	choices := []string{"[n] no, also Enter"}
	if !m.seated(a.Seat) && a.Wants.Has(viewRight) && a.Wants != viewRight {
		choices = append(choices, "[v] view only")
	}
	choices = append(choices, "[y] yes: "+asked(a.Wants))
	yes := "y can be chosen now."
	if left := m.wait(); left > 0 {
		yes = fmt.Sprintf("y can be chosen in %d s.", seconds(left))
	}
	return append(lines, " "+strings.Join(choices, "    "),
		fmt.Sprintf(" %s  No by itself in %s.", yes, span(a.Until.Sub(m.now))), "")
}

func (m *hostPage) viewersTitle() string {
	n := len(m.inside())
	if n > 1 {
		return fmt.Sprintf("Viewers (%d), up and down choose", n)
	}
	return fmt.Sprintf("Viewers (%d)", n)
}

// viewerLines: one line for each viewer, a second one for the chosen.
func (m *hostPage) viewerLines() []string {
	in := m.inside()
	if len(in) == 0 {
		return []string{"   none"}
	}
	lines := []string{}
	for _, s := range in {
		lines = append(lines, m.viewerLine(s))
		if s.Seat == m.cursor {
			for _, l := range m.viewerDetail(s) {
				lines = append(lines, "   "+m.style.dim(l))
			}
		}
	}
	return lines
}

func (m *hostPage) viewerLine(s peer.SeatStatus) string {
	mark := "   "
	if s.Seat == m.cursor {
		mark = " > "
	}
	if s.Suspend {
		return mark + m.named(s) + " away: its path broke, it can come back for " + span(s.Until.Sub(m.now))
	}
	rtt := "-"
	if d := roundTrip(s); d > 0 {
		rtt = millis(d)
	}
	rights := s.Grants.String()
	switch {
	case s.AsksControl:
		rights = "asks for control   " + rights
	case s.Acts && !m.status.All:
		rights = "controls   " + rights
	}
	if s.Grants.Any(controlRights) {
		rights = m.style.warn(rights)
	}
	return mark + m.named(s) + " " + fit(shortRoute(s.Path), 13) + " " + fit(rtt, 8) +
		fit(amount(uint64(m.rates[s.Seat].perSec))+"/s", 10) + rights
}

// named is a viewer's name, with the colour of its pointer where others see it.
func (m *hostPage) named(s peer.SeatStatus) string {
	if len(m.inside()) < 2 {
		return fit(name(s.Viewer.Name), 16)
	}
	return fit(m.style.dot(s.Colour)+name(s.Viewer.Name), 16)
}

// viewerDetail is what does not fit into the chosen viewer's first line.
func (m *hostPage) viewerDetail(s peer.SeatStatus) []string {
	parts := []string{clean(s.Viewer.Fingerprint), "for " + span(m.now.Sub(s.Since)), fmt.Sprintf("%.0f fps", s.Stats.FPS)}
	lines := []string{strings.Join(parts, ", ")}
	if why := refused(s.Refused); why != "" {
		lines = append(lines, wrapped("refused input: "+why, 72)...)
	}
	if why := clean(s.Path.Why); why != "" {
		lines = append(lines, wrapped("not direct: "+why, 72)...)
	}
	return lines
}

// roundTrip is that of a frame, else of the path.
func roundTrip(s peer.SeatStatus) time.Duration {
	if s.Stats.RTT > 0 {
		return s.Stats.RTT
	}
	return s.Path.RTT
}
