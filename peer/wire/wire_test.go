package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// sample is one message with its bytes written out: what another
// implementation has to send and to understand.
type sample struct {
	name string
	ch   Channel
	t    Type
	seq  uint32
	body []byte
	hex  string // the whole message; spaces are for the reader
	// parse reads body; value is what it must find.
	parse func([]byte) (any, error)
	value any
}

func parseWith[T any](f func([]byte) (T, error)) func([]byte) (any, error) {
	return func(b []byte) (any, error) { return f(b) }
}

// frameBody is a frame's head and the codec's bytes, for tables.
type frameBody struct {
	Head  FrameHead
	Codec string
}

func parseFrameBody(b []byte) (any, error) {
	h, rest, err := ParseFrame(b)
	return frameBody{h, string(rest)}, err
}

func samples() []sample {
	key := [32]byte{0: 0xaa, 31: 0xbb}
	accept := Accept{Grants: View | Keyboard, Session: 0x0102030405060708, Resume: key, Keep: 5 * time.Minute, Name: "host", Version: "1.0"}
	frame := FinishFrame(append(BeginFrame(nil), "codec"...), 0, FrameHead{Number: 7, Exact: true})
	layout := []PictureInfo{{ID: 1, X: -1920, Y: 8, W: 1920, H: 1080, Name: "left"}, {ID: 0, W: 640, H: 480, Main: Box{0, 10, 640, 470}, Over: Box{5, 0, 100, 20}}}
	return []sample{
		{"hello", Control, TypeHello, 0, Hello{Wants: View | HandsOn, Name: "Anna", Version: "1.0"}.Append(nil),
			"00000012 01 00000000 00000007 04 416e6e61 03 312e30", parseWith(ParseHello), Hello{View | HandsOn, "Anna", "1.0"}},
		{"want", Control, TypeWant, 1, AppendGrants(nil, HandsOn), "00000009 02 00000001 00000006", parseWith(ParseGrantMask), HandsOn},
		{"asking", Control, TypeAsking, 0, nil, "00000005 03 00000000", nil, nil},
		{"accept", Control, TypeAccept, 0, accept.Append(nil),
			"0000003e 04 00000000 00000005 0102030405060708 aa" + strings.Repeat("00", 30) + "bb 0000012c 04 686f7374 03 312e30",
			parseWith(ParseAccept), accept},
		{"deny", Control, TypeDeny, 0, Farewell{Reason: ByRefusal}.Append(nil), "00000007 05 00000000 01 00", parseWith(ParseFarewell), Farewell{Reason: ByRefusal}},
		{"grants", Control, TypeGrants, 3, AppendGrants(nil, View), "00000009 06 00000003 00000001", parseWith(ParseGrantMask), View},
		{"candidates", Control, TypeCandidates, 2, Candidates{3, [][]byte{{4, 127, 0, 0, 1}, {9}}}.Append(nil),
			"0000000f 07 00000002 03 02 05 047f000001 01 09", parseWith(ParseCandidates), Candidates{3, [][]byte{{4, 127, 0, 0, 1}, {9}}}},
		{"bye", Control, TypeBye, 9, Farewell{Reason: Fault, Words: "no screen"}.Append(nil),
			"00000010 08 00000009 07 09 6e6f2073637265656e", parseWith(ParseFarewell), Farewell{Fault, "no screen"}},
		{"ack", Control, TypeAck, 0, AppendAck(nil, 0xdeadbeef), "00000009 09 00000000 deadbeef", parseWith(ParseAck), uint32(0xdeadbeef)},
		{"ping", Control, TypePing, 0, AppendPing(nil, 1), "0000000d 0a 00000000 0000000000000001", parseWith(ParsePing), uint64(1)},
		{"roster", Control, TypeRoster, 4, Roster{{Seat: 1, Grants: View | HandsOn, Name: "Anna"}, {Seat: 258, Grants: View, You: true, Away: true}}.Append(nil),
			"0000001e 0c 00000004 02  00000001 00000007 00 04 416e6e61  00000102 00000001 03 00", parseWith(ParseRoster),
			Roster{{Seat: 1, Grants: View | HandsOn, Name: "Anna"}, {Seat: 258, Grants: View, You: true, Away: true}}},
		{"roster: who acts, who asks", Control, TypeRoster, 5, Roster{{Seat: 1, Acts: true}, {Seat: 2, Asks: true, You: true}}.Append(nil),
			"0000001a 0c 00000005 02  00000001 00000000 04 00  00000002 00000000 09 00", parseWith(ParseRoster),
			Roster{{Seat: 1, Acts: true}, {Seat: 2, Asks: true, You: true}}},
		{"pass", Control, TypePass, 6, AppendPass(nil, 3), "00000009 0d 00000006 00000003", parseWith(ParsePass), uint32(3)},
		{"denied", Control, TypeDenied, 8, Denied{Count: 258, Reason: "hot key"}.Append(nil),
			"00000011 0e 00000008 00000102 07 686f74206b6579", parseWith(ParseDenied), Denied{258, "hot key"}},
		{"point", Control, TypePoint, 0, Point{Picture: 2, X: 300, Y: 0xffff}.Append(nil), "0000000a 0f 00000000 02 012c ffff",
			parseWith(ParsePoint), Point{2, 300, 0xffff}},
		{"points", Control, TypePoints, 0, Points{{1, Point{0, 5, 6}}, {258, Point{1, 7, 8}}}.Append(nil),
			"00000018 10 00000000 02  00000001 00 0005 0006  00000102 01 0007 0008", parseWith(ParsePoints), Points{{1, Point{0, 5, 6}}, {258, Point{1, 7, 8}}}},
		{"size", Control, TypeSize, 10, AppendSize(nil, image.Pt(1920, 70000)), "00000009 11 0000000a 0780 ffff", parseWith(ParseSize), image.Pt(1920, 65535)},
		{"roster: colours", Control, TypeRoster, 9, Roster{{Seat: 1, Colour: 15}, {Seat: 2, You: true, Colour: 3}}.Append(nil),
			"0000001a 0c 00000009 02  00000001 00000000 f0 00  00000002 00000000 31 00", parseWith(ParseRoster),
			Roster{{Seat: 1, Colour: 15}, {Seat: 2, You: true, Colour: 3}}},
		{"key", Input, TypeKey, 5, KeyInput{Sym: 'a', Down: true}.Append(nil), "0000000a 01 00000005 00000061 01", parseWith(ParseKey), KeyInput{'a', true}},
		{"vendor key", Input, TypeKey, 6, KeyInput{Sym: 0x1008ff13}.Append(nil), "0000000a 01 00000006 1008ff13 00", parseWith(ParseKey), KeyInput{0x1008ff13, false}},
		{"pointer", Input, TypePointer, 7, PointerInput{Picture: 1, X: 300, Y: 2, Buttons: 5, WheelX: -1, WheelY: 2}.Append(nil),
			"0000000d 02 00000007 01 012c 0002 05 ff 02", parseWith(ParsePointer), PointerInput{1, 300, 2, 5, -1, 2}},
		{"release", Input, TypeRelease, 8, nil, "00000005 03 00000008", nil, nil},
		{"input ack", Input, TypeInputAck, 0, AppendAck(nil, 8), "00000009 04 00000000 00000008", parseWith(ParseAck), uint32(8)},
		{"clip", Clips, TypeClip, 3, Clip{Primary: true, Data: []byte("Grüße")}.Append(nil), "0000000e 01 00000003 01 00 4772c3bcc39f65",
			parseWith(ParseClip), Clip{Primary: true, Data: []byte("Grüße")}},
		{"picture clip", Clips, TypeClip, 4, Clip{Picture: true, Data: tinyPNG()}.Append(nil), "0000004e 01 00000004 00 01" + hex.EncodeToString(tinyPNG()),
			parseWith(ParseClip), Clip{Picture: true, Data: tinyPNG()}},
		{"clip ack", Clips, TypeClipAck, 0, AppendAck(nil, 4), "00000009 02 00000000 00000004", parseWith(ParseAck), uint32(4)},
		{"frame", Screen, TypeFrame, 0, frame[2:], "07 01 87 636f646563", parseFrameBody, frameBody{FrameHead{Number: 7, Exact: true}, "codec"}},
		{"frame, asking", Screen, TypeFrame, 0, []byte("\x7fcodec"), "07 01 7f 636f646563", parseFrameBody, frameBody{FrameHead{Number: 63, Ask: true}, "codec"}},
		{"cursor", Screen, TypeCursor, 0, CursorState{Picture: 2, X: 10, Y: 0xffff, Hidden: true, Shape: []byte{1, 2}}.Append(nil),
			"09 02 02 000a ffff 01 0102", parseWith(ParseCursor), CursorState{2, 10, 0xffff, true, []byte{1, 2}}},
		{"layout", Screen, TypeLayout, 0, AppendLayout(nil, layout),
			"42 03 02  01 fffff880 00000008 0780 0438 04 6c656674 0000000000000000 0000000000000000  " +
				"00 00000000 00000000 0280 01e0 00 0000 000a 0280 01d6 0005 0000 0064 0014", parseWith(ParseLayout), layout},
		{"moved", Screen, TypeMoved, 0, nil, "01 04", nil, nil},
		{"shown", Screen, TypeShown, 0, ShownFrame{Number: 7, Held: 2 * time.Millisecond, Took: 300 * time.Microsecond}.Append(nil),
			"06 05 07 0014 0003", parseWith(ParseShown), ShownFrame{7, 2 * time.Millisecond, 300 * time.Microsecond}},
		{"reset", Screen, TypeReset, 0, nil, "01 06", nil, nil},
		{"hide", Screen, TypeHide, 0, []byte{1}, "02 07 01", parseWith(ParseHide), true},
	}
}

