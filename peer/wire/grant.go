package wire

import (
	"fmt"
	"strings"
)

// Grant is a set of rights of a viewer on a host (SECURITY-DESIGN, section 7).
// The same words name them on the wire's logs, in JSON, TOML and on screen.
type Grant uint32

// The rights. A host denies by default.
const (
	View Grant = 1 << iota
	Pointer
	Keyboard
	ClipToHost
	ClipToViewer
	FileToHost
	FileToViewer
	Terminal

	// Command-line shorthand: pointer and keyboard.
	HandsOn = Pointer | Keyboard
	// allGrants is what this version knows; other bits of a peer are ignored.
	allGrants = Terminal<<1 - 1
)

var grantNames = [...]string{"view", "pointer", "keyboard", "clip-to-host", "clip-to-viewer", "file-to-host", "file-to-viewer", "terminal"}

// Has tells whether all of want are in g.
func (g Grant) Has(want Grant) bool { return g&want == want }

// Any tells whether at least one of want is in g.
func (g Grant) Any(want Grant) bool { return g&want != 0 }

// Words lists the rights by name, in their fixed order.
func (g Grant) Words() []string {
	words := []string{}
	for i, name := range grantNames {
		if g&(1<<i) != 0 {
			words = append(words, name)
		}
	}
	return words
}

func (g Grant) String() string {
	if g == 0 {
		return "nothing"
	}
	return strings.Join(g.Words(), " ")
}

// ParseGrants reads words, "control" among them. The error names the word.
func ParseGrants(words []string) (Grant, error) {
	var g Grant
next:
	for _, w := range words {
		if w == "control" {
			g |= HandsOn
			continue
		}
		for i, name := range grantNames {
			if w == name {
				g |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("there is no right called %q; rights are %s and control", Clean(w, 32), strings.Join(grantNames[:], ", "))
	}
	return g, nil
}
