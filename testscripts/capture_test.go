//go:build linux

package testscripts

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// capture writes down where to a node of a lab sends packets, from now on until
// sentTo is called: every TCP and UDP packet that leaves it, by a packet socket.
type capture struct {
	l    *lab
	fd   int
	done chan struct{}
	stop func() // closes done, once

	mu     sync.Mutex
	sent   map[target]int // packets
	probes probes
}

// target is where a packet goes.
type target struct {
	proto string
	to    netip.AddrPort
}

func (t target) String() string { return t.proto + " " + t.to.String() }

func (l *lab) capture(node string) *capture {
	l.Helper()
	fd, err := packetSocket("/run/netns/" + l.prefix + "-" + node)
	if err != nil {
		l.Fatalf("packet capture in %s: %v", node, err)
	}
	c := &capture{l: l, fd: fd, done: make(chan struct{}), sent: make(map[target]int)}
	c.stop = sync.OnceFunc(func() { close(c.done) })
	l.Cleanup(c.stop)
	go c.run()
	return c
}

// packetSocket opens a socket in another network namespace, where it stays. Its
// thread comes back: were it the process's first, the lab would take this process
// for one of its own and end it.
func packetSocket(namespace string) (fd int, err error) {
	there, err := os.Open(namespace)
	if err != nil {
		return 0, err
	}
	defer there.Close()
	runtime.LockOSThread()
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return 0, err
	}
	defer here.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return 0, err
	}
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network order
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, all)
	if err := unix.Setns(int(here.Fd()), unix.CLONE_NEWNET); err != nil {
		return 0, err // and the thread stays locked
	}
	runtime.UnlockOSThread()
	if err != nil {
		return 0, err
	}
	// A read ends now and then, to see whether the capture is over.
	return fd, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000})
}

func (c *capture) run() {
	defer unix.Close(c.fd)
	buf := make([]byte, 1<<16)
	for {
		select {
		case <-c.done:
			return
		default:
		}
		n, from, err := unix.Recvfrom(c.fd, buf, 0)
		if err != nil {
			continue // nothing came
		}
		if ll, ok := from.(*unix.SockaddrLinklayer); !ok || ll.Pkttype != unix.PACKET_OUTGOING {
			continue
		}
		if t, rest, ok := parseTarget(buf[:n]); ok && !t.to.Addr().IsLoopback() {
			c.mu.Lock()
			c.sent[t]++
			c.probes.add(t, rest)
			c.mu.Unlock()
		}
	}
}

// parseTarget reads an IP packet, whose TCP or UDP header and what follows is rest;
// false: it is neither.
func parseTarget(b []byte) (t target, rest []byte, ok bool) {
	var proto byte
	var to netip.Addr
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		proto, to, b = b[9], netip.AddrFrom4([4]byte(b[16:20])), b[min(len(b), int(b[0]&15)*4):]
	case len(b) >= 40 && b[0]>>4 == 6:
		proto, to, b = b[6], netip.AddrFrom16([16]byte(b[24:40])), b[40:]
	}
	name := map[byte]string{unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp"}[proto]
	if name == "" || len(b) < 4 {
		return target{}, nil, false
	}
	return target{name, netip.AddrPortFrom(to, binary.BigEndian.Uint16(b[2:]))}, b, true
}

// sentTo ends the capture, and gives a packet of the last moment time to be read.
func (c *capture) sentTo() map[target]int {
	<-time.After(200 * time.Millisecond)
	c.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.sent)
}

// destinations is what `doctor firewall` prints in a node.
func (l *lab) destinations(node string, env []string) (all []target) {
	l.Helper()
	var told struct {
		Destinations []struct {
			Port      int          `json:"port"`
			Proto     string       `json:"proto"`
			Addresses []netip.Addr `json:"addresses"`
		} `json:"destinations"`
	}
	out := l.inNode(node, env, nil, l.bin, "doctor", "firewall", "--json")
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		l.Fatalf("doctor firewall said %s: %v", out, err)
	}
	for _, d := range told.Destinations {
		for _, a := range d.Addresses {
			all = append(all, target{d.Proto, netip.AddrPortFrom(a, uint16(d.Port))})
		}
	}
	return all
}

// only fails for each target that is not among the destinations, whose port 0 is any,
// nor on one of the other side's addresses; and if the capture saw nothing, since then it proves nothing.
func (c *capture) only(node string, allowed []target, others ...string) {
	c.l.Helper()
	sent := c.sentTo()
	if len(sent) == 0 {
		c.l.Errorf("%s: no packet was captured", node)
	}
	for _, t := range slices.SortedFunc(maps.Keys(sent), func(a, b target) int { return a.to.Compare(b.to) }) {
		anyPort := target{t.proto, netip.AddrPortFrom(t.to.Addr(), 0)}
		if !slices.Contains(allowed, t) && !slices.Contains(allowed, anyPort) && !slices.Contains(others, t.to.Addr().String()) {
			c.l.Errorf("%s sent %d packets to %s; allowed: %v %v", node, sent[t], t, allowed, others)
		}
	}
	c.l.Logf("%s sent to %v", node, sent)
}
