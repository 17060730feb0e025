package peer

import (
	"time"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/codec"
)

const (
	// quiet is how long a picture rests before its details follow: a person
	// does not miss them in what moves. A little more than the codec lets a tile rest, or
	// the first slice would find nothing.
	quiet = 152 * time.Millisecond
	// smallNews are those of less than this part of the picture, one in so many.
	smallNews = 64
	// sumAfter is how long an exact picture rests before it is summed up, which costs each
	// side a millisecond; not between the letters that somebody types.
	sumAfter = time.Second
	// busyFor is how long a picture waits for that if what changes leaves no room.
	// Which tiles rest the codec knows.
	busyFor = time.Second
	// Beside a film each of its frames is followed by a slice that takes a part of
	// the time and of the line that the film leaves, so what rests becomes exact
	// steadily and no frame comes late.
	filmShare = 4
	// leastSlice and leastBytes are what a slice is worth beginning for.
	leastSlice = time.Millisecond
	leastBytes = 512
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
	whole   bool          // all of it was sent, if roughly
	changed time.Time     // last frame with news
	at      time.Time     // when that was captured
	rough   time.Time     // since when it waits for a slice
	again   time.Time     // not before
	pause   time.Duration // the last one, after a slice that found nothing

	// Beside a film.
	followed time.Time     // the frame that a slice has followed
	rest     time.Time     // no such slice before
	resting  time.Duration // the last such pause, after a slice that found nothing
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

// changed notes that news of a picture are about to be sent. What an update had no room for
// is no news, and what is small does not hold up the details of all the rest: which tiles rest
// the codec knows.
func (c *cast) changed(ch *screen.Change, now time.Time) {
	at, exact := ch.Frame.At, c.enc.Exact(ch.Picture)
	small := len(ch.Moves) == 0 && smallNews*ch.Damage.Area() < ch.Frame.Rect.Dx()*ch.Frame.Rect.Dy()
	for i := range c.detail {
		d := &c.detail[i]
		if d.id != ch.Picture || !at.IsZero() && at == d.at {
			continue
		}
		d.at = at
		d.again, d.pause = time.Time{}, 0
		switch {
		case !d.whole: // a picture that nobody here has seen move, or the rest of it
			d.changed = now.Add(-quiet)
		case exact || !small:
			d.changed = now
		}
		if exact {
			d.rough = now
		}
	}
}

// sent notes how much of a picture's news an update had no room for.
func (c *cast) sent(id screen.PictureID, rest screen.Region) {
	for i := range c.detail {
		if d := &c.detail[i]; d.id == id && rest.Empty() {
			d.whole = true
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
func (d *detail) due(share time.Duration, now time.Time) time.Time {
	due := d.changed.Add(quiet)
	if share > 0 && d.followed != d.changed && !now.Before(d.rest) && now.Sub(d.changed) < share {
		return d.changed
	}
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
	now := time.Now()
	share, bytes := c.gait.left(w)
	d, pause := c.nextDetail(share, now)
	if d == nil {
		return false, pause, nil
	}
	if c.enc.Exact(d.id) {
		return c.sum(u, d.id, w), 0, nil
	}
	frame := c.pics.Frame(d.id)
	if !w.idle || frame == nil { // an acknowledgement or a frame is on its way
		return false, 0, nil
	}
	u.idle = true
	b := codec.Budget{Bytes: w.idleBytes, CPU: idleCPU, First: w.first, Idle: true}
	following := share > 0 && now.Before(d.changed.Add(quiet)) && d.followed != d.changed
	if following {
		b.Bytes, b.CPU, d.followed = min(b.Bytes, bytes), min(b.CPU, share), d.changed
	}
	_, err = c.encode(u, &screen.Change{Picture: d.id, Frame: frame}, b, true)
	now = time.Now()
	if following {
		if d.resting = min(max(2*d.resting, retryFirst), busyFor); len(u.parts) > 0 {
			d.resting = 0
		}
		d.rest = now.Add(d.resting)
		return true, 0, err
	}
	d.rough = now
	if len(u.parts) > 0 || err != nil {
		d.again, d.pause = time.Time{}, 0
		return true, 0, err
	}
	d.pause = min(max(2*d.pause, retryFirst), retryMost)
	d.again = now.Add(d.pause)
	return true, 0, nil // another picture may be due
}

// sum adds what lets the viewers find out that their picture is not what it should
// be, once it stands still.
func (c *cast) sum(u *update, id screen.PictureID, w wish) (tried bool) {
	tiles, ok := c.enc.(*codec.TilesEncoder)
	if !ok || !w.idle {
		return false
	}
	u.idle = true
	u.buf = tiles.Sum(u.buf, id)
	u.add(wire.TypeFrame, nil)
	u.parts[len(u.parts)-1].exact = !c.tap.Owes() && c.isExact()
	return true
}

// isSure tells whether nothing is left to say of a picture that stands still.
func (c *cast) isSure(id screen.PictureID) bool {
	if tiles, ok := c.enc.(*codec.TilesEncoder); ok {
		return tiles.Sure(id)
	}
	return c.enc.Exact(id)
}

// nextDetail is the first picture whose slice is due, or nil and how long
// until there is one; 0: every picture is exact, and was summed up.
func (c *cast) nextDetail(share time.Duration, now time.Time) (*detail, time.Duration) {
	var soonest time.Duration
	for i := range c.detail {
		d := &c.detail[i]
		due := d.changed.Add(sumAfter)
		if c.isSure(d.id) {
			continue
		} else if !c.enc.Exact(d.id) {
			due = d.due(share, now)
		}
		wait := due.Sub(now)
		if wait <= 0 {
			return d, 0
		}
		if soonest == 0 || wait < soonest {
			soonest = wait
		}
	}
	return nil, soonest
}
