package peer

import (
	"image"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/codec"
)

// cast makes updates of the pictures, each once for all the viewers that keep
// in step: its members. Whoever of them is ready first makes the next update,
// with the budget of its own line; the others find it in the log.
//
//	a new viewer ──► a cast of its own
//	everything settled in two casts ──► one cast, its encoder begins to learn anew
//	both go on with a film, in step ──► the same, after a key picture (meet.go)
//	a member falls behind the log ──► a cast of its own, with a clone of the encoder
type cast struct {
	id   uint64 // locks are taken in this order
	tap  *screen.Tap
	load *load // of the host; nil: nobody asks

	mu      sync.Mutex // held while encoding: all members wait for the same bytes
	enc     codec.Encoder
	pics    screen.Pictures
	detail  []detail             // of the pictures in the layout
	members map[*picture]*member // who left is not in it
	next    uint64               // number of the update that is made next
	log     [castLog]update      // the last ones, at their number modulo castLog
	gait    gait
	pointer pointer
}

// castLog is how many updates a member may be behind.
const castLog = 4

// member is where a viewer stands.
type member struct {
	owed  []update // of the cast that it was a member of before
	at    uint64   // the update that it needs after those
	bytes int      // what it may be behind
}

// behindAtFirst is what a member may be behind, in bytes, before its line is
// known.
const behindAtFirst = 256 << 10

// update is what all members are sent at once: the bodies of messages, one
// after the other in buf.
type update struct {
	parts []part
	buf   []byte
	took  time.Duration // to encode it
	loose int           // bytes that went before it without a frame
	idle  bool          // nothing new, only more exact
}

type part struct {
	kind  wire.Type
	end   int  // in buf; it begins where the one before ends
	exact bool // of a frame: the picture is the host's once it is shown
}

func (u *update) reset() { *u = update{parts: u.parts[:0], buf: u.buf[:0]} }

func (u *update) copy(v *update) {
	*u = update{parts: append(u.parts[:0], v.parts...), buf: append(u.buf[:0], v.buf...), took: v.took, loose: v.loose, idle: v.idle}
}

func (u *update) add(kind wire.Type, body []byte) {
	u.buf = append(u.buf, body...)
	u.parts = append(u.parts, part{kind: kind, end: len(u.buf)})
}

// wish is what a member's line can take.
type wish struct {
	bytes     int             // of an update with news
	rate      float64         // of the line, in bytes a second; 0: not known
	idle      bool            // it may be sent refinement
	idleBytes int             // of one
	first     image.Rectangle // what its viewer looks at
}

var casts atomic.Uint64 // how many there were

// newCast makes one that owes everything to its only member.
func newCast(enc codec.Encoder, tap *screen.Tap, load *load, p *picture) *cast {
	c := &cast{id: casts.Add(1), tap: tap, load: load, enc: enc, members: map[*picture]*member{p: {bytes: behindAtFirst}}}
	p.cast.Store(c)
	if p.left.Load() {
		p.leave()
	}
	return c
}

// lockCast finds the cast that p is a member of, and locks it; nil: p has left
// for good.
func (p *picture) lockCast() *cast {
	for {
		c := p.cast.Load()
		c.mu.Lock()
		if c.members[p] != nil {
			return c
		}
		c.mu.Unlock() // it was cut off, or joined another one, meanwhile
		if p.left.Load() {
			return nil
		}
	}
}

// leaveForGood leaves, also what p may be about to enter.
func (p *picture) leaveForGood() {
	p.left.Store(true)
	p.leave()
}

// leave ends p's membership. The last one closes the tap.
func (p *picture) leave() {
	c := p.lockCast()
	if c == nil {
		return
	}
	defer c.mu.Unlock()
	delete(c.members, p)
	if len(c.members) == 0 {
		c.tap.Close()
	}
	c.nudgeLocked(p) // it may have taken a wake-up along
}

// nudge wakes all members: who was woken did not do what there was to do.
func (c *cast) nudge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nudgeLocked(nil)
}

func (c *cast) nudgeLocked(but *picture) {
	for m := range c.members {
		if m != but {
			signal(m.wake)
		}
	}
}

