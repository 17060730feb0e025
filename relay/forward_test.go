//go:build linux

package relay

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	"github.com/pion/turn/v4"
)

// BenchmarkForwarding measures what a relayed gigabit costs in CPU time of the relay's
// process, over each kind of leg, beside coturn (UDP, 1,200-byte packets, as a media
// session has them) in the same run. Each iteration measures all of them once; what
// is reported are medians and their ratios to coturn:
//
//	go test ./relay -run '^$' -bench Forwarding -benchtime 3x
func BenchmarkForwarding(b *testing.B) {
	turnserver, err := exec.LookPath("turnserver")
	if err != nil {
		b.Skip("turnserver (Debian: coturn) is not installed")
	}
	legs := map[string]libp2p.Option{
		"tcp":  libp2p.Transport(tcp.NewTCPTransport),
		"quic": libp2p.Transport(libp2pquic.NewTransport),
		"wss":  libp2p.Transport(websocket.New, websocket.WithTLSClientConfig(anyCertificate)),
	}
	cost := make(map[string][]float64) // CPU seconds per Gbit
	for b.Loop() {
		cost["coturn"] = append(cost["coturn"], forwardByCoturn(b, turnserver))
		for name, leg := range legs {
			cost[name] = append(cost[name], forwardByRelay(b, name, leg))
		}
	}
	for name, all := range cost {
		b.Logf("%-6s %.3f CPU-s/Gbit", name, all)
		b.ReportMetric(median(all), name+"-s/Gbit")
	}
	for name := range legs {
		b.ReportMetric(median(cost[name])/median(cost["coturn"]), name+"/coturn")
	}
	b.ReportMetric(0, "ns/op") // says nothing here
}

func median(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	return s[len(s)/2]
}

// cpuSeconds is the time that a process has used, in user and kernel.
func cpuSeconds(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name, field 3
	f := strings.Fields(rest)
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return float64(user+system) / 100 // USER_HZ is 100 on Linux
}

// forwardByRelay sends 256 MiB from a host to a viewer through a relay process.
func forwardByRelay(b *testing.B, name string, leg libp2p.Option) float64 {
	b.Helper()
	raw, err := crypto.MarshalPrivateKey(newTestKey(b))
	if err != nil {
		b.Fatal(err)
	}
	listen := "127.77.0.1:0"
	if name == "wss" {
		listen = "127.77.0.1:443"
	}
	cmd, join := startProcess(b, base64.StdEncoding.EncodeToString(raw), listen)
	defer kill(cmd)
	host, viewer := newPeerWith(b, leg), newPeerWith(b, leg)
	defer host.Close()
	defer viewer.Close()
	const size = 256 << 20
	host.SetStreamHandler(echo, func(st network.Stream) {
		defer st.Close()
		buf := make([]byte, 64<<10)
		io.ReadFull(st, buf[:1]) // "go"
		for range size / len(buf) {
			if _, err := st.Write(buf); err != nil {
				return
			}
		}
	})
	lease := publish(b, client(b, host, join))
	if _, err := call(b, viewer, join, lease.Number); err != nil {
		b.Fatal(err)
	}
	st, err := viewer.NewStream(b.Context(), host.ID(), echo)
	if err != nil {
		b.Fatal(err)
	}
	before, began := cpuSeconds(b, cmd.Process.Pid), time.Now()
	st.Write([]byte{1})
	n, err := io.Copy(io.Discard, st)
	if err != nil || n != size {
		b.Fatalf("%d bytes: %v", n, err)
	}
	gbit := float64(n) * 8 / 1e9
	used := cpuSeconds(b, cmd.Process.Pid) - before
	b.Logf("%-6s %.0f Mbit/s, %.2f CPU seconds for %.2f Gbit", name, gbit*1000/time.Since(began).Seconds(), used, gbit)
	return used / gbit
}

const (
	turnSessions = 10
	turnPackets  = 20_000 // of each session
	turnPayload  = 1200   // bytes
	turnWindow   = 16     // packets under way in each session
)

