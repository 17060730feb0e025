package codec

import (
	"bytes"
	"image"
	"testing"
	"time"

	"sightline/screen"
)

// FuzzFrameDecode feeds any bytes as message to a decoder that has a picture,
// and has learned something.
func FuzzFrameDecode(f *testing.F) {
	all, _ := goldenStream(f)
	for i, msg := range all {
		f.Add(uint8(i), msg)
	}
	f.Fuzz(func(t *testing.T, before uint8, msg []byte) {
		if len(msg) > freshSize && (msg[5] > 2 || msg[7] > 2) {
			return // large pictures only cost time here
		}
		d := NewDecoder()
		for _, m := range all[:int(before)%len(all)] {
			if _, _, _, err := d.Decode(m); err != nil {
				t.Fatal(err)
			}
		}
		if _, fr, region, err := d.Decode(msg); err == nil {
			checkRegion(t, fr, region)
		} else if _, _, _, err := d.Decode(all[0]); err != nil {
			t.Fatalf("no new beginning: %v", err)
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

// FuzzRects feeds any bytes as moves.
func FuzzRects(f *testing.F) {
	f.Add(uint16(150), uint16(70), uvarints(1, 0, 0, 10, 10, 5, 5))
	f.Add(uint16(1), uint16(1), uvarints(1, 0, 0, 1, 1, 0, 0))
	f.Fuzz(func(t *testing.T, w, h uint16, moves []byte) {
		box := image.Rect(0, 0, int(w%1024)+1, int(h%1024)+1)
		got, err := parseMoves(nil, moves, box)
		if err != nil {
			return
		}
		for _, m := range got {
			if !m.To.In(box) || !m.To.Sub(m.To.Min).Add(m.From).In(box) || m.To.Empty() {
				t.Fatalf("move %v in %v", m, box)
			}
		}
		if len(got) > maxMoves {
			t.Fatalf("%d moves", len(got))
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
		clock := time.Duration(0)
		e.now = func() time.Duration { return clock }
		c := &screen.Change{Frame: host}
		var got *screen.Frame
		for steps := 0; steps < 200; steps++ {
			clock += 40 * time.Millisecond
			if len(ops) >= 5 {
				r := image.Rect(int(ops[0]), int(ops[1]), int(ops[0])+int(ops[2])%64, int(ops[1])+int(ops[3])%64).Intersect(host.Rect)
				host.Fill(r, uint32(ops[4])*0x010203)
				c.Damage = c.Damage.Add(r)
				ops = ops[5:]
			}
			msg, rest, err := e.Encode(nil, c, Budget{Bytes: int(budget), Idle: len(ops) < 5})
			if err != nil {
				t.Fatal(err)
			}
			if len(msg) > 0 {
				if _, got, _, err = d.Decode(msg); err != nil {
					t.Fatal(err)
				}
			}
			c.Damage = append(screen.Region(nil), rest...)
			if len(rest) == 0 && len(ops) < 5 && e.Exact(0) {
				break
			}
		}
		if len(c.Damage) == 0 && len(ops) < 5 && e.Exact(0) && !got.Equal(host) {
			t.Fatal("pictures differ")
		}
	})
}
