package peer

import (
	"bytes"
	"encoding/binary"
	"testing"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/keysym"
)

// TestNoPreAuthData: who knows the code and was not let in yet hears ASKING and
// the refusal, and nothing on any channel that it opens.
func TestNoPreAuthData(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Accept = false })
	m := r.newMallory(r.code(1), looks|acts)
	typ, _, body, err := m.control.Next()
	if err != nil || typ != wire.TypeAsking || len(body) > 0 {
		t.Fatalf("type %d, body %x, %v instead of ASKING", typ, body, err)
	}
	eye := m.watch()
	input := m.open(wire.Input)
	m.keys(input, 1, "x")
	again := m.open(wire.Control)
	again.Write(wire.Append(nil, wire.Control, wire.TypePing, 0, wire.AppendPing(nil, 1)))
	must(t, r.host.Refuse(await[Asks](t, r.ctx, r.events, 1).Seat))
	if typ, words := m.ends(); typ != wire.TypeDeny || words.Reason != wire.ByRefusal {
		t.Errorf("the last word: type %d, %+v", typ, words)
	}
	if n, _ := eye.rest(); n != 0 || eye.frames != 0 {
		t.Error("a picture before anybody was asked")
	}
	for _, s := range []*eyeOf{{input}, {again}} {
		if n := s.bytes(); n > 0 {
			t.Errorf("%d bytes on the %s channel", n, s.s.Channel())
		}
	}
	if r.desk.Typed() != "" {
		t.Error("input before anybody was asked")
	}
}

// TestPromptFreezesInput: while the host's person is asked, no seated viewer's
// hand acts, and what it holds comes up: it could answer the question.
func TestPromptFreezesInput(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Accept, o.Viewers = false, 2 })
	code := r.code(1)
	v := r.join(code, looks|acts)
	must(t, r.host.Admit(await[Asks](t, r.ctx, r.events, 1).Seat, looks|acts))
	r.sees(v)
	type1 := func(c rune) {
		v.glass.Send(screen.Key{Sym: keysym.Sym(c), Down: true})
		v.glass.Send(screen.Key{Sym: keysym.Sym(c)})
	}
	typed := ""
	until(t, r, func() bool { // the second after the first question is over
		if typed = r.desk.Typed(); typed == "" {
			type1('a')
		}
		return typed != ""
	})
	v.glass.Send(screen.Key{Sym: keysym.ShiftL, Down: true})
	until(t, r, func() bool { keys, _ := r.desk.Held(); return keys > 0 })
	m := r.newMallory(code, looks)
	ask := await[Asks](t, r.ctx, r.events, 2)
	if keys, _ := r.desk.Held(); keys > 0 {
		t.Error("a key is down while a question stands")
	}
	typed = r.desk.Typed()
	before := v.view.input.sent()
	type1('y')
	v.glass.Send(screen.Pointer{At: r.desk.Button(0).Min, Buttons: screen.Left})
	until(t, r, func() bool { return v.view.input.sent() == before+3 && v.view.input.Waiting() == 0 })
	if now := r.desk.Typed(); now != typed || r.desk.Clicks() > 0 {
		t.Errorf("typed %q while a question stands", now)
	}
	must(t, r.host.Refuse(ask.Seat))
	m.ends()
	until(t, r, func() bool { // and afterwards it goes on
		if r.desk.Typed() == typed {
			type1('z')
		}
		return r.desk.Typed() != typed
	})
}

// sent is how many numbered messages went out on a line.
func (l *line) sent() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.out.Last())
}