// tinyPNG is one grey pixel.
func tinyPNG() []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestBytes(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			want, err := hex.DecodeString(strings.ReplaceAll(s.hex, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			got := Append([]byte("before"), s.ch, s.t, s.seq, s.body)[6:]
			if !bytes.Equal(got, want) {
				t.Fatalf("bytes\n got %x\nwant %x", got, want)
			}
			typ, seq, body, err := NewReader(bytes.NewReader(want), s.ch).Next()
			if err != nil || typ != s.t || seq != s.seq || !bytes.Equal(body, s.body) {
				t.Fatalf("read type %d, number %d, body %x, %v", typ, seq, body, err)
			}
			if s.parse == nil {
				return
			}
			if v, err := s.parse(body); err != nil || !reflect.DeepEqual(v, s.value) {
				t.Errorf("parsed %+v, %v; want %+v", v, err, s.value)
			}
		})
	}
}

// TestCutAndLong: each message whose length is fixed by its contents refuses
// every shorter and every longer body, and nothing panics.
func TestCutAndLong(t *testing.T) {
	open := map[string]bool{"frame": true, "frame, asking": true, "cursor": true, "clip": true} // the codec's bytes, and text, run to the end
	for _, s := range samples() {
		if s.parse == nil {
			continue
		}
		for n := range s.body {
			_, err := s.parse(s.body[:n])
			if fixed := n < 1 || !open[s.name] || s.name == "cursor" && n < 6 || s.name == "clip" && n < 3; fixed && !errors.Is(err, ErrMalformed) {
				t.Errorf("%s cut to %d bytes: %v", s.name, n, err)
			}
		}
		if _, err := s.parse(append(bytes.Clone(s.body), 0)); !open[s.name] && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s with a byte too many: %v", s.name, err)
		}
	}
}

