package wire

import "strconv"

// Channel says what a stream of a session is for. Each channel is a stream of
// its own, so that a large picture never stands before a key press
// (SECURITY-DESIGN, section 5).
type Channel uint8

// The channels of session protocol 1.
const (
	Control Channel = 0
	Input   Channel = 1
	Screen  Channel = 2
	Clips   Channel = 3
	File    Channel = 4
	Term    Channel = 5
)

// Padded tells whether the records of this channel are padded to a multiple of
// 64 bytes, so that their length does not tell what was typed or copied.
func (c Channel) Padded() bool { return c == Control || c == Input || c == Clips }

func (c Channel) String() string {
	names := [...]string{"control", "input", "screen", "clipboard", "file", "terminal"}
	if int(c) < len(names) {
		return names[c]
	}
	return "channel " + strconv.Itoa(int(c))
}
