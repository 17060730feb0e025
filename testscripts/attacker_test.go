//go:build linux

package testscripts

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mrand "math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/rogpeppe/go-internal/testscript"
)

// attack is the command `attacker HOW ADDR [ID]`:
//
//	bytes ADDR        random and oversized bytes to the TCP and UDP port
//	streams ADDR ID   as a libp2p peer, garbage on every protocol that is spoken there
func attack(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, !neg && len(args) >= 2, "attacker bytes|streams ADDR [ID]")
	switch {
	case args[0] == "bytes":
		ts.Check(throwBytes(args[1]))
	case args[0] == "streams" && len(args) == 3:
		n, err := throwStreams(args[1], args[2])
		ts.Check(err)
		ts.Logf("%d streams with garbage", n)
	default:
		need(ts, false, "attacker bytes|streams ADDR [ID]")
	}
}

// noise is the same garbage in every run.
func noise(n int) []byte {
	b := make([]byte, n)
	mrand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

// openings are what a stranger may say first to a TCP port.
var openings = map[string][]byte{
	"noise":            noise(256 << 10),
	"nothing":          nil,
	"HTTP":             []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
	"TLS":              append([]byte{0x16, 3, 1, 0xff, 0xff}, noise(70<<10)...),
	"multistream":      append([]byte("\x13/multistream/1.0.0\n\x07/noise\n"), noise(128<<10)...),
	"oversized length": append([]byte("\x13/multistream/1.0.0\n\xff\xff\xff\xff\x7f"), noise(1<<10)...),
	"zeros":            make([]byte, 256<<10),
}

// throwBytes throws garbage at a port, over TCP and UDP.
func throwBytes(addr string) error {
	for what, text := range openings {
		c, err := net.DialTimeout("tcp", addr, 5*time.Second)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		c.SetDeadline(time.Now().Add(2 * time.Second))
		c.Write(text) // a reset in the middle is a good answer
		c.Close()
	}
	u, err := net.Dial("udp", addr)
	if err != nil {
		return err
	}
	defer u.Close()
	random := mrand.New(mrand.NewChaCha8([32]byte{1}))
	all := noise(64 << 10)
	for i := range 2000 {
		n := 1 + random.IntN(1400)
		d := bytes.Clone(all[random.IntN(len(all)-n):][:n])
		switch i % 4 {
		case 0: // a QUIC v1 Initial with lengths that lie
			d[0] = 0xc3
			if len(d) > 8 {
				binary.BigEndian.PutUint32(d[1:], 1)
			}
		case 1: // a STUN binding request with lengths that lie
			d[0] = 0
			if len(d) > 8 {
				d[1] = 1
				binary.BigEndian.PutUint32(d[4:], 0x2112a442)
			}
		}
		if _, err := u.Write(d); err != nil && i == 0 {
			return err
		}
	}
	return nil
}

// stranger is a libp2p peer that nobody knows.
func stranger(options ...libp2p.Option) (host.Host, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	return libp2p.New(append([]libp2p.Option{libp2p.Identity(key), libp2p.NoListenAddrs, libp2p.DisableMetrics()}, options...)...)
}

// ours are the protocols of this program, whether or not they are announced.
var ours = []protocol.ID{
	"/sightline/session/1", "/sightline/stream/1", "/sightline/ping/1", "/sightline/rendezvous/1",
	"/libp2p/circuit/relay/0.2.0/hop", "/libp2p/circuit/relay/0.2.0/stop", "/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0",
}

// throwStreams opens every protocol of ours over QUIC and TCP and says what
// nobody expects. It returns how many streams took something.
func throwStreams(addr, id string) (int, error) {
	h, err := stranger()
	if err != nil {
		return 0, err
	}
	defer h.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ip, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, err
	}
	taken := 0
	for _, way := range []string{"/ip4/" + ip + "/udp/" + port + "/quic-v1", "/ip4/" + ip + "/tcp/" + port} {
		info, err := p2p.AddrInfoFromString(way + "/p2p/" + id)
		if err != nil {
			return taken, err
		}
		for _, p := range ours {
			for _, garbage := range [][]byte{{}, {0, 0}, {0xff, 0xff, 0xff, 0xff, 0xff}, noise(100), noise(128 << 10), []byte(strings.Repeat("\x00\x01\x02", 30_000))} {
				if err := h.Connect(ctx, *info); err != nil {
					return taken, fmt.Errorf("%s: %w", way, err)
				}
				if s, err := h.NewStream(ctx, info.ID, p); err == nil {
					taken++
					pour(s, garbage)
				}
			}
		}
		for _, c := range h.Network().ConnsToPeer(info.ID) {
			c.Close()
		}
	}
	return taken, nil
}

// pour writes garbage and listens until the other side has had enough.
func pour(s network.Stream, garbage []byte) {
	defer s.Reset()
	s.SetDeadline(time.Now().Add(300 * time.Millisecond))
	s.Write(garbage)
	s.CloseWrite()
	one := make([]byte, 4096)
	for {
		if _, err := s.Read(one); err != nil {
			return
		}
	}
}
