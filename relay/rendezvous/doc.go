// Package rendezvous lets two machines that know only a short session number
// find each other. A host asks its relays to keep a number for it; a viewer asks
// its relays who has that number and dials the answer through the relay.
//
// It is no proof of anything: a relay may name a wrong peer, refuse or keep
// silent. The session layer finds that out (the code's secret part never comes
// near this package). It moves no session bytes: those take libp2p's circuits.
//
// # Protocol /sightline/rendezvous/1
//
// One libp2p stream per question, opened by the client on a connection whose two
// ends libp2p has authenticated (Ed25519 identities only). Question and answer
// are one frame each, then both sides close. Integers are big endian.
//
//	frame     u16 n | body, n bytes, 1 <= n <= 256
//
//	question  u8 op | …
//	  1 HELLO
//	  2 REGISTER  u8 t | token, t bytes (0 or 32)
//	              u8 d | number, d ASCII digits (5..12)
//	              u8 l | lease, l bytes (0: a new number; else a claim)
//	  3 LOOKUP    u8 d | number
//	  4 RELEASE   u8 d | number
//
//	answer    u8 status | …
//	  0 OK        to HELLO: u8 digits | u8 flags (bit 0: open to all) | u32 lease time in s
//	              to REGISTER: u32 lease time in s | u8 l | lease
//	              to LOOKUP: peer ID of the host, 38 bytes
//	              to RELEASE: nothing
//	  1 UNKNOWN   no such number
//	  2 REFUSED   this relay is closed and the token is not its own
//	  3 TAKEN     the number lives, or lived within 24 h
//	  4 DIGITS    u8 digits: so many are needed by now
//	  5 LIMIT     u32 s: ask again after so many seconds
//
//	lease     u8 d | number | peer ID, 38 bytes | i64 since | i64 expires | HMAC, 32 bytes
//
// since (when this peer was first given the number) and expires are Unix
// milliseconds on the relay's clock; the HMAC is HMAC-SHA256 with the relay's
// lease key over "sightline/1 lease\0" and everything before it. Only the relay
// reads a lease; for a client it is a string of bytes to be shown again.
//
// Anything else (an unknown op, a byte too many, a bad digit) ends the stream
// with a reset and no text.
//
// # Numbers
//
// A number has D digits, D the smallest number >= 5 with 1000 x live < 10^D, so
// that a guess meets a live session less than once in a thousand tries. The host
// proposes, the relay accepts or refuses; more digits than needed are accepted,
// because the host asks several relays for one and the same number. A peer has
// one number; a new one replaces it. It lives for the lease time (10 min) after
// the last REGISTER, and for 24 h after its death nobody but the peer that had it
// gets it.
//
// # What a restart of the relay does to numbers
//
// A relay keeps nothing on disk but its keys, so a new process does not know
// which numbers lived. It could hold back every proposal until the old hosts had
// come back, but then the first code after each start would have to wait. Instead
// numbers are given out at once, and a lease wins against a later claim: who shows
// a valid lease whose since is earlier than that of the present holder takes the
// number, and the present holder is told TAKEN at its next REGISTER. So a stranger
// can hold the number of a running session for the moment until the host is back
// (it reconnects within seconds and shows its lease first thing), never longer,
// and a viewer who calls in that moment reaches a host that cannot prove the code.
// Nobody can forge a lease or use another peer's.
package rendezvous

import (
	"errors"
	"fmt"
	"time"
)

// Protocol is the libp2p protocol ID.
const Protocol = "/sightline/rendezvous/1"

// LeaseTime is how long a number lives after it was claimed or renewed.
const LeaseTime = 10 * time.Minute

// HoldTime is how long a dead number is kept from everybody but its last holder:
// a code that somebody wrote down yesterday must not lead to a stranger today.
const HoldTime = 24 * time.Hour

// MinDigits and MaxDigits bound a session number.
const (
	MinDigits = 5
	MaxDigits = 12 // 10^12 / 1000: a billion sessions, more than a relay can hold
)

// Errors that a caller may test with errors.Is.
var (
	ErrBadJoin = errors.New("not a relay's join string")
	ErrUnknown = errors.New("no such session number")
	ErrRefused = errors.New("the relay is closed and does not accept this token")
	ErrTaken   = errors.New("the session number is taken")
	ErrNoRelay = errors.New("no relay is configured")
	// ErrWrongRelay: something answers at the relay's address, but with another key.
	ErrWrongRelay = errors.New("the machine at this address is not the relay of the join string")
	// ErrNotRelay: the peer is the right one but does not speak Protocol.
	ErrNotRelay = errors.New("this peer does not answer as a sightline relay")
	// ErrProtocol: the relay's answer cannot be read.
	ErrProtocol = errors.New("the relay's answer makes no sense")
	// ErrReplaced ends a lease whose client has published another number since.
	ErrReplaced = errors.New("another number was published")
)

// LimitError says that a relay's limit was reached and when to try again.
type LimitError struct {
	Wait time.Duration // at least 1 s, whole seconds
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the relay's limit is reached; try again in %s", e.Wait)
}

// Hint is advice in one line: nothing is wrong with the relay's string or the code.
func (e *LimitError) Hint() string {
	return fmt.Sprintf("wait %s, then run the same command again: the relay counts all tries from your network together. "+
		"Its owner can raise relay.limits or name the network in relay.trusted; `view --direct HOST:PORT` asks no relay", e.Wait)
}

// digitsError asks for a longer number. It does not leave the package: Publish
// answers it with a new proposal.
type digitsError struct{ digits int }

func (e *digitsError) Error() string {
	return fmt.Sprintf("session numbers have %d digits by now", e.digits)
}

// ValidNumber reports whether s has the form of a session number: MinDigits to
// MaxDigits ASCII digits.
func ValidNumber(s string) bool {
	if len(s) < MinDigits || len(s) > MaxDigits {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
