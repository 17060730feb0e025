package kern

import (
	"math"
	"math/rand/v2"
	"testing"
)

// basis is the exact orthonormal DCT-II of n points: frequency k at x.
func basis(n, k, x int) float64 {
	s := math.Sqrt(2 / float64(n))
	if k == 0 {
		s = math.Sqrt(1 / float64(n))
	}
	return s * math.Cos(float64(2*x+1)*float64(k)*math.Pi/float64(2*n))
}

// floatDCT is the exact transform of the n x n block of stride 8 at c, times
// 8.
func floatDCT(c []float64, n int) []float64 {
	out := make([]float64, n*n)
	for i := range out {
		for j := range out {
			out[i] += 8 * c[8*(j/n)+j%n] * basis(n, i/n, j/n) * basis(n, i%n, j%n)
		}
	}
	return out
}

// floatIDCT is the exact inverse of floatDCT for 8x8.
func floatIDCT(c *[64]int16) (out [64]float64) {
	for i := range out {
		for j, v := range c {
			out[i] += float64(v) / 8 * basis(8, j>>3, i>>3) * basis(8, j&7, i&7)
		}
	}
	return out
}

// residual makes a random residual: noise, a ramp or an extreme pattern.
func residual(rnd *rand.Rand) (c [64]int16) {
	kind, amp := rnd.IntN(3), 1+rnd.IntN(255)
	dx, dy := rnd.IntN(61)-30, rnd.IntN(61)-30
	for i := range c {
		switch kind {
		case 0:
			c[i] = int16(rnd.IntN(2*amp+1) - amp)
		case 1:
			c[i] = int16(min(max((i&7)*dx+(i>>3)*dy, -255), 255))
		default:
			c[i] = int16(255 - 510*rnd.IntN(2))
		}
	}
	return c
}

// Coefficients are within one unit, an eighth of an orthonormal one, of the
// exact transform, and the way there and back is exact.
func TestFDCT8NearExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	worst, sum := 0.0, 0.0
	const rounds = 300
	for range rounds {
		c := residual(rnd)
		var f [64]float64
		for i, v := range c {
			f[i] = float64(v)
		}
		want, in := floatDCT(f[:], 8), c
		FDCT8(&c)
		for i, v := range c {
			e := math.Abs(float64(v) - want[i])
			worst, sum = max(worst, e), sum+e*e
		}
		IDCT8(&c)
		if c != in {
			t.Fatalf("there and back: got %v, want %v", c, in)
		}
	}
	if rms := math.Sqrt(sum / rounds / 64); worst > 3 || rms > 0.6 {
		t.Errorf("error of coefficients: worst %.2f, rms %.3f", worst, rms)
	}
}

func TestFDCT4NearExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	worst := 0.0
	for range 300 {
		c := residual(rnd)
		in := c
		FDCT4x4(&c)
		for q := range 4 {
			at := 32*(q>>1) + 4*(q&1)
			var f [64]float64
			for i := range 16 {
				f[8*(i>>2)+i&3] = float64(in[at+8*(i>>2)+i&3])
			}
			for i, want := range floatDCT(f[:], 4) {
				worst = max(worst, math.Abs(float64(c[at+8*(i>>2)+i&3])-want))
			}
		}
		IDCT4x4(&c)
		if c != in {
			t.Fatalf("there and back: got %v, want %v", c, in)
		}
	}
	if worst > 2 {
		t.Errorf("worst error of a coefficient is %.2f", worst)
	}
}

// The inverse of what a quantiser leaves is within a quarter of a sample of
// the exact one before that is rounded.
func TestIDCT8NearExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	worst := 0.0
	for range 200 {
		c := residual(rnd)
		FDCT8(&c)
		for i := range c {
			c[i] = c[i] / 40 * 40
		}
		want := floatIDCT(&c)
		IDCT8(&c)
		for i, v := range c {
			worst = max(worst, math.Abs(float64(v)-want[i]))
		}
	}
	if worst > 0.75 {
		t.Errorf("a sample is %.3f off", worst)
	}
}
