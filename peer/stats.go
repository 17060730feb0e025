package peer

import (
	"sync/atomic"
	"time"

	"sightline/peer/link"
)

// traffic counts the bytes of a session's streams, as they are given to the
// link: sealed, with headers.
type traffic struct{ in, out atomic.Uint64 }

// count wraps a stream so that its bytes are counted.
func (t *traffic) count(s link.Stream) link.Stream { return &countedStream{s, t} }

type countedStream struct {
	link.Stream
	t *traffic
}

func (c *countedStream) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	c.t.in.Add(uint64(n))
	return n, err
}

func (c *countedStream) Write(p []byte) (int, error) {
	n, err := c.Stream.Write(p)
	c.t.out.Add(uint64(n))
	return n, err
}

// tally adds up what was sent since the last Stats event. No timer runs while
// nothing moves.
type tally struct {
	frames int
	encode time.Duration
	exact  bool
	began  time.Time
	timer  *time.Timer
}

// tellEach is how often Stats come while something moves.
const tellEach = time.Second

// count notes a frame that was sent and sees to it that Stats follow.
func (st *seat) count(p *picture, took time.Duration, exact bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.tally
	t.frames++
	t.encode += took
	t.exact = exact
	if t.timer == nil {
		t.began = time.Now()
		t.timer = time.AfterFunc(tellEach, func() { st.tell(p) })
	}
}

// tell emits Stats, and goes on for as long as frames come.
func (st *seat) tell(p *picture) {
	p.mu.Lock()
	t := &p.tally
	if t.timer == nil { // stopped meanwhile
		p.mu.Unlock()
		return
	}
	s := Stats{Seat: st.id, BytesOut: st.traffic.out.Load(), BytesIn: st.traffic.in.Load(), RTT: p.pacer.RTT(), Refined: t.exact}
	s.FPS = float64(t.frames) / time.Since(t.began).Seconds()
	if t.frames > 0 {
		s.Frame = t.encode / time.Duration(t.frames)
		t.timer.Reset(tellEach)
	} else {
		t.timer = nil
	}
	t.frames, t.encode, t.began = 0, 0, time.Now()
	p.mu.Unlock()
	st.mu.Lock()
	st.stats = s
	st.mu.Unlock()
	st.host.emit(s)
}

func (st *seat) stopCounting(p *picture) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tally.timer != nil {
		p.tally.timer.Stop()
		p.tally.timer = nil
	}
}
