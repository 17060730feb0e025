package pace

import (
	"math/rand/v2"
	"testing"
	"time"
)

// line is a simulated path: what is written to it leaves at the rate of that
// moment, one byte after the other, and is acknowledged one round trip later.
// It knows no real clock.
type line struct {
	rate func(now time.Duration) float64 // bytes per second
	rtt  time.Duration                   // of an empty line
	// made is what the screen changed by now, in bytes of a frame, since the
	// last frame was taken; 0: nothing to send.
	made func(now, last time.Duration) int

	late   func() time.Duration         // what the viewer's machine adds
	decode func(size int) time.Duration // what it needs for a frame, one after the other
	drawn  time.Duration                // it is busy until then

	p        Pacer
	epoch    time.Time
	busy     time.Duration // the line is busy until then
	flying   []frame
	held     []frame // arrived, not acknowledged yet
	number   uint32
	last     time.Duration // when a frame was taken
	log      []frame
	peak     int           // largest number of bytes in flight since the last reset
	frames   int           // largest number of frames in flight
	blocked  time.Duration // how long a frame was ready and not let through, at most
	waiting  time.Duration
	observed func(now time.Duration)
}

type frame struct {
	number     uint32
	size       int
	sent, back time.Duration
	took       time.Duration
	ask        bool
}

const step = time.Millisecond

// run plays the line until the given time. Steps of 1 ms are finer than any
// time that matters here.
func (l *line) run(from, until time.Duration) {
	if l.epoch.IsZero() {
		l.epoch = time.Unix(1_000_000, 0)
	}
	for now := from; now < until; now += step {
		for len(l.flying) > 0 && l.flying[0].back <= now {
			f := l.flying[0]
			l.flying = l.flying[1:]
			l.held = append(l.held, f)
			if f.ask {
				l.acknowledge()
			}
		}
		if len(l.held) > 0 && now-l.held[0].back >= time.Second {
			l.acknowledge()
		}
		want := l.made(now, l.last)
		if want == 0 {
			l.waiting = now
		}
		for want > 0 && l.p.Ready() {
			size := min(want, l.p.Budget())
			l.send(now, size)
			l.waiting, l.last = now, now
			want = l.made(now, l.last)
		}
		l.blocked = max(l.blocked, now-l.waiting)
		if l.observed != nil {
			l.observed(now)
		}
	}
}

// acknowledge tells the pacer of all that arrived, as a viewer does that
// merges what nobody waits for.
func (l *line) acknowledge() {
	newest := l.held[len(l.held)-1]
	if _, ok := l.p.Shown(uint8(newest.number), l.epoch.Add(newest.back), newest.took); !ok {
		panic("an honest acknowledgement was not understood")
	}
	l.log = append(l.log, l.held...)
	l.held = l.held[:0]
}

func (l *line) send(now time.Duration, size int) {
	l.number++
	ask := l.p.Ask(size)
	l.p.Sent(uint8(l.number), size, l.epoch.Add(now))
	l.busy = max(l.busy, now) + time.Duration(float64(size)/l.rate(now)*1e9)
	back := l.busy + l.rtt
	if l.late != nil {
		back += l.late()
	}
	if n := len(l.flying); n > 0 {
		back = max(back, l.flying[n-1].back)
	}
	var took time.Duration
	if l.decode != nil {
		took = l.decode(size)
		back = max(back, l.drawn) + took
		l.drawn = back
	}
	l.flying = append(l.flying, frame{l.number, size, now, back, took, ask})
	n, bytes := l.p.InFlight()
	l.peak, l.frames = max(l.peak, bytes), max(l.frames, n)
}

// delivered counts the bytes acknowledged in a span of time.
func (l *line) delivered(from, until time.Duration) (n int) {
	for _, f := range l.log {
		if f.back >= from && f.back < until {
			n += f.size
		}
	}
	return n
}

// steady is a line whose rate does not change, in bit/s.
func steady(bits float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return bits / 8 }
}

// always: the screen changes faster than any line (a film in full screen).
func always(time.Duration, time.Duration) int { return most }

var lines = []struct {
	name string
	bits float64
	rtt  time.Duration
	// converged is when everything must have been learned.
	converged time.Duration
}{
	{"256 kbit/s 500 ms", 256e3, 500 * time.Millisecond, 15 * time.Second},
	{"5 Mbit/s 100 ms", 5e6, 100 * time.Millisecond, 5 * time.Second},
	{"100 Mbit/s 1 ms", 100e6, time.Millisecond, 2 * time.Second},
	{"50 Mbit/s 30 ms", 50e6, 30 * time.Millisecond, 4 * time.Second},
	{"20 Mbit/s 40 ms", 20e6, 40 * time.Millisecond, 4 * time.Second},
	{"20 Mbit/s 600 ms", 20e6, 600 * time.Millisecond, 15 * time.Second},
}

