package tui

import (
	"fmt"
	"strings"

	"sightline/peer"
)

// others says who watches beside this viewer, and who of them controls; "" before
// the host has told it.
func others(list []peer.Watching) string {
	if len(list) == 0 {
		return ""
	}
	said := []string{}
	for _, w := range list {
		if !w.You {
			said = append(said, other(w))
		}
	}
	n := len(said)
	switch {
	case n == 0:
		return "you are the only viewer"
	case n == 1:
		return said[0] + " watches too"
	case n > named:
		said = append(said[:named], fmt.Sprintf("%d more", n-named))
	}
	return fmt.Sprintf("%d others watch: %s", n, strings.Join(said, ", "))
}

// named is how many others are named: three lines of a page at most.
const named = 5

func other(w peer.Watching) string {
	s := strings.TrimSpace(fit(name(w.Name), 16))
	switch {
	case w.Away:
		return s + " (away)"
	case w.Grants.Any(controlRights):
		return s + " (controls)"
	}
	return s
}
