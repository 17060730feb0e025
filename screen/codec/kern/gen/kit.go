package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// kit is avo's context with operations that return their result in a new
// register, so that kernels read as expressions. Operands come in the order
// of the mathematics, not in the assembler's: sub16(a, b) is a - b. Words
// are 16 bits, doubles 32.
type kit struct {
	*build.Context
	known map[string]mem // constants that are already in the file
}

type (
	vec = reg.VecVirtual
	gp  = reg.GPVirtual
	op  = operand.Op
	mem = operand.Mem
)

// kernel begins a function; sig is its parameters and results. Every
// argument is a pointer or an int, and no pointer escapes.
func (k *kit) kernel(name, doc, sig string) {
	k.Function(name + "AVX2")
	k.Attributes(attr.NOSPLIT)
	k.SignatureExpr("func" + sig)
	k.Doc(name + "AVX2 " + doc)
	k.Pragma("noescape")
}

// end leaves the function with the upper halves clean: dirty ones slow down
// every SSE instruction of the program.
func (k *kit) end() {
	k.VZEROUPPER()
	k.RET()
}

// arg loads a parameter.
func (k *kit) arg(name string) gp {
	r := k.GP64()
	k.Load(k.Param(name), r)
	return r
}

// times3 is 3 * r.
func (k *kit) times3(r gp) gp {
	d := k.GP64()
	k.LEAQ(mem{Base: r, Index: r, Scale: 2}, d)
	return d
}

// repeat counts n down to 0 around body.
func (k *kit) repeat(label string, n op, body func()) {
	count := k.GP64()
	k.MOVQ(n, count)
	k.Label(label)
	body()
	k.DECQ(count)
	k.JNZ(operand.LabelRef(label))
}

// at is the memory at base + off.
func at(base reg.Register, off int) mem { return mem{Base: base, Disp: off} }

// row is the memory of row i (0 to 3) from base, stride and three strides.
func row(base, stride, stride3 gp, i int) mem {
	switch i {
	case 0:
		return mem{Base: base}
	case 3:
		return mem{Base: base, Index: stride3, Scale: 1}
	}
	return mem{Base: base, Index: stride, Scale: uint8(i)}
}

// bytes, words, doubles and quads define a constant of 32 bytes, the values
// repeated as often as they fit. A second definition of a name is the first.
func (k *kit) bytes(name string, v ...int) mem {
	return k.constant(name, 1, v, func(x int) operand.Constant { return operand.U8(x) })
}

func (k *kit) words(name string, v ...int) mem {
	return k.constant(name, 2, v, func(x int) operand.Constant { return operand.U16(x) })
}

func (k *kit) doubles(name string, v ...int) mem {
	return k.constant(name, 4, v, func(x int) operand.Constant { return operand.U32(x) })
}

func (k *kit) constant(name string, size int, v []int, as func(int) operand.Constant) mem {
	if m, ok := k.known[name]; ok {
		return m
	}
	if 32%(size*len(v)) != 0 {
		panic(fmt.Sprint("constant does not fill 32 bytes: ", name))
	}
	m := k.StaticGlobal(name)
	k.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 32 / size {
		k.AddDatum(i*size, as(v[i%len(v)]))
	}
	k.known[name] = m
	return m
}

// like is a new register of the width of a.
func (k *kit) like(a vec) vec {
	if a.Size() == 16 {
		return k.XMM()
	}
	return k.YMM()
}

// two runs an instruction of two sources, given in the order a, b.
func (k *kit) two(f func(...op), a vec, b op) vec {
	d := k.like(a)
	f(b, a, d)
	return d
}

// fixed adapts an instruction method without variants.
func fixed(f func(a, b, c op)) func(...op) {
	return func(o ...op) { f(o[0], o[1], o[2]) }
}

