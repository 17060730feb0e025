package relay

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"sightline/relay/rendezvous"
)

// TestMain lets this binary be a relay that can be killed: with RELAY_KEY in its
// environment it serves on RELAY_LISTEN, prints its join string and waits.
func TestMain(m *testing.M) {
	if os.Getenv("RELAY_KEY") == "" {
		os.Exit(m.Run())
	}
	raw, err := base64.StdEncoding.DecodeString(os.Getenv("RELAY_KEY"))
	if err != nil {
		panic(err)
	}
	key, err := crypto.UnmarshalPrivateKey(raw)
	if err != nil {
		panic(err)
	}
	s, err := New(Options{Key: key, Token: bytes.Repeat([]byte{7}, 32), Listen: []string{os.Getenv("RELAY_LISTEN")},
		// Not none: the shaper's work is part of what a relay costs.
		Limits: Limits{CircuitRate: 1 << 33, PeerRate: 1 << 33, Rate: 1 << 33}})
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString(s.Join().String() + "\n")
	select {}
}

func startProcess(t testing.TB, key, listen string) (*exec.Cmd, rendezvous.Join) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RELAY_KEY="+key, "RELAY_LISTEN="+listen)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	j, err := rendezvous.ParseJoin(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return cmd, j
}

func kill(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait() // "killed", or a second time
}

// TestKilled: a relay that is killed says goodbye to nobody. The host finds out by
// its heartbeat and is reached again soon after the relay is back.
func TestKilled(t *testing.T) {
	for _, row := range []struct {
		name      string
		transport libp2p.Option
	}{
		{"quic", libp2p.Transport(libp2pquic.NewTransport)},
		{"tcp", libp2p.Transport(tcp.NewTCPTransport)},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel() // mostly waiting
			raw, err := crypto.MarshalPrivateKey(newTestKey(t))
			if err != nil {
				t.Fatal(err)
			}
			key := base64.StdEncoding.EncodeToString(raw)
			cmd, join := startProcess(t, key, "127.0.0.1:0")
			host := newPeerWith(t, row.transport)
			serveEcho(host)
			lease := publish(t, client(t, host, join))
			kill(cmd)
			startProcess(t, key, join.Addrs[0])
			viewer, back := newPeer(t), time.Now()
			eventually(t, "the host is reached again", func() bool {
				ids, err := client(t, viewer, join.Public()).Lookup(t.Context(), lease.Number)
				if err != nil {
					time.Sleep(time.Second) // look-ups are limited
					return false
				}
				return viewer.Connect(t.Context(), ids[0]) == nil
			})
			t.Logf("back after %s", time.Since(back).Round(100*time.Millisecond))
			if got := roundTrip(t, viewer, host.ID(), []byte("hello")); string(got) != "hello" {
				t.Errorf("%q", got)
			}
		})
	}
}
