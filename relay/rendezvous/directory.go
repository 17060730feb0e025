package rendezvous

import (
	"net/netip"
	"sync"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"
)

// registration is one live number.
//
//	         REGISTER                     expires, RELEASE, replaced
//	(free) ────────────► live ──────────────────────────────────────► held ── 24 h ──► (free)
//	                     ▲  │ REGISTER by the holder: expires later      │
//	                     └──┘                                            │
//	                     ▲      REGISTER by the last holder              │
//	                     └───────────────────────────────────────────────┘
//
// A claim with an older lease moves a live number from one peer to another: see
// the package comment on restarts.
type registration struct {
	number  string
	peer    p2p.ID
	source  netip.Prefix
	since   time.Time // first given to peer; whole ms, as leases carry it
	expires time.Time
	calls   window // look-ups, 1 h
}

// held is a number after its death.
type held struct {
	peer  p2p.ID // the only one who may have it
	until time.Time
}

// maxHeld bounds the memory of dead numbers. Only who has the token can fill it,
// at NewPerHour per source.
const maxHeld = 1 << 16

// directory is the relay's book of numbers; the protocol around it is Server's.
// It starts no goroutine: what has expired is swept out when somebody asks.
type directory struct {
	limits    Limits // static, all set
	leaseKey  [32]byte
	connected func(p2p.ID) bool // may be nil; called under mu, must not call back

	mu       sync.Mutex // guards all below
	byNumber map[string]*registration
	byPeer   map[p2p.ID]*registration // same registrations
	held     map[string]held
	sources  sources
}

func newDirectory(l Limits, key [32]byte, connected func(p2p.ID) bool) *directory {
	return &directory{
		limits: l.withDefaults(), leaseKey: key, connected: connected,
		byNumber: make(map[string]*registration), byPeer: make(map[p2p.ID]*registration),
		held: make(map[string]held), sources: make(sources),
	}
}

// caller is who asks: proven by libp2p, except that a source may be unknown.
type caller struct {
	peer    p2p.ID
	source  netip.Prefix
	trusted bool // its source counts for nothing: a reverse proxy, an office
}

// register gives c a number, or renews it, and returns the lease. fresh: it
// is not a renewal. Errors: ErrTaken, *digitsError, *LimitError.
func (d *directory) register(now time.Time, c caller, number string, lease []byte) (given []byte, fresh bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweepLocked(now)
	if own := d.byPeer[c.peer]; own != nil && own.number == number {
		return d.renewLocked(now, own), false, nil
	}
	since, mine := d.rightLocked(now, c.peer, number, lease)
	if want := digits(d.othersLocked(c.peer)); len(number) < want && !mine {
		return nil, false, &digitsError{want}
	}
	if holder := d.byNumber[number]; holder != nil {
		if !mine || !since.Before(holder.since) {
			return nil, false, ErrTaken
		}
		d.dropLocked(holder) // and not held for it: the number was never its own
	} else if h, ok := d.held[number]; ok && now.Before(h.until) && !mine {
		return nil, false, ErrTaken
	}
	if err := d.roomLocked(now, c); err != nil {
		return nil, false, err
	}
	if err := d.chargeLocked(now, c, mine); err != nil {
		return nil, false, err
	}
	if own := d.byPeer[c.peer]; own != nil {
		d.endLocked(now, own)
	}
	delete(d.held, number)
	r := &registration{number: number, peer: c.peer, source: c.source, since: since}
	d.byNumber[number], d.byPeer[c.peer] = r, r
	return d.renewLocked(now, r), true, nil
}

// rightLocked tells since when the number belongs to p, and whether that is
// earlier than now, proven by a lease or by our own memory.
func (d *directory) rightLocked(now time.Time, p p2p.ID, number string, lease []byte) (since time.Time, mine bool) {
	c, ok := openClaim(&d.leaseKey, lease)
	if ok && c.peer == p && c.number == number && now.Before(c.expires) {
		return c.since, true
	}
	return now.Truncate(time.Millisecond), d.held[number].peer == p
}

