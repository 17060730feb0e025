package rendezvous

import (
	"net/netip"
	"time"
)

// Limits are the relay's quotas on the directory. A source is one IPv4 address or
// one IPv6 /64, because that is what one subscriber has. Zero means the default in
// brackets; a negative value means no limit.
type Limits struct {
	Live           int // numbers alive at a time, in all [128]
	LivePerSource  int // numbers alive at a time, per source [8]
	NewPerHour     int // numbers given out per source and hour [120]: bounds what is held back for 24 h
	LookupsPerMin  int // look-ups per source and minute [10]
	LookupsPerHour int // look-ups per source and hour [60]
	WrongPerHour   int // look-ups of numbers that do not live, per source and hour [20]; then doubling waits
	CallsPerHour   int // look-ups of one live number per hour, from all sources [30]
}

// Unlimited lifts every limit; for tests and for relays inside one machine.
var Unlimited = Limits{-1, -1, -1, -1, -1, -1, -1}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&l.Live, 128}, {&l.LivePerSource, 8}, {&l.NewPerHour, 120},
		{&l.LookupsPerMin, 10}, {&l.LookupsPerHour, 60}, {&l.WrongPerHour, 20}, {&l.CallsPerHour, 30},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return l
}

const (
	// The wait after the first wrong number too many; it doubles up to maxWrongWait.
	firstWrongWait = time.Minute
	maxWrongWait   = time.Hour
	// After so long without a wrong number a source is a stranger again. Less would
	// hand a patient scanner a fresh 20 tries between two waits of an hour.
	forgetWrong = 24 * time.Hour
	// How many sources are remembered: at most some 2 KiB each.
	maxSources = 8192
)

// sourceOf is the unit that limits count by. An address that is not known (a
// connection without an IP) shares one bucket with all of its kind.
func sourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // an invalid address gives the zero Prefix
	return p
}

// window remembers when things happened, to allow at most n of them in any span.
type window struct{ at []time.Time }

// wait returns how long to wait until there is room for one more; 0: now.
func (w *window) wait(now time.Time, n int, span time.Duration) time.Duration {
	if n < 0 || len(w.at) < n {
		return 0
	}
	return max(0, w.at[len(w.at)-n].Add(span).Sub(now))
}

// add notes one, and forgets what is older than span.
func (w *window) add(now time.Time, span time.Duration) {
	old := 0
	for old < len(w.at) && now.Sub(w.at[old]) >= span {
		old++
	}
	w.at = append(w.at[:copy(w.at, w.at[old:])], now)
}

func (w *window) last() time.Time {
	if len(w.at) == 0 {
		return time.Time{}
	}
	return w.at[len(w.at)-1]
}

// source is what is remembered of one address.
type source struct {
	lookups window // 1 h
	given   window // 1 h: numbers given out
	wrong   window // 1 h
	strikes int    // wrong numbers beyond the limit
	until   time.Time
}

// askWait is the wait that a look-up has to be answered with; 0: go on. A refused
// look-up is not counted and prolongs nothing.
func (s *source) askWait(now time.Time, l *Limits) time.Duration {
	return max(
		s.until.Sub(now),
		s.lookups.wait(now, l.LookupsPerMin, time.Minute),
		s.lookups.wait(now, l.LookupsPerHour, time.Hour),
		0)
}

// noteWrong charges for a number that does not live.
func (s *source) noteWrong(now time.Time, l *Limits) {
	if l.WrongPerHour < 0 {
		return
	}
	if now.Sub(s.wrong.last()) >= forgetWrong {
		s.strikes = 0
	}
	s.wrong.add(now, time.Hour)
	if s.strikes == 0 && len(s.wrong.at) <= l.WrongPerHour {
		return
	}
	s.until = now.Add(min(firstWrongWait<<min(s.strikes, 6), maxWrongWait))
	s.strikes++
}

// idle reports whether forgetting s would change no decision.
func (s *source) idle(now time.Time) bool {
	return now.Sub(s.lookups.last()) >= time.Hour && now.Sub(s.given.last()) >= time.Hour &&
		now.Sub(s.wrong.last()) >= forgetWrong && !now.Before(s.until)
}

// sources is a bounded memory of addresses.
type sources map[netip.Prefix]*source

func (m sources) get(now time.Time, p netip.Prefix) *source {
	if s := m[p]; s != nil {
		return s
	}
	if len(m) >= maxSources {
		m.shrink(now)
	}
	s := new(source)
	m[p] = s
	return s
}

// shrink makes room. If too few are idle, others go (in Go's map order): who has
// thousands of addresses gains nothing by being forgotten at one of them, and
// refusing all newcomers instead would let him lock everybody out.
func (m sources) shrink(now time.Time) {
	for p, s := range m {
		if s.idle(now) {
			delete(m, p)
		}
	}
	for p := range m {
		if len(m) <= maxSources*3/4 { // a quarter at once, or each newcomer would cost a scan
			return
		}
		delete(m, p)
	}
}
