package testscripts

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	p2p "github.com/libp2p/go-libp2p/core/peer"
)

// A code is NUMBER-SSSS-SSSC: C makes the whole a number whose Damm checksum is
// 0 (H. M. Damm, 2004; the quasigroup of order 10 from his thesis).
var quasigroup = [10]string{
	"0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
	"3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
}

func checkDigit(digits string) byte {
	interim := byte('0')
	for _, d := range digits {
		interim = quasigroup[interim-'0'][d-'0']
	}
	return interim
}

func digitsOf(code string) string { return strings.ReplaceAll(code, "-", "") }

// printed puts the dashes in: a secret has 7 digits and a check digit.
func printed(digits string) string {
	digits += string(checkDigit(digits))
	n := len(digits)
	return digits[:n-8] + "-" + digits[n-8:n-4] + "-" + digits[n-4:]
}

func next(d byte) byte { return '0' + (d-'0'+1)%10 }

// mistype changes the last digit, which no check digit fits.
func mistype(code string) string { return code[:len(code)-1] + string(next(code[len(code)-1])) }

// anotherSecret keeps the number, changes the first digit of the secret and
// mends the check digit: a wrong code that looks right.
func anotherSecret(code string) string {
	d := []byte(digitsOf(code))
	i := len(d) - 8
	d[i] = next(d[i])
	return printed(string(d[:len(d)-1]))
}

// anotherNumber is a well-formed code that nobody has given out.
func anotherNumber(code string) string {
	d := []byte(digitsOf(code))
	d[1] = next(d[1])
	return printed(string(d[:len(d)-1]))
}

// A relay's string is sightline-relay:HOST:PORT,…/PEERID#TOKEN.
func tokenless(join string) string { bare, _, _ := strings.Cut(join, "#"); return bare }

func relayID(join string) string { return tokenless(join)[strings.LastIndex(tokenless(join), "/")+1:] }

func otherKey(join string) string {
	_, public, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		panic(err) // the system has no randomness
	}
	id, err := p2p.IDFromPublicKey(public)
	if err != nil {
		panic(err) // an Ed25519 key always has one
	}
	return strings.Replace(join, relayID(join), id.String(), 1)
}

func TestCodes(t *testing.T) {
	const code = "72510-4281-9448" // one that the program made
	if d := digitsOf(code); printed(d[:len(d)-1]) != code {
		t.Fatalf("the check digit of %s is not understood here: %s", code, printed(d[:len(d)-1]))
	}
	for _, c := range []string{anotherSecret(code), anotherNumber(code)} {
		if c == code || checkDigit(digitsOf(c)) != '0' {
			t.Errorf("%s is no other well-formed code", c)
		}
	}
	if checkDigit(digitsOf(mistype(code))) == '0' {
		t.Error("a mistyped code fits its check digit")
	}
}
