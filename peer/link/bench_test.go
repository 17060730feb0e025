package link

import (
	"io"
	"testing"
)

// BenchmarkRoundTrip is one key press there and its answer back, 64 bytes, on
// an open stream; BenchmarkTransfer is 1 MiB one way.
func BenchmarkRoundTrip(b *testing.B) {
	onBothPaths(b, func(b *testing.B, v, h Stream) {
		go io.Copy(h, h)
		buf := make([]byte, 64)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Write(buf); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(v, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTransfer(b *testing.B) {
	onBothPaths(b, func(b *testing.B, v, h Stream) {
		const size = 1 << 20
		go func() {
			data := make([]byte, size)
			for {
				if _, err := h.Write(data); err != nil {
					return
				}
			}
		}()
		buf := make([]byte, size)
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := io.ReadFull(v, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// onBothPaths runs a benchmark through the relay and directly.
func onBothPaths(b *testing.B, run func(b *testing.B, v, h Stream)) {
	for _, direct := range [...]bool{false, true} {
		name := "relayed"
		if direct {
			name = "direct"
		}
		b.Run(name, func(b *testing.B) {
			p := meet(b, Options{}, Options{})
			if direct {
				p.upgrade(b)
			}
			v, h := p.open(b)
			v.SetDeadline(noDeadline)
			h.SetDeadline(noDeadline)
			run(b, v, h)
			v.Reset()
		})
	}
}
