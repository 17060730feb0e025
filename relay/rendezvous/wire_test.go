package rendezvous

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"
)

func testPeer(n byte) p2p.ID {
	return p2p.ID(append(bytes.Clone(ed25519Prefix), bytes.Repeat([]byte{n}, 32)...))
}

func TestWire(t *testing.T) {
	token := strings.Repeat("07", 32)
	id := "002408011220" + strings.Repeat("05", 32)
	for _, row := range []struct {
		name string
		got  []byte
		want string
	}{
		{"HELLO", request{op: opHello}.append(nil), "01"},
		{
			"REGISTER", request{op: opRegister, token: bytes.Repeat([]byte{7}, 32), number: "48291"}.append(nil),
			"02 20" + token + "05 3438323931 00",
		},
		{"REGISTER with lease", request{op: opRegister, number: "48291", lease: []byte{1, 2}}.append(nil), "02 00 05 3438323931 02 0102"},
		{"LOOKUP", request{op: opLookup, number: "482915"}.append(nil), "03 06 343832393135"},
		{"RELEASE", request{op: opRelease, number: "48291"}.append(nil), "04 05 3438323931"},
		{"welcome", welcome{digits: 5, open: true, lease: LeaseTime}.append(nil), "00 05 01 00000258"},
		{"grant", grant{lease: []byte{9}, ttl: LeaseTime}.append(nil), "00 00000258 01 09"},
		{
			"lease without its MAC", func() []byte {
				b := claim{"48291", testPeer(5), time.UnixMilli(0x0102), time.UnixMilli(0x0304)}.seal(new([32]byte))
				return b[:len(b)-32]
			}(), "05 3438323931" + id + "0000000000000102 0000000000000304",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := hex.EncodeToString(row.got); got != strings.ReplaceAll(row.want, " ", "") {
				t.Errorf("%s", got)
			}
		})
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"empty":             "",
		"unknown op":        "05",
		"op 0":              "00",
		"HELLO and a byte":  "0100",
		"number too short":  "03 04 34383239",
		"number too long":   "03 0d 30303030303030303030303030",
		"letter":            "03 05 3438323961",
		"number cut":        "03 05 343832",
		"LOOKUP and a byte": "03 05 3438323931 00",
		"token of 31":       "02 1f" + strings.Repeat("07", 31) + "05 3438323931 00",
		"lease cut":         "02 00 05 3438323931 02 01",
		"REGISTER no lease": "02 00 05 3438323931",
	} {
		t.Run(name, func(t *testing.T) {
			b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			if r, err := parseRequest(b); err == nil {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestParseAnswers(t *testing.T) {
	for _, row := range []struct {
		name, body string
		want       error
	}{
		{"unknown", "01", ErrUnknown},
		{"refused", "02", ErrRefused},
		{"taken", "03", ErrTaken},
		{"status 9", "09", ErrProtocol},
		{"unknown and a byte", "0100", ErrProtocol},
		{"digits missing", "04", ErrProtocol},
		{"digits 4", "0404", ErrProtocol},
		{"digits 13", "040d", ErrProtocol},
		{"wait cut", "050000", ErrProtocol},
		{"empty", "", ErrProtocol},
		{"peer cut", "000024", ErrProtocol},
		{"peer of RSA", "00" + strings.Repeat("12", 38), ErrProtocol},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, _ := hex.DecodeString(row.body)
			if id, err := parsePeer(b); !errors.Is(err, row.want) {
				t.Errorf("%q, %v", id, err)
			}
			if _, err := parseGrant(b); !errors.Is(err, row.want) {
				t.Errorf("grant: %v", err)
			}
			if _, err := parseWelcome(b); !errors.Is(err, row.want) {
				t.Errorf("welcome: %v", err)
			}
		})
	}
	var limit *LimitError
	if err := parseDone([]byte{byte(statusLimit), 0, 0, 0, 90}); !errors.As(err, &limit) || limit.Wait != 90*time.Second {
		t.Errorf("limit: %v", err)
	} else if !strings.Contains(limit.Hint(), "wait 1m30s") {
		t.Errorf("hint: %s", limit.Hint())
	}
}

func TestClaimNeedsItsKey(t *testing.T) {
	key, other := [32]byte{1}, [32]byte{2}
	c := claim{"48291", testPeer(1), time.UnixMilli(1000), time.UnixMilli(2000)}
	b := c.seal(&key)
	if got, ok := openClaim(&key, b); !ok || got != c {
		t.Fatalf("%+v, %t", got, ok)
	}
	if _, ok := openClaim(&other, b); ok {
		t.Error("another relay's key opened it")
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, ok := openClaim(&key, bad); ok {
			t.Errorf("byte %d changed and nobody saw it", i)
		}
	}
}

// FuzzDirectoryRequest feeds a relay whatever a stranger may send: no panic, no
// answer longer than a frame, and what parses prints the same.
func FuzzDirectoryRequest(f *testing.F) {
	key := [32]byte{1}
	lease := claim{"48291", testPeer(1), time.UnixMilli(1000), time.UnixMilli(1e12)}.seal(&key)
	for _, r := range []request{
		{op: opHello},
		{op: opRegister, token: bytes.Repeat([]byte{7}, 32), number: "48291"},
		{op: opRegister, token: bytes.Repeat([]byte{7}, 32), number: "48291", lease: lease},
		{op: opLookup, number: "48291"},
		{op: opRelease, number: "48291"},
	} {
		var b bytes.Buffer
		writeFrame(&b, r.append(nil))
		f.Add(b.Bytes())
	}
	f.Add([]byte{0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		body, err := readFrame(bytes.NewReader(in))
		if err != nil {
			return
		}
		q, err := parseRequest(body)
		if err != nil {
			return
		}
		if out := q.append(nil); !bytes.Equal(out, body) {
			t.Fatalf("%x became %x", body, out)
		}
		s := &Server{o: ServerOptions{Token: bytes.Repeat([]byte{7}, 32), LeaseKey: key}}
		s.o.Now = func() time.Time { return time.UnixMilli(5000) }
		s.o.Log, s.o.Events = discard, func(Event) {}
		s.dir = newDirectory(Limits{}, key, nil)
		c := caller{peer: testPeer(1), source: sourceOf(testSource(1))}
		for range 2 {
			if a := s.answer(c, q); len(a) == 0 || len(a) > maxFrame {
				t.Fatalf("answer of %d bytes", len(a))
			}
		}
		if live, _ := s.dir.count(s.o.Now()); live > 1 {
			t.Fatalf("%d numbers for one peer", live)
		}
	})
}
