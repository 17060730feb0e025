package peer

import (
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/codec"
	"sightline/screen/screentest"
)

// TestTinyFrameHugePicture: a few bytes must not make a viewer find memory for
// what no layout names, nor for more than a session holds.
func TestTinyFrameHugePicture(t *testing.T) {
	fresh := func(w, h int) []byte {
		body := []byte{0, 3, 0, 0, 2} // head; fresh and forget, picture, sequence, version
		body = binary.LittleEndian.AppendUint16(body, uint16(w))
		body = binary.LittleEndian.AppendUint16(body, uint16(h))
		return append(body, 0x83, 0, 0, 0, 0, 0, 0, 0) // a film
	}
	for _, layout := range [][]wire.PictureInfo{nil, {{W: 64, H: 48}}, {{ID: 1, W: 16384, H: 4096}}} {
		g := newGlass(screentest.NewGlass(), screen.State{})
		if layout != nil {
			_, err := g.take(wire.TypeLayout, wire.AppendLayout(nil, layout))
			must(t, err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		g.take(wire.TypeFrame, fresh(16384, 4096))
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
			t.Errorf("%d MiB found for a frame of 17 bytes under %v", n>>20, layout)
		}
	}
	g := newGlass(screentest.NewGlass(), screen.State{})
	huge := wire.AppendLayout(nil, []wire.PictureInfo{{W: 16384, H: 4096}, {ID: 1, W: 1, H: 1}})
	if _, err := g.take(wire.TypeLayout, huge); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("a layout of more than a session holds: %v", err)
	}
}

// TestFrameBeforeLayout: pictures that no layout names, or of another size, are
// not shown; the second one ends the session.
func TestFrameBeforeLayout(t *testing.T) {
	for _, row := range []struct {
		name   string
		layout []wire.PictureInfo
	}{{"no layout", nil}, {"another picture", []wire.PictureInfo{{ID: 3, W: 64, H: 48}}}, {"another size", []wire.PictureInfo{{W: 64, H: 40}}}} {
		t.Run(row.name, func(t *testing.T) {
			w := screentest.NewGlass()
			g := newGlass(w, screen.State{})
			if row.layout != nil {
				_, err := g.take(wire.TypeLayout, wire.AppendLayout(nil, row.layout))
				must(t, err)
			}
			frame := bodyOf(t, frameOf(t, 0, 64, 48))
			if a, err := g.take(wire.TypeFrame, frame); err != nil || a.kind != wire.TypeReset || w.Frame(0) != nil {
				t.Errorf("shown, or not asked for afresh: %v, %v", a, err)
			}
			if _, err := g.take(wire.TypeFrame, frame); !errors.Is(err, codec.ErrMalformed) || w.Frame(0) != nil {
				t.Errorf("the second is not refused: %v", err)
			}
		})
	}
}
