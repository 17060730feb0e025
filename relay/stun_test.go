package relay

import (
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

func TestAnswerSTUNRefuses(t *testing.T) {
	from := &net.UDPAddr{IP: net.IPv4(11, 0, 0, 1), Port: 5000}
	build := func(s ...stun.Setter) []byte { return stun.MustBuild(append(s, stun.TransactionID)...).Raw }
	for name, in := range map[string][]byte{
		"empty":          nil,
		"too long":       build(stun.BindingRequest, stun.RawAttribute{Type: stun.AttrSoftware, Value: make([]byte, 600)}),
		"an answer":      build(stun.BindingSuccess),
		"TURN":           build(stun.NewType(stun.MethodAllocate, stun.ClassRequest)),
		"CHANGE-REQUEST": build(stun.BindingRequest, stun.RawAttribute{Type: stun.AttrChangeRequest, Value: []byte{0, 0, 0, 2}}),
		"no cookie":      make([]byte, 20),
		"bad checksum":   append(build(stun.BindingRequest, stun.Fingerprint)[:27:27], 0),
	} {
		t.Run(name, func(t *testing.T) {
			if a, err := answerSTUN(in, from); err == nil {
				t.Errorf("answered %x", a)
			}
		})
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
	f.Fuzz(func(t *testing.T, in []byte, six bool) {
		from := &net.UDPAddr{IP: net.IPv4(11, 0, 0, 1), Port: 5000}
		if six {
			from.IP = net.ParseIP("2001:db8::1")
		}
		a, err := answerSTUN(in, from)
		if err != nil {
			return
		}
		// 20 bytes asked from IPv6 are answered with 44, the worst case.
		if 10*len(a) > 22*len(in) {
			t.Fatalf("%d bytes for %d", len(a), len(in))
		}
		m := &stun.Message{Raw: a}
		if err := m.Decode(); err != nil || m.Type != stun.BindingSuccess {
			t.Fatalf("answer %x: %v", a, err)
		}
	})
}