// TestHostileViewer: whatever an admitted viewer sends, the host lives, an
// honest viewer beside it sees and types on, and a seat that ends does so with
// a sentence.
func TestHostileViewer(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Viewers = 100; o.Allow = looks | acts })
	code := r.code(1)
	honest := r.join(code, looks|acts)
	r.sees(honest)
	key := wire.KeyInput{Sym: 'x', Down: true}.Append(nil)
	control := func(b []byte) func(*mallory) { return func(m *mallory) { m.raw(b) } }
	on := func(ch wire.Channel, b []byte) func(*mallory) {
		return func(m *mallory) { m.open(ch).Write(b) }
	}
	for _, row := range []struct {
		name  string
		wants Grant
		do    func(*mallory)
		ends  bool // the host ends the seat by itself
	}{
		{"a second hello", looks, control(wire.Append(nil, wire.Control, wire.TypeHello, 1, wire.Hello{}.Append(nil))), true},
		{"unknown type on control", looks, control(wire.Append(nil, wire.Control, 200, 1, nil)), true},
		{"host's message from a viewer", looks, control(wire.Append(nil, wire.Control, wire.TypeAccept, 1, nil)), true},
		{"ragged grants", looks, control(wire.Append(nil, wire.Control, wire.TypeWant, 1, []byte{1})), true},
		{"too many candidates", looks, control(wire.Append(nil, wire.Control, wire.TypeCandidates, 1, []byte{255})), true},
		{"input: unknown type", looks | acts, on(wire.Input, wire.Append(nil, wire.Input, 99, 1, nil)), true},
		{"input: garbage", looks | acts, on(wire.Input, bytes.Repeat([]byte{0xa5}, 500)), true},
		{"input: oversized", looks | acts, on(wire.Input, []byte{0, 0, 0, 65}), true},
		{"input: length zero", looks | acts, on(wire.Input, []byte{0, 0, 0, 0}), true},
		{"input: a gap in the numbers", looks | acts, on(wire.Input, wire.Append(nil, wire.Input, wire.TypeKey, 5, key)), true},
		{"input: key 0", looks | acts, on(wire.Input, wire.Append(nil, wire.Input, wire.TypeKey, 1, make([]byte, 5))), true},
		{"input: acknowledges what was never sent", looks | acts, on(wire.Input, wire.Append(nil, wire.Input, wire.TypeInputAck, 0, wire.AppendAck(nil, 9))), true},
		{"screen: garbage", looks, on(wire.Screen, bytes.Repeat([]byte{0xff}, 500)), true},
		{"screen: host's message", looks, on(wire.Screen, wire.Append(nil, wire.Screen, wire.TypeFrame, 0, make([]byte, 9))), true},
		{"screen: half hidden", looks, on(wire.Screen, wire.Append(nil, wire.Screen, wire.TypeHide, 0, []byte{7})), true},
		{"screen: acknowledges unknown frames", looks, func(m *mallory) {
			e := m.watch()
			for n := range 300 {
				e.say(wire.TypeShown, wire.ShownFrame{Number: uint8(n * 7)}.Append(nil))
			}
			e.settle(t)
		}, false},
		{"screen: asks for a fresh picture all the time", looks, func(m *mallory) {
			e := m.watch()
			for range 50 {
				e.say(wire.TypeReset, nil)
			}
			e.settle(t)
		}, false},
		{"screen: many streams", looks, func(m *mallory) {
			for range 10 {
				m.watch()
			}
		}, false},
		{"unknown channels", looks, func(m *mallory) {
			for ch := wire.File; ch < 40; ch++ {
				m.open(ch).Write([]byte("x"))
			}
		}, false},
		{"input without the right", looks, func(m *mallory) {
			in := m.open(wire.Input)
			m.keys(in, 1, "evil")
			if n := (&eyeOf{in}).bytes(); n > 0 {
				t.Errorf("an answer of %d bytes on a refused channel", n)
			}
		}, false},
		{"pointer outside of the picture", looks | acts, func(m *mallory) {
			in := m.open(wire.Input)
			p := wire.PointerInput{X: 65535, Y: 65535, Buttons: 1}.Append(nil)
			in.Write(wire.Append(nil, wire.Input, wire.TypePointer, 1, p))
			p = wire.PointerInput{Picture: 77, Buttons: 1}.Append(nil)
			in.Write(wire.Append(nil, wire.Input, wire.TypePointer, 2, p))
		}, false},
		{"a flood of pings", looks, func(m *mallory) {
			ping := wire.Append(nil, wire.Control, wire.TypePing, 0, wire.AppendPing(nil, 1))
			for range 20 {
				m.raw(bytes.Repeat(ping, 1000))
			}
		}, false},
		{"a flood of numbered messages twice", looks, func(m *mallory) {
			var b []byte
			for n := range uint32(1000) {
				b = wire.Append(b, wire.Control, wire.TypeWant, n+1, binary.BigEndian.AppendUint32(nil, 1))
			}
			m.raw(b)
			m.raw(b)
		}, false},
		{"32 keys too many", looks | acts, func(m *mallory) {
			var b []byte
			for n := range uint32(100) {
				b = wire.Append(b, wire.Input, wire.TypeKey, n+1, wire.KeyInput{Sym: 0x100 + n, Down: true}.Append(nil))
			}
			m.open(wire.Input).Write(b)
		}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			left := count[Left](r.events)
			m := r.mallory(code, row.wants)
			row.do(m)
			if row.ends {
				m.ends()
			} else {
				m.conn.Close()
				m.say(wire.TypeBye, 0, wire.Farewell{}.Append(nil))
				m.s.Close()
			}
			if !row.ends {
				// Its path is gone, its seat waits for it: the host clears it.
				for _, st := range r.host.all() {
					if st.peer == m.node.ID() {
						st.end(wire.Farewell{Reason: wire.ByRequest})
					}
				}
			}
			if e := await[Left](t, r.ctx, r.events, left+1); e.Reason == "" {
				t.Error("the seat ended without a word")
			}
			if keys, buttons := r.desk.Held(); keys+buttons > 0 {
				t.Errorf("%d keys and %d buttons stay down", keys, buttons)
			}
			before := len(r.desk.Typed())
			honest.glass.Send(screen.Key{Sym: 'h', Down: true})
			honest.glass.Send(screen.Key{Sym: 'h'})
			until(t, r, func() bool { return len(r.desk.Typed()) > before })
			r.sees(honest)
		})
	}
	if typed := r.desk.Typed(); len(typed) == 0 || typed != string(bytes.Repeat([]byte("h"), len(typed))) {
		t.Errorf("typed %q", typed)
	}
}

// TestHostileControl: a control channel that breaks the rules of the stream
// itself ends the seat like every other broken promise.
func TestHostileControl(t *testing.T) {
	r := newRig(t, func(o *HostOptions) { o.Viewers = 100 })
	code := r.code(1)
	r.sees(r.join(code, looks))
	for i, row := range []struct {
		name string
		b    []byte
	}{
		{"oversized", []byte{0xff, 0xff, 0xff, 0xff}},
		{"length zero", []byte{0, 0, 0, 0}},
		{"a gap in the numbers", wire.Append(nil, wire.Control, wire.TypePing, 7, wire.AppendPing(nil, 1))},
		{"acknowledges what was never sent", wire.Append(nil, wire.Control, wire.TypeAck, 0, wire.AppendAck(nil, 1<<31))},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := r.mallory(code, looks)
			m.raw(row.b)
			m.ends()
			if e := await[Left](t, r.ctx, r.events, i+1); e.Reason == "" {
				t.Error("the seat ended without a word")
			}
		})
	}
}
