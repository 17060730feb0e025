package peer

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"net"
	"strings"
	"testing"
	"time"

	"sightline/peer/invite"
	"sightline/peer/link"
	"sightline/peer/secure"
	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/codec"
	"sightline/screen/screentest"
)

// falseHost keeps to the handshake and to nothing after it.
type falseHost struct {
	t    *testing.T
	ctx  context.Context
	node *link.Node
	me   secure.Identity
	code invite.Code
	door *secure.CodeDoor
}

func newFalseHost(t *testing.T) *falseHost {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	key := newKey(t)
	h := &falseHost{t: t, ctx: ctx, node: newNode(t, key)}
	var err error
	h.me, err = secure.NewIdentity(key)
	must(t, err)
	number, err := invite.NewNumber(firstDigits, rand.Reader)
	must(t, err)
	h.code, err = invite.New(number, rand.Reader)
	must(t, err)
	h.door, err = secure.OpenCode(h.code, invite.DoorOptions{Uses: 100}, rand.Reader)
	must(t, err)
	return h
}

// serve admits one viewer and hands the control channel and each channel that
// it opens to misbehave.
func (h *falseHost) serve(accept []byte, misbehave func(*secure.Sealed)) {
	k, err := h.node.Accept(h.ctx)
	if err != nil {
		return
	}
	defer k.Conn.Close()
	s, err := secure.Admit(h.ctx, k.Stream, h.me, k.Conn.Remote(), secure.Doors{
		Code: func(uint64) *secure.CodeDoor { return h.door }, Porch: &secure.Porch{},
	})
	if err != nil {
		h.t.Error(err)
		return
	}
	defer s.Close()
	if _, err := hear(s.Control()); err != nil {
		h.t.Error(err)
		return
	}
	s.Control().Write(accept)
	go misbehave(s.Control())
	go func() {
		for {
			raw, err := k.Conn.Accept(h.ctx)
			if err != nil {
				return
			}
			head, err := secure.ReadHeader(raw)
			if err != nil {
				return
			}
			sealed, err := s.Open(head, raw)
			if err != nil {
				return
			}
			go misbehave(sealed)
		}
	}()
	select {
	case <-k.Conn.Dead():
	case <-h.ctx.Done():
	}
}

func goodAccept() []byte {
	m := wire.Accept{Grants: looks | acts, Session: 1, Keep: time.Minute, Name: "host\x1b[31m"}
	return wire.Append(nil, wire.Control, wire.TypeAccept, 0, m.Append(nil))
}

// frameOf is an honest frame of a picture of w x h px.
func frameOf(t *testing.T, id screen.PictureID, w, h int) []byte {
	t.Helper()
	f := screen.NewFrame(image.Rect(0, 0, w, h))
	msg, _, err := codec.NewEncoder().Encode(wire.BeginFrame(nil), &screen.Change{Picture: id, Frame: f, Damage: screen.Region{f.Rect}}, codec.Budget{})
	must(t, err)
	return wire.FinishFrame(msg, 0, wire.FrameHead{Number: 1, Exact: true})
}

// bodyOf is what stands behind length and type of a message on the screen
// channel.
func bodyOf(t *testing.T, msg []byte) []byte {
	t.Helper()
	_, _, body, err := wire.NewReader(bytes.NewReader(msg), wire.Screen).Next()
	must(t, err)
	return body
}

func onScreen(t wire.Type, body []byte) []byte { return wire.Append(nil, wire.Screen, t, 0, body) }

// TestHostileHost: whatever a host sends, the viewer ends with one error of a
// class, and its window is shown nothing that breaks the promises to a Window.
func TestHostileHost(t *testing.T) {
	h := newFalseHost(t)
	for _, row := range []struct {
		name   string
		accept []byte
		ch     wire.Channel
		b      []byte
	}{
		{"ragged ACCEPT", wire.Append(nil, wire.Control, wire.TypeAccept, 0, []byte{1, 2, 3}), wire.Control, nil},
		{"control: unknown type", nil, wire.Control, wire.Append(nil, wire.Control, 77, 1, nil)},
		{"control: gap", nil, wire.Control, wire.Append(nil, wire.Control, wire.TypePing, 9, wire.AppendPing(nil, 0))},
		{"control: oversized", nil, wire.Control, []byte{0x7f, 0, 0, 0}},
		{"control: false acknowledgement", nil, wire.Control, wire.Append(nil, wire.Control, wire.TypeAck, 0, wire.AppendAck(nil, 1e9))},
		{"control: words with escapes", nil, wire.Control,
			wire.Append(nil, wire.Control, wire.TypeBye, 1, append([]byte{byte(wire.Fault), 6}, "\x1b[31mx"...))},
		{"screen: garbage", nil, wire.Screen, bytes.Repeat([]byte{0x5a}, 4000)},
		{"screen: oversized", nil, wire.Screen, []byte{0xc1, 0x80, 0x80, 0x08}},
	} {
		t.Run(row.name, func(t *testing.T) {
			accept := row.accept
			if accept == nil {
				accept = goodAccept()
			}
			served := make(chan struct{})
			go func() {
				defer close(served)
				h.serve(accept, func(s *secure.Sealed) {
					if s.Channel() == row.ch {
						s.Write(row.b)
					}
				})
			}()
			v, err := h.visit(t)
			if ClassOf(err) != ClassFault || strings.ContainsAny(err.Error(), "\x1b\u202e") {
				t.Errorf("the viewer ended with %q, class %d", err, ClassOf(err))
			}
			if s := v.Status(); strings.ContainsAny(s.Host.Name, "\x1b") {
				t.Errorf("the host is called %q", s.Host.Name)
			}
			<-served
		})
	}
}

