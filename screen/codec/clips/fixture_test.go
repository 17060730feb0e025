package clips

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"sightline/screen"
)

// write makes a recorded clip of frames.
func write(t testing.TB, x Fixture, frames ...*screen.Frame) []byte {
	t.Helper()
	var file bytes.Buffer
	x.Frames = len(frames)
	w, err := NewFixtureWriter(&file, x)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := w.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func play(c *Clip) error {
	return c.Play(func(*screen.Frame, screen.Region) error { return nil })
}

func TestFixtureKeepsPixels(t *testing.T) {
	size := image.Pt(70, 50)
	frames := []*screen.Frame{screen.NewFrame(image.Rectangle{Max: size})}
	Photo(frames[0], 1, 8)
	next := func(change func(f *screen.Frame)) {
		f := screen.NewFrame(frames[0].Rect)
		f.Copy(frames[len(frames)-1], f.Rect)
		change(f)
		frames = append(frames, f)
	}
	next(func(f *screen.Frame) { f.Fill(image.Rect(3, 4, 30, 20), 0x123456) })
	next(func(f *screen.Frame) {})
	next(func(f *screen.Frame) { f.Shift(screen.Move{From: image.Pt(0, 9), To: image.Rect(0, 0, 70, 41)}) })
	next(func(f *screen.Frame) { f.Shift(screen.Move{From: image.Pt(0, 0), To: image.Rect(0, 5, 70, 50)}) })
	next(func(f *screen.Frame) { f.Fill(f.Rect, 0xffffff) })
	for _, x := range []Fixture{{Size: size, FPS: 30, About: "plain"}, {Size: size, FPS: 5, Photo: true, Look: 1, Seed: 8}, {Size: size, FPS: 5, Photo: true, Look: 2}} {
		c, err := ReadFixture(write(t, x, frames...))
		if err != nil {
			t.Fatal(err)
		}
		if c.Size != size || c.FPS != x.FPS || c.About != x.About || c.Frames != len(frames) || !c.Recorded() {
			t.Errorf("%+v of %+v", c, x)
		}
		n := 0
		if err := c.Play(func(f *screen.Frame, _ screen.Region) error {
			if !f.Equal(frames[n]) {
				t.Errorf("%+v: frame %d differs", x, n)
			}
			n++
			return nil
		}); err != nil || n != len(frames) {
			t.Errorf("%d frames, %v", n, err)
		}
		if _, err := c.Sized(20, 20); err == nil {
			t.Error("a recorded clip in another size")
		}
	}
}

func TestFixtureWriterRefuses(t *testing.T) {
	good := Fixture{Size: image.Pt(4, 4), Frames: 1, FPS: 1}
	for _, change := range []func(x *Fixture){
		func(x *Fixture) { x.Size.X = 0 },
		func(x *Fixture) { x.Frames = 0 },
		func(x *Fixture) { x.Frames = 70000 },
		func(x *Fixture) { x.FPS = 0 },
		func(x *Fixture) { x.FPS = 241 },
		func(x *Fixture) { x.About = strings.Repeat("a", 256) },
	} {
		x := good
		change(&x)
		if _, err := NewFixtureWriter(io.Discard, x); err == nil {
			t.Errorf("%+v", x)
		}
	}
	w, err := NewFixtureWriter(io.Discard, good)
	if err != nil {
		t.Fatal(err)
	}
	if w.Add(screen.NewFrame(image.Rect(0, 0, 5, 5))) == nil {
		t.Error("a frame of another size")
	}
	if err := w.Add(screen.NewFrame(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	if w.Add(screen.NewFrame(image.Rect(0, 0, 4, 4))) == nil {
		t.Error("more frames than announced")
	}
	short, err := NewFixtureWriter(io.Discard, good)
	if err != nil {
		t.Fatal(err)
	}
	if short.Close() == nil {
		t.Error("fewer frames than announced")
	}
}

// body replaces what follows the header of a 4 x 4 px clip of one frame.
func body(t testing.TB, numbers ...uint16) []byte {
	t.Helper()
	file := write(t, Fixture{Size: image.Pt(4, 4), FPS: 1}, screen.NewFrame(image.Rect(0, 0, 4, 4)))[:headerBytes]
	raw := []byte{byte(numbers[0])}
	for _, n := range numbers[1:] {
		raw = binary.LittleEndian.AppendUint16(raw, n)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return z.EncodeAll(raw, file)
}

func TestFixtureErrors(t *testing.T) {
	good := write(t, Fixture{Size: image.Pt(4, 4), FPS: 1}, screen.NewFrame(image.Rect(0, 0, 4, 4)))
	with := func(at int, b byte) []byte {
		file := bytes.Clone(good)
		file[at] = b
		return file
	}
	for name, file := range map[string][]byte{
		"nothing":         nil,
		"header only":     good[:headerBytes],
		"half a header":   good[:headerBytes-3],
		"cut":             good[:len(good)-6],
		"other magic":     with(3, 'X'),
		"no width":        with(len(magic), 0),
		"too wide":        with(len(magic)+1, 255),
		"no frames":       with(len(magic)+4, 0),
		"two frames":      with(len(magic)+4, 2),
		"no rate":         with(len(magic)+6, 0),
		"no such photo":   with(len(magic)+7, Looks),
		"text too long":   with(headerBytes-1, 255),
		"no zstd":         with(headerBytes, 9),
		"rectangle out":   body(t, 0, 1, 3, 3, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0),
		"empty rectangle": body(t, 0, 1, 3, 3, 0, 2),
		"no pixels":       body(t, 0, 1, 0, 0, 4, 4),
		"odd pixel":       body(t, 0, 1, 0, 0, 1, 1, 0, 0x0100),
		"photo of none":   body(t, 0, 1, 0, 0, 1, 1, 0, 0xff00),
		"move out":        body(t, 1, 0, 0, 4, 4, 1, 0, 0),
		"move cut":        body(t, 1, 0, 0, 4, 4, 0),
		"moves cut":       body(t, 3, 0, 0, 4, 4, 0, 0),
	} {
		c, err := ReadFixture(file)
		if err == nil {
			err = play(c)
		}
		if !errors.Is(err, errFixture) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := ReadFixture(body(t, 0, 0)); err != nil || play(c) != nil {
		t.Error("a black frame", err)
	}
}

// Whatever a file holds, reading ends without a panic.
func FuzzFixture(f *testing.F) {
	f.Add(write(f, Fixture{Size: image.Pt(4, 4), FPS: 1}, screen.NewFrame(image.Rect(0, 0, 4, 4))))
	f.Add(body(f, 1, 0, 0, 4, 3, 0, 1, 1, 0, 0, 1, 1, 7, 7))
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := ReadFixture(file)
		if err != nil || c.Size.X*c.Size.Y > 1<<16 || c.Frames > 20 {
			return
		}
		play(c)
	})
}
