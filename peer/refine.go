package peer

import (
	"io"
	"time"

	"sightline/screen"
	"sightline/screen/codec"
)

// refiner is an Encoder that sends pictures roughly first and refines them
// when asked to encode nothing new with Budget.Idle.
type refiner interface {
	// Exact is false while some tile of the picture at the viewer is not yet
	// what it should be.
	Exact(screen.PictureID) bool
}

const (
	// quiet is how long a picture rests before its details follow: a person
	// does not miss them in what moves.
	quiet = 150 * time.Millisecond
	// busyFor is how long a picture waits for that; beside a film the rest is
	// refined in one slice after the other. Which tiles rest the codec knows.
	busyFor = time.Second
	// idleCPU is a slice's time of encoding: what is new waits no longer.
	idleCPU = 10 * time.Millisecond
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
func (p *picture) look(l *screen.Layout) {
	if p.rough == nil {
		return
	}
	before := p.detail
	p.detail = nil
	for _, q := range l.Pictures {
		d := detail{id: q.ID}
		for _, old := range before {
			if old.id == q.ID {
				d = old
			}
		}
		p.detail = append(p.detail, d)
	}
}

// changed notes that news of a picture are about to be sent.
func (p *picture) changed(id screen.PictureID, now time.Time) {
	for i := range p.detail {
		if d := &p.detail[i]; d.id == id {
			if d.changed = now; p.rough.Exact(id) {
				d.rough = now
			}
			d.again, d.pause = time.Time{}, 0
		}
	}
}

// isExact tells whether every picture at the viewer is as it should be, as far
// as it was sent.
func (p *picture) isExact() bool {
	for i := range p.detail {
		if !p.rough.Exact(p.detail[i].id) {
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

// refine sends one slice of the details that are due. If none is, pause says
// when one will be; 0: when something else happens.
func (st *seat) refine(s io.Writer, p *picture) (did bool, pause time.Duration, err error) {
	d, pause := p.nextDetail(time.Now())
	if d == nil {
		return false, pause, nil
	}
	p.mu.Lock()
	ready, bytes := p.pacer.ReadyIdle(), p.pacer.IdleBudget()
	p.mu.Unlock()
	frame := p.pics.Frame(d.id)
	if !ready || frame == nil { // an acknowledgement or a frame is on its way
		return false, 0, nil
	}
	b := codec.Budget{Bytes: bytes, CPU: idleCPU, First: st.host.hands.near(st.id), Idle: true}
	sent, _, err := st.encode(s, p, &screen.Change{Picture: d.id, Frame: frame}, b, true)
	now := time.Now()
	d.rough = now
	if sent || err != nil {
		d.again, d.pause = time.Time{}, 0
		return true, 0, err
	}
	d.pause = min(max(2*d.pause, retryFirst), retryMost)
	d.again = now.Add(d.pause)
	return true, 0, nil // another picture may be due
}

// nextDetail is the first picture whose slice is due, or nil and how long
// until there is one; 0: every picture is exact.
func (p *picture) nextDetail(now time.Time) (*detail, time.Duration) {
	var soonest time.Duration
	for i := range p.detail {
		d := &p.detail[i]
		if p.rough.Exact(d.id) {
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
