package codec

import "time"

// history is what an encoder remembers of one tile.
type history struct {
	changed time.Duration // since the encoder's birth, when the tile's content came last
	beaten  time.Duration // the same on the clock that leaves out what encoding took; see workMost
	heat    float32       // how often it changed of late, see beat
	film    bool          // coded with loss when it was last looked at
	once    bool          // it came with the picture and has not changed since
	cost    uint16        // bytes, when it was last coded as text
}

// A tile's heat rises by one with each change and halves in each heatHalf. One
// that changes thirty times a second comes to about 11, one that changes ten
// times to 4, a line of a terminal that scrolls by once a second to 1.
const (
	heatHalf = 250 * time.Millisecond
	hot      = 3 // four changes within half a second
)

// beat notes a change, at a time on both clocks.
func (t *history) beat(now, beat time.Duration) {
	t.once = t.heat == 0 // which it is at first only
	t.heat = t.cooled(beat) + 1
	t.changed, t.beaten = now, beat
}

// moving tells that the tile is one of a film that plays.
func (t *history) moving() bool { return t.film && t.heat > hot }

// cooled is the heat now, on the second clock.
func (t *history) cooled(now time.Duration) float32 {
	h := t.heat
	for past := now - t.beaten; past >= heatHalf/4; past -= heatHalf / 4 {
		if h *= 0.84; h < 0.05 { // the fourth root of one half
			return 0
		}
	}
	return h
}