func TestLimits(t *testing.T) {
	layout := func(n int, ids ...byte) []byte {
		b := []byte{byte(n)}
		for i := range n {
			id := byte(i)
			if i < len(ids) {
				id = ids[i]
			}
			b = append(append(b, id), make([]byte, 29)...)
		}
		return b
	}
	part := func(b Box) []byte { return AppendLayout(nil, []PictureInfo{{W: 640, H: 480, Main: b}}) }
	candidates := func(n, size int) []byte {
		b := []byte{0, byte(n)}
		for range n {
			b = append(append(b, byte(size)), make([]byte, size)...)
		}
		return b
	}
	key := func(sym uint32, down byte) []byte { return append(binary.BigEndian.AppendUint32(nil, sym), down) }
	for _, row := range []struct {
		name  string
		parse func([]byte) (any, error)
		body  []byte
		ok    bool
	}{
		{"16 pictures", parseWith(ParseLayout), layout(16), true},
		{"no picture", parseWith(ParseLayout), layout(0), true},
		{"17 pictures", parseWith(ParseLayout), layout(17), false},
		{"one picture twice", parseWith(ParseLayout), layout(2, 5, 5), false},
		{"part of a picture", parseWith(ParseLayout), part(Box{1, 1, 639, 479}), true},
		{"part to the left of it", parseWith(ParseLayout), part(Box{1, 0, 640, 480}), false},
		{"part below it", parseWith(ParseLayout), part(Box{0, 65535, 1, 65535}), false},
		{"part without pixels", parseWith(ParseLayout), part(Box{1, 1, 0, 9}), false},
		{"32 candidates", parseWith(ParseCandidates), candidates(32, 128), true},
		{"33 candidates", parseWith(ParseCandidates), candidates(33, 1), false},
		{"candidate of 129 bytes", parseWith(ParseCandidates), candidates(1, 129), false},
		{"empty candidate", parseWith(ParseCandidates), candidates(1, 0), false},
		{"key 0", parseWith(ParseKey), key(0, 1), false},
		{"largest Unicode key", parseWith(ParseKey), key(0x0110ffff, 1), true},
		{"beyond Unicode", parseWith(ParseKey), key(0x01110000, 1), false},
		{"vendor key", parseWith(ParseKey), key(0x1fffffff, 0), true},
		{"no such space of keys", parseWith(ParseKey), key(0x20000000, 0), false},
		{"all bits", parseWith(ParseKey), key(0xffffffff, 0), false},
		{"down is 2", parseWith(ParseKey), key('a', 2), false},
		{"five buttons", parseWith(ParsePointer), []byte{0, 0, 0, 0, 0, 31, 0, 0}, true},
		{"sixth button", parseWith(ParsePointer), []byte{0, 0, 0, 0, 0, 32, 0, 0}, false},
		{"number 64 acknowledged", parseWith(ParseShown), []byte{64, 0, 0}, false},
		{"unknown flag of a cursor", parseWith(ParseCursor), []byte{0, 0, 0, 0, 0, 2}, false},
		{"half hidden", parseWith(ParseHide), []byte{2}, false},
		{"name longer than the body", parseWith(ParseHello), []byte{0, 0, 0, 1, 200, 'a'}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := row.parse(row.body)
			if row.ok != (err == nil) || (err != nil && !errors.Is(err, ErrMalformed)) {
				t.Errorf("%x: %v", row.body, err)
			}
		})
	}
}

