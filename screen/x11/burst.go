package x11

import "time"

// burst learns how long programs draw at one picture, so that it is read when
// it is whole. A program draws in pieces: a letter, then its cursor, then the
// clock in its corner; a player the frame of its film, then what lies over it.
// Read in between, the first pieces are a frame of their own, encoded and sent
// for nothing, and the others wait until the next may be read.
//
//	damage ───► more damage ─► … quiet ...... damage ─► …
//	│◄──────── lasts ───────►│
//	began                    read now
//
// Whether a reading came too early the next damage tells: what comes so soon
// after it belongs to the same picture.
type burst struct {
	began time.Time     // first damage of the burst that was read last
	read  time.Time     // when it was
	lasts time.Duration // of late, from the first damage to the last

	streak int // readings of late that did not come too early
}

const (
	// burstMost is what is waited for at most, and what comes so soon after a
	// reading is of the same picture. Half a frame's time at 60 a second, less the time
	// of reading: no screen is read less often for it.
	burstMost = 7 * time.Millisecond
	// burstSlack is waited for beyond what is known to come.
	burstSlack = time.Millisecond
	// calm is how long nothing must have changed for a change to be the first of
	// something new, of which is not known how long it lasts: gather, then.
	calm   = 50 * time.Millisecond
	gather = time.Millisecond
	// trust is how many bursts in a row that were read whole make what is
	// foreseen half as long: one in so many is read in vain.
	trust = 64
	// over is how long nothing must have changed for what was learned to be
	// forgotten: something else is going on.
	over = 300 * time.Millisecond
)

// begin tells that damage was noticed at now, for the first time since the last
// reading.
func (b *burst) begin(now time.Time) {
	if b.read.IsZero() {
		return
	}
	switch quiet := now.Sub(b.read); {
	case quiet < burstMost:
		b.lasts = min(max(b.lasts, now.Sub(b.began)+burstSlack), burstMost)
		b.streak = 0
	case quiet >= over:
		b.lasts, b.streak = 0, 0
	default:
		if b.streak++; b.streak%trust == 0 {
			b.lasts /= 2
		}
	}
}

// whole is when the picture will be whole whose first damage was noticed at
// first.
func (b *burst) whole(first time.Time) time.Time {
	wait := b.lasts
	if first.Sub(b.read) >= calm {
		wait = max(wait, gather)
	}
	return first.Add(wait)
}

// end tells that the picture whose first damage was noticed at first was read
// at now. The rest of a burst that was read too early counts from its own
// beginning.
func (b *burst) end(first, now time.Time) { b.began, b.read = first, now }
