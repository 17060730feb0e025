// Package kern holds the pixel kernels of the screen codec: colour
// conversion, block differences, transforms, quantisation, motion
// compensation, edge smoothing, row comparison and hashing.
//
// Every kernel exists twice: in plain Go, which is its definition and runs
// everywhere, and in AVX2 assembly, chosen at start where the processor has
// it. Both give the same bits for every input, because encoder and decoder
// may run on different machines and predict from what they decoded before.
// All arithmetic is integer; where a value may leave its type the definition
// says whether it wraps or saturates.
//
// The package knows no bitstream, no modes and no search: it is told blocks
// and strides. A plane is a byte slice that starts at the block's upper left
// sample, and a stride, the distance of two rows in bytes, at least 0.
// Kernels panic when a slice is too short for the block: sizes are the
// caller's promise, never a number from the wire that nobody checked. No
// kernel keeps a slice or allocates. Unless said otherwise the destination
// must not overlap a source.
//
// Pixels are BGRX: four bytes blue, green, red, unused.
//
// Build with the tag purego to leave the assembly out. The assembly is
// written by the program in gen, a module of its own so that its assembler
// never enters this module's requirements.
package kern

//go:generate go -C gen run . ..

// check panics unless p holds h rows of w bytes, stride bytes apart. It
// stands between Go's bounds and the assembly, which has none.
func check(p []byte, stride, w, h int) {
	if h > 1 && uint(stride) > uint(len(p)) || (h-1)*stride+w > len(p) {
		panic("kern: plane is shorter than its block")
	}
}

// clamp8 limits v to a byte.
func clamp8(v int) byte {
	if uint(v) > 255 {
		if v < 0 {
			return 0
		}
		return 255
	}
	return byte(v)
}

// clamp16 limits v to an int16.
func clamp16(v int32) int16 {
	return int16(min(max(v, -32768), 32767))
}
