package tui

import (
	"strings"

	"sightline/peer"
)

// The rights that the pages and questions treat in their own way. They are
// looked up by their word, which is the contract (UX.md, "JSON events").
var (
	viewRight     = right("view")
	controlRights = right("pointer") | right("keyboard")
	clipRights    = right("clip-to-host") | right("clip-to-viewer")
)

// right finds a right by its word, 0 if there is none.
func right(word string) peer.Grant {
	for bit := peer.Grant(1); bit != 0; bit <<= 1 {
		if bit.String() == word {
			return bit
		}
	}
	return 0
}

// asked is a set of rights as a question names it: "view + control".
func asked(g peer.Grant) string {
	words := []string{}
	if g.Has(controlRights) {
		g &^= controlRights
		words = append(words, "control")
	}
	words = append(g.Words(), words...)
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, " + ")
}
