package x11

import (
	"bufio"
	"bytes"
	"errors"
	"image"
	"io"
	"net"
	"testing"
	"time"
)

// FuzzAsker: whatever a server answers, an asker returns, keeps boxes within the
// screen and takes no more memory than it asked for.
func FuzzAsker(f *testing.F) {
	reply := func(seq byte, words byte, rest ...byte) []byte {
		b := append([]byte{1, 1, seq, 0, words, 0, 0, 0}, make([]byte, 24+4*int(words))...)
		copy(b[32:], rest)
		return b
	}
	f.Add([]byte{})
	f.Add(append(reply(3, 2, 1, 0, 2, 0, 30, 0, 40, 0), reply(4, 0)...))
	f.Add(append([]byte{0, 8, 3, 0}, make([]byte, 28)...))                                      // an error
	f.Add(append([]byte{0, 9, 1, 0}, append(make([]byte, 28), reply(3, 0)...)...))              // of an earlier request
	f.Add(append([]byte{35, 0, 0, 0, 1, 0, 0, 0}, append(make([]byte, 28), reply(3, 5)...)...)) // an event with a tail
	f.Add(reply(3, 255))
	f.Add([]byte("\x01\x00\x03\x00\xff\xff\xff\xff........................"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		area := image.Rect(0, 0, 640, 480)
		for _, ask := range []func(*asker){
			func(a *asker) {
				boxes, err := a.take(1, 1, area)
				for _, b := range boxes {
					if err == nil && (!b.In(area) || b.Empty()) {
						t.Errorf("box %v", b)
					}
				}
				if len(boxes) > 64 {
					t.Errorf("%d boxes", len(boxes))
				}
			},
			func(a *asker) { a.pointer(1); a.pointer(1) },
			func(a *asker) { a.readImage(1, image.Rect(0, 0, 4, 4), make([]byte, 64)) },
			func(a *asker) { a.agree() },
			func(a *asker) { a.hear(func() {}) },
		} {
			a := &asker{pen: &pen{c: deadEnd{}, r: bufio.NewReader(bytes.NewReader(answer))}, damage: 9, fixes: 8, heard: 91}
			ask(a)
		}
	})
}

// deadEnd takes what is written.
type deadEnd struct{ net.Conn }

func (deadEnd) Write(p []byte) (int, error) { return len(p), nil }

// Errors of requests that nobody waits for are told with the next reply, and the
// replies after them are read as what they are.
func TestAskerKeepsStep(t *testing.T) {
	x := startX(t, "320x200x24")
	a, err := newAsker(x.display, "")
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	a.c.SetDeadline(time.Now().Add(patience))
	a.empty(0x12345) // there is no such damage
	var refused *xError
	if _, err := a.pointer(a.root(t, x)); !errors.As(err, &refused) || refused.bad != 0x12345 {
		t.Errorf("the error is %v", err)
	}
	buf := make([]byte, 4*320*200)
	if err := a.readImage(a.root(t, x), image.Rect(300, 0, 330, 10), buf); !errors.As(err, &refused) || !refused.outside() {
		t.Errorf("pixels from outside: %v", err)
	}
	if err := a.readImage(a.root(t, x), image.Rect(0, 0, 320, 200), buf); err != nil {
		t.Error(err)
	}
	if err := a.readImage(a.root(t, x), image.Rect(0, 0, 10, 10), buf[:100]); err != nil { // the rest is left
		t.Error(err)
	}
	if w, err := a.pointer(a.root(t, x)); err != nil || !w.here || !w.at.In(image.Rect(0, 0, 320, 200)) {
		t.Errorf("the pointer is at %v, %v", w, err)
	}
	// A damage object that has gone, while there is still something to fetch and the
	// answers to all that follows are on their way: a window was closed.
	p := x.painter(t)
	if err := a.attend(uint32(p.x.root)); err != nil {
		t.Fatal(err)
	}
	p.fill(image.Rect(5, 5, 20, 20), 7)
	p.x.Sync()
	if boxes, err := a.take(a.watch, uint32(p.x.root), image.Rect(0, 0, 320, 200)); err != nil || len(boxes) == 0 {
		t.Fatal(boxes, err)
	}
	if _, err := a.take(0x12345, uint32(p.x.root), image.Rect(0, 0, 320, 200)); !errors.As(err, &refused) {
		t.Errorf("damage that is gone: %v", err)
	}
	if err := a.do(); err != nil {
		t.Errorf("after it: %v", err)
	}
	if w, err := a.pointer(uint32(p.x.root)); err != nil || !w.here {
		t.Errorf("the pointer is at %v, %v", w, err)
	}
	x.stop()
	if _, err := a.pointer(1); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a server that is gone: %v", err)
	}
}

func (a *asker) root(t *testing.T, x *server) uint32 {
	t.Helper()
	c, err := connect(x.display, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.drain()
	defer c.close()
	return uint32(c.root)
}
