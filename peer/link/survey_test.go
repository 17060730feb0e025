package link

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// A network counts as one without UDP, and what it does with TCP is looked at, while
// UDP is still being asked: after two of the requests, and once. (T8)
func TestSilenceIsToldEarly(t *testing.T) {
	t.Parallel()
	n := newNode(t, Options{Listen: "127.0.0.1:0"})
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	requests := func() (count int) {
		var buf [maxSTUN]byte
		for {
			server.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := server.Read(buf[:]); err != nil {
				return count
			}
			count++
		}
	}
	var told []int
	answered, err := n.askSTUN([]netip.AddrPort{server.LocalAddr().(*net.UDPAddr).AddrPort()}, func() { told = append(told, requests()) })
	if err != nil || answered != 0 {
		t.Fatalf("%d answers of a server that gives none: %v", answered, err)
	}
	if len(told) != 1 || told[0] != surveyHope {
		t.Errorf("told after %v requests, want [%d]", told, surveyHope)
	}
	if more := requests(); more != len(surveyPauses)-surveyHope {
		t.Errorf("%d requests after it, want %d", more, len(surveyPauses)-surveyHope)
	}
}
