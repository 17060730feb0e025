package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"sightline/screen"
)

// message puts a message together by hand.
func message(flags byte, w, h, slices int, rest ...[]byte) []byte {
	b := make([]byte, headerSize)
	b[0], b[1] = version, flags
	binary.LittleEndian.PutUint16(b[8:], uint16(w))
	binary.LittleEndian.PutUint16(b[10:], uint16(h))
	binary.LittleEndian.PutUint16(b[12:], uint16(slices))
	for _, r := range rest {
		b = append(b, r...)
	}
	return b
}

func u16s(v ...int) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint16(b, uint16(x))
	}
	return b
}

// stored wraps a body as a slice without zstd.
func stored(body []byte) []byte { return sliced(len(body), body) }

func sliced(size int, coded []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(size))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(coded)))
	return append(b, coded...)
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestMalformed(t *testing.T) {
	red := []byte{0, 0, 255}
	good := message(flagFresh, 32, 32, 1, stored(cat(u16s(1, 0, 0, 1), []byte{kindSolid}, red)))
	if _, f, _, err := NewDecoder().Decode(good); err != nil || f.Pix[2] != 255 {
		t.Fatalf("the good one: %v", err)
	}
	edit := func(at int, v byte) []byte { b := bytes.Clone(good); b[at] = v; return b }
	for name, msg := range map[string][]byte{
		"empty":             {},
		"header cut":        good[:headerSize-1],
		"version":           edit(0, 2),
		"unknown flag":      edit(1, 0x81),
		"reserved":          edit(3, 1),
		"reserved 2":        edit(15, 1),
		"fresh in sequence": edit(4, 1),
		"no width":          edit(8, 0),
		"too wide":          message(flagFresh, 16385, 1, 0),
		"too many pixels":   message(flagFresh, 16384, 16384, 0),
		"slice missing":     edit(12, 2),
		"too many slices":   message(flagFresh, 32, 32, 4097),
		"tail":              append(bytes.Clone(good), 0),
		"slice cut":         good[:len(good)-1],
		"no runs":           message(flagFresh, 32, 32, 1, stored(u16s(0))),
		"runs cut":          message(flagFresh, 32, 32, 1, stored(u16s(2, 0, 0, 1))),
		"row outside":       message(flagFresh, 32, 32, 1, stored(cat(u16s(1, 2, 0, 1), []byte{0}))),
		"column outside":    message(flagFresh, 32, 32, 1, stored(cat(u16s(1, 0, 2, 1), []byte{0}))),
		"run too long":      message(flagFresh, 32, 32, 1, stored(cat(u16s(1, 0, 1, 2), []byte{0, 0}))),
		"run wraps":         message(flagFresh, 32, 32, 1, stored(cat(u16s(1, 0, 1, 65535), []byte{0, 0}))),
		"empty run":         message(flagFresh, 32, 32, 1, stored(u16s(1, 0, 0, 0))),
		"kinds cut":         message(flagFresh, 32, 32, 1, stored(cat(u16s(1, 0, 0, 2), []byte{0}))),
		"unknown kind":      message(flagFresh, 32, 32, 1, stored(cat(u16s(1, 0, 0, 1), []byte{18}))),
		"colour cut":        message(flagFresh, 32, 32, 1, stored(cat(u16s(1, 0, 0, 1), []byte{1, 9, 9}))),
		"colour too much":   message(flagFresh, 32, 32, 1, stored(cat(u16s(1, 0, 0, 1), []byte{1, 9, 9, 9, 9}))),
		"tiles repeated":    message(flagFresh, 16, 16, 1, stored(cat(u16s(3, 0, 0, 1, 0, 0, 1, 0, 0, 1), []byte{0, 0, 0}))),
		"body of no size":   message(flagFresh, 32, 32, 1, sliced(0, nil)),
		"body over limit":   message(flagFresh, 32, 32, 1, sliced(maxBody+1, red)),
		"coded over size":   message(flagFresh, 32, 32, 1, sliced(2, red)),
		"not zstd":          message(flagFresh, 32, 32, 1, sliced(4, red)),
		"check cut":         message(flagFresh|flagCheck, 32, 32, 0, u16s(0, 1)),
		"check of no rows":  message(flagFresh|flagCheck, 32, 32, 0, u16s(0, 0, 0, 0)),
		"check outside":     message(flagFresh|flagCheck, 32, 32, 0, u16s(31, 2, 0, 0)),
		"moves cut":         message(flagFresh|flagMoves, 32, 32, 0, u16s(1, 0, 0, 1, 1, 0)),
		"no moves":          message(flagFresh|flagMoves, 32, 32, 0, u16s(0)),
		"move outside":      message(flagFresh|flagMoves, 32, 32, 0, u16s(1, 0, 0, 2, 2, 31, 0)),
		"move to outside":   message(flagFresh|flagMoves, 32, 32, 0, u16s(1, 0, 31, 2, 2, 0, 0)),
		"move of nothing":   message(flagFresh|flagMoves, 32, 32, 0, u16s(1, 0, 0, 0, 2, 0, 0)),
		"too long":          make([]byte, MaxMessage+1),
	} {
		t.Run(name, func(t *testing.T) {
			d := NewDecoder()
			if _, _, _, err := d.Decode(msg); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v", err)
			}
			if _, _, _, err := d.Decode(good); err != nil {
				t.Errorf("afterwards a good one: %v", err)
			}
		})
	}
}

