package codec

import (
	"bytes"
	"image"
	"testing"

	"sightline/screen"
)

// seeds are messages an encoder makes, for the fuzzer to start from.
func seeds(f *testing.F) (all [][]byte) {
	host, frames := goldenFrames()
	e := NewEncoder()
	for i := range goldenSteps {
		c := &screen.Change{Frame: host, Moves: frames(i), Damage: screen.Region{host.Rect}}
		msg, _, err := e.Encode(nil, c, Budget{})
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, msg)
	}
	return all
}

// FuzzFrameDecode feeds any bytes as message to a decoder that has a picture.
func FuzzFrameDecode(f *testing.F) {
	all := seeds(f)
	for _, msg := range all {
		f.Add(msg)
	}
	f.Add(message(flagFresh, 100, 100, 1, stored(cat(u16s(1, 0, 0, 7), []byte{0, 1, 0, 1, 0, 0, 1}, make([]byte, 9)))))
	f.Fuzz(func(t *testing.T, msg []byte) {
		if len(msg) > headerSize && (msg[9] > 4 || msg[11] > 4) {
			return // large pictures only cost time here
		}
		d := NewDecoder()
		if _, _, _, err := d.Decode(all[0]); err != nil {
			t.Fatal(err)
		}
		if _, fr, region, err := d.Decode(msg); err == nil {
			checkRegion(t, fr, region)
		}
	})
}

func checkRegion(t *testing.T, f *screen.Frame, region screen.Region) {
	t.Helper()
	for i, a := range region {
		if a.Empty() || !a.In(f.Rect) {
			t.Fatalf("region %v out of %v", a, f.Rect)
		}
		for _, b := range region[i+1:] {
			if a.Overlaps(b) {
				t.Fatalf("region %v overlaps %v", a, b)
			}
		}
	}
	for i := 3; i < len(f.Pix); i += 4 {
		if f.Pix[i] != 0 {
			t.Fatal("byte X is not zero")
		}
	}
}

// FuzzRects feeds any bytes as runs of tiles and as moves.
func FuzzRects(f *testing.F) {
	f.Add(uint16(150), uint16(70), u16s(2, 0, 1, 3, 4, 0, 9), u16s(1, 0, 0, 10, 10, 5, 5))
	f.Add(uint16(1), uint16(1), u16s(1, 0, 0, 1), u16s(1, 0, 0, 1, 1, 0, 0))
	f.Fuzz(func(t *testing.T, w, h uint16, runs, moves []byte) {
		w, h = w%1024+1, h%1024+1
		box := image.Rect(0, 0, int(w), int(h))
		got, _, err := parseMoves(nil, moves, box)
		if err == nil {
			for _, m := range got {
				if !m.To.In(box) || !m.To.Sub(m.To.Min).Add(m.From).In(box) || m.To.Empty() {
					t.Fatalf("move %v in %v", m, box)
				}
			}
		}
		g := grid{int(w), int(h)}
		if p, err := parseSlice(runs, g, 2*g.tiles()); err == nil {
			fr := screen.NewFrame(box)
			var s painter
			p.paint(fr, g, &s)
			checkRegion(t, fr, s.take())
		}
	})
}

// FuzzCursor parses any bytes; what is a cursor comes back the same.
func FuzzCursor(f *testing.F) {
	f.Add(AppendCursor(nil, &screen.CursorShape{Size: image.Pt(16, 16), Hot: image.Pt(3, 3), Pix: make([]byte, 1024)}))
	f.Add(AppendCursor(nil, &screen.CursorShape{Size: image.Pt(1, 2), Pix: []byte{1, 2, 3, 4, 5, 6, 7, 8}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseCursor(b)
		if err != nil {
			return
		}
		again, err := ParseCursor(AppendCursor(nil, s))
		if err != nil || again.Size != s.Size || again.Hot != s.Hot || !bytes.Equal(again.Pix, s.Pix) {
			t.Fatalf("%v: %+v became %+v", err, s, again)
		}
	})
}

// FuzzDecompress unpacks any bytes; the memory written is what was asked for.
func FuzzDecompress(f *testing.F) {
	for _, text := range []string{"", "a", string(make([]byte, 1000))} {
		f.Add(newPacker().EncodeAll([]byte(text), nil), uint16(len(text)))
	}
	f.Add(bomb(100), uint16(4096))
	d := newUnpacker()
	f.Fuzz(func(t *testing.T, b []byte, size uint16) {
		mem := bytes.Repeat([]byte{0xa5}, int(size)+64)
		if err := unpack(d, mem[:size], b); err == nil && size > 0 {
			if again, err := d.DecodeAll(newPackerOnce.EncodeAll(mem[:size], nil), make([]byte, 0, size)); err != nil || !bytes.Equal(again, mem[:size]) {
				t.Fatalf("packing again: %v", err)
			}
		}
		for _, c := range mem[size:] {
			if c != 0xa5 {
				t.Fatal("written beyond the end")
			}
		}
	})
}

var newPackerOnce = newPacker()

// FuzzRoundTrip draws a picture from any bytes and sends it.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint8(40), uint8(33), uint16(900), []byte("\x01\x02\x03some colours and places"))
	f.Fuzz(func(t *testing.T, w, h uint8, budget uint16, ops []byte) {
		host := screen.NewFrame(image.Rect(0, 0, int(w)+1, int(h)+1))
		e, d := NewEncoder(), NewDecoder()
		c := &screen.Change{Frame: host}
		var got *screen.Frame
		for steps := 0; steps < 64; steps++ {
			if len(ops) >= 5 {
				r := image.Rect(int(ops[0]), int(ops[1]), int(ops[0])+int(ops[2])%64, int(ops[1])+int(ops[3])%64).Intersect(host.Rect)
				host.Fill(r, uint32(ops[4])*0x010203)
				c.Damage = c.Damage.Add(r)
				ops = ops[5:]
			}
			msg, rest, err := e.Encode(nil, c, Budget{Bytes: int(budget)})
			if err != nil {
				t.Fatal(err)
			}
			if len(msg) > 0 {
				if _, got, _, err = d.Decode(msg); err != nil {
					t.Fatal(err)
				}
			}
			c.Damage = append(screen.Region(nil), rest...)
			if len(rest) == 0 && len(ops) < 5 {
				break
			}
		}
		if len(c.Damage) == 0 && len(ops) < 5 && !got.Equal(host) {
			t.Fatal("pictures differ")
		}
	})
}
