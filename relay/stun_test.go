package relay

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

// TestSTUN asks a real relay on the UDP port of QUIC, while QUIC is in use there.
func TestSTUN(t *testing.T) {
	s := newTestRelay(t)
	publish(t, client(t, newPeer(t), s.Join()))
	c, err := net.Dial("udp", s.Listening()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	q := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	a := new(stun.Message)
	ask := func() bool {
		c.SetDeadline(time.Now().Add(time.Second))
		if _, err := c.Write(q.Raw); err != nil {
			t.Fatal(err)
		}
		a.Raw = make([]byte, 600)
		n, err := c.Read(a.Raw)
		a.Raw = a.Raw[:max(n, 0)]
		return err == nil && a.Decode() == nil
	}
	eventually(t, "an answer", ask) // UDP may lose one
	var got stun.XORMappedAddress
	if err := got.GetFrom(a); err != nil {
		t.Fatal(err)
	}
	me := c.LocalAddr().(*net.UDPAddr)
	if a.TransactionID != q.TransactionID || got.Port != me.Port || !got.IP.Equal(me.IP) {
		t.Errorf("answer %s for %s", got, me)
	}
	if err := stun.Fingerprint.Check(a); err != nil {
		t.Error(err)
	}
	eventually(t, "counted", func() bool { return s.Stats().STUN > 0 })
}

// Sockets of a relay with one address, with two, and with none by name.
var (
	oneAddress = ports("11.0.0.10:4001", "11.0.0.10:4002")
	twoAddress = ports("11.0.0.10:4001", "11.0.0.11:4001", "11.0.0.10:4002", "11.0.0.11:4002")
	anyAddress = ports("0.0.0.0:4001", "[::]:4001", "0.0.0.0:4002", "[::]:4002")
)

func ports(list ...string) (all []netip.AddrPort) {
	for _, s := range list {
		all = append(all, netip.MustParseAddrPort(s))
	}
	return all
}

func change(flags byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrChangeRequest, Value: []byte{0, 0, 0, flags}}
}

func TestAnswerSTUNRefuses(t *testing.T) {
	from := &net.UDPAddr{IP: net.IPv4(11, 0, 0, 1), Port: 5000}
	build := func(s ...stun.Setter) []byte { return stun.MustBuild(append(s, stun.TransactionID)...).Raw }
	for name, in := range map[string][]byte{
		"empty":        nil,
		"too long":     build(stun.BindingRequest, stun.RawAttribute{Type: stun.AttrSoftware, Value: make([]byte, 600)}),
		"an answer":    build(stun.BindingSuccess),
		"TURN":         build(stun.NewType(stun.MethodAllocate, stun.ClassRequest)),
		"no cookie":    make([]byte, 20),
		"bad checksum": append(build(stun.BindingRequest, stun.Fingerprint)[:27:27], 0),
	} {
		t.Run(name, func(t *testing.T) {
			if a, _, err := answerSTUN(in, from, oneAddress, 0); err == nil {
				t.Errorf("answered %x", a)
			}
		})
	}
}