// forwardByCoturn sends packets through ten allocations to a machine that sends them
// back.
func forwardByCoturn(b *testing.B, turnserver string) float64 {
	b.Helper()
	peer, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 77, 0, 3)})
	if err != nil {
		b.Fatal(err)
	}
	var work sync.WaitGroup
	defer work.Wait()
	defer peer.Close()
	_ = peer.SetReadBuffer(4 << 20)
	work.Go(func() { echoPackets(peer) })
	cmd, addr := startCoturn(b, turnserver)
	defer kill(cmd)

	var sessions []*turnSession
	for range turnSessions {
		s := newTurnSession(b, addr, peer.LocalAddr())
		defer s.close()
		sessions = append(sessions, s)
	}
	before := cpuSeconds(b, cmd.Process.Pid)
	var moved sync.WaitGroup
	back := make([]int, len(sessions))
	for i, s := range sessions {
		moved.Go(func() { back[i] = s.play(turnPackets) })
	}
	moved.Wait()
	used := cpuSeconds(b, cmd.Process.Pid) - before
	n := 0
	for _, k := range back {
		n += k
	}
	if n < turnSessions*turnPackets*95/100 {
		b.Fatalf("coturn lost too much: %d of %d packets came back", n, turnSessions*turnPackets)
	}
	gbit := float64(2*n*turnPayload) * 8 / 1e9 // there and back
	b.Logf("coturn %.2f CPU seconds for %.2f Gbit, %d packets lost", used, gbit, turnSessions*turnPackets-n)
	return used / gbit
}

func echoPackets(c *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		c.WriteToUDPAddrPort(buf[:n], from)
	}
}

func startCoturn(b *testing.B, turnserver string) (*exec.Cmd, string) {
	b.Helper()
	at, err := freePort(netip.MustParseAddr("127.77.0.2"))
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	cmd := exec.Command(turnserver, "-n", "-a", "-u", "bench:bench", "-r", "bench", "--listening-ip", "127.77.0.2",
		"--relay-ip", "127.77.0.2", "-p", strconv.Itoa(int(at)), "--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli",
		"--log-file", filepath.Join(dir, "log"), "--pidfile", filepath.Join(dir, "pid"), "--userdb", filepath.Join(dir, "db"), "--no-stdout-log")
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return cmd, net.JoinHostPort("127.77.0.2", strconv.Itoa(int(at)))
}

// turnSession is one allocation and its way to the peer.
type turnSession struct {
	conn   net.PacketConn
	client *turn.Client
	relay  net.PacketConn
	peer   net.Addr
}

func newTurnSession(b *testing.B, server string, peer net.Addr) *turnSession {
	b.Helper()
	conn, err := net.ListenPacket("udp4", "127.77.0.4:0")
	if err != nil {
		b.Fatal(err)
	}
	_ = conn.(*net.UDPConn).SetReadBuffer(4 << 20)
	s := &turnSession{conn: conn, peer: peer}
	s.client, err = turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: server, TURNServerAddr: server, Conn: conn, Username: "bench", Password: "bench", Realm: "bench",
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.client.Listen(); err != nil {
		b.Fatal(err)
	}
	eventually(b, "an allocation", func() bool { s.relay, err = s.client.Allocate(); return err == nil })
	if err := s.client.CreatePermission(peer); err != nil {
		b.Fatal(err)
	}
	s.play(100) // binds the channel
	return s
}

// play sends n packets, at most turnWindow ahead of what comes back, and returns how
// many came back.
func (s *turnSession) play(n int) (back int) {
	packet, buf := bytes.Repeat([]byte{7}, turnPayload), make([]byte, 2048)
	for sent := 0; back < n && sent < 2*n; {
		for ; sent-back < turnWindow && sent < n; sent++ {
			s.relay.WriteTo(packet, s.peer)
		}
		s.relay.SetReadDeadline(time.Now().Add(time.Second))
		if _, _, err := s.relay.ReadFrom(buf); err != nil {
			return back // the rest was lost
		}
		back++
	}
	return back
}

func (s *turnSession) close() {
	s.relay.Close()
	s.client.Close()
	s.conn.Close()
}