// TestUnknownRights: bits of a later version grant nothing here.
func TestUnknownRights(t *testing.T) {
	all := binary.BigEndian.AppendUint32(nil, 0xffffffff)
	if g, err := ParseGrantMask(all); err != nil || g != allGrants {
		t.Errorf("mask %x, %v", uint32(g), err)
	}
	h, err := ParseHello(append(all, 0, 0))
	if err != nil || h.Wants != allGrants {
		t.Errorf("hello %x, %v", uint32(h.Wants), err)
	}
}

// TestKeepIsBounded: a host cannot make a viewer wait for days.
func TestKeepIsBounded(t *testing.T) {
	m := Accept{Keep: 100 * 24 * time.Hour}
	if got, err := ParseAccept(m.Append(nil)); err != nil || got.Keep != 12*time.Hour {
		t.Errorf("keep %v, %v", got.Keep, err)
	}
}

// TestTooMuchIsLeftOut: what the encoders are given in excess does not reach
// the wire, so a message of our own always parses.
func TestTooMuchIsLeftOut(t *testing.T) {
	var many [][]byte
	var pics []PictureInfo
	for i := range 100 {
		many = append(many, bytes.Repeat([]byte{1}, i*2)) // 0, 2 … 198 bytes
		pics = append(pics, PictureInfo{ID: uint8(i), Name: strings.Repeat("ß", 100)})
	}
	if c, err := ParseCandidates(Candidates{Addrs: many}.Append(nil)); err != nil || len(c.Addrs) != MaxCandidates {
		t.Errorf("%d candidates, %v", len(c.Addrs), err)
	}
	if l, err := ParseLayout(AppendLayout(nil, pics)); err != nil || len(l) != maxPictures || len(l[0].Name) != MaxName {
		t.Errorf("%d pictures, %v", len(l), err)
	}
	for held, want := range map[time.Duration]time.Duration{-time.Second: 0, 1000 * time.Hour: 6553500 * time.Microsecond} {
		m := ShownFrame{Number: 65, Held: held, Took: held}
		if got, err := ParseShown(m.Append(nil)); err != nil || got != (ShownFrame{1, want, want}) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// TestFinishFrame: frames of every size, alone and behind another message, are
// read as they were written.
func TestFinishFrame(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 127, 16<<10 - 3, 16 << 10, 3 << 20} {
		codec := bytes.Repeat([]byte{byte(size)}, size)
		for _, before := range [][]byte{nil, Append(nil, Screen, TypeMoved, 0, nil)} {
			b := append(BeginFrame(bytes.Clone(before)), codec...)
			b = FinishFrame(b, len(before), FrameHead{Number: 9, Ask: true})
			r := NewReader(bytes.NewReader(b), Screen)
			if len(before) > 0 {
				if typ, _, _, err := r.Next(); err != nil || typ != TypeMoved {
					t.Fatalf("what stood before: %d, %v", typ, err)
				}
			}
			_, _, body, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			head, got, err := ParseFrame(body)
			if err != nil || head != (FrameHead{Number: 9, Ask: true}) || !bytes.Equal(got, codec) {
				t.Errorf("frame of %d: %+v, %d bytes, %v", size, head, len(got), err)
			}
		}
	}
}

func TestGrantWords(t *testing.T) {
	for _, row := range []struct {
		words string
		want  Grant
		text  string
	}{
		{"view", View, "view"},
		{"control", HandsOn, "pointer keyboard"},
		{"terminal view view", View | Terminal, "view terminal"},
		{"", 0, "nothing"},
	} {
		g, err := ParseGrants(strings.Fields(row.words))
		if err != nil || g != row.want || g.String() != row.text {
			t.Errorf("%q: %v (%v), %v", row.words, uint32(g), g, err)
		}
	}
	if _, err := ParseGrants([]string{"view", "root\x1b[31m"}); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("unknown word: %v", err)
	}
	if allGrants.Words()[len(grantNames)-1] != "terminal" || len(allGrants.Words()) != len(grantNames) {
		t.Errorf("all rights: %v", allGrants)
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		ch   Channel
		in   []byte
		want error
	}{
		{"nothing", Control, nil, io.EOF},
		{"half a length", Control, []byte{0, 0}, io.ErrUnexpectedEOF},
		{"length alone", Control, []byte{0, 0, 0, 9}, io.ErrUnexpectedEOF},
		{"body cut off", Control, []byte{0, 0, 0, 9, 1, 0, 0}, io.ErrUnexpectedEOF},
		{"length 0", Screen, []byte{0}, ErrMalformed},
		{"half a varint", Screen, []byte{0x80}, io.ErrUnexpectedEOF},
		{"varint, not the shortest", Screen, []byte{0x81, 0, 1}, ErrMalformed},
		{"varint of five bytes", Screen, []byte{0x81, 0x80, 0x80, 0x80, 1}, ErrMalformed},
		{"frame cut off", Screen, []byte{2, 1}, io.ErrUnexpectedEOF},
		{"no number", Control, []byte{0, 0, 0, 4, 1, 0, 0, 0}, ErrMalformed},
		{"no number, input", Input, []byte{0, 0, 0, 1, 1}, ErrMalformed},
		{"input of 65 bytes", Input, []byte{0, 0, 0, 65}, ErrMalformed},
		{"control of 16 KiB + 1", Control, []byte{0, 0, 0x40, 1}, ErrMalformed},
		{"frame of 16 MiB + 65", Screen, binary.AppendUvarint(nil, maxScreen+1), ErrMalformed},
		{"all bits", Screen, []byte{0xff, 0xff, 0xff, 0xff}, ErrMalformed},
		{"sign bit", Control, []byte{0x80, 0, 0, 5}, ErrMalformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, _, _, err := NewReader(bytes.NewReader(row.in), row.ch).Next(); !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
		})
	}
}

