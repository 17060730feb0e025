package peer

import (
	"bytes"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sightline/peer/secure"
	"sightline/peer/wire"
	"sightline/screen"
)

// cutIn is how soon a cut is whole.
const cutIn = 200 * time.Millisecond

// types presses and lifts a key every 10 ms until its stream ends.
func (g *guest) types(s *secure.Sealed) {
	for seq := uint32(1); g.keys(s, seq, "k") == nil; seq += 2 {
		time.Sleep(10 * time.Millisecond)
	}
}

// pressed counts the keys that went down.
func (h *hall) pressed() (n int) {
	for _, e := range h.hands.Events() {
		if k, ok := e.(screen.Key); ok && k.Down {
			n++
		}
	}
	return n
}

// TestCut: after a kick, the panic key or a stop nothing leaves the host for that
// viewer and nothing it does is done, however long it goes on; after a pause no
// picture does, and what follows goes on.
func TestCut(t *testing.T) {
	for name, row := range map[string]struct {
		cut    func(*hall, *guest)
		reason wire.Reason
		others bool // go on
	}{
		"kick":      {func(h *hall, g *guest) { h.host.Kick(g.seat) }, wire.ByKick, true},
		"panic key": {func(h *hall, g *guest) { h.panic <- struct{}{} }, wire.PanicKey, false},
		"stop":      {func(h *hall, g *guest) { go h.host.dismiss(lastWord(errStopped)) }, wire.Stopped, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(t)
				h.open(2)
				other := h.enter()
				go other.hears()
				other.looks()
				g := h.enter()
				g.looks()
				last := make(chan wire.Farewell, 1)
				go func() { last <- g.hears() }()
				go g.types(g.hands())
				time.Sleep(3 * time.Second)
				before, sent := h.pressed(), g.host.sent.Load()
				if before < 100 || sent < 10_000 {
					t.Fatalf("%d keys and %d bytes before the cut", before, sent)
				}
				row.cut(h, g)
				synctest.Wait()
				pressed := h.pressed()
				time.Sleep(cutIn)
				sent, seen := g.host.sent.Load(), other.frames.Load()
				time.Sleep(15 * time.Second)
				if n := h.pressed() - pressed; n != 0 {
					t.Errorf("%d keys after the cut", n)
				}
				if n := g.host.sent.Load() - sent; n != 0 {
					t.Errorf("%d bytes left the host for that viewer", n)
				}
				if f := <-last; f.Reason != row.reason {
					t.Errorf("the viewer was told %+v", f)
				}
				if goes := other.frames.Load() > seen+500; goes != row.others {
					t.Errorf("the other saw %d frames more", other.frames.Load()-seen)
				}
			})
		})
	}
}

// TestPauseCuts: no byte of a picture and no key while the host is paused.
func TestPauseCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		h.open(1)
		g := h.enter()
		go g.hears()
		const screenStream = 1 // after the handshake's
		g.looks()
		go g.types(g.hands())
		time.Sleep(3 * time.Second)
		h.host.Pause(true)
		synctest.Wait()
		pressed := h.pressed()
		time.Sleep(cutIn)
		sent := g.left(screenStream)
		time.Sleep(15 * time.Second)
		if keys, bytes := h.pressed()-pressed, g.left(screenStream)-sent; keys != 0 || bytes != 0 {
			t.Errorf("%d keys, %d bytes of pictures in a pause", keys, bytes)
		}
		h.host.Pause(false)
		time.Sleep(3 * time.Second)
		if keys, bytes := h.pressed()-pressed, g.left(screenStream)-sent; keys == 0 || bytes == 0 {
			t.Errorf("%d keys, %d bytes of pictures after the pause", keys, bytes)
		}
	})
}

// TestKickedKeys: a kicked viewer's keys open nothing that is sent later, its
// code and its resume key let nobody in. // F6
func TestKickedKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		h.open(2)
		stays, goes := h.enter(), h.enter()
		for _, g := range []*guest{stays, goes} {
			go g.hears() // and never acknowledges the last word
			g.hands()
		}
		if _, err := goes.conn.Open(t.Context()); err != nil { // a stream that never says what it is
			t.Fatal(err)
		}
		must(t, h.host.Kick(goes.seat))
		time.Sleep(cutIn)
		synctest.Wait()
		if _, denied := h.denied.Load(goes.id); !denied {
			t.Error("the kicked peer may knock again after 200 ms")
		}

		// The other's next stream is written down from its first byte on. It is
		// its second, as the forged one is of the kicked: the same number and the
		// same counter, other keys.
		var heard tape
		stays.host.record(heard.Write)
		stays.looks()
		time.Sleep(time.Second)
		if stays.frames.Load() == 0 {
			t.Fatal("the other sees nothing")
		}
		forged, err := goes.s.Seal(&played{Reader: bytes.NewReader(heard.bytes())}, wire.Screen)
		if err == nil {
			var plain []byte
			plain, err = io.ReadAll(forged)
			if len(plain) > 0 {
				t.Errorf("%d bytes of the other's pictures with the keys of the kicked", len(plain))
			}
		}
		if err == nil {
			t.Error("the other's stream ended well for the kicked")
		}

		if _, err := h.knock(h.number); err == nil {
			t.Error("the code of the kicked viewer lets in")
		}
		if _, err := h.visit(goes.me, goes.id, secure.WithResume(goes.accept.Session, goes.accept.Resume)); err == nil {
			t.Error("the kicked viewer has resumed")
		}
	})
}

// tape writes down what passes.
type tape struct {
	mu sync.Mutex
	b  []byte
}

func (w *tape) Write(p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b = append(w.b, p...)
}

func (w *tape) bytes() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Clone(w.b)
}

// played is a stream that plays a tape.
type played struct {
	tube
	io.Reader
}

func (p *played) Read(b []byte) (int, error)       { return p.Reader.Read(b) }
func (p *played) Write(b []byte) (int, error)      { return len(b), nil }
func (p *played) Close() error                     { return nil }
func (p *played) Reset() error                     { return nil }
func (p *played) SetDeadline(time.Time) error      { return nil }
func (p *played) SetReadDeadline(time.Time) error  { return nil }
func (p *played) SetWriteDeadline(time.Time) error { return nil }

// TestStalledAmongSixteen: one viewer of 16 reads nothing any more; the others
// see as many frames as if it were not there.
func TestStalledAmongSixteen(t *testing.T) {
	frames := func(stalled int) (least, most int64) {
		synctest.Test(t, func(t *testing.T) {
			h := newHall(t)
			h.open(16)
			var all []*guest
			for i := range 16 {
				g := h.enter()
				go g.hears()
				if i < stalled {
					g.watch().say(wire.TypeHide, []byte{0}) // and never reads
					continue
				}
				g.looks()
				all = append(all, g)
			}
			time.Sleep(3 * time.Second)
			least, most = 1<<62, 0
			for _, g := range all {
				g.frames.Store(0)
			}
			time.Sleep(4 * time.Second)
			for _, g := range all {
				n := g.frames.Load()
				least, most = min(least, n), max(most, n)
			}
		})
		return least, most
	}
	well, _ := frames(0)
	least, most := frames(1)
	t.Logf("%d frames in 4 s; with one stalled %d to %d", well, least, most)
	if well < 100 || least < well*95/100 {
		t.Errorf("%d frames each, %d beside a stalled viewer", well, least)
	}
}
