package kern

import (
	"math/rand/v2"
	"testing"
)

// bench is one call of a kernel on data as the codec has it; bytes is what
// the call reads of samples or coefficients.
type bench struct {
	name  string
	bytes int
	call  func(b *benchData)
}

// benchData is two planes of 1920x64, pixels for them, and blocks.
type benchData struct {
	a, b, cb, cr  []byte
	pixels, other []byte
	c, d, levels  [64]int16
	recip, bias   [64]uint16
	step          [64]int16
	at            int
}

const benchWidth = 1920

func newBenchData() *benchData {
	rnd := rand.New(rand.NewPCG(11, 12))
	noise := func(n int) []byte {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(128 + rnd.IntN(64))
		}
		return p
	}
	b := &benchData{
		a: noise(benchWidth * 64), b: noise(benchWidth * 64),
		cb: noise(benchWidth * 64), cr: noise(benchWidth * 64),
		pixels: noise(4 * benchWidth * 64),
	}
	b.other = append(b.other, b.pixels...)
	for i := range b.d {
		b.d[i] = int16(rnd.IntN(61) - 30)
		b.levels[i] = int16(rnd.IntN(3) - 1)
		b.recip[i], b.bias[i], b.step[i] = 65536/80, 27, 80
	}
	return b
}

// next is another place in the planes, so that no call finds its own result.
func (b *benchData) next() int {
	b.at = (b.at + 16) % 1600
	return b.at
}

