// Package pace decides how much may be on its way to one viewer and how many
// bytes the next frame may cost. It learns both from acknowledgements alone, so
// it holds on any path, also through a relay whose own connections would hide
// the true state of the line.
//
// The model is that of BBR (Cardwell and others, ACM Queue 14(5), 2016): the
// line is described by the largest delivery rate and the smallest round trip of
// late; what may be in flight is a little more than their product. Pictures are
// state and not data, so what may not be sent now is simply not encoded yet:
// there is no queue to fill.
//
// A frame is large, unlike BBR's packets, and spends much of its round trip in
// being written:
//
//	sent ──► waits behind others ──► bytes/rate on the line ──► path ──► shown
//	         └ queue: our fault      └ of its own size          └ base
//
// so the path's own round trip (base) is the smallest trip less its frame's
// time on the line. What the viewer needs to decode and draw a frame it tells; it
// is no part of the path, or a busy viewer would pass for a slow line, but frames
// that wait for it are a queue like any other.
//
// Nothing here reads a clock or starts a goroutine; the caller says what time
// it is. A Pacer belongs to one goroutine or to its owner's lock.
package pace

import "time"

const (
	// window is how long a round trip counts, as in BBR.
	window = 10 * time.Second
	// A line is full when in flatRounds round trips its rate did not become
	// growing times what it was: BBR's numbers.
	growing    = 1.25
	flatRounds = 3
	// A rate counts for rateTrips round trips, as in BBR, but not less than
	// rateLeast: a desktop sends a few frames a second and not thousands of packets.
	rateTrips = 10
	rateLeast = time.Second
	// gain over the bandwidth-delay product (SECURITY-DESIGN, section 5): the
	// quarter is what discovers that the line has become faster. Until the line
	// was full once, the gain is firstGain, so that a fast and long line is
	// found in a few round trips; againGain if that is long ago.
	gain      = 1.25
	firstGain = 2
	againGain = 1.5
	// start is a frame's budget before anything was measured, in bytes: 1 s of
	// a 256 kbit/s line, 50 ms of a 5 Mbit/s line, and next to nothing on a LAN;
	// a photograph that fills the screen is recognised with it.
	start = 32 << 10
	// least keeps progress visible on the slowest line: half a row of tiles of
	// text, 125 ms of a 256 kbit/s line. Now and then, when the line is
	// measured, it is half of this.
	least = 4 << 10
	// trickle may always be in flight, in bytes: what a fast typist causes
	// within the longest round trip is never held back.
	trickle = 8 << 10
	// most is a frame's largest budget, a quarter of what a message may hold.
	most = 4 << 20
	// flightMost bounds what may be in flight on any line, in bytes.
	flightMost = 16 * most
	// slice is the time on the line that one frame may take: long enough to
	// be efficient, short enough that a key's echo does not wait long behind it.
	slice = 40 * time.Millisecond
	// far is the round trip from which on waiting for each frame before the
	// next would leave more than a fifth of the line unused.
	far = slice / 4
	// near is the round trip, decoding and all, up to which a second frame may
	// always follow the first: what is on the line is seen soon.
	near = 2 * slice
	// telling is the smallest amount whose delivery says something about the
	// line's rate: less than this is dominated by the round trip.
	telling = least / 2
	// shortest time that an amount can take; guards the division.
	shortest = 200 * time.Microsecond
	// flight bounds the frames that are remembered until acknowledged, and so
	// tells their numbers apart (wire.FrameNumbers).
	flight = 64
	// An acknowledgement costs two packets, as much as the frame of a typed
	// letter. It is asked for when what is in flight could tell something about
	// the line or begins to fill it: from telling bytes or askFrames on.
	askFrames = flight / 4
	// mostFrames may be in flight; one Take may give a frame for each of
	// several pictures, all sent without asking again.
	mostFrames = flight * 3 / 4
	// idleSlice is the time on the line that refinement may take before what
	// is new gets its turn. What is in flight falls by a whole slice at a time: with
	// 20 ms, a line of 40 ms was empty for up to a fifth of the time. idleLeast keeps
	// it going on the slowest line, in bytes.
	idleSlice = 10 * time.Millisecond
	idleLeast = 2 << 10
	// idleGain over the bandwidth-delay product, once the line is known, and a
	// slice, while the next is encoded: just enough that it never runs empty.
	idleGain = 1.06
	idleMost = 512 << 10
)