func TestBusyLine(t *testing.T) {
	for _, row := range lines {
		t.Run(row.name, func(t *testing.T) {
			c := row.bits / 8
			l := &line{rate: steady(row.bits), rtt: row.rtt, made: always}
			l.run(0, row.converged)
			l.peak = 0
			end := row.converged + 30*time.Second
			l.run(row.converged, end)
			frame := max(int(c*slice.Seconds()), least)
			if bound := int(1.25*c*row.rtt.Seconds()) + frame; float64(l.peak) > 1.1*float64(bound) {
				t.Errorf("%d bytes in flight, 1.25 x bandwidth x RTT + one frame are %d", l.peak, bound)
			}
			if r := l.p.Rate(); r < 0.7*c || r > 1.2*c {
				t.Errorf("rate %.0f, the line has %.0f bytes/s", r, c)
			}
			share := c * slice.Seconds()
			if row.rtt >= far {
				share = min(share, gain*c*row.rtt.Seconds()/2)
			}
			if b := l.p.Budget(); b < int(0.7*share) || b > int(1.2*float64(frame)) {
				t.Errorf("budget %d, the line carries %d in %v", b, frame, slice)
			}
			if used := float64(l.delivered(row.converged, end)) / (c * 30); used < 0.9 {
				t.Errorf("the line was used to %.0f %%", 100*used)
			}
			if l.frames > mostFrames {
				t.Errorf("%d frames in flight", l.frames)
			}
			t.Logf("rate %.2f of the line, in flight %d, RTT %v, budget %d, used %.2f", l.p.Rate()/c, l.peak, l.p.MinRTT(), l.p.Budget(), float64(l.delivered(row.converged, end))/(c*30))
		})
	}
}

// TestStart: until something is known, no more than one frame is on its way,
// and it does not keep a slow line busy for many seconds.
func TestStart(t *testing.T) {
	l := &line{rate: steady(256e3), rtt: 500 * time.Millisecond, made: always}
	l.run(0, 10*time.Second)
	for _, f := range l.log[:min(len(l.log), 5)] {
		if d := f.back - f.sent; d > 3*time.Second {
			t.Errorf("frame %d of %d bytes took %v", f.number, f.size, d)
		}
	}
}

// TestRateFalls: a line that falls to a tenth (a phone leaves the WLAN) is
// learned within some seconds, and the queue it causes goes away.
func TestRateFalls(t *testing.T) {
	for _, row := range []struct {
		name string
		bits float64
		rtt  time.Duration
	}{{"5 Mbit/s", 5e6, 100 * time.Millisecond}, {"100 Mbit/s", 100e6, time.Millisecond}, {"50 Mbit/s", 50e6, 30 * time.Millisecond}} {
		t.Run(row.name, func(t *testing.T) {
			const falls = 10 * time.Second
			c := row.bits / 8
			l := &line{rtt: row.rtt, made: always, rate: func(now time.Duration) float64 {
				if now >= falls {
					return c / 10
				}
				return c
			}}
			l.run(0, falls)
			l.run(falls, falls+8*time.Second)
			l.peak = 0
			l.run(falls+8*time.Second, falls+30*time.Second)
			frame := max(int(c/10*slice.Seconds()), least)
			if bound := int(1.25*c/10*row.rtt.Seconds()) + frame; float64(l.peak) > 1.2*float64(bound) {
				t.Errorf("%d bytes in flight, bound %d", l.peak, bound)
			}
			if r := l.p.Rate(); r < 0.06*c || r > 0.13*c {
				t.Errorf("rate %.0f, the line has %.0f bytes/s", r, c/10)
			}
			worst := time.Duration(0)
			for _, f := range l.log {
				worst = max(worst, f.back-f.sent)
			}
			if worst > 3*time.Second {
				t.Errorf("a frame took %v", worst)
			}
			t.Logf("worst %v, in flight %d", worst, l.peak)
		})
	}
}

// TestRateRises: a line that becomes ten times faster is used after a while.
func TestRateRises(t *testing.T) {
	const rises = 10 * time.Second
	l := &line{rtt: 50 * time.Millisecond, made: always, rate: func(now time.Duration) float64 {
		if now >= rises {
			return 50e6 / 8
		}
		return 5e6 / 8
	}}
	l.run(0, rises)
	l.run(rises, rises+20*time.Second)
	if used := float64(l.delivered(rises+10*time.Second, rises+20*time.Second)) / (50e6 / 8 * 10); used < 0.7 {
		t.Errorf("the faster line is used to %.0f %%", 100*used)
	}
}

// TestTyping: small frames (the echo of a key, 400 bytes, 20 a second) are
// never held back, on any line that can carry them, also after a busy time.
func TestTyping(t *testing.T) {
	for _, row := range lines {
		t.Run(row.name, func(t *testing.T) {
			film := true
			l := &line{rate: steady(row.bits), rtt: row.rtt}
			l.decode = func(n int) time.Duration { return time.Millisecond + time.Duration(n)*100*time.Nanosecond }
			l.made = func(now, last time.Duration) int {
				switch {
				case film && now < row.converged:
					return most
				case now-last >= 50*time.Millisecond:
					return 400
				}
				return 0
			}
			l.run(0, row.converged+2*time.Second) // and the film's frames have left
			l.blocked = 0
			l.run(row.converged+2*time.Second, row.converged+40*time.Second)
			if l.blocked > 0 {
				t.Errorf("a small frame was held back for %v", l.blocked)
			}
			if r := l.p.Rate(); r > 1.3*row.bits/8 {
				t.Errorf("typing made the line look faster than it is: %.0f of %.0f", r, row.bits/8)
			}
		})
	}
}