// TestReaderGrowsByWhatArrives: a length field alone must not cost memory.
func TestReaderGrowsByWhatArrives(t *testing.T) {
	in := append(binary.AppendUvarint(nil, maxScreen), make([]byte, 1000)...)
	r := NewReader(bytes.NewReader(in), Screen)
	if _, _, _, err := r.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	if cap(r.buf) > grow {
		t.Errorf("%d bytes of memory for 1000 that came", cap(r.buf))
	}
	in = append(binary.AppendUvarint(nil, maxScreen), make([]byte, maxScreen)...)
	r = NewReader(iotest.HalfReader(bytes.NewReader(in)), Screen)
	_, _, body, err := r.Next()
	if err != nil || len(body) != maxScreen-1 {
		t.Errorf("the largest message: %d bytes, %v", len(body), err)
	}
}

// TestReaderSequence: many messages in a row, in whatever pieces they come.
func TestReaderSequence(t *testing.T) {
	for _, pieces := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
		var in []byte
		sizes := []int{0, 1, 3 << 10, 2, 16<<10 - 5}
		for i, n := range sizes {
			in = Append(in, Control, Type(i+1), uint32(i), bytes.Repeat([]byte{byte(i)}, n))
		}
		r := NewReader(pieces(bytes.NewReader(in)), Control)
		for i, n := range sizes {
			typ, seq, body, err := r.Next()
			if err != nil || typ != Type(i+1) || seq != uint32(i) || !bytes.Equal(body, bytes.Repeat([]byte{byte(i)}, n)) {
				t.Fatalf("message %d: type %d, number %d, %d bytes, %v", i, typ, seq, len(body), err)
			}
		}
		if _, _, _, err := r.Next(); err != io.EOF {
			t.Errorf("after the last: %v", err)
		}
	}
}