// Pacer follows one stream of frames. The zero value is ready.
type Pacer struct {
	sent     [flight]sentFrame // ring, oldest at head
	head, n  int
	inFlight int // bytes

	delivered int64     // bytes acknowledged so far
	since     time.Time // of the last acknowledgement, or when the line last began to be used
	fresh     bool      // since then nothing was acknowledged
	emptied   time.Time // when a frame that found the line empty was last shown
	drain     bool      // the line has to be emptied to see its round trip again
	filled    time.Time // when a frame that waited behind another was last shown
	settled   bool      // that is not long ago

	// Whether the line was full once, as BBR finds out: while it is not, each
	// round trip that was not short of frames delivers clearly more than the
	// one before.
	full    bool
	flat    int     // rounds in a row in which the rate did not grow
	highest float64 // rate when it grew last
	round   int64   // the round ends with a frame sent when so much was delivered
	limited bool    // in this round frames had to wait

	rates   best
	trips   best
	rate    float64       // the best of rates, and
	fastest sample        // of trips, and
	base    time.Duration // that frame's trip without its own bytes; see learn
	smooth  time.Duration // mean round trip, 1/8 new
	took    time.Duration // what the viewer needs for a frame that is worth mentioning, of late the longest
	perByte float64       // and for a byte of such, in seconds, 1/8 new
}

type sentFrame struct {
	number    uint8
	bytes     int
	ahead     int // bytes in flight when it was sent
	at        time.Time
	delivered int64 // and since, fresh: of the Pacer when it was sent
	since     time.Time
	fresh     bool
}

// Ask tells whether a frame of so many bytes, if sent now, needs its
// acknowledgement at once. Those of the others may come late and merged.
func (p *Pacer) Ask(bytes int) bool {
	return p.inFlight+bytes >= telling || p.n+1 >= askFrames
}

// Sent notes that a frame of so many bytes was written at now. Numbers count
// up, modulo 64.
func (p *Pacer) Sent(number uint8, bytes int, now time.Time) {
	number %= flight
	if p.n == flight { // more pictures at once than anybody has
		p.drop()
	}
	if p.n == 0 {
		p.since, p.fresh = now, true
	}
	p.sent[(p.head+p.n)%flight] = sentFrame{number, bytes, p.inFlight, now, p.delivered, p.since, p.fresh}
	p.n++
	if p.inFlight += bytes; p.inFlight > p.Limit() {
		p.limited = true
	}
}

func (p *Pacer) drop() {
	p.inFlight -= p.sent[p.head].bytes
	p.head = (p.head + 1) % flight
	p.n--
}

// Shown notes that a frame, and with it all before it, was acknowledged at now,
// less the time that the viewer held the acknowledgement back; it took the viewer
// so long to decode and draw it. It gives the frame's round trip, or false for a
// number that is not in flight (which a hostile viewer may well send).
func (p *Pacer) Shown(number uint8, now time.Time, took time.Duration) (time.Duration, bool) {
	number %= flight
	i := 0
	for i < p.n && p.sent[(p.head+i)%flight].number != number {
		i++
	}
	if i == p.n {
		return 0, false
	}
	f := p.sent[(p.head+i)%flight]
	before := p.inFlight
	for range i + 1 {
		p.drop()
	}
	trip := max(now.Sub(f.at), 0)
	took = min(max(took, 0), trip)
	p.decodes(f.bytes, took)
	p.trips.add(sample{-(trip - took).Seconds(), f.bytes}, now)
	p.learn()
	p.measure(f, before-p.inFlight, trip-took, now)
	p.learn()
	p.fill(f)
	p.since, p.fresh = now, false
	if p.smooth == 0 {
		p.smooth = trip
	}
	p.smooth += (trip - p.smooth) / 8
	p.look(f, now)
	return trip, true
}

// decodes notes how long the viewer needed for a frame. Small ones say nothing:
// their acknowledgements are not waited for.
func (p *Pacer) decodes(bytes int, took time.Duration) {
	if bytes < telling {
		return
	}
	p.took = max(took, p.took-p.took/8)
	p.perByte += (took.Seconds()/float64(bytes) - p.perByte) / 8
}

