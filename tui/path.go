package tui

import (
	"fmt"
	"strings"
	"time"

	"sightline/peer"
)

// route is a path in words: "direct quic 12 ms", or
// "relayed wss 48 ms: this side's network lets no UDP through, …".
func route(p peer.Path) string {
	kind, transport := pathWords(p)
	if kind == "" {
		return "not known yet"
	}
	words := strings.TrimSpace(kind + " " + transport)
	if p.RTT > 0 {
		words += " " + millis(p.RTT)
	}
	return because(words, p.Why)
}

// shortRoute is route without its reason, for a line of a table.
func shortRoute(p peer.Path) string {
	kind, transport := pathWords(p)
	return strings.TrimSpace(kind + " " + transport)
}

// pathWords are the words of UX.md for kind and transport; both are empty while
// there is no path.
func pathWords(p peer.Path) (kind, transport string) {
	if p.Kind == 0 {
		return "", ""
	}
	return p.Kind.String(), clean(p.Transport)
}

// millis prints a time as "12 ms", below 10 ms as "1.2 ms".
func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 9.95 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// span prints a time that is waited for or was spent: "9 s", "14:32", "1:02:03".
func span(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s < 0:
		return "0 s"
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// amount prints bytes: "3.2 kB", "18 MB".
func amount(n uint64) string {
	v, units := float64(n), []string{"B", "kB", "MB", "GB", "TB"}
	i := 0
	for ; v >= 999.5 && i < len(units)-1; i++ {
		v /= 1000
	}
	if i == 0 || v >= 9.95 {
		return fmt.Sprintf("%.0f %s", v, units[i])
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}