// take copies the update that p needs next into u: one that was made for
// another member, or a new one. If there is none, pause is when refinement
// should be tried again; 0: when something happens. tried: there was something
// to do, if nothing to send; ask again.
func (c *cast) take(p *picture, w wish, u *update) (found, tried bool, pause time.Duration, err error) {
	m := c.members[p]
	m.bytes = 2 * w.bytes
	if len(m.owed) > 0 {
		u.copy(&m.owed[0])
		m.owed = m.owed[1:]
		return true, true, 0, nil
	}
	if m.at == c.next {
		if found, tried, pause, err = c.make(p, w); !found {
			return false, tried, pause, err
		}
	}
	u.copy(&c.log[m.at%castLog])
	m.at++
	return true, true, 0, nil
}

// make makes the next update from what is new or, if nothing is, from what can
// be refined.
func (c *cast) make(p *picture, w wish) (found, tried bool, pause time.Duration, err error) {
	c.cutOff(p)
	ch, news, err := c.tap.Poll(&c.pics)
	if err != nil {
		return false, false, 0, err
	}
	u := &c.log[c.next%castLog]
	u.reset()
	wait, owed := c.pointer.wait(time.Now())
	if news || owed && wait == 0 {
		tried, err = true, c.news(u, &ch, w)
	} else {
		tried, pause, err = c.refine(u, w)
		pause = sooner(pause, wait)
	}
	if err != nil || len(u.parts) == 0 {
		return false, tried, pause, err
	}
	if news {
		c.gait.step(u, time.Now())
	}
	c.next++
	c.nudgeLocked(p)
	return true, true, 0, nil
}

// news encodes what a Poll found: layout, cursor, pixels.
func (c *cast) news(u *update, ch *screen.Changes, w wish) error {
	if ch.Layout != nil {
		// Pictures that are gone must not stay in the encoder's memory.
		if _, _, err := c.enc.Encode(nil, &screen.Change{Layout: ch.Layout}, codec.Budget{}); err != nil {
			return err
		}
		c.look(ch.Layout)
		u.add(wire.TypeLayout, wire.AppendLayout(nil, layoutInfo(ch.Layout)))
	}
	loose := c.pointer.loose
	if ch.Cursor != nil {
		c.pointer.take(ch.Cursor)
	}
	if wait, owed := c.pointer.wait(time.Now()); ch.Cursor != nil || owed && wait == 0 {
		before := len(u.buf)
		u.buf = c.pointer.append(u.buf, w, time.Now())
		u.add(wire.TypeCursor, nil)
		w.bytes = max(w.bytes-(len(u.buf)-before), w.bytes/4) // the rest is for pixels
	}
	c.gait.behind = false
	for i := range ch.Frames {
		f := &ch.Frames[i]
		c.changed(f, time.Now())
		rest, err := c.encode(u, f, codec.Budget{Bytes: w.bytes, CPU: newsCPU, First: w.first}, i == len(ch.Frames)-1)
		if err != nil {
			return err
		}
		c.tap.Owe(f.Picture, rest)
		c.sent(f.Picture, rest)
		c.gait.behind = c.gait.behind || !rest.Empty()
	}
	c.tether(u, loose)
	return nil
}

// newsCPU is what encoding one update may take, roughly: a page of text that
// is all new comes in pieces, so that it is decoded while it is encoded.
const newsCPU = 40 * time.Millisecond

// encode adds a frame to an update, unless the pixels are what they were. last:
// no other frame follows in it.
func (c *cast) encode(u *update, ch *screen.Change, b codec.Budget, last bool) (rest screen.Region, err error) {
	c.load.note(ch.Damage.Area(), 0)
	began, empty := time.Now(), len(u.buf)
	buf, rest, err := c.enc.Encode(u.buf, ch, b)
	if err != nil {
		return nil, err
	}
	if u.buf = buf; len(buf) > empty {
		u.add(wire.TypeFrame, nil)
		u.parts[len(u.parts)-1].exact = last && rest.Empty() && !c.tap.Owes() && c.isExact()
	}
	took := time.Since(began)
	c.load.note(0, took)
	u.took += took
	return rest, nil
}

