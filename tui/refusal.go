package tui

import (
	"fmt"
	"strings"

	"sightline/peer"
)

// refusalWords say for people why input was not acted on. The reasons themselves
// are what scripts and logs see.
var refusalWords = map[string]string{
	"covered":    "another window is in front there",
	"focus":      "another window has the keyboard",
	"hot key":    "the host's desktop would take it",
	"outside":    "nothing that is shared is there",
	"local hand": "the person at the host is using it",
}

// refusal is one reason with its count: "refused 12 times: covered (another
// window is in front there)".
func refusal(r peer.Refusal) string {
	times := fmt.Sprintf("%d times", r.Count)
	if r.Count == 1 {
		times = "once"
	}
	words := fmt.Sprintf("refused %s: %s", times, clean(r.Reason))
	if more, ok := refusalWords[r.Reason]; ok {
		words += " (" + more + ")"
	}
	return words
}

// refused lists all reasons in one line; "" if there are none.
func refused(all peer.Refusals) string {
	var words []string
	for _, r := range all.List() {
		words = append(words, fmt.Sprintf("%s %d", clean(r.Reason), r.Count))
	}
	return strings.Join(words, ", ")
}
