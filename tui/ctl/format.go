package ctl

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"sightline/peer"
)

// FormatStatus writes a report for people. Text that came from the other side
// is cleaned again here, for it goes to a terminal.
func FormatStatus(w io.Writer, r Report, now time.Time) error {
	var b strings.Builder
	row := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", label, plain(fmt.Sprintf(format, args...)))
	}
	row(r.Role, "process %d", r.PID)
	switch {
	case r.Host != nil:
		formatHost(row, *r.Host, now)
	case r.View != nil:
		formatView(row, *r.View, now)
	case r.Relay != nil:
		formatRelay(row, *r.Relay, now)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type rowFunc func(label, format string, args ...any)

func formatHost(row rowFunc, h HostReport, now time.Time) {
	row("name", "%s", h.Name)
	switch {
	case h.Code != "" && h.Expires != nil:
		row("code", "%s  valid for %s, %d wrong tries", h.Code, span(h.Expires.Sub(now)), h.Failed)
	case h.Number != "":
		row("session", "%s, its code was used", h.Number)
	default:
		row("session", "none is open")
	}
	row("route", "%s", h.Route)
	row("sharing", "%s%s", h.Sharing, map[bool]string{true: "  (paused)"}[h.Paused])
	row("allowed", "%s", rightsOf(h.Allow))
	if len(h.Viewers) == 0 {
		row("viewers", "none")
	}
	for _, v := range h.Viewers {
		row(fmt.Sprintf("viewer %d", v.Seat), "%s", v.Viewer)
		row("", "%s", v.state(now))
		row("", "fingerprint %s", v.Fingerprint)
		row("", "path %s", v.Path)
		formatRefused(row, "", v.Refused)
	}
}

// formatRefused lists why input was not acted on, and how often.
func formatRefused(row rowFunc, label string, all map[string]int) {
	var words []string
	for _, r := range peer.Refusals(all).List() {
		words = append(words, fmt.Sprintf("%s %d", r.Reason, r.Count))
	}
	if len(words) > 0 {
		row(label, "input refused: %s", strings.Join(words, ", "))
	}
}

// state is a viewer's state with its reason.
func (v ViewerReport) state(now time.Time) string {
	left := ""
	if v.Until != nil {
		left = " " + span(v.Until.Sub(now))
	}
	switch v.State {
	case "asks":
		return fmt.Sprintf("asks for %s; refused by itself in%s: ctl admit %d, ctl refuse %d", rightsOf(v.Wants), left, v.Seat, v.Seat)
	case "away":
		return "its path broke; it can come back for" + left
	}
	return fmt.Sprintf("connected for %s, may: %s, %.0f pictures a second", span(now.Sub(v.Since)), rightsOf(v.Grants)+v.hands(), v.Stats.FPS)
}

// hands says whether a viewer controls.
func (v ViewerReport) hands() string {
	switch {
	case v.AsksControl:
		return " (asks for control)"
	case v.Acts:
		return " (controls)"
	}
	return ""
}

func formatView(row rowFunc, v ViewReport, now time.Time) {
	row("host", "%s", v.Host)
	row("fingerprint", "%s", v.Fingerprint)
	row("state", "%s for %s", v.State, span(now.Sub(v.Since)))
	row("rights", "%s", rightsOf(v.Grants))
	for _, w := range v.Viewers {
		if !w.You {
			row("beside", "%s, may: %s%s%s%s", w.Viewer, rightsOf(w.Grants), map[bool]string{true: ", controls"}[w.Acts],
				map[bool]string{true: ", asks for control"}[w.Asks], map[bool]string{true: ", away"}[w.Away])
		}
	}
	row("path", "%s", v.Path)
	formatRefused(row, "control", v.Refused)
	row("picture", "%s, %.0f a second, window: %s", cmp.Or(v.Picture, "none"), v.Stats.FPS, v.Window)
	if v.Dimmed != nil {
		row("", "no picture since %s", v.Dimmed.Format(time.TimeOnly))
	}
}

func formatRelay(row rowFunc, r RelayReport, now time.Time) {
	row("join", "%s", r.Join)
	row("listens on", "%s", strings.Join(r.Listen, ", "))
	row("load", "%d hosts, %d sessions, %d bytes in all, %d refused, %d cut", r.Registrations, r.Circuits, r.Bytes, r.Refused, r.Cut)
	if r.MonthLimit > 0 {
		row("this month", "%.2f of %.0f GB", float64(r.Month)/1e9, float64(r.MonthLimit)/1e9)
	}
	for _, p := range r.Peers {
		age := now.Sub(p.Since)
		row(fmt.Sprintf("%s %d", p.Role, p.Peer), "%d sessions for %s, %d bytes, %.2f Mbit/s on the whole",
			p.Circuits, span(age), p.Bytes, float64(p.Bytes)*8/1e6/max(age.Seconds(), 1))
	}
}

// String is a path in words.
func (p PathReport) String() string {
	s := p.Kind
	if p.Transport != "" {
		s += " over " + p.Transport
	}
	if p.RTT > 0 {
		s += fmt.Sprintf(", %.1f ms", p.RTT)
	}
	if p.Reason != "" {
		s += " (" + p.Reason + ")"
	}
	return s
}

func rightsOf(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, " ")
}

func span(d time.Duration) string { return max(d, 0).Round(time.Second).String() }

// plain drops what could act on a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
}
