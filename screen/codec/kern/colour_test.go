package kern

import "testing"

// Grey comes back as it was, and other colours of 4:4:4 within the rounding
// of the three planes.
func TestColourThereAndBack(t *testing.T) {
	worst := 0
	for r := 0; r < 256; r += 5 {
		for g := 0; g < 256; g += 5 {
			for b := 0; b < 256; b += 5 {
				in := []byte{byte(b), byte(g), byte(r), 77}
				var y, cb, cr [1]byte
				var out [4]byte
				ToYCC444(y[:], 1, cb[:], cr[:], 1, in, 4, 1, 1)
				FromYCC444(out[:], 4, y[:], 1, cb[:], cr[:], 1, 1, 1)
				for i := range 3 {
					worst = max(worst, abs(int(in[i])-int(out[i])))
				}
				if r == g && g == b && (out != [4]byte{byte(b), byte(b), byte(b), 0}) {
					t.Fatalf("grey %d comes back as %v", b, out)
				}
			}
		}
	}
	if worst > 2 {
		t.Errorf("a colour comes back %d off", worst)
	}
}

// Four equal pixels of 4:2:0 give what one of 4:4:4 gives, within one.
func TestColour420IsTheMean(t *testing.T) {
	for i := range 64 * 64 {
		p := []byte{byte(i), byte(i * 7), byte(i * 13), 1}
		in := append(append(append([]byte{}, p...), p...), append(p, p...)...)
		var y [4]byte
		var cb, cr, y1, b1, r1 [1]byte
		ToYCC(y[:], 2, cb[:], cr[:], 1, in, 8, 2, 2)
		ToYCC444(y1[:], 1, b1[:], r1[:], 1, p, 4, 1, 1)
		if y != [4]byte{y1[0], y1[0], y1[0], y1[0]} || abs(int(cb[0])-int(b1[0])) > 1 || abs(int(cr[0])-int(r1[0])) > 1 {
			t.Fatalf("%v: 4:2:0 gives %v %v %v, 4:4:4 %v %v %v", p, y, cb, cr, y1, b1, r1)
		}
	}
}
