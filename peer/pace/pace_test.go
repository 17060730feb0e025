package pace

import (
	"math/rand/v2"
	"testing"
	"time"
)

var t0 = time.Unix(1_000_000, 0)

func TestNothingKnown(t *testing.T) {
	var p Pacer
	if !p.Ready() || p.Budget() != start || p.Rate() != 0 || p.MinRTT() != 0 || p.Limit() < trickle {
		t.Errorf("%v %d %v %v %d", p.Ready(), p.Budget(), p.Rate(), p.MinRTT(), p.Limit())
	}
	p.Sent(1, start, t0)
	p.Sent(2, start, t0)
	if p.Ready() {
		t.Error("a third large frame before anything is known of the line")
	}
}

// TestHostileAcks: whatever a viewer acknowledges, nothing panics, no count
// goes wrong, and no more than the bound is in flight.
func TestHostileAcks(t *testing.T) {
	for seed := range uint64(10) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		var p Pacer
		now, number := t0, uint32(0)
		open := map[uint32]int{} // what must be in flight, by its full number
		for range 3000 {
			now = now.Add(time.Duration(rnd.IntN(30)-3) * time.Millisecond) // clocks go back, too
			if rnd.IntN(2) == 0 && p.Ready() {
				number++
				size := rnd.IntN(p.Budget() + 1)
				p.Sent(uint8(number), size, now)
				open[number] = size
			}
			ack := uint8(rnd.IntN(256))
			acked, known := uint32(0), false
			for n := range open {
				if uint8(n)%flight == ack%flight {
					acked, known = n, true
				}
			}
			if trip, ok := p.Shown(ack, now, time.Duration(rnd.IntN(100)-10)*time.Millisecond); ok != known || trip < 0 {
				t.Fatalf("acknowledged %d: %v %v, in flight %v", ack, trip, ok, known)
			} else if ok {
				for n := range open {
					if n <= acked {
						delete(open, n)
					}
				}
			}
			sum := 0
			for _, size := range open {
				sum += size
			}
			if n, bytes := p.InFlight(); n != len(open) || bytes != sum || n > mostFrames {
				t.Fatalf("%d frames, %d bytes in flight; should be %d, %d", n, bytes, len(open), sum)
			}
			if b := p.Budget(); b < least/2 || b > most && b != start {
				t.Fatalf("budget %d", b)
			}
			if p.Limit() < 0 || p.MinRTT() < 0 || p.Rate() < 0 {
				t.Fatalf("limit %d, RTT %v, rate %v", p.Limit(), p.MinRTT(), p.Rate())
			}
		}
	}
}

// TestNoAcks: a viewer that never answers is sent no more than the limit, and
// frames without size do not make it more.
func TestNoAcks(t *testing.T) {
	for _, size := range []int{0, 10, least, start} {
		var p Pacer
		n := uint8(0)
		for p.Ready() {
			n++
			p.Sent(n, size, t0)
		}
		if _, bytes := p.InFlight(); n > mostFrames || bytes > max(p.Limit(), size)+size {
			t.Errorf("frames of %d: %d sent, %d bytes in flight", size, n, bytes)
		}
	}
}

// TestSeveralAtOnce: one Take may give a frame for each picture, all of them
// sent without asking again.
func TestSeveralAtOnce(t *testing.T) {
	var p Pacer
	for n := range uint8(flight + 10) {
		p.Sent(n+1, 100, t0)
	}
	n, bytes := p.InFlight()
	if n != flight || bytes != flight*100 {
		t.Errorf("%d frames, %d bytes", n, bytes)
	}
	if _, ok := p.Shown(flight+10, t0.Add(time.Second), 0); !ok {
		t.Error("the newest is not known")
	}
	if n, bytes := p.InFlight(); n != 0 || bytes != 0 {
		t.Errorf("%d frames, %d bytes", n, bytes)
	}
}

func TestForget(t *testing.T) {
	var p Pacer
	p.Sent(1, 100<<10, t0)
	p.Shown(1, t0.Add(time.Second), 0)
	p.Sent(2, 100<<10, t0.Add(time.Second))
	p.Forget()
	if n, bytes := p.InFlight(); n != 0 || bytes != 0 || p.Rate() != 0 || p.MinRTT() != 0 || p.RTT() != 0 || !p.Ready() {
		t.Error("something is remembered")
	}
	if _, ok := p.Shown(2, t0.Add(2*time.Second), 0); ok {
		t.Error("a late acknowledgement of a frame that was forgotten")
	}
}

func BenchmarkSentShown(b *testing.B) {
	b.ReportAllocs()
	var p Pacer
	now := t0
	n := uint8(0)
	for b.Loop() {
		n++
		p.Sent(n, 10000, now)
		now = now.Add(10 * time.Millisecond)
		p.Shown(n, now, 0)
		p.Ready()
		p.Budget()
	}
}

// TestFilmOnLAN: while the viewer decodes a frame of a film the next one is
// encoded and sent, however large they are; a third one waits.
func TestFilmOnLAN(t *testing.T) {
	var p Pacer
	now := t0
	for n := range uint8(40) {
		p.Sent(n, 90<<10, now)
		now = now.Add(12 * time.Millisecond)
		p.Shown(n, now, 10*time.Millisecond)
		now = now.Add(21 * time.Millisecond)
	}
	for n := range uint8(2) {
		if !p.Ready() {
			t.Fatalf("with %d frames in flight the next is not let through", n)
		}
		p.Sent(40+n, 90<<10, now)
	}
	if p.Ready() {
		t.Error("a third frame would wait at the viewer")
	}
}