// TestHostileScreen is the same for what stands on the screen channel, without
// a session around it: one message breaks a promise after a good picture.
func TestHostileScreen(t *testing.T) {
	layout := onScreen(wire.TypeLayout, wire.AppendLayout(nil, []wire.PictureInfo{{W: 64, H: 48, Name: "a\u202eb"}}))
	good := append(bytes.Clone(layout), frameOf(t, 0, 64, 48)...)
	spoilt := frameOf(t, 0, 64, 48)
	spoilt[len(spoilt)-1] ^= 0xff
	cut := frameOf(t, 0, 64, 48)
	cut = bodyOf(t, cut)
	cut = onScreen(wire.TypeFrame, cut[:len(cut)-3])
	huge := wire.AppendLayout(nil, []wire.PictureInfo{{W: 65535, H: 65535}})
	with := func(b ...[]byte) []byte { return bytes.Join(append([][]byte{good}, b...), nil) }
	for _, row := range []struct {
		name string
		b    []byte
	}{
		{"screen: unknown type", with(onScreen(99, nil))},
		{"screen: viewer's message", with(onScreen(wire.TypeShown, make([]byte, 3)))},
		{"layout: huge", onScreen(wire.TypeLayout, huge)},
		{"layout: too many", onScreen(wire.TypeLayout, []byte{200})},
		{"layout: empty picture", onScreen(wire.TypeLayout, wire.AppendLayout(nil, []wire.PictureInfo{{W: 0, H: 5}}))},
		{"cursor: cut off", with(onScreen(wire.TypeCursor, []byte{0, 0}))},
		{"cursor: false shape", with(onScreen(wire.TypeCursor, wire.CursorState{Shape: []byte{1, 0, 255, 255, 255, 255}}.Append(nil)))},
		{"frame: no head", with(onScreen(wire.TypeFrame, nil))},
		// What a decoder out of step may say, too, is forgiven once.
		{"frame: no codec bytes, twice", with(twice(onScreen(wire.TypeFrame, make([]byte, 1))))},
		{"frame: cut off, twice", with(twice(cut))},
		{"frame: spoilt, twice", with(twice(spoilt))},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := newGlass(screentest.NewGlass(), screen.State{})
			r := wire.NewReader(bytes.NewReader(row.b), wire.Screen)
			resets := 0
			for {
				typ, _, body, err := r.Next()
				must(t, err) // the last message is refused before the end
				a, err := g.take(typ, body)
				if err == nil {
					resets += b2i(a.kind == wire.TypeReset)
					continue
				}
				if forgiven := b2i(strings.HasSuffix(row.name, "twice")); resets != forgiven {
					t.Errorf("%d resets were asked for", resets)
				}
				if !errors.Is(err, wire.ErrMalformed) && !errors.Is(err, codec.ErrMalformed) {
					t.Errorf("refused with %v", err)
				}
				return
			}
		})
	}
}

func twice(b []byte) []byte { return append(bytes.Clone(b), b...) }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// visit runs a viewer until it ends.
func (h *falseHost) visit(t *testing.T) (*View, error) {
	t.Helper()
	key := newKey(t)
	v, err := NewView(ViewOptions{
		Key: key, Dialer: known{newNode(t, key), net.JoinHostPort("127.0.0.1", fmt.Sprint(h.node.Port()))}, Code: h.code,
		Window: screentest.NewGlass(), Events: func(Event) {}, Wants: looks | acts,
	})
	must(t, err)
	end := make(chan error, 1)
	go func() { end <- v.Run(h.ctx) }()
	select {
	case err := <-end:
		return v, err
	case <-time.After(15 * time.Second):
		v.End()
		<-end
		t.Fatal("the viewer goes on")
		return nil, nil
	}
}
