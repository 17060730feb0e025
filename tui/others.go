package tui

import (
	"fmt"
	"strings"

	"sightline/peer"
)

// others says who watches beside this viewer, and who of them controls; "" before
// the host has told it. dot shows the colour of each one's pointer; nil: not at all.
func others(list []peer.Watching, dot func(peer.Colour) string) string {
	if dot == nil {
		dot = func(peer.Colour) string { return "" }
	}
	if len(list) == 0 {
		return ""
	}
	said, you := []string{}, ""
	for _, w := range list {
		switch {
		case !w.You:
			said = append(said, dot(w.Colour)+other(w))
		case w.Acts:
			you = "; you control"
		case w.Asks:
			you = "; you asked for control"
		}
	}
	n := len(said)
	switch {
	case n == 0:
		return "you are the only viewer" + you
	case n == 1:
		return said[0] + " watches too" + you
	case n > named:
		said = append(said[:named], fmt.Sprintf("%d more", n-named))
	}
	return fmt.Sprintf("%d others watch: %s", n, strings.Join(said, ", ")) + you
}

// self is this viewer in what the host told.
func self(list []peer.Watching) (you peer.Watching) {
	for _, w := range list {
		if w.You {
			return w
		}
	}
	return you
}

// taken tells whether another viewer has control.
func taken(list []peer.Watching) bool {
	for _, w := range list {
		if !w.You && w.Acts {
			return true
		}
	}
	return false
}

// named is how many others are named: three lines of a page at most.
const named = 5

func other(w peer.Watching) string {
	s := strings.TrimSpace(fit(name(w.Name), 16))
	switch {
	case w.Away:
		return s + " (away)"
	case w.Acts:
		return s + " (controls)"
	case w.Asks:
		return s + " (asks for control)"
	}
	return s
}