// roomLocked makes sure that one more number may live, beside those of others. A
// registration whose peer has gone without a word gives way first: its lease lets
// it come back, and a crashed host must not lock its successor out for 10 minutes.
func (d *directory) roomLocked(now time.Time, c caller) error {
	for {
		all, near := 0, 0
		var gone, goneNear *registration
		for p, r := range d.byPeer {
			if p == c.peer {
				continue
			}
			isGone, isNear := d.connected != nil && !d.connected(p), r.source == c.source
			all++
			if isGone && (gone == nil || r.expires.Before(gone.expires)) {
				gone = r
			}
			if isNear {
				near++
			}
			if isNear && isGone && (goneNear == nil || r.expires.Before(goneNear.expires)) {
				goneNear = r
			}
		}
		victim := gone
		switch {
		case !c.trusted && reached(near, d.limits.LivePerSource):
			victim = goneNear
		case !reached(all, d.limits.Live):
			return nil
		}
		if victim == nil {
			return &LimitError{Wait: time.Minute}
		}
		d.endLocked(now, victim)
	}
}

// chargeLocked counts a new number against its source; a number claimed again is free.
func (d *directory) chargeLocked(now time.Time, c caller, mine bool) error {
	if c.trusted || mine || d.limits.NewPerHour < 0 {
		return nil
	}
	s := d.sources.get(now, c.source)
	if w := s.given.wait(now, d.limits.NewPerHour, time.Hour); w > 0 {
		return &LimitError{Wait: w}
	}
	s.given.add(now, time.Hour)
	return nil
}

func (d *directory) renewLocked(now time.Time, r *registration) []byte {
	r.expires = now.Add(LeaseTime)
	return claim{r.number, r.peer, r.since, r.expires}.seal(&d.leaseKey)
}

// lookup returns who has the number. Errors: ErrUnknown, *LimitError.
func (d *directory) lookup(now time.Time, c caller, number string) (p2p.ID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweepLocked(now)
	s := new(source)
	if !c.trusted {
		s = d.sources.get(now, c.source)
	}
	if w := s.askWait(now, &d.limits); w > 0 {
		return "", &LimitError{Wait: w}
	}
	if !c.trusted && (d.limits.LookupsPerMin >= 0 || d.limits.LookupsPerHour >= 0) {
		s.lookups.add(now, time.Hour)
	}
	r := d.byNumber[number]
	if r == nil {
		s.noteWrong(now, &d.limits)
		return "", ErrUnknown
	}
	if w := r.calls.wait(now, d.limits.CallsPerHour, time.Hour); w > 0 {
		return "", &LimitError{Wait: w}
	}
	if d.limits.CallsPerHour >= 0 {
		r.calls.add(now, time.Hour)
	}
	return r.peer, nil
}

// release ends p's number, if it still is this one.
func (d *directory) release(now time.Time, p p2p.ID, number string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweepLocked(now)
	r := d.byPeer[p]
	if r == nil || r.number != number {
		return false
	}
	d.endLocked(now, r)
	return true
}

// live reports whether p has a number now.
func (d *directory) live(now time.Time, p p2p.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.byPeer[p]
	return r != nil && now.Before(r.expires)
}

// count returns how many numbers live and how many digits a new one needs.
func (d *directory) count(now time.Time) (live, want int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweepLocked(now)
	return len(d.byPeer), digits(len(d.byPeer))
}

func (d *directory) othersLocked(p p2p.ID) int {
	if d.byPeer[p] != nil {
		return len(d.byPeer) - 1
	}
	return len(d.byPeer)
}

// sweepLocked ends what has expired.
func (d *directory) sweepLocked(now time.Time) {
	for _, r := range d.byPeer {
		if !now.Before(r.expires) {
			d.endLocked(r.expires, r)
		}
	}
}

// endLocked ends a registration and holds its number back for its last holder.
func (d *directory) endLocked(at time.Time, r *registration) {
	d.dropLocked(r)
	if len(d.held) >= maxHeld {
		d.forgetLocked(at)
	}
	d.held[r.number] = held{r.peer, at.Add(HoldTime)}
}

// forgetLocked makes room among the dead numbers: first those whose time is over
// (register checks the time itself, so they lie here only for memory), then any.
func (d *directory) forgetLocked(now time.Time) {
	for n, h := range d.held {
		if !now.Before(h.until) {
			delete(d.held, n)
		}
	}
	for n := range d.held {
		if len(d.held) <= maxHeld*3/4 {
			return
		}
		delete(d.held, n)
	}
}

func (d *directory) dropLocked(r *registration) {
	delete(d.byNumber, r.number)
	delete(d.byPeer, r.peer)
}

// digits is D: the smallest number >= 5 with 1000 x live < 10^D.
func digits(live int) int {
	d, space := MinDigits, 100_000
	for 1000*live >= space && d < MaxDigits {
		d, space = d+1, space*10
	}
	return d
}

func reached(n, limit int) bool { return limit >= 0 && n >= limit }