// All pictures together are limited, not only each.
func TestManyLargePictures(t *testing.T) {
	d := NewDecoder()
	for id := range screen.MaxPictures + 1 {
		msg := message(flagFresh, 4096, 2048, 0)
		msg[2] = byte(id)
		_, _, _, err := d.Decode(msg)
		if wantErr := id >= screen.MaxPixels/(4096*2048); errors.Is(err, ErrMalformed) != wantErr {
			t.Fatalf("picture %d: %v", id, err)
		}
	}
}

// bomb is a zstd frame of about size bytes that unpacks to nearly 128 KiB for
// each four of them: run-length blocks (RFC 8878, section 3.1.1.2).
func bomb(size int) []byte {
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3} // window 8 MiB, content size unknown
	const block = 128<<10 - 1
	for len(b) < size-4 {
		b = append(b, byte(block<<3&0xff|1<<1), byte(block>>5&0xff), byte(block>>13), 0)
	}
	return append(b, byte(1<<3|1<<1|1), 0, 0, 0)
}

func TestDecompressionBomb(t *testing.T) {
	fuse := bomb(1 << 20) // some 32 GiB
	d := NewDecoder()
	for name, size := range map[string]int{"largest body": maxBody, "exact coded size + 1": len(fuse) + 1} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, _, err := d.Decode(message(flagFresh, 64, 64, 1, sliced(size, fuse)))
			runtime.ReadMemStats(&after)
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v", err)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown >= 64<<20 {
				t.Errorf("%d MiB allocated", grown>>20)
			}
		})
	}
	cursor := cat([]byte{version, 1}, u16s(256, 256, 0, 0), bomb(200<<10))
	if _, err := ParseCursor(cursor); !errors.Is(err, ErrMalformed) {
		t.Errorf("cursor: %v", err)
	}
}

