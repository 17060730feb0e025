package peer

import (
	"time"

	"sightline/screen"
	"sightline/screen/codec"
)

// Viewers of two casts in which a film goes on are never done, so they cannot
// simply go on with the same bytes. Casts that keep the same pace meet all the same:
//
//	c, the younger          o
//	catches up: is given    │
//	the pixels that o       │
//	was given               │
//	           └───────────►│ a key picture for all: what still differs, anew
//	                        ▼ one cast

// seekEach is how often a viewer looks for a cast to meet; to compare what two of
// them were shown costs a millisecond.
const seekEach = time.Second

// gait is how a cast walks of late.
type gait struct {
	last    time.Time
	between time.Duration // updates with news, 1/8 new
	bytes   float64       // in one of them, 1/8 new
	took    time.Duration // to encode one, 1/8 new
	behind  bool          // the last one left something over
}

func (g *gait) step(u *update, now time.Time) {
	if !g.last.IsZero() {
		g.between += (now.Sub(g.last) - g.between) / 8
	}
	g.last = now
	g.took += (u.took - g.took) / 8
	g.bytes += (float64(len(u.buf)) - g.bytes) / 8
}

// filmEach is how far apart the updates of a film are at most: what comes less
// often, such as typing, leaves the pauses in which a picture is refined.
const filmEach = 60 * time.Millisecond

// left is the part of the time and of a line that a slice of refinement may take
// after each update with news; 0: they leave nothing, or are no film.
func (g *gait) left(w wish) (share time.Duration, bytes int) {
	share, bytes = (g.between-g.took)/filmShare, (w.bytes-int(g.bytes))/filmShare
	if g.behind || g.between > filmEach || share < leastSlice || bytes < leastBytes {
		return 0, 0
	}
	return share, bytes
}

// fits tells whether two casts walk alike: the slower one would only fall behind.
func (g *gait) fits(o *gait) bool {
	const slack = 10 * time.Millisecond
	return !g.behind && !o.behind && g.between <= o.between*3/2+slack && o.between <= g.between*3/2+slack
}

// seek lets p's cast meet an older one, if there is one that walks alike. p may
// send an update now.
func (h *Host) seek(p *picture, w wish) error {
	now := time.Now()
	if now.Sub(p.sought) < seekEach || p.isApart() {
		return nil
	}
	p.sought = now
	for _, st := range h.all() {
		o, c := st.picture.cast.Load(), p.cast.Load()
		if o == nil || o == c || o.id > c.id {
			continue
		}
		if met, err := c.meet(o, p, w); met || err != nil {
			return err
		}
	}
	return nil
}

// keyTile is what a tile of a key picture costs, in bytes, and a member may be sent
// one that costs keyFor of its line's budgets.
const (
	keyTile = 16
	keyFor  = 8
)

// meet makes the members of c those of o, if they walk alike; p of c asks for it.
func (c *cast) meet(o *cast, p *picture, w wish) (met bool, err error) {
	defer lockBoth(c, o)()
	if !c.mayMeet(o, p) {
		return false, nil
	}
	mine, _ := c.enc.(*codec.TilesEncoder)
	tiles, _ := o.enc.(*codec.TilesEncoder)
	if mine == nil || tiles == nil {
		return false, nil
	}
	n, ok := tiles.Apart(mine)
	if ok && n > 0 {
		err = c.catchUp(o, tiles, p, w)
		n, _ = tiles.Apart(mine)
	}
	if !ok || err != nil || keyTile*n > keyFor*min(c.room(), o.room()) {
		return false, err
	}
	at := o.next
	if n == 0 {
		tiles.Forget()
	} else if err := o.key(tiles, max(w.bytes, keyTile*n)); err != nil {
		return false, err
	}
	c.moveTo(o, at)
	return true, nil
}

// mayMeet: both have been begun and neither will soon leave the other behind. What
// p is sent may follow at once.
func (c *cast) mayMeet(o *cast, p *picture) bool {
	if m := c.members[p]; m == nil || m.at != c.next || len(m.owed) > 0 || len(o.members) == 0 {
		return false
	}
	most := float64(2 * min(c.room(), o.room()))
	return c.next > 0 && o.next > 0 && c.gait.fits(&o.gait) && !c.tap.OwesBeside() && c.pointer.shape == nil && c.gait.bytes <= most && o.gait.bytes <= most
}

// room is the smallest budget among the members, in bytes.
func (c *cast) room() int {
	room := 1 << 30
	for _, m := range c.members {
		room = min(room, m.bytes/2)
	}
	return room
}

// catchUp codes for c's members what o was given and they were not: exactly, where
// nothing moves. The rest stays owed, and with it what the canvas has meanwhile.
func (c *cast) catchUp(o *cast, of *codec.TilesEncoder, p *picture, w wish) error {
	c.cutOff(p)
	u := &c.log[c.next%castLog]
	u.reset()
	for i := range c.detail {
		id := c.detail[i].id
		frame, damage := o.pics.Frame(id), of.ApartIn(id)
		if frame == nil || damage.Empty() {
			continue
		}
		c.tap.Owe(id, damage)
		b := codec.Budget{Bytes: w.bytes, CPU: newsCPU, First: w.first}
		if _, err := c.encode(u, &screen.Change{Picture: id, Frame: frame, Damage: damage}, b, false); err != nil {
			return err
		}
	}
	if len(u.parts) > 0 {
		c.next++
		c.nudgeLocked(nil)
	}
	return nil
}

// key makes an update for those of o and those who join them: in each picture,
// what was found apart.
func (o *cast) key(tiles *codec.TilesEncoder, bytes int) error {
	o.cutOff(nil)
	u := &o.log[o.next%castLog]
	u.reset()
	var apart []screen.PictureID
	for i := range o.detail {
		if id := o.detail[i].id; !tiles.ApartIn(id).Empty() {
			apart = append(apart, id)
		}
	}
	tiles.Meet()
	for _, id := range apart {
		frame := o.pics.Frame(id) // it was sent, so there is one
		rest, err := o.encode(u, &screen.Change{Picture: id, Frame: frame}, codec.Budget{Bytes: bytes}, false)
		if err != nil {
			return err
		}
		o.tap.Owe(id, rest)
	}
	o.next++
	o.nudgeLocked(nil)
	return nil
}
