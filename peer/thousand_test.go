package peer

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"sightline/peer/secure"
	"sightline/peer/wire"
)

// endings are the ways in which a session, or the right to act, is over. Each
// leaves whatever was held down to the host.
var endings = []struct {
	name string
	do   func(h *hall, g *guest, input *secure.Sealed)
}{
	{"goodbye", func(_ *hall, g *guest, _ *secure.Sealed) {
		g.say(wire.TypeBye, 1, wire.Farewell{Reason: wire.ByRequest}.Append(nil))
	}},
	{"path lost", func(_ *hall, g *guest, _ *secure.Sealed) { g.conn.Close() }},
	{"silence", func(*hall, *guest, *secure.Sealed) { time.Sleep(deadIn + 2*pingEach) }},
	{"let go", func(_ *hall, _ *guest, in *secure.Sealed) {
		in.Write(wire.Append(nil, wire.Input, wire.TypeRelease, 9, nil))
	}},
	{"half a key", func(_ *hall, g *guest, in *secure.Sealed) {
		b := wire.Append(nil, wire.Input, wire.TypeKey, 9, wire.KeyInput{Sym: 'z', Down: true}.Append(nil))
		in.Write(b[:len(b)-2])
		g.conn.Close()
	}},
	{"nonsense", func(_ *hall, _ *guest, in *secure.Sealed) { in.Write([]byte{0xff, 0, 0, 9, 9}) }},
	{"kick", func(h *hall, g *guest, _ *secure.Sealed) { h.host.Kick(g.seat) }},
	{"rights taken", func(h *hall, g *guest, _ *secure.Sealed) { h.host.Grant(g.seat, looks) }},
	{"pause", func(h *hall, _ *guest, _ *secure.Sealed) { h.host.Pause(true) }},
	{"panic key", func(h *hall, _ *guest, _ *secure.Sealed) { h.panic <- struct{}{} }},
	{"a question", func(h *hall, _ *guest, _ *secure.Sealed) { h.host.freezeInput(+1); h.host.freezeInput(-1) }},
	{"the host stops", func(h *hall, _ *guest, _ *secure.Sealed) { h.host.dismissSeated(wire.Farewell{Reason: wire.Stopped}) }},
}

// TestThousandEnds: 1,000 sessions ended in random ways, with keys and buttons
// held: none is down afterwards.
func TestThousandEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		rng := rand.New(rand.NewPCG(1, 1000))
		held := 0
		for range 1000 {
			h.open(1)
			g := h.enter()
			go g.hears()
			input := g.hands()
			seq := uint32(1)
			for range rng.IntN(3) + 1 {
				k := wire.KeyInput{Sym: uint32('a' + rng.IntN(26)), Down: true}
				must(t, write(input, wire.TypeKey, seq, k.Append(nil)))
				seq++
			}
			must(t, write(input, wire.TypePointer, seq, wire.PointerInput{X: 9, Y: 9, Buttons: uint8(rng.IntN(8))}.Append(nil)))
			synctest.Wait()
			if keys, buttons := h.hands.Held(); keys+buttons > 0 {
				held++
			}
			way := endings[rng.IntN(len(endings))]
			way.do(h, g, input)
			synctest.Wait()
			if keys, buttons := h.hands.Held(); keys+buttons > 0 {
				t.Fatalf("%s: %d keys and %d buttons stay down", way.name, keys, buttons)
			}
			h.clear(g)
		}
		if held != 1000 {
			t.Errorf("something was held in %d of 1,000 sessions", held)
		}
	})
}

func write(s *secure.Sealed, kind wire.Type, seq uint32, body []byte) error {
	_, err := s.Write(wire.Append(nil, s.Channel(), kind, seq, body))
	return err
}

// clear ends what is left of a session and makes the host as it was.
func (h *hall) clear(g *guest) {
	h.t.Helper()
	h.host.Pause(false)
	h.host.Kick(g.seat)
	g.conn.Close()
	time.Sleep(2 * time.Second) // also the second after a question
	synctest.Wait()
	if left := len(h.host.all()); left > 0 {
		h.t.Fatalf("%d seats are left", left)
	}
}
