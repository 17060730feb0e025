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
	"time"

	"sightline/screen"
)

// fromHand puts a fresh message together by hand.
func fromHand(flags byte, w, h int, sections ...[]byte) []byte {
	b := []byte{flags, 0, 0, version}
	b = binary.LittleEndian.AppendUint16(b, uint16(w))
	b = binary.LittleEndian.AppendUint16(b, uint16(h))
	return append(b, cat(sections...)...)
}

// sized is a section with its size, final one without.
func sized(kind byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{kind}, uint64(len(body))), body...)
}

func final(kind byte, body []byte) []byte { return append([]byte{kind | lastKind}, body...) }

func uvarints(v ...uint64) (b []byte) {
	for _, x := range v {
		b = binary.AppendUvarint(b, x)
	}
	return b
}

func u16s(v ...int) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint16(b, uint16(x))
	}
	return b
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

const begin = flagFresh | flagForget

func TestMalformed(t *testing.T) {
	first, _ := goldenStream(t)
	good := first[0]
	if _, _, _, err := NewDecoder().Decode(good); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	edit := func(at int, v byte) []byte { b := bytes.Clone(good); b[at] = v; return b }
	whole := uvarints(1, 0, 0, 32, 32, 0, 0)
	for name, msg := range map[string][]byte{
		"empty":             {},
		"header cut":        good[:headerSize-1],
		"size cut":          good[:freshSize-1],
		"version":           edit(3, 1),
		"unknown flag":      edit(0, 0x81),
		"no width":          fromHand(begin, 0, 1),
		"too wide":          fromHand(begin, 16385, 1),
		"too many pixels":   fromHand(begin, 16384, 16384),
		"section cut":       fromHand(begin, 32, 32, []byte{kindMoves}),
		"section too long":  fromHand(begin, 32, 32, []byte{kindMoves, 9, 1}),
		"section not last":  fromHand(begin, 32, 32, sized(kindMoves, whole)),
		"size without end":  fromHand(begin, 32, 32, []byte{kindMoves, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}),
		"unknown kind":      fromHand(begin, 32, 32, final(9, nil)),
		"too many sections": fromHand(begin, 32, 32, bytes.Repeat(sized(kindCheck, u16s(0, 32, 0, 0)), maxSections), final(kindMoves, whole)),
		"check cut":         fromHand(begin, 32, 32, final(kindCheck, u16s(0, 1))),
		"check of no rows":  fromHand(begin, 32, 32, final(kindCheck, u16s(0, 0, 0, 0))),
		"check outside":     fromHand(begin, 32, 32, final(kindCheck, u16s(31, 2, 0, 0))),
		"moves cut":         fromHand(begin, 32, 32, final(kindMoves, whole[:5])),
		"moves and more":    fromHand(begin, 32, 32, final(kindMoves, append(bytes.Clone(whole), 0))),
		"no moves":          fromHand(begin, 32, 32, final(kindMoves, uvarints(0))),
		"too many moves":    fromHand(begin, 32, 32, final(kindMoves, uvarints(maxMoves+1, 0, 0, 1, 1, 0, 0))),
		"too much moved":    fromHand(begin, 32, 32, final(kindMoves, cat(uvarints(5), bytes.Repeat(uvarints(0, 0, 32, 32, 0, 0), 5)))),
		"move outside":      fromHand(begin, 32, 32, final(kindMoves, uvarints(1, 0, 0, 2, 2, 31, 0))),
		"move to outside":   fromHand(begin, 32, 32, final(kindMoves, uvarints(1, 0, 31, 2, 2, 0, 0))),
		"move of nothing":   fromHand(begin, 32, 32, final(kindMoves, uvarints(1, 0, 0, 0, 2, 0, 0))),
		"move wraps":        fromHand(begin, 32, 32, final(kindMoves, uvarints(1, 1<<63, 0, 2, 2, 0, 0))),
		"too long":          make([]byte, MaxMessage+1),
	} {
		t.Run(name, func(t *testing.T) {
			d := NewDecoder()
			_, _, _, err := d.Decode(msg)
			if !errors.Is(err, ErrMalformed) && !(name == "too many sections" && errors.Is(err, ErrDesync)) {
				t.Errorf("got %v", err)
			}
			if _, _, _, err := d.Decode(good); err != nil {
				t.Errorf("afterwards a good one: %v", err)
			}
		})
	}
}