func (k *kit) add16(a vec, b op) vec  { return k.two(k.VPADDW, a, b) }
func (k *kit) add32(a vec, b op) vec  { return k.two(k.VPADDD, a, b) }
func (k *kit) add64(a vec, b op) vec  { return k.two(k.VPADDQ, a, b) }
func (k *kit) sub16(a vec, b op) vec  { return k.two(k.VPSUBW, a, b) }
func (k *kit) sub32(a vec, b op) vec  { return k.two(k.VPSUBD, a, b) }
func (k *kit) adds16(a vec, b op) vec { return k.two(k.VPADDSW, a, b) }
func (k *kit) addus(a vec, b op) vec  { return k.two(k.VPADDUSW, a, b) }
func (k *kit) min16(a vec, b op) vec  { return k.two(k.VPMINSW, a, b) }
func (k *kit) max16(a vec, b op) vec  { return k.two(k.VPMAXSW, a, b) }
func (k *kit) and(a vec, b op) vec    { return k.two(fixed(k.VPAND), a, b) }
func (k *kit) or(a vec, b op) vec     { return k.two(fixed(k.VPOR), a, b) }
func (k *kit) sad(a vec, b op) vec    { return k.two(fixed(k.VPSADBW), a, b) }

// madd multiplies words and adds neighbours to doubles; maddubs multiplies
// unsigned bytes of a with signed ones of b and adds neighbours to words.
func (k *kit) madd(a vec, b op) vec    { return k.two(k.VPMADDWD, a, b) }
func (k *kit) maddubs(a vec, b op) vec { return k.two(k.VPMADDUBSW, a, b) }
func (k *kit) mul16(a vec, b op) vec   { return k.two(k.VPMULLW, a, b) }
func (k *kit) mulhi(a vec, b op) vec   { return k.two(k.VPMULHW, a, b) }
func (k *kit) mulhiu(a vec, b op) vec  { return k.two(k.VPMULHUW, a, b) }

// mulround is (a*b + 2^14) >> 15.
func (k *kit) mulround(a vec, b op) vec { return k.two(k.VPMULHRSW, a, b) }

// hadd16 adds neighbouring words: those of a, then those of b, by lane.
func (k *kit) hadd16(a vec, b op) vec { return k.two(fixed(k.VPHADDW), a, b) }

// sign16 and sign32 give a the sign of b: -a, 0 or a.
func (k *kit) sign16(a vec, b op) vec { return k.two(fixed(k.VPSIGNW), a, b) }
func (k *kit) sign32(a vec, b op) vec { return k.two(fixed(k.VPSIGND), a, b) }

func (k *kit) greater16(a vec, b op) vec {
	d := k.like(a)
	k.VPCMPGTW(b, a, d)
	return d
}

func (k *kit) equal16(a vec, b op) vec {
	d := k.like(a)
	k.VPCMPEQW(b, a, d)
	return d
}

// Interleaves and packs put a's part first, by lane of 16 bytes.
func (k *kit) lo8(a vec, b op) vec   { return k.two(k.VPUNPCKLBW, a, b) }
func (k *kit) hi8(a vec, b op) vec   { return k.two(k.VPUNPCKHBW, a, b) }
func (k *kit) lo16(a vec, b op) vec  { return k.two(k.VPUNPCKLWD, a, b) }
func (k *kit) hi16(a vec, b op) vec  { return k.two(k.VPUNPCKHWD, a, b) }
func (k *kit) lo32(a vec, b op) vec  { return k.two(k.VPUNPCKLDQ, a, b) }
func (k *kit) hi32(a vec, b op) vec  { return k.two(k.VPUNPCKHDQ, a, b) }
func (k *kit) lo64(a vec, b op) vec  { return k.two(k.VPUNPCKLQDQ, a, b) }
func (k *kit) hi64(a vec, b op) vec  { return k.two(k.VPUNPCKHQDQ, a, b) }
func (k *kit) packs(a vec, b op) vec { return k.two(k.VPACKSSDW, a, b) }
func (k *kit) packu(a vec, b op) vec { return k.two(k.VPACKUSWB, a, b) }

