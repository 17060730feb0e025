package pace

import "time"

// buckets of a best; together they cover the window.
const buckets = 32

// span is a bucket's time.
const span = window / buckets

// best remembers the best sample of each span of the last 10 s, in little
// memory whatever the number of samples. The zero value is ready.
type best struct {
	in   [buckets]sample
	from [buckets]time.Time // when the bucket was begun; zero: unused
	cur  int
	now  time.Time // of the newest sample
}

// sample is a measurement, the larger v the better, and the size of the frame
// that it was taken from.
type sample struct {
	v     float64
	bytes int
}

// trip of a sample in trips, where v is -seconds.
func (s sample) trip() time.Duration { return time.Duration(-s.v * 1e9) }

func (b *best) add(s sample, now time.Time) {
	b.now = now
	begun := b.from[b.cur]
	if !begun.IsZero() && now.Sub(begun) < span {
		if s.v > b.in[b.cur].v {
			b.in[b.cur] = s
		}
		return
	}
	b.cur = (b.cur + 1) % buckets
	b.in[b.cur], b.from[b.cur] = s, now
}

// of is the best sample of the last time, zero if there is none. It is
// measured against the newest sample and not against a clock, so that silence
// does not make us forget the line.
func (b *best) of(last time.Duration) sample {
	var found sample
	any := false
	for i, from := range b.from {
		if from.IsZero() || b.now.Sub(from) > last {
			continue
		}
		if !any || b.in[i].v > found.v {
			found, any = b.in[i], true
		}
	}
	return found
}
