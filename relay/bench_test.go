package relay

import (
	"io"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

// BenchmarkCircuit pushes 64 KiB writes through one circuit on loopback: host,
// relay and viewer in one process, so the three share the CPU and every byte is
// encrypted twice. For comparing changes, not for promises.
func BenchmarkCircuit(b *testing.B) {
	for name, transport := range map[string]libp2p.Option{
		"quic": libp2p.Transport(libp2pquic.NewTransport),
		"tcp":  libp2p.Transport(tcp.NewTCPTransport),
	} {
		b.Run(name, func(b *testing.B) {
			s := newTestRelay(b)
			host, viewer := newPeerWith(b, transport), newPeerWith(b, transport)
			got := make(chan int64, 1)
			host.SetStreamHandler(echo, func(st network.Stream) {
				n, _ := io.Copy(io.Discard, st)
				got <- n
			})
			lease := publish(b, client(b, host, s.Join()))
			if _, err := call(b, viewer, s.Join(), lease.Number); err != nil {
				b.Fatal(err)
			}
			st, err := viewer.NewStream(b.Context(), host.ID(), echo)
			if err != nil {
				b.Fatal(err)
			}
			buf := make([]byte, 64<<10)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := st.Write(buf); err != nil {
					b.Fatal(err)
				}
			}
			st.CloseWrite()
			if n := <-got; n != int64(b.N*len(buf)) {
				b.Fatalf("%d bytes arrived", n)
			}
		})
	}
}
