// Package tui is what a person or a script sees of a role: full-screen pages,
// plain lines, or JSON objects, one a line. All three speak of the same events
// (peer.Event) with the same words, and everything that can be done on a page
// can be done without it.
//
//	peer.Event ──┬─► Printer   plain: words on stderr, data (the code) on stdout
//	             │             JSON:  one object a line on stdout
//	             └─► RunHost, RunView   full-screen pages (bubbletea)
//	error ─────────► Explain   sentence, hint and exit code, from one table
//
// The rules of the interface:
//
//   - Data goes to stdout, words go to stderr.
//   - Every state names its reason; a key that does nothing now says why.
//   - Letting somebody in is always a question whose default is no; throwing
//     somebody out and ending are one key.
//   - Colour only repeats what a word or a mark already says. NO_COLOR is
//     honoured.
//   - Text from the other side is cleaned where it is parsed (peer/wire) and
//     once more here, at the border to the terminal.
//   - No page waits for the network: a page's Update never blocks.
//
// The package knows what a session is (package peer) and nothing of how it is
// carried out: a page acts through the few methods of HostControls or
// ViewControls.
package tui