// fill counts round trips until the line was full once.
func (p *Pacer) fill(f sentFrame) {
	if p.full || f.delivered < p.round {
		return
	}
	p.round = p.delivered
	switch {
	case p.rate >= growing*p.highest:
		p.highest, p.flat = p.rate, 0
	case p.limited:
		p.flat++
		p.full = p.flat >= flatRounds
	}
	p.limited = false
}

// learn draws the conclusions of all samples.
func (p *Pacer) learn() {
	p.fastest = p.trips.of(window)
	p.rate = p.rates.of(max(rateTrips*p.fastest.trip(), rateLeast)).v
	p.base = p.fastest.trip()
	if p.rate > 0 {
		p.base = max(p.base-onLine(p.fastest.bytes, p.rate), 0)
	}
}

// onLine is how long so many bytes take at a rate.
func onLine(bytes int, rate float64) time.Duration {
	return time.Duration(float64(bytes) / rate * 1e9)
}

// look makes sure that the line is seen empty and full now and then. On one
// that is always in use our own queue would pass for the path, the limit would
// grow with it, and the queue with the limit. On one that is never full, its
// length would pass for slowness.
func (p *Pacer) look(f sentFrame, now time.Time) {
	if f.ahead <= trickle || p.emptied.IsZero() {
		p.emptied, p.drain = now, false
	}
	if now.Sub(p.emptied) > window {
		p.drain = true
	}
	if now.Sub(p.filled) > window {
		p.settled = false
	}
}

// measure takes a sample of the delivery rate, now that so many bytes were
// acknowledged, f's the last of them.
//
// A frame that was alone on the line took its trip less the path's. While
// several were in flight it is the bytes delivered since the frame was sent
// over that time (as BBR's delivery rate sample): the line's rate if the frame
// had to wait behind others, else only a lower bound, because perhaps there was
// nothing more to send.
func (p *Pacer) measure(f sentFrame, bytes int, trip time.Duration, now time.Time) {
	p.delivered += int64(bytes)
	span := p.delivered - f.delivered
	if span < telling {
		return
	}
	before := p.rate
	rate := perSecond(span, now.Sub(f.since))
	exact := false
	switch {
	case before == 0: // anything is more
	case f.ahead > 0:
		if exact = p.heavy(f) && p.waited(f, trip); exact {
			p.filled, p.settled = now, true
			if f.fresh { // the line was empty before: the time of the path is not its own
				rate = max(rate, perSecond(int64(bytes), max(now.Sub(p.since), trip/4)))
			}
		}
	case f.bytes >= telling:
		took := trip - p.base
		exact = took > trip/4 && p.heavy(f)
		rate = perSecond(int64(f.bytes), max(took, trip/4))
	}
	if exact || rate > before {
		p.rates.add(sample{rate, f.bytes}, now)
	}
}

// heavy tells whether a frame found the line so full, or made it so, that its
// delivery may prove the line slower than was thought. While the encoder gives
// less than the line takes, a late acknowledgement says more about a busy
// viewer, and believing it makes the frames smaller and the next one worse.
func (p *Pacer) heavy(f sentFrame) bool {
	return p.base < far || f.ahead+f.bytes >= p.Limit()*3/4
}

// waited tells whether a frame took clearly longer than it would have taken
// alone.
func (p *Pacer) waited(f sentFrame, trip time.Duration) bool {
	alone := p.fastest.trip() + onLine(f.bytes-p.fastest.bytes, p.rate)
	return trip > alone*9/8
}

func perSecond(bytes int64, took time.Duration) float64 {
	return float64(bytes) / max(took, shortest).Seconds()
}

// Ready tells whether another frame may be encoded and sent now.
func (p *Pacer) Ready() bool {
	switch {
	case p.n == 0:
		return true
	case p.n >= mostFrames || p.crowded():
		return false
	case p.drain:
		return p.inFlight < trickle // small frames do not keep the line busy
	case !p.settled && p.behindNewest() < telling:
		return true // two frames tell the line's rate from its length
	case p.n == 1 && p.brief(p.inFlight) && p.sent[p.head].ahead == 0 && p.smooth < near:
		return true // one is decoded while the next is encoded
	}
	return p.inFlight <= p.Limit()
}

