package secure

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"runtime"

	"golang.org/x/crypto/argon2"

	"filippo.io/nistec"

	"sightline/peer/invite"
)

// Mode is how a viewer proves that it may come in, as in byte 5 of M1.
type Mode byte

const (
	ModeCode   Mode = 1 // one-off code
	ModePass   Mode = 2 // unattended password; refused with status 3
	ModeKey    Mode = 3 // key on a trust list; refused with status 3
	ModeResume Mode = 4 // a session that broke goes on
)

func (m Mode) String() string {
	switch m {
	case ModeCode:
		return "code"
	case ModePass:
		return "password"
	case ModeKey:
		return "trusted key"
	case ModeResume:
		return "resume"
	}
	return fmt.Sprintf("mode %d", byte(m))
}

// Profile of the key derivation: how expensive it is to try one secret.
const (
	profileNone     = 0 // modes without a secret
	profileArgon2id = 1

	argonTime    = 3         // passes
	argonMemory  = 64 * 1024 // KiB
	argonThreads = 4
	saltLen      = 16
)

// Credential is what a viewer comes with. The zero value is refused.
type Credential struct {
	mode      Mode
	number    uint64 // of the session; in mode 4 its id
	secret    string
	resume    [32]byte
	stretched []byte // w0s | w1s, instead of secret: for tests
	suite     byte   // 0: what this CPU does best
}

// WithCode is a one-off code: the number and the 8 digits of its secret.
func WithCode(number uint64, secret string) Credential {
	return Credential{mode: ModeCode, number: number, secret: secret}
}

// WithResume goes on with a session that broke, by its id and the resume key
// of its ACCEPT.
func WithResume(session uint64, key [32]byte) Credential {
	return Credential{mode: ModeResume, number: session, resume: key}
}

// WithStretched is WithCode for a secret that Stretch has worked on already,
// 80 bytes. Stretching takes 64 MiB and a tenth of a second or more, which
// hundreds of handshakes in a test need not pay. The salt must be the host's.
func WithStretched(number uint64, stretched []byte) Credential {
	return Credential{mode: ModeCode, number: number, stretched: stretched}
}

// Format keeps the secret out of every kind of print.
func (c Credential) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "credential (%s)", c.mode) }

// scalars returns w0 and w1, stretching the secret if need be.
func (c Credential) scalars(profile byte, salt [saltLen]byte) (w0, w1 []byte, err error) {
	if profile != profileArgon2id {
		return nil, nil, fmt.Errorf("%w: unknown key derivation %d", ErrProtocol, profile)
	}
	s := c.stretched
	if s == nil {
		s = Stretch(c.secret, salt)
		defer clear(s)
	}
	return split(s)
}

// Stretch is Argon2id as profile 1 has it: w0s | w1s, 80 bytes.
func Stretch(secret string, salt [saltLen]byte) []byte {
	input := lp([]byte(secret), nil, nil)
	defer clear(input)
	// Its 64 MiB are garbage then. The pictures of the session that comes next find them,
	// while memory that is new to the process costs its first touch.
	defer runtime.GC()
	return argon2.IDKey(input, salt[:], argonTime, argonMemory, argonThreads, stretchedLen)
}

func split(stretched []byte) (w0, w1 []byte, err error) {
	if len(stretched) != stretchedLen {
		return nil, nil, fmt.Errorf("stretched secret of %d bytes", len(stretched))
	}
	if w0, err = reduce(stretched[:stretchedLen/2]); err != nil {
		return nil, nil, err
	}
	w1, err = reduce(stretched[stretchedLen/2:])
	return w0, w1, err
}

// Verifier is all that the host keeps of a secret. Whoever steals it can try
// secrets offline, but cannot log in with it as it is: that takes w1.
type Verifier struct {
	Salt    [saltLen]byte
	Profile byte
	W0      []byte // 32 bytes, below n
	L       []byte // w1*G, 65 bytes
}

// NewVerifier makes the verifier of a secret with a fresh salt. It takes
// 64 MiB and a tenth of a second or more. rand is crypto/rand.Reader, except
// in tests.
func NewVerifier(secret string, rand io.Reader) (Verifier, error) {
	var salt [saltLen]byte
	if _, err := io.ReadFull(rand, salt[:]); err != nil {
		return Verifier{}, fmt.Errorf("draw a salt: %w", err)
	}
	stretched := Stretch(secret, salt)
	defer clear(stretched)
	return VerifierFor(stretched, salt)
}

// VerifierFor makes the verifier of a secret that Stretch has worked on.
func VerifierFor(stretched []byte, salt [saltLen]byte) (Verifier, error) {
	w0, w1, err := split(stretched)
	if err != nil {
		return Verifier{}, err
	}
	defer clear(w1)
	l, err := nistec.NewP256Point().ScalarBaseMult(w1)
	if err != nil {
		return Verifier{}, err
	}
	return Verifier{Salt: salt, Profile: profileArgon2id, W0: w0, L: l.Bytes()}, nil
}

// valid guards against a zero Verifier: a door without a secret must not open.
func (v Verifier) valid() bool {
	zero := make([]byte, scalarLen)
	return v.Profile == profileArgon2id && len(v.W0) == scalarLen && len(v.L) == pointLen &&
		subtle.ConstantTimeCompare(v.W0, zero) == 0
}

// Format keeps w0 out of every kind of print.
func (v Verifier) Format(f fmt.State, _ rune) { fmt.Fprint(f, "verifier") }

// LogValue keeps it out of logs in JSON too, which take exported fields.
func (v Verifier) LogValue() slog.Value { return slog.StringValue("verifier") }

// CodeDoor is one open code: whether and how often it may be tried, and what
// it is checked against. The host keeps one per code and shows the code itself.
type CodeDoor struct {
	*invite.Door
	Verifier Verifier
}

// OpenCode opens a door for this code. It stretches the secret, see NewVerifier.
func OpenCode(code invite.Code, o invite.DoorOptions, rand io.Reader) (*CodeDoor, error) {
	v, err := NewVerifier(code.Secret, rand)
	if err != nil {
		return nil, err
	}
	return &CodeDoor{Door: invite.NewDoor(code.NumberValue(), o), Verifier: v}, nil
}
