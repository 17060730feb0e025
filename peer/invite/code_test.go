package invite

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	p2p "github.com/libp2p/go-libp2p/core/peer"
)

// TestDammTypos: every single wrong digit and every swap of two neighbours, in
// number and secret alike, is noticed before anybody connects.
func TestDammTypos(t *testing.T) {
	if got := damm("482917304418"); got != 7 {
		t.Errorf("check digit of 48291 7304418 is %d, want 7", got)
	}
	if got := damm("4829157304418"); got != 2 {
		t.Errorf("check digit of 482915 7304418 is %d, want 2", got)
	}
	if got := damm("572"); got != 4 { // the example of Damm's thesis
		t.Errorf("check digit of 572 is %d, want 4", got)
	}
	for range 50 {
		c := newCode(t, 5)
		digits := c.Number + c.Secret
		for i := range digits {
			for d := byte('0'); d <= '9'; d++ {
				typo := []byte(digits)
				if typo[i] == d || i == 0 && d == '0' {
					continue
				}
				typo[i] = d
				wantTypo(t, string(typo))
			}
			if i > 0 && digits[i] != digits[i-1] && !(i == 1 && digits[1] == '0') {
				typo := []byte(digits)
				typo[i], typo[i-1] = typo[i-1], typo[i]
				wantTypo(t, string(typo))
			}
		}
	}
}

func wantTypo(t *testing.T, s string) {
	t.Helper()
	if _, err := Parse(s); !errors.Is(err, ErrTypo) || !errors.Is(err, ErrMalformed) {
		t.Errorf("Parse(%s): %v, want a typo", s, err)
	}
}