// TestBusyViewer: while the encoder gives little and the viewer's machine is
// late now and then, the line does not seem to become slower and slower.
func TestBusyViewer(t *testing.T) {
	const begins = 4 * time.Second
	rnd := rand.New(rand.NewPCG(1, 2))
	busy := false
	l := &line{rate: steady(20e6), rtt: 40 * time.Millisecond}
	l.late = func() time.Duration {
		if !busy {
			return 0
		}
		return time.Duration(rnd.IntN(40)) * time.Millisecond
	}
	l.made = func(now, last time.Duration) int {
		switch {
		case now < begins:
			return most
		case now-last >= 35*time.Millisecond:
			return int(l.p.IdleBudget()) / 4
		}
		return 0
	}
	l.run(0, begins+time.Second)
	busy = true
	l.run(begins+time.Second, begins+40*time.Second)
	if r := l.p.Rate(); r < 0.8*20e6/8 {
		t.Errorf("rate %.0f, the line has %.0f bytes/s", r, 20e6/8)
	}
}

// TestBursts: now and then a large change (a page is scrolled) between typing.
func TestBursts(t *testing.T) {
	for _, row := range lines {
		t.Run(row.name, func(t *testing.T) {
			c := row.bits / 8
			owed := 0
			lastBurst, lastTyped := time.Duration(0), time.Duration(0)
			l := &line{rate: steady(row.bits), rtt: row.rtt}
			l.made = func(now, _ time.Duration) int {
				if now-lastBurst >= 4*time.Second {
					lastBurst, owed = now, int(c/2) // half a second of the line
				}
				if now-lastTyped >= 100*time.Millisecond {
					lastTyped = now
					owed = max(owed, 300)
				}
				return owed
			}
			l.observed = func(time.Duration) {}
			// What was sent is no longer owed.
			sent := uint32(0)
			made := l.made
			l.made = func(now, last time.Duration) int {
				if l.number > sent {
					owed = max(owed-l.flying[len(l.flying)-1].size, 0)
					sent = l.number
				}
				return made(now, last)
			}
			l.run(0, 20*time.Second)
			l.peak = 0
			l.run(20*time.Second, 60*time.Second)
			frame := max(int(c*slice.Seconds()), least)
			if bound := int(1.25*c*row.rtt.Seconds()) + frame; float64(l.peak) > 1.2*float64(bound) {
				t.Errorf("%d bytes in flight, bound %d", l.peak, bound)
			}
			if r := l.p.Rate(); r < 0.4*c || r > 1.25*c {
				t.Errorf("rate %.0f, the line has %.0f bytes/s", r, c)
			}
		})
	}
}

// TestDecoding: a viewer that needs time for each frame is no slow line. The line
// is used as far as the viewer keeps up, and what it does not keep up with is not
// sent to wait there.
func TestDecoding(t *testing.T) {
	const rtt = 40 * time.Millisecond
	for _, row := range []struct {
		name   string
		bits   float64
		decode func(size int) time.Duration
		used   float64       // of what line and viewer can take, at least
		worst  time.Duration // from sent to shown
	}{
		{"in half of the line's time", 20e6, func(n int) time.Duration { return time.Duration(n) * 200 * time.Nanosecond }, 0.85, 150 * time.Millisecond},
		{"slower than the line", 20e6, func(n int) time.Duration { return time.Duration(n) * 800 * time.Nanosecond }, 0.85, 250 * time.Millisecond},
		{"50 ms for each", 200e6, func(int) time.Duration { return 50 * time.Millisecond }, 0, 250 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := row.bits / 8
			l := &line{rate: steady(row.bits), rtt: rtt, decode: row.decode}
			const warm, end = 5 * time.Second, 15 * time.Second
			// Small frames first: they tell nothing of the line. Then a photograph that is refined.
			l.made = func(now, last time.Duration) int {
				switch {
				case now > warm:
					return l.p.IdleBudget()
				case now-last >= 33*time.Millisecond:
					return 12000
				}
				return 0
			}
			l.run(0, end)
			from := warm + time.Second
			can := c * (end - from).Seconds()
			if d := row.decode(1e6); d.Seconds() > 1e6/c {
				can = 1e6 / d.Seconds() * (end - from).Seconds()
			}
			if used := float64(l.delivered(from, end)) / can; used < row.used {
				t.Errorf("used to %.0f %%", 100*used)
			}
			for _, f := range l.log {
				if d := f.back - f.sent; d > row.worst && f.sent > from {
					t.Fatalf("a frame of %d bytes was shown %v after it was sent", f.size, d)
				}
			}
		})
	}
}
