// Package invite makes, reads and prints the short codes by which a viewer
// finds a host and proves to be invited, and counts the guesses at them. It
// knows nothing of the network: what is done with a code is package secure's
// and the host's business.
//
// A one-off code is typed by people, so it is digits only:
//
//	48291-7304-4187
//	└───┘ └───────┘
//	number  secret: 7 random digits and 1 check digit (Damm) over number and secret
//
// The number finds the host and may be known to a relay. The secret is the
// password of the PAKE and leaves the viewer's machine in no form at all.
// Spaces and dashes may stand anywhere: the last 8 digits are the secret.
//
// A ticket replaces number and code where nobody has to type:
//
//	sightline1:12D3KooW…[@relay]#7K3MQ9X0P2WA
//	           └ host's peer ID  └ secret: 12 Crockford base32 characters, 60 bits
//
// 7 digits are few. What makes them enough is the Guard, which allows five
// wrong guesses in the life of a code: 5 in 10^7, 2^-20.9.
package invite

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
)

// Errors of Parse, ParseNumber, Join and ParseTicket. No error text repeats
// what was typed, since it may hold a secret and errors are logged.
var (
	ErrMalformed = errors.New("not a session code")
	// ErrTypo is a code of the right form whose check digit is wrong: a digit
	// mistyped or two neighbours swapped. It is an ErrMalformed too.
	ErrTypo = fmt.Errorf("%w: the check digit does not fit", ErrMalformed)
)

const (
	secretDigits = 8  // 7 random, 1 check digit
	minNumber    = 5  // digits; five serve a relay with up to 99 live sessions
	maxNumber    = 19 // digits; the most that always fit in a uint64
	maxTyped     = 256
)

// Code is a one-off invitation. Both fields hold ASCII digits only.
type Code struct {
	Number string // 5..19 digits, no leading zero; public
	Secret string // 8 digits, the last one the check digit
}

// NewNumber returns a random session number of so many digits (5..19). Its
// first digit is never 0, so that the text and the integer that travels in the
// handshake name the same session. rand is crypto/rand.Reader, except in tests.
func NewNumber(digits int, rand io.Reader) (string, error) {
	if digits < minNumber || digits > maxNumber {
		return "", fmt.Errorf("session number of %d digits: need %d to %d", digits, minNumber, maxNumber)
	}
	for {
		s, err := randomDigits(digits, rand)
		if err != nil || s[0] != '0' {
			return s, err
		}
	}
}

// New returns a code for this number with a fresh random secret.
func New(number string, rand io.Reader) (Code, error) {
	number, err := ParseNumber(number)
	if err != nil {
		return Code{}, err
	}
	secret, err := randomDigits(secretDigits-1, rand)
	if err != nil {
		return Code{}, err
	}
	check := '0' + damm(number+secret)
	return Code{Number: number, Secret: secret + string(rune(check))}, nil
}

// Parse reads a whole code as a person typed or pasted it.
func Parse(s string) (Code, error) {
	digits, err := onlyDigits(s)
	if err != nil {
		return Code{}, err
	}
	if len(digits) < minNumber+secretDigits {
		return Code{}, fmt.Errorf("%w: %d digits are too few", ErrMalformed, len(digits))
	}
	at := len(digits) - secretDigits
	return check(digits[:at], digits[at:])
}

// Join makes a code of a number and a secret that were typed apart.
func Join(number, secret string) (Code, error) {
	number, err := onlyDigits(number)
	if err != nil {
		return Code{}, err
	}
	secret, err = onlyDigits(secret)
	if err != nil {
		return Code{}, err
	}
	if len(secret) != secretDigits {
		return Code{}, fmt.Errorf("%w: the secret part has %d digits", ErrMalformed, secretDigits)
	}
	return check(number, secret)
}

// ParseNumber reads the number alone; spaces and dashes may stand anywhere.
func ParseNumber(s string) (string, error) {
	digits, err := onlyDigits(s)
	if err != nil {
		return "", err
	}
	return digits, checkNumber(digits)
}

// String prints the code for people to read out: 48291-7304-4187. It is the
// secret itself; what may be logged is the Number.
func (c Code) String() string {
	if len(c.Secret) != secretDigits {
		return c.Number
	}
	return c.Number + "-" + c.Secret[:4] + "-" + c.Secret[4:]
}

// LogValue keeps the secret out of logs, whoever passes the whole code.
func (c Code) LogValue() slog.Value { return slog.StringValue(c.Number) }

// NumberValue is the number as the handshake carries it; 0 if there is none.
func (c Code) NumberValue() uint64 {
	n, err := strconv.ParseUint(c.Number, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// check is the last step of every way to a Code.
func check(number, secret string) (Code, error) {
	if err := checkNumber(number); err != nil {
		return Code{}, err
	}
	// Damm's algorithm over digits and check digit together gives 0.
	if damm(number+secret) != 0 {
		return Code{}, ErrTypo
	}
	return Code{Number: number, Secret: secret}, nil
}

func checkNumber(number string) error {
	switch {
	case len(number) < minNumber || len(number) > maxNumber:
		return fmt.Errorf("%w: the session number has %d to %d digits", ErrMalformed, minNumber, maxNumber)
	case number[0] == '0':
		return fmt.Errorf("%w: a session number does not begin with 0", ErrMalformed)
	}
	return nil
}

// onlyDigits drops spaces and every kind of dash: chat programs and word
// processors like to replace the plain hyphen by a longer one.
func onlyDigits(s string) (string, error) {
	if len(s) > maxTyped {
		return "", fmt.Errorf("%w: too long", ErrMalformed)
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r):
		default:
			return "", fmt.Errorf("%w: digits, spaces and dashes only", ErrMalformed)
		}
	}
	return b.String(), nil
}

// randomDigits draws n digits, each with the same probability: of the 256
// values of a byte the last 6 are thrown away, for 250 is a multiple of 10.
func randomDigits(n int, rand io.Reader) (string, error) {
	digits := make([]byte, 0, n)
	var b [1]byte
	for len(digits) < n {
		if _, err := io.ReadFull(rand, b[:]); err != nil {
			return "", fmt.Errorf("draw random digits: %w", err)
		}
		if b[0] < 250 {
			digits = append(digits, '0'+b[0]%10)
		}
	}
	return string(digits), nil
}