var benches = []bench{
	{"SAD16", 512, func(b *benchData) { sink += SAD16(b.a[b.next():], benchWidth, b.b, benchWidth) }},
	{"SAD8", 128, func(b *benchData) { sink += SAD8(b.a[b.next():], benchWidth, b.b, benchWidth) }},
	{"SSD16", 512, func(b *benchData) { sink += SSD16(b.a[b.next():], benchWidth, b.b, benchWidth) }},
	{"SSD8", 128, func(b *benchData) { sink += SSD8(b.a[b.next():], benchWidth, b.b, benchWidth) }},
	{"Quarters", 512, func(b *benchData) {
		var q Quarters
		q.Take(b.a[b.next():], benchWidth, b.b, benchWidth)
		sink += q.Apart(3)
	}},
	{"SATD8", 128, func(b *benchData) { sink += SATD8(b.a[b.next():], benchWidth, b.b, benchWidth) }},
	{"MC16 whole", 256, func(b *benchData) { b.move(0, 0) }},
	{"MC16 half h", 256, func(b *benchData) { b.move(2, 0) }},
	{"MC16 half v", 256, func(b *benchData) { b.move(0, 2) }},
	{"MC16 quarter hv", 256, func(b *benchData) { b.move(1, 3) }},
	{"MCChroma hv", 64, func(b *benchData) {
		MCChroma(b.cb[b.next():], benchWidth, b.cr[b.at:], benchWidth, 3, 5, 8, 8)
	}},
	{"Diff8", 128, func(b *benchData) { Diff8(&b.c, b.a[b.next():], benchWidth, b.b, benchWidth) }},
	{"FDCT8", 128, func(b *benchData) { b.c = b.d; FDCT8(&b.c) }},
	{"Quant8", 128, func(b *benchData) { b.c = b.d; sink += Quant8(&b.c, &b.recip, &b.bias) }},
	{"Dequant8", 128, func(b *benchData) { b.c = b.levels; Dequant8(&b.c, &b.step) }},
	{"IDCT8", 128, func(b *benchData) { b.c = b.d; IDCT8(&b.c) }},
	{"Add8", 128, func(b *benchData) { Add8(b.cb[b.next():], benchWidth, b.a, benchWidth, &b.d) }},
	{"DiffFDCT8", 128, func(b *benchData) { DiffFDCT8(&b.c, b.a[b.next():], benchWidth, b.b, benchWidth) }},
	{"IDCTAdd8", 128, func(b *benchData) { IDCTAdd8(b.cb[b.next():], benchWidth, b.a, benchWidth, &b.d) }},
	{"DiffHalf8", 512, func(b *benchData) { DiffHalf8(&b.c, b.a[b.next():], benchWidth, b.b, benchWidth) }},
	{"AddTwice8", 256, func(b *benchData) { AddTwice8(b.cb[b.next():], benchWidth, b.a, benchWidth, &b.d) }},
	{"Nonzero8", 128, func(b *benchData) { sink += int(Nonzero8(&b.levels)) }},
	{"Copy16", 256, func(b *benchData) { Copy16(b.cb[b.next():], benchWidth, b.a, benchWidth) }},
	{"Gradient16", 256, func(b *benchData) {
		Gradient16(b.cb[b.next():], benchWidth, (*[16]byte)(b.a), (*[16]byte)(b.b), b.b[20])
	}},
	{"Smooth16", 256, func(b *benchData) {
		Smooth16(b.cb[b.next():], benchWidth, (*[16]byte)(b.a), (*[16]byte)(b.b))
	}},
	{"FDCT4x4", 128, func(b *benchData) { b.c = b.d; FDCT4x4(&b.c) }},
	{"IDCT4x4", 128, func(b *benchData) { b.c = b.d; IDCT4x4(&b.c) }},
	{"DeblockV 16", 64, func(b *benchData) { DeblockV(b.a[b.next():], benchWidth, 40, 20, 4, 16) }},
	{"DeblockH 16", 64, func(b *benchData) { DeblockH(b.a[b.next():], benchWidth, 40, 20, 4, 16) }},
	{"ToYCC 1920x16", 4 * 1920 * 16, func(b *benchData) {
		ToYCC(b.a, benchWidth, b.cb, b.cr, benchWidth, b.pixels, 4*benchWidth, 1920, 16)
	}},
	{"FromYCC 1920x16", 4 * 1920 * 16, func(b *benchData) {
		FromYCC(b.pixels, 4*benchWidth, b.a, benchWidth, b.cb, b.cr, benchWidth, 1920, 16)
	}},
	{"ToYCC444 1920x16", 4 * 1920 * 16, func(b *benchData) {
		ToYCC444(b.a, benchWidth, b.cb, b.cr, benchWidth, b.pixels, 4*benchWidth, 1920, 16)
	}},
	{"FromYCC444 1920x16", 4 * 1920 * 16, func(b *benchData) {
		FromYCC444(b.pixels, 4*benchWidth, b.a, benchWidth, b.cb, b.cr, benchWidth, 1920, 16)
	}},
	{"ToYCC 16x16", 1024, func(b *benchData) {
		i := b.next()
		ToYCC(b.a[i:], benchWidth, b.cb[i:], b.cr[i:], benchWidth, b.pixels[4*i:], 4*benchWidth, 16, 16)
	}},
	{"FromYCC 16x16", 1024, func(b *benchData) {
		i := b.next()
		FromYCC(b.pixels[4*i:], 4*benchWidth, b.a[i:], benchWidth, b.cb[i:], b.cr[i:], benchWidth, 16, 16)
	}},
	{"CopyColours", 7680, func(b *benchData) { CopyColours(b.other[:7680], b.pixels[:7680]) }},
	{"EqualRows 64x16", 2048, func(b *benchData) {
		i := 4 * b.next()
		if EqualRows(b.other[i:], 4*benchWidth, b.other[i:], 4*benchWidth, 64, 16) {
			sink++
		}
	}},
}

func (b *benchData) move(fx, fy int) {
	i := b.next()
	MC16(b.cb[i:], benchWidth, b.a[i:], benchWidth, fx, fy, 16, 16)
}

var sink int

func benchmarkAll(b *testing.B, prefix string) {
	for _, k := range benches {
		b.Run(prefix+"/"+k.name, func(b *testing.B) {
			data := newBenchData()
			b.SetBytes(int64(k.bytes))
			b.ReportAllocs()
			for b.Loop() {
				k.call(data)
			}
		})
	}
}

// BenchmarkKernels runs what build and processor have; on amd64
// BenchmarkTwins compares.
func BenchmarkKernels(b *testing.B) { benchmarkAll(b, "chosen") }
