package link

import (
	"errors"
	"testing"
)

// An error that a library made words of is a few words for a person.
func TestReasonOfText(t *testing.T) {
	for text, want := range map[string]string{
		"INTERNAL_ERROR (local): write udp4 0.0.0.0:1->192.0.2.1:4001: sendmsg: network is unreachable": "no route",
		"dial tcp 192.0.2.1:4001: connect: no route to host":                                            "no route",
		"dial tcp: lookup relay.invalid: no such host":                                                  "no such name",
		"read: connection reset by peer":                                                                "the other side hung up",
		"something else\nand more":                                                                      "something else",
	} {
		if got := reason(errors.New(text)); got != want {
			t.Errorf("%q is told as %q, not %q", text, got, want)
		}
	}
}
