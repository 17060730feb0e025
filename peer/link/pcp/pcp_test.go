package pcp

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// testNonce is the nonce of the vectors below.
var testNonce = [12]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The bytes are written out after RFC 6887 sections 7.1 and 11.1.
func TestQuestion(t *testing.T) {
	c := &Client{nonce: testNonce}
	want := unhex(`02 01 0000 0000003c 00000000000000000000ffffc0a8010a
		0102030405060708090a0b0c 11 000000 0fa1 0fa1 00000000000000000000ffff00000000`)
	if got := c.question(netip.MustParseAddr("192.168.1.10"), UDP, 4001, time.Minute); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestAnswer(t *testing.T) {
	const (
		head = "02 81 00 00 00000078 00000005 000000000000000000000000"
		body = "0102030405060708090a0b0c 11 000000 0fa1 1389 00000000000000000000ffff0b010002"
	)
	for _, tt := range []struct {
		name, bytes string
		want        string
		err         error
	}{
		{"granted", head + body, "11.1.0.2:5001", nil},
		{"granted, with an option", head + body + "03000000", "11.1.0.2:5001", nil},
		{"cut", head + body[:len(body)-2], "", errNotOurs},
		{"odd size", head + body + "00", "", errNotOurs},
		{"far too long", head + body + strings.Repeat("00", 1044), "", errNotOurs},
		{"empty", "", "", errNotOurs},
		{"a request", strings.Replace(head, "81", "01", 1) + body, "", errNotOurs},
		{"of another request", strings.Replace(head, "81", "82", 1) + body, "", errNotOurs},
		{"another nonce", head + strings.Replace(body, "0102", "0103", 1), "", errNotOurs},
		{"another protocol", head + strings.Replace(body, " 11 ", " 06 ", 1), "", errNotOurs},
		{"another port", head + strings.Replace(body, "0fa1", "0fa2", 1), "", errNotOurs},
		{"NAT-PMP alone", "00 81 0001 00000005", "", ErrUnsupported},
		{"a later version alone", "03 81 0001", "", ErrUnsupported},
		{"not in this version", "02 81 00 01 00000078", "", ErrUnsupported},
		{"refused", strings.Replace(head, "81 00 00", "81 00 02", 1) + body, "", Result(2)},
		{"refused for a reason that is new", strings.Replace(head, "81 00 00", "81 00 c8", 1) + body, "", Result(200)},
		{"a stranger's refusal", strings.Replace(head, "81 00 00", "81 00 02", 1) + strings.Replace(body, "0102", "0103", 1), "", errNotOurs},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := (&Client{nonce: testNonce}).answer(unhex(tt.bytes), UDP, 4001)
			if !errors.Is(err, tt.err) || err == nil && got.String() != tt.want {
				t.Errorf("got %s, %v; want %s, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// FuzzAnswer: whatever comes, an address comes out of an answer to this question only.
func FuzzAnswer(f *testing.F) {
	f.Add(unhex("00 81 0001 00000005"))
	f.Add(unhex("02 81 00 00 00000078 00000005 000000000000000000000000 0102030405060708090a0b0c 11 000000 0fa1 1389 00000000000000000000ffff0b010002"))
	f.Add(unhex("02 81 00 08 00000078 00000005 000000000000000000000000 0102030405060708090a0b0c 11 000000 0fa1 1389 00000000000000000000ffff0b010002"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := (&Client{nonce: testNonce}).answer(b, UDP, 4001)
		if err == nil && (!got.Addr().IsValid() || !bytes.Contains(b, testNonce[:])) {
			t.Errorf("%x gave %s", b, got)
		}
		if err != nil && (got.IsValid() || err.Error() == "") {
			t.Errorf("%x gave %s and %q", b, got, err)
		}
	})
}

// serve answers what is asked on an address of loopback.
func serve(t *testing.T, ip net.IP, answer func(n int, question []byte) [][]byte) {
	t.Helper()
	s, err := net.ListenUDP("udp4", &net.UDPAddr{IP: ip, Port: Port})
	if err != nil {
		t.Skipf("no PCP port: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	go func() {
		buf := make([]byte, maxSize)
		for i := 0; ; i++ {
			n, from, err := s.ReadFromUDP(buf)
			if err != nil {
				return
			}
			for _, b := range answer(i, buf[:n]) {
				s.WriteToUDP(b, from)
			}
		}
	}()
}

// The first question is lost, a stranger's answer comes before the router's.
func TestMap(t *testing.T) {
	t.Parallel()
	router := net.IPv4(127, 77, 52, 1)
	granted := func(q []byte) []byte {
		a := bytes.Clone(q)
		a[1] |= isAnswer
		copy(a[42:], unhex("1389 00000000000000000000ffff0b010002"))
		return a
	}
	serve(t, router, func(n int, q []byte) [][]byte {
		if n == 0 {
			return nil
		}
		foreign := granted(q)
		foreign[30]++
		return [][]byte{foreign, granted(q)}
	})
	got, err := New(router).Map(t.Context(), UDP, 4001, time.Minute)
	if err != nil || got != netip.MustParseAddrPort("11.1.0.2:5001") {
		t.Errorf("got %s, %v", got, err)
	}
}

// A router that says nothing is asked again, until the caller has had enough.
func TestSilentRouter(t *testing.T) {
	t.Parallel()
	router := net.IPv4(127, 77, 52, 2)
	ctx, enough := context.WithCancel(t.Context())
	serve(t, router, func(n int, _ []byte) [][]byte {
		if n == 2 {
			enough()
		}
		return nil
	})
	if got, err := New(router).Map(ctx, TCP, 4001, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("got %s, %v", got, err)
	}
}

// Nobody listens there.
func TestNoRouter(t *testing.T) {
	t.Parallel()
	if got, err := New(net.IPv4(127, 77, 52, 3)).Map(t.Context(), TCP, 4001, time.Minute); err == nil {
		t.Errorf("got %s", got)
	}
}
