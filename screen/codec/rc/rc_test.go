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

// TestOpinions: what several Probs have a say in comes out as it went in.
func TestOpinions(t *testing.T) {
	type state struct {
		p, q, r [8]Prob
		m       [2]Mixer
		t, u    [256]Prob
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	in := make([]uint32, 30_000)
	for i := range in {
		in[i] = uint32(rnd.IntN(256))
		if rnd.IntN(8) > 0 {
			in[i] &= 1 << (i & 3)
		}
	}
	var e Encoder
	e.Reset(nil)
	s := new(state)
	for i, v := range in {
		k := i & 7
		switch i % 4 {
		case 0:
			e.Mix(&s.m[i&1], &s.p[k], &s.q[k], &s.r[i/8&7], v > 0)
		case 1:
			e.Bit2(&s.p[k], &s.q[k], v > 0)
		case 2:
			e.Tree(s.t[:], v, 8)
		case 3:
			e.Tree2(s.t[:], s.u[:], v, 8)
		}
	}
	var d Decoder
	d.Reset(e.Finish())
	s2 := new(state)
	for i, v := range in {
		k := i & 7
		got, want := uint32(0), v
		if i%4 < 2 {
			want = uint32(b2i(v > 0))
		}
		switch i % 4 {
		case 0:
			got = uint32(b2i(d.Mix(&s2.m[i&1], &s2.p[k], &s2.q[k], &s2.r[i/8&7])))
		case 1:
			got = uint32(b2i(d.Bit2(&s2.p[k], &s2.q[k])))
		case 2:
			got = d.Tree(s2.t[:], 8)
		case 3:
			got = d.Tree2(s2.t[:], s2.u[:], 8)
		}
		if got != want {
			t.Fatalf("step %d: %d, not %d", i, got, want)
		}
	}
	if *s != *s2 {
		t.Error("the ends differ")
	}
}

// TestMixture: of three opinions of which one is right, the mixer heeds that one.
func TestMixture(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	var e Encoder
	e.Reset(nil)
	var m Mixer
	var good [2]Prob
	var bad, worse [16]Prob
	for range 40_000 {
		yes := rnd.IntN(2)
		e.Mix(&m, &good[yes], &bad[rnd.IntN(16)], &worse[rnd.IntN(16)], yes == 1)
	}
	if n := len(e.Finish()); n > 300 {
		t.Errorf("40,000 foretold decisions cost %d bytes", n)
	}
}
