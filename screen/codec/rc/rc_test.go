package rc

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var e Encoder
		e.Reset([]byte("before"))
		var probs [4]Prob
		var num Number
		var sig Signed
		type step struct {
			kind int
			v    uint32
		}
		var steps []step
		for range rnd.IntN(3000) {
			s := step{kind: rnd.IntN(7)}
			switch s.kind {
			case 0, 1, 2, 3:
				if rnd.IntN(1<<(2*s.kind)) == 0 {
					s.v = 1
				}
				e.Bit(&probs[s.kind], s.v == 1)
			case 4:
				s.v = rnd.Uint32() >> 9
				e.Raw(s.v, 23)
			case 5:
				s.v = min(rnd.Uint32()>>rnd.IntN(32), 1<<32-2)
				num.Encode(&e, s.v)
			case 6:
				s.v = uint32(int32(rnd.IntN(1<<31)-1<<30) >> rnd.IntN(31))
				sig.Encode(&e, int32(s.v))
			}
			steps = append(steps, s)
		}
		out := e.Finish()
		body, ok := bytes.CutPrefix(out, []byte("before"))
		if !ok {
			t.Fatal("a carry reached what stood there before")
		}
		var d Decoder
		d.Reset(body)
		probs, num, sig = [4]Prob{}, Number{}, Signed{}
		for i, s := range steps {
			var got uint32
			switch s.kind {
			case 0, 1, 2, 3:
				got = uint32(b2i(d.Bit(&probs[s.kind])))
			case 4:
				got = d.Raw(23)
			case 5:
				got = num.Decode(&d)
			case 6:
				got = uint32(sig.Decode(&d))
			}
			if got != s.v {
				t.Fatalf("seed %d, step %d: kind %d, %d, not %d", seed, i, s.kind, got, s.v)
			}
		}
		if d.Overrun() {
			t.Fatalf("seed %d: overrun", seed)
		}
	}
}

// TestSkewed: what is nearly certain costs nearly nothing.
func TestSkewed(t *testing.T) {
	var e Encoder
	var p Prob
	e.Reset(nil)
	for range 100_000 {
		e.Bit(&p, true)
	}
	if n := len(e.Finish()); n > 40 {
		t.Errorf("100,000 equal decisions cost %d bytes", n)
	}
}

// FuzzDecode: a decoder survives everything and says when the body is over.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{}, uint16(100))
	f.Add([]byte{255, 255, 255, 255, 255}, uint16(9))
	f.Fuzz(func(t *testing.T, body []byte, n uint16) {
		var d Decoder
		var p Prob
		var num Number
		var sig Signed
		d.Reset(body)
		for i := range int(n) {
			if i%4 == 0 && num.Decode(&d) == 1<<32-1 {
				t.Fatal("out of range")
			}
			d.Bit(&p)
			d.Raw(i % 33)
			sig.Decode(&d)
			if d.Overrun() {
				return
			}
		}
	})
}

func BenchmarkBit(b *testing.B) {
	var e Encoder
	var p [256]Prob
	buf := make([]byte, 0, 1<<20)
	rnd := rand.New(rand.NewPCG(1, 1))
	in := make([]bool, 1<<16)
	for i := range in {
		in[i] = rnd.IntN(10) == 0
	}
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			e.Reset(buf)
			for i, v := range in {
				e.Bit(&p[i&255], v)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(in)), "ns/bit")
	})
	e.Reset(nil)
	p = [256]Prob{}
	for i, v := range in {
		e.Bit(&p[i&255], v)
	}
	body := e.Finish()
	b.Run("decode", func(b *testing.B) {
		var d Decoder
		for b.Loop() {
			d.Reset(body)
			for i := range in {
				d.Bit(&p[i&255])
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(in)), "ns/bit")
	})
}