// shuffle picks bytes of a by lane.
func (k *kit) shuffle(a vec, by op) vec { return k.two(k.VPSHUFB, a, by) }

func (k *kit) abs16(a op) vec { d := k.YMM(); k.VPABSW(a, d); return d }

func (k *kit) shift(f func(...op), n int, a vec) vec {
	d := k.like(a)
	f(operand.U8(n), a, d)
	return d
}

func (k *kit) sra16(a vec, n int) vec { return k.shift(k.VPSRAW, n, a) }
func (k *kit) srl16(a vec, n int) vec { return k.shift(k.VPSRLW, n, a) }
func (k *kit) sra32(a vec, n int) vec { return k.shift(k.VPSRAD, n, a) }

// highHalf moves the upper 8 bytes of each lane down.
func (k *kit) highHalf(a vec) vec { return k.shift(fixed(k.VPSRLDQ), 8, a) }

// quarters permutes the four 64-bit parts of a: part i of the result is part
// q[i] of a.
func (k *kit) quarters(a op, q0, q1, q2, q3 int) vec {
	d := k.YMM()
	k.VPERMQ(operand.U8(q0|q1<<2|q2<<4|q3<<6), a, d)
	return d
}

// swapLanes exchanges the halves of a.
func (k *kit) swapLanes(a vec) vec {
	d := k.YMM()
	k.VPERM2I128(operand.U8(1), a, a, d)
	return d
}

// lowLanes and highLanes join one lane of a and one of b.
func (k *kit) lowLanes(a vec, b op) vec {
	d := k.YMM()
	k.VPERM2I128(operand.U8(0x20), b, a, d)
	return d
}

func (k *kit) highLanes(a vec, b op) vec {
	d := k.YMM()
	k.VPERM2I128(operand.U8(0x31), b, a, d)
	return d
}

// Loads.
func (k *kit) x(m op) vec { d := k.XMM(); k.VMOVDQU(m, d); return d }
func (k *kit) y(m op) vec { d := k.YMM(); k.VMOVDQU(m, d); return d }
func (k *kit) q(m op) vec { d := k.XMM(); k.VMOVQ(m, d); return d }

// both loads 16 bytes into both lanes.
func (k *kit) both(m op) vec { d := k.YMM(); k.VBROADCASTI128(m, d); return d }

// lanes loads 16 bytes into each lane.
func (k *kit) lanes(lo, hi op) vec {
	d, x := k.YMM(), k.x(lo)
	k.VINSERTI128(operand.U8(1), hi, x.AsY(), d)
	return d
}

// halves loads 8 bytes into each half of 16.
func (k *kit) halves(lo, hi op) vec {
	d, x := k.XMM(), k.q(lo)
	k.VPINSRQ(operand.U8(1), hi, x, d)
	return d
}

// zeroX and zeroY are new registers that hold nothing.
func (k *kit) zeroX() vec { d := k.XMM(); k.VPXOR(d, d, d); return d }
func (k *kit) zeroY() vec { d := k.YMM(); k.VPXOR(d, d, d); return d }

// widenX and widenY make words of 8 and 16 bytes.
func (k *kit) widenX(m op) vec { d := k.XMM(); k.VPMOVZXBW(m, d); return d }
func (k *kit) widenY(m op) vec { d := k.YMM(); k.VPMOVZXBW(m, d); return d }

// spread16 fills a register with the low word of g.
func (k *kit) spread16(g gp) vec {
	x, d := k.XMM(), k.YMM()
	k.VMOVQ(g, x)
	k.VPBROADCASTW(x, d)
	return d
}

// sum64 adds the quarters of a into a result of 64 bits.
func (k *kit) sum64(a vec) gp {
	x := a
	if a.Size() == 32 {
		h := k.XMM()
		k.VEXTRACTI128(operand.U8(1), a, h)
		x = k.add64(h, a.AsX())
	}
	x = k.add64(x, k.highHalf(x))
	g := k.GP64()
	k.VMOVQ(x, g)
	return g
}
