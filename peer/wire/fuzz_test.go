package wire

import (
	"bytes"
	"errors"
	"image/png"
	"io"
	"testing"
)

// Each target feeds bytes to every parser of a channel. What is understood
// must come out the same when it is written and read once more, and must be
// within the limits that the rest of the program relies on.

// parsers of one channel by type.
var controlParsers = map[Type]func(*testing.T, []byte){
	TypeHello: func(t *testing.T, b []byte) { again(t, b, ParseHello, Hello.Append) },
	TypeWant:  func(t *testing.T, b []byte) { again(t, b, ParseGrantMask, flip(AppendGrants)) },
	TypeAccept: func(t *testing.T, b []byte) {
		again(t, b, ParseAccept, func(m Accept, d []byte) []byte { return m.Append(d) })
	},
	TypeDeny:       func(t *testing.T, b []byte) { again(t, b, ParseFarewell, Farewell.Append) },
	TypeCandidates: func(t *testing.T, b []byte) { again(t, b, ParseCandidates, Candidates.Append) },
	TypeAck:        func(t *testing.T, b []byte) { again(t, b, ParseAck, flip(AppendAck)) },
	TypeRoster:     func(t *testing.T, b []byte) { again(t, b, ParseRoster, Roster.Append) },
	TypePass:       func(t *testing.T, b []byte) { again(t, b, ParsePass, flip(AppendPass)) },
	TypeDenied:     func(t *testing.T, b []byte) { again(t, b, ParseDenied, Denied.Append) },
	TypePoint:      func(t *testing.T, b []byte) { again(t, b, ParsePoint, Point.Append) },
	TypePoints:     func(t *testing.T, b []byte) { again(t, b, ParsePoints, Points.Append) },
	TypeSize:       func(t *testing.T, b []byte) { again(t, b, ParseSize, flip(AppendSize)) },
	TypePing:       func(t *testing.T, b []byte) { again(t, b, ParsePing, flip(AppendPing)) },
}

var inputParsers = map[Type]func(*testing.T, []byte){
	TypeKey:      func(t *testing.T, b []byte) { again(t, b, ParseKey, KeyInput.Append) },
	TypePointer:  func(t *testing.T, b []byte) { again(t, b, ParsePointer, PointerInput.Append) },
	TypeInputAck: func(t *testing.T, b []byte) { again(t, b, ParseAck, flip(AppendAck)) },
}

var screenParsers = map[Type]func(*testing.T, []byte){
	TypeFrame: func(t *testing.T, b []byte) {
		h, rest, err := ParseFrame(b)
		if checkErr(t, err) {
			return
		}
		msg := FinishFrame(append(BeginFrame(nil), rest...), 0, h)
		if want := Append(nil, Screen, TypeFrame, 0, b); !bytes.Equal(msg, want) {
			t.Errorf("frame %x became %x", b, msg)
		}
	},
	TypeCursor: func(t *testing.T, b []byte) { again(t, b, ParseCursor, CursorState.Append) },
	TypeLayout: func(t *testing.T, b []byte) { again(t, b, ParseLayout, flip(AppendLayout)) },
	TypeShown:  func(t *testing.T, b []byte) { again(t, b, ParseShown, ShownFrame.Append) },
	TypeHide:   func(t *testing.T, b []byte) { _, err := ParseHide(b); checkErr(t, err) },
}

var clipParsers = map[Type]func(*testing.T, []byte){
	TypeClip: func(t *testing.T, b []byte) {
		again(t, b, ParseClip, Clip.Append)
		if m, err := ParseClip(b); err == nil && m.Picture {
			if c, err := png.DecodeConfig(bytes.NewReader(m.Data)); err == nil && c.Width*c.Height > pngPixels {
				t.Errorf("a picture of %d x %d px", c.Width, c.Height)
			}
		}
	},
	TypeClipAck: func(t *testing.T, b []byte) { again(t, b, ParseAck, flip(AppendAck)) },
}

func flip[T any](f func([]byte, T) []byte) func(T, []byte) []byte {
	return func(v T, dst []byte) []byte { return f(dst, v) }
}