func TestCursorRoundTrip(t *testing.T) {
	big := &screen.CursorShape{Size: image.Pt(300, 10), Hot: image.Pt(299, -4), Pix: bytes.Repeat([]byte{1, 2, 3, 4}, 3000)}
	for name, tc := range map[string]struct {
		in        *screen.CursorShape
		size, hot image.Point
	}{
		"plain":      {&screen.CursorShape{Size: image.Pt(2, 3), Hot: image.Pt(1, 2), Pix: bytes.Repeat([]byte{9, 8, 7, 255}, 6)}, image.Pt(2, 3), image.Pt(1, 2)},
		"cut":        {big, image.Pt(256, 10), image.Pt(255, 0)},
		"no pixels":  {&screen.CursorShape{Size: image.Pt(5, 5)}, image.Pt(1, 1), image.Pt(0, 0)},
		"no size":    {&screen.CursorShape{}, image.Pt(1, 1), image.Pt(0, 0)},
		"overbright": {&screen.CursorShape{Size: image.Pt(1, 1), Pix: []byte{9, 9, 9, 3}}, image.Pt(1, 1), image.Pt(0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			b := AppendCursor([]byte("x"), tc.in)
			got, err := ParseCursor(b[1:])
			if err != nil || got.Size != tc.size || got.Hot != tc.hot || len(got.Pix) != 4*tc.size.X*tc.size.Y {
				t.Fatalf("%+v, %v", got, err)
			}
			if name == "overbright" && got.Pix[0] != 3 {
				t.Error("colour above its alpha")
			}
			if name == "plain" && !bytes.Equal(got.Pix, tc.in.Pix) {
				t.Error("pixels differ")
			}
		})
	}
}

// The golden stream pins the format: it was written once, and whoever decodes
// version 1 must get these pixels from it. testdata/v1.stream holds messages,
// each with its length in front (u32); SIGHTLINE_GOLDEN=1 writes it anew.
func TestGoldenStream(t *testing.T) {
	path := filepath.Join("testdata", "v1.stream")
	host, frames := goldenFrames()
	if os.Getenv("SIGHTLINE_GOLDEN") != "" {
		if err := os.WriteFile(path, goldenStream(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder()
	n := 0
	for ; len(b) >= 4; n++ {
		size := binary.LittleEndian.Uint32(b)
		_, f, _, err := d.Decode(b[4:][:size])
		if err != nil {
			t.Fatalf("message %d: %v", n, err)
		}
		frames(n)
		if !f.Equal(host) {
			t.Fatalf("message %d: other pixels", n)
		}
		b = b[4+size:]
	}
	if n != goldenSteps {
		t.Fatalf("%d messages", n)
	}
}

const goldenSteps = 6

// goldenFrames gives a picture and what happens to it in each step: every kind
// of tile, a move, checks. It uses no random source, which might change.
func goldenFrames() (*screen.Frame, func(step int) (moves []screen.Move)) {
	f := screen.NewFrame(image.Rect(0, 0, 150, 70))
	pattern := func(r image.Rectangle, colours, seed int) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				v := uint32((x*7+y*13+x*y+seed)%colours) * 2654435761
				f.Fill(image.Rect(x, y, x+1, y+1), v>>8)
			}
		}
	}
	return f, func(step int) []screen.Move {
		switch step {
		case 0:
			f.Fill(f.Rect, 0x203040)
		case 1:
			for k := range 9 {
				pattern(image.Rect(16*k, 0, 16*k+16, 16).Intersect(f.Rect), 2+2*k, k)
			}
		case 2:
			pattern(image.Rect(3, 20, 140, 66), 9973, 5)
		case 3:
			m := screen.Move{To: image.Rect(0, 10, 150, 60), From: image.Pt(0, 17)}
			f.Shift(m)
			f.Fill(image.Rect(0, 60, 150, 70), 0xffffff)
			return []screen.Move{m}
		default:
			f.Fill(image.Rect(20*step, 0, 20*step+5, 70), 0xff0000)
		}
		return nil
	}
}

func goldenStream(t *testing.T) (out []byte) {
	f, frames := goldenFrames()
	e := NewEncoder()
	for i := range goldenSteps {
		c := &screen.Change{Frame: f, Moves: frames(i), Damage: screen.Region{f.Rect}}
		msg, _, err := e.Encode(nil, c, Budget{})
		if err != nil {
			t.Fatal(err)
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(len(msg)))
		out = append(out, msg...)
	}
	return out
}
