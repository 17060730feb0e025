package kern

// Quant8 turns coefficients into levels, in place, and returns how many are
// not zero:
//
//	level = sign(c) * ((min(|c| + bias, 65535) * recip) >> 16)
//
// For a step s of at least 2 (a step is in units of a coefficient, that is
// an eighth of an orthonormal one) take recip = 65536/s rounded up or to
// nearest and bias = s/2 to round, s/3 or s/6 for a dead zone. Levels of
// more than 16 bits, which need a recip above 32767, wrap.
func Quant8(c *[64]int16, recip, bias *[64]uint16) int {
	if useAVX2 {
		return quant8AVX2(c, recip, bias)
	}
	return quantGo(c[:], recip[:], bias[:])
}

func quantGo(c []int16, recip, bias []uint16) int {
	n := 0
	recip, bias = recip[:len(c)], bias[:len(c)]
	for i, v := range c {
		sign := int32(v) >> 31
		a := min((uint32(int32(v)^sign)-uint32(sign))+uint32(bias[i]), 65535)
		level := int32(a * uint32(recip[i]) >> 16)
		if v == 0 {
			level = 0
		}
		w := int16((level ^ sign) - sign)
		if w != 0 {
			n++
		}
		c[i] = w
	}
	return n
}

// Nonzero8 returns a set of the levels that are not zero: bit i for c[i].
func Nonzero8(c *[64]int16) uint64 {
	if useAVX2 {
		return nonzero8AVX2(c)
	}
	return nonzero8Go(c)
}

func nonzero8Go(c *[64]int16) (set uint64) {
	for i, v := range c {
		if v != 0 {
			set |= 1 << i
		}
	}
	return set
}

// Dequant8 multiplies levels by their steps, in place, and saturates to 16
// bits.
func Dequant8(c, step *[64]int16) {
	if useAVX2 {
		dequant8AVX2(c, step)
		return
	}
	dequantGo(c[:], step[:])
}

func dequantGo(c, step []int16) {
	step = step[:len(c)]
	for i, v := range c {
		c[i] = clamp16(int32(v) * int32(step[i]))
	}
}