// cutOff gives members that fall behind a cast of their own, before the update
// that they need is gone, or before more waits for them than their line should
// have to carry.
func (c *cast) cutOff(maker *picture) {
	for p, m := range c.members {
		if p != maker && m.at < c.next && (c.next-m.at >= castLog || c.pending(m.at) > m.bytes) {
			c.split(p, m)
		}
	}
}

// pending is how many bytes have been made since update n, n included.
func (c *cast) pending(n uint64) (bytes int) {
	for ; n < c.next; n++ {
		bytes += len(c.log[n%castLog].buf)
	}
	return bytes
}

// split lets one member go on by itself from where the cast stands, after what
// it has not been sent yet.
func (c *cast) split(p *picture, m *member) {
	n := &cast{
		id: casts.Add(1), tap: c.tap.Clone(), load: c.load, pics: c.pics.Clone(), detail: slices.Clone(c.detail),
		members: map[*picture]*member{p: m}, next: c.next, pointer: c.pointer,
	}
	n.pointer.buf = nil
	if tiles, ok := c.enc.(*codec.TilesEncoder); ok {
		n.enc = tiles.Clone()
		for at := m.at; at < c.next; at++ {
			n.log[at%castLog].copy(&c.log[at%castLog])
		}
	} else { // nothing else can be cloned
		n.enc, m.at = codec.NewEncoder(), c.next
		n.tap.OweAll()
	}
	p.keepApart(time.Now())
	delete(c.members, p)
	p.cast.Store(n)
	signal(p.wake)
}

// keepApart is how long a viewer that fell behind stays by itself; twice as long
// each time that it falls behind again, for its line may just be slow.
const keepApart = 30 * time.Second

// mostApart is the longest, and how long it must keep in step to be forgiven.
const mostApart = 16 * keepApart

func (p *picture) keepApart(now time.Time) {
	span, until := keepApart, time.Unix(0, p.apart.Load())
	if now.Sub(until) < mostApart {
		span = min(2*time.Duration(p.span.Load()), mostApart)
	}
	span = max(span, keepApart)
	p.span.Store(int64(span))
	p.apart.Store(now.Add(span).UnixNano())
}

// isApart tells whether p must not join another cast.
func (p *picture) isApart() bool { return time.Now().UnixNano() < p.apart.Load() }

// fallInStep joins p's cast with another one, if both have settled: then all
// their viewers see the same, and only what the encoders have learned differs.
func (h *Host) fallInStep(p *picture) {
	if p.isApart() {
		return
	}
	for _, st := range h.all() {
		o, c := st.picture.cast.Load(), p.cast.Load()
		if o != nil && o != c && c.join(o) {
			return
		}
	}
}

// lockBoth locks two casts in the order that all keep to.
func lockBoth(c, o *cast) (unlock func()) {
	if c.id > o.id {
		c, o = o, c
	}
	c.mu.Lock()
	o.mu.Lock()
	return func() { o.mu.Unlock(); c.mu.Unlock() }
}

// join moves the members of c to o. The order of the questions matters: what
// comes to the canvas after c was found to owe nothing, o owes.
func (c *cast) join(o *cast) bool {
	defer lockBoth(c, o)()
	tiles, ok := o.enc.(*codec.TilesEncoder)
	if !ok || len(c.members) == 0 || len(o.members) == 0 || !c.settledLocked() || !o.settledLocked() {
		return false
	}
	tiles.Forget()
	c.moveTo(o, o.next)
	return true
}

// moveTo makes the members of c those of o. After what c still owes them they
// need update at of o.
func (c *cast) moveTo(o *cast, at uint64) {
	for p, m := range c.members {
		for ; m.at < c.next; m.at++ {
			m.owed = append(m.owed, update{})
			m.owed[len(m.owed)-1].copy(&c.log[m.at%castLog])
		}
		m.at = at
		o.members[p] = m
		delete(c.members, p)
		p.cast.Store(o)
		signal(p.wake)
	}
	c.tap.Close()
}

// settledLocked: every member has been sent everything, and it is exact.
func (c *cast) settledLocked() bool {
	for _, m := range c.members {
		if m.at != c.next || len(m.owed) > 0 {
			return false
		}
	}
	return c.next > 0 && c.isExact() && c.tap.Settled() && c.pointer.shape == nil
}
