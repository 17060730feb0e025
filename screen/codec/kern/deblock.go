package kern

// The edge filter looks at two samples on each side of a block edge,
//
//	p1 p0 | q0 q1
//
// and works where the step is small and both sides are flat, that is where
// it is more likely the quantiser's than the picture's:
//
//	|p0-q0| < alpha  and  |p1-p0| < beta  and  |q1-q0| < beta
//
// There, with d = (3 (q0-p0) - (q1-p1) + 4) >> 3 limited to -tc..tc,
//
//	p0 += d    q0 -= d    p1 += d>>1    q1 -= d>>1
//
// clamped to bytes. A ramp stays as it is (d = 0); a step of s becomes a
// slope of s/8, s/4, 3s/4, 7s/8 when tc allows.

// DeblockV filters a vertical edge of n rows (multiples of 8 are fast). p
// starts at p1 of the first row, two samples left of the edge; four samples
// of each row are read and written. alpha, beta and tc are 0 to 255; more
// counts as no limit, less as 0.
func DeblockV(p []byte, stride, alpha, beta, tc, n int) {
	if n <= 0 {
		return
	}
	check(p, stride, 4, n)
	alpha, beta, tc = limit(alpha), limit(beta), limit(tc)
	i := 0
	if useAVX2 {
		for ; i+16 <= n; i += 16 {
			deblockV16AVX2(&p[i*stride], stride, alpha, beta, tc)
		}
		for ; i+8 <= n; i += 8 {
			deblockV8AVX2(&p[i*stride], stride, alpha, beta, tc)
		}
	}
	for ; i < n; i++ {
		deblockGo(p[i*stride:], 1, alpha, beta, tc)
	}
}

// DeblockH filters a horizontal edge of n columns (multiples of 8 are fast).
// p starts at p1 of the first column, two rows above the edge; four rows of
// n samples are read and written. The limits are those of DeblockV.
func DeblockH(p []byte, stride, alpha, beta, tc, n int) {
	if n <= 0 {
		return
	}
	check(p, stride, n, 4)
	alpha, beta, tc = limit(alpha), limit(beta), limit(tc)
	i := 0
	if useAVX2 {
		for ; i+16 <= n; i += 16 {
			deblockH16AVX2(&p[i], stride, alpha, beta, tc)
		}
		for ; i+8 <= n; i += 8 {
			deblockH8AVX2(&p[i], stride, alpha, beta, tc)
		}
	}
	for ; i < n; i++ {
		deblockGo(p[i:], stride, alpha, beta, tc)
	}
}

// limit keeps a parameter within what differences of bytes can reach.
func limit(v int) int { return min(max(v, 0), 256) }

// deblockGo filters one line of four samples, step bytes apart.
func deblockGo(p []byte, step, alpha, beta, tc int) {
	_ = p[3*step]
	p1, p0, q0, q1 := int(p[0]), int(p[step]), int(p[2*step]), int(p[3*step])
	if abs(p0-q0) >= alpha || abs(p1-p0) >= beta || abs(q1-q0) >= beta {
		return
	}
	d := min(max((3*(q0-p0)-(q1-p1)+4)>>3, -tc), tc)
	p[0], p[step] = clamp8(p1+d>>1), clamp8(p0+d)
	p[2*step], p[3*step] = clamp8(q0-d), clamp8(q1-d>>1)
}

func abs(v int) int { return max(v, -v) }