// brief tells whether so many bytes are soon on the line.
func (p *Pacer) brief(bytes int) bool {
	return bytes <= start || p.rate > 0 && onLine(bytes, p.rate) <= far
}

// crowded tells whether more is in flight than the viewer can decode until the
// newest frame arrives, and one frame more: the others would wait there.
func (p *Pacer) crowded() bool {
	if p.n < 2 || p.inFlight < telling {
		return false
	}
	return float64(p.behindNewest())*p.perByte > (p.base + p.took).Seconds()
}

// behindNewest is what is in flight before the newest frame, in bytes.
func (p *Pacer) behindNewest() int {
	return p.inFlight - p.sent[(p.head+p.n-1)%flight].bytes
}

// ReadyIdle tells whether a slice of refinement may be sent now. The line is
// kept busy and no more than that: what is new must not queue behind it.
func (p *Pacer) ReadyIdle() bool {
	switch {
	case p.n == 0:
		return true
	case p.n >= mostFrames || p.crowded():
		return false
	case p.drain:
		return p.inFlight < telling
	case p.rate == 0:
		return p.inFlight <= p.Limit()
	case p.base < far:
		return p.behindNewest() < telling // one is decoded while the next is encoded
	}
	limit := p.Limit()
	if p.settled {
		limit = int(float64(limit)/gain*idleGain) + p.IdleBudget()
	}
	return p.inFlight <= limit
}

// IdleBudget is how many bytes a slice of refinement may cost.
func (p *Pacer) IdleBudget() int {
	if p.rate == 0 {
		return start / 4
	}
	b := p.rate * idleSlice.Seconds()
	if !p.full {
		b *= firstGain // the line is faster than it looks
	}
	return int(min(max(b, idleLeast), idleMost))
}

// Limit is how many bytes may be in flight before the next frame: 1.25 times
// bandwidth times round trip, on a far line with the time of one frame at the
// viewer. A single frame is always allowed (Ready).
func (p *Pacer) Limit() int {
	if p.rate == 0 { // some small first frames and their details may be what one large one may be
		return start - start/4
	}
	trip := p.base
	if trip >= far {
		trip += min(p.took, trip)
	}
	g := gain
	switch {
	case !p.full:
		g = firstGain
	case !p.settled:
		g = againGain
	}
	return int(min(max(g*p.rate*trip.Seconds(), trickle), flightMost))
}

// Budget is how many bytes the next frame may cost: a slice of the line's time,
// and on a far line no more than lets two frames be on their way.
func (p *Pacer) Budget() int {
	if p.rate == 0 {
		return start
	}
	b := p.rate * slice.Seconds()
	if p.base >= far {
		b = min(b, float64(p.Limit())/2)
	}
	b = min(max(b, least), most)
	if !p.full {
		// A viewer that still opens its window makes every line look slow; with
		// frames of least it would take a dozen round trips to find out.
		b = max(b, start/2)
	}
	if !p.settled && p.full {
		b /= 2 // two of them are sent at once
	}
	if p.n == 0 && p.smooth > 0 && p.smooth < near {
		// What comes back so soon waits for nothing: a line that carried only small
		// frames of late is not slow. If it is, the next acknowledgement tells.
		b = max(b, start)
	}
	return int(b)
}

// Rate is the largest delivery rate of the last round trips in bytes per
// second, zero while none is known.
func (p *Pacer) Rate() float64 { return p.rate }

// MinRTT is the round trip of the path, of the decoder and of the viewer's
// screen, without the time that a frame's bytes take on the line. Zero: none
// is known yet.
func (p *Pacer) MinRTT() time.Duration { return p.base }

// RTT is a running mean of the round trips.
func (p *Pacer) RTT() time.Duration { return p.smooth }

// InFlight tells how many frames and bytes have not been acknowledged.
func (p *Pacer) InFlight() (frames, bytes int) { return p.n, p.inFlight }

// Forget starts afresh: the frames in flight were lost with their path, and
// what was learned of that path says nothing about the next.
func (p *Pacer) Forget() { *p = Pacer{} }