// TestLittleWork: a message of a few bytes that names all tiles, section after
// section, is refused before it costs more than going over the picture once.
func TestLittleWork(t *testing.T) {
	for _, kind := range []byte{kindText, kindExact} {
		d := NewDecoder()
		named := 0
		for _, b := range []byte{0, 85, 170, 255} {
			msg := fromHand(begin, 1920, 1080, bytes.Repeat(sized(kind, bytes.Repeat([]byte{b}, 3000)), 12), final(kind, nil))
			if _, _, _, err := d.Decode(msg); err != nil {
				named++
			}
		}
		if named == 0 {
			t.Errorf("kind %d: all were taken", kind)
		}
	}
}

// All pictures together are limited, not only each.
func TestManyLargePictures(t *testing.T) {
	d := NewDecoder()
	for id := range screen.MaxPictures + 1 {
		msg := fromHand(flagFresh, 4096, 2048)
		if id == 0 {
			msg[0] |= flagForget
		}
		msg[1] = byte(id)
		_, _, _, err := d.Decode(msg)
		if wantErr := id >= screen.MaxPixels/(4096*2048); (err != nil) != wantErr {
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
	cursor := cat([]byte{cursorVersion, 1}, u16s(256, 256, 0, 0), bomb(200<<10))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ParseCursor(cursor)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrMalformed) {
		t.Errorf("cursor: %v", err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown >= 64<<20 {
		t.Errorf("%d MiB allocated", grown>>20)
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
// version 3 must get these pixels from it. testdata/v3.stream holds messages,
// each with its length in front and the CRC-32C of the picture after it behind
// it (u32 both); SIGHTLINE_GOLDEN=1 writes it anew.
func TestGoldenStream(t *testing.T) {
	path := filepath.Join("testdata", "v3.stream")
	if os.Getenv("SIGHTLINE_GOLDEN") != "" {
		var out []byte
		messages, sums := goldenStream(t)
		for i, msg := range messages {
			out = binary.LittleEndian.AppendUint32(out, uint32(len(msg)))
			out = append(out, msg...)
			out = binary.LittleEndian.AppendUint32(out, sums[i])
		}
		if err := os.WriteFile(path, out, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder()
	n := 0
	for ; len(b) >= 8; n++ {
		size := binary.LittleEndian.Uint32(b)
		_, f, _, err := d.Decode(b[4:][:size])
		if err != nil {
			t.Fatalf("message %d: %v", n, err)
		}
		if bandSum(f, 0, f.Rect.Dy()) != binary.LittleEndian.Uint32(b[4+size:]) {
			t.Fatalf("message %d: other pixels", n)
		}
		b = b[8+size:]
	}
	if n < goldenSteps {
		t.Fatalf("%d messages", n)
	}
}

const goldenSteps = 16

// goldenFrames gives a picture and what happens to it in each step: every kind
// of tile, a move, a film, a check. It uses no random source, which might
// change.
func goldenFrames() (*screen.Frame, func(step int) (moves []screen.Move)) {
	f := screen.NewFrame(image.Rect(0, 0, 150, 130))
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
		case 4, 5, 6, 7, 8, 9, 10, 11:
			pattern(image.Rect(20, 10, 140, 125), 9973, 3*step)
		default:
			f.Fill(image.Rect(5*step, 0, 5*step+5, 70), 0xff0000)
		}
		return nil
	}
}

// goldenStream encodes the golden frames and lets the last rest until it is
// exact. sums are those of the picture after each message.
func goldenStream(t testing.TB) (messages [][]byte, sums []uint32) {
	f, frames := goldenFrames()
	r := newRig(t, 1)
	for i := 0; i < goldenSteps || !r.enc.Exact(0); i++ {
		c := &screen.Change{Frame: f}
		if i < goldenSteps {
			c.Moves, c.Damage = frames(i), screen.Region{f.Rect}
		}
		r.clock += 40 * time.Millisecond
		msg, _, err := r.enc.Encode(nil, c, Budget{Idle: i >= goldenSteps})
		if err != nil {
			t.Fatal(err)
		}
		if len(msg) == 0 {
			continue
		}
		_, got, _, err := r.dec.Decode(msg)
		if err != nil {
			t.Fatal(err)
		}
		messages, sums = append(messages, msg), append(sums, bandSum(got, 0, f.Rect.Dy()))
	}
	if !f.Equal(r.dec.pictures[0].frame) {
		t.Fatal("not exact in the end")
	}
	return messages, sums
}