func newCode(t testing.TB, digits int) Code {
	t.Helper()
	number, err := NewNumber(digits, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(number, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParse(t *testing.T) {
	want := Code{Number: "48291", Secret: "73044187"}
	for _, s := range []string{
		"48291-7304-4187", "4829173044187", " 48291 7304 4187\n", "4-8-2 9173044-187", "48291–7304—4187",
		"48291\u00a07304\u20114187",
	} {
		if got, err := Parse(s); err != nil || got != want {
			t.Errorf("Parse(%q) = %#v, %v", s, got, err)
		}
	}
	if s := want.String(); s != "48291-7304-4187" {
		t.Errorf("prints %s", s)
	}
	if n := want.NumberValue(); n != 48291 {
		t.Errorf("number %d", n)
	}
	for _, s := range []string{
		"", "-", "482917304418", "48291-7304-418x", "４8291-7304-4187", "08291-7304-4187", "48291.7304.4187",
		strings.Repeat("1", 28), strings.Repeat(" ", 300), "48291-7304-4187\x00",
	} {
		if got, err := Parse(s); !errors.Is(err, ErrMalformed) || errors.Is(err, ErrTypo) {
			t.Errorf("Parse(%q) = %v, %v", s, got, err)
		}
	}
}

func TestJoin(t *testing.T) {
	if c, err := Join("4829 1", "7304-4187"); err != nil || c.String() != "48291-7304-4187" {
		t.Errorf("%v, %v", c, err)
	}
	for _, row := range [][2]string{{"48291", "7304418"}, {"4829", "73044187"}, {"48291", "730441870"}, {"", "x"}, {"x", ""}} {
		if c, err := Join(row[0], row[1]); !errors.Is(err, ErrMalformed) {
			t.Errorf("Join(%q) = %v, %v", row, c, err)
		}
	}
	if _, err := Join("48291", "73044186"); !errors.Is(err, ErrTypo) {
		t.Error(err)
	}
}

func TestParseNumber(t *testing.T) {
	for in, want := range map[string]string{"48291": "48291", " 482-91": "48291", "9999999999999999999": "9999999999999999999"} {
		if got, err := ParseNumber(in); err != nil || got != want {
			t.Errorf("ParseNumber(%q) = %q, %v", in, got, err)
		}
		if n := (Code{Number: want}).NumberValue(); fmt.Sprint(n) != want {
			t.Errorf("NumberValue of %s is %d", want, n)
		}
	}
	for _, s := range []string{"", "4829", "99999999999999999999", "04829", "4829a"} {
		if got, err := ParseNumber(s); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParseNumber(%q) = %q, %v", s, got, err)
		}
	}
}

func TestNewNumber(t *testing.T) {
	for digits := range 25 {
		n, err := NewNumber(digits, rand.Reader)
		if ok := digits >= 5 && digits <= 19; ok != (err == nil) || ok && (len(n) != digits || n[0] == '0') {
			t.Errorf("NewNumber(%d) = %q, %v", digits, n, err)
		}
	}
}

// TestRejection: bytes from 250 on would make the digits 0 to 5 more likely.
func TestRejection(t *testing.T) {
	got, err := randomDigits(3, bytes.NewReader([]byte{249, 250, 255, 0, 251, 11}))
	if err != nil || got != "901" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := randomDigits(1, bytes.NewReader([]byte{255})); err == nil {
		t.Error("digits from nothing")
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	var log bytes.Buffer
	l := slog.New(slog.NewTextHandler(&log, nil))
	c := newCode(t, 5)
	ticket := newTicket(t, "")
	l.Info("code", "code", c, "ticket", ticket)
	if s := log.String(); strings.Contains(s, c.Secret) || strings.Contains(s, c.Secret[:4]+"-") || strings.Contains(s, ticket.Secret) {
		t.Error("a log holds the secret:", s)
	}
	for _, bad := range []string{c.Number + c.Secret[:7] + "x", "sightline1:x#" + ticket.Secret} {
		_, err := Parse(bad)
		_, err2 := ParseTicket(bad)
		if s := fmt.Sprint(err, err2); strings.Contains(s, c.Secret[:7]) || strings.Contains(s, ticket.Secret) {
			t.Error("an error repeats what was typed:", s)
		}
	}
}

func newTicket(t testing.TB, relay string) Ticket {
	t.Helper()
	ticket, err := NewTicket(testHost(t), relay, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func testHost(t testing.TB) p2p.ID {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	id, err := p2p.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestTicket(t *testing.T) {
	for _, relay := range []string{"", "relay.example.org:443", "/dns4/relay.example.org/udp/443/quic-v1"} {
		want := newTicket(t, relay)
		for _, s := range []string{want.String(), " " + want.String() + "\r\n"} {
			if got, err := ParseTicket(s); err != nil || got != want {
				t.Errorf("ParseTicket(%q) = %v, %v", s, got, err)
			}
		}
	}
	host := testHost(t).String()
	if got, err := ParseTicket("sightline1:" + host + "#oil3-mq9x-0p2w"); err != nil || got.Secret != "0113MQ9X0P2W" {
		t.Errorf("%v, %v", got, err)
	}
	for name, s := range map[string]string{
		"empty": "", "other": "https://example.org", "no secret": "sightline1:" + host, "no host": "sightline1:#7K3MQ9X0P2WA",
		"short": "sightline1:" + host + "#7K3MQ9X0P2W", "letter U": "sightline1:" + host + "#7K3MQ9X0P2WU",
		"no relay": "sightline1:" + host + "@#7K3MQ9X0P2WA", "two relays": "sightline1:" + host + "@a@b#7K3MQ9X0P2WA",
		"space":       "sightline1:" + host + "@a b#7K3MQ9X0P2WA",
		"escape":      "sightline1:" + host + "@a\x1b[2J#7K3MQ9X0P2WA",
		"RSA":         "sightline1:QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N#7K3MQ9X0P2WA",
		"too long":    "sightline1:" + host + "@" + strings.Repeat("a", 500) + "#7K3MQ9X0P2WA",
		"two secrets": "sightline1:" + host + "#7K3MQ9X0P2WA#7K3MQ9X0P2WA",
	} {
		if got, err := ParseTicket(s); !errors.Is(err, ErrTicket) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func FuzzCodeParse(f *testing.F) {
	for _, s := range []string{"48291-7304-4187", "4829157304418 2", "48291", "", "–", "0000000000000", "9999999999999999999 12345678"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Parse(s)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || c != (Code{}) {
				t.Fatalf("%v, %v", c, err)
			}
			return
		}
		if again, err := Parse(c.String()); err != nil || again != c {
			t.Fatalf("%v printed and read is %v, %v", c, again, err)
		}
		if fmt.Sprint(c.NumberValue()) != c.Number || len(c.Secret) != 8 {
			t.Fatalf("code %v", c)
		}
	})
}

func FuzzTicketParse(f *testing.F) {
	host := testHost(f).String()
	for _, s := range []string{
		"sightline1:" + host + "#7K3MQ9X0P2WA", "sightline1:" + host + "@relay.example.org:443#7k3m-q9x0-p2wa",
		"sightline1:", "sightline1:@#", "sightline1:QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N#7K3MQ9X0P2WA",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ticket, err := ParseTicket(s)
		if err != nil {
			if !errors.Is(err, ErrTicket) {
				t.Fatal(err)
			}
			return
		}
		if again, err := ParseTicket(ticket.String()); err != nil || again != ticket {
			t.Fatalf("%v printed and read is %v, %v", ticket, again, err)
		}
	})
}
