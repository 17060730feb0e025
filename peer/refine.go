package peer

import (
	"time"

	"sightline/screen"
	"sightline/screen/codec"
)

const (
	// quiet is how long a picture rests before its details follow: a person
	// does not miss them in what moves.
	quiet = 150 * time.Millisecond
	// busyFor is how long a picture waits for that; beside a film the rest is
	// refined in one slice after the other. Which tiles rest the codec knows.
	busyFor = time.Second
	// idleCPU is a slice's time of encoding: what is new waits no longer. Each
	// slice costs some 2 ms beside.
	idleCPU = 16 * time.Millisecond
	// retryFirst is the pause after a slice in which the codec found nothing
	// that rests, doubled each time up to retryMost.
	retryFirst = 50 * time.Millisecond
	retryMost  = 2 * time.Second
)

// detail is where the refinement of one picture stands.
type detail struct {
	id      screen.PictureID
	changed time.Time     // last frame with news
	rough   time.Time     // since when it waits for a slice
	again   time.Time     // not before
	pause   time.Duration // the last one, after a slice that found nothing
}

// look takes over the pictures of a new layout.
func (c *cast) look(l *screen.Layout) {
	before := c.detail
	c.detail = nil
	for _, q := range l.Pictures {
		d := detail{id: q.ID}
		for _, old := range before {
			if old.id == q.ID {
				d = old
			}
		}
		c.detail = append(c.detail, d)
	}
}

// changed notes that news of a picture are about to be sent.
func (c *cast) changed(id screen.PictureID, now time.Time) {
	for i := range c.detail {
		if d := &c.detail[i]; d.id == id {
			if d.changed.IsZero() { // a picture that nobody here has seen move
				d.changed = now.Add(-quiet)
			} else {
				d.changed = now
			}
			if c.enc.Exact(id) {
				d.rough = now
			}
			d.again, d.pause = time.Time{}, 0
		}
	}
}

// isExact tells whether every picture at the viewer is as it should be, as far
// as it was sent.
func (c *cast) isExact() bool {
	for i := range c.detail {
		if !c.enc.Exact(c.detail[i].id) {
			return false
		}
	}
	return true
}

// due is when the picture's next slice may be sent.
func (d *detail) due() time.Time {
	due := d.changed.Add(quiet)
	if busy := d.rough.Add(busyFor); busy.Before(due) {
		due = busy
	}
	if d.again.After(due) {
		due = d.again
	}
	return due
}

// refine adds one slice of the details that are due. If none is, pause says
// when one will be; 0: when something else happens.
func (c *cast) refine(u *update, w wish) (tried bool, pause time.Duration, err error) {
	d, pause := c.nextDetail(time.Now())
	if d == nil {
		return false, pause, nil
	}
	frame := c.pics.Frame(d.id)
	if !w.idle || frame == nil { // an acknowledgement or a frame is on its way
		return false, 0, nil
	}
	u.idle = true
	b := codec.Budget{Bytes: w.idleBytes, CPU: idleCPU, First: w.first, Idle: true}
	_, err = c.encode(u, &screen.Change{Picture: d.id, Frame: frame}, b, true)
	now := time.Now()
	d.rough = now
	if len(u.parts) > 0 || err != nil {
		d.again, d.pause = time.Time{}, 0
		return true, 0, err
	}
	d.pause = min(max(2*d.pause, retryFirst), retryMost)
	d.again = now.Add(d.pause)
	return true, 0, nil // another picture may be due
}

// nextDetail is the first picture whose slice is due, or nil and how long
// until there is one; 0: every picture is exact.
func (c *cast) nextDetail(now time.Time) (*detail, time.Duration) {
	var soonest time.Duration
	for i := range c.detail {
		d := &c.detail[i]
		if c.enc.Exact(d.id) {
			continue
		}
		wait := d.due().Sub(now)
		if wait <= 0 {
			return d, 0
		}
		if soonest == 0 || wait < soonest {
			soonest = wait
		}
	}
	return nil, soonest
}
