package peer

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"sightline/peer/invite"
	"sightline/peer/link"
	"sightline/peer/secure"
	"sightline/peer/wire"
	"sightline/screen/codec"
)

// mallory is a viewer that keeps to the handshake and to nothing after it. The
// tests write to its channels what they like.
type mallory struct {
	t       *testing.T
	ctx     context.Context
	node    *link.Node
	conn    link.Conn
	s       *secure.Session
	control *wire.Reader
	accept  wire.Accept
}

// newMallory proves the code and says hello. It stretches the secret once for
// all who come by the same code.
func (r *rig) newMallory(code invite.Code, wants Grant) *mallory {
	r.t.Helper()
	key := newKey(r.t)
	me, err := secure.NewIdentity(key)
	must(r.t, err)
	m := &mallory{t: r.t, ctx: r.ctx, node: newNode(r.t, key)}
	m.conn, err = m.node.DialAddr(r.ctx, r.addr())
	must(r.t, err)
	raw, err := m.conn.Knock(r.ctx)
	must(r.t, err)
	m.s, err = secure.Join(r.ctx, raw, me, m.conn.Remote(), secure.WithStretched(code.NumberValue(), r.stretched(code)))
	must(r.t, err)
	m.control = wire.NewReader(m.s.Control(), wire.Control)
	m.say(wire.TypeHello, 0, wire.Hello{Wants: wants, Name: "mallory"}.Append(nil))
	return m
}

// mallory is a newMallory that was let in.
func (r *rig) mallory(code invite.Code, wants Grant) *mallory {
	r.t.Helper()
	m := r.newMallory(code, wants)
	t, _, body, err := m.control.Next()
	if err != nil || t != wire.TypeAccept {
		r.t.Fatalf("type %d instead of ACCEPT: %v", t, err)
	}
	m.accept, err = wire.ParseAccept(body)
	must(r.t, err)
	return m
}

// stretched is what Argon2id makes of a code's secret.
func (r *rig) stretched(code invite.Code) []byte {
	r.t.Helper()
	if r.code1 != code {
		r.host.mu.Lock()
		salt := r.host.door.Verifier.Salt
		r.host.mu.Unlock()
		r.code1, r.w = code, secure.Stretch(code.Secret, salt)
	}
	return append([]byte(nil), r.w...)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (m *mallory) say(t wire.Type, seq uint32, body []byte) error {
	return m.raw(wire.Append(nil, wire.Control, t, seq, body))
}

func (m *mallory) raw(b []byte) error {
	_, err := m.s.Control().Write(b)
	return err
}

// open opens a channel.
func (m *mallory) open(ch wire.Channel) *secure.Sealed {
	m.t.Helper()
	raw, err := m.conn.Open(m.ctx)
	must(m.t, err)
	s, err := m.s.Seal(raw, ch)
	must(m.t, err)
	return s
}

// keys sends numbered key presses from first on.
func (m *mallory) keys(s io.Writer, first uint32, text string) error {
	var out []byte
	for _, c := range text {
		for _, down := range []bool{true, false} {
			out = wire.Append(out, wire.Input, wire.TypeKey, first, wire.KeyInput{Sym: uint32(c), Down: down}.Append(nil))
			first++
		}
	}
	_, err := s.Write(out)
	return err
}

// eye reads a screen channel as a viewer does and counts what it is shown.
type eye struct {
	s      *secure.Sealed
	r      *wire.Reader
	dec    *codec.TilesDecoder
	frames int
	number uint8
	mute   bool // acknowledges nothing
}

func (m *mallory) watch() *eye {
	s := m.open(wire.Screen)
	e := &eye{s: s, r: wire.NewReader(s, wire.Screen), dec: codec.NewDecoder()}
	// A stream exists for the other side once something was written to it.
	e.say(wire.TypeHide, []byte{0})
	return e
}

func (e *eye) say(t wire.Type, body []byte) error {
	_, err := e.s.Write(wire.Append(nil, wire.Screen, t, 0, body))
	return err
}

// next reads one message and tells whether it was a frame, and an exact one.
func (e *eye) next() (frame, exact bool, err error) {
	t, _, body, err := e.r.Next()
	if err != nil || t != wire.TypeFrame {
		return false, false, err
	}
	head, msg, err := wire.ParseFrame(body)
	if err != nil {
		return false, false, err
	}
	if _, _, _, err := e.dec.Decode(msg); err != nil {
		return false, false, err
	}
	e.frames++
	e.number = head.Number
	if !e.mute {
		err = e.say(wire.TypeShown, wire.ShownFrame{Number: head.Number}.Append(nil))
	}
	return true, head.Exact, err
}

// settle reads until the picture is exact.
func (e *eye) settle(t *testing.T) {
	t.Helper()
	for {
		if _, exact, err := e.next(); err != nil {
			t.Fatal(err)
		} else if exact {
			return
		}
	}
}

// calm counts the frames that come until none has come for a while: nothing tells when
// nothing comes.
func (e *eye) calm() (frames int) {
	for {
		e.s.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		frame, _, err := e.next()
		if err != nil {
			return frames
		}
		frames += b2i(frame)
	}
}

// rest counts the frames that come until the stream ends.
func (e *eye) rest() (frames int, err error) {
	e.s.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		frame, _, err := e.next()
		if frame {
			frames++
		}
		if err != nil {
			return frames, err
		}
	}
}

// ends reads the control channel until the host closes it, and gives the
// host's last word, if there was one.
func (m *mallory) ends() (last wire.Type, words wire.Farewell) {
	m.t.Helper()
	m.s.Control().SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		t, _, body, err := m.control.Next()
		if err != nil {
			var timeout interface{ Timeout() bool }
			if errors.As(err, &timeout) && timeout.Timeout() {
				m.t.Fatal("the host goes on")
			}
			return last, words
		}
		if last = t; t == wire.TypeDeny || t == wire.TypeBye {
			words, _ = wire.ParseFarewell(body)
		}
	}
}

// eyeOf reads a channel that should stay silent.
type eyeOf struct{ s *secure.Sealed }

// bytes counts what comes until the stream ends.
func (e *eyeOf) bytes() int64 {
	e.s.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, _ := io.Copy(io.Discard, e.s)
	return n
}
