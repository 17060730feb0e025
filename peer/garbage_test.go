package peer

import (
	"bytes"
	"image"
	"io"
	"testing"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/codec"
)

// shower is a line without length: what it is given is shown at once.
type shower struct {
	p    *picture
	body [8]byte
}

func (s *shower) Write(b []byte) (int, error) {
	s.p.heard(wire.TypeShown, wire.ShownFrame{Number: s.p.number}.Append(s.body[:0]))
	return len(b), nil
}

// still is an encoder that needs no memory of its own.
type still struct{ bytes [100]byte }

func (e *still) Encode(dst []byte, _ *screen.Change, _ codec.Budget) ([]byte, screen.Region, error) {
	return append(dst, e.bytes[:]...), nil, nil
}
func (*still) Reset()                      {}
func (*still) Exact(screen.PictureID) bool { return true }

// TestShowNoGarbage: from the canvas to the stream, a frame and its
// acknowledgement leave nothing to the garbage collector.
func TestShowNoGarbage(t *testing.T) {
	h := &Host{hands: newHands(nil), o: HostOptions{Events: func(Event) {}}}
	st := &seat{host: h, grants: wire.View, traffic: &traffic{}}
	p := &st.picture
	p.init()
	out := newBehind(&shower{p: p})
	defer out.Close()
	f := screen.NewFrame(image.Rect(0, 0, 640, 480))
	h.canvas.Update(&screen.Change{Layout: &screen.Layout{Pictures: []screen.Picture{{Rect: f.Rect}}}, Frame: f, Damage: screen.Region{f.Rect}})
	newCast(&still{}, h.canvas.Tap(), nil, p)
	defer p.leave()
	defer st.stopCounting(p)
	change := &screen.Change{Frame: f, Damage: screen.Region{image.Rect(10, 10, 100, 30)}, Cursor: &screen.Cursor{}}
	step := func() {
		h.canvas.Update(change)
		if did, _, err := st.paintOnce(out, p); !did || err != nil {
			t.Fatal(did, err)
		}
		st.alive()
	}
	for range 3 {
		step()
	}
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations for each frame", n)
	}
}

// pane is a window that takes everything.
type pane struct{ screen.Window }

func (pane) Draw(screen.PictureID, *screen.Frame, screen.Region) error { return nil }
func (pane) Layout(*screen.Layout) error                               { return nil }

// TestPaintNoGarbage is the same for the viewer's side, without the decoder:
// its frames are those of a stream that shows the same again and again.
func TestPaintNoGarbage(t *testing.T) {
	v := &View{glass: newGlass(pane{}, screen.State{}), o: ViewOptions{Events: func(Event) {}}}
	_, err := v.glass.take(wire.TypeLayout, wire.AppendLayout(nil, []wire.PictureInfo{{W: 64, H: 48}}))
	must(t, err)
	f := screen.NewFrame(image.Rect(0, 0, 64, 48))
	v.glass.dec = fixedPicture{f, screen.Region{f.Rect}}
	msg := wire.FinishFrame(append(wire.BeginFrame(nil), 1, 2, 3), 0, wire.FrameHead{Number: 1})
	out := newScreenOut(io.Discard)
	defer out.end()
	in := &again{msg: msg}
	r := wire.NewReader(in, wire.Screen)
	step := func() {
		typ, _, body, err := r.Next()
		must(t, err)
		a, err := v.glass.take(typ, body)
		must(t, err)
		a.head.Ask = true
		must(t, out.answer(a))
		v.noteFrame()
		v.tell()
	}
	for range 3 {
		step()
	}
	v.glass.began = time.Now() // no Stats while it is measured
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations for each frame", n)
	}
}

// fixedPicture decodes everything into the same picture.
type fixedPicture struct {
	f *screen.Frame
	r screen.Region
}

func (d fixedPicture) Decode([]byte) (screen.PictureID, *screen.Frame, screen.Region, error) {
	return 0, d.f, d.r, nil
}
func (fixedPicture) Keep(*screen.Layout) {}

// again gives one message for ever.
type again struct {
	msg []byte
	r   bytes.Reader
}

func (a *again) Read(p []byte) (int, error) {
	if a.r.Len() == 0 {
		a.r.Reset(a.msg)
	}
	return a.r.Read(p)
}

// TestInputNoGarbage: a key that is sent, applied and acknowledged.
func TestInputNoGarbage(t *testing.T) {
	near, far := newLine(wire.Input), newLine(wire.Input)
	near.current, far.current = &turn{}, &turn{}
	var body, ack [8]byte
	handle := func(wire.Type, []byte) error { return nil }
	n := uint32(0)
	step := func() {
		n++
		if err := near.Send(wire.TypeKey, wire.KeyInput{Sym: 'a', Down: n%2 == 1}.Append(body[:0])); err != nil {
			t.Fatal(err)
		}
		must(t, far.take(wire.TypeKey, n, body[:5], handle))
		must(t, near.take(wire.TypeInputAck, 0, wire.AppendAck(ack[:0], n), handle))
		for _, l := range [...]*line{near, far} { // written, as it were
			l.mu.Lock()
			l.pending = l.pending[:0]
			l.mu.Unlock()
		}
	}
	for range 20 {
		step()
	}
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations for each key", n)
	}
}