// again parses b; if that is a message, encodes it, and does both once more.
// The first encoding may differ from b (a name was cleaned, a duration cut
// down), the second must not differ from the first.
func again[T any](t *testing.T, b []byte, parse func([]byte) (T, error), encode func(T, []byte) []byte) {
	t.Helper()
	before := bytes.Clone(b)
	v, err := parse(b)
	if !bytes.Equal(b, before) {
		t.Errorf("parsing changed the input")
	}
	if checkErr(t, err) {
		return
	}
	first := encode(v, nil)
	w, err := parse(first)
	if err != nil {
		t.Fatalf("%x was understood as %+v, but its own encoding %x was not: %v", b, v, first, err)
	}
	if second := encode(w, nil); !bytes.Equal(first, second) {
		t.Errorf("%x: %+v then %+v", b, v, w)
	}
}

func checkErr(t *testing.T, err error) bool {
	t.Helper()
	if err != nil && !errors.Is(err, ErrMalformed) {
		t.Errorf("an error without its class: %v", err)
	}
	return err != nil
}

func fuzzChannel(f *testing.F, ch Channel, parsers map[Type]func(*testing.T, []byte)) {
	for _, s := range samples() {
		if s.ch == ch {
			f.Add(byte(s.t), s.body)
			f.Add(byte(s.t), append(bytes.Clone(s.body), 0xff))
			f.Add(byte(s.t), bytes.Repeat([]byte{0xff}, len(s.body)))
			f.Add(byte(s.t), s.body[:len(s.body)/2])
		}
	}
	f.Fuzz(func(t *testing.T, typ byte, body []byte) {
		if parse := parsers[Type(typ)]; parse != nil {
			parse(t, body)
		}
	})
}

func FuzzControlMessage(f *testing.F) { fuzzChannel(f, Control, controlParsers) }
func FuzzInputEvent(f *testing.F)     { fuzzChannel(f, Input, inputParsers) }
func FuzzClip(f *testing.F)           { fuzzChannel(f, Clips, clipParsers) }
func FuzzScreenMessage(f *testing.F)  { fuzzChannel(f, Screen, screenParsers) }

// FuzzPoints has a target of its own: what a host makes of many viewers' points is
// longer than the other messages of the control channel.
func FuzzPoints(f *testing.F) {
	f.Add([]byte{})
	f.Add(Points{}.Append(nil))
	f.Add(Points{{1, Point{0, 1919, 1079}}, {1 << 31, Point{255, 0, 65535}}}.Append(nil))
	f.Add(make(Points, MaxWatchers+1).Append(nil))
	f.Add(append([]byte{MaxWatchers + 1}, make([]byte, 9*(MaxWatchers+1))...))
	f.Fuzz(func(t *testing.T, b []byte) {
		again(t, b, ParsePoints, Points.Append)
		if m, err := ParsePoints(b); err == nil && len(m) > MaxWatchers {
			t.Errorf("%d points", len(m))
		}
		again(t, b, ParsePoint, Point.Append)
	})
}

// FuzzReader: any stream on any channel. What was read must be what stood
// there, written again; memory follows what arrived.
func FuzzReader(f *testing.F) {
	for _, s := range samples() {
		msg := Append(nil, s.ch, s.t, s.seq, s.body)
		f.Add(byte(s.ch), msg)
		f.Add(byte(s.ch), append(msg, msg...))
		f.Add(byte(s.ch), msg[:len(msg)-1])
	}
	f.Add(byte(Screen), []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(byte(Screen), []byte{0xc0, 0x80, 0x80, 0x08, 1})
	f.Add(byte(Input), []byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, c byte, in []byte) {
		ch := Channel(c)
		r := NewReader(bytes.NewReader(in), ch)
		var out []byte
		for {
			typ, seq, body, err := r.Next()
			if err == nil {
				out = Append(out, ch, typ, seq, body)
				continue
			}
			if !errors.Is(err, ErrMalformed) && err != io.EOF && err != io.ErrUnexpectedEOF {
				t.Errorf("unknown error %v", err)
			}
			if err == io.EOF && len(out) != len(in) {
				t.Errorf("%d of %d bytes were read", len(out), len(in))
			}
			break
		}
		if !bytes.HasPrefix(in, out) {
			t.Errorf("%x was read as %x", in, out)
		}
		if cap(r.buf) > 2*len(in)+grow+4096 {
			t.Errorf("%d bytes of memory for %d", cap(r.buf), len(in))
		}
	})
}
