package rc

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// plain is Residual.Encode by single decisions.
func (m *Residual) plain(e *Encoder, d int32, k, eighth uint32) {
	size, sign := uint32(max(d, -d)), d < 0
	quotient := func(n uint32) (ok bool) {
		for i := range m.high {
			e.Bit(&m.high[i], uint32(i) < n)
			if uint32(i) == n {
				return true
			}
		}
		e.Raw(size, 8)
		return false
	}
	raw := func() { e.Raw(uint32(b2i(sign)), 1) }
	switch {
	case k == 0:
		e.Bit(&m.zero[eighth], size != 0)
		if size != 0 {
			quotient(size - 1)
			e.Bit(&m.sign[eighth], sign)
		}
	case !quotient(size >> k):
		raw()
	default:
		e.Bit(&m.low[b2i(size>>k == 0)], size>>(k-1)&1 == 1)
		rest := size & (1<<(k-1) - 1)
		if size>>(k-1) != 0 {
			e.Raw(rest<<1|uint32(b2i(sign)), int(k))
			return
		}
		e.Raw(rest, int(k)-1)
		if rest != 0 {
			raw()
		}
	}
}

// TestResidual: the body is that of single decisions, and comes back.
func TestResidual(t *testing.T) {
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		type step struct {
			d         int32
			k, eighth uint32
		}
		steps := make([]step, rnd.IntN(3000))
		spread := 1 + rnd.IntN(255)
		for i := range steps {
			s := step{int32(rnd.IntN(2*spread+1) - spread), uint32(rnd.IntN(9)), uint32(rnd.IntN(8))}
			if rnd.IntN(3) > 0 { // as large as k expects
				s.d = min(int32(rnd.ExpFloat64()*float64(int(1)<<s.k)), 255) * int32(2*rnd.IntN(2)-1)
			}
			steps[i] = s
		}
		var e, f Encoder
		e.Reset([]byte("before"))
		f.Reset([]byte("before"))
		var m, n, o Residual
		for _, s := range steps {
			m.Encode(&e, s.d, s.k, s.eighth)
			n.plain(&f, s.d, s.k, s.eighth)
		}
		out := e.Finish()
		if !bytes.Equal(out, f.Finish()) || m != n {
			t.Fatalf("seed %d: not what single decisions make", seed)
		}
		var d Decoder
		d.Reset(out[len("before"):])
		for i, s := range steps {
			if got := o.Decode(&d, s.k, s.eighth); got != s.d {
				t.Fatalf("seed %d, step %d: %d, not %d", seed, i, got, s.d)
			}
		}
		if o != m || d.Overrun() {
			t.Fatalf("seed %d: the ends have learned different things", seed)
		}
	}
}

// FuzzResidual: a stranger's residuals are in range, too.
func FuzzResidual(f *testing.F) {
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 60))
	f.Add([]byte{0x55, 0xaa, 0, 1, 2, 3, 0xfe, 0x80})
	f.Fuzz(func(t *testing.T, body []byte) {
		var d Decoder
		d.Reset(body)
		var m Residual
		for i := uint32(0); i < 2000 && !d.Overrun(); i++ {
			if v := m.Decode(&d, i%9, i/9%8); v < -255 || v > 255 {
				t.Fatalf("residual %d", v)
			}
		}
	})
}