// TestChangeRequest: which socket answers, and what the answer tells of the others.
func TestChangeRequest(t *testing.T) {
	from := &net.UDPAddr{IP: net.IPv4(11, 0, 0, 1), Port: 5000}
	for _, row := range []struct {
		name  string
		at    []netip.AddrPort
		to    int // the socket that was asked
		flags byte
		via   string // "" for error 420
		other string
	}{
		{"one address: nothing changed", oneAddress, 0, 0, "11.0.0.10:4001", ""},
		{"one address: port", oneAddress, 0, changePort, "11.0.0.10:4002", ""},
		{"one address: port, asked at the second", oneAddress, 1, changePort, "11.0.0.10:4001", ""},
		{"one address: address", oneAddress, 0, changeIP, "", ""},
		{"one address: both", oneAddress, 0, changeIP | changePort, "", ""},
		{"two addresses: port", twoAddress, 0, changePort, "11.0.0.10:4002", "11.0.0.11:4002"},
		{"two addresses: address", twoAddress, 0, changeIP, "11.0.0.11:4001", "11.0.0.11:4002"},
		{"two addresses: both", twoAddress, 1, changeIP | changePort, "11.0.0.10:4002", "11.0.0.10:4002"},
		{"all addresses: port", anyAddress, 0, changePort, "0.0.0.0:4002", ""},
		{"all addresses: port, IPv6", anyAddress, 1, changePort, "[::]:4002", ""},
		{"all addresses: address", anyAddress, 0, changeIP, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			q := stun.MustBuild(stun.TransactionID, stun.BindingRequest, change(row.flags), stun.Fingerprint)
			raw, via, err := answerSTUN(q.Raw, from, row.at, row.to)
			if err != nil {
				t.Fatal(err)
			}
			a := &stun.Message{Raw: raw}
			if err := a.Decode(); err != nil {
				t.Fatal(err)
			}
			if row.via == "" {
				var code stun.ErrorCodeAttribute
				list, _ := a.Get(stun.AttrUnknownAttributes)
				if code.GetFrom(a) != nil || code.Code != 420 || via != row.to || !bytes.Equal(list, []byte{0, 3}) {
					t.Errorf("via %d: %s %x", via, a, list)
				}
				return
			}
			if got := row.at[via].String(); a.Type != stun.BindingSuccess || got != row.via {
				t.Errorf("%s from %s", a.Type, got)
			}
			var other stun.OtherAddress
			if err := other.GetFrom(a); (err == nil) != (row.other != "") || err == nil && other.String() != row.other {
				t.Errorf("OTHER-ADDRESS %s, %v", other, err)
			}
		})
	}
}

// TestNoReflector: nothing in a question makes the answer go elsewhere, which the
// type of answerSTUN says; and RESPONSE-PORT is refused.
func TestNoReflector(t *testing.T) {
	q := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.RawAttribute{Type: stun.AttrResponsePort, Value: []byte{0, 7, 0, 0}})
	raw, via, err := answerSTUN(q.Raw, &net.UDPAddr{IP: net.IPv4(11, 0, 0, 1), Port: 5000}, twoAddress, 1)
	if err != nil || via != 1 {
		t.Fatal(via, err)
	}
	a := &stun.Message{Raw: raw}
	if err := a.Decode(); err != nil || a.Type != stun.BindingError {
		t.Errorf("%s, %v", a, err)
	}
}

func TestSTUNLimiter(t *testing.T) {
	var l stunLimiter
	now := time.Unix(1000, 0)
	me, same64 := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff")
	for i := range stunPerSecond {
		if !l.allow(now, me) {
			t.Fatalf("%d refused", i)
		}
	}
	if l.allow(now, same64) {
		t.Error("one /64 has two shares")
	}
	if !l.allow(now, netip.MustParseAddr("11.0.0.1")) || !l.allow(now.Add(time.Second), me) {
		t.Error("another source or another second")
	}
	for i := range 2 * stunSources {
		l.allow(now.Add(2*time.Second), netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if len(l.counts) > stunSources {
		t.Errorf("%d sources", len(l.counts))
	}
}

// FuzzSTUN: no panic, only Binding answers, never much longer than the question.
func FuzzSTUN(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw, false)
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint).Raw, true)
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewSoftware("x"), stun.Fingerprint).Raw, true)
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingError, stun.CodeBadRequest).Raw, false)
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest, change(6), stun.Fingerprint).Raw, false)
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest, change(8), change(2)).Raw, true)
	f.Fuzz(func(t *testing.T, in []byte, six bool) {
		from := &net.UDPAddr{IP: net.IPv4(11, 0, 0, 1), Port: 5000}
		if six {
			from.IP = net.ParseIP("2001:db8::1")
		}
		a, via, err := answerSTUN(in, from, twoAddress, 0)
		if err != nil {
			return
		}
		// 20 bytes asked from IPv6 are answered with 44, the worst case.
		if 10*len(a) > 22*len(in) {
			t.Fatalf("%d bytes for %d", len(a), len(in))
		}
		m := &stun.Message{Raw: a}
		if err := m.Decode(); err != nil || m.Type != stun.BindingSuccess && (m.Type != stun.BindingError || via != 0) {
			t.Fatalf("answer %x: %v", a, err)
		}
	})
}
