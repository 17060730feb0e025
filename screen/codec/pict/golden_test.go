package pict

import (
	"encoding/binary"
	"flag"
	"hash/crc32"
	"image"
	"os"
	"testing"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

var update = flag.Bool("update", false, "write testdata/v2.bodies anew: the format has changed")

// The golden file: for each body u32 its length, the body, u32 the CRC-32C of
// the pixels after it, B G R X row by row. Little endian; the picture is
// goldenSize, and before every third body pixels 3,3 to 50,20 are made
// 0x123456 and told to be touched.
const goldenFile = "testdata/v2.bodies"

var goldenSize = image.Rect(0, 0, 101, 67)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func goldenTouch(f *screen.Frame, n int, touched func(image.Rectangle)) {
	if n%3 == 2 {
		r := image.Rect(3, 3, 50, 20)
		f.Fill(r, 0x123456)
		touched(r)
	}
}

// TestGolden: bodies of the past are shown as they were, on every machine.
func TestGolden(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	file, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder(goldenSize.Dx(), goldenSize.Dy())
	seen := screen.NewFrame(goldenSize)
	var done grid.Set
	n := 0
	for ; len(file) > 0; n++ {
		size := binary.LittleEndian.Uint32(file)
		body, crc := file[4:4+size], binary.LittleEndian.Uint32(file[4+size:])
		file = file[8+size:]
		goldenTouch(seen, n, d.Touched)
		if err := d.Decode(body, seen, &done); err != nil {
			t.Fatalf("body %d: %v", n, err)
		}
		if got := crc32.Checksum(seen.Pix, castagnoli); got != crc {
			t.Fatalf("body %d: pixels have the sum %08x, not %08x", n, got, crc)
		}
	}
	if n != 12 {
		t.Errorf("%d bodies", n)
	}
}

func writeGolden(t *testing.T) {
	p := newPair(goldenSize.Dx(), goldenSize.Dy())
	var out []byte
	names := []string{"camera", "synthetic"}
	for k, name := range names {
		for i, f := range footage(t, name, goldenSize.Dx(), goldenSize.Dy(), 6) {
			goldenTouch(p.ref, 6*k+i, p.e.Touched)
			p.encode(f, Params{QP: 12 + 4*i})
			out = binary.LittleEndian.AppendUint32(out, uint32(len(p.body)))
			out = append(out, p.body...)
			out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(p.ref.Pix, castagnoli))
		}
	}
	if err := os.WriteFile(goldenFile, out, 0o644); err != nil {
		t.Fatal(err)
	}
}
