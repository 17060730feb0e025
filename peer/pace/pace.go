// Package pace decides how much may be on its way to one viewer and how many
// bytes the next frame may cost. It learns both from acknowledgements alone, so
// it holds on any path, also through a relay whose own connections would hide
// the true state of the line.
//
// The model is that of BBR (Cardwell and others, ACM Queue 14(5), 2016): the
// line is described by the largest delivery rate and the smallest round trip
// of the last seconds; what may be in flight is a little more than their
// product. Pictures are state and not data, so what may not be sent now is
// simply not encoded yet: there is no queue to fill.
//
// Nothing here reads a clock or starts a goroutine; the caller says what time
// it is. A Pacer belongs to one goroutine or to its owner's lock.
package pace

import "time"

const (
	// window is how long a measurement counts. BBR takes 10 s for both.
	window = 10 * time.Second
	// gain over the bandwidth-delay product (SECURITY-DESIGN, section 5): the
	// quarter is what discovers that the line has become faster.
	gainNum, gainDen = 5, 4
	// start is the first frame's budget before anything was measured, in bytes:
	// 0.2 s of a 5 Mbit/s line, and next to nothing on a LAN.
	start = 128 << 10
	// least keeps progress visible on the slowest line: one row of tiles of text.
	least = 8 << 10
	// most is a frame's largest budget, a quarter of what a message may hold.
	most = 4 << 20
	// slice is the time on the line that one frame may take: long enough to
	// be efficient, short enough that a key's echo does not wait long behind it.
	slice = 40 * time.Millisecond
	// telling is the smallest frame whose delivery says something about the
	// line's rate: less than this is dominated by the round trip.
	telling = 8 << 10
	// samples bounds the memory of measurements.
	samples = 32
	// flight bounds the frames that are remembered until acknowledged.
	flight = 64
)

// Pacer follows one stream of frames. The zero value is ready.
type Pacer struct {
	sent     [flight]sentFrame // ring, oldest at head
	head, n  int
	inFlight int // bytes
	lastAck  time.Time

	rates, trips ring
	smooth       time.Duration // mean round trip, 1/8 new
}

type sentFrame struct {
	number uint32
	bytes  int
	at     time.Time
}

// Sent notes that a frame of so many bytes was written at now.
func (p *Pacer) Sent(number uint32, bytes int, now time.Time) {
	if p.n == flight { // cannot be: Ready is false long before
		p.drop()
	}
	p.sent[(p.head+p.n)%flight] = sentFrame{number, bytes, now}
	p.n++
	p.inFlight += bytes
}

func (p *Pacer) drop() {
	p.inFlight -= p.sent[p.head].bytes
	p.head = (p.head + 1) % flight
	p.n--
}

// Shown notes the acknowledgement of a frame, and with it of all before it. It
// gives the frame's round trip, or false for a number that is not in flight
// (which a hostile viewer may well send).
func (p *Pacer) Shown(number uint32, now time.Time) (time.Duration, bool) {
	i, bytes := 0, 0
	for ; i < p.n; i++ {
		f := &p.sent[(p.head+i)%flight]
		bytes += f.bytes
		if f.number == number {
			break
		}
	}
	if i == p.n {
		return 0, false
	}
	f := p.sent[(p.head+i)%flight]
	trip := max(now.Sub(f.at), 0)
	p.trips.add(float64(trip), now)
	if p.smooth == 0 {
		p.smooth = trip
	}
	p.smooth += (trip - p.smooth) / 8
	p.measure(f, bytes, trip, now)
	for range i + 1 {
		p.drop()
	}
	p.lastAck = now
	return trip, true
}

// measure takes a sample of the delivery rate: the bytes since the last
// acknowledgement over the time between the two, if the line was busy then;
// else what the frame took beyond the bare round trip.
func (p *Pacer) measure(f sentFrame, bytes int, trip time.Duration, now time.Time) {
	if bytes < telling {
		return
	}
	took := trip - p.MinRTT()
	if p.lastAck.After(f.at) {
		took = now.Sub(p.lastAck)
	}
	took = max(took, trip/8, 200*time.Microsecond)
	p.rates.add(float64(bytes)/took.Seconds(), now)
}

// Ready tells whether another frame may be encoded and sent now.
func (p *Pacer) Ready() bool {
	if p.n == 0 {
		return true
	}
	return p.n < flight/2 && p.inFlight < p.Limit()
}

// Limit is how many bytes may be in flight: 1.25 times bandwidth times round
// trip. A single frame is always allowed (Ready).
func (p *Pacer) Limit() int {
	product := p.Rate() * p.MinRTT().Seconds()
	return max(int(product)*gainNum/gainDen, least)
}

// Budget is how many bytes the next frame may cost.
func (p *Pacer) Budget() int {
	rate := p.Rate()
	if rate == 0 {
		return start
	}
	return min(max(int(rate*slice.Seconds()), least), most)
}

// Rate is the largest delivery rate of the last 10 s in bytes per second, zero
// while none is known.
func (p *Pacer) Rate() float64 { return p.rates.best(func(a, b float64) bool { return a > b }) }

// MinRTT is the smallest round trip of a frame and its acknowledgement in the
// last 10 s: the path, the decoder and the viewer's screen. Zero: none yet.
func (p *Pacer) MinRTT() time.Duration {
	return time.Duration(p.trips.best(func(a, b float64) bool { return a < b }))
}

// RTT is a running mean of the round trips.
func (p *Pacer) RTT() time.Duration { return p.smooth }

// InFlight tells how many frames and bytes have not been acknowledged.
func (p *Pacer) InFlight() (frames, bytes int) { return p.n, p.inFlight }

// Forget starts afresh: the frames in flight were lost with their path, and
// what was learned of that path says nothing about the next.
func (p *Pacer) Forget() { *p = Pacer{} }

// ring keeps the last measurements with their time.
type ring struct {
	v    [samples]float64
	at   [samples]time.Time
	next int
	now  time.Time
}

func (r *ring) add(v float64, now time.Time) {
	r.v[r.next], r.at[r.next], r.now = v, now, now
	r.next = (r.next + 1) % samples
}

// best of those within the window; measured against the newest entry and not
// against a clock, so that silence does not make us forget the line.
func (r *ring) best(better func(a, b float64) bool) float64 {
	best, found := 0.0, false
	for i, at := range r.at {
		if at.IsZero() || r.now.Sub(at) > window {
			continue
		}
		if !found || better(r.v[i], best) {
			best, found = r.v[i], true
		}
	}
	return best
}