func TestChannelNames(t *testing.T) {
	if s := fmt.Sprint(Control, Input, Term, Channel(77)); s != "control input terminal channel 77" {
		t.Error(s)
	}
}

func BenchmarkAppend(b *testing.B) {
	b.ReportAllocs()
	body := PointerInput{X: 100, Y: 200}.Append(nil)
	dst := make([]byte, 0, 64)
	for b.Loop() {
		dst = Append(dst[:0], Input, TypePointer, 1, body)
	}
}

// endless gives the same message for ever.
type endless struct {
	msg []byte
	at  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.msg[e.at:])
	e.at = (e.at + n) % len(e.msg)
	return n, nil
}

func BenchmarkReaderNext(b *testing.B) {
	for _, row := range []struct {
		ch   Channel
		size int
	}{{Input, 8}, {Screen, 64 << 10}} {
		b.Run(row.ch.String(), func(b *testing.B) {
			b.ReportAllocs()
			r := NewReader(&endless{msg: Append(nil, row.ch, 1, 1, make([]byte, row.size))}, row.ch)
			b.SetBytes(int64(row.size))
			for b.Loop() {
				if _, _, _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestNoAllocations: what runs for each key and each frame makes no garbage.
func TestNoAllocations(t *testing.T) {
	body := KeyInput{Sym: 'a', Down: true}.Append(nil)
	dst := make([]byte, 0, 64)
	r := NewReader(&endless{msg: Append(nil, Input, TypeKey, 1, body)}, Input)
	var out Outbox
	r.Next()
	out.Put(TypeKey, body)
	out.Applied(1)
	frames := NewReader(&endless{msg: FinishFrame(append(BeginFrame(nil), make([]byte, 300)...), 0, FrameHead{})}, Screen)
	frames.Next()
	msg := make([]byte, 0, 1024)
	n := testing.AllocsPerRun(100, func() {
		msg = Append(msg[:0], Screen, TypeMoved, 0, nil)
		start := len(msg)
		msg = FinishFrame(append(BeginFrame(msg), body...), start, FrameHead{Number: 3})
		_, _, f, err := frames.Next()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := ParseFrame(f); err != nil {
			t.Fatal(err)
		}
		msg = append(msg[:0], ShownFrame{Number: 3}.Append(msg[:0])...)
		if _, err := ParseShown(msg); err != nil {
			t.Fatal(err)
		}
		dst = Append(dst[:0], Input, TypeKey, 1, body)
		_, _, b, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseKey(b); err != nil {
			t.Fatal(err)
		}
		seq, _ := out.Put(TypeKey, b)
		out.Applied(seq)
	})
	if n != 0 {
		t.Errorf("%v allocations for each message", n)
	}
}
