package secure

import (
	"fmt"
	"io"
	"testing"
	"time"

	"sightline/peer/wire"
)

// loop is a stream that ends in nothing, or repeats what was recorded.
type loop struct {
	Stream
	data []byte
	at   int
}

func (l *loop) Write(p []byte) (int, error) { return len(p), nil }
func (l *loop) SetDeadline(time.Time) error { return nil }
func (l *loop) CloseWrite() error           { return nil }
func (l *loop) Reset() error                { return nil }
func (l *loop) Close() error                { return nil }

func (l *loop) Read(p []byte) (int, error) {
	if l.at == len(l.data) {
		return 0, io.EOF
	}
	n := copy(p, l.data[l.at:])
	l.at += n
	return n, nil
}

var benchSizes = []struct {
	name string
	ch   wire.Channel
	n    int
}{{"64B", wire.Input, 61}, {"16KiB", wire.Screen, 16 << 10}}

func BenchmarkSeal(b *testing.B) {
	for _, suite := range []byte{suiteAESGCM, suiteChaChaPoly} {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("suite%d/%s", suite, size.name), func(b *testing.B) {
				st := benchStream(b, suite, size.ch, &loop{})
				p := make([]byte, size.n)
				b.SetBytes(int64(size.n))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := st.Write(p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, suite := range []byte{suiteAESGCM, suiteChaChaPoly} {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("suite%d/%s", suite, size.name), func(b *testing.B) {
				const records = 256
				tap := &recorder{Stream: &loop{}}
				st := benchStream(b, suite, size.ch, tap)
				p := make([]byte, size.n)
				for range records {
					st.Write(p)
				}
				from := &loop{data: tap.wrote}
				st = benchStream(b, suite, size.ch, from)
				b.SetBytes(int64(size.n))
				b.ReportAllocs()
				for n := 0; b.Loop(); n++ {
					if n%records == 0 { // the same 256 records under the same nonces again
						from.at, st.read.cipher.n = 0, 0
					}
					if _, err := io.ReadFull(st, p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// benchStream has the same key in both directions.
func benchStream(b *testing.B, suite byte, ch wire.Channel, below Stream) *Sealed {
	b.Helper()
	one, err := newRecordCipher(suite, make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	two, err := newRecordCipher(suite, make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	ses := &Session{open: map[*Sealed]struct{}{}, broken: make(chan struct{})}
	return newSealed(ses, below, ch, 0, one, two)
}

// TestNoAllocations: sealing and opening in the steady state leave nothing to
// the garbage collector.
func TestNoAllocations(t *testing.T) {
	for _, size := range benchSizes {
		v, h := newWorld(t).sessions()
		const records = 128
		near := &recorder{Stream: &loop{}, wrote: make([]byte, 0, 4<<20)}
		a, err := v.Seal(near, size.ch)
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, size.n)
		write := func() { a.Write(p) }
		if n := testing.AllocsPerRun(records, write); n != 0 {
			t.Errorf("%s: %v allocations to seal a record", size.name, n)
		}
		far := &loop{data: near.wrote}
		head, err := ReadHeader(far)
		if err != nil {
			t.Fatal(err)
		}
		b, err := h.Open(head, far)
		if err != nil {
			t.Fatal(err)
		}
		read := func() {
			if _, err := io.ReadFull(b, p); err != nil {
				t.Error(err)
			}
		}
		if n := testing.AllocsPerRun(records-1, read); n != 0 {
			t.Errorf("%s: %v allocations to open a record", size.name, n)
		}
	}
}

func BenchmarkHandshake(b *testing.B) {
	w := newWorld(b)
	b.ReportAllocs()
	for b.Loop() {
		w.sessions()
	}
}

func BenchmarkStretch(b *testing.B) {
	for b.Loop() {
		clear(Stretch("73044182", [saltLen]byte{}))
	}
}
